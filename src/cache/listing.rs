//! A cache looked at and cleaned by hand.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use http::StatusCode;

use super::{Cache, Counters, Store, entry::Entry, slot::Slot, terms::Moment};
use crate::{error::Result, header::is_secret};

/// What a cache did so far in this process, and what it keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Answers given again that were fresh.
    pub hits: u64,
    /// Answers given again that were stale.
    pub stale: u64,
    /// Answers given again after the server said that they still hold.
    pub validated: u64,
    /// Calls that nothing was kept for.
    pub misses: u64,
    /// Answers that were kept.
    pub kept: u64,
    /// What is kept now: how many URLs with their answers, each counted for each identity.
    pub entries: u64,
    /// How many bytes those take.
    pub bytes: u64,
}

/// An answer that is kept, as a cache lists it.
#[derive(Debug, Clone)]
pub struct CacheEntry {
    url: String,
    status: StatusCode,
    age: Duration,
    fresh_for: Option<Duration>,
    bytes: u64,
}

impl CacheEntry {
    fn of(url: &str, entry: &Entry, now: Moment) -> Self {
        let (age, fresh_for) = (entry.age(now), entry.fresh_for(now));
        Self { url: shown(url), status: entry.status(), age, fresh_for, bytes: entry.size() as u64 }
    }

    /// The URL that answered, without credentials: those that were added to it are not kept, and a query parameter that
    /// is called like one shows `***`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// How old the answer is by now.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// How much longer it is fresh; `None` once it is stale.
    pub fn fresh_for(&self) -> Option<Duration> {
        self.fresh_for
    }

    /// How many bytes its headers and its body take.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Cache {
    /// Forgets everything.
    ///
    /// # Errors
    /// `Store` where the store fails.
    pub async fn clear(&self) -> Result<()> {
        match &self.store {
            Store::Memory(memory) => {
                memory.clear();
                Ok(())
            }
            Store::Own(backend) => backend.clear().await,
        }
    }

    /// Forgets what is of no use any more, and says how much that was; stores do so by themselves in time.
    ///
    /// # Errors
    /// `Store` where the store fails.
    pub async fn purge_expired(&self) -> Result<u64> {
        match &self.store {
            Store::Memory(memory) => {
                let now = Moment::now();
                Ok(memory.purge(|slot| slot.is_over(now)))
            }
            Store::Own(backend) => backend.purge_expired().await,
        }
    }

    /// What it did so far in this process, and what it keeps.
    ///
    /// # Errors
    /// `Store` where the store fails.
    pub async fn stats(&self) -> Result<CacheStats> {
        let (entries, bytes) = match &self.store {
            Store::Memory(memory) => memory.usage(),
            Store::Own(backend) => backend.usage().await?,
        };
        let Counters { hits, stale, validated, misses, kept } = &self.shared.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (hits, stale, validated) = (read(hits), read(stale), read(validated));
        Ok(CacheStats { hits, stale, validated, misses: read(misses), kept: read(kept), entries, bytes })
    }

    /// The answers of at most `most` URLs that are kept, the youngest first.
    ///
    /// What an unsafe call has made untrue is among them until it is asked for.
    ///
    /// # Errors
    /// `Store` where the store fails.
    pub async fn entries(&self, most: usize) -> Result<Vec<CacheEntry>> {
        let now = Moment::now();
        let slots: Vec<(String, Slot)> = match &self.store {
            Store::Memory(memory) => memory.list(most),
            Store::Own(backend) => {
                backend.list(most).await?.iter().filter_map(|value| Slot::read(value, now)).collect()
            }
        };
        let all =
            slots.iter().flat_map(|(url, slot)| slot.entries().iter().map(|entry| CacheEntry::of(url, entry, now)));
        let mut all: Vec<_> = all.collect();
        all.sort_by(|one, other| one.age.cmp(&other.age).then_with(|| one.url.cmp(&other.url)));
        Ok(all)
    }
}

/// A URL with `***` in place of what its query gives under the names of credentials.
pub(super) fn shown(url: &str) -> String {
    let Some((path, query)) = url.split_once('?') else { return url.to_owned() };
    let pair = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        let secret = url::form_urlencoded::parse(name.as_bytes()).any(|(name, _)| is_secret(&name));
        if secret { format!("{name}=***") } else { pair.to_owned() }
    };
    format!("{path}?{}", query.split('&').map(pair).collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s01_a_listed_url_shows_no_secret() {
        for (url, expected) in [
            ("https://h/a", "https://h/a"),
            ("https://h/a?q=1&page=2", "https://h/a?q=1&page=2"),
            ("https://h/a?q=1&api_key=CNRY&x", "https://h/a?q=1&api_key=***&x"),
            ("https://h/a?access%5Ftoken=CNRY", "https://h/a?access%5Ftoken=***"),
            ("https://h/a?q=a=b&token", "https://h/a?q=a=b&token=***"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
