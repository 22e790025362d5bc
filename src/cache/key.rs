//! By what an answer is found again, and the places that it lies under.

use std::{
    borrow::Cow,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use http::Uri;
use quick_cache::Equivalent;
use sha2::{Digest, Sha256};

use crate::{
    request::Origin,
    secret::{feed, hex},
};

/// Names what is kept for one URL and one identity.
///
/// The identity is whoever the answer is for: two clients find each other's answers only where they sign in as the
/// same. It is seen through [`CacheKey::id`] alone. Printing a key shows the origin.
#[derive(Clone, PartialEq, Eq)]
pub struct CacheKey {
    identity: Identity,
    url: Arc<str>,
    /// Where in the URL its origin ends, and its path.
    origin: usize,
    path: usize,
}

/// Whose an answer is.
pub(crate) type Identity = [u8; 32];

/// The parts of a key, by which it is looked up without being made.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) identity: &'a Identity,
    /// In its normal form.
    pub(crate) origin: &'a str,
    /// Path and query.
    pub(crate) target: &'a str,
}

impl Wanted<'_> {
    /// The key of these parts.
    pub(crate) fn key(&self) -> CacheKey {
        let Self { identity, origin, target } = *self;
        let mut url = String::with_capacity(origin.len() + target.len());
        url.push_str(origin);
        url.push_str(target);
        let path = origin.len() + target.find('?').unwrap_or(target.len());
        CacheKey { identity: *identity, url: url.into(), origin: origin.len(), path }
    }
}

impl Hash for Wanted<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.identity, self.origin, self.target).hash(state);
    }
}

/// As its parts, so that it is found by them.
impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl Equivalent<CacheKey> for Wanted<'_> {
    fn equivalent(&self, key: &CacheKey) -> bool {
        let Wanted { identity, origin, target } = key.parts();
        (self.target, self.origin, self.identity) == (target, origin, identity)
    }
}

impl CacheKey {
    /// The key of a URL; `None` where it is not absolute.
    pub(crate) fn new(identity: Identity, uri: &Uri) -> Option<Self> {
        let origin = Origin::of(uri)?.to_string().to_ascii_lowercase();
        let target = normal(uri.path_and_query().map_or("/", |target| target.as_str()));
        Some(Wanted { identity: &identity, origin: &origin, target: &target }.key())
    }

    /// 64 hexadecimal digits that stand for this key in a store which has `salt`; no part can be read from them.
    pub fn id(&self, salt: &[u8]) -> String {
        let mut hash = Sha256::new();
        for part in [salt, &self.identity, self.url.as_bytes()] {
            feed(&mut hash, part);
        }
        hex(&hash.finalize())
    }

    fn parts(&self) -> Wanted<'_> {
        let (origin, target) = self.url.split_at(self.origin);
        Wanted { identity: &self.identity, origin, target }
    }

    /// Where it lies.
    pub fn place(&self) -> CachePlace {
        CachePlace::new(&self.url[..self.path], self.origin)
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The URL, which holds no credentials.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Where in the URL its origin ends, and its path.
    pub(super) fn ends(&self) -> (usize, usize) {
        (self.origin, self.path)
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheKey").field("origin", &&self.url[..self.origin]).finish_non_exhaustive()
    }
}

/// An origin and a path on it, with everything that lies under it, for whomever and with whatever query.
///
/// Printing it shows the origin.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CachePlace {
    /// Without a slash at its end.
    url: Box<str>,
    origin: usize,
}

impl CachePlace {
    fn new(url: &str, origin: usize) -> Self {
        Self { url: url.trim_end_matches('/').into(), origin }
    }

    /// The place of a URL; `None` where it is not absolute.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let origin = Origin::of(uri)?.to_string().to_ascii_lowercase();
        Some(Self::new(&format!("{origin}{}", normal(uri.path())), origin.len()))
    }

    /// 32 hexadecimal digits that stand for its origin in a store which has `salt`.
    pub fn origin(&self, salt: &[u8]) -> String {
        digits(salt, &self.url[..self.origin])
    }

    /// 32 hexadecimal digits that stand for this place in a store which has `salt`.
    pub fn id(&self, salt: &[u8]) -> String {
        digits(salt, &self.url)
    }

    /// What stands for every place that it lies under and for itself: the whole origin first, itself last.
    pub fn ids(&self, salt: &[u8]) -> Vec<String> {
        ends(&self.url, self.origin).map(|end| digits(salt, &self.url[..end])).collect()
    }

    /// Whether `other` is this place or lies under it.
    pub fn holds(&self, other: &Self) -> bool {
        let rest = other.url.strip_prefix(&*self.url);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && self.origin == other.origin
    }

    /// Its URL, without a slash at its end.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

/// Where each place ends that a URL lies under, whose origin ends at `origin`: the origin first, itself last.
pub(super) fn ends(url: &str, origin: usize) -> impl Iterator<Item = usize> {
    let path = url.as_bytes()[origin..].iter().enumerate();
    path.filter(|(_, byte)| **byte == b'/').map(move |(at, _)| origin + at).chain([url.len()])
}

