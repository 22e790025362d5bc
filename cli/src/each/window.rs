//! What is under way: so many at once, and what they come to in the order in which they were taken.

use std::collections::VecDeque;

/// How many results may wait for an earlier one, for each that is under way.
const WAITING: usize = 4;

/// Above how many bytes that wait no more is taken.
const LARGEST: usize = 256 << 20;

/// A bounded queue that is filled in any order and emptied in one.
#[derive(Debug)]
pub(crate) struct Window<T> {
    /// Each with its size in bytes.
    slots: VecDeque<Option<(T, usize)>>,
    /// The ticket of the first slot.
    first: u64,
    jobs: usize,
    under_way: usize,
    /// How many bytes wait for their turn.
    bytes: usize,
}

impl<T> Window<T> {
    /// Room for `jobs` under way, at least one.
    pub(crate) fn new(jobs: usize) -> Self {
        Self { slots: VecDeque::new(), first: 0, jobs: jobs.max(1), under_way: 0, bytes: 0 }
    }

    /// Whether one more may be taken.
    pub(crate) fn has_room(&self) -> bool {
        self.under_way < self.jobs && self.slots.len() < self.jobs.saturating_mul(WAITING) && self.bytes <= LARGEST
    }

    /// Takes one more; gives the ticket to [`Window::put`] what it comes to.
    pub(crate) fn admit(&mut self) -> u64 {
        self.slots.push_back(None);
        self.under_way += 1;
        self.first + self.slots.len() as u64 - 1
    }

    /// Keeps what a ticket came to, of `size` bytes, until its turn.
    pub(crate) fn put(&mut self, ticket: u64, result: T, size: usize) {
        let index = ticket.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        let slot = index.and_then(|index| self.slots.get_mut(index)).filter(|slot| slot.is_none());
        if let Some(slot) = slot {
            *slot = Some((result, size));
            self.bytes = self.bytes.saturating_add(size);
            self.under_way -= 1;
        }
    }

    /// The next result in order, once it is there.
    pub(crate) fn next(&mut self) -> Option<T> {
        let (result, size) = self.slots.front_mut()?.take()?;
        self.bytes = self.bytes.saturating_sub(size);
        self.slots.pop_front();
        self.first += 1;
        Some(result)
    }

    /// Gives up what is under way, and gives what waited for it, in order.
    pub(crate) fn rest(&mut self) -> Vec<T> {
        (self.under_way, self.bytes) = (0, 0);
        self.first += self.slots.len() as u64;
        std::mem::take(&mut self.slots).into_iter().flatten().map(|(result, _)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_given_up_leaves_the_order_of_the_others() {
        let mut window = Window::new(3);
        let tickets = [window.admit(), window.admit(), window.admit()];
        assert!(!window.has_room());
        window.put(tickets[2], 'c', 1);
        window.put(tickets[2], 'x', 1);
        window.put(tickets[1], 'b', 1);
        assert_eq!(window.next(), None);
        assert_eq!(window.rest(), ['b', 'c']);
        assert!(window.has_room());
        let next = window.admit();
        window.put(next, 'd', 1);
        assert_eq!(window.next(), Some('d'));
    }

    #[test]
    fn no_more_is_taken_while_too_many_bytes_wait() {
        let mut window = Window::new(4);
        let tickets = [window.admit(), window.admit(), window.admit()];
        window.put(tickets[2], 'c', LARGEST);
        assert!(window.has_room(), "as many as may wait");
        window.put(tickets[1], 'b', 1);
        assert!(!window.has_room(), "one byte more");
        window.put(tickets[0], 'a', 9);
        assert_eq!(window.next(), Some('a'));
        assert!(!window.has_room());
        assert_eq!(window.next(), Some('b'));
        assert!(window.has_room());
        let _ = window.rest();
        assert_eq!(window.bytes, 0);
    }

    proptest! {
        #[test]
        fn results_come_in_order_and_never_more_than_fit(jobs in 1_usize..6, picks in prop::collection::vec(any::<usize>(), 1..200)) {
            let mut window = Window::new(jobs);
            let (mut under_way, mut given) = (Vec::new(), Vec::new());
            for pick in picks {
                if window.has_room() && pick % 3 > 0 {
                    under_way.push(window.admit());
                } else if !under_way.is_empty() {
                    let ticket = under_way.swap_remove(pick % under_way.len());
                    window.put(ticket, ticket, pick % 99);
                }
                prop_assert!(under_way.len() <= jobs && window.slots.len() <= jobs * WAITING);
                given.extend(std::iter::from_fn(|| window.next()));
            }
            for ticket in under_way {
                window.put(ticket, ticket, 1);
            }
            given.extend(std::iter::from_fn(|| window.next()));
            prop_assert_eq!(&given, &(0..given.len() as u64).collect::<Vec<_>>());
            prop_assert!(window.slots.is_empty() && window.under_way == 0);
            prop_assert_eq!(window.bytes, 0);
        }
    }
}
