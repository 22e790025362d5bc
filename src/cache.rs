//! Answers that are kept and given again: which, to whom, and for how long (RFC 9111).
//!
//! Decisions alone: what may be kept, what may be given again and when, and what an answer makes
//! untrue. Nothing here sends, waits for another call, or reads a clock. Stores are behind one trait.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use tokio::{runtime::Handle, time::Instant};

use crate::{
    body::{BoxFuture, WireBody},
    error::{Error, ErrorKind, Result},
};

mod control;
mod date;
mod decide;
mod disk;
mod entry;
mod fill;
mod flight;
mod key;
mod listing;
mod memory;
mod range;
mod slot;
mod terms;
mod vary;

pub(crate) use decide::{ASKING, Asked, Came, Use, is_failure, is_unsafe};
pub(crate) use entry::{Draft, Entry, Renewed};
pub(crate) use flight::{Flight, Joined, Landing, Waiting};
pub use key::{CacheKey, CachePlace};
pub(crate) use key::{Identity, Wanted, feed};
pub use listing::{CacheEntry, CacheStats};
pub(crate) use slot::Slot;
pub(crate) use terms::Moment;

use fill::Fill;
use flight::Flights;
use memory::Memory;

/// How many bytes are kept in memory unless told otherwise.
const CAPACITY: u64 = 64 << 20;

/// How large a body that is kept may be unless told otherwise, in bytes.
const ENTRY: u64 = 1 << 20;

/// How long a store may take for one operation; those here are bounded more closely.
const PATIENCE: Duration = Duration::from_secs(2);

/// Keeps answers and gives them again (RFC 9111); clones share it, and so do the clients that are given one.
///
/// It is private: an answer is given again only to whoever signs in as the one that it was for, whatever the server
/// says, unless the catalog says of a route that its answers are `shared`. Answers are fresh as long as they say
/// themselves, and are validated afterwards. What a call may have changed is forgotten: whatever lies under its path,
/// and what the catalog's `affects` names. Calls that want the same at the same time wait for one of them.
///
/// Not kept are answers with `no-store`, with `Set-Cookie`, with a token in their body, parts of a body, bodies
/// above 1 MiB, whose end cannot be known, or that were cut short, and failures; of 404 and 410 only those that say how
/// long they are fresh, for a minute at most. Freshness is never guessed.
///
/// ```
/// use restwalk::{Cache, Client};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
/// # let fresh = || async { ([("cache-control", "max-age=60")], "[\"Ada\"]") };
/// # let service = axum::Router::new().route("/people", axum::routing::get(fresh));
/// let cache = Cache::memory();
/// let client = Client::local(service).cache(&cache).build()?;
/// assert!(!client.res("people").get().send().await?.from_cache());
/// # client.res("people").get().await?;
/// assert!(client.res("people").get().send().await?.from_cache());
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Cache {
    store: Store,
    rules: Rules,
    shared: Arc<Shared>,
}

#[derive(Clone)]
enum Store {
    Memory(Arc<Memory>),
    Own(Arc<dyn CacheBackend>),
}

/// What is kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    ttl: Option<Duration>,
    /// The largest body that is kept, in bytes.
    limit: u64,
    heuristics: bool,
    errors: bool,
    cookies: bool,
    /// Whether answers are for everybody.
    shared: bool,
}

/// What the clones of a cache have in common besides what is kept.
#[derive(Debug, Default)]
struct Shared {
    flights: Arc<Flights>,
    counters: Counters,
    /// Whether a failure of the store was told.
    warned: AtomicBool,
}

#[derive(Debug, Default)]
struct Counters {
    hits: AtomicU64,
    stale: AtomicU64,
    validated: AtomicU64,
    misses: AtomicU64,
    kept: AtomicU64,
}

impl Cache {
    /// Keeps answers in this process: 64 MiB of them, unless [`Cache::capacity`] says otherwise.
    pub fn memory() -> Self {
        Self::of(Store::Memory(Arc::new(Memory::new(CAPACITY, ENTRY))))
    }

    /// Keeps answers wherever `backend` does.
    pub fn own(backend: impl CacheBackend + 'static) -> Self {
        Self::of(Store::Own(Arc::new(backend)))
    }

    fn of(store: Store) -> Self {
        let rules = Rules { ttl: None, limit: ENTRY, heuristics: false, errors: false, cookies: false, shared: false };
        Self { store, rules, shared: Arc::default() }
    }

    /// Keeps at most so many bytes; what was not used for longest goes first. Stores of one's own may not obey.
    pub fn capacity(self, bytes: u64) -> Self {
        match &self.store {
            Store::Memory(_) => self.sized(bytes),
            Store::Own(backend) => {
                backend.set_capacity(bytes);
                self
            }
        }
    }

