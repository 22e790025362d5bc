//! JSON as text: written once, strictly, and read by spans.
//!
//! Arguments are kept as the JSON text that serializing them gives, so that numbers and
//! order pass through exactly and a body is not rebuilt to be merged. NaN and infinity,
//! which `serde_json` would turn into `null`, are refused.

use std::borrow::Cow;

use serde::Serialize;

mod finite;
pub(crate) mod pointer;

/// Serializes `value` to compact JSON; the error says what JSON cannot hold.
pub(crate) fn to_text<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    let mut out = Vec::with_capacity(512);
    let mut serializer = serde_json::Serializer::new(&mut out);
    value.serialize(finite::Finite(&mut serializer)).map_err(|error| error.to_string())?;
    String::from_utf8(out).map_err(|error| error.to_string())
}

/// The text of a name inside JSON quotes.
pub(crate) fn escape(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        return Cow::Borrowed(name);
    }
    let quoted = serde_json::Value::from(name).to_string();
    Cow::Owned(quoted[1..quoted.len() - 1].to_owned())
}

/// The name that stands escaped between JSON quotes.
pub(crate) fn unescape(escaped: &str) -> Cow<'_, str> {
    if escaped.bytes().all(|byte| byte != b'\\') {
        return Cow::Borrowed(escaped);
    }
    serde_json::from_str(&format!("\"{escaped}\"")).map_or(Cow::Borrowed(escaped), Cow::Owned)
}

pub(crate) fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// The text of a string value, `None` for any other value.
pub(crate) fn as_string(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.trim().strip_prefix('"')?.strip_suffix('"')?;
    Some(unescape(inner))
}

/// The names and values of an object, or of a list of pairs; `None` for anything else but `null`.
pub(crate) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    match text.as_bytes().first() {
        Some(b'{') => {
            Some(Members::of(text).map(|(name, value)| (unescape(name).into_owned(), value.to_owned())).collect())
        }
        Some(b'[') => Members::of(text).map(|(_, pair)| pair_of(pair)).collect(),
        _ => (text == "null").then(Vec::new),
    }
}

fn pair_of(text: &str) -> Option<(String, String)> {
    let mut items = Members::of(text).map(|(_, item)| item);
    match (text.starts_with('['), items.next(), items.next(), items.next()) {
        (true, Some(name), Some(value), None) => Some((as_string(name)?.into_owned(), value.to_owned())),
        _ => None,
    }
}

/// The members of an object, as (escaped key, value text); of an array, as ("", value text).
///
/// `text` must be valid JSON; of anything else the members are meaningless, but found without a panic.
#[derive(Clone)]
pub(crate) struct Members<'a> {
    text: &'a str,
    at: usize,
    keyed: bool,
}

impl<'a> Members<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let start = text.len() - text.trim_start().len();
        Self { text, at: start + 1, keyed: text.as_bytes().get(start) == Some(&b'{') }
    }

    /// The members of an array from `at` on, which [`Members::position`] told.
    pub(crate) fn resume(text: &'a str, at: usize) -> Self {
        Self { text, at, keyed: false }
    }

    /// Where the next member is looked for.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    fn blank(&mut self) {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',' | b':')) {
            self.at += 1;
        }
    }

    /// Moves behind the string or value that begins here and returns its text.
    fn value(&mut self) -> &'a str {
        let start = self.at;
        match self.text.as_bytes().get(start) {
            Some(b'"') => self.string(),
            Some(b'{' | b'[') => self.nested(),
            _ => self.scalar(),
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn nested(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b'"' => {
                    self.string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    fn scalar(&mut self) {
        let ends = |byte: &u8| matches!(byte, b'}' | b']' | b',' | b' ' | b'\n' | b'\r' | b'\t');
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
    }

    fn string(&mut self) {
        let bytes = self.text.as_bytes();
        self.at += 1;
        while let Some(found) = bytes.get(self.at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
            self.at += found + 1;
            if bytes.get(self.at - 1) == Some(&b'"') {
                return;
            }
            self.at += 1;
        }
        self.at = bytes.len();
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        self.blank();
        if matches!(self.text.as_bytes().get(self.at), None | Some(b'}' | b']')) {
            return None;
        }
        let key = if self.keyed {
            let quoted = self.value();
            self.blank();
            quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default()
        } else {
            ""
        };
        Some((key, self.value()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_exact_and_strict() {
        assert_eq!(to_text(&u64::MAX).unwrap(), "18446744073709551615");
        assert_eq!(to_text(&u128::MAX).unwrap(), "340282366920938463463374607431768211455");
        let raw = serde_json::value::RawValue::from_string("1.10".into()).unwrap();
        assert_eq!(to_text(&[&raw]).unwrap(), "[1.10]");
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(to_text(&[Some(bad)]).unwrap_err().contains("finite"));
        }
        assert!(to_text(&f32::NAN).is_err());
        assert!(to_text(&std::collections::BTreeMap::from([(1, "a")])).is_ok());
        assert!(to_text(&std::collections::BTreeMap::from([(vec![1], "a")])).is_err());
    }

    #[test]
    fn members_are_found_by_their_spans() {
        for (text, expected) in [
            ("{}", vec![]),
            ("[]", vec![]),
            (r#"{"a":1}"#, vec![("a", "1")]),
            (
                r#" { "a" : [ 1 , {"b":"}"} ] , "c\"d" : "x,\"]" , "e":{} } "#,
                vec![("a", r#"[ 1 , {"b":"}"} ]"#), (r#"c\"d"#, r#""x,\"]""#), ("e", "{}")],
            ),
            (r#"[1,"a",[2],null]"#, vec![("", "1"), ("", "\"a\""), ("", "[2]"), ("", "null")]),
        ] {
            assert_eq!(Members::of(text).collect::<Vec<_>>(), expected, "{text}");
        }
        for broken in ["{", "{\"", "{\"a", "[\"\\", "{\"a\":", "x", ""] {
            assert!(Members::of(broken).count() < 3, "{broken}");
        }
    }

    #[test]
    fn pairs_come_from_an_object_or_a_list() {
        let two = Some(vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "\"x\"".to_owned())]);
        for (text, expected) in [
            (r#"{"a":1,"b":"x"}"#, two.clone()),
            (r#"[["a",1],["b","x"]]"#, two),
            ("null", Some(vec![])),
            ("[]", Some(vec![])),
            ("[1]", None),
            (r#"[["a"]]"#, None),
            (r#"[["a",1,2]]"#, None),
            ("[[1,2]]", None),
            (r#"[{"a":1}]"#, None),
            ("7", None),
        ] {
            assert_eq!(pairs(text), expected, "{text}");
        }
    }

    #[test]
    fn names_are_escaped_and_back() {
        for name in ["plain", "quo\"te", "back\\slash", "new\nline", "é"] {
            assert_eq!(unescape(&escape(name)), name);
        }
        assert_eq!(as_string("\"a\\\"b\"").as_deref(), Some("a\"b"));
        assert_eq!(as_string("12"), None);
    }
}
