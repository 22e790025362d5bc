//! When each call may go: windows, places, pauses and those who wait, brought together. No clock, no lock, no timer.

use std::{cmp::Reverse, task::Waker, time::Duration};

use smallvec::SmallVec;
use tokio::time::Instant;

use super::{
    LONGEST_PAUSE, Limit, Quota,
    adaptive::Adaptive,
    clock::{Clock, nanos},
    hint::Left,
    queue::{Calls, GRACE, LOOKS, Queue, Ticket},
    said::Said,
    window::Window,
};

/// A timer may fire this late without delaying those behind: the call counts as of the time it was due.
const LATE: u64 = 5_000_000;

/// The time between two calls after a pause, where no window says it.
const AFTER_PAUSE: u64 = 10_000_000;

/// For so long after a pause. Were it until nobody waits, calls that come faster than that would wait ever longer.
const SPACED: u64 = 1_000_000_000;

/// What one who waits is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It may go, and has left the queue.
    Go,
    /// Its time is not before this.
    Until(Instant),
    /// Its time has come and no place is free; it is called, or looks again at this time.
    Room(Option<Instant>),
}

/// Why a call cannot wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The queue is full.
    Full,
    /// It could go after so long only, past its deadline.
    Late(Duration),
}

/// One partition's calls, from past to future.
#[derive(Debug)]
pub(super) struct Schedule {
    clock: Clock,
    windows: SmallVec<[Window; 3]>,
    adaptive: Option<Adaptive>,
    /// Spaces calls where no window does: as the adaptive rate says, or for a while after a pause.
    pace: Option<Window>,
    /// Until when a pause spaces calls.
    spaced: u64,
    places: Option<u32>,
    running: u32,
    bound: usize,
    queue: Queue,
    /// Until when the server wants no call.
    paused: u64,
    said: Said,
    /// The end of the pause that was last seen, until the windows have begun anew from it.
    held: Option<u64>,
}

impl Schedule {
    pub(super) fn new(limit: &Limit) -> Self {
        Self {
            clock: Clock::default(),
            windows: Window::all(limit).collect(),
            adaptive: limit.adaptive.then(Adaptive::default),
            pace: None,
            spaced: 0,
            places: limit.places,
            running: 0,
            bound: limit.queue,
            queue: Queue::default(),
            paused: 0,
            said: Said::default(),
            held: None,
        }
    }

