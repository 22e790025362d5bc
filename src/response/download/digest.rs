//! What a body must be, by the server's word or the caller's: RFC 9530, and the older `Digest`. SHA-256 only.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderMap;
use sha2::{Digest, Sha256};

type Hash = [u8; 32];

/// The hashes that a body must have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Digests {
    /// Of the whole file.
    whole: Vec<Hash>,
    /// Of the bytes of this answer.
    content: Vec<Hash>,
}

impl Digests {
    /// The caller's word alone.
    pub(super) fn only(given: Option<Hash>) -> Self {
        Self { whole: given.into_iter().collect(), content: Vec::new() }
    }

    /// Adds what the server says of an answer that is not coded; what cannot be read says nothing.
    pub(super) fn read(headers: &HeaderMap, given: Option<Hash>) -> Self {
        let said = |name| headers.get_all(name).iter().filter_map(|value| sha256(value.to_str().ok()?));
        let whole = said("repr-digest").chain(said("digest")).chain(given).collect();
        Self { whole, content: said("content-digest").collect() }
    }

    pub(super) fn any(&self) -> bool {
        !self.whole.is_empty() || !self.content.is_empty()
    }

    /// What must be hashed to tell.
    pub(super) fn hashing(&self) -> Hashing {
        let hasher = |hashes: &[Hash]| (!hashes.is_empty()).then(Sha256::new);
        Hashing { whole: hasher(&self.whole), content: hasher(&self.content) }
    }

    /// Whether what was hashed is what it must be.
    pub(super) fn are_met(&self, hashing: Hashing) -> bool {
        let met = |hashes: &[Hash], hasher: Option<Sha256>| {
            let found: Option<Hash> = hasher.map(|hasher| hasher.finalize().into());
            hashes.iter().all(|hash| Some(*hash) == found)
        };
        met(&self.whole, hashing.whole) && met(&self.content, hashing.content)
    }
}

/// The hashes of what has passed.
pub(super) struct Hashing {
    whole: Option<Sha256>,
    content: Option<Sha256>,
}

impl Hashing {
    /// Whether what is there already must be read.
    pub(super) fn wants_whole(&self) -> bool {
        self.whole.is_some()
    }

    /// Takes in bytes that an earlier download brought.
    pub(super) fn earlier(&mut self, bytes: &[u8]) {
        if let Some(whole) = &mut self.whole {
            whole.update(bytes);
        }
    }

    /// Takes in bytes of this answer.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        for hasher in [&mut self.whole, &mut self.content].into_iter().flatten() {
            hasher.update(bytes);
        }
    }
}

/// The SHA-256 in `sha-256=:…:, sha-512=:…:`, or in `SHA-256=…` as it was written before.
fn sha256(value: &str) -> Option<Hash> {
    let pairs = value.split(',').filter_map(|member| member.trim().split_once('='));
    let (_, value) = { pairs }.find(|(name, _)| name.eq_ignore_ascii_case("sha-256"))?;
    let value = value.split(';').next()?.trim();
    let inner = value.strip_prefix(':').and_then(|value| value.strip_suffix(':')).unwrap_or(value);
    BASE64_STANDARD.decode(inner).ok()?.try_into().ok()
}

/// 64 hexadecimal digits.
pub(super) fn from_hex(text: &str) -> Option<Hash> {
    let digits = text.trim().chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<_>>>()?;
    let bytes: Vec<_> = digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
    const ABC_HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn b26_the_spellings_of_a_digest() {
        let abc: Hash = Sha256::digest(b"abc").into();
        for good in [
            format!("sha-256=:{ABC}:"),
            format!("sha-512=:AAAA:, sha-256=:{ABC}:"),
            format!(" sha-256=:{ABC}:;x=1 , md5=:AAAA:"),
            format!("SHA-256={ABC}"),
            format!("MD5=AAAA,SHA-256={ABC}"),
        ] {
            assert_eq!(sha256(&good), Some(abc), "{good}");
        }
        for bad in ["", "sha-256", "sha-256=", "sha-256=:AAAA:", "sha-256=:!!:", "sha-512=:AAAA:", &ABC[..20]] {
            assert_eq!(sha256(bad), None, "{bad}");
        }
        assert_eq!(from_hex(ABC_HEX), Some(abc));
        assert_eq!(from_hex(&ABC_HEX.to_uppercase()), Some(abc));
        for bad in ["", &ABC_HEX[1..], &ABC_HEX[2..], &ABC_HEX.replace('b', "g"), &format!("{ABC_HEX}00")] {
            assert_eq!(from_hex(bad), None, "{bad}");
        }
    }

    #[test]
    fn b26_each_digest_is_of_its_own_bytes() {
        let headers = |name: &'static str| {
            HeaderMap::from_iter([(http::HeaderName::from_static(name), format!("sha-256=:{ABC}:").parse().unwrap())])
        };
        let met = |digests: &Digests, earlier: &[u8], bytes: &[u8]| {
            let mut hashing = digests.hashing();
            hashing.earlier(earlier);
            hashing.update(bytes);
            digests.are_met(hashing)
        };
        for whole in [Digests::read(&headers("repr-digest"), None), Digests::only(from_hex(ABC_HEX))] {
            assert!(met(&whole, b"a", b"bc") && !met(&whole, b"x", b"abc"));
        }
        let content = Digests::read(&headers("content-digest"), None);
        assert!(met(&content, b"x", b"abc") && !met(&content, b"a", b"bc"));
        let both = Digests::read(&headers("digest"), Some([0; 32]));
        assert!(both.any() && !met(&both, b"", b"abc"), "all must be met");
        assert!(!Digests::default().any() && met(&Digests::default(), b"", b"abc"));
    }
}
