//! Bodies: default keys and the caller's arguments, merged with their origins.
//!
//! Everything here is JSON text in and JSON text out. The merge is a tree of spans that
//! borrows from the defaults and from the arguments; rendering it writes the body, and
//! walking it explains the body. HTTP, routes and the catalog's format are not known here.

use std::{borrow::Cow, collections::HashMap};

use smallvec::SmallVec;

use crate::json::{self, Members};

mod defaults;
mod explain;
mod names;

use defaults::Default;
pub(crate) use defaults::{Defaults, Seed};
pub use explain::{Change, Entry, Origin};
pub use names::Expand;

/// How deep argument names may nest objects.
const DEEPEST: usize = 64;

/// An object with more keys than this gets an index of them; fewer are found sooner one by one.
const FEW: usize = 32;

/// One argument of a call, in the order in which they were given.
#[derive(Debug, Clone)]
pub(crate) enum Argument {
    /// One name, expanded, and its value as JSON text.
    Set { name: String, json: String },
    /// An object as JSON text; its top-level names are expanded.
    Json(String),
    /// The names that lead to one key, each literal, and its value as JSON text.
    SetAt { names: Vec<String>, json: String },
    /// A dotted name that is removed.
    Unset(String),
    /// A key that is removed, by the names that lead to it.
    UnsetAt(Vec<String>),
}

/// Merges `arguments`, left to right, over `defaults`: objects recurse, anything else replaces.
///
/// The error is a sentence: two arguments that exclude each other, or a value that is no object.
pub(crate) fn merge<'a>(
    defaults: Option<&'a Defaults>,
    arguments: &'a [Argument],
    expand: Expand,
) -> Result<Merged<'a>, String> {
    let mut merged = Merged::new(defaults);
    for (index, argument) in arguments.iter().enumerate() {
        match argument {
            Argument::Set { name, json } => merged.set((index, name), json::escape(name), json, expand)?,
            Argument::Json(text) if json::is_object(text) => {
                for (key, value) in Members::of(text) {
                    merged.set((index, key), canonical(key), value, expand)?;
                }
            }
            Argument::Json(_) => {
                return Err("a JSON body that is merged must be an object; send any other value with .data(..)".into());
            }
            Argument::SetAt { names, json } => {
                let by = (index, names.last().map_or("", String::as_str));
                merged.put(by, names.iter().map(|name| json::escape(name)).collect(), json)?;
            }
            Argument::Unset(name) => merged.unset(names::split(name, Expand::Dots)),
            Argument::UnsetAt(names) => merged.unset(names.iter().map(|name| Cow::Borrowed(&**name))),
        }
    }
    Ok(merged)
}

type Names<'a> = SmallVec<[Cow<'a, str>; 4]>;

/// An argument's position, and the name that the caller wrote.
type By<'a> = (usize, &'a str);

/// A merged body: a flat tree of spans, rendered or explained.
pub(crate) struct Merged<'a> {
    nodes: SmallVec<[Node<'a>; 32]>,
    /// The keys of wide objects, by parent.
    wide: HashMap<usize, HashMap<Cow<'a, str>, usize>>,
    defaults: Option<&'a Defaults>,
}

struct Node<'a> {
    key: Cow<'a, str>,
    content: Content<'a>,
    from: From<'a>,
    /// What stands here in the defaults.
    was: Option<(&'a str, u32)>,
    /// Whether that was given up for an object of the arguments.
    lost: bool,
    next: Option<usize>,
}

#[derive(Clone, Copy)]
enum Content<'a> {
    Text(&'a str),
    Object { first: Option<usize>, last: Option<usize> },
    Gone,
}

impl Node<'_> {
    /// The bytes of `"key":value,`; an object has its braces, less the comma that its last member lacks.
    fn size(&self) -> usize {
        match self.content {
            Content::Text(text) => self.key.len() + 4 + text.len(),
            Content::Object { first: None, .. } => self.key.len() + 6,
            Content::Object { .. } => self.key.len() + 5,
            Content::Gone => 0,
        }
    }
}

