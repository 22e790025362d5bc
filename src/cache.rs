//! Answers that are kept and given again: which, to whom, and for how long (RFC 9111).
//!
//! Decisions alone: what may be kept, what may be given again and when, and what an answer makes
//! untrue. Nothing here sends, waits for another call, or reads a clock. Stores are behind one trait.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{body::BoxFuture, error::Result};

mod disk;
mod key;

pub use key::{CacheKey, CachePlace};

/// Keeps answers and gives them again; clones share it, and so do the clients that are given one.
///
/// ```
/// use restwalk::{Cache, Client};
///
/// let cache = Cache::memory();
/// let client = Client::builder("https://api.example.com").cache(&cache).build()?;
/// # Ok::<(), restwalk::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Cache {
    store: Arc<dyn CacheBackend>,
    ttl: Option<Duration>,
}

impl Cache {
    /// Keeps answers wherever `backend` does.
    pub fn own(backend: impl CacheBackend + 'static) -> Self {
        Self { store: Arc::new(backend), ttl: None }
    }
}

/// How one call uses the cache; the modes of the Fetch standard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheMode {
    /// What is fresh is given again, what is stale is validated.
    #[default]
    Default,
    /// Nothing is given again, and nothing kept.
    NoStore,
    /// Nothing is given again; the answer is kept.
    Reload,
    /// What is kept is validated, however fresh it is.
    NoCache,
    /// What is kept is given again, however stale it is.
    ForceCache,
    /// As `ForceCache`, and what is not kept is an error: nothing is sent.
    OnlyIfCached,
}

/// A place where answers are kept, as bytes under keys of the store's own making ([`CacheKey::id`]).
///
/// It may forget anything at any time, and never gives what was kept under another key. An error is told of once in
/// the log and counts as nothing kept: a call never fails for its cache. Each operation is bounded in time by the
/// store itself.
pub trait CacheBackend: fmt::Debug + Send + Sync {
    /// What is kept under `key`, and the stamp of its place.
    fn get<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Result<Kept>>;

    /// Keeps `value` for `life` at most, in place of what is there; whoever reads meanwhile sees the one or the other.
    fn set<'a>(&'a self, key: &'a CacheKey, value: Bytes, life: Duration) -> BoxFuture<'a, Result<()>>;

    /// Forgets what is kept under `key`.
    fn remove<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Result<()>>;

    /// Changes the stamp of every key whose place `place` holds, for all who share the store.
    fn invalidate<'a>(&'a self, place: &'a CachePlace) -> BoxFuture<'a, Result<()>>;

    /// Forgets everything.
    fn clear(&self) -> BoxFuture<'_, Result<()>>;

    /// Forgets what is past its `life`, and says how many values that were; stores that do so by themselves say 0.
    fn purge_expired(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(std::future::ready(Ok(0)))
    }

    /// What is kept, at most `most` values, in no order.
    fn list(&self, most: usize) -> BoxFuture<'_, Result<Vec<Bytes>>>;

    /// How many values are kept, and how many bytes they take together.
    fn usage(&self) -> BoxFuture<'_, Result<(u64, u64)>>;
}

/// What a store has under a key.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The value as it was given to [`CacheBackend::set`].
    pub value: Option<Bytes>,
    /// A number for the key's place: as long as nobody calls [`CacheBackend::invalidate`] on a place that holds it, the
    /// same; afterwards another one that never was there before, whatever the store may have forgotten meanwhile.
    pub stamp: u64,
}
