//! What a server said is left, and until when it holds.

use std::time::Duration;

use smallvec::SmallVec;

use super::{Quota, clock::nanos, hint::Left};

/// A server names partitions of its own; so many of them are remembered.
const PARTITIONS: usize = 16;

/// A server tells whole seconds, so one end of a period comes in several roundings.
const ROUNDING: u64 = 1_000_000_000;

#[derive(Debug)]
struct Period {
    partition: u64,
    limit: u64,
    left: u64,
    ends: u64,
}

/// The last word on each of the server's partitions, until its period ends.
///
/// It cannot be known which of them the next call falls in. So calls are held back only while nothing is left in any,
/// and are counted here only where there is just one.
#[derive(Debug, Default)]
pub(super) struct Said(SmallVec<[Period; 1]>);

impl Said {
    /// Takes in what an answer said. Within one period the count only falls, since answers overtake one another.
    pub(super) fn learn(&mut self, left: &Left, now: u64) {
        self.0.retain(|period| period.ends > now);
        let ends = now.saturating_add(nanos(left.reset));
        let limit = left.limit.unwrap_or(left.remaining);
        match self.0.iter_mut().find(|period| period.partition == left.partition) {
            Some(_) if left.stated => {}
            Some(period) => {
                let same = ends <= period.ends.saturating_add(ROUNDING);
                period.left = if same { period.left.min(left.remaining) } else { left.remaining };
                period.ends = ends;
                period.limit = limit;
            }
            None => {
                if self.0.len() == PARTITIONS {
                    self.0.remove(0);
                }
                self.0.push(Period { partition: left.partition, limit, left: left.remaining, ends });
            }
        }
    }

    /// Until when a call with `ahead` others before it is held back, and how many are before it then.
    pub(super) fn held(&self, ahead: u64, now: u64) -> Option<(u64, u64)> {
        let current = || self.0.iter().filter(|period| period.ends > now);
        let left = current().map(|period| period.left).max().filter(|left| *left <= ahead)?;
        Some((current().map(|period| period.ends).min()?, ahead - left))
    }

    /// A call goes.
    pub(super) fn spend(&mut self) {
        if let [only] = &mut self.0[..] {
            only.left = only.left.saturating_sub(1);
        }
    }

    /// What is left in the partition that has most.
    pub(super) fn quota(&self, now: u64) -> Option<Quota> {
        let most = self.0.iter().filter(|period| period.ends > now).max_by_key(|period| period.left)?;
        let reset = Duration::from_nanos(most.ends - now);
        Some(Quota { limit: most.limit.max(most.left), remaining: most.left, reset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn left(partition: u64, remaining: u64, seconds: u64) -> Left {
        Left { partition, limit: None, remaining, reset: Duration::from_secs(seconds), stated: false }
    }

    #[test]
    fn l07_so_many_go_and_the_next_waits_for_the_end_of_the_period() {
        let mut said = Said::default();
        said.learn(&left(0, 3, 5), 0);
        assert_eq!([0, 2, 3, 9].map(|ahead| said.held(ahead, 0)), [None, None, Some((5 * S, 0)), Some((5 * S, 6))]);
        for _ in 0..3 {
            assert_eq!(said.held(0, 0), None);
            said.spend();
        }
        assert_eq!(said.held(0, S), Some((5 * S, 0)));
        // An answer that was overtaken does not give back what is spent.
        said.learn(&left(0, 2, 4), S);
        assert_eq!((said.held(0, S), said.held(0, 5 * S)), (Some((5 * S, 0)), None));
        // A new period does.
        said.learn(&left(0, 9, 5), 2 * S);
        assert_eq!(said.quota(2 * S).unwrap(), Quota { limit: 9, remaining: 9, reset: Duration::from_secs(5) });
        assert_eq!(said.quota(7 * S), None);
    }

    #[test]
    fn l09_what_is_used_up_in_one_partition_holds_back_no_other() {
        let mut said = Said::default();
        said.learn(&left(1, 0, 5), 0);
        assert_eq!(said.held(0, 0), Some((5 * S, 0)));
        said.learn(&left(2, 7, 9), 0);
        assert_eq!(said.held(0, 0), None);
        said.spend();
        assert_eq!(said.quota(0).unwrap().remaining, 7);
        said.learn(&left(2, 0, 9), 0);
        assert_eq!(said.held(0, 0), Some((5 * S, 0)));
    }

    #[test]
    fn l08_no_more_than_sixteen_partitions_are_remembered() {
        let mut said = Said::default();
        (0..1_000).for_each(|partition| said.learn(&left(partition, 0, 5), 0));
        assert_eq!(said.0.len(), PARTITIONS);
        said.learn(&left(0, 0, 5), 6 * S);
        assert_eq!(said.0.len(), 1);
    }

    #[test]
    fn a_stated_policy_begins_a_period_and_does_not_renew_it() {
        let mut said = Said::default();
        let stated = Left { limit: Some(2), stated: true, ..left(0, 2, 60) };
        said.learn(&stated, 0);
        said.spend();
        said.learn(&stated, 10 * S);
        assert_eq!(said.quota(10 * S).unwrap(), Quota { limit: 2, remaining: 1, reset: Duration::from_secs(50) });
    }
}
