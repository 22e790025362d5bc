//! YAML text as one flat list of nodes, each with its position.
//!
//! A node is followed by what it holds, and knows where that ends; so a file of a
//! thousand resources is one allocation, and every mistake can name line, column
//! and the keys that lead to it. Anchors, aliases, tags and merge keys are refused:
//! a catalog is plain data.

use std::{borrow::Cow, collections::HashMap, fmt::Display, ops::Range};

use smallvec::SmallVec;

use crate::{
    catalog::scalar::Scalar,
    error::{Error, ErrorKind, Result, printable, quoted},
};

mod reader;

pub(crate) use reader::{LONGEST, decode};

/// Maps of up to so many keys are searched for duplicates by comparing.
const NARROW: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Quoted,
    List,
    Map,
}

struct Entry<'a> {
    kind: Kind,
    /// The text of a scalar.
    text: Cow<'a, str>,
    line: u32,
    column: u32,
    /// The index behind the last node that this one holds.
    end: u32,
}

/// One file, read.
pub(crate) struct Document<'a> {
    file: &'a str,
    /// Whether messages leave out what stands in it, since that may be a secret.
    discreet: bool,
    entries: Vec<Entry<'a>>,
}

/// One node of a [`Document`].
#[derive(Clone, Copy)]
pub(crate) struct View<'d> {
    document: &'d Document<'d>,
    at: u32,
}

impl<'a> Document<'a> {
    /// Reads `text`, which stands in `file`.
    ///
    /// # Errors
    /// It is not YAML, or uses a part of YAML that has no place in a catalog.
    pub(crate) fn parse(file: &'a str, text: &'a str) -> Result<Self> {
        reader::read(file, text, false)
    }

    /// Reads a file that may hold secrets: no message shows a text or a wrong key of it.
    ///
    /// # Errors
    /// As for [`Document::parse`].
    #[cfg(feature = "environment")]
    pub(crate) fn discreet(file: &'a str, text: &'a str) -> Result<Self> {
        reader::read(file, text, true)
    }

    /// The outermost node, `None` for a file that holds nothing.
    pub(crate) fn root(&self) -> Option<View<'_>> {
        let root = View { document: self, at: 0 };
        let first = self.entries.first()?;
        (first.kind != Kind::Plain || !first.text.is_empty()).then_some(root)
    }

    /// The keys and list positions that lead to the node at `at`, joined by dots.
    fn path_to(&self, at: u32) -> String {
        let mut path = String::new();
        let mut holder = 0;
        while let Some(Entry { kind: kind @ (Kind::Map | Kind::List), .. }) = self.entries.get(holder as usize) {
            let Some((step, inside)) = self.step_to(holder, *kind, at) else { break };
            if self.discreet && inside == u32::MAX {
                break;
            }
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&step);
            holder = inside;
        }
        path
    }

    /// The step of the map or list at `holder` that leads to `at`, and the node behind it.
    fn step_to(&self, holder: u32, kind: Kind, at: u32) -> Option<(String, u32)> {
        let (mut next, mut position) = (holder + 1, 0_usize);
        while next <= at {
            let value = if kind == Kind::Map { next + 1 } else { next };
            let end = self.entries.get(value as usize).map_or(u32::MAX, |entry| entry.end);
            if at < end {
                let step = if kind == Kind::Map {
                    printable(&self.entries.get(next as usize)?.text)
                } else {
                    position.to_string()
                };
                return Some((step, if at == next && kind == Kind::Map { u32::MAX } else { value }));
            }
            (next, position) = (end, position + 1);
        }
        None
    }
}

impl<'d> View<'d> {
    fn entry(self) -> Option<&'d Entry<'d>> {
        self.document.entries.get(self.at as usize)
    }

    pub(crate) fn kind(self) -> Kind {
        self.entry().map_or(Kind::Plain, |entry| entry.kind)
    }

