//! What a client remembers of each origin: what may be retried there, and whether it is left alone.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    circuit::{Breaker, Circuit},
    request::Origin,
    retry::{Budget, Cost},
};

/// How many origins are remembered; beyond it the one that was asked the longest ago is forgotten.
const MOST: usize = 4_096;

/// What is known of one origin, shared by all clones of a client.
pub(super) struct Place {
    pub(super) origin: Origin,
    pub(super) budget: Budget,
    pub(super) breaker: Option<Arc<Breaker>>,
}

/// What a repetition took from the budget of its origin; unless it is spent, dropping it gives that back.
pub(super) struct Receipt {
    place: Arc<Place>,
    cost: Cost,
    spent: bool,
}

impl Receipt {
    /// Pays for one repetition, `None` where there is too little left.
    pub(super) fn take(place: &Arc<Place>, cost: Cost) -> Option<Self> {
        place.budget.take(cost).then(|| Self { place: Arc::clone(place), cost, spent: false })
    }

    /// The repetition is sent.
    pub(super) fn spend(&mut self) {
        self.spent = true;
    }

    /// The repetition did good.
    pub(super) fn refund(mut self) {
        self.spent = false;
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if !self.spent {
            self.place.budget.give_back(self.cost);
        }
    }
}

/// The origins that a client has asked.
pub(super) struct Places {
    circuit: Option<Circuit>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    places: HashMap<Origin, (u64, Arc<Place>)>,
    /// Counts look-ups, so that the oldest place can be told.
    clock: u64,
}

impl Places {
    pub(super) fn new(circuit: Option<Circuit>) -> Self {
        Self { circuit, known: Mutex::default() }
    }

    /// What is known of `origin`.
    pub(super) fn at(&self, origin: &Origin) -> Arc<Place> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clock += 1;
        let clock = known.clock;
        if let Some((used, place)) = known.places.get_mut(origin) {
            *used = clock;
            return Arc::clone(place);
        }
        if known.places.len() >= MOST
            && let Some(oldest) =
                known.places.iter().min_by_key(|(_, (used, _))| *used).map(|(origin, _)| origin.clone())
        {
            known.places.remove(&oldest);
        }
        let breaker = self.circuit.as_ref().map(|circuit| Arc::new(Breaker::new(circuit)));
        let place = Arc::new(Place { origin: origin.clone(), budget: Budget::new(), breaker });
        known.places.insert(origin.clone(), (clock, Arc::clone(&place)));
        place
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("circuit", &self.circuit).finish_non_exhaustive()
    }
}
