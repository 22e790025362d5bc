//! Answers that are kept and given again: which, to whom, and for how long (RFC 9111).
//!
//! What may be kept, what may be given again and when, and what an answer makes untrue: those who decide
//! are told the time. Nothing here sends. Stores are behind one trait, and they wait for their disks and servers.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};

mod backend;
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
mod work;

pub use backend::{CacheBackend, Kept};
pub(crate) use decide::{Asked, Came, Use, is_failure, is_unsafe};
pub(crate) use entry::{Draft, Entry, Renewed};
pub(crate) use flight::{Flight, Joined, Landing, Waiting};
pub use key::{CacheKey, CachePlace};
pub(crate) use key::{Identity, Wanted};
pub use listing::{CacheEntry, CacheStats};
pub(crate) use terms::Moment;
pub(crate) use work::{Found, Noted};

use flight::Flights;
use memory::Memory;

/// How many bytes are kept in memory unless told otherwise.
const CAPACITY: u64 = 64 << 20;

/// How large a body that is kept may be unless told otherwise, in bytes.
const ENTRY: u64 = 1 << 20;

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

    /// Keeps at most so many bytes: what is used least goes first, and on disk what was used longest ago. Stores of one's
    /// own may not obey.
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
}

impl Rules {
    /// Whether answers are for everybody.
    pub(crate) fn are_for_all(&self) -> bool {
        self.shared
    }

    /// Whether a body of so many bytes is kept.
    pub(crate) fn holds(&self, length: u64) -> bool {
        length <= self.limit
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
