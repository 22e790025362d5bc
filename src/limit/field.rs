//! Structured fields (RFC 9651), as much as rate limits need: a list of names with parameters, read with tolerance.

use smallvec::SmallVec;

/// More members than this, or more parameters of one, are not read.
const MEMBERS: usize = 16;
const PARAMETERS: usize = 32;

/// One member: `"name";key=value`.
#[derive(Debug, PartialEq)]
pub(super) struct Member<'a> {
    /// As it is written, without its quotes.
    pub(super) name: &'a str,
    parameters: SmallVec<[(&'a str, &'a str); 4]>,
}

impl<'a> Member<'a> {
    /// The value of the last parameter of this name, as it is written.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.parameters.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    /// A value that is a whole number, 0 or more.
    pub(super) fn whole(&self, key: &str) -> Option<u64> {
        self.text(key).and_then(whole)
    }
}

/// Digits only, at most fifteen, as the format allows.
pub(super) fn whole(text: &str) -> Option<u64> {
    let digits = (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// The members of a list; one that is malformed is passed over, and so is all that comes after the sixteenth.
pub(super) fn members(text: &str) -> impl Iterator<Item = Member<'_>> {
    parts(text, ',').take(MEMBERS).filter_map(member)
}

fn member(text: &str) -> Option<Member<'_>> {
    let mut parts = parts(text, ';');
    let name = value(parts.next()?)?;
    let parameters = parts.map(|part| {
        let (key, given) = part.split_once('=').unwrap_or((part, "?1"));
        let first = key.starts_with(|c: char| c.is_ascii_lowercase() || c == '*');
        let rest = key.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-.*".contains(&c));
        (first && rest).then_some((key, value(given)?))
    });
    let parameters = parameters.take(PARAMETERS).collect::<Option<_>>()?;
    Some(Member { name, parameters })
}

/// A bare item: a string without its quotes, or a number, a token, bytes or a truth value as it is written.
fn value(text: &str) -> Option<&str> {
    if let Some(inner) = text.strip_prefix('"') {
        let inner = inner.strip_suffix('"')?;
        return is_quotable(inner).then_some(inner);
    }
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/=?@".contains(&c);
    (!text.is_empty() && text.bytes().all(allowed)).then_some(text)
}

/// Whether it may stand between quotes: printable, with every quote and backslash escaped.
fn is_quotable(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if !matches!(bytes.next(), Some(b'"' | b'\\')) => return false,
            b'"' => return false,
            b'\\' | b' '..=b'~' => {}
            _ => return false,
        }
    }
    true
}

/// What stands between separators that are outside quotes, trimmed.
fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        c == separator && !quoted
    })
    .map(|part| part.trim_matches([' ', '\t']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(&str, Option<u64>, Option<u64>)> {
        members(text).map(|member| (member.name, member.whole("r"), member.whole("t"))).collect()
    }

    #[test]
    fn members_and_their_parameters_are_read() {
        for (text, expected) in [
            (r#""d";r=0;t=5"#, vec![("d", Some(0), Some(5))]),
            (r#" "a" ; r=1 ; t=2 ,	token;t=3"#, vec![("a", Some(1), Some(2)), ("token", None, Some(3))]),
            (r#""a,;\"b";r=1"#, vec![(r#"a,;\"b"#, Some(1), None)]),
            (r#""d";r=1;r=2;flag;x=?0;pk=:YQ==:;s="t=9"#, vec![]),
            (r#""d";r=1;r=2;flag;x=?0;pk=:YQ==:;s="t=9""#, vec![("d", Some(2), None)]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(members(r#""d";pk=:YQ==:"#).next().unwrap().text("pk"), Some(":YQ==:"));
    }

    #[test]
    fn l08_what_is_malformed_is_passed_over() {
        for text in ["", ",", ";r=1", r#""d";R=1"#, r#""d";r="#, r#""d;r=1"#, "é;r=1", r#""é";r=1"#, r#""a"b";r=1"#] {
            assert_eq!(read(text), [], "{text}");
        }
        assert_eq!(read(r#""a";=, "b";r=2, (c d);r=3"#), [("b", Some(2), None)]);
        for number in ["-1", "1e30", "1.5", "+1", "0x1", "9999999999999999", "", "?1", "\"5\"x"] {
            assert_eq!(
                members(&format!("d;t=5;r={number}")).next().and_then(|member| member.whole("r")),
                None,
                "{number}"
            );
        }
    }

    #[test]
    fn l08_fifty_policies_are_sixteen() {
        let text = vec![r#""d";r=1;t=5"#; 50].join(",");
        assert_eq!(members(&text).count(), 16);
        let text = format!("d{}", ";a=1".repeat(10_000));
        assert_eq!(members(&text).next().unwrap().parameters.len(), PARAMETERS);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in r#"["\\,;=:?a-d0-9 \t é-]{0,60}"#) {
            for member in members(&text) {
                let _ = (member.whole("r"), member.whole("a"));
            }
        }
    }
}
