//! The time as a schedule counts it: whole nanoseconds since it was first asked, and never backwards.

use std::time::Duration;

use tokio::time::Instant;

/// Callers read the clock before they have the lock, so one may be this far behind another.
const SKEW: Duration = Duration::from_millis(100);

/// Adds up what passes; a clock that is set back adds nothing, and counts on from where it then is.
#[derive(Debug, Default)]
pub(super) struct Clock {
    seen: Option<Instant>,
    time: u64,
}

impl Clock {
    pub(super) fn at(&mut self, now: Instant) -> u64 {
        let seen = *self.seen.get_or_insert(now);
        if let Some(passed) = now.checked_duration_since(seen) {
            self.time = self.time.saturating_add(nanos(passed));
            self.seen = Some(now);
        } else if seen.duration_since(now) > SKEW {
            self.seen = Some(now);
        }
        self.time
    }

    /// When `time` is, by the clock that says `now`.
    pub(super) fn instant(&self, now: Instant, time: u64) -> Instant {
        const YEAR: Duration = Duration::from_secs(365 * 86_400);
        let wait = Duration::from_nanos(time.saturating_sub(self.time)).min(YEAR);
        now.checked_add(wait).unwrap_or(now)
    }
}

/// Whole nanoseconds; more than five centuries are five centuries.
pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Whole nanoseconds; what is too much is the most there is, and less than nothing is nothing.
#[expect(clippy::cast_sign_loss, reason = "a cast of a float stops at both ends")]
pub(super) fn whole(nanos: f64) -> u64 {
    nanos as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l13_a_clock_set_back_stands_still_for_a_moment_only() {
        let start = Instant::now() + Duration::from_secs(7_200);
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let mut clock = Clock::default();
        assert_eq!((clock.at(at(0.0)), clock.at(at(1.5))), (0, 1_500_000_000));
        // A caller that read the clock a little earlier.
        assert_eq!((clock.at(at(1.45)), clock.at(at(1.6))), (1_500_000_000, 1_600_000_000));
        let back = start - Duration::from_secs(3_600);
        assert_eq!(clock.at(back), 1_600_000_000);
        assert_eq!(clock.at(back + Duration::from_millis(10)), 1_610_000_000);
        assert_eq!(clock.instant(back + Duration::from_millis(10), 1_710_000_000), back + Duration::from_millis(110));
        assert!(clock.instant(back, u64::MAX) > back + Duration::from_secs(86_400));
    }
}
