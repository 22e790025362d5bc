//! What a call does with a cache: it finds, keeps, forgets, and waits for those who want the same.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use tokio::{runtime::Handle, time::Instant};

use super::{
    Cache, CacheKey, CacheMode, CachePlace, Counters, Kept, Store, Wanted, decide,
    entry::{Draft, Entry},
    fill::Fill,
    flight::Joined,
    memory::Memory,
    slot::Slot,
    terms::Moment,
};
use crate::{
    body::{BoxFuture, WireBody},
    error::{Error, ErrorKind, Result},
};

/// How long a store may take for one operation; those here are bounded more closely.
const PATIENCE: Duration = Duration::from_secs(2);

impl Cache {
    /// The answer that is fresh for a call that asks nothing of the cache but what `mode` says, where it is in memory.
    pub(crate) fn peek(
        &self,
        wanted: &Wanted<'_>,
        mode: CacheMode,
        asked: &HeaderMap,
        now: Moment,
    ) -> Option<Arc<Entry>> {
        let Store::Memory(memory) = &self.store else { return None };
        let fresh = memory.peek(wanted, asked).filter(|entry| entry.serves_at_once(mode, now))?;
        self.note(Noted::Hit);
        Some(fresh)
    }

    /// What a call finds; `None` where the store fails.
    pub(crate) async fn find(&self, key: &CacheKey) -> Option<Found> {
        match &self.store {
            Store::Memory(_) => self.find_now(key),
            Store::Own(backend) => {
                let Kept { value, stamp } = self.heard(in_time(backend.get(key)).await)?;
                let slot = value.as_ref().map(|value| Slot::decode(key, value, Moment::now()));
                if let Some(None) = slot {
                    // Nothing of ours, or spoilt.
                    self.heard(in_time(backend.remove(key)).await);
                }
                Some(Found { slot: slot.flatten(), stamp })
            }
        }
    }

    /// The same where it can be told at once: in memory.
    pub(crate) fn find_now(&self, key: &CacheKey) -> Option<Found> {
        let Store::Memory(memory) = &self.store else { return None };
        Some(match memory.get(key) {
            Some(kept) => Found { slot: Some(kept.slot()), stamp: kept.stamp() },
            None => Found { slot: None, stamp: memory.stamp(key) },
        })
    }

    /// Keeps what `draft` becomes with its whole body, beside what was found before.
    pub(crate) fn filled(&self, body: WireBody, draft: Draft, found: &Found, key: &CacheKey) -> WireBody {
        let limit = usize::try_from(self.rules.limit).unwrap_or(usize::MAX);
        let slot = found.slot.clone();
        WireBody::new(Fill::new(body, Keep { cache: self.clone(), key: key.clone(), draft, slot }, limit))
    }

    /// The same for a body that is here.
    pub(crate) async fn keep_whole(&self, key: &CacheKey, slot: Option<&Slot>, draft: Draft, body: Bytes) -> bool {
        let plain = if self.fits(&draft, &body) { draft.plain(&body).await } else { None };
        let may = plain.is_some_and(|plain| !decide::holds_token(&plain));
        if may {
            self.keep(key, slot, draft.entry(body)).await;
        }
        may
    }

    /// Whether this is all of the body, and no more than is kept.
    fn fits(&self, draft: &Draft, body: &Bytes) -> bool {
        self.rules.holds(body.len() as u64) && draft.is_whole(body)
    }

    /// Keeps `entry` in memory, beside what was found before, and what others have kept since then.
    fn keep_here(&self, memory: &Memory, key: &CacheKey, slot: Option<&Slot>, entry: &Arc<Entry>) {
        self.count(|counters| &counters.kept);
        let known = memory.get(key).map(|kept| kept.slot());
        memory.set(key.clone(), Slot::joined(known.as_ref().or(slot), entry), entry.stamp());
    }

    /// Keeps `entry` beside what was found before.
    pub(crate) async fn keep(&self, key: &CacheKey, slot: Option<&Slot>, entry: Arc<Entry>) {
        match &self.store {
            Store::Memory(memory) => self.keep_here(memory, key, slot, &entry),
            Store::Own(backend) => {
                self.count(|counters| &counters.kept);
                let slot = Slot::joined(slot, &entry);
                self.heard(in_time(backend.set(key, slot.encode(key), slot.life())).await);
            }
        }
    }

