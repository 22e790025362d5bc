//! Calls that want the same answer at the same time: one goes, and the others wait for what it brings.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use quick_cache::DefaultHashBuilder;
use tokio::{sync::watch, time::Instant};

use super::key::CacheKey;
use crate::error::Error;

/// So many URLs are remembered whose answers are not kept.
const ALONE: usize = 4_096;

/// For how long.
const MEMORY: Duration = Duration::from_secs(60);

/// The calls under way.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    under_way: HashMap<CacheKey, watch::Receiver<Option<Landing>>, DefaultHashBuilder>,
    /// Keys whose answers nobody else can use, and until when that is believed.
    alone: HashMap<CacheKey, Instant, DefaultHashBuilder>,
}

/// How a flight ended.
#[derive(Debug, Clone)]
pub(crate) enum Landing {
    /// The answer is kept and fresh.
    Kept,
    /// The answer is of no use to others.
    Alone,
    /// There is none this time.
    Missed,
    /// The server failed, and said so; it is not asked again by all at once.
    Answered(Arc<http::Response<Bytes>>),
    /// It failed, and so would the others.
    Failed(Arc<Error>),
}

/// What a call does that wants an answer.
pub(crate) enum Joined {
    /// It goes for all.
    Lead(Flight),
    /// It waits.
    Follow(Waiting),
    /// It goes for itself.
    Alone,
}

/// The call that goes; when it is dropped without having landed, one that waits takes over.
#[derive(Debug)]
pub(crate) struct Flight {
    flights: Arc<Flights>,
    key: CacheKey,
    told: watch::Sender<Option<Landing>>,
}

/// A call that waits.
pub(crate) struct Waiting(watch::Receiver<Option<Landing>>);

impl Flights {
    pub(super) fn join(self: &Arc<Self>, key: &CacheKey, now: Instant) -> Joined {
        let mut state = self.state();
        if state.alone.get(key).is_some_and(|until| now < *until) {
            return Joined::Alone;
        }
        match state.under_way.entry(key.clone()) {
            Entry::Occupied(known) => Joined::Follow(Waiting(known.get().clone())),
            Entry::Vacant(place) => {
                let (told, hear) = watch::channel(None);
                place.insert(hear);
                Joined::Lead(Flight { flights: Arc::clone(self), key: key.clone(), told })
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Tells all who wait how it ended.
    pub(crate) fn land(self, landing: Landing, now: Instant) {
        if matches!(landing, Landing::Alone) {
            let mut state = self.flights.state();
            if state.alone.len() >= ALONE {
                state.alone.clear();
            }
            if let Some(until) = now.checked_add(MEMORY) {
                state.alone.insert(self.key.clone(), until);
            }
        }
        self.told.send_replace(Some(landing));
    }

    /// Whether others wait.
    pub(crate) fn is_awaited(&self) -> bool {
        // One receiver is the one that others are made from.
        self.told.receiver_count() > 1
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.flights.state().under_way.remove(&self.key);
    }
}

impl Waiting {
    /// How the call under way ended; `None` where it was given up.
    pub(crate) async fn landing(mut self) -> Option<Landing> {
        let landed = self.0.wait_for(Option::is_some).await;
        landed.ok().and_then(|landing| landing.clone())
    }
}
