//! The breaker, with time and chance given.

use std::thread;

use http::StatusCode;
use proptest::prelude::*;

use super::*;
use crate::error::{Again, Error, ErrorKind, Outcome};

/// A breaker with its own time, in seconds from its start; chance stays in the middle unless told.
struct Rig {
    breaker: Arc<Breaker>,
    start: Instant,
}

impl Rig {
    fn new(policy: &Circuit) -> Self {
        Self { breaker: Arc::new(Breaker::new(policy)), start: Instant::now() }
    }

    fn at(&self, seconds: f64) -> Instant {
        self.start + Duration::from_secs_f64(seconds)
    }

    fn admit(&self, seconds: f64) -> Result<Pass, Duration> {
        self.breaker.admit(self.at(seconds))
    }

    fn call(&self, seconds: f64, verdict: Verdict) {
        self.admit(seconds).unwrap().finish(self.at(seconds), verdict, 0.5);
    }

    /// How long it refuses calls; `None` where it lets one through, which is dropped.
    fn refuses(&self, seconds: f64) -> Option<f64> {
        self.admit(seconds).err().map(|wait| wait.as_secs_f64())
    }

    /// Twenty failures in the first second: open from 1.0 to 6.0.
    fn open() -> Self {
        let rig = Self::new(&Circuit::standard());
        (0..20).for_each(|_| rig.call(1.0, Verdict::Failure));
        rig
    }
}

#[test]
fn y48_twenty_failures_open_it_and_one_probe_closes_it() {
    let rig = Rig::new(&Circuit::standard());
    for n in 0..19 {
        rig.call(f64::from(n), Verdict::Failure);
    }
    assert_eq!(rig.refuses(20.0), None);
    rig.call(20.0, Verdict::Failure);
    assert_eq!(rig.refuses(20.0), Some(5.0));
    assert_eq!(rig.refuses(24.75), Some(0.25));
    let probe = rig.admit(25.0).unwrap();
    assert_eq!(rig.refuses(25.0), Some(5.0));
    probe.finish(rig.at(25.5), Verdict::Success, 0.5);
    let all: Vec<_> = (0..100).map(|_| rig.admit(25.5).unwrap()).collect();
    for pass in all {
        pass.finish(rig.at(25.6), Verdict::Success, 0.5);
    }
    // What failed before it opened is forgotten.
    (0..19).for_each(|_| rig.call(26.0, Verdict::Failure));
    assert_eq!(rig.refuses(26.0), None);
}

#[test]
fn y48_each_failed_probe_doubles_the_time_up_to_a_minute() {
    let rig = Rig::open();
    let mut now = 1.0;
    for open in [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0] {
        assert_eq!(rig.refuses(now), Some(open));
        now += open;
        rig.call(now, Verdict::Failure);
    }
    now += 60.0;
    rig.call(now, Verdict::Success);
    (0..20).for_each(|_| rig.call(now, Verdict::Failure));
    assert_eq!(rig.refuses(now), Some(5.0), "a success begins anew");
}

#[test]
fn y48_half_of_the_calls_must_fail_and_within_the_window() {
    for (good, bad, opens) in [(10, 10, true), (11, 10, false), (0, 19, false), (20, 19, false), (20, 20, true)] {
        let rig = Rig::new(&Circuit::standard());
        (0..good).for_each(|_| rig.call(1.0, Verdict::Success));
        (0..bad).for_each(|_| rig.call(2.0, Verdict::Failure));
        assert_eq!(rig.refuses(2.0).is_some(), opens, "{good} {bad}");
    }
    let rig = Rig::new(&Circuit::standard());
    (0..19).for_each(|_| rig.call(0.0, Verdict::Failure));
    rig.call(31.5, Verdict::Failure);
    assert_eq!(rig.refuses(31.5), None, "what is older than the window does not count");
}

#[test]
fn y48_chance_makes_it_a_fifth_longer_or_shorter() {
    for (draw, expected) in [(0.0, 4.0), (0.25, 4.5), (0.5, 5.0), (0.999_999, 6.0)] {
        let rig = Rig::new(&Circuit::standard().calls(1));
        rig.admit(0.0).unwrap().finish(rig.at(0.0), Verdict::Failure, draw);
        assert!((rig.refuses(0.0).unwrap() - expected).abs() < 1e-5, "{draw}");
    }
}

