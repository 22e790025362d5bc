//! How long to wait before the next attempt: a random part of a time that grows, and no less than the server asks.

use std::time::Duration;

use super::Retry;

/// Of what a server asks for, the part by which clients spread: a tenth, and this at most.
const WIDEST: Duration = Duration::from_secs(5);

impl Retry {
    /// The wait before repetition `n`, counted from 1: `draw` · min(cap, base · factor^(n-1)).
    pub(super) fn backoff(&self, n: u32, throttled: bool, draw: f64) -> Duration {
        let base = if throttled { self.throttled_base } else { self.base };
        // Nothing stays nothing, however often it grows.
        if base.is_zero() || self.at_once && n <= 1 {
            return Duration::ZERO;
        }
        let power = i32::try_from(n.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = base.as_secs_f64() * self.factor.powi(power);
        self.part(Duration::try_from_secs_f64(grown).map_or(self.cap, |grown| grown.min(self.cap)), draw)
    }

    /// The wait where the server asks for `asked`: no less than that, and a little more.
    pub(super) fn no_sooner(&self, asked: Duration, backoff: Duration, draw: f64) -> Duration {
        let spread = if self.jitter { self.part((asked / 10).min(WIDEST), draw) } else { Duration::ZERO };
        asked.max(backoff).saturating_add(spread)
    }

    /// The part of `whole` that `draw` takes; all of it without jitter.
    fn part(&self, whole: Duration, draw: f64) -> Duration {
        if !self.jitter {
            return whole;
        }
        Duration::try_from_secs_f64(whole.as_secs_f64() * draw).map_or(whole, |part| part.min(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Draws in [0, 1) that look random and are the same in every run: splitmix64.
    fn draws() -> impl Iterator<Item = f64> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        std::iter::repeat_with(move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        })
    }

    #[test]
    fn y01_the_wait_doubles_from_its_base() {
        let retry = Retry::standard();
        for draw in [0.0, 0.25, 0.5, 0.999] {
            let wait = |n, throttled| retry.backoff(n, throttled, draw).as_secs_f64();
            for (n, whole) in [(1, 0.05), (2, 0.1), (3, 0.2), (9, 12.8), (10, 20.0), (11, 20.0)] {
                assert!((wait(n, false) - whole * draw).abs() < 1e-8, "{n}");
            }
            for (n, whole) in [(1, 1.0), (2, 2.0), (5, 16.0), (6, 20.0)] {
                assert!((wait(n, true) - whole * draw).abs() < 1e-8, "{n}");
            }
        }
    }

    #[test]
    fn y38_the_jitter_is_even_from_nothing_to_the_whole() {
        let retry = Retry::standard();
        let mut parts: Vec<_> =
            draws().take(10_000).map(|draw| retry.backoff(64, false, draw).as_secs_f64() / 20.0).collect();
        assert!(parts.iter().all(|part| (0.0..=1.0).contains(part)));
        let mean = parts.iter().sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        // Kolmogorov-Smirnov against the even distribution: p > 0.01 is a distance below 1.628 / sqrt(n).
        parts.sort_by(f64::total_cmp);
        let distance = parts.iter().enumerate().map(|(i, part)| (part - (i as f64 + 0.5) / 10_000.0).abs() + 0.00005);
        assert!(distance.fold(0.0, f64::max) < 0.016_28);
    }

    #[test]
    fn y39_a_wait_that_would_overflow_is_the_cap() {
        let exact = Retry::standard().jitter(false);
        for retry in [exact.clone(), exact.clone().factor(f64::MAX), exact.clone().base(ms(20_000))] {
            for n in [64, 65, 1024, 2_000_000, u32::MAX] {
                assert_eq!(retry.backoff(n, false, 0.5), ms(20_000), "{n}");
            }
        }
        assert_eq!(exact.clone().factor(1.0).backoff(u32::MAX, false, 0.5), ms(50));
        assert_eq!(exact.clone().base(Duration::ZERO).factor(f64::MAX).backoff(9, false, 0.5), ms(0));
        let endless = exact.cap(Duration::MAX).base(Duration::MAX);
        assert_eq!(endless.backoff(2, false, 0.5), Duration::MAX);
        assert!(endless.jitter(true).backoff(2, false, 0.999_999_999_999_999_9) <= Duration::MAX);
    }

    #[test]
    fn t7_the_frameworks_delays_are_exact() {
        let waits = |retry: Retry| (1..=3).map(move |n| retry.backoff(n, n == 2, 0.1).as_secs()).collect::<Vec<_>>();
        assert_eq!(waits(Retry::framework()), [1, 2, 4]);
        assert_eq!(waits(Retry::framework().factor(3.0)), [1, 3, 9]);
    }

    #[test]
    fn y29_a_thousand_clients_spread_over_a_tenth() {
        let retry = Retry::standard();
        let waits: Vec<_> =
            draws().take(1_000).map(|draw| retry.no_sooner(ms(1_000), retry.backoff(1, true, draw), draw)).collect();
        let (first, last) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
        assert!(*first >= ms(1_000) && *last <= ms(1_100), "{first:?} {last:?}");
        assert!(*last >= *first + ms(95), "{first:?} {last:?}");
    }

    #[test]
    fn a_server_that_asks_is_never_asked_earlier() {
        let retry = Retry::standard();
        for (asked, backoff, draw, expected) in [
            (1_000, 40, 0.0, 1_000),
            (1_000, 40, 0.5, 1_050),
            (1_000, 2_000, 0.5, 2_050),
            (60_000, 40, 0.5, 62_500),
            (50_000, 40, 0.5, 52_500),
        ] {
            assert_eq!(retry.no_sooner(ms(asked), ms(backoff), draw), ms(expected), "{asked} {backoff} {draw}");
        }
        assert_eq!(retry.clone().jitter(false).no_sooner(ms(1_000), ms(40), 0.5), ms(1_000));
        assert_eq!(retry.no_sooner(Duration::MAX, ms(40), 0.5), Duration::MAX);
    }
}
