//! `{name}` in the words of a command line, filled from a record.
//!
//! A name is a path with dots (`user.name`, `tags.0`), a JSON pointer (`/a.b/0`), or `.` for the whole record.
//! What is no name stays as it is, so that JSON and braces of any other kind need no escape; `\{name}` is literal.

use std::collections::HashMap;

use serde_json::{Value, value::RawValue};

/// A text with names in it.
#[derive(Debug, Clone)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Name(String, Manner),
}

/// How a value stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// As text: of a string its characters.
    Plain,
    /// As JSON.
    Json,
    /// As characters between the quotes of a JSON string.
    Quoted,
}

impl Template {
    /// A text.
    pub(crate) fn text(text: &str) -> Self {
        Self::new(text, false)
    }

    /// A JSON text: a value stands there as JSON, so that numbers stay numbers; within quotes as characters.
    pub(crate) fn json(text: &str) -> Self {
        Self::new(text, true)
    }

    fn new(text: &str, json: bool) -> Self {
        let (mut pieces, mut literal, mut quoted) = (Vec::new(), String::new(), false);
        let mut rest = text;
        while let Some(char) = rest.chars().next() {
            let escaped = rest.strip_prefix('\\').and_then(name);
            if let Some(name) = escaped {
                literal.push_str(&rest[1..name.len() + 3]);
                rest = &rest[name.len() + 3..];
            } else if let Some(name) = name(rest) {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
                let manner = match (json, quoted) {
                    (false, _) => Manner::Plain,
                    (true, false) => Manner::Json,
                    (true, true) => Manner::Quoted,
                };
                pieces.push(Piece::Name(name.to_owned(), manner));
                rest = &rest[name.len() + 2..];
            } else {
                // A backslash within quotes takes the next character along.
                let pair = json && quoted && char == '\\';
                let taken = rest.chars().take(1 + usize::from(pair)).map(char::len_utf8).sum();
                quoted ^= char == '"';
                literal.push_str(&rest[..taken]);
                rest = &rest[taken..];
            }
        }
        pieces.push(Piece::Text(literal));
        Self(pieces)
    }

    /// The names, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Name(name, _) => Some(&**name),
            Piece::Text(_) => None,
        })
    }

    /// The text, its names filled; the error says what the record lacks.
    pub(crate) fn fill(&self, record: &RawValue) -> Result<String, String> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Name(name, Manner::Json) => filled.push_str(found(record, name)?.get()),
                Piece::Name(name, Manner::Plain) => filled.push_str(&text(record, name)?),
                Piece::Name(name, Manner::Quoted) => {
                    let quoted = Value::from(text(record, name)?).to_string();
                    filled.push_str(&quoted[1..quoted.len() - 1]);
                }
            }
        }
        Ok(filled)
    }
}

/// The name in braces that `text` begins with.
fn name(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('{')?.split_once('}')?;
    let allowed = |char: char| char.is_alphanumeric() || "_-./~@$".contains(char);
    (!name.is_empty() && name.chars().all(allowed)).then_some(name)
}

/// What a record has by a name, as text: a string, a number or a boolean.
pub(crate) fn text(record: &RawValue, name: &str) -> Result<String, String> {
    let value = found(record, name)?.get();
    let kind = match value.as_bytes().first() {
        Some(b'"') => return serde_json::from_str(value).map_err(|_| format!("has no text as {name:?}")),
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'n') => "null",
        _ => return Ok(value.to_owned()),
    };
    Err(format!("has {kind} as {name:?}, where a text, a number or a boolean can stand"))
}

fn found<'r>(record: &'r RawValue, name: &str) -> Result<&'r RawValue, String> {
    find(record, name).ok_or_else(|| {
        let names = serde_json::from_str::<HashMap<String, &RawValue>>(record.get()).unwrap_or_default();
        let mut names: Vec<_> = names.into_keys().filter(|name| name.len() < 40).collect();
        names.sort();
        let more = if names.len() > 8 { ", …" } else { "" };
        names.truncate(8);
        match &names[..] {
            [] => format!("has no {name:?}"),
            names => format!("has no {name:?}; it has {}{more}", names.join(", ")),
        }
    })
}

/// What stands at a name; every digit of it is kept.
fn find<'r>(record: &'r RawValue, name: &str) -> Option<&'r RawValue> {
    if name == "." {
        return Some(record);
    }
    match name.strip_prefix('/') {
        Some(pointer) => {
            pointer.split('/').try_fold(record, |at, token| step(at, &token.replace("~1", "/").replace("~0", "~")))
        }
        None => name.split('.').try_fold(record, step),
    }
}