#[test]
fn y49_what_is_no_failure_of_the_origin_keeps_it_closed() {
    let rig = Rig::new(&Circuit::standard());
    for status in [400, 401, 403, 404, 408, 409, 421, 429, 499, 501] {
        let verdict = Verdict::of_answer(StatusCode::from_u16(status).unwrap());
        assert_eq!(verdict, Verdict::Refusal, "{status}");
        (0..100).for_each(|_| rig.call(1.0, verdict));
    }
    (0..100).for_each(|_| drop(rig.admit(1.0)));
    for (kind, code) in [
        (ErrorKind::Cancelled, "cancelled"),
        (ErrorKind::Request, "invalid_input.body"),
        (ErrorKind::Auth, "auth.required"),
        (ErrorKind::Body, "body.too_large"),
        (ErrorKind::Body, "body.encoding"),
        (ErrorKind::Decode, "body.decode"),
        (ErrorKind::Store, "store.corrupt"),
        (ErrorKind::RateLimited, "rate_limited"),
        (ErrorKind::Circuit, "circuit_open"),
        (ErrorKind::Redirect, "redirect.loop"),
        (ErrorKind::Timeout, "timeout.queue"),
        (ErrorKind::Timeout, "timeout.total"),
    ] {
        let verdict = Verdict::of_error(&Error::coded(kind, code, "x"));
        assert_eq!(verdict, Verdict::Ignored, "{code}");
        (0..100).for_each(|_| rig.call(1.0, verdict));
    }
    let own_file = Error::new(ErrorKind::Body, "x").with_outcome(Outcome::MaybeProcessed).with_again(Again::Never);
    assert_eq!(Verdict::of_error(&own_file), Verdict::Ignored);
    // None of these was counted: 19 failures more do not open it, the 20th does.
    (0..19).for_each(|_| rig.call(1.0, Verdict::Failure));
    assert_eq!(rig.refuses(1.0), None);
    rig.call(1.0, Verdict::Failure);
    assert!(rig.refuses(1.0).is_some());
}

#[test]
fn y50_of_a_thousand_waiters_one_probes() {
    let rig = Rig::open();
    let (breaker, now) = (&rig.breaker, rig.at(6.0));
    let passes: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..125).filter_map(|_| breaker.admit(now).ok()).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(passes.len(), 1);
}

#[test]
fn y50_a_cancelled_probe_makes_room_for_another() {
    let rig = Rig::open();
    let probe = rig.admit(6.0).unwrap();
    assert!(rig.refuses(7.0).is_some());
    drop(probe);
    rig.call(7.0, Verdict::Ignored);
    let probe = rig.admit(8.0).unwrap();
    assert!(rig.refuses(8.0).is_some());
    probe.finish(rig.at(8.0), Verdict::Failure, 0.5);
    assert_eq!(rig.refuses(8.0), Some(10.0), "what told nothing did not double the time");
}

#[test]
fn y50_a_refusal_shows_that_the_origin_is_back() {
    let rig = Rig::open();
    rig.call(6.0, Verdict::Refusal);
    assert_eq!((rig.refuses(6.0), rig.refuses(6.0)), (None, None));
}

#[test]
fn a_call_from_before_decides_nothing_after() {
    let rig = Rig::new(&Circuit::standard());
    let slow: Vec<_> = (0..3).map(|_| rig.admit(0.5).unwrap()).collect();
    (0..20).for_each(|_| rig.call(1.0, Verdict::Failure));
    let mut slow = slow.into_iter();
    slow.next().unwrap().finish(rig.at(2.0), Verdict::Success, 0.5);
    assert_eq!(rig.refuses(2.0), Some(4.0));
    let probe = rig.admit(6.0).unwrap();
    slow.next().unwrap().finish(rig.at(6.0), Verdict::Failure, 0.5);
    drop(slow.next().unwrap());
    assert!(rig.refuses(6.0).is_some(), "the probe is still on its way");
    probe.finish(rig.at(6.0), Verdict::Success, 0.5);
    assert_eq!(rig.refuses(6.0), None);
}

#[test]
fn the_longest_times_do_not_overflow() {
    let rig = Rig::new(
        &Circuit::standard().calls(1).open_for(Duration::MAX / 2).longest(Duration::MAX).window(Duration::MAX),
    );
    for draw in [0.0, 0.999_999] {
        rig.admit(0.0).unwrap().finish(rig.at(0.0), Verdict::Failure, draw);
        assert!(rig.refuses(1e9).is_some());
        rig.breaker.lock().turn(State::Closed(Window::new(Duration::MAX)));
    }
    let opened = |times| match rig.breaker.open(rig.start, times, 0.5) {
        State::Open { wait, .. } => wait,
        _ => unreachable!(),
    };
    assert!(opened(u32::MAX) >= opened(1));
}

proptest! {
    #[test]
    fn y50_a_half_open_circuit_never_has_two_probes(steps in prop::collection::vec((0_u8..6, 0_u8..20), 0..200)) {
        let rig = Rig::new(&Circuit::standard().calls(2));
        let mut held: Vec<(bool, Pass)> = Vec::new();
        let mut now = 0.0;
        for (step, amount) in steps {
            now += f64::from(amount) / 2.0;
            match step {
                0..=2 => {
                    if let Ok(pass) = rig.admit(now) {
                        let probe = matches!(rig.breaker.lock().state, State::HalfOpen { .. });
                        held.push((probe, pass));
                    }
                }
                _ if held.is_empty() => {}
                _ => {
                    let (_, pass) = held.swap_remove(usize::from(amount) % held.len());
                    let verdict = [Verdict::Failure, Verdict::Success, Verdict::Ignored][usize::from(step) - 3];
                    pass.finish(rig.at(now), verdict, 0.5);
                }
            }
            let age = rig.breaker.lock().age;
            prop_assert!(held.iter().filter(|(probe, pass)| *probe && pass.age == age).count() <= 1);
        }
        held.clear();
        // Whatever happened, it lets a call through again in the end.
        prop_assert!(rig.admit(now + 100.0).is_ok());
    }
}
