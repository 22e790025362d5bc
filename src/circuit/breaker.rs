//! The state of one origin's circuit: closed, open, or half-open.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Circuit, Verdict, window::Window};

#[cfg(test)]
mod tests;

/// Watches one origin.
#[derive(Debug)]
pub(crate) struct Breaker {
    policy: Circuit,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    /// Grows with every change of state, so that a call is judged only in the state that let it through.
    age: u64,
}

#[derive(Debug)]
enum State {
    Closed(Window),
    Open {
        since: Instant,
        wait: Duration,
        opened: u32,
    },
    /// `opened` is how often it opened since it was last closed.
    HalfOpen {
        probing: bool,
        opened: u32,
    },
}

impl Breaker {
    /// A closed one.
    pub(crate) fn new(policy: &Circuit) -> Self {
        let state = State::Closed(Window::new(policy.window));
        Self { policy: policy.clone(), inner: Mutex::new(Inner { state, age: 0 }) }
    }

    /// How long the origin is left alone, where it is; asking changes nothing.
    pub(crate) fn closed_for(&self, now: Instant) -> Option<Duration> {
        match self.lock().state {
            State::Open { since, wait, .. } => {
                Some(wait.saturating_sub(now.saturating_duration_since(since))).filter(|left| !left.is_zero())
            }
            State::HalfOpen { probing: true, .. } => Some(self.policy.open_for),
            _ => None,
        }
    }

    /// Lets a call through, or says how long until one may be.
    pub(crate) fn admit(self: &Arc<Self>, now: Instant) -> Result<Pass, Duration> {
        let mut inner = self.lock();
        if let State::Open { since, wait, opened } = inner.state {
            let left = wait.saturating_sub(now.saturating_duration_since(since));
            if !left.is_zero() {
                return Err(left);
            }
            inner.turn(State::HalfOpen { probing: false, opened });
        }
        if let State::HalfOpen { probing, .. } = &mut inner.state
            && std::mem::replace(probing, true)
        {
            // When the probe ends is not known.
            return Err(self.policy.open_for);
        }
        Ok(Pass { breaker: Arc::clone(self), age: inner.age, settled: false })
    }

    fn settle(&self, age: u64, now: Instant, verdict: Verdict, draw: f64) {
        let mut inner = self.lock();
        if inner.age != age {
            return;
        }
        let next = match (&mut inner.state, verdict) {
            (State::Closed(window), Verdict::Success | Verdict::Failure) => {
                window.note(now, verdict == Verdict::Failure);
                let (calls, failures) = window.count(now);
                let bad =
                    calls >= self.policy.calls.into() && failures as f64 >= self.policy.failure_rate * calls as f64;
                bad.then(|| self.open(now, 1, draw))
            }
            (State::HalfOpen { opened, .. }, Verdict::Failure) => Some(self.open(now, opened.saturating_add(1), draw)),
            (State::HalfOpen { .. }, Verdict::Success | Verdict::Refusal) => {
                Some(State::Closed(Window::new(self.policy.window)))
            }
            _ => None,
        };
        if let Some(next) = next {
            inner.turn(next);
        }
    }

    /// Takes back a call that told nothing; where it was the one to see, another may go.
    fn release(&self, age: u64) {
        let mut inner = self.lock();
        if inner.age == age
            && let State::HalfOpen { probing, .. } = &mut inner.state
        {
            *probing = false;
        }
    }

    /// Open for the `opened`th time in a row: a time that doubles, give or take a fifth.
    fn open(&self, now: Instant, opened: u32, draw: f64) -> State {
        let Circuit { open_for, longest, .. } = self.policy;
        let doubled = 2_u32.checked_pow(opened.saturating_sub(1)).and_then(|times| open_for.checked_mul(times));
        let time = doubled.map_or(longest, |time| time.min(longest));
        let wait = Duration::try_from_secs_f64(time.as_secs_f64() * (0.8 + 0.4 * draw)).unwrap_or(time);
        State::Open { since: now, wait, opened }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn turn(&mut self, state: State) {
        self.state = state;
        self.age = self.age.wrapping_add(1);
    }
}

/// A call that was let through; dropped without a verdict, it counts as if it had not been.
#[derive(Debug)]
#[must_use]
pub(crate) struct Pass {
    breaker: Arc<Breaker>,
    age: u64,
    settled: bool,
}

impl Pass {
    /// Tells how the call ended; `draw` is chance, in [0, 1).
    pub(crate) fn finish(mut self, now: Instant, verdict: Verdict, draw: f64) {
        if verdict != Verdict::Ignored {
            self.settled = true;
            self.breaker.settle(self.age, now, verdict, draw);
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.settled {
            self.breaker.release(self.age);
        }
    }
}
