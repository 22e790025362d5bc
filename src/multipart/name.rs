//! Names and content types, checked and written so that they stay inside their quotes.

use crate::error::{Error, ErrorKind, Result, quoted};

/// The longest file name, in bytes before it is encoded.
const LONGEST: usize = 255;

/// What a file is called that has no name of its own.
const NAMELESS: &str = "file";

/// A field name, encoded.
pub(super) fn field(name: &str) -> Result<String> {
    if name.is_empty() {
        return Err(refused("a field name is empty; name the part"));
    }
    if name.contains('\\') {
        // Some servers read `\"` as an escaped quote: the name would run on into what follows.
        return Err(refused(format!("the field name {} holds a backslash, which servers disagree on", quoted(name))));
    }
    encoded(name, "field name")
}

/// A file name: what stands after the last separator of either kind, cut to size, and encoded.
pub(super) fn file(name: &str) -> Result<String> {
    let separators = ['/', '\\'];
    let base = name.trim_end_matches(separators).rsplit(separators).next().unwrap_or_default();
    let base = if matches!(base, "" | "." | "..") { NAMELESS } else { base };
    encoded(&short(base), "file name")
}

/// Cuts the stem of a name that is too long; its extension stays.
fn short(name: &str) -> String {
    let dot = name.rfind('.').filter(|dot| name.len() - dot < LONGEST);
    let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
    let room = LONGEST - extension.len();
    let stem = (0..=room).rev().find_map(|end| stem.get(..end)).unwrap_or(stem);
    format!("{stem}{extension}")
}

/// Browsers' encoding: quote, CR and LF as `%22`, `%0D` and `%0A`, everything else raw.
fn encoded(name: &str, what: &str) -> Result<String> {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '"' => out.push_str("%22"),
            '\r' => out.push_str("%0D"),
            '\n' => out.push_str("%0A"),
            c if c.is_control() => {
                return Err(refused(format!("the {what} {} holds a control character; give it another", quoted(name))));
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

/// Passes a content type that is `type/subtype`, with parameters or without, and cannot leave its line.
pub(super) fn content_type(given: &str) -> Result<&str> {
    let essence = given.split_once(';').map_or(given, |(essence, _)| essence);
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(is_token_byte);
    let well_formed = essence.trim_end().split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
    if well_formed && given.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(given);
    }
    Err(refused(format!("the content type {} is not one; write it as text/plain", quoted(given))))
}

/// RFC 9110, 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Request, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b40_a_field_name_stays_inside_its_quotes() {
        for (given, expected) in [
            ("file", "file"),
            ("na\"me\r\nX: y", "na%22me%0D%0AX: y"),
            ("naïve €", "naïve €"),
            ("a;b=c%22", "a;b=c%22"),
            ("up[]", "up[]"),
        ] {
            assert_eq!(field(given).unwrap(), expected);
        }
        for bad in ["", "a\0b", "a\tb", "a\x7f", "a\u{85}b", "a\\", "a\\\"; filename=\"x"] {
            assert_eq!(field(bad).unwrap_err().kind(), ErrorKind::Request, "{bad:?}");
        }
    }

    #[test]
    fn b41_a_file_name_is_one_base_name() {
        for (given, expected) in [
            ("a\";name=\"b", "a%22;name=%22b"),
            ("\r\nEvil: 1", "%0D%0AEvil: 1"),
            ("../../x", "x"),
            ("C:\\x", "x"),
            ("a/b\\c.txt", "c.txt"),
            ("dir/", "dir"),
            ("é", "é"),
            ("..", "file"),
            ("x/..", "file"),
            (".", "file"),
            ("/", "file"),
            ("", "file"),
            (".profile", ".profile"),
            ("...", "..."),
        ] {
            assert_eq!(file(given).unwrap(), expected, "{given:?}");
        }
        for bad in ["a\0.txt", "a\tb", "\x1b[2J", "a\u{9b}"] {
            let error = file(bad).unwrap_err();
            assert!(error.to_string().contains("control character"), "{error}");
            assert!(!error.to_string().contains(bad), "it is printed escaped");
        }
    }

    #[test]
    fn b41_a_long_file_name_keeps_its_extension_and_its_characters() {
        let long = |stem: &str, n: usize, end: &str| stem.repeat(n) + end;
        for (given, expected) in [
            (long("a", 300, ""), long("a", 255, "")),
            (long("a", 300, ".txt"), long("a", 251, ".txt")),
            (long("é", 150, ".txt"), long("é", 125, ".txt")),
            (long("€", 100, ""), long("€", 85, "")),
            (long("a", 255, ""), long("a", 255, "")),
            (long("", 0, &format!(".{}", "e".repeat(300))), format!(".{}", "e".repeat(254))),
            (format!("a.{}", "e".repeat(253)), format!("a.{}", "e".repeat(253))),
            (format!("a.{}", "e".repeat(254)), format!("a.{}", "e".repeat(253))),
        ] {
            let sent = file(&given).unwrap();
            assert_eq!(sent, expected);
            assert!(sent.len() <= LONGEST);
        }
        assert_eq!(file(&"\"".repeat(300)).unwrap(), "%22".repeat(LONGEST), "cut before it is encoded");
    }

    #[test]
    fn b43_a_content_type_cannot_leave_its_line() {
        for good in
            ["text/plain", "text/plain; charset=utf-8", "application/vnd.x+json", "a/b;c=\"d e\"", "text/plain ;q=1"]
        {
            assert_eq!(content_type(good).unwrap(), good);
        }
        for bad in
            ["a\r\nb", "text/plain\r\nX: y", "text/plain\n", "", "text", "text/", "/x", "a b/c", "text/é", "a/b;\0"]
        {
            let error = content_type(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Request, "{bad:?}");
            assert!(!error.to_string().contains(['\r', '\n']));
        }
    }
}