    /// Keeps bodies of at most so many bytes, 1 MiB by default; longer ones pass through.
    pub fn entry_limit(mut self, bytes: u64) -> Self {
        self.rules.limit = bytes;
        match &self.store {
            Store::Memory(memory) => {
                let capacity = memory.capacity();
                self.sized(capacity)
            }
            Store::Own(_) => self,
        }
    }

    /// With a memory of its own.
    fn sized(self, capacity: u64) -> Self {
        Self { store: Store::Memory(Arc::new(Memory::new(capacity, self.rules.limit))), ..self }
    }

    /// Takes successful answers for fresh as long as this, whatever they say themselves; `no-store` holds.
    ///
    /// It counts for what is kept from now on; the `cache` of a route in the catalog goes before it.
    pub fn ttl(mut self, time: Duration) -> Self {
        self.rules.ttl = Some(time);
        self
    }

    /// Guesses how long an answer is fresh that says nothing of it: a tenth of the time since its `Last-Modified`, a
    /// day at most (RFC 9111, section 4.2.2). Off by default.
    pub fn heuristics(mut self, guess: bool) -> Self {
        self.rules.heuristics = guess;
        self
    }

    /// Keeps failures too, where they say how long they are fresh; never 401, 403, 407 and 429. Off by default.
    pub fn store_errors(mut self, keep: bool) -> Self {
        self.rules.errors = keep;
        self
    }

    /// Keeps answers that set cookies, and gives their cookies again. Off by default.
    pub fn store_cookies(mut self, keep: bool) -> Self {
        self.rules.cookies = keep;
        self
    }

    /// The rules where a route has a time of its own, or answers for everybody.
    pub(crate) fn rules(&self, ttl: Option<Duration>, shared: bool) -> Rules {
        Rules { ttl: ttl.or(self.rules.ttl), shared, ..self.rules }
    }

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
        let whole = self.rules.holds(body.len() as u64) && draft.is_whole(&body);
        let plain = if whole { draft.plain(&body).await } else { None };
        let may = plain.is_some_and(|plain| !decide::holds_token(&plain));
        if may {
            self.keep(key, slot, draft.entry(body)).await;
        }
        may
    }

    /// Keeps `entry` in memory, beside what was found before, and what others have kept since then.
    fn keep_here(&self, memory: &Memory, key: &CacheKey, slot: Option<&Slot>, entry: &Arc<Entry>) {
        self.count(|counters| &counters.kept);
        let known = memory.get(key).map(|kept| kept.slot());
        let slot = known.as_ref().or(slot).map_or_else(|| Slot::default().with(entry), |slot| slot.with(entry));
        memory.set(key.clone(), slot, entry.stamp());
    }

    /// Keeps `entry` beside what was found before.
    pub(crate) async fn keep(&self, key: &CacheKey, slot: Option<&Slot>, entry: Arc<Entry>) {
        match &self.store {
            Store::Memory(memory) => self.keep_here(memory, key, slot, &entry),
            Store::Own(backend) => {
                self.count(|counters| &counters.kept);
                let slot = slot.map_or_else(|| Slot::default().with(&entry), |slot| slot.with(&entry));
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

impl Rules {
    /// Whether a body of so many bytes is kept.
    pub(crate) fn holds(&self, length: u64) -> bool {
        length <= self.limit
    }
}

/// An answer that is to be kept, and where.
struct Keep {
    cache: Cache,
    key: CacheKey,
    draft: Draft,
    slot: Option<Slot>,
}

impl Keep {
    /// Keeps the answer with this body, if it is to be kept, where that takes no time: in memory, and not coded. What is
    /// left to do elsewhere is given back.
    fn keep_now(self, body: Bytes) -> Option<(Self, Bytes)> {
        let Store::Memory(memory) = &self.cache.store else { return Some((self, body)) };
        if self.draft.is_coded() {
            return Some((self, body));
        }
        let holds = self.cache.rules.holds(body.len() as u64);
        if holds && self.draft.is_whole(&body) && !decide::holds_token(&body) {
            self.cache.keep_here(memory, &self.key, self.slot.as_ref(), &self.draft.entry(body));
        }
        None
    }

    async fn keep(self, body: Bytes) {
        let Self { cache, key, draft, slot } = self;
        cache.keep_whole(&key, slot.as_ref(), draft, body).await;
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, rules, shared: _ } = self;
        let mut shown = f.debug_struct("Cache");
        match store {
            Store::Memory(memory) => shown.field("store", memory),
            Store::Own(backend) => shown.field("store", backend),
        };
        shown.field("rules", rules).finish()
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
