//! YAML text as one flat list of nodes, each with its position.
//!
//! A node is followed by what it holds, and knows where that ends; so a file of a
//! thousand resources is one allocation, and every mistake can name line, column
//! and the keys that lead to it. Anchors, aliases, tags and merge keys are refused:
//! a catalog is plain data.

use std::{borrow::Cow, collections::HashMap};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

use crate::{
    catalog::scalar::Scalar,
    error::{Error, ErrorKind, Result, printable, quoted},
};

/// The longest file, in bytes.
pub(super) const LONGEST: usize = 4 << 20;
/// How deep maps and lists may stand in each other.
const DEEPEST: usize = 32;
/// Maps of up to so many keys are searched for duplicates by comparing.
const NARROW: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
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
pub(super) struct Document<'a> {
    file: &'a str,
    entries: Vec<Entry<'a>>,
}

/// One node of a [`Document`].
#[derive(Clone, Copy)]
pub(super) struct View<'d> {
    document: &'d Document<'d>,
    at: u32,
}

impl<'a> Document<'a> {
    /// Reads `text`, which stands in `file`.
    ///
    /// # Errors
    /// It is not YAML, or uses a part of YAML that has no place in a catalog.
    pub(super) fn parse(file: &'a str, text: &'a str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        refuse_text(file, text)?;
        let document = Document { file, entries: Vec::with_capacity(text.len() / 16) };
        let mut reader = Reader { document, open: Vec::new(), documents: 0 };
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| syntax(file, &error))?;
            reader.event(event, span.start)?;
        }
        Ok(reader.document)
    }

    /// The outermost node, `None` for a file that holds nothing.
    pub(super) fn root(&self) -> Option<View<'_>> {
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

/// What is refused before any parsing: too much text, and characters that no editor shows.
fn refuse_text(file: &str, text: &str) -> Result<()> {
    if text.len() > LONGEST {
        return Err(refusal(format!("{file}: the file has {} bytes; at most {LONGEST} are read", text.len())));
    }
    let control = |byte: u8| (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0x7f;
    match text.bytes().position(control) {
        None => Ok(()),
        Some(at) => {
            let (line, column) = position(&text.as_bytes()[..at]);
            let byte = text.as_bytes()[at];
            let hint = if byte == 0 { "; if the file is UTF-16, save it as UTF-8" } else { "" };
            Err(refusal(format!("{file}:{line}:{column}: the control character {byte:#04x} is not text{hint}")))
        }
    }
}

/// Decodes the bytes of a file.
///
/// # Errors
/// They are not UTF-8.
pub(super) fn decode<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(refusal(format!("{file}:1:1: the file is UTF-16; save it as UTF-8")));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let (line, column) = position(&bytes[..error.valid_up_to()]);
        refusal(format!("{file}:{line}:{column}: not UTF-8 text"))
    })
}

/// Line and column behind `before`, both from 1.
fn position(before: &[u8]) -> (usize, usize) {
    let text = String::from_utf8_lossy(before);
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    (line, column)
}

pub(super) fn refusal(message: String) -> Error {
    Error::new(ErrorKind::Catalog, message)
}

/// The parser's error in our words where its own would mislead.
fn syntax(file: &str, error: &ScanError) -> Error {
    let message = match error.info() {
        "while parsing node, found unknown anchor" => ALIAS.to_owned(),
        "recursion limit exceeded" => too_deep(),
        other => format!("not YAML: {}", printable(other)),
    };
    let mark = error.marker();
    refusal(format!("{file}:{}:{}: {message}", mark.line(), mark.col() + 1))
}

const ALIAS: &str = "anchors and aliases (`&name`, `*name`) are not read; write the value out";

fn too_deep() -> String {
    format!("maps and lists stand more than {DEEPEST} deep in each other")
}

struct Open {
    at: u32,
    map: bool,
    /// Whether the next node is a key.
    key: bool,
}

struct Reader<'a> {
    document: Document<'a>,
    open: Vec<Open>,
    documents: usize,
}

