//! When an origin that fails is left alone for a while.
//!
//! [`Circuit`] is the policy as data. A [`Breaker`] watches one origin by it: closed, it lets all calls
//! pass and counts how they end; open, it refuses them; half-open, it lets one pass to see.

use std::time::Duration;

use http::StatusCode;

use crate::error::{Again, Error, ErrorKind, Fault, Outcome};

mod breaker;
mod window;

pub(crate) use breaker::{Breaker, Pass};

/// When an origin that fails is left alone, and for how long; a client has none unless it is given one.
///
/// An origin fails by not answering, or by 5xx other than 501. While the circuit is open, calls to the origin end at
/// once with an error of kind `Circuit` and nothing is sent; then one call is let through, and its end decides.
///
/// A value out of range is the error of [`ClientBuilder::build`](crate::ClientBuilder::build).
///
/// ```
/// use std::time::Duration;
/// use restwalk::Circuit;
///
/// let wary = Circuit::standard().calls(10).open_for(Duration::from_secs(1));
/// assert_ne!(wary, Circuit::default());
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Circuit {
    calls: u32,
    failure_rate: f64,
    window: Duration,
    open_for: Duration,
    longest: Duration,
}

impl Circuit {
    /// Opens where half of at least 20 calls in 30 s failed: for 5 s, and twice as long after each call that is let
    /// through and fails, up to 60 s; each time is up to a fifth longer or shorter, by chance.
    pub fn standard() -> Self {
        Self {
            calls: 20,
            failure_rate: 0.5,
            window: Duration::from_secs(30),
            open_for: Duration::from_secs(5),
            longest: Duration::from_secs(60),
        }
    }

    /// Sets how many calls there must be before their failures are judged; 20 by default.
    pub fn calls(mut self, calls: u32) -> Self {
        self.calls = calls;
        self
    }

    /// Sets which part of the calls must fail, above 0 and up to 1; 0.5 by default.
    pub fn failure_rate(mut self, rate: f64) -> Self {
        self.failure_rate = rate;
        self
    }

    /// Sets for how long a call counts; 30 s by default.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Sets for how long the circuit is open at first; 5 s by default.
    pub fn open_for(mut self, time: Duration) -> Self {
        self.open_for = time;
        self
    }

    /// Sets for how long it is open at most; 60 s by default.
    pub fn longest(mut self, time: Duration) -> Self {
        self.longest = time;
        self
    }

    /// Finds the first value that no policy can have.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let Self { calls, failure_rate, window, open_for, longest } = self;
        let why = match () {
            () if *calls == 0 => "a circuit judges 1 call or more; raise .calls(..)".to_owned(),
            () if !(*failure_rate > 0.0 && *failure_rate <= 1.0) => {
                format!("the failure rate of a circuit is above 0 and up to 1, and not {failure_rate}")
            }
            () if window.is_zero() => "the window of a circuit is longer than nothing".to_owned(),
            () if open_for.is_zero() => "a circuit is open for longer than nothing".to_owned(),
            () if open_for > longest => {
                format!("a circuit opens for {open_for:?} first, which is longer than {longest:?}; raise .longest(..)")
            }
            () => return Ok(()),
        };
        Err(Fault::new(ErrorKind::Request, "config", why))
    }
}

impl Default for Circuit {
    fn default() -> Self {
        Self::standard()
    }
}

/// How a call that was let through ended, as far as its origin's health goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The origin did as it was asked.
    Success,
    /// It did not answer, or could not.
    Failure,
    /// It refused, and so is alive; counted neither way.
    Refusal,
    /// It ended on this side.
    Ignored,
}

impl Verdict {
    pub(crate) fn of_answer(status: StatusCode) -> Self {
        match status.as_u16() {
            501 | 400..=499 => Self::Refusal,
            500.. => Self::Failure,
            _ => Self::Success,
        }
    }

