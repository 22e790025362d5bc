//! Which requests an answer is for: those that agree with the first in what `Vary` names (RFC 9111, section 4.1).

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName,
    header::{ACCEPT_LANGUAGE, VARY},
};

use super::control::split;

/// The fields of a request by which an answer was chosen, each as it stood there.
///
/// Credentials are left out: whoever they stand for is part of the key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Selecting(Box<[(HeaderName, Option<Bytes>)]>);

/// No answer varies by more fields.
const MOST: usize = 32;

impl Selecting {
    /// Those of a request, for an answer with these headers; `None` where no other request can agree.
    pub(super) fn read(asked: &HeaderMap, answered: &HeaderMap) -> Option<Self> {
        let mut names: Vec<HeaderName> = Vec::new();
        for line in answered.get_all(VARY) {
            for name in line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                match HeaderName::from_bytes(name) {
                    _ if name.is_empty() => {}
                    _ if name == b"*" => return None,
                    Ok(name) if names.contains(&name) => {}
                    Ok(name) if names.len() < MOST => names.push(name),
                    // What cannot be read may mean anything.
                    _ => return None,
                }
            }
        }
        Some(Self(names.into_iter().map(|name| (name.clone(), plain(asked, &name))).collect()))
    }

    pub(super) fn of(fields: Vec<(HeaderName, Option<Bytes>)>) -> Self {
        Self(fields.into())
    }

    pub(super) fn fields(&self) -> &[(HeaderName, Option<Bytes>)] {
        &self.0
    }

    /// Whether a request agrees.
    pub(super) fn matches(&self, asked: &HeaderMap) -> bool {
        self.0.iter().all(|(name, value)| agrees(asked, name, value.as_deref()))
    }

    /// Whether one of these is among them.
    pub(super) fn names(&self, names: &[HeaderName]) -> bool {
        self.0.iter().any(|(name, _)| names.contains(name))
    }

    /// How many bytes they take.
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(|(name, value)| name.as_str().len() + value.as_ref().map_or(0, Bytes::len) + 72).sum()
    }
}

/// What commas separate in the lines of a field, without blanks around it.
fn parts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).iter().filter(|value| !value.is_sensitive());
    lines.flat_map(|line| {
        let mut rest = Some(line.as_bytes());
        std::iter::from_fn(move || {
            let (part, after) = split(rest?);
            rest = after;
            Some(part.trim_ascii())
        })
    })
}

/// A field as one text: its lines joined, without blanks around commas; languages in any case and order.
fn plain(headers: &HeaderMap, name: &HeaderName) -> Option<Bytes> {
    let mut parts: Vec<Vec<u8>> = parts(headers, name).map(<[u8]>::to_vec).collect();
    if parts.is_empty() {
        return None;
    }
    if *name == ACCEPT_LANGUAGE {
        for part in &mut parts {
            part.retain(|byte| !matches!(byte, b' ' | b'\t'));
            part.make_ascii_lowercase();
        }
        parts.sort();
    }
    Some(parts.join(&b","[..]).into())
}

/// Whether a field as one text is `text`; nothing is put together for it.
fn agrees(headers: &HeaderMap, name: &HeaderName, text: Option<&[u8]>) -> bool {
    if *name == ACCEPT_LANGUAGE {
        return plain(headers, name).as_deref() == text;
    }
    let mut rest = text;
    for part in parts(headers, name) {
        rest = match rest.and_then(|rest| rest.strip_prefix(part)) {
            Some([]) => None,
            Some([b',', after @ ..]) => Some(after),
            _ => return false,
        };
    }
    rest.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What varies, the first request, the second, and whether they agree.
    type Row = (&'static [&'static str], Fields, Fields, Option<bool>);
    type Fields = &'static [(&'static str, &'static str)];

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        headers
    }

    fn agree(vary: &[&str], one: &[(&str, &str)], two: &[(&str, &str)]) -> Option<bool> {
        let answered: Vec<_> = vary.iter().map(|line| ("vary", *line)).collect();
        Some(Selecting::read(&map(one), &map(&answered))?.matches(&map(two)))
    }

    #[test]
    fn c04_a_request_must_agree_in_every_field_that_is_named() {
        let table: &[Row] = &[
            (&[], &[("foo", "1")], &[("foo", "2")], Some(true)),
            (&["foo"], &[("foo", "1")], &[("foo", "1"), ("bar", "2")], Some(true)),
            (&["FOO"], &[("foo", "1")], &[("foo", "2")], Some(false)),
            (&["foo"], &[], &[("foo", "1")], Some(false)),
            (&["foo"], &[("foo", "1")], &[], Some(false)),
            (&["foo, bar"], &[("foo", "1")], &[("foo", "1")], Some(true)),
            (&["foo", "bar"], &[("foo", "1"), ("bar", "a")], &[("foo", "1"), ("bar", "b")], Some(false)),
            (&["foo"], &[("foo", "1, 2")], &[("foo", "1"), ("foo", "2")], Some(true)),
            (&["foo"], &[("foo", "a,b")], &[("foo", " a ,\tb ")], Some(true)),
            (&["foo"], &[("foo", "a  b")], &[("foo", "a b")], Some(false)),
            (&["foo"], &[("foo", "\"a, b\"")], &[("foo", "\"a,b\"")], Some(false)),
            (&["foo"], &[("foo", "a b")], &[("foo", "ab")], Some(false)),
            (&["foo"], &[("foo", "1, 2")], &[("foo", "2, 1")], Some(false)),
            (&["foo"], &[("foo", "A")], &[("foo", "a")], Some(false)),
            (
                &["accept-language"],
                &[("accept-language", "en, de;q=0.5")],
                &[("accept-language", "DE; q=0.5,EN")],
                Some(true),
            ),
            (&["accept-language"], &[("accept-language", "en")], &[("accept-language", "de")], Some(false)),
            (&["*"], &[], &[], None),
            (&["foo, *"], &[], &[], None),
            (&["", "*"], &[], &[], None),
            (&["f oo"], &[], &[], None),
            (&[", ,foo"], &[("foo", "1")], &[("foo", "1")], Some(true)),
        ];
        for (vary, one, two, expected) in table {
            assert_eq!(agree(vary, one, two), *expected, "{vary:?} {one:?} {two:?}");
        }
    }
}
