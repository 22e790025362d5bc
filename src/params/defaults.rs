//! Default bodies, compiled once.

use std::sync::Arc;

use crate::json;

/// A default value as a catalog file gives it, each part with its line.
#[derive(Debug, Clone)]
pub(crate) enum Seed {
    /// Any value but an object, as JSON text.
    Leaf {
        json: String,
        line: u32,
    },
    Object {
        entries: Vec<(String, Seed)>,
        line: u32,
    },
}

impl Seed {
    fn line(&self) -> u32 {
        match self {
            Self::Leaf { line, .. } | Self::Object { line, .. } => *line,
        }
    }
}

/// A default body, compiled: keys escaped, every value as JSON text with its line.
#[derive(Debug, Clone)]
pub(crate) struct Defaults {
    pub(super) file: Arc<str>,
    text: String,
    pub(super) nodes: Vec<Default>,
}

/// One key of a default body; its children follow it directly, and `end` is behind the last of them.
#[derive(Debug, Clone)]
pub(super) struct Default {
    pub(super) key: Box<str>,
    pub(super) text: Box<str>,
    pub(super) line: u32,
    pub(super) object: bool,
    pub(super) end: usize,
}

impl Defaults {
    /// Compiles `seed`, which stands in `file`.
    pub(crate) fn new(file: Arc<str>, seed: Seed) -> Self {
        let mut nodes = Vec::new();
        let text = compile(seed, &mut nodes);
        Self { file, text, nodes }
    }

    /// The default body as JSON text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

fn compile(seed: Seed, nodes: &mut Vec<Default>) -> String {
    let entries = match seed {
        Seed::Leaf { json, .. } => return json,
        Seed::Object { entries, .. } => entries,
    };
    let mut text = String::from("{");
    for (name, value) in entries {
        let at = nodes.len();
        let key: Box<str> = json::escape(&name).into();
        let object = matches!(value, Seed::Object { .. });
        nodes.push(Default { key: key.clone(), text: Box::default(), line: value.line(), object, end: 0 });
        let inner = compile(value, nodes);
        let comma = if text.len() > 1 { "," } else { "" };
        text.extend([comma, "\"", &key, "\":", &inner]);
        let end = nodes.len();
        if let Some(node) = nodes.get_mut(at) {
            node.text = inner.into();
            node.end = end;
        }
    }
    text + "}"
}
