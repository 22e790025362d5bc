//! How long one call waits, and when it gives up.

use super::*;

#[test]
fn y08_a_throttled_post_waits_and_is_sent_again() {
    for (draw, expected) in [(0.0, 1_000), (0.5, 1_050), (0.999, 1_100)] {
        let decided = decide(
            &Retry::standard(),
            Says(429, Some("1")),
            Standing::Bare,
            Tries::first(),
            moment(draw, Some(Duration::from_secs(60))),
        );
        let resend = resend(decided);
        assert_eq!((resend.after.as_secs_f64() * 1e3).round() as i64, expected);
        assert_eq!(resend.cost, Cost::Throttled);
    }
    assert_eq!(status_row(429), EVERY);
    assert_eq!(resend(first(&Retry::standard(), Says(429, None), Standing::Bare)).after, ms(500));
}

#[test]
fn y20_retry_after_0_is_the_ordinary_wait() {
    let waits = |value| resend(first(&Retry::standard(), Says(503, value), Standing::Idempotent));
    assert_eq!(waits(Some("0")), waits(None));
    assert_eq!(waits(Some("x")), waits(None));
    assert_eq!(waits(None), Resend { after: ms(25), cost: Cost::Transient, once: false });
    assert_eq!(waits(Some("5, 10")), Resend { after: ms(10_500), cost: Cost::Throttled, once: false });
    // Where the server throttles without saying for how long, the wait begins at a second.
    assert_eq!(resend(first(&Retry::standard(), Says(429, Some("0")), Standing::Idempotent)).after, ms(500));
}

#[test]
fn y24_a_huge_retry_after_ends_the_call_at_once() {
    for value in ["9223372037", "18446744073709551616", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let decision = first(&Retry::standard(), Says(429, Some(value)), Standing::Bare);
        assert!(
            matches!(decision, Decision::Stop(Stop::RateLimited(asked)) if asked > ms(9_000_000_000)),
            "{decision:?}"
        );
    }
}

#[test]
fn y25_a_retry_after_beyond_the_cap_or_the_deadline_is_not_waited_for() {
    let asks = |retry: &Retry, value, left: Option<u64>| {
        let moment = moment(0.5, left.map(ms));
        decide(retry, Says(503, Some(value)), Standing::Idempotent, Tries::first(), moment)
    };
    let two_minutes = Decision::Stop(Stop::RateLimited(ms(120_000)));
    let standard = Retry::standard();
    assert_eq!(asks(&standard, "120", None), two_minutes);
    assert_eq!(asks(&standard, "120", Some(10_000)), two_minutes);
    assert_eq!(asks(&standard.clone().max_retry_after(ms(120_000)), "120", Some(10_000)), two_minutes);
    assert!(matches!(asks(&standard, "60", None), Decision::Again(_)));
    assert!(matches!(asks(&standard, "61", None), Decision::Stop(Stop::RateLimited(_))));
    assert!(matches!(asks(&standard, "5", Some(10_000)), Decision::Again(_)));
    assert!(matches!(asks(&standard, "10", Some(10_000)), Decision::Stop(Stop::RateLimited(_))));
    assert!(matches!(asks(&standard, "1", Some(50)), Decision::Stop(Stop::RateLimited(_))));
    // The server's wait would fit and what is added to it does not.
    assert_eq!(asks(&standard, "9", Some(9_200)), Decision::Stop(Stop::Deadline));
}

#[test]
fn y35_a_wait_beyond_the_deadline_is_not_begun() {
    let retry = Retry::standard().base(ms(1_600));
    let with =
        |left: u64| decide(&retry, Says(503, None), Standing::Idempotent, Tries::first(), moment(0.5, Some(ms(left))));
    assert_eq!(with(500), Decision::Stop(Stop::Deadline));
    assert_eq!(with(899), Decision::Stop(Stop::Deadline));
    assert_eq!(resend(with(900)).after, ms(800));
    assert_eq!(with(0), Decision::Stop(Stop::Deadline));
    assert_eq!(Stop::Deadline.gave_up(1), Some("retry.deadline"));
}

#[test]
fn y36_no_attempt_begins_in_the_last_tenth_of_a_second() {
    let stale = error(ErrorKind::Protocol, "protocol.closed", Outcome::MaybeProcessed).with_again(Again::Stale);
    let with = |left| {
        let moment = moment(0.0, Some(left));
        Retry::standard().decide(Failed::Error(&stale), Standing::Idempotent, Tries::first(), moment)
    };
    assert_eq!(with(ms(99)), Decision::Stop(Stop::Deadline));
    assert_eq!(resend(with(ms(100))).cost, Cost::Free);
    assert!(matches!(with(Duration::MAX), Decision::Again(_)));
}

#[test]
fn y37_a_policy_that_cannot_be_is_refused() {
    let standard = Retry::standard();
    for (wrong, said) in [
        (standard.clone().attempts(0), "1 to 5 times"),
        (standard.clone().attempts(6), "not 6 times"),
        (standard.clone().base(ms(21_000)), ".cap("),
        (standard.clone().cap(ms(49)), "50ms"),
        (standard.clone().factor(0.99), "not 0.99"),
        (standard.clone().factor(-2.0), "not -2"),
        (standard.clone().factor(f64::NAN), "not NaN"),
        (standard.clone().factor(f64::INFINITY), "not inf"),
    ] {
        let error = Error::from(wrong.check().unwrap_err());
        assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "config"));
        assert!(error.to_string().contains(said), "{error}");
    }
    for right in [
        standard.clone().attempts(5),
        Retry::off(),
        standard.clone().factor(1.0),
        standard.clone().base(ms(20_000)),
        standard.clone().base(ms(1)).cap(ms(5)),
        Retry::framework(),
        wipac(30, 0.3),
    ] {
        assert!(right.check().is_ok(), "{right:?}");
    }
}

#[test]
fn y02_the_third_failure_is_the_last() {
    let (times, end) = play(&Retry::standard(), &[Says(503, None)], &Method::GET);
    assert_eq!(times, [0.0, 0.025, 0.075]);
    assert_eq!(end, Decision::Stop(Stop::Exhausted));
    assert_eq!((Stop::Exhausted.gave_up(3), Stop::Exhausted.gave_up(1)), (Some("retry.exhausted"), None));
    assert_eq!(play(&Retry::off(), &[Says(503, None)], &Method::GET).0.len(), 1);
}