impl<'a> Reader<'a> {
    fn event(&mut self, event: Event<'a>, mark: Marker) -> Result<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let at = self.begin(if plain { Kind::Plain } else { Kind::Quoted }, text, mark);
                self.refuse_marks(at, anchor, tag.is_some())?;
                if self.open.last().is_some_and(|open| open.key) {
                    self.refuse_key(at)?;
                }
                self.turn();
            }
            Event::SequenceStart(anchor, tag) => self.enter(Kind::List, anchor, tag.is_some(), mark)?,
            Event::MappingStart(anchor, tag) => self.enter(Kind::Map, anchor, tag.is_some(), mark)?,
            Event::SequenceEnd | Event::MappingEnd => self.leave()?,
            Event::Alias(_) => {
                let at = self.begin(Kind::Plain, Cow::Borrowed(""), mark);
                return Err(self.error(at, ALIAS));
            }
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let at = self.begin(Kind::Plain, Cow::Borrowed(""), mark);
                    return Err(self.error(at, "a second document begins here; a file holds one"));
                }
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn begin(&mut self, kind: Kind, text: Cow<'a, str>, mark: Marker) -> u32 {
        let at = self.document.entries.len() as u32;
        let end = if matches!(kind, Kind::List | Kind::Map) { u32::MAX } else { at + 1 };
        self.document.entries.push(Entry { kind, text, line: mark.line() as u32, column: mark.col() as u32 + 1, end });
        at
    }

    fn enter(&mut self, kind: Kind, anchor: usize, tagged: bool, mark: Marker) -> Result<()> {
        let at = self.begin(kind, Cow::Borrowed(""), mark);
        self.refuse_marks(at, anchor, tagged)?;
        if self.open.last().is_some_and(|open| open.key) {
            return Err(self.error(at, "a key must be text, not a map or a list"));
        }
        if self.open.len() == DEEPEST {
            return Err(self.error(at, &too_deep()));
        }
        self.open.push(Open { at, map: kind == Kind::Map, key: kind == Kind::Map });
        Ok(())
    }

    fn leave(&mut self) -> Result<()> {
        let end = self.document.entries.len() as u32;
        if let Some(open) = self.open.pop() {
            if let Some(entry) = self.document.entries.get_mut(open.at as usize) {
                entry.end = end;
            }
            if open.map {
                View { document: &self.document, at: open.at }.refuse_duplicates()?;
            }
        }
        self.turn();
        Ok(())
    }

    /// A node is complete: in a map, a value follows a key and a key a value.
    fn turn(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.key = open.map && !open.key;
        }
    }

    fn refuse_marks(&self, at: u32, anchor: usize, tagged: bool) -> Result<()> {
        match (anchor, tagged) {
            (0, false) => Ok(()),
            (0, true) => Err(self.error(at, "tags (`!name`) are not read; a catalog is plain data")),
            _ => Err(self.error(at, ALIAS)),
        }
    }

    fn refuse_key(&self, at: u32) -> Result<()> {
        match self.document.entries.get(at as usize) {
            Some(Entry { kind: Kind::Plain, text, .. }) if text.is_empty() => Err(self.error(at, "a key is missing")),
            Some(Entry { text, .. }) if text == "<<" => {
                Err(self.error(at, "the merge key `<<` is not read; write the keys out"))
            }
            _ => Ok(()),
        }
    }

    fn error(&self, at: u32, message: &str) -> Error {
        View { document: &self.document, at }.error(message)
    }
}

impl<'d> View<'d> {
    fn entry(self) -> Option<&'d Entry<'d>> {
        self.document.entries.get(self.at as usize)
    }

    pub(super) fn kind(self) -> Kind {
        self.entry().map_or(Kind::Plain, |entry| entry.kind)
    }

    /// The text of a scalar as it is written, empty for a map or list.
    pub(super) fn text(self) -> &'d str {
        self.entry().map_or("", |entry| &entry.text)
    }

    /// What a scalar means; text for a quoted one, and for a map or list.
    pub(super) fn scalar(self) -> Scalar {
        if self.kind() == Kind::Plain { Scalar::of(self.text()) } else { Scalar::Text }
    }

    /// The text where text is meant: any scalar as it is written, but not nothing.
    pub(super) fn written(self) -> Option<&'d str> {
        let scalar = matches!(self.kind(), Kind::Plain | Kind::Quoted);
        (scalar && self.scalar() != Scalar::Null).then(|| self.text())
    }

    pub(super) fn line(self) -> u32 {
        self.entry().map_or(0, |entry| entry.line)
    }

    fn holds(self, kind: Kind) -> std::ops::Range<u32> {
        match self.entry() {
            Some(entry) if entry.kind == kind => self.at + 1..entry.end,
            _ => 0..0,
        }
    }

    /// The keys and values of a map.
    pub(super) fn pairs(self) -> impl Iterator<Item = (View<'d>, View<'d>)> {
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
    pub(super) fn items(self) -> impl Iterator<Item = View<'d>> {
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
    pub(super) fn get(self, key: &str) -> Option<View<'d>> {
        self.pairs().find(|(name, _)| name.text() == key).map(|(_, value)| value)
    }

    fn refuse_duplicates(self) -> Result<()> {
        let mut keys = self.pairs().map(|(key, _)| key);
        let mut few: Vec<View<'_>> = Vec::with_capacity(NARROW);
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
        self.error(format_args!("the key {} stands twice; the first is at {}", quoted(self.text()), first.place()))
    }

    /// `file:line:column`
    pub(super) fn place(self) -> String {
        let (line, column) = self.entry().map_or((0, 0), |entry| (entry.line, entry.column));
        format!("{}:{line}:{column}", self.document.file)
    }

    /// The keys that lead here, joined by dots.
    pub(super) fn path(self) -> String {
        self.document.path_to(self.at)
    }

    /// The place, the keys that lead to it, and `message`.
    pub(super) fn remark(self, message: impl std::fmt::Display) -> String {
        let path = self.path();
        let colon = if path.is_empty() { "" } else { ": " };
        format!("{}: {path}{colon}{message}", self.place())
    }

    pub(super) fn error(self, message: impl std::fmt::Display) -> Error {
        refusal(self.remark(message))
    }

    /// What stands here, in words.
    pub(super) fn found(self) -> String {
        match (self.kind(), self.scalar()) {
            (Kind::Map, _) => "a map".to_owned(),
            (Kind::List, _) => "a list".to_owned(),
            (_, Scalar::Null) if self.text().is_empty() => "nothing".to_owned(),
            (_, Scalar::Null) => format!("{} (quote it to mean the text)", self.text()),
            (_, Scalar::Bool(value)) => value.to_string(),
            (_, Scalar::Number(_) | Scalar::NotFinite) => format!("the number {}", printable(self.text())),
            (_, Scalar::Text) => format!("the text {}", quoted(self.text())),
        }
    }
}
