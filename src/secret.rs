//! Values that are never printed.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A text that prints as `***` and is wiped from memory when dropped.
///
/// ```
/// use restwalk::Secret;
///
/// let token = Secret::from("s3cret");
/// assert_eq!(format!("{token:?}"), "Secret(***)");
/// assert_eq!(token.expose(), "s3cret");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The value itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self(Zeroizing::new(value.to_owned()))
    }
}

impl From<&String> for Secret {
    fn from(value: &String) -> Self {
        Self::from(value.as_str())
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(Zeroizing::new(value))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Two hexadecimal digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Puts a text into a hash, after its length, so that no text can run into the next.
pub(crate) fn feed(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

/// The secrets known to a client, each in the spellings in which a server may echo it.
#[derive(Clone, Default)]
pub(crate) struct Masks(Vec<Secret>);

impl Masks {
    /// Adds a secret; one shorter than four bytes would mask half the text and is left out.
    pub(crate) fn add(&mut self, secret: &str) {
        if secret.len() < 4 {
            return;
        }
        let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for spelling in [secret.to_owned(), percent, BASE64_STANDARD.encode(secret), hex(secret.as_bytes())] {
            self.insert(Secret::from(spelling));
        }
    }

    /// Adds the values of headers that are marked sensitive: whole, and without their scheme or cookie name.
    pub(crate) fn add_headers(&mut self, headers: &HeaderMap) {
        for value in headers.values().filter(|value| value.is_sensitive()) {
            let text = String::from_utf8_lossy(value.as_bytes());
            self.add(&text);
            let parts = text.split([' ', ';', ',']);
            parts.for_each(|part| self.add(part.split_once('=').map_or(part, |(_, value)| value)));
        }
    }

    /// Adds the value of a cookie that a server sets.
    pub(crate) fn add_cookie(&mut self, cookie: &HeaderValue) {
        let text = String::from_utf8_lossy(cookie.as_bytes());
        let pair = text.split(';').next().unwrap_or_default();
        self.add(pair.split_once('=').map_or("", |(_, value)| value.trim().trim_matches('"')));
    }

    /// Whether `text` is one of them.
    pub(crate) fn knows(&self, text: &str) -> bool {
        self.0.iter().any(|secret| secret.expose() == text)
    }

    /// Keeps the longest first, so that one secret inside another does not spoil it.
    fn insert(&mut self, secret: Secret) {
        let at = self.0.partition_point(|known| known.expose().len() > secret.expose().len());
        if !self.0[at..].iter().any(|known| known.expose() == secret.expose()) {
            self.0.insert(at, secret);
        }
    }

    /// These and `others`.
    pub(crate) fn joined(&self, others: &Self) -> Self {
        let mut joined = self.clone();
        others.0.iter().cloned().for_each(|other| joined.insert(other));
        joined
    }

    /// Replaces every known secret in `text` with `***`.
    pub(crate) fn apply(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.expose()) { text.replace(secret.expose(), "***") } else { text }
        })
    }
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masks({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s01_a_secret_prints_as_stars() {
        let secret = Secret::from(String::from("CNRY-secret"));
        for printed in [format!("{secret}"), format!("{secret:?}"), format!("{:#?}", Some(&secret))] {
            assert!(!printed.contains("CNRY"), "{printed}");
        }
        assert_eq!(secret.expose(), "CNRY-secret");
    }

    #[test]
    fn s11_a_secret_is_wiped_when_dropped() {
        fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        wiped(&Secret::from("CNRY").0);
    }

    #[test]
    fn s09_an_echoed_secret_is_masked_in_every_spelling() {
        let mut masks = Masks::default();
        masks.add("a b+c/d");
        masks.add("abc");
        for echo in ["a b+c/d", "a+b%2Bc%2Fd", &BASE64_STANDARD.encode("a b+c/d"), "6120622b632f64"] {
            assert_eq!(masks.apply(&format!("<{echo}> abc")), "<***> abc");
        }
        assert_eq!(format!("{masks:?}"), "Masks(4)");
    }
}
