//! A store of one's own, which shows all that it was ever given.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use restwalk::{BoxFuture, CacheBackend, CacheKey, CachePlace, Kept, Result};

/// Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Pages>>);

#[derive(Debug, Default)]
struct Pages {
    kept: HashMap<String, Bytes>,
    given: Vec<Bytes>,
    untrue: Vec<CachePlace>,
}

impl Ledger {
    /// All values that it was given, in order.
    pub fn given(&self) -> Vec<Bytes> {
        self.0.lock().unwrap().given.clone()
    }

    /// Does with the pages what no other task sees half done.
    fn turn<T: Send + 'static>(&self, with: impl FnOnce(&mut Pages) -> T) -> BoxFuture<'static, Result<T>> {
        let done = with(&mut self.0.lock().unwrap());
        Box::pin(std::future::ready(Ok(done)))
    }
}

impl CacheBackend for Ledger {
    fn get<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Result<Kept>> {
        self.turn(|pages| {
            let stamp = pages.untrue.iter().filter(|place| place.holds(&key.place())).count() as u64;
            Kept { value: pages.kept.get(&key.id(b"salt")).cloned(), stamp }
        })
    }

    fn set<'a>(&'a self, key: &'a CacheKey, value: Bytes, _: Duration) -> BoxFuture<'a, Result<()>> {
        self.turn(|pages| {
            pages.given.push(value.clone());
            pages.kept.insert(key.id(b"salt"), value);
        })
    }

    fn remove<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Result<()>> {
        self.turn(|pages| drop(pages.kept.remove(&key.id(b"salt"))))
    }

    fn invalidate<'a>(&'a self, place: &'a CachePlace) -> BoxFuture<'a, Result<()>> {
        self.turn(|pages| pages.untrue.push(place.clone()))
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        self.turn(|pages| pages.kept.clear())
    }

    fn list(&self, most: usize) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        self.turn(|pages| pages.kept.values().take(most).cloned().collect())
    }

    fn usage(&self) -> BoxFuture<'_, Result<(u64, u64)>> {
        self.turn(|pages| (pages.kept.len() as u64, pages.kept.values().map(|value| value.len() as u64).sum()))
    }
}
