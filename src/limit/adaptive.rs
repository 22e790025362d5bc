//! Finding a limit that the server does not tell: halved by a 429, and felt for from below.

use super::clock::whole;

/// One 429 seldom comes alone; those of so long after the first are answers to the same haste.
const QUIET: u64 = 1_000_000_000;

/// Never slower than this, in calls a second.
const SLOWEST: f64 = 0.5;

/// Of the rate that was refused: where quick growth ends, and where doubt in it begins.
const NEAR: f64 = 0.9;
const BEYOND: f64 = 1.1;

/// Growth a second, of the rate that was refused: far from it, and near it.
const QUICK: f64 = 0.1;
const SLOW: f64 = 0.005;

/// The rate at which calls go after a first 429, in calls a second.
///
/// It grows by a tenth a second up to nine tenths of the rate that was refused, then slowly, so that it stays just
/// below the server's limit for a while; beyond the refused rate it grows by a tenth of itself again.
#[derive(Debug, Default)]
pub(super) struct Adaptive {
    /// Absent until the first 429.
    rate: Option<Rate>,
    /// Calls that went in this second and in the one before, to know what was refused.
    second: u64,
    count: [u32; 2],
}

#[derive(Debug)]
struct Rate {
    current: f64,
    refused: f64,
    slowed: u64,
    grown: u64,
}

const fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

impl Adaptive {
    /// A call goes.
    pub(super) fn spend(&mut self, now: u64) {
        let second = now / 1_000_000_000;
        match second - self.second {
            0 => self.count[0] += 1,
            1 => self.count = [1, self.count[0]],
            _ => self.count = [1, 0],
        }
        self.second = second;
    }

    /// The server refused a call and gave no hint.
    pub(super) fn slow_down(&mut self, now: u64) {
        self.grow(now);
        let sent = f64::from(self.count[0].max(self.count[1]));
        let refused = match &self.rate {
            Some(rate) if now < rate.slowed.saturating_add(QUIET) => return,
            Some(rate) => rate.current.min(sent),
            None => sent,
        }
        .max(SLOWEST);
        let current = (refused / 2.0).max(SLOWEST);
        self.rate = Some(Rate { current, refused, slowed: now, grown: now });
    }

    /// Lets the rate grow by the time that passed.
    pub(super) fn grow(&mut self, now: u64) {
        let Some(rate) = &mut self.rate else { return };
        let passed = seconds(now - rate.grown).min(3_600.0);
        rate.grown = now;
        let (near, beyond) = (rate.refused * NEAR, rate.refused * BEYOND);
        let left = grown(&mut rate.current, near, rate.refused * QUICK, passed);
        let left = grown(&mut rate.current, beyond, rate.refused * SLOW, left);
        rate.current = (rate.current * (1.0 + QUICK).powf(left)).min(1e9);
    }

    /// The time between two calls in nanoseconds, once a first 429 came.
    pub(super) fn interval(&self) -> Option<u64> {
        self.rate.as_ref().map(|rate| whole(1e9 / rate.current))
    }
}

/// Lets `rate` grow up to `end`, for so many seconds; gives the seconds that are left then.
fn grown(rate: &mut f64, end: f64, growth: f64, seconds: f64) -> f64 {
    if *rate >= end {
        return seconds;
    }
    let needed = (end - *rate) / growth;
    *rate = (*rate + growth * seconds).min(end);
    (seconds - needed).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    /// Calls at the adaptive rate against a server that allows 40 in any second, for `seconds`.
    fn against_forty(adaptive: &mut Adaptive, start: f64, seconds: u64) -> Vec<(u64, bool)> {
        let first = whole(S as f64 / start);
        let mut went: Vec<(u64, bool)> = Vec::new();
        let (mut now, mut taken) = (0, std::collections::VecDeque::new());
        while now < seconds * S {
            adaptive.grow(now);
            adaptive.spend(now);
            while taken.front().is_some_and(|time| time + S <= now) {
                taken.pop_front();
            }
            let refused = taken.len() >= 40;
            if refused {
                adaptive.slow_down(now);
            } else {
                taken.push_back(now);
            }
            went.push((now, refused));
            now += adaptive.interval().unwrap_or(first).max(first);
        }
        went
    }

    #[test]
    fn l16_it_comes_to_rest_just_below_what_the_server_allows() {
        for start in [41.0, 100.0, 1_000.0] {
            let went = against_forty(&mut Adaptive::default(), start, 150);
            let late: Vec<_> = went.iter().filter(|(time, _)| *time >= 30 * S).collect();
            let allowed = late.iter().filter(|(_, refused)| !refused).count() as f64 / 120.0;
            assert!((36.0..=40.0).contains(&allowed), "{allowed} a second from {start}");
            let refused = late.iter().filter(|(_, refused)| *refused).count() as f64 / late.len() as f64;
            assert!(refused <= 0.02, "{refused} refused from {start}");
        }
    }

    #[test]
    fn l16_one_429_halves_and_a_second_of_silence_gives_a_tenth_back() {
        let mut adaptive = Adaptive::default();
        assert_eq!(adaptive.interval(), None);
        (0..40).for_each(|_| adaptive.spend(0));
        adaptive.slow_down(0);
        assert_eq!(adaptive.interval(), Some(S / 20));
        adaptive.slow_down(S / 2);
        assert_eq!(adaptive.interval(), Some(whole(1e9 / 22.0)), "the same haste halves once");
        adaptive.grow(S);
        assert_eq!(adaptive.interval(), Some(whole(1e9 / 24.0)));
        // Long after, what was refused then says nothing about now.
        adaptive.grow(200 * S);
        assert!(adaptive.interval().unwrap() < S / 1_000_000, "{:?}", adaptive.interval());
        (0..1_000).for_each(|n| adaptive.slow_down((300 + 2 * n) * S));
        assert!(adaptive.interval().unwrap() <= 2 * S);
    }
}
