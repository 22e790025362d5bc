//! Where answers are kept: what every store does.

use std::{fmt, time::Duration};

use bytes::Bytes;

use super::key::{CacheKey, CachePlace};
use crate::{body::BoxFuture, error::Result};

/// A place where answers are kept, as bytes under keys of the store's own making ([`CacheKey::id`]).
///
/// It may forget anything at any time, and never gives what was kept under another key. An error is told of once in
/// the log and counts as nothing kept: a call never fails for its cache. Each operation is bounded in time by the
/// store itself; one that takes longer than 2 s is given up and counts as failed.
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

    /// Keeps at most so many bytes from now on; stores that are bounded otherwise do nothing.
    fn set_capacity(&self, bytes: u64) {
        let _ = bytes;
    }

    /// How many values are kept, and how many bytes they take together.
    fn usage(&self) -> BoxFuture<'_, Result<(u64, u64)>>;
}

/// What a store has under a key.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The value as it was given to [`CacheBackend::set`].
    pub value: Option<Bytes>,
    /// A number for the key's place: as long as nobody calls [`CacheBackend::invalidate`] on a place that holds it, the
    /// same, but where chance makes another of it; afterwards one that never was there before, whatever the store may
    /// have forgotten meanwhile.
    pub stamp: u64,
}
