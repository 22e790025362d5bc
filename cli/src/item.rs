//! The items of a command line: what stands behind the path, as data.
//!
//! The leftmost separator wins, the longest first; a backslash escapes a separator, a bracket or
//! itself; what stands in brackets separates nothing. Only keys are unescaped: a value is literal.

use std::ops::Range;

use crate::mistake::{Mistake, Result};

mod file;
mod keys;
mod write;

pub(crate) use keys::{Keys, Step};

/// One item, where it stands, and what it means.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// Counted from 1.
    pub(crate) number: usize,
    /// As it was written.
    pub(crate) text: String,
    /// The bytes of the key and of the value.
    pub(crate) spans: Spans,
    pub(crate) what: What,
}

/// Where two parts of an item stand, in bytes.
type Spans = (Range<usize>, Range<usize>);

/// What an item asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// `key=value` and its kin; `name` is the key as a form has it.
    Body { keys: Keys, name: String, value: Value },
    /// `key!`.
    Unset { keys: Keys },
    /// `key==value`.
    Query { name: String, value: Value },
    /// `key==!`.
    UnsetQuery { name: String },
    /// `Name:value`, `Name;` with an empty text, `Name:@file`.
    Header { name: String, value: Value },
    /// `Name:`.
    UnsetHeader { name: String },
    /// `field@path`.
    File { field: String, path: String, content_type: Option<String>, file_name: Option<String> },
    /// `@path`, `@-` for standard input.
    Base { path: String },
}

/// What stands behind a separator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Json(String),
    TextFile(String),
    JsonFile(String),
}

/// The separators, each before those that it begins with.
const SEPARATORS: [&str; 8] = [":=@", "==@", "=@", ":@", ":=", "==", "=", ":"];

/// The characters that a backslash makes literal.
const SPECIAL: &str = "=:@;[].\\";

/// One character of a key: where it stands, and whether a backslash made it literal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    at: usize,
    char: char,
    escaped: bool,
}

impl Mark {
    /// Whether it is `char` and means what it means.
    fn is(&self, char: char) -> bool {
        self.char == char && !self.escaped
    }

    /// The byte behind it.
    fn end(&self) -> usize {
        self.at + usize::from(self.escaped) + self.char.len_utf8()
    }
}

impl Item {
    /// Reads one item.
    pub(crate) fn parse(number: usize, text: &str) -> Result<Self> {
        let marks = marks(text);
        let wrong = |message: String, bytes: Range<usize>| Mistake::usage(message).at(text, bytes);
        let found = separator(text, &marks);
        let (what, spans) = match found {
            Found::None(open) => whole(text, &marks, open)?,
            Found::At(index, separator) => {
                let key = 0..marks[index].at;
                let value = key.end + separator.len()..text.len();
                let what = pair(text, &marks[..index], separator, &text[value.clone()])
                    .map_err(|mistake| mistake.at(text, key.clone()))?;
                (what, (key, value))
            }
        };
        if text.contains('\0') {
            return Err(wrong("an item holds no NUL".into(), 0..text.len()));
        }
        Ok(Self { number, text: text.to_owned(), spans, what })
    }

    /// Whether it is part of the body.
    pub(crate) fn is_body(&self) -> bool {
        matches!(self.what, What::Body { .. } | What::Unset { .. } | What::File { .. } | What::Base { .. })
    }

    /// Whether it gives or drops one key of the body.
    pub(crate) fn has_field(&self) -> bool {
        matches!(self.what, What::Body { .. } | What::Unset { .. })
    }

    /// A mistake in the key.
    pub(crate) fn key_mistake(&self, message: impl Into<String>) -> Mistake {
        Mistake::usage(message).at(&self.text, self.spans.0.clone())
    }

    /// A mistake in the value.
    pub(crate) fn value_mistake(&self, message: impl Into<String>) -> Mistake {
        Mistake::usage(message).at(&self.text, self.spans.1.clone())
    }
}

enum Found {
    At(usize, &'static str),
    /// No separator; where a bracket is open that never closes.
    None(Option<usize>),
}

fn marks(text: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((at, char)) = rest.next() {
        let special = rest.peek().copied().filter(|(_, next)| char == '\\' && SPECIAL.contains(*next));
        if special.is_some() {
            rest.next();
        }
        let (char, escaped) = special.map_or((char, false), |(_, next)| (next, true));
        marks.push(Mark { at, char, escaped });
    }
    marks
}

fn separator(text: &str, marks: &[Mark]) -> Found {
    let mut open = None;
    for (index, mark) in marks.iter().enumerate() {
        match mark {
            mark if mark.is('[') => open = open.or(Some(mark.at)),
            mark if mark.is(']') => open = None,
            mark if open.is_none() && !mark.escaped => {
                let behind = &text[mark.at..];
                if let Some(separator) = SEPARATORS.iter().find(|separator| behind.starts_with(**separator)) {
                    return Found::At(index, separator);
                }
                if mark.char == '@' {
                    return Found::At(index, "@");
                }
            }
            _ => {}
        }
    }
    Found::None(open)
}

/// An item without a separator: `key!` or `Name;`.
fn whole(text: &str, marks: &[Mark], open: Option<usize>) -> Result<(What, Spans)> {
    if let Some(at) = open {
        return Err(Mistake::usage("this bracket is not closed").at(text, at..at + 1));
    }
    let Some((last, key)) = marks.split_last().filter(|(_, key)| !key.is_empty()) else {
        return Err(no_item(text));
    };
    let spans = (0..last.at, last.at..text.len());
    let what = match last {
        last if last.is('!') => What::Unset { keys: Keys::parse(text, key)? },
        last if last.is(';') => What::Header { name: plain(key), value: Value::Text(String::new()) },
        _ => return Err(no_item(text)),
    };
    Ok((what, spans))
}

fn no_item(text: &str) -> Mistake {
    let hint =
        "write key=value, key:=json, key==value for the query, Name:value for a header, field@path, or key! to drop";
    Mistake::usage(format!("{text:?} is no item")).at(text, 0..text.len()).hint(hint)
}

/// The text of a key that knows no nesting.
fn plain(key: &[Mark]) -> String {
    key.iter().map(|mark| mark.char).collect()
}

fn pair(item: &str, key: &[Mark], separator: &str, text: &str) -> Result<What> {
    let name = plain(key);
    let value = match separator {
        ":=@" => Value::JsonFile(text.into()),
        "==@" | "=@" | ":@" => Value::TextFile(text.into()),
        ":=" => Value::Json(text.into()),
        ":" => Value::Text(text.trim().into()),
        _ => Value::Text(text.into()),
    };
    if name.is_empty() && separator == "@" {
        return Ok(What::Base { path: text.into() });
    }
    if name.is_empty() {
        let hint = "a whole body is given by --data or @FILE";
        return Err(Mistake::usage(format!("nothing stands before {separator}")).hint(hint));
    }
    Ok(match separator {
        "==" if text == "!" => What::UnsetQuery { name },
        "==" | "==@" => What::Query { name, value },
        ":" if text.trim().is_empty() => What::UnsetHeader { name },
        ":" | ":@" => What::Header { name, value },
        "@" => file::parse(name, text),
        _ => What::Body { keys: Keys::parse(item, key)?, name, value },
    })
}

#[cfg(test)]
mod tests;
