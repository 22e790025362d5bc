//! Text into nodes: what is no plain data is refused as it comes by.

use std::borrow::Cow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

use crate::{
    catalog::yaml::{Document, Entry, Kind, View, refusal},
    error::{Error, Result, printable},
};

/// The longest file, in bytes.
pub(crate) const LONGEST: usize = 4 << 20;
/// How deep maps and lists may stand in each other.
const DEEPEST: usize = 32;
/// The most `,`, `[` and `{`: the parser holds a whole flow collection before it gives the first part of it.
const MOST_MARKS: usize = 1 << 19;

pub(super) fn read<'a>(file: &'a str, text: &'a str, discreet: bool) -> Result<Document<'a>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    refuse_text(file, text)?;
    let document = Document { file, discreet, entries: Vec::with_capacity(text.len() / 16) };
    let mut reader = Reader { document, open: Vec::new(), documents: 0 };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax(file, &error))?;
        reader.event(event, span.start)?;
    }
    Ok(reader.document)
}

/// What is refused before any parsing: too much text, and characters that no editor shows.
fn refuse_text(file: &str, text: &str) -> Result<()> {
    if text.len() > LONGEST {
        return Err(refusal(format!("{file}: the file has {} bytes; at most {LONGEST} are read", text.len())));
    }
    let marks = |block: &[u8]| block.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    if text.len() > MOST_MARKS && marks(text.as_bytes()) > MOST_MARKS {
        return Err(refusal(format!("{file}: the file has more than {MOST_MARKS} commas and opening brackets")));
    }
    let Some((at, found)) = first_control(text) else { return Ok(()) };
    let (line, column) = position(text.as_bytes().get(..at).unwrap_or_default());
    let hint = if found == '\0' { "; if the file is UTF-16, save it as UTF-8" } else { "" };
    let code = u32::from(found);
    Err(refusal(format!("{file}:{line}:{column}: the character U+{code:04X} is not text; write it escaped{hint}")))
}

/// The first control character, or line break that YAML 1.1 and 1.2 read differently.
fn first_control(text: &str) -> Option<(usize, char)> {
    let ascii = |byte: u8| (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0x7f;
    let at = text.bytes().position(ascii).or_else(|| {
        let wide = |c: char| matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}');
        if text.is_ascii() { None } else { text.find(wide) }
    })?;
    Some((at, text.get(at..)?.chars().next()?))
}

/// Decodes the bytes of a file.
///
/// # Errors
/// They are not UTF-8.
pub(crate) fn decode<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str> {
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