/// Who put a node here.
#[derive(Clone, Copy)]
enum From<'a> {
    /// A line of the defaults.
    Line(u32),
    /// An argument's position, and the name that the caller wrote.
    Argument(usize, &'a str),
    /// An object that exists because this name leads through it.
    Way(usize, &'a str),
}

const ROOT: usize = 0;

/// What a node's size counts for the key that the root has not.
const ROOT_SIZE: usize = 4;

/// An object without members.
const EMPTY: Content<'_> = Content::Object { first: None, last: None };

impl<'a> Merged<'a> {
    fn new(defaults: Option<&'a Defaults>) -> Self {
        let root =
            Node { key: Cow::Borrowed(""), content: EMPTY, from: From::Line(0), was: None, lost: false, next: None };
        let mut merged = Self { nodes: SmallVec::new(), wide: HashMap::new(), defaults };
        merged.nodes.push(root);
        if let Some(defaults) = defaults {
            merged.copy(ROOT, &defaults.nodes, 0, defaults.nodes.len());
        }
        merged
    }

    /// Copies the defaults in `from..to` as children of `parent`.
    fn copy(&mut self, parent: usize, defaults: &'a [Default], from: usize, to: usize) {
        let mut at = from;
        while at < to {
            let Some(default) = defaults.get(at) else { break };
            let content = if default.object { EMPTY } else { Content::Text(&default.text) };
            let child = self.append(parent, Cow::Borrowed(&default.key), content, From::Line(default.line));
            self.nodes[child].was = Some((&default.text, default.line));
            if default.object {
                self.copy(child, defaults, at + 1, default.end);
            }
            at = default.end;
        }
    }

    fn append(&mut self, parent: usize, key: Cow<'a, str>, content: Content<'a>, from: From<'a>) -> usize {
        let child = self.nodes.len();
        self.nodes.push(Node { key, content, from, was: None, lost: false, next: None });
        let (first, last) = match self.nodes[parent].content {
            Content::Object { first, last } => (first, last),
            _ => (None, None),
        };
        if let Some(last) = last {
            self.nodes[last].next = Some(child);
        }
        self.nodes[parent].content = Content::Object { first: first.or(Some(child)), last: Some(child) };
        if let Some(index) = self.wide.get_mut(&parent) {
            index.entry(self.nodes[child].key.clone()).or_insert(child);
        }
        child
    }

    /// Puts `content` in the place of what stood at `node`.
    fn replace(&mut self, node: usize, content: Content<'a>) {
        self.nodes[node].content = content;
        self.wide.remove(&node);
    }

    fn children(&self, parent: usize) -> impl Iterator<Item = usize> {
        let first = match self.nodes[parent].content {
            Content::Object { first, .. } => first,
            _ => None,
        };
        std::iter::successors(first, |at| self.nodes[*at].next)
    }

    fn child(&mut self, parent: usize, key: &str) -> Option<usize> {
        if let Some(index) = self.wide.get(&parent) {
            return index.get(key).copied();
        }
        let mut passed = 0;
        let found = self.children(parent).inspect(|_| passed += 1).find(|at| self.nodes[*at].key == key);
        if passed > FEW {
            let mut index = HashMap::new();
            for at in self.children(parent) {
                index.entry(self.nodes[at].key.clone()).or_insert(at);
            }
            self.wide.insert(parent, index);
        }
        found
    }

    /// Puts `value` under the escaped `key`, expanded.
    ///
    /// An escape holds no separator, so the parts of an escaped key are escaped themselves.
    fn set(&mut self, by: By<'a>, key: Cow<'a, str>, value: &'a str, expand: Expand) -> Result<(), String> {
        match key {
            key if !expand.separates_in(&key) => self.assign(ROOT, key, value, From::Argument(by.0, by.1)),
            Cow::Borrowed(key) => self.put(by, names::split(key, expand), value),
            Cow::Owned(key) => {
                let names = names::split(&key, expand).into_iter().map(|part| Cow::Owned(part.into_owned()));
                self.put(by, names.collect(), value)
            }
        }
    }

    /// Puts `value` under the escaped `names`.
    fn put(&mut self, (index, name): By<'a>, names: Names<'a>, value: &'a str) -> Result<(), String> {
        if names.len() > DEEPEST {
            return Err(format!("the name {} nests deeper than {DEEPEST} objects", crate::error::quoted(name)));
        }
        let mut at = ROOT;
        let depth = names.len().saturating_sub(1);
        for (step, key) in names.into_iter().enumerate() {
            if step == depth {
                return self.assign(at, key, value, From::Argument(index, name));
            }
            at = self.enter(at, key, From::Way(index, name))?;
        }
        Ok(())
    }

    /// The object under `key`, made if there is none; a value that another argument put there is a clash.
    fn enter(&mut self, parent: usize, key: Cow<'a, str>, from: From<'a>) -> Result<usize, String> {
        let Some(child) = self.child(parent, &key) else {
            return Ok(self.append(parent, key, EMPTY, from));
        };
        match self.nodes[child].content {
            Content::Object { .. } => {}
            Content::Text(text) if json::is_object(text) => self.explode(child, text),
            Content::Text(_) => {
                clash(self.nodes[child].from, from)?;
                self.replace(child, EMPTY);
                self.nodes[child].lost = true;
            }
            Content::Gone => {
                self.replace(child, EMPTY);
                self.nodes[child].lost = true;
            }
        }
        if !matches!(self.nodes[child].from, From::Way(..)) {
            self.nodes[child].from = from;
        }
        Ok(child)
    }

    /// Turns the object that stands at `node` as text into child nodes of the same origin.
    fn explode(&mut self, node: usize, text: &'a str) {
        let from = self.nodes[node].from;
        self.replace(node, EMPTY);
        for (key, value) in Members::of(text) {
            self.append(node, canonical(key), Content::Text(value), from);
        }
    }

    fn assign(&mut self, parent: usize, key: Cow<'a, str>, value: &'a str, from: From<'a>) -> Result<(), String> {
        let Some(child) = self.child(parent, &key) else {
            self.append(parent, key, Content::Text(value), from);
            return Ok(());
        };
        let object = json::is_object(value);
        match self.nodes[child].content {
            Content::Text(text) if object && json::is_object(text) => self.explode(child, text),
            Content::Object { .. } if object => {}
            content => {
                if matches!(content, Content::Object { .. }) {
                    clash(self.nodes[child].from, from)?;
                }
                self.replace(child, Content::Text(value));
                self.nodes[child].from = from;
                return Ok(());
            }
        }
        for (key, value) in Members::of(value) {
            self.assign(child, canonical(key), value, from)?;
        }
        Ok(())
    }

    fn unset<'n>(&mut self, names: impl IntoIterator<Item = Cow<'n, str>>) {
        let mut at = Some(ROOT);
        for part in names {
            let Some(parent) = at else { return };
            if let Content::Text(text) = self.nodes[parent].content
                && json::is_object(text)
            {
                self.explode(parent, text);
            }
            at = self.child(parent, &json::escape(&part));
        }
        if let Some(node) = at {
            self.replace(node, Content::Gone);
        }
    }

    /// Whether nothing would be sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.visible(ROOT).next().is_none()
    }

    fn visible(&self, parent: usize) -> impl Iterator<Item = usize> {
        self.children(parent).filter(|at| !matches!(self.nodes[*at].content, Content::Gone))
    }

    /// Writes the body.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        // Exact unless an argument removed or replaced an object: a buffer without slack is shared as it is.
        let size: usize = self.nodes.iter().map(Node::size).sum();
        let mut out = Vec::with_capacity(size.saturating_sub(ROOT_SIZE));
        self.write(ROOT, &mut out);
        out
    }

    fn write(&self, node: usize, out: &mut Vec<u8>) {
        if let Content::Text(text) = self.nodes[node].content {
            return out.extend_from_slice(text.as_bytes());
        }
        out.push(b'{');
        for (position, child) in self.visible(node).enumerate() {
            if position > 0 {
                out.push(b',');
            }
            out.push(b'"');
            out.extend_from_slice(self.nodes[child].key.as_bytes());
            out.extend_from_slice(b"\":");
            self.write(child, out);
        }
        out.push(b'}');
    }
}

/// The same key as this crate would escape it, for text that a caller passed through raw.
fn canonical(key: &str) -> Cow<'_, str> {
    match json::unescape(key) {
        Cow::Borrowed(key) => Cow::Borrowed(key),
        Cow::Owned(name) => Cow::Owned(json::escape(&name).into_owned()),
    }
}

/// Refuses two arguments of which one is a value where the other needs an object.
fn clash(there: From<'_>, here: From<'_>) -> Result<(), String> {
    let (From::Argument(_, old) | From::Way(_, old)) = there else { return Ok(()) };
    let (From::Argument(_, new) | From::Way(_, new)) = here else { return Ok(()) };
    if old == new {
        return Ok(());
    }
    let [old, new] = [old, new].map(crate::error::quoted);
    Err(format!("the arguments {old} and {new} exclude each other: one is a value where the other needs an object"))
}

#[cfg(test)]
mod tests;
