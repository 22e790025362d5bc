//! By what an answer is found again, and the places that it lies under.

use std::fmt;

use http::Uri;
use sha2::{Digest, Sha256};

use crate::{request::Origin, secret::hex};

/// Names what is kept for one URL and one identity.
///
/// The identity is whoever the answer is for: two clients find each other's answers only where they sign in as the
/// same. It is seen through [`CacheKey::id`] alone. Printing a key shows the origin.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CacheKey {
    identity: Identity,
    place: CachePlace,
    /// Path and query as they are asked for.
    target: String,
}

/// Whose an answer is.
pub(crate) type Identity = [u8; 32];

impl CacheKey {
    /// The key of a URL; `None` where it is not absolute.
    pub(crate) fn new(identity: Identity, uri: &Uri) -> Option<Self> {
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        Some(Self { identity, place: CachePlace::of(uri)?, target: target.to_owned() })
    }

    /// 64 hexadecimal digits that stand for this key in a store which has `salt`; no part can be read from them.
    pub fn id(&self, salt: &[u8]) -> String {
        let mut hash = self.place.hash(salt, 0);
        feed(&mut hash, &self.identity);
        feed(&mut hash, self.target.as_bytes());
        hex(&hash.finalize())
    }

    /// Where it lies.
    pub fn place(&self) -> &CachePlace {
        &self.place
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheKey").field("origin", &self.place.origin).finish_non_exhaustive()
    }
}

/// An origin and a path on it, with everything that lies under it, for whomever and with whatever query.
///
/// Printing it shows the origin.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CachePlace {
    origin: String,
    /// Without a slash at its end; empty for the whole origin.
    path: String,
}

impl CachePlace {
    /// The place of a URL; `None` where it is not absolute.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        Some(Self::at(&Origin::of(uri)?, uri.path()))
    }

    /// The place of a path on an origin.
    pub(crate) fn at(origin: &Origin, path: &str) -> Self {
        Self { origin: origin.to_string(), path: path.trim_end_matches('/').to_owned() }
    }

    /// 32 hexadecimal digits that stand for its origin in a store which has `salt`.
    pub fn origin(&self, salt: &[u8]) -> String {
        self.digits(salt, 0)
    }

    /// 32 hexadecimal digits that stand for this place in a store which has `salt`.
    pub fn id(&self, salt: &[u8]) -> String {
        self.digits(salt, self.path.len())
    }

    /// What stands for it and for every place that it lies under: the whole origin first, itself last.
    pub fn ids(&self, salt: &[u8]) -> Vec<String> {
        let slashes = self.path.bytes().enumerate().filter(|(_, byte)| *byte == b'/').map(|(at, _)| at);
        let mut ids: Vec<_> = slashes.map(|at| self.digits(salt, at)).collect();
        ids.push(self.id(salt));
        ids
    }

    /// Whether `other` is this place or lies under it.
    pub fn holds(&self, other: &Self) -> bool {
        let rest = other.path.strip_prefix(&self.path).filter(|_| self.origin == other.origin);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn digits(&self, salt: &[u8], end: usize) -> String {
        hex(&self.hash(salt, end).finalize()[..16])
    }

    fn hash(&self, salt: &[u8], end: usize) -> Sha256 {
        let mut hash = Sha256::new();
        feed(&mut hash, salt);
        feed(&mut hash, self.origin.as_bytes());
        feed(&mut hash, &self.path.as_bytes()[..end]);
        hash
    }
}

impl fmt::Debug for CachePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachePlace").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// A text and its length, so that no text can run into the next.
pub(crate) fn feed(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}
