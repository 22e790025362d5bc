//! Whether a failed request is sent again, and when. Decides; never sleeps, sends, or reads a clock.
//!
//! [`Retry`] is the policy as data, and `decision` what follows from one failure: `table` says what may be
//! sent again, `backoff` and `after` how long to wait, `budget` how much an origin that is down has to bear.

use std::time::Duration;

use crate::error::{ErrorKind, Fault};

mod after;
mod backoff;
mod budget;
mod decision;
mod table;
mod wipac;

#[cfg(test)]
mod tests;

pub(crate) use budget::Budget;
pub(crate) use decision::{Cost, Decision, Failed, Moment, Resend, Standing, Stop, Tries};
pub use wipac::Retries;

/// The most attempts that may be asked for, the first one included.
const MOST: u8 = 5;

/// The statuses that may pass. Which of them may be sent again, `table` says.
const STANDARD: &[u16] = &[408, 409, 421, 425, 429, 500, 502, 503, 504];
const FRAMEWORK: &[u16] = &[429, 500, 502, 503, 504];
const WIPAC: &[u16] = &[408, 413, 429, 500, 502, 503, 504];

/// When and how a failed request is sent again: data that the client acts on.
///
/// A request is sent again only where that can do no harm: where nothing of it was sent, where the server refused
/// it, or where its method, the catalog's `idempotent` or an idempotency key allows it. Between two attempts
/// passes a random part of a time that doubles, and never less than the server asks for in `Retry-After`.
///
/// A value out of range is the error of [`ClientBuilder::build`](crate::ClientBuilder::build), or of the call.
///
/// ```
/// use std::time::Duration;
/// use restwalk::Retry;
///
/// let patient = Retry::standard().attempts(5).cap(Duration::from_secs(5));
/// assert_ne!(patient, Retry::default());
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Retry {
    attempts: u8,
    most: u8,
    base: Duration,
    throttled_base: Duration,
    cap: Duration,
    factor: f64,
    /// The first repetition waits for nothing.
    at_once: bool,
    max_retry_after: Duration,
    jitter: bool,
    budget: bool,
    any_method: bool,
    keyed_500: bool,
    provider_hints: bool,
    statuses: &'static [u16],
    /// A mistake in the arguments of a preset.
    mistake: Option<String>,
}

impl Retry {
    /// At most 3 attempts, a random part of 50 ms, 100 ms … between them, and of 1 s, 2 s … where the server
    /// throttles; `Retry-After` is honoured up to 60 s, and a budget spares a server that is down.
    pub fn standard() -> Self {
        Self {
            attempts: 3,
            most: MOST,
            base: Duration::from_millis(50),
            throttled_base: Duration::from_secs(1),
            cap: Duration::from_secs(20),
            factor: 2.0,
            at_once: false,
            max_retry_after: Duration::from_secs(60),
            jitter: true,
            budget: true,
            any_method: false,
            keyed_500: true,
            provider_hints: false,
            statuses: STANDARD,
            mistake: None,
        }
    }

    /// One attempt.
    pub fn off() -> Self {
        Self::standard().attempts(1)
    }

    /// As plain REST frameworks do it: every method, after 429, 500, 502, 503, 504 and failures of the network, at
    /// most 3 attempts, exactly 1 s, 2 s, 4 s … between them, without a budget.
    ///
    /// A POST whose answer was lost is sent again too, and may then be done twice.
    pub fn framework() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(3600),
            jitter: false,
            budget: false,
            any_method: true,
            statuses: FRAMEWORK,
            ..Self::standard()
        }
    }

    /// As WIPAC's `rest-tools` does it: every method, at once the first time, then after `backoff_factor` · 2, 4, 8 …
    /// seconds up to 120, without a budget. Its own default is `wipac(Retries::Count(10), 60 s, 0.3)`.
    ///
    /// `timeout` is the time of one attempt, by which [`Retries::WaittimeMax`] counts. The whole schedule takes
    /// minutes, so raise [`ClientBuilder::total_timeout`](crate::ClientBuilder::total_timeout) with it.
    /// A POST whose answer was lost is sent again too, and may then be done twice.
    pub fn wipac(retries: Retries, timeout: Duration, backoff_factor: f64) -> Self {
        let (retries, mistake) = match retries.count(timeout, backoff_factor) {
            Ok(retries) => (retries, None),
            Err(mistake) => (0, Some(mistake)),
        };
        let base = Duration::try_from_secs_f64(backoff_factor.clamp(0.0, wipac::LONGEST)).unwrap_or_default();
        Self {
            attempts: retries + 1,
            most: wipac::MOST + 1,
            base,
            throttled_base: base,
            cap: Duration::from_secs_f64(wipac::LONGEST),
            at_once: true,
            max_retry_after: Duration::from_secs(6 * 3600),
            statuses: WIPAC,
            mistake,
            ..Self::framework()
        }
    }

    /// Sets how often a request is sent at most, the first time included: 1 to 5.
    pub fn attempts(mut self, attempts: u8) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the longest wait before the first repetition; 50 ms by default.
    pub fn base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Sets the same for a server that throttles: 429, or 503 with `Retry-After`; 1 s by default.
    pub fn throttled_base(mut self, base: Duration) -> Self {
        self.throttled_base = base;
        self
    }

    /// Sets the longest wait of its own, which both bases grow up to; 20 s by default.
    pub fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Sets by how much the wait grows from one repetition to the next; 2 by default, 1 at least.
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// Sets the longest `Retry-After` that is waited for; 60 s by default. A longer one is a `RateLimited` error at once.
    pub fn max_retry_after(mut self, longest: Duration) -> Self {
        self.max_retry_after = longest;
        self
    }

    /// Sets whether a random part of each wait is taken, so that many clients do not come back together; on by default.
    pub fn jitter(mut self, jitter: bool) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets whether repetitions draw from a budget that failures empty and successes fill; on by default.
    pub fn budget(mut self, budget: bool) -> Self {
        self.budget = budget;
        self
    }

    /// Sets whether POST and PATCH are sent again as GET is, at the risk of doing a thing twice; off by default.
    pub fn any_method(mut self, any: bool) -> Self {
        self.any_method = any;
        self
    }

    /// Sets whether a 500 is tried again with the same idempotency key; on by default. Turn it off for servers that
    /// keep the 500 as the key's answer.
    pub fn retry_500_with_key(mut self, again: bool) -> Self {
        self.keyed_500 = again;
        self
    }

    /// Sets whether `retry-after-ms` and `x-ms-retry-after-ms` are read before `Retry-After`; off by default.
    pub fn provider_hints(mut self, read: bool) -> Self {
        self.provider_hints = read;
        self
    }

    /// Whether repetitions draw from the budget of their origin.
    pub(crate) fn is_budgeted(&self) -> bool {
        self.budget
    }

    /// Finds the first value that no policy can have.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let Self { attempts, most, base, cap, factor, .. } = self;
        let why = match () {
            () if self.mistake.is_some() => self.mistake.clone().unwrap_or_default(),
            () if !(1..=*most).contains(attempts) => format!(
                "a request is sent 1 to {most} times, the first included, and not {attempts} times; \
                 Retry::off() sends it once"
            ),
            () if base > cap => {
                format!("the base of the retries, {base:?}, is longer than their cap, {cap:?}; raise .cap(..)")
            }
            () if !factor.is_finite() || *factor < 1.0 => {
                format!("the factor of the retries is a number of 1 or more, and not {factor}")
            }
            () => return Ok(()),
        };
        Err(Fault::new(ErrorKind::Request, "config", why))
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::standard()
    }
}
