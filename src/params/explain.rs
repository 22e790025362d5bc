//! The merged body as a list: every key with its value and where it came from.

use std::{fmt, sync::Arc};

use super::{Content, From, Merged, ROOT};
use crate::json::{self, Members};

/// Where a key of a body came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A line of a catalog file.
    Defaults {
        /// The file, such as `defaults.yaml`.
        file: Arc<str>,
        /// Its line, counted from 1.
        line: u32,
    },
    /// An argument of the call, counted from 1 in the order in which they were given.
    Argument(usize),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defaults { file, line } => write!(f, "{file}:{line}"),
            Self::Argument(index) => write!(f, "argument {index}"),
        }
    }
}

/// What the arguments did to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// The default stands.
    Kept,
    /// The key is the caller's.
    Added,
    /// The caller's value replaces a default.
    Replaced,
    /// A default was removed.
    Dropped,
}

/// One key of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The key as a JSON pointer (RFC 6901), such as `/object/content`.
    pub pointer: String,
    /// Its value as JSON text; `None` where it was dropped.
    pub value: Option<String>,
    /// Where the value came from; for a dropped key, where the default stood.
    pub origin: Origin,
    /// What the arguments did to it.
    pub change: Change,
    /// The default that was replaced or dropped, as JSON text, and where it stood.
    pub was: Option<(String, Origin)>,
}

impl Merged<'_> {
    /// Every leaf of the body in the order in which it is sent, dropped ones included.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        self.list(ROOT, "", &mut entries);
        entries
    }

    fn list(&self, parent: usize, pointer: &str, out: &mut Vec<Entry>) {
        for at in self.children(parent) {
            let node = &self.nodes[at];
            let pointer = format!("{pointer}/{}", token(&node.key));
            let was = node.was.map(|(text, line)| (text.to_owned(), self.origin(From::Line(line))));
            if node.lost {
                out.extend(was.clone().map(|was| dropped(pointer.clone(), was)));
            }
            match node.content {
                Content::Object { first: Some(_), .. } => self.list(at, &pointer, out),
                Content::Object { .. } => leaves("{}", &pointer, &self.origin(node.from), None, out),
                Content::Text(text) => {
                    let was = was.filter(|_| !matches!(node.from, From::Line(_)));
                    leaves(text, &pointer, &self.origin(node.from), was, out);
                }
                Content::Gone => out.extend(was.map(|was| dropped(pointer, was))),
            }
        }
    }

    fn origin(&self, from: From<'_>) -> Origin {
        match from {
            From::Line(line) => Origin::Defaults {
                file: self.defaults.map_or_else(|| Arc::from(""), |defaults| Arc::clone(&defaults.file)),
                line,
            },
            From::Argument(index, _) | From::Way(index, _) => Origin::Argument(index + 1),
        }
    }
}

/// The entry of a default that is not sent.
fn dropped(pointer: String, was: (String, Origin)) -> Entry {
    Entry { pointer, value: None, origin: was.1.clone(), change: Change::Dropped, was: Some(was) }
}

/// One entry for a value, or one for each leaf of an object that came as a whole.
fn leaves(text: &str, pointer: &str, origin: &Origin, was: Option<(String, Origin)>, out: &mut Vec<Entry>) {
    if was.is_none() && json::is_object(text) && Members::of(text).next().is_some() {
        for (key, value) in Members::of(text) {
            leaves(value, &format!("{pointer}/{}", token(key)), origin, None, out);
        }
        return;
    }
    let change = match (&was, origin) {
        (Some(_), _) => Change::Replaced,
        (None, Origin::Argument(_)) => Change::Added,
        (None, Origin::Defaults { .. }) => Change::Kept,
    };
    out.push(Entry { pointer: pointer.into(), value: Some(text.into()), origin: origin.clone(), change, was });
}

/// A key, escaped as JSON, as a reference token of a JSON pointer.
fn token(key: &str) -> String {
    json::unescape(key).replace('~', "~0").replace('/', "~1")
}
