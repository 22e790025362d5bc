//! How often WIPAC's `rest-tools` repeats: a count, or a time from which the count follows.

use std::time::Duration;

/// The most repetitions.
pub(super) const MOST: u8 = 30;

/// The longest wait between two attempts, in seconds.
pub(super) const LONGEST: f64 = 120.0;

/// How often [`Retry::wipac`](crate::Retry::wipac) repeats a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retries {
    /// This often, at most 30 times.
    Count(u8),
    /// As long as the doubling backoff is no longer than this; at most 120 s.
    BackoffMax(Duration),
    /// As long as all timeouts and waits together stay below this; at least one timeout.
    ///
    /// The first attempt is counted twice, so 0 and 1 repetition take the same time.
    WaittimeMax(Duration),
}

impl Retries {
    /// The number of repetitions; the error is a sentence.
    pub(super) fn count(self, timeout: Duration, factor: f64) -> Result<u8, String> {
        if timeout.is_zero() {
            return Err("timeout must be positive: 0".into());
        }
        if !factor.is_finite() || factor < 0.0 {
            return Err(format!("backoff_factor must be positive: {factor}"));
        }
        let count = match self {
            Self::Count(count) => usize::from(count),
            Self::BackoffMax(max) => within_backoff(seconds(max), factor)?,
            Self::WaittimeMax(max) => within_waittime(max, timeout, factor)?,
        };
        u8::try_from(count).ok().filter(|count| *count <= MOST).ok_or(format!("Cannot set # of retries above {MOST}"))
    }
}

/// Rounded once, so that a time that is written as a decimal is what the decimal would be.
fn seconds(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e9
}

/// How often `factor` seconds can double and be `max` at most: trunc(log2(max / factor) + 1).
fn within_backoff(max: f64, factor: f64) -> Result<usize, String> {
    if max > LONGEST {
        return Err(format!("backoff_max is at most {LONGEST} seconds, and not {max}"));
    }
    if factor == 0.0 {
        return Err("a backoff_factor of 0 reaches no backoff_max; give the retries as a count".into());
    }
    Ok((0..=i32::from(MOST)).take_while(|doubled| factor * 2_f64.powi(*doubled) <= max).count())
}

/// The last number of repetitions, counted up from 0, whose timeouts and waits together are less than `max`.
fn within_waittime(max: Duration, timeout: Duration, factor: f64) -> Result<usize, String> {
    if max < timeout {
        return Err(format!("waittime_max ({max:?}) cannot be less than timeout ({timeout:?})"));
    }
    let (max, timeout) = (seconds(max), seconds(timeout));
    let waits = (1..=i32::from(MOST)).scan(2.0 * timeout, |waited, n| {
        *waited += timeout + (2_f64.powi(n) * factor).min(LONGEST);
        Some(*waited)
    });
    let first = 2.0 * timeout;
    Ok([first, first].into_iter().chain(waits).take_while(|waited| *waited < max).count().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn backoff(max: f64) -> Retries {
        Retries::BackoffMax(time(max))
    }

    fn waittime(max: f64) -> Retries {
        Retries::WaittimeMax(time(max))
    }

    #[test]
    fn v_w5_the_calculators_count_as_theirs_do() {
        for (timeout, factor, retries, expected) in [
            (0.5, 0.75, Retries::Count(1), 1),
            (0.5, 0.75, Retries::Count(30), 30),
            (0.5, 0.75, backoff(0.1), 0),
            (0.5, 0.75, backoff(0.5), 0),
            (0.5, 0.75, backoff(0.75), 1),
            (0.5, 0.75, backoff(0.9), 1),
            (0.5, 0.75, backoff(8.1), 4),
            (0.5, 0.75, waittime(100.0), 7),
            (15.0, 0.5, waittime(300.0), 8),
            (1.0, 0.1, waittime(300.0), 11),
            (5.0, 2.0, waittime(300.0), 7),
            (1.0, 0.3, waittime(2.0), 0),
            (1.0, 0.3, waittime(2.1), 1),
            (1.0, 0.3, waittime(4.0), 2),
            (1.0, 0.3, waittime(10.0), 4),
            (10.0, 0.0, waittime(100.0), 8),
        ] {
            assert_eq!(retries.count(time(timeout), factor), Ok(expected), "{timeout} {factor} {retries:?}");
        }
    }

    #[test]
    fn v_w5_what_they_refuse_is_refused() {
        for (timeout, factor, retries, expected) in [
            (0.5, 0.75, Retries::Count(31), "Cannot set # of retries above 30"),
            (0.5, 1e-7, backoff(120.0), "Cannot set # of retries above 30"),
            (0.5, 0.3, waittime(3600.0), "Cannot set # of retries above 30"),
            (0.5, 0.75, backoff(121.0), "at most 120 seconds"),
            (2.0, 0.3, waittime(1.0), "waittime_max (1s) cannot be less than timeout (2s)"),
            (0.0, 0.3, Retries::Count(1), "timeout must be positive: 0"),
            (1.0, -0.1, Retries::Count(1), "backoff_factor must be positive: -0.1"),
            (1.0, f64::NAN, Retries::Count(1), "backoff_factor must be positive: NaN"),
            (1.0, f64::INFINITY, Retries::Count(1), "backoff_factor must be positive: inf"),
            (1.0, 0.0, backoff(1.0), "a backoff_factor of 0"),
        ] {
            let why = retries.count(time(timeout), factor).unwrap_err();
            assert!(why.contains(expected), "{timeout} {factor} {retries:?}: {why}");
        }
    }

    #[test]
    fn w39b_the_doubled_backoff_may_be_the_maximum_itself() {
        for doubled in 0..20 {
            let max = 0.0001 * 2_f64.powi(doubled);
            assert_eq!(backoff(max).count(time(1.0), 0.0001).map(i32::from), Ok(doubled + 1));
        }
        assert_eq!(backoff(0.0).count(time(1.0), 0.3), Ok(0));
        assert_eq!(backoff(120.0).count(time(1.0), 0.3), Ok(9));
    }

    #[test]
    fn w39c_the_wait_stays_strictly_below_its_maximum() {
        let total = |retries: i32| 2.0 + (1..retries).map(|n| 1.0 + 2_f64.powi(n) * 0.5).sum::<f64>();
        for retries in 2..7 {
            let exactly = total(retries);
            assert_eq!(waittime(exactly).count(time(1.0), 0.5).map(i32::from), Ok(retries - 1));
            assert_eq!(waittime(exactly + 0.001).count(time(1.0), 0.5).map(i32::from), Ok(retries));
        }
        assert_eq!(waittime(1.0).count(time(1.0), 0.5), Ok(0));
    }
}
