//! JSON written as YAML: numbers as they came, and quotes wherever a reader of YAML 1.1 or 1.2 needs them.

use std::io::{self, Write};

use super::{
    clean::Sink,
    colour,
    json::{self, Json, Kind},
};

/// The level below which a value is written in JSON, which is YAML too.
const DEEPEST: usize = 32;

/// The longest simple key, in bytes; YAML allows 1024 characters.
const SIMPLE: usize = 1000;

/// Writes the value, and a line break.
pub(crate) fn write(json: Json<'_>, out: &mut Sink<'_>) -> io::Result<()> {
    value(json, 0, true, out)
}

/// Writes a value at `level`; `inline` where it may begin on the line as it stands.
fn value(json: Json<'_>, level: usize, inline: bool, out: &mut Sink<'_>) -> io::Result<()> {
    let children = json.children().unwrap_or_default();
    if children.is_empty() {
        return scalar(json, out);
    }
    if level == DEEPEST {
        return json::compact(json, out);
    }
    let is_list = json.text().starts_with('[');
    for (index, (key, child)) in children.into_iter().enumerate() {
        if index > 0 || !inline {
            out.write_all(" ".repeat(2 * level).as_bytes())?;
        }
        let nests = child.nests() && level + 1 < DEEPEST;
        if is_list {
            out.write_all(b"- ")?;
            value(child, level + 1, true, out)?;
        } else {
            self::key(&text(key), level, out)?;
            out.write_all(if nests { b":\n" } else { b": " })?;
            value(child, level + 1, !nests, out)?;
        }
    }
    Ok(())
}

/// Writes a key, without its colon; one that is too long for a simple key gets a line of its own.
fn key(key: &str, level: usize, out: &mut Sink<'_>) -> io::Result<()> {
    let is_long = key.len() > SIMPLE;
    if is_long {
        out.write_all(b"? ")?;
    }
    out.paint(colour::of(Kind::Key), key.as_bytes())?;
    if is_long { write!(out, "\n{}", " ".repeat(2 * level)) } else { Ok(()) }
}

fn scalar(json: Json<'_>, out: &mut Sink<'_>) -> io::Result<()> {
    match json.tokens().next() {
        Some((Kind::Open, "[")) => out.write_all(b"[]")?,
        Some((Kind::Open, _)) => out.write_all(b"{}")?,
        Some((Kind::String, literal)) => out.paint(colour::of(Kind::String), text(literal).as_bytes())?,
        Some((kind, literal)) => out.paint(colour::of(kind), literal.as_bytes())?,
        None => {}
    }
    out.write_all(b"\n")
}

/// A string literal of JSON as a scalar of YAML: plain where every reader takes it for a string, else quoted.
fn text(literal: &str) -> String {
    let Ok(text) = serde_json::from_str::<String>(literal) else { return literal.to_owned() };
    if is_plain(&text) { text } else { quoted(&text) }
}

fn is_plain(text: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '+' | '@' | ' ');
    text.starts_with(|c: char| c.is_alphabetic()) && text.chars().all(inner) && !text.ends_with(' ') && !is_word(text)
}

/// Whether some reader takes the word for something else than a string.
fn is_word(text: &str) -> bool {
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(text))
}

/// Between double quotes, whose escapes every reader knows.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}'..='\u{ffff}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::{clean::Manner, json::tests::any_json};

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        let mut sink = Sink::new(&mut out, Manner::default());
        write(Json::check(text.as_bytes()).unwrap(), &mut sink).unwrap();
        sink.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_shape_has_its_lines() {
        for (given, expected) in [
            ("1.10", "1.10\n"),
            ("12345678901234567890123", "12345678901234567890123\n"),
            ("[]", "[]\n"),
            (r#"{"a":{}}"#, "a: {}\n"),
            (r#"[1,[2,3],{"a":1,"b":[4]}]"#, "- 1\n- - 2\n  - 3\n- a: 1\n  b:\n    - 4\n"),
            (r#"{"a":{"b":"c d"},"e":[{"f":null}]}"#, "a:\n  b: c d\ne:\n  - f: null\n"),
        ] {
            assert_eq!(written(given), expected);
        }
    }

    #[test]
    fn strings_that_a_reader_would_misread_are_quoted() {
        for text in [
            "",
            "no",
            "Yes",
            "ON",
            "y",
            "null",
            "~",
            "010",
            "1_000",
            "1.10",
            "12:30",
            "1e3",
            ".inf",
            "NaN",
            "2026-01-01",
            "0x1f",
            "a: b",
            "a #b",
            "-",
            "- a",
            "a ",
            " a",
            "*a",
            "&a",
            "!a",
            "@a",
            "`a",
            "{a}",
            "[a",
            "%a",
            "a\nb",
            "\t",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "=",
            "<<",
            "?",
            "|",
            ">",
            "'",
            "\"",
            "\\",
            "#",
            "true",
            "---",
            "...",
        ] {
            let given = serde_json::to_string(text).unwrap();
            let yaml = written(&given);
            assert!(yaml.starts_with('"'), "{text:?}: {yaml}");
            assert_eq!(serde_yaml::from_str::<String>(&yaml).unwrap(), text);
        }
        for text in ["plain", "Hello world", "user.name", "a/b", "caf\u{e9}", "x@y.org", "a+b-c_d"] {
            assert_eq!(written(&serde_json::to_string(text).unwrap()), format!("{text}\n"));
        }
    }

    #[test]
    fn a_long_key_has_a_line_of_its_own() {
        let key = "k".repeat(2000);
        let given = format!(r#"[{{"a":{{"{key}":1}},"{key}":{{"b":[2]}}}}]"#);
        let read: serde_json::Value = serde_yaml::from_str(&written(&given)).unwrap();
        assert_eq!(read.to_string(), given);
    }

    #[test]
    fn depth_ends_in_json() {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        let yaml = written(&deep);
        assert!(yaml.starts_with(&"- ".repeat(DEEPEST)) && yaml.len() < 10_100, "{}", yaml.len());
        let deep = format!("{}1{}", "{\"a\":".repeat(40), "}".repeat(40));
        assert!(written(&deep).ends_with(&format!("a: {}1{}\n", "{\"a\":".repeat(8), "}".repeat(8))));
    }

    proptest! {
        #[test]
        fn a_reader_of_yaml_finds_the_same_value(value in any_json()) {
            let yaml = written(&value.to_string());
            let read: Result<serde_json::Value, _> = serde_yaml::from_str(&yaml);
            let read = read.map_err(|error| TestCaseError::fail(format!("{error}: {yaml}")))?;
            prop_assert_eq!(read, value, "{}", yaml);
        }
    }
}
