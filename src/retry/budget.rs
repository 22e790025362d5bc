//! How much repetition one origin has to bear: tokens that repetitions cost and successes bring back.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use http::StatusCode;

use super::Cost;

/// What a full budget holds, and what it starts with.
const FULL: u32 = 500;

/// The budget of one origin, shared by all calls to it.
///
/// An origin that fails altogether is asked again 35 times, or 100 times where it throttles; from then on each
/// call is sent once, until successes have filled the budget again. Nothing waits for it.
#[derive(Debug)]
pub(crate) struct Budget {
    tokens: AtomicU32,
}

impl Budget {
    /// Whether an answer shows the origin at work.
    pub(crate) fn is_good(status: StatusCode) -> bool {
        !matches!(status.as_u16(), 408 | 429 | 500..)
    }

    /// A full one.
    pub(crate) fn new() -> Self {
        Self { tokens: AtomicU32::new(FULL) }
    }

    /// Pays for one repetition; `false` where there is too little left.
    #[must_use]
    pub(crate) fn take(&self, cost: Cost) -> bool {
        self.tokens.fetch_update(Relaxed, Relaxed, |tokens| tokens.checked_sub(cost.tokens())).is_ok()
    }

    /// Brings back what a repetition cost that succeeded.
    pub(crate) fn give_back(&self, cost: Cost) {
        self.fill(cost.tokens());
    }

    /// Notes a call that succeeded the first time.
    pub(crate) fn success(&self) {
        self.fill(1);
    }

    fn fill(&self, more: u32) {
        // It fails where the budget is full, and then nothing is to be done.
        let _ = self.tokens.fetch_update(Relaxed, Relaxed, |tokens| {
            (more > 0 && tokens < FULL).then(|| tokens.saturating_add(more).min(FULL))
        });
    }
}

impl Cost {
    fn tokens(self) -> u32 {
        match self {
            Self::Free => 0,
            Self::Throttled => 5,
            Self::Transient => 14,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use proptest::prelude::*;

    use super::*;

    fn taken(budget: &Budget, cost: Cost) -> usize {
        (0..1_000).take_while(|_| budget.take(cost)).count()
    }

    #[test]
    fn y34_an_empty_budget_gives_nothing_and_others_are_untouched() {
        let (here, there) = (Budget::new(), Budget::new());
        assert_eq!(taken(&here, Cost::Transient), 35);
        assert!(!here.take(Cost::Transient));
        assert!(here.take(Cost::Throttled) && here.take(Cost::Throttled) && !here.take(Cost::Throttled));
        assert!(here.take(Cost::Free));
        assert_eq!(taken(&there, Cost::Throttled), 100);
        for _ in 0..13 {
            here.success();
        }
        assert!(!here.take(Cost::Transient));
        here.success();
        assert!(here.take(Cost::Transient) && !here.take(Cost::Transient));
    }

    #[test]
    fn what_comes_back_never_overfills() {
        let budget = Budget::new();
        for _ in 0..1_000 {
            budget.success();
            budget.give_back(Cost::Transient);
        }
        assert_eq!(taken(&budget, Cost::Transient), 35);
        budget.give_back(Cost::Transient);
        assert_eq!(taken(&budget, Cost::Transient), 1);
    }

    #[test]
    fn y34_threads_together_take_no_more_than_there_is() {
        let budget = Arc::new(Budget::new());
        let each: Vec<_> = (0..8)
            .map(|_| {
                let budget = Arc::clone(&budget);
                thread::spawn(move || taken(&budget, Cost::Throttled))
            })
            .collect();
        assert_eq!(each.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>(), 100);
    }

    proptest! {
        #[test]
        fn y30_no_order_of_failures_and_successes_gives_more_than_was_earned(
            steps in prop::collection::vec(0_u8..4, 0..400),
        ) {
            let budget = Budget::new();
            let (mut paid, mut earned) = (0, 0);
            for step in steps {
                match step {
                    0 => paid += if budget.take(Cost::Transient) { 14 } else { 0 },
                    1 => paid += if budget.take(Cost::Throttled) { 5 } else { 0 },
                    2 => { budget.give_back(Cost::Throttled); earned += 5 }
                    _ => { budget.success(); earned += 1 }
                }
                prop_assert!(paid <= FULL + earned);
                prop_assert!(budget.tokens.load(Relaxed) <= FULL);
            }
        }
    }
}