    pub(crate) fn of_error(error: &Error) -> Self {
        match (error.kind(), error.code(), error.outcome()) {
            // The caller's own file, when its body could not be read.
            (ErrorKind::Body, "body.truncated", _) if error.again() == Again::Never => Self::Ignored,
            (ErrorKind::Timeout, "timeout.queue", _)
            | (ErrorKind::Timeout, "timeout.total", Outcome::NotSent)
            | (ErrorKind::Body, _, Outcome::NotSent) => Self::Ignored,
            (ErrorKind::Connect | ErrorKind::Tls | ErrorKind::Timeout | ErrorKind::Protocol, ..)
            | (ErrorKind::Body, "body.truncated", _) => Self::Failure,
            _ => Self::Ignored,
        }
    }
}

/// The error of a call that an open circuit refuses for another `wait`.
pub(crate) fn refused(wait: Duration) -> Error {
    let message =
        format!("the circuit is open, since the server failed too often; try again in {:.1} s", wait.as_secs_f64());
    Error::coded(ErrorKind::Circuit, "circuit_open", message).with_retry_after(Some(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn y48_an_origin_fails_by_5xx_and_by_not_answering() {
        for status in [500, 502, 503, 504, 505, 507, 599] {
            assert_eq!(Verdict::of_answer(StatusCode::from_u16(status).unwrap()), Verdict::Failure, "{status}");
        }
        for status in [200, 204, 301, 304] {
            assert_eq!(Verdict::of_answer(StatusCode::from_u16(status).unwrap()), Verdict::Success, "{status}");
        }
        for (kind, code, outcome) in [
            (ErrorKind::Connect, "connect", Outcome::NotSent),
            (ErrorKind::Connect, "dns", Outcome::NotSent),
            (ErrorKind::Tls, "tls.expired", Outcome::NotSent),
            (ErrorKind::Timeout, "timeout.connect", Outcome::NotSent),
            (ErrorKind::Timeout, "timeout.headers", Outcome::MaybeProcessed),
            (ErrorKind::Timeout, "timeout.total", Outcome::MaybeProcessed),
            (ErrorKind::Protocol, "protocol.closed", Outcome::MaybeProcessed),
            (ErrorKind::Protocol, "protocol.not_http", Outcome::MaybeProcessed),
            (ErrorKind::Body, "body.truncated", Outcome::Processed),
        ] {
            let error = Error::coded(kind, code, "x").with_outcome(outcome);
            assert_eq!(Verdict::of_error(&error), Verdict::Failure, "{code}");
        }
    }

    #[test]
    fn y48_the_refusal_says_when_to_come_back() {
        let error = refused(Duration::from_millis(4_200));
        assert_eq!(
            (error.kind(), error.code(), error.outcome()),
            (ErrorKind::Circuit, "circuit_open", Outcome::NotSent)
        );
        assert_eq!(error.retry_after(), Some(Duration::from_millis(4_200)));
        assert!(error.to_string().contains("try again in 4.2 s"), "{error}");
    }

    #[test]
    fn y37_a_circuit_that_cannot_work_is_refused() {
        let standard = Circuit::standard();
        assert!(standard.check().is_ok());
        for (wrong, said) in [
            (standard.clone().calls(0), ".calls("),
            (standard.clone().failure_rate(0.0), "0 and up to 1"),
            (standard.clone().failure_rate(1.1), "and not 1.1"),
            (standard.clone().failure_rate(f64::NAN), "NaN"),
            (standard.clone().window(Duration::ZERO), "window"),
            (standard.clone().open_for(Duration::ZERO), "longer than nothing"),
            (standard.clone().longest(Duration::from_secs(1)), ".longest("),
        ] {
            let error = Error::from(wrong.check().unwrap_err());
            assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "config"));
            assert!(error.to_string().contains(said), "{error}");
        }
        assert!(standard.failure_rate(1.0).open_for(Duration::MAX).longest(Duration::MAX).check().is_ok());
    }
}
