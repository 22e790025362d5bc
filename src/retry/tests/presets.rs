//! The presets, held to the behaviour of what they are named after.

use super::*;

#[test]
fn t7_the_framework_repeats_every_method_at_1_2_and_4_seconds() {
    for method in [Method::GET, Method::POST, Method::PATCH] {
        for status in [429, 500, 502, 503, 504] {
            let (times, end) = play(&Retry::framework(), &[Says(status, None)], &method);
            assert_eq!((times, end), (vec![0.0, 1.0, 3.0], Decision::Stop(Stop::Exhausted)), "{method} {status}");
        }
        assert_eq!(play(&Retry::framework().attempts(4), &[Says(500, None)], &method).0, [0.0, 1.0, 3.0, 7.0]);
        for status in [400, 404, 408, 409, 421, 425, 501] {
            assert_eq!(play(&Retry::framework(), &[Says(status, None)], &method).0, [0.0], "{status}");
        }
    }
    assert!(!Retry::framework().is_budgeted() && Retry::standard().is_budgeted());
}

#[test]
fn w35_every_method_and_their_statuses_are_tried_again() {
    for method in ["HEAD", "TRACE", "GET", "POST", "PATCH", "PUT", "OPTIONS", "DELETE"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        for status in [408, 429, 500, 502, 503, 504] {
            assert_eq!(play(&wipac(2, 0.1), &[Says(status, None)], &method).0.len(), 3, "{method} {status}");
        }
        let standing = Standing::of(&method, None, false);
        for (kind, outcome, again) in [
            (ErrorKind::Connect, Outcome::NotSent, true),
            (ErrorKind::Protocol, Outcome::MaybeProcessed, true),
            (ErrorKind::Tls, Outcome::NotSent, false),
        ] {
            let error = Error::new(kind, "x").with_outcome(outcome);
            let decided = wipac(2, 0.1).decide(Failed::Error(&error), standing, Tries::first(), moment(0.5, None));
            assert_eq!(matches!(decided, Decision::Again(_)), again, "{method} {kind:?}");
        }
    }
}

#[test]
fn w37_attempts_are_one_more_than_retries() {
    for retries in [0, 1, 10, 30] {
        let (times, end) = play(&wipac(retries, 0.0), &[Says(500, None)], &Method::GET);
        assert_eq!((times.len(), end), (usize::from(retries) + 1, Decision::Stop(Stop::Exhausted)));
    }
}

#[test]
fn w38_the_default_schedule_waits_273_seconds() {
    let (times, _) = play(&wipac(10, 0.3), &[Says(500, None)], &Method::GET);
    let waits: Vec<_> = times.windows(2).map(|pair| ((pair[1] - pair[0]) * 10.0).round() as i64).collect();
    assert_eq!(waits, [0, 6, 12, 24, 48, 96, 192, 384, 768, 1200]);
    assert!((times[10] - 273.0).abs() < 1e-6);
    assert!((times[10] + 11.0 * 60.0 - 933.0).abs() < 1e-6);
}

#[test]
fn w39_retry_after_is_honoured_on_every_status_and_makes_413_one_of_them() {
    for status in [503, 500, 413, 429] {
        let (times, end) = play(&wipac(3, 0.1), &[Says(status, Some("1")), Says(200, None)], &Method::GET);
        assert_eq!((times, end), (vec![0.0, 1.0], Decision::Accept), "{status}");
    }
    for alone in [Says(413, None), Says(400, Some("1"))] {
        assert_eq!(play(&wipac(3, 0.1), &[alone], &Method::GET).0, [0.0], "{alone:?}");
    }
    let ahead = Says(503, Some("Wed, 01 Jan 2025 00:00:02 GMT"));
    assert_eq!(play(&wipac(3, 0.1), &[ahead, Says(200, None)], &Method::GET).0, [0.0, 2.0]);
    for nothing in ["0", "x", "Tue, 31 Dec 2024 00:00:00 GMT"] {
        assert_eq!(play(&wipac(3, 0.1), &[Says(503, Some(nothing)), Says(200, None)], &Method::GET).0, [0.0, 0.0]);
    }
}

#[test]
fn w39d_a_mistake_in_the_preset_is_told_by_the_check() {
    for (wrong, said) in [
        (wipac(31, 0.3), "above 30"),
        (wipac(3, -1.0), "backoff_factor must be positive"),
        (wipac(3, f64::NAN), "backoff_factor must be positive"),
        (Retry::wipac(Retries::BackoffMax(ms(121_000)), ms(1_000), 0.3), "120"),
        (Retry::wipac(Retries::WaittimeMax(ms(1_000)), ms(2_000), 0.3), "cannot be less than timeout"),
        (wipac(3, 0.3).attempts(32), "1 to 31 times"),
        (wipac(3, 0.3).attempts(0), "1 to 31 times"),
    ] {
        let error = Error::from(wrong.check().unwrap_err());
        assert_eq!(error.code(), "config");
        assert!(error.to_string().contains(said), "{error}");
    }
    assert!(Retry::wipac(Retries::Count(3), ms(1_000), 1e300).check().is_ok());
}

#[test]
fn v_w3_without_retries_the_status_itself_is_the_end() {
    for status in [200, 201, 204, 301, 304, 400, 401, 403, 404, 405, 409, 413, 418, 501, 505] {
        assert_eq!(play(&wipac(0, 0.1), &[Says(status, None)], &Method::GET), (vec![0.0], Decision::Accept));
    }
    for status in [408, 429, 500, 502, 503, 504] {
        let end = Decision::Stop(Stop::Exhausted);
        assert_eq!(play(&wipac(0, 0.1), &[Says(status, None)], &Method::GET), (vec![0.0], end), "{status}");
    }
}

#[test]
fn v_w4_attempts_are_made_when_theirs_are() {
    let near = |times: &[f64], expected: &[f64]| {
        times.len() == expected.len()
            && times.iter().zip(expected).all(|(time, expected)| (time - expected).abs() < 1e-6)
    };
    let (bad, good) = (Says(500, None), Says(200, None));
    for (answers, method, times, end) in [
        (vec![bad, bad, good], Method::GET, vec![0.0, 0.0, 0.2], Decision::Accept),
        (vec![bad], Method::GET, vec![0.0, 0.0, 0.2, 0.6], Decision::Stop(Stop::Exhausted)),
        (vec![bad, good], Method::POST, vec![0.0, 0.0], Decision::Accept),
        (vec![bad, good], Method::PATCH, vec![0.0, 0.0], Decision::Accept),
    ] {
        let played = play(&wipac(3, 0.1), &answers, &method);
        assert!(near(&played.0, &times) && played.1 == end, "{answers:?} {played:?}");
    }
    // A server that hangs is asked again at once after its timeout, one that refuses after 0.2 s in all.
    let refused = error(ErrorKind::Connect, "connect", Outcome::NotSent);
    let hung = error(ErrorKind::Timeout, "timeout.headers", Outcome::MaybeProcessed);
    for error in [refused, hung] {
        let (mut tries, mut waited) = (Tries::first(), Duration::ZERO);
        while let Decision::Again(resend) =
            wipac(2, 0.1).decide(Failed::Error(&error), Standing::Bare, tries, moment(0.5, None))
        {
            waited += resend.after;
            tries.again(resend);
        }
        assert_eq!((tries.sent(), waited), (3, ms(200)), "{error}");
    }
}