fn step<'r>(at: &'r RawValue, token: &str) -> Option<&'r RawValue> {
    if at.get().starts_with('[') {
        let plain = token == "0" || (!token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit()));
        let index: usize = token.parse().ok().filter(|_| plain)?;
        return serde_json::from_str::<Vec<&RawValue>>(at.get()).ok()?.get(index).copied();
    }
    serde_json::from_str::<HashMap<String, &RawValue>>(at.get()).ok()?.get(token).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RECORD: &str = r#"{"id": 100000000000000000000001, "user": {"name": "Ada \"A\"", "mail": null}, "tags": ["x", 2],
        "a.b": true, "a/b": 1.50, "~": "t"}"#;

    fn filled(template: Template) -> Result<String, String> {
        template.fill(&serde_json::from_str::<Box<RawValue>>(RECORD).unwrap())
    }

    #[test]
    fn names_are_dots_and_pointers() {
        for (text, expected) in [
            ("{id}", "100000000000000000000001"),
            ("<{user.name}>", "<Ada \"A\">"),
            ("{tags.0}{tags.1}", "x2"),
            ("{/a.b} {/a~1b} {/~0} {/user/name}", "true 1.50 t Ada \"A\""),
            (r"\{id} {id", "{id} {id"),
            (r"\{ {} { id } {a,b} {\{id}}", r"\{ {} { id } {a,b} {{id}}"),
        ] {
            assert_eq!(filled(Template::text(text)).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn in_json_a_value_keeps_its_type() {
        for (text, expected) in [
            ("{id}", "100000000000000000000001"),
            ("{user.name}", r#""Ada \"A\"""#),
            (r#"{"a": {"b":{tags}}, "id": {/a~1b}}"#, r#"{"a": {"b":["x", 2]}, "id": 1.50}"#),
            (r#""{user.name}!""#, r#""Ada \"A\"!""#),
            (r#"["\"{id}", {user.mail}]"#, r#"["\"100000000000000000000001", null]"#),
            (r#"["\\",{tags.0}]"#, r#"["\\","x"]"#),
            (r#""\{id}""#, r#""{id}""#),
        ] {
            assert_eq!(filled(Template::json(text)).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(filled(Template::json("{.}")).as_deref(), Ok(RECORD));
    }

    #[test]
    fn what_a_record_lacks_is_told() {
        for (text, expected) in [
            ("{nme}", r#"has no "nme"; it has a.b, a/b, id, tags, user, ~"#),
            ("{user.nme}", r#"has no "user.nme"; it has a.b, a/b, id, tags, user, ~"#),
            ("{tags.2}", r#"has no "tags.2"; it has a.b, a/b, id, tags, user, ~"#),
            ("{tags.01}", r#"has no "tags.01"; it has a.b, a/b, id, tags, user, ~"#),
            ("{tags}", r#"has a list as "tags", where a text, a number or a boolean can stand"#),
            ("{user}", r#"has an object as "user", where a text, a number or a boolean can stand"#),
            ("{user.mail}", r#"has null as "user.mail", where a text, a number or a boolean can stand"#),
        ] {
            assert_eq!(filled(Template::text(text)), Err(expected.into()), "{text}");
        }
        let names: Vec<_> = Template::text("{a}/{b.c}").names().map(str::to_owned).collect();
        assert_eq!(names, ["a", "b.c"]);
    }

    proptest! {
        #[test]
        fn a_value_never_leaves_the_string_that_it_stands_in(value in any::<String>()) {
            let record = serde_json::to_string(&serde_json::json!({ "v": value })).unwrap();
            let record: Box<RawValue> = serde_json::from_str(&record).unwrap();
            let text = Template::json(r#"["a{v}b", {v}]"#).fill(&record).unwrap();
            let list: Vec<String> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(list, vec![format!("a{value}b"), value]);
        }

        #[test]
        fn a_text_without_names_stays_as_it_is(text in "[^{}]*") {
            let record: Box<RawValue> = serde_json::from_str("{}").unwrap();
            prop_assert_eq!(Template::json(&text).fill(&record).unwrap(), text.clone());
            prop_assert_eq!(Template::text(&text).fill(&record).unwrap(), text);
        }
    }
}
