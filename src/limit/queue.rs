//! Those who wait, in the order in which they came.
//!
//! Nobody holds a turn: each is told a time to look again, or is called when a place is free, and whoever looks when
//! its time has come may go. So one that is no longer polled holds up none behind it.

use std::{collections::VecDeque, task::Waker};

use smallvec::SmallVec;

/// One who did not look this long after its time, or after it was called, is counted no more until it does.
pub(super) const GRACE: u64 = 100_000_000;

/// So many are called for one free place, since some of them may not look.
pub(super) const LOOKS: usize = 8;

/// Wakers to wake, and others to drop, once no lock is held: either may run anybody's code.
#[derive(Debug, Default)]
#[must_use]
pub(super) struct Calls {
    wake: SmallVec<[Waker; LOOKS]>,
    spent: SmallVec<[Waker; 1]>,
}

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.wake.is_empty() && self.spent.is_empty()
    }

    pub(super) fn make(self) {
        self.wake.into_iter().for_each(Waker::wake);
    }
}

/// One place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// One who waits.
#[derive(Debug)]
struct Entry {
    id: u64,
    /// The time that it was told.
    told: u64,
    /// Its time has come, and it waits for a place.
    ready: bool,
    /// When it was called, if it did not look since.
    called: Option<u64>,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    /// So many of the first did not look when they should have.
    absent: usize,
    next: u64,
    calls: Calls,
}

impl Entry {
    fn is_absent(&self, now: u64) -> bool {
        let since = self.called.or((!self.ready).then_some(self.told));
        since.is_some_and(|since| since.saturating_add(GRACE) < now)
    }
}

impl Queue {
    /// All who wait, the absent included.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Those who wait and are not absent.
    pub(super) fn present(&self) -> usize {
        self.entries.len() - self.absent
    }

    pub(super) fn push(&mut self, told: u64) -> Ticket {
        let id = self.next;
        self.next += 1;
        self.entries.push_back(Entry { id, told, ready: false, called: None, waker: None });
        Ticket(id)
    }

    pub(super) fn find(&self, ticket: Ticket) -> Option<usize> {
        self.entries.binary_search_by_key(&ticket.0, |entry| entry.id).ok()
    }

    /// How many are before the one at `at`, without the absent.
    pub(super) fn ahead(&self, at: usize) -> usize {
        at.saturating_sub(self.absent)
    }

    /// The one at `at` looks: what it was told, and whether it was called since.
    ///
    /// It and those behind it are absent no more.
    pub(super) fn look(&mut self, at: usize) -> (u64, bool) {
        self.absent = self.absent.min(at);
        let entry = &mut self.entries[at];
        (entry.told, entry.called.take().is_some())
    }

    /// What the one at `at` is told, and the waker by which it is called.
    pub(super) fn tell(&mut self, at: usize, told: u64, ready: bool, waker: Waker) {
        let entry = &mut self.entries[at];
        (entry.told, entry.ready) = (told, ready);
        self.calls.spent.extend(entry.waker.replace(waker));
    }

    pub(super) fn remove(&mut self, at: usize) {
        if at < self.absent {
            self.absent -= 1;
        }
        let waker = self.entries.remove(at).and_then(|entry| entry.waker);
        self.calls.spent.extend(waker);
    }

    /// What is to be done once no lock is held.
    pub(super) fn calls(&mut self) -> Option<Calls> {
        (!self.calls.is_empty()).then(|| std::mem::take(&mut self.calls))
    }

    /// Counts those at the front who did not look in time as absent.
    pub(super) fn pass_over_absent(&mut self, now: u64) {
        while self.entries.get(self.absent).is_some_and(|entry| entry.is_absent(now)) {
            self.absent += 1;
        }
    }

    /// Calls the first few, of those not called yet, for a place that is free.
    pub(super) fn offer(&mut self, now: u64) {
        self.call_ready(now, LOOKS);
    }

    /// Calls all, where a place stayed free since those who were called did not look.
    pub(super) fn offer_again(&mut self, now: u64) {
        if self.entries.get(self.absent).is_some_and(|first| first.ready && first.called.is_none()) {
            self.call_ready(now, usize::MAX);
        }
    }

    fn call_ready(&mut self, now: u64, most: usize) {
        let present = self.entries.iter_mut().skip(self.absent);
        let uncalled = present.filter(|entry| entry.ready && entry.called.is_none());
        uncalled.take(most).for_each(|entry| entry.call(now, &mut self.calls));
    }

    /// Calls those of the first few whose time is now before the one that they were told.
    pub(super) fn hasten(&mut self, now: u64, due: [u64; LOOKS]) {
        for (due, entry) in due.into_iter().zip(self.entries.iter_mut().skip(self.absent)) {
            if entry.called.is_none() && entry.told > due.max(now) {
                entry.call(now, &mut self.calls);
            }
        }
    }

    /// Calls all, and takes back what they were told.
    pub(super) fn rouse(&mut self, now: u64) {
        for entry in self.entries.iter_mut().skip(self.absent) {
            entry.told = u64::MAX;
            entry.call(now, &mut self.calls);
        }
    }
}

impl Entry {
    fn call(&mut self, now: u64, calls: &mut Calls) {
        if let Some(waker) = self.waker.take() {
            self.called = Some(now);
            calls.wake.push(waker);
        }
    }
}
