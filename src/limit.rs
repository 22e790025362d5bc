//! How often, and how many at once: the schedule of calls, and what servers say of it.
//!
//! Everything here is told the time and decides; [`crate::client`] waits. Time is kept in whole nanoseconds.

use std::time::Duration;

use smallvec::SmallVec;

use crate::{
    catalog::Rate,
    error::{ErrorKind, Fault},
};

mod adaptive;
mod clock;
mod common;
mod field;
mod hint;
mod limiter;
mod permit;
mod queue;
mod said;
mod schedule;
mod window;

use common::Shared;
#[cfg(feature = "redis")]
pub(crate) use common::Store;
pub(crate) use common::{Away, Common, Pace, Turn};
pub(crate) use hint::Hint;
pub(crate) use limiter::{Limiter, Partition};
pub use permit::Permit;
pub(crate) use queue::Ticket;
pub(crate) use schedule::{Refused, Step};

/// How often, and how many at once, requests may be sent.
///
/// A call that may not go yet waits for its turn, first come, first served, unless its deadline would pass
/// before: then it fails at once and takes nobody's turn. Every attempt counts, retries and redirects included.
/// What a server says by `Retry-After`, `RateLimit` or `X-RateLimit-*` is obeyed besides.
///
/// All windows hold together. Calls are spaced evenly unless [`Limit::burst`] lets some go at once, so
/// `per_hour(60)` alone means one call a minute.
///
/// ```
/// use restwalk::Limit;
///
/// // Ten at once, ten a second after that, and no more than a thousand an hour for long.
/// let limit = Limit::new().per_second(10).per_hour(1_000).burst(1_000).concurrency(8);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Limit {
    windows: SmallVec<[PerTime; 3]>,
    burst: u32,
    places: Option<u32>,
    queue: usize,
    adaptive: bool,
    shared: Option<Shared>,
}

/// So many calls in a time.
#[derive(Debug, Clone, Copy, PartialEq)]
struct PerTime {
    count: f64,
    per: Duration,
}

/// What is left of a limit, as far as this process knows: its own windows, or what the server said where that is less.
///
/// Others who use the same credentials may take of it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quota {
    /// How many calls may go at once when none went before.
    pub limit: u64,
    /// How many may go now, without waiting.
    pub remaining: u64,
    /// After how long `remaining` is `limit` again, when none goes meanwhile.
    pub reset: Duration,
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// A pause that a server asks for is no longer than this.
const LONGEST_PAUSE: Duration = HOUR;

impl Limit {
    /// No limit but that of the queue; what servers say is obeyed.
    pub fn new() -> Self {
        Self { windows: SmallVec::new(), burst: 1, places: None, queue: 1_000, adaptive: false, shared: None }
    }

    /// Sends at most `count` calls a second; half a call is one in two seconds.
    pub fn per_second(self, count: impl Into<f64>) -> Self {
        self.per(count.into(), SECOND)
    }

    /// Sends at most `count` calls a minute.
    pub fn per_minute(self, count: impl Into<f64>) -> Self {
        self.per(count.into(), MINUTE)
    }

    /// Sends at most `count` calls an hour.
    pub fn per_hour(self, count: impl Into<f64>) -> Self {
        self.per(count.into(), HOUR)
    }

    fn per(mut self, count: f64, per: Duration) -> Self {
        self.windows.retain(|window| window.per != per);
        self.windows.push(PerTime { count, per });
        self
    }

    /// Lets `calls` go at once after a silence; 1 by default, which spaces them evenly.
    ///
    /// A window then holds at most that many more than its count. Where there are several, a shorter window
    /// lets no more through at once than its own count.
    pub fn burst(mut self, calls: u32) -> Self {
        self.burst = calls;
        self
    }

    /// Has at most `calls` in flight; by default as many as are asked for.
    pub fn concurrency(mut self, calls: u32) -> Self {
        self.places = Some(calls);
        self
    }

