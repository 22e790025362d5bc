//! A limit that several processes hold together, kept by a store outside of them.

use std::{
    fmt,
    panic::RefUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{Limit, Limiter, PerTime, window::Window};
use crate::body::BoxFuture;

/// Keeps the turns of a limit that several processes share.
pub(crate) trait Store: fmt::Debug + Send + Sync + RefUnwindSafe {
    /// Takes the next turn under `key`, unless it is later than `longest` from now.
    fn take<'a>(&'a self, key: &'a str, paces: &'a [Pace], longest: Duration) -> BoxFuture<'a, Result<Turn, Away>>;
}

/// One window: a call every `interval`, up to `tolerance` early, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    pub(crate) interval: u64,
    pub(crate) tolerance: u64,
}

/// What a store says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "Redis is the one store"))]
pub(crate) enum Turn {
    /// It is this call's turn after so long.
    After(Duration),
    /// Its turn would come after so long, and was not taken.
    Late(Duration),
}

/// The store does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Away;

/// Who shares a limit, by what.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    pub(super) name: String,
    pub(super) peers: u32,
}

/// One partition's part in a limit that is shared.
#[derive(Debug)]
pub(crate) struct Common {
    store: Arc<dyn Store>,
    key: String,
    paces: Vec<Pace>,
    /// What this process may take by itself while the store is away.
    pub(crate) share: Arc<Limiter>,
    waiting: AtomicUsize,
    queue: usize,
}

impl Common {
    /// The part of `origin` in `limit`, `None` where it is not shared.
    pub(super) fn of(limit: &Limit, origin: &str) -> Option<Self> {
        let Shared { store, name, peers } = limit.shared.as_ref()?;
        let mut alone = Limit { shared: None, places: None, ..limit.clone() };
        for PerTime { count, .. } in &mut alone.windows {
            *count /= f64::from((*peers).max(1));
        }
        alone.burst = (alone.burst / peers).max(1);
        Some(Self {
            store: Arc::clone(store),
            key: format!("{name}\n{origin}"),
            paces: Window::all(limit).map(|window| window.pace()).collect(),
            share: Arc::new(Limiter::new(&alone)),
            waiting: AtomicUsize::new(0),
            queue: limit.queue,
        })
    }

    /// Asks the store for a turn.
    pub(crate) async fn take(&self, longest: Duration) -> Result<Turn, Away> {
        self.store.take(&self.key, &self.paces, longest).await
    }

    /// A place among those that wait for the store's turn, `None` where too many do.
    pub(crate) fn wait(&self) -> Option<Waits<'_>> {
        let waits = Waits(&self.waiting);
        (self.waiting.fetch_add(1, Ordering::Relaxed) < self.queue).then_some(waits)
    }
}

/// A place that is left when this is dropped.
pub(crate) struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