    /// Lets a call go at once, if its time has come and nobody waits.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let now = self.settle(now);
        if self.queue.present() > 0 || self.due(0, now) > now || self.free() == 0 {
            return false;
        }
        self.spend(now, now);
        true
    }

    /// Puts a call at the end of the queue, unless it would go too late.
    pub(super) fn join(&mut self, now: Instant, deadline: Option<Instant>) -> Result<Ticket, Refused> {
        let time = self.settle(now);
        let due = self.due(self.queue.present(), time);
        let wait = Duration::from_nanos(due.saturating_sub(time));
        if deadline.is_some_and(|deadline| deadline.saturating_duration_since(now) < wait) {
            return Err(Refused::Late(wait));
        }
        if self.queue.len() >= self.bound {
            return Err(Refused::Full);
        }
        Ok(self.queue.push(due.max(time)))
    }

    /// Lets one who waits go, if its time has come and there is room for it; else keeps `waker` to call it by.
    pub(super) fn try_go(&mut self, ticket: Ticket, instant: Instant, waker: Waker) -> Step {
        let now = self.settle(instant);
        let Some(at) = self.queue.find(ticket) else { return Step::Room(None) };
        let (mut told, called) = self.queue.look(at);
        let ahead = self.queue.ahead(at);
        let ready = self.due(0, now);
        if told > now {
            // Those before it whose time passed without a look make it no later.
            told = told.min(self.due(ahead, now));
        } else if ready > now {
            told = self.due(ahead, now);
        }
        if told > now {
            self.queue.tell(at, told, false, waker);
            return Step::Until(self.clock.instant(instant, told));
        }
        let free = self.free();
        if free == 0 || (ahead >= free && !called) {
            self.queue.tell(at, told, true, waker);
            if free == 0 && ahead < LOOKS {
                return Step::Room(None);
            }
            if free > 0 {
                self.queue.offer_again(now);
            }
            return Step::Room(Some(self.clock.instant(instant, now.saturating_add(GRACE))));
        }
        self.queue.remove(at);
        // As of the time that it could have gone, so that a late timer delays nobody behind it.
        let due = self.spaced().map(|window| window.due(0, 0, None)).fold(told, u64::max);
        self.spend(due.max(now.saturating_sub(LATE)), now);
        self.hasten(now);
        Step::Go
    }

    /// One who waits gives up: those behind move up.
    pub(super) fn leave(&mut self, ticket: Ticket, now: Instant) {
        let now = self.settle(now);
        let Some(at) = self.queue.find(ticket) else { return };
        self.queue.remove(at);
        self.hasten(now);
        if self.free() > 0 {
            self.queue.offer(now);
        }
    }

    /// A call has ended: its place is free.
    pub(super) fn finish(&mut self, now: Instant) {
        self.running = self.running.saturating_sub(1);
        if self.queue.len() > 0 && self.places.is_some() {
            let now = self.settle(now);
            self.queue.offer(now);
        }
    }

    /// The server wants no call for so long; an hour is granted. Those who wait go one by one after it.
    pub(super) fn pause(&mut self, now: Instant, pause: Duration) {
        let pause = nanos(pause.min(LONGEST_PAUSE));
        self.told(now, |this, now| this.paused = this.paused.max(now.saturating_add(pause)));
    }

    /// The server said what is left.
    pub(super) fn learn(&mut self, now: Instant, left: &Left) {
        self.told(now, |this, now| this.said.learn(left, now));
    }

    /// The server refused a call and gave no hint.
    pub(super) fn slow_down(&mut self, now: Instant) {
        let now = self.settle(now);
        if let Some(adaptive) = &mut self.adaptive {
            adaptive.slow_down(now);
        }
    }

    /// What is left, where anything is known of it.
    pub(super) fn quota(&mut self, now: Instant) -> Option<Quota> {
        let now = self.settle(now);
        let waiting = self.queue.present() as u64;
        let paused = (self.paused > now).then(|| {
            let reset = Duration::from_nanos(self.paused - now);
            Quota { limit: self.windows.first().map_or(1, |window| window.quota(now).limit), remaining: 0, reset }
        });
        let own = self.windows.iter().map(|window| window.quota(now));
        let all = own.chain(self.said.quota(now)).chain(paused);
        let least = all.min_by_key(|quota| (quota.remaining, Reverse(quota.reset)))?;
        Some(Quota { remaining: least.remaining.saturating_sub(waiting), ..least })
    }

    /// What is to be done once no lock is held.
    pub(super) fn calls(&mut self) -> Option<Calls> {
        self.queue.calls()
    }

    /// Brings everything up to `now`, which it gives in nanoseconds.
    fn settle(&mut self, now: Instant) -> u64 {
        let now = self.clock.at(now);
        self.queue.pass_over_absent(now);
        if let Some(adaptive) = &mut self.adaptive {
            adaptive.grow(now);
            if let Some(interval) = adaptive.interval() {
                self.pace.get_or_insert_with(|| Window::every(interval, now)).interval = interval;
            }
        }
        if let Some((until, _)) = self.held(0, now) {
            self.held = Some(until);
        } else if let Some(end) = self.held.take()
            && end <= now
        {
            if self.windows.is_empty() {
                self.pace.get_or_insert_with(|| Window::every(AFTER_PAUSE, end));
                self.spaced = end.saturating_add(SPACED);
            }
            self.windows.iter_mut().chain(&mut self.pace).for_each(|window| window.drain(end));
        }
        let idle = self.queue.present() == 0 && self.pace.is_some_and(|pace| pace.due(0, 0, None) <= now);
        if !self.adapts() && (idle || self.spaced <= now) {
            self.pace = None;
        }
        now
    }

    /// Takes in what the server told; if that changes when calls may go, all who wait look again.
    fn told(&mut self, now: Instant, take_in: impl FnOnce(&mut Self, u64)) {
        let time = self.settle(now);
        let before = self.held;
        take_in(self, time);
        self.settle(now);
        if before.unwrap_or(time).abs_diff(self.held.unwrap_or(time)) > GRACE {
            self.queue.rouse(time);
        }
    }

    /// Until when the server holds back a call with `ahead` others before it, and how many are before it then.
    fn held(&self, ahead: u64, now: u64) -> Option<(u64, u64)> {
        let paused = (self.paused > now).then_some((self.paused, ahead));
        self.said.held(ahead, now).max(paused)
    }

    /// When a call with `ahead` others before it may go, past or future.
    fn due(&self, ahead: usize, now: u64) -> u64 {
        let ahead = ahead as u64;
        let held = self.held(ahead, now);
        let (from, ahead) = held.map_or((self.held, ahead), |(until, ahead)| (Some(until), ahead));
        let spaced = from.filter(|_| self.windows.is_empty() && self.pace.is_none());
        let spaced = spaced.map(|from| from.saturating_add(AFTER_PAUSE.saturating_mul(ahead).min(SPACED)));
        let windows = self.windows.iter().map(|window| window.due(ahead, now, from));
        let latest =
            if self.adapts() { u64::MAX } else { from.map_or(self.spaced, |from| from.saturating_add(SPACED)) };
        let pace = self.pace.map(|pace| pace.due(ahead, now, from).min(latest));
        windows.chain(pace).chain(spaced).chain(held.map(|(until, _)| until)).max().unwrap_or(0)
    }

    /// Whether the rate is one that was found by trying.
    fn adapts(&self) -> bool {
        self.adaptive.as_ref().is_some_and(|adaptive| adaptive.interval().is_some())
    }

    /// All that spaces calls.
    fn spaced(&self) -> impl Iterator<Item = &Window> {
        self.windows.iter().chain(&self.pace)
    }

    fn free(&self) -> usize {
        self.places.map_or(usize::MAX, |places| places.saturating_sub(self.running) as usize)
    }

    /// A call goes that was due at `due`.
    fn spend(&mut self, due: u64, now: u64) {
        self.windows.iter_mut().chain(&mut self.pace).for_each(|window| window.spend(due));
        if let Some(adaptive) = &mut self.adaptive {
            adaptive.spend(now);
        }
        self.said.spend();
        self.running = self.running.saturating_add(1);
    }

    /// Calls those who may go earlier than they were told.
    fn hasten(&mut self, now: u64) {
        if self.queue.present() > 0 {
            let due = std::array::from_fn(|ahead| self.due(ahead, now));
            self.queue.hasten(now, due);
        }
    }
}

#[cfg(test)]
mod tests;
