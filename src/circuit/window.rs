//! How the calls of the last while ended, in memory that their number does not change.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Into how many slices a window is cut.
const SLICES: u32 = 30;

/// Counts calls and failures by the slice of time in which they ended.
#[derive(Debug)]
pub(super) struct Window {
    length: Duration,
    /// Oldest first, begun at least a slice apart; so there are never many more than `SLICES`.
    slices: VecDeque<Slice>,
}

#[derive(Debug)]
struct Slice {
    begun: Instant,
    calls: u64,
    failures: u64,
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        Self { length, slices: VecDeque::new() }
    }

    pub(super) fn note(&mut self, now: Instant, failed: bool) {
        self.forget(now);
        let slice = self.slice();
        let current = self.slices.back().is_some_and(|last| now.saturating_duration_since(last.begun) < slice);
        if !current {
            self.slices.push_back(Slice { begun: now, calls: 0, failures: 0 });
        }
        if let Some(last) = self.slices.back_mut() {
            last.calls = last.calls.saturating_add(1);
            last.failures = last.failures.saturating_add(failed.into());
        }
    }

    /// Calls and failures that may have ended within the window; one that is older by a slice is not among them.
    pub(super) fn count(&mut self, now: Instant) -> (u64, u64) {
        self.forget(now);
        self.slices.iter().fold((0, 0), |(calls, failures), slice| {
            (calls.saturating_add(slice.calls), failures.saturating_add(slice.failures))
        })
    }

    fn forget(&mut self, now: Instant) {
        let oldest = self.length.saturating_add(self.slice());
        while self.slices.front().is_some_and(|first| now.saturating_duration_since(first.begun) > oldest) {
            self.slices.pop_front();
        }
    }

    fn slice(&self) -> Duration {
        (self.length / SLICES).max(Duration::from_nanos(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_for_the_window_and_no_longer_than_a_slice_more() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut window = Window::new(Duration::from_secs(30));
        for ms in [0, 999, 1_000, 15_000] {
            window.note(at(ms), ms == 0);
        }
        assert_eq!(window.count(at(15_000)), (4, 1));
        assert_eq!(window.count(at(30_999)), (4, 1));
        assert_eq!(window.count(at(31_001)), (2, 0));
        assert_eq!(window.count(at(46_001)), (0, 0));
    }

    #[test]
    fn its_memory_does_not_grow_with_the_calls() {
        let start = Instant::now();
        let mut window = Window::new(Duration::from_secs(30));
        for ms in 0..200_000 {
            window.note(start + Duration::from_millis(ms), ms % 2 == 0);
            assert!(window.slices.len() <= 32);
        }
        let (calls, failures) = window.count(start + Duration::from_millis(199_999));
        assert!((30_000..=31_001).contains(&calls) && failures * 2 >= calls - 1, "{calls} {failures}");
    }

    #[test]
    fn a_window_shorter_than_its_slices_still_counts() {
        let start = Instant::now();
        let mut window = Window::new(Duration::from_nanos(1));
        window.note(start, true);
        window.note(start, false);
        assert_eq!((window.count(start), window.slices.len()), ((2, 1), 1));
        assert_eq!(window.count(start + Duration::from_millis(1)), (0, 0));
    }
}