    /// Forgets what is kept under `key`.
    pub(crate) async fn forget(&self, key: &CacheKey) {
        match &self.store {
            Store::Memory(memory) => memory.remove(key),
            Store::Own(backend) => drop(self.heard(in_time(backend.remove(key)).await)),
        }
    }

    /// Makes untrue what lies at `place` or under it, for everybody.
    pub(crate) async fn invalidate(&self, place: &CachePlace) {
        match &self.store {
            Store::Memory(memory) => memory.invalidate(place),
            Store::Own(backend) => drop(self.heard(in_time(backend.invalidate(place)).await)),
        }
    }

    /// The same for a caller who cannot wait for it.
    pub(crate) fn invalidate_soon(&self, places: Vec<CachePlace>) {
        match &self.store {
            Store::Memory(memory) => places.iter().for_each(|place| memory.invalidate(place)),
            Store::Own(_) if places.is_empty() => {}
            Store::Own(_) => {
                if let Ok(runtime) = Handle::try_current() {
                    let cache = self.clone();
                    runtime.spawn(async move {
                        for place in &places {
                            cache.invalidate(place).await;
                        }
                    });
                }
            }
        }
    }

    /// Joins those who want the answer of `key`.
    pub(crate) fn join(&self, key: &CacheKey, now: Instant) -> Joined {
        self.shared.flights.join(key, now)
    }

    /// A failure of the store counts as nothing kept; it is told once, until the store works again.
    fn heard<T>(&self, answer: Result<T>) -> Option<T> {
        match answer {
            Ok(answer) => {
                self.shared.warned.store(false, Ordering::Relaxed);
                Some(answer)
            }
            Err(error) => {
                if !self.shared.warned.swap(true, Ordering::Relaxed) {
                    tracing::warn!(error.r#type = error.code(), "the cache cannot be used: {error}");
                }
                None
            }
        }
    }

    fn count(&self, counter: impl Fn(&Counters) -> &AtomicU64) {
        counter(&self.shared.counters).fetch_add(1, Ordering::Relaxed);
    }

    /// Counts what became of a call.
    pub(crate) fn note(&self, outcome: Noted) {
        self.count(|counters| match outcome {
            Noted::Hit => &counters.hits,
            Noted::Stale => &counters.stale,
            Noted::Validated => &counters.validated,
            Noted::Miss => &counters.misses,
        });
    }
}

/// What a store says, or that it took too long.
async fn in_time<T>(answer: BoxFuture<'_, Result<T>>) -> Result<T> {
    if Handle::try_current().is_err() {
        return answer.await;
    }
    let late = || Error::coded(ErrorKind::Store, "store.slow", "the store did not answer in time");
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(late()))
}

/// What became of a call that could be answered from the cache.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Noted {
    Hit,
    Stale,
    Validated,
    Miss,
}

/// What a call found under its key.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) slot: Option<Slot>,
    pub(crate) stamp: u64,
}

impl Found {
    /// The answer that is for such a request.
    pub(crate) fn entry(&self, asked: &HeaderMap) -> Option<&Arc<Entry>> {
        self.slot.as_ref()?.find(asked, self.stamp)
    }
}

/// An answer that is to be kept, and where.
pub(super) struct Keep {
    cache: Cache,
    key: CacheKey,
    draft: Draft,
    slot: Option<Slot>,
}

impl Keep {
    /// Keeps the answer with this body, if it is to be kept, where that takes no time: in memory, and not coded. What is
    /// left to do elsewhere is given back.
    pub(super) fn keep_now(self, body: Bytes) -> Option<(Self, Bytes)> {
        let Store::Memory(memory) = &self.cache.store else { return Some((self, body)) };
        if self.draft.is_coded() {
            return Some((self, body));
        }
        if self.cache.fits(&self.draft, &body) && !decide::holds_token(&body) {
            self.cache.keep_here(memory, &self.key, self.slot.as_ref(), &self.draft.entry(body));
        }
        None
    }

    pub(super) async fn keep(self, body: Bytes) {
        let Self { cache, key, draft, slot } = self;
        cache.keep_whole(&key, slot.as_ref(), draft, body).await;
    }
}
