//! JSON pointers (RFC 6901) over JSON text, whose digits stay as they are.

use std::borrow::Cow;

use super::{Members, unescape};
use crate::error::quoted;

/// How many members a message names.
const NAMED: usize = 16;

/// Whether `text` is a pointer: empty for the whole, or steps that each begin with a slash.
pub(crate) fn is_pointer(text: &str) -> bool {
    let escaped = |text: &str| text.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    text.is_empty() || text.starts_with('/') && escaped(text)
}

/// What stands at `pointer` in valid JSON; of a doubled key the last wins.
///
/// The error is how far the pointer leads, and what stands there.
pub(crate) fn find<'t, 'p>(text: &'t str, pointer: &'p str) -> Result<&'t str, (&'p str, &'t str)> {
    let mut here = text.trim();
    let mut walked = 0;
    for step in pointer.split('/').skip(1) {
        let Some(next) = member(here, step) else { return Err((pointer.get(..walked).unwrap_or_default(), here)) };
        walked += step.len() + 1;
        here = next;
    }
    Ok(here)
}

fn member<'t>(text: &'t str, step: &str) -> Option<&'t str> {
    match text.as_bytes().first()? {
        b'{' => {
            let name =
                if step.contains('~') { Cow::Owned(step.replace("~1", "/").replace("~0", "~")) } else { step.into() };
            Members::of(text).filter(|(key, _)| unescape(key) == name).map(|(_, value)| value).last()
        }
        b'[' if step == "0" || !step.starts_with(['0', '+']) => {
            Members::of(text).nth(step.parse().ok()?).map(|(_, value)| value)
        }
        _ => None,
    }
}

/// What kind of value JSON text holds, in words, with the names of an object's members.
pub(crate) fn describe(text: &str) -> String {
    match text.as_bytes().first() {
        Some(b'{') => members(text),
        Some(b'[') => "an array".to_owned(),
        Some(b'"') => "a text".to_owned(),
        Some(b't' | b'f' | b'n') => text.to_owned(),
        _ => "a number".to_owned(),
    }
}

fn members(text: &str) -> String {
    let mut names = Members::of(text).map(|(key, _)| quoted(&unescape(key)));
    let listed: Vec<_> = names.by_ref().take(NAMED).collect();
    let more = if names.next().is_some() { " …" } else { "" };
    match &*listed {
        [] => "an empty object".to_owned(),
        [one] => format!("an object with the member {one}"),
        _ => format!("an object with the members {}{more}", listed.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_where_rfc_6901_says() {
        let text =
            r#" {"foo": ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8, "k\"l": 6, " ": 7, "d": 1, "d": 2, "é": [[3]]} "#;
        for (pointer, expected) in [
            ("", text.trim()),
            ("/foo", r#"["bar", "baz"]"#),
            ("/foo/0", "\"bar\""),
            ("/", "0"),
            ("/a~1b", "1"),
            ("/m~0n", "8"),
            ("/k\"l", "6"),
            ("/ ", "7"),
            ("/d", "2"),
            ("/é/0/0", "3"),
        ] {
            assert_eq!(find(text, pointer), Ok(expected), "{pointer}");
        }
        for (pointer, reached, there) in [
            ("/none/x", "", text.trim()),
            ("/foo/2", "/foo", r#"["bar", "baz"]"#),
            ("/foo/-", "/foo", r#"["bar", "baz"]"#),
            ("/foo/00", "/foo", r#"["bar", "baz"]"#),
            ("/foo/+1", "/foo", r#"["bar", "baz"]"#),
            ("/foo/1/x/y", "/foo/1", "\"baz\""),
            ("/é/0/0/0", "/é/0/0", "3"),
        ] {
            assert_eq!(find(text, pointer), Err((reached, there)), "{pointer}");
        }
    }

    #[test]
    fn what_is_no_pointer_is_known() {
        for good in ["", "/", "/a/b", "/a~0~1", "/ü"] {
            assert!(is_pointer(good), "{good}");
        }
        for bad in ["a", "a/b", "$.a", "/~", "/a~2", "/a~", " /a"] {
            assert!(!is_pointer(bad), "{bad}");
        }
    }

    #[test]
    fn a_value_is_told_in_words() {
        for (text, expected) in [
            ("null", "null"),
            ("false", "false"),
            ("-1", "a number"),
            ("\"CNRY\"", "a text"),
            ("[1]", "an array"),
            ("{}", "an empty object"),
            (r#"{"a": "CNRY"}"#, r#"an object with the member "a""#),
            (r#"{"a": 1, "\n": {"b": 2}}"#, r#"an object with the members "a", "\n""#),
        ] {
            assert_eq!(describe(text), expected, "{text}");
        }
        let many: Vec<_> = (0..1000).map(|n| format!("\"k{n}\":0")).collect();
        assert!(describe(&format!("{{{}}}", many.join(","))).ends_with("\"k15\" …"));
    }
}