    /// Lets at most `calls` wait, 1,000 by default; the next fails at once with the code `timeout.queue`.
    pub fn queue(mut self, calls: usize) -> Self {
        self.queue = calls;
        self
    }

    /// Finds the server's limit where it tells none: each 429 without a hint halves the rate, which then grows by a
    /// tenth of it a second. Off by default.
    pub fn adaptive(mut self, on: bool) -> Self {
        self.adaptive = on;
        self
    }

    /// Holds the windows together with every process that names the same `name`; see `Limit::shared`.
    #[cfg(feature = "redis")]
    pub(crate) fn kept_by(mut self, store: std::sync::Arc<dyn Store>, name: String) -> Self {
        self.shared = Some(Shared { store, name, peers: 1 });
        self
    }

    /// Tells how many processes share the limit: while the store is away each takes that part of it; 1 by default.
    #[cfg(feature = "redis")]
    pub fn peers(mut self, peers: u32) -> Self {
        if let Some(shared) = &mut self.shared {
            shared.peers = peers.max(1);
        }
        self
    }

    /// Refuses what would let no call through, or is no number.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let refused = |why: String| Err(Fault::new(ErrorKind::Request, "config", why));
        for PerTime { count, per } in &self.windows {
            if !(count.is_finite() && *count > 0.0) {
                let name = match *per {
                    SECOND => "per_second",
                    MINUTE => "per_minute",
                    _ => "per_hour",
                };
                let why = "a limit is a number greater than 0; leave it out for none";
                return refused(format!("{name}({count}) lets no call through or is no number: {why}"));
            }
        }
        for (name, zero) in [("burst", self.burst == 0), ("concurrency", self.places == Some(0))] {
            if zero {
                return refused(format!("{name}(0) lets no call through; give 1 or more"));
            }
        }
        Ok(())
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self::new()
    }
}

impl From<&[Rate]> for Limit {
    /// Of two rates for the same time the smaller holds.
    fn from(rates: &[Rate]) -> Self {
        rates.iter().fold(Self::new(), |limit, Rate { count, per }| {
            let known = limit.windows.iter().find(|window| window.per == *per).map(|window| window.count);
            let count = f64::from(*count);
            limit.per(known.map_or(count, |known| known.min(count)), *per)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn l17_a_limit_of_nothing_is_refused_and_says_what_to_do() {
        for (limit, said) in [
            (Limit::new().per_second(0), "per_second(0)"),
            (Limit::new().per_minute(-1), "per_minute(-1)"),
            (Limit::new().per_hour(f64::NAN), "per_hour(NaN)"),
            (Limit::new().per_second(f64::INFINITY), "per_second(inf)"),
            (Limit::new().per_second(1).burst(0), "burst(0)"),
            (Limit::new().concurrency(0), "concurrency(0)"),
        ] {
            let error = Error::from(limit.check().unwrap_err());
            assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "config"));
            assert!(error.to_string().starts_with(said), "{error}");
        }
        for limit in [Limit::new(), Limit::new().per_second(1e12), Limit::new().per_hour(1e-300).queue(0)] {
            limit.check().unwrap();
        }
    }

    #[test]
    fn a_later_window_for_the_same_time_takes_the_place_of_the_first() {
        let limit = Limit::new().per_second(1).per_minute(5).per_second(2);
        assert_eq!(&limit.windows[..], [PerTime { count: 5.0, per: MINUTE }, PerTime { count: 2.0, per: SECOND }]);
    }

    #[test]
    fn a_catalog_s_rates_hold_together() {
        let rates = ["60/min", "10/s", "1000/h", "5/s", "7/s"].map(|text| text.parse::<Rate>().unwrap());
        let limit = Limit::from(&rates[..]);
        let found: Vec<_> = limit.windows.iter().map(|window| (window.count, window.per)).collect();
        assert_eq!(found, [(60.0, MINUTE), (1000.0, HOUR), (5.0, SECOND)]);
    }
}
