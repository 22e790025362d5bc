//! One window: so many calls in a time, spaced evenly but for a burst (GCRA), in whole nanoseconds.

use std::time::Duration;

use super::{Limit, Pace, PerTime, Quota, clock::whole};

/// The generic cell rate algorithm: a call is due `tolerance` before `next`, and moves `next` by `interval`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) interval: u64,
    tolerance: u64,
    burst: u32,
    /// When the next call would go if all were spaced evenly.
    next: u64,
}

impl Window {
    /// One call every `interval`.
    pub(super) fn every(interval: u64, next: u64) -> Self {
        Self { interval, tolerance: 0, burst: 1, next }
    }

    fn new(PerTime { count, per }: PerTime, burst: u32) -> Self {
        // A count of 10^12 a second is one a nanosecond, and a tiny one an age.
        let interval = whole((per.as_nanos() as f64 / count).ceil()).max(1);
        let tolerance = interval.saturating_mul(u64::from(burst.saturating_sub(1)));
        Self { interval, tolerance, burst, next: 0 }
    }

    /// The windows of `limit`; of several, a shorter lets no larger burst through than its own count.
    pub(super) fn all(limit: &Limit) -> impl Iterator<Item = Self> {
        let longest = limit.windows.iter().map(|window| window.per).max();
        limit.windows.iter().map(move |window| {
            let own = if Some(window.per) == longest { u64::MAX } else { whole(window.count) };
            let own = u32::try_from(own.max(1)).unwrap_or(u32::MAX);
            Self::new(*window, limit.burst.min(own))
        })
    }

    pub(super) fn pace(&self) -> Pace {
        Pace { interval: self.interval, tolerance: self.tolerance }
    }

    /// When a call with `ahead` others before it is due; with `from`, counted from an empty bucket then.
    pub(super) fn due(&self, ahead: u64, now: u64, from: Option<u64>) -> u64 {
        let empty = from.map_or(0, |from| from.saturating_add(self.tolerance));
        let next = self.next.max(now).max(empty);
        next.saturating_add(self.interval.saturating_mul(ahead)).saturating_sub(self.tolerance)
    }

    /// A call went that was due at `at`.
    pub(super) fn spend(&mut self, at: u64) {
        self.next = self.next.max(at).saturating_add(self.interval);
    }

    /// Forgets the burst until `until`: from then on calls go one by one.
    pub(super) fn drain(&mut self, until: u64) {
        self.next = self.next.max(until.saturating_add(self.tolerance));
    }

    pub(super) fn quota(&self, now: u64) -> Quota {
        let behind = self.next.saturating_sub(now);
        let room = self.tolerance.checked_sub(behind).map_or(0, |room| room / self.interval + 1);
        Quota {
            limit: u64::from(self.burst),
            remaining: room.min(u64::from(self.burst)),
            reset: Duration::from_nanos(behind),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn l17_a_million_million_a_second_saturates_and_a_tiny_rate_is_an_age() {
        let fast = Window::all(&Limit::new().per_second(1e12)).next().unwrap();
        assert_eq!((fast.interval, fast.tolerance), (1, 0));
        let slow = Window::all(&Limit::new().per_hour(1e-300).burst(u32::MAX)).next().unwrap();
        assert_eq!((slow.interval, slow.tolerance), (u64::MAX, u64::MAX));
        let mut slow = slow;
        slow.spend(5);
        slow.drain(7);
        assert_eq!((slow.due(3, 9, Some(8)), slow.quota(9).remaining), (0, 1));
    }

    #[test]
    fn a_shorter_window_s_burst_is_its_own_count() {
        let bursts = |limit: &Limit| Window::all(limit).map(|window| window.burst).collect::<Vec<_>>();
        let limit = Limit::new().per_second(10).per_minute(0.5).per_hour(1_000).burst(300);
        assert_eq!(bursts(&limit), [10, 1, 300]);
        assert_eq!(bursts(&Limit::new().per_second(2).burst(5)), [5]);
    }

    #[test]
    fn what_is_left_grows_back_one_by_one() {
        let mut window = Window::all(&Limit::new().per_second(10).burst(5)).next().unwrap();
        let left = |window: &Window, now| (window.quota(now).remaining, window.quota(now).reset.as_millis());
        assert_eq!(left(&window, 0), (5, 0));
        for _ in 0..5 {
            window.spend(0);
        }
        assert_eq!(left(&window, 0), (0, 500));
        assert_eq!(left(&window, 99 * MS), (0, 401));
        assert_eq!(left(&window, 100 * MS), (1, 400));
        assert_eq!(left(&window, 450 * MS), (4, 50));
        assert_eq!(left(&window, 5_000 * MS), (5, 0));
    }

    proptest! {
        /// Whatever is spent whenever it is due: no time holds more than the rate and the burst allow.
        #[test]
        fn no_time_holds_more_than_its_count_and_the_burst(
            count in 1_u32..200, burst in 1_u32..20, waits in prop::collection::vec(0_u64..300 * MS, 1..200),
        ) {
            let mut window = Window::all(&Limit::new().per_second(count).burst(burst)).next().unwrap();
            let (mut now, mut went) = (0, Vec::new());
            for wait in waits {
                now = window.due(0, now + wait, None).max(now + wait);
                window.spend(now);
                went.push(now);
            }
            for (at, start) in went.iter().enumerate() {
                let held = went[at..].iter().take_while(|time| **time < start + 1_000 * MS).count();
                prop_assert!(held <= (count + burst - 1) as usize, "{held} from {start}");
            }
        }

        /// What is foretold for a call behind others is when it goes, for one window.
        #[test]
        fn a_foretold_time_is_kept(count in 1_u32..200, burst in 1_u32..20, ahead in 0_u64..50, start in 0..900 * MS) {
            let mut window = Window::all(&Limit::new().per_second(count).burst(burst)).next().unwrap();
            window.spend(0);
            let foretold = window.due(ahead, start, None).max(start);
            for _ in 0..ahead {
                let due = window.due(0, start, None).max(start);
                window.spend(due);
            }
            prop_assert_eq!(window.due(0, start, None).max(start), foretold);
        }
    }
}
