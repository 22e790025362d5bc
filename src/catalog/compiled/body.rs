//! Default bodies as lists, so that no depth of theirs is a depth of the bytes.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, de::IgnoredAny};

use crate::{catalog::preset::Preset, params::Seed};

/// The deepest default body that is read.
const DEEPEST: usize = 64;

/// One key of a body; an object's members follow it.
#[derive(Serialize, Deserialize)]
struct Entry {
    key: String,
    line: u32,
    content: Content,
}

#[derive(Serialize, Deserialize)]
enum Content {
    /// So many members.
    Object(u32),
    /// JSON text of anything else.
    Leaf(String),
}

impl Serialize for Preset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = Vec::new();
        flatten("", self.seed(), &mut list);
        list.serialize(serializer)
    }
}

fn flatten(key: &str, seed: &Seed, list: &mut Vec<Entry>) {
    let key = key.to_owned();
    match seed {
        Seed::Leaf { json, line } => list.push(Entry { key, line: *line, content: Content::Leaf(json.clone()) }),
        Seed::Object { entries, line } => {
            list.push(Entry { key, line: *line, content: Content::Object(entries.len() as u32) });
            for (key, seed) in entries {
                flatten(key, seed, list);
            }
        }
    }
}

impl<'de> Deserialize<'de> for Preset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut list = Vec::deserialize(deserializer)?.into_iter();
        match unflatten(&mut list, 0) {
            Some((_, seed)) if list.next().is_none() => Ok(Self::new(seed)),
            _ => Err(D::Error::custom("no default body")),
        }
    }
}

fn unflatten(list: &mut impl Iterator<Item = Entry>, depth: usize) -> Option<(String, Seed)> {
    let Entry { key, line, content } = list.next().filter(|_| depth < DEEPEST)?;
    let seed = match content {
        Content::Leaf(json) => {
            serde_json::from_str::<IgnoredAny>(&json).ok()?;
            Seed::Leaf { json, line }
        }
        Content::Object(count) => {
            let entries = (0..count).map(|_| unflatten(list, depth + 1)).collect::<Option<_>>()?;
            Seed::Object { entries, line }
        }
    };
    Some((key, seed))
}
