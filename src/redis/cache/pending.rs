//! What became untrue, until Redis was told.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// For how many origins it is remembered; beyond, nothing is taken from Redis until it is cleared.
const ORIGINS: usize = 256;

/// For how many places of an origin; beyond, the whole origin is untrue.
const PLACES: usize = 64;

/// Places that are untrue, as their ids, by the ids of their origins.
#[derive(Default)]
pub(super) struct Pending {
    state: Mutex<State>,
    /// Whether there is anything in it, to be seen without its lock.
    any: AtomicBool,
}

#[derive(Default)]
struct State {
    /// Each place with the number of the last time.
    origins: HashMap<String, HashMap<String, u64>>,
    lost: bool,
    count: u64,
}

/// What Redis is to be told of an origin, and up to which number that is.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) places: Vec<String>,
    until: u64,
}

/// Everything up to a number.
pub(super) struct Before(u64);

impl Pending {
    /// Notes that `place` on `origin` is untrue.
    pub(super) fn note(&self, origin: &str, place: String) {
        let mut state = self.state();
        self.any.store(true, Ordering::Release);
        state.count = state.count.saturating_add(1);
        let number = state.count;
        if !state.origins.contains_key(origin) && state.origins.len() >= ORIGINS {
            state.lost = true;
            return;
        }
        let places = state.origins.entry(origin.to_owned()).or_default();
        if !places.contains_key(&place) && places.len() >= PLACES {
            places.clear();
            places.insert(origin.to_owned(), number);
        } else {
            places.insert(place, number);
        }
    }

    /// What Redis is to be told of `origin`.
    pub(super) fn due(&self, origin: &str) -> Option<Due> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let state = self.state();
        let places = state.origins.get(origin)?.keys().cloned().collect();
        Some(Due { places, until: state.count })
    }

    /// Redis was told what was `due`.
    pub(super) fn done(&self, origin: &str, due: &Due) {
        let mut state = self.state();
        if let Some(places) = state.origins.get_mut(origin) {
            places.retain(|_, number| *number > due.until);
        }
        self.tidy(&mut state);
    }

    /// Whether more was untrue than is remembered.
    pub(super) fn is_lost(&self) -> bool {
        self.any.load(Ordering::Acquire) && self.state().lost
    }

    /// Everything that is noted by now.
    pub(super) fn all(&self) -> Before {
        Before(self.state().count)
    }

    /// Redis has nothing any more of what was there before.
    pub(super) fn forget(&self, before: &Before) {
        let mut state = self.state();
        state.origins.values_mut().for_each(|places| places.retain(|_, number| *number > before.0));
        // What was lost meanwhile may have been noted after that.
        state.lost &= state.count > before.0;
        self.tidy(&mut state);
    }

    fn tidy(&self, state: &mut State) {
        state.origins.retain(|_, places| !places.is_empty());
        self.any.store(state.lost || !state.origins.is_empty(), Ordering::Release);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(pending: &Pending, origin: &str) -> Vec<String> {
        let mut places = pending.due(origin).map_or_else(Vec::new, |due| due.places);
        places.sort();
        places
    }

    #[test]
    fn z01_what_comes_while_redis_is_told_stays_due() {
        let pending = Pending::default();
        assert!(pending.due("o").is_none());
        pending.note("o", "a".into());
        pending.note("o", "b".into());
        pending.note("other", "a".into());
        let told = pending.due("o").unwrap();
        pending.note("o", "b".into());
        pending.note("o", "c".into());
        pending.done("o", &told);
        assert_eq!((due(&pending, "o"), due(&pending, "other")), (vec!["b".into(), "c".into()], vec!["a".into()]));
        for origin in ["o", "other"] {
            pending.done(origin, &pending.due(origin).unwrap());
        }
        assert!(
            pending.due("o").is_none() && !pending.any.load(Ordering::Acquire) && pending.state().origins.is_empty()
        );
    }

    #[test]
    fn z01_what_is_not_remembered_one_by_one_is_untrue_as_a_whole() {
        let pending = Pending::default();
        for place in 0..=PLACES {
            pending.note("o", format!("place {place}"));
            assert!(due(&pending, "o").len() <= PLACES);
        }
        assert_eq!(due(&pending, "o"), ["o"], "the origin itself");
        for origin in 1..ORIGINS {
            pending.note(&format!("origin {origin}"), "a".into());
        }
        pending.note("o", "b".into());
        assert!(!pending.is_lost());
        pending.note("one more", "a".into());
        assert!(pending.is_lost());
        let before = pending.all();
        pending.forget(&before);
        assert!(!pending.is_lost() && pending.due("o").is_none());
        // What is lost after that is another matter.
        (0..ORIGINS).for_each(|origin| pending.note(&format!("origin {origin}"), "a".into()));
        let before = pending.all();
        pending.note("one more", "a".into());
        pending.forget(&before);
        assert!(pending.is_lost());
    }
}