    /// The text of a scalar as it is written, empty for a map or list.
    pub(crate) fn text(self) -> &'d str {
        self.entry().map_or("", |entry| &entry.text)
    }

    /// What a scalar means; text for a quoted one, and for a map or list.
    pub(crate) fn scalar(self) -> Scalar {
        if self.kind() == Kind::Plain { Scalar::of(self.text()) } else { Scalar::Text }
    }

    /// The text where text is meant: any scalar as it is written, but not nothing.
    pub(crate) fn written(self) -> Option<&'d str> {
        let scalar = matches!(self.kind(), Kind::Plain | Kind::Quoted);
        (scalar && self.scalar() != Scalar::Null).then(|| self.text())
    }

    pub(crate) fn line(self) -> u32 {
        self.entry().map_or(0, |entry| entry.line)
    }

    fn holds(self, kind: Kind) -> Range<u32> {
        match self.entry() {
            Some(entry) if entry.kind == kind => self.at + 1..entry.end,
            _ => 0..0,
        }
    }

    /// The keys and values of a map.
    pub(crate) fn pairs(self) -> impl Iterator<Item = (View<'d>, View<'d>)> {
        let mut held = self.holds(Kind::Map);
        std::iter::from_fn(move || {
            if held.is_empty() {
                return None;
            }
            let key = View { at: held.start, ..self };
            let value = View { at: held.start + 1, ..self };
            held.start = value.entry()?.end;
            Some((key, value))
        })
    }

    /// The values of a list.
    pub(crate) fn items(self) -> impl Iterator<Item = View<'d>> {
        let mut held = self.holds(Kind::List);
        std::iter::from_fn(move || {
            if held.is_empty() {
                return None;
            }
            let item = View { at: held.start, ..self };
            held.start = item.entry()?.end;
            Some(item)
        })
    }

    /// The value of `key` in a map.
    pub(crate) fn get(self, key: &str) -> Option<View<'d>> {
        self.pairs().find(|(name, _)| name.text() == key).map(|(_, value)| value)
    }

    fn refuse_duplicates(self) -> Result<()> {
        let mut keys = self.pairs().map(|(key, _)| key);
        let mut few: SmallVec<[View<'_>; NARROW]> = SmallVec::new();
        for key in keys.by_ref().take(NARROW) {
            if let Some(first) = few.iter().find(|first| first.text() == key.text()) {
                return Err(key.duplicate_of(*first));
            }
            few.push(key);
        }
        let Some(key) = keys.next() else { return Ok(()) };
        let mut many: HashMap<&str, View<'_>> = few.into_iter().map(|key| (key.text(), key)).collect();
        for key in std::iter::once(key).chain(keys) {
            if let Some(first) = many.insert(key.text(), key) {
                return Err(key.duplicate_of(first));
            }
        }
        Ok(())
    }

    fn duplicate_of(self, first: Self) -> Error {
        self.error(format_args!("the key{} stands twice; the first is at {}", self.named(), first.place()))
    }

    /// Whether messages leave out what stands here.
    pub(crate) fn is_discreet(self) -> bool {
        self.document.discreet
    }

    /// A space and the key in quotes, or nothing where it may be a secret.
    pub(crate) fn named(self) -> String {
        if self.is_discreet() { String::new() } else { format!(" {}", quoted(self.text())) }
    }

    /// `file:line:column`
    pub(crate) fn place(self) -> String {
        let (line, column) = self.entry().map_or((0, 0), |entry| (entry.line, entry.column));
        format!("{}:{line}:{column}", self.document.file)
    }

    /// The keys that lead here, joined by dots.
    pub(crate) fn path(self) -> String {
        self.document.path_to(self.at)
    }

    /// The place, the keys that lead to it, and `message`.
    pub(crate) fn remark(self, message: impl Display) -> String {
        let path = self.path();
        let colon = if path.is_empty() { "" } else { ": " };
        format!("{}: {path}{colon}{message}", self.place())
    }

    pub(crate) fn error(self, message: impl Display) -> Error {
        refusal(self.remark(message))
    }

    /// What stands here, in words.
    pub(crate) fn found(self) -> String {
        match (self.kind(), self.scalar()) {
            (Kind::Map, _) => "a map".to_owned(),
            (Kind::List, _) => "a list".to_owned(),
            (_, Scalar::Null) if self.text().is_empty() => "nothing".to_owned(),
            (_, Scalar::Null) => format!("{} (quote it to mean the text)", self.text()),
            (_, Scalar::Text | Scalar::Number(_) | Scalar::NotFinite | Scalar::Bool(_)) if self.is_discreet() => {
                "another value".to_owned()
            }
            (_, Scalar::Bool(value)) => value.to_string(),
            (_, Scalar::Number(_) | Scalar::NotFinite) => format!("the number {}", printable(self.text())),
            (_, Scalar::Text) => format!("the text {}", quoted(self.text())),
        }
    }
}

pub(crate) fn refusal(message: String) -> Error {
    Error::new(ErrorKind::Catalog, message)
}