/// A path and query in the one form that all who mean the same write it in (RFC 3986, section 6.2.2): what need not be
/// encoded is not, and digits are capitals.
fn normal(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        rest = after;
        match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if after.as_bytes()[0] != b'+' => {
                rest = &after[2..];
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                    plain.push(char::from(byte));
                } else {
                    plain.push('%');
                    plain.push_str(&after[..2].to_ascii_uppercase());
                }
            }
            _ => plain.push('%'),
        }
    }
    Cow::Owned(plain + rest)
}

fn digits(salt: &[u8], text: &str) -> String {
    let mut hash = Sha256::new();
    feed(&mut hash, salt);
    feed(&mut hash, text.as_bytes());
    hex(&hash.finalize()[..16])
}

impl fmt::Debug for CachePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachePlace").field("origin", &&self.url[..self.origin]).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(identity: u8, url: &str) -> CacheKey {
        CacheKey::new([identity; 32], &url.parse().unwrap()).unwrap()
    }

    fn place(url: &str) -> CachePlace {
        CachePlace::of(&url.parse().unwrap()).unwrap()
    }

    #[test]
    fn c30_a_key_is_hexadecimal_digits_whatever_it_is_of() {
        let long = format!("http://h/{}", "a".repeat(4_096));
        let urls = [
            "http://h/a/../b",
            "http://h/b",
            &long,
            "http://h/%00",
            "http://h/A",
            "http://h/a",
            "http://h/a/",
            "http://h/a?",
            "http://h/a?b",
            "http://h:81/a",
            "https://h/a",
        ];
        let mut ids = std::collections::HashSet::new();
        for identity in 0..2 {
            for url in urls {
                let id = key(identity, url).id(b"salt");
                assert!(id.len() == 64 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{id}");
                assert!(ids.insert(id), "{url}");
            }
        }
        assert_ne!(key(0, "http://h/a").id(b"salt"), key(0, "http://h/a").id(b"other"));
        assert_eq!(key(0, "http://h:80/a").id(b""), key(0, "http://h/a").id(b""));
    }

    #[test]
    fn c09_a_place_holds_what_lies_under_it_and_nothing_beside_it() {
        let table = [
            ("http://h/people/ada", "http://h/people/ada/activities?page=2", true),
            ("http://h/people/ada/", "http://h/people/ada", true),
            ("http://h", "http://h/people", true),
            ("http://h/people/ada", "http://h/people/adam", false),
            ("http://h/people/ada", "http://h/people", false),
            ("http://h/a", "http://h:81/a/b", false),
            ("http://h", "http://h.evil/a", false),
        ];
        for (outer, inner, expected) in table {
            let (outer, inner) = (place(outer), place(inner));
            assert_eq!(outer.holds(&inner), expected, "{} {}", outer.url, inner.url);
            assert_eq!(inner.ids(b"s").contains(&outer.id(b"s")), expected, "{} {}", outer.url, inner.url);
        }
        assert_eq!(place("http://h/a/b").ids(b"s").len(), 3);
        assert_eq!(place("http://h/a/b").ids(b"s")[0], place("http://h/x").origin(b"s"));
        assert_eq!(key(0, "http://h/a/b/?c/d").place(), place("http://h/a/b"));
    }

    #[test]
    fn c01_a_key_is_found_by_its_own_parts_alone() {
        use std::hash::BuildHasher;

        let state = quick_cache::DefaultHashBuilder::default();
        let known = key(7, "http://h:80/a?b");
        let (own, other) = ([7; 32], [8; 32]);
        let parts = |identity, origin, target| Wanted { identity, origin, target };
        for (wanted, same) in [
            (parts(&own, "http://h", "/a?b"), true),
            (parts(&other, "http://h", "/a?b"), false),
            (parts(&own, "http://h/a", "?b"), false),
            (parts(&own, "http://i", "/a?b"), false),
            (parts(&own, "http://h", "/a?c"), false),
        ] {
            assert_eq!(wanted.equivalent(&known), same, "{} {}", wanted.origin, wanted.target);
            assert_eq!(state.hash_one(wanted) == state.hash_one(&known), same);
            assert_eq!(wanted.key() == known, same && wanted.key().ends() == known.ends());
        }
    }

    #[test]
    fn c09_a_url_that_is_written_otherwise_is_the_same() {
        let table = [
            ("http://h/caf%c3%a9?q=%2f", "http://h/caf%C3%A9?q=%2F", true),
            ("http://h/%61da", "http://h/ada", true),
            ("http://H:80/a%7Eb", "http://h/a~b", true),
            ("http://h/a%2Fb", "http://h/a/b", false),
            ("http://h/a%3Fb", "http://h/a?b", false),
            ("http://h/a%25b", "http://h/a%b", false),
            ("http://h/%2561", "http://h/%61", false),
            ("http://h/%+1", "http://h/%01", false),
            ("http://h/a%", "http://h/a", false),
        ];
        for (one, other, same) in table {
            assert_eq!(key(0, one) == key(0, other), same, "{one} {other}");
        }
        assert_eq!(place("http://h/%61/b%c3%a9"), key(0, "http://h/a/b%C3%A9?x").place());
    }

    #[test]
    fn s01_neither_prints_more_than_an_origin() {
        let key = key(0, "http://h/CNRY?CNRY");
        assert!(!format!("{key:?} {:?}", key.place()).contains("CNRY"));
    }
}
