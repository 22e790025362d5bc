//! How long a token is good for, and when it is renewed. Is told the time; never reads a clock.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The longest life that is believed.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// How long before its end a token is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Margin {
    /// In the background in the last fifth of its life, 300 s at most, and waited for in the last 10 s.
    Standard,
    /// Waited for in the last so long, and not before.
    Fixed(Duration),
}

/// What to do about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    Fresh,
    /// Good, and to be renewed meanwhile.
    Due,
    /// To be renewed before it is used; still good if that fails.
    Late,
    Ended,
}

/// When a token was asked for, and how long it lasts from then on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    at: Instant,
    wall: SystemTime,
    lasts: Option<Duration>,
    /// The ages at which it is due and late.
    due: Duration,
    late: Duration,
    /// When it is due, by both clocks; read often, so that nothing is left to reckon. `None` is never.
    fresh: (Option<Instant>, Option<SystemTime>),
}

impl Life {
    /// A token that was asked for at `at`, which was `wall`; `None` lasts until the server refuses it. By `draw`, a
    /// number from 0 up to 1, those who hold it do not all renew it at once.
    pub(crate) fn new(at: Instant, wall: SystemTime, lasts: Option<Duration>, margin: Margin, draw: f64) -> Self {
        let lasts = lasts.map(|lasts| lasts.min(LONGEST));
        let life = lasts.unwrap_or_default();
        let (window, edge) = match margin {
            Margin::Fixed(edge) => (edge, edge),
            Margin::Standard => {
                let fifth = life / 5;
                let (window, edge) = (fifth.min(Duration::from_secs(300)), fifth.min(Duration::from_secs(10)));
                (window.mul_f64(1.0 - 0.5 * draw).max(edge), edge)
            }
        };
        let (due, late) = (life.saturating_sub(window), life.saturating_sub(edge));
        Self { at, wall, lasts, due, late, fresh: (at.checked_add(due), wall.checked_add(due)) }
    }

    /// How long ago it was asked for: by the clock that knows no jumps, or by the one that goes on while the machine
    /// sleeps, whichever says more.
    fn age(&self, now: Instant, wall: SystemTime) -> Duration {
        let slept = wall.duration_since(self.wall).unwrap_or_default();
        now.saturating_duration_since(self.at).max(slept)
    }

    pub(crate) fn freshness(&self, now: Instant, wall: SystemTime) -> Freshness {
        let Some(lasts) = self.lasts else { return Freshness::Fresh };
        if let (Some(due), Some(due_by_wall)) = self.fresh
            && now < due
            && wall < due_by_wall
        {
            return Freshness::Fresh;
        }
        match self.age(now, wall) {
            age if age < self.due => Freshness::Fresh,
            age if age < self.late => Freshness::Due,
            age if age < lasts => Freshness::Late,
            _ => Freshness::Ended,
        }
    }

    /// How long it lasts from when it was asked for.
    pub(crate) fn lasts(&self) -> Option<Duration> {
        self.lasts
    }

    /// When it was asked for, by the wall clock.
    pub(crate) fn wall(&self) -> SystemTime {
        self.wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Freshness::{Due, Ended, Fresh, Late};

    const fn s(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn found(lasts: u64, draw: f64, margin: Margin, age: u64) -> Freshness {
        let (at, wall) = (Instant::now(), SystemTime::UNIX_EPOCH + s(1_000_000));
        Life::new(at, wall, Some(s(lasts)), margin, draw).freshness(at + s(age), wall + s(age))
    }

    #[test]
    fn e6_a_fixed_margin_of_5_s_is_exact() {
        let edx = Margin::Fixed(s(5));
        for (lasts, age, expected) in [
            (60, 30, Fresh),
            (60, 54, Fresh),
            (60, 55, Late),
            (60, 56, Late),
            (60, 60, Ended),
            (6, 0, Fresh),
            (6, 1, Late),
            (5, 0, Late),
            (0, 0, Ended),
            (3600, 3594, Fresh),
            (3600, 3595, Late),
            (86_400, 86_394, Fresh),
            (864_000, 863_994, Fresh),
            (864_000, 863_995, Late),
        ] {
            assert_eq!(found(lasts, 0.5, edx, age), expected, "{lasts} s after {age} s");
        }
    }

    #[test]
    fn o22_a_short_life_is_used_for_four_fifths_of_it() {
        for (lasts, draw, age, expected) in [
            (5, 0.0, 3, Fresh),
            (5, 0.0, 4, Late),
            (5, 1.0, 4, Late),
            (5, 0.0, 5, Ended),
            (3600, 0.0, 3299, Fresh),
            (3600, 0.0, 3300, Due),
            (3600, 1.0, 3449, Fresh),
            (3600, 1.0, 3450, Due),
            (3600, 0.0, 3589, Due),
            (3600, 0.0, 3590, Late),
            (3600, 0.0, 3600, Ended),
            (600, 0.0, 479, Fresh),
            (600, 0.0, 480, Due),
        ] {
            assert_eq!(found(lasts, draw, Margin::Standard, age), expected, "{lasts} s, {draw}, after {age} s");
        }
    }

    #[test]
    fn o24_the_time_a_machine_slept_counts() {
        let (at, wall) = (Instant::now(), SystemTime::UNIX_EPOCH + s(1_000_000));
        let life = Life::new(at, wall, Some(s(3600)), Margin::Standard, 0.0);
        assert_eq!(life.freshness(at + s(1), wall + s(7200)), Ended);
    }

    #[test]
    fn o21_a_clock_that_is_set_back_changes_nothing() {
        let (at, wall) = (Instant::now(), SystemTime::UNIX_EPOCH + s(1_000_000));
        let life = Life::new(at, wall, Some(s(3600)), Margin::Standard, 0.0);
        for back in [0, 600, 1_000_000] {
            assert_eq!(life.freshness(at + s(60), wall - s(back)), Fresh);
            assert_eq!(life.freshness(at + s(3600), wall - s(back)), Ended);
        }
    }

    #[test]
    fn o20_no_life_is_too_long_and_none_lasts_until_refused() {
        let (at, wall) = (Instant::now(), SystemTime::UNIX_EPOCH);
        let life = Life::new(at, wall, Some(Duration::MAX), Margin::Standard, 0.0);
        assert_eq!(life.lasts(), Some(LONGEST));
        let far = wall + LONGEST * 2;
        assert_eq!(life.freshness(at, far), Ended);
        assert_eq!(Life::new(at, wall, None, Margin::Standard, 0.0).freshness(at, far), Fresh);
    }
}
