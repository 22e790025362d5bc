//! One partition's schedule behind a lock that is held for a moment at a time.

use std::{
    sync::{Mutex, PoisonError},
    task::Waker,
};

use tokio::time::Instant;

use super::{
    Limit, Quota,
    common::Common,
    hint::Hint,
    queue::{Calls, Ticket},
    schedule::{Refused, Schedule, Step},
};

/// Whose calls are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Partition<'a> {
    pub(crate) origin: &'a str,
    /// A route that has a limit of its own.
    pub(crate) route: Option<&'a str>,
    /// Stands for the credentials.
    pub(crate) credential: u64,
}

/// Decides when the calls of one partition go. Nothing here waits.
#[derive(Debug)]
pub(crate) struct Limiter {
    schedule: Mutex<Schedule>,
    /// Whether a call that ends gives back a place.
    places: bool,
    /// Its part in a limit that several processes hold together.
    common: Option<Common>,
}

impl Limiter {
    pub(crate) fn new(limit: &Limit) -> Self {
        Self { schedule: Mutex::new(Schedule::new(limit)), places: limit.places.is_some(), common: None }
    }

    /// The same for calls to `origin`: where the limit is shared, its windows are held outside of this process.
    pub(crate) fn at(limit: &Limit, origin: &str) -> Self {
        let Some(common) = Common::of(limit, origin) else { return Self::new(limit) };
        let mut own = limit.clone();
        own.windows.clear();
        Self { common: Some(common), ..Self::new(&own) }
    }

    pub(crate) fn common(&self) -> Option<&Common> {
        self.common.as_ref()
    }

    /// Lets a call go at once, if nobody waits, its time has come and a place is free.
    pub(crate) fn take(&self, now: Instant) -> bool {
        self.locked(|schedule| schedule.take(now))
    }

    /// Puts a call at the end of the queue; [`Limiter::leave`] is due if it gives up.
    ///
    /// # Errors
    /// At once, and without taking anything, where its turn would come after `deadline` or the queue is full.
    pub(crate) fn join(&self, now: Instant, deadline: Option<Instant>) -> Result<Ticket, Refused> {
        self.locked(|schedule| schedule.join(now, deadline))
    }

    /// Lets one who waits go, or keeps `waker` to call it by.
    pub(crate) fn step(&self, ticket: Ticket, now: Instant, waker: &Waker) -> Step {
        let waker = waker.clone();
        self.locked(|schedule| schedule.try_go(ticket, now, waker))
    }

    /// One who waits gives up.
    pub(crate) fn leave(&self, ticket: Ticket, now: Instant) {
        self.locked(|schedule| schedule.leave(ticket, now));
    }

    /// A call that went has ended.
    pub(crate) fn finish(&self, now: impl FnOnce() -> Instant) {
        if self.places {
            let now = now();
            self.locked(|schedule| schedule.finish(now));
        }
    }

    /// Takes in what an answer said of the server's limits.
    pub(crate) fn learn(&self, now: Instant, hint: &Hint) {
        match hint {
            Hint::Nothing => {}
            Hint::Refused => self.locked(|schedule| schedule.slow_down(now)),
            Hint::Pause(pause) => self.locked(|schedule| schedule.pause(now, *pause)),
            Hint::Left(left) => self.locked(|schedule| schedule.learn(now, left)),
        }
    }

    /// What is left, where anything is known of it.
    pub(crate) fn quota(&self, now: Instant) -> Option<Quota> {
        self.locked(|schedule| schedule.quota(now))
    }

    /// Does `work` under the lock; whoever is to be called is called after it.
    fn locked<T>(&self, work: impl FnOnce(&mut Schedule) -> T) -> T {
        // What a panic left behind is still a schedule: every change is made whole or not at all.
        let mut schedule = self.schedule.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut schedule);
        let calls = schedule.calls();
        drop(schedule);
        calls.into_iter().for_each(Calls::make);
        result
    }
}
