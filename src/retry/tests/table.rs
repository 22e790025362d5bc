//! What is sent again, and what is not.

use super::*;

#[test]
fn y03_a_bare_post_is_not_sent_again_after_a_5xx() {
    for status in [500, 502, 503, 504, 408] {
        assert_eq!(status_row(status), SAFE, "{status}");
        assert_eq!(first(&Retry::standard(), Says(status, Some("1")), Standing::Bare), Decision::Accept);
    }
}

#[test]
fn y04_a_bare_post_is_not_sent_again_after_its_answer_was_lost() {
    for (kind, code, outcome) in [
        (ErrorKind::Timeout, "timeout.headers", Outcome::MaybeProcessed),
        (ErrorKind::Timeout, "timeout.idle", Outcome::Processed),
        (ErrorKind::Timeout, "timeout.stall", Outcome::Processed),
        (ErrorKind::Protocol, "protocol.closed", Outcome::MaybeProcessed),
        (ErrorKind::Protocol, "protocol.reset", Outcome::MaybeProcessed),
        (ErrorKind::Protocol, "protocol.chunk", Outcome::Processed),
        (ErrorKind::Body, "body.truncated", Outcome::MaybeProcessed),
        (ErrorKind::Body, "body.truncated", Outcome::Processed),
    ] {
        let error = error(kind, code, outcome);
        assert_eq!(error_row(&error), SAFE, "{code}");
        assert_eq!(resend(of_error(&error, Standing::Keyed, Tries::first())).cost, Cost::Transient);
    }
}

#[test]
fn y05_what_was_never_sent_is_sent_again_by_every_method() {
    for (kind, code) in [
        (ErrorKind::Connect, "connect"),
        (ErrorKind::Connect, "dns"),
        (ErrorKind::Connect, "proxy"),
        (ErrorKind::Timeout, "timeout.connect"),
        (ErrorKind::Timeout, "timeout.tls"),
        (ErrorKind::Protocol, "protocol.closed"),
        (ErrorKind::Protocol, "protocol.reset"),
        (ErrorKind::Protocol, "protocol.refused"),
    ] {
        let error = error(kind, code, Outcome::NotSent);
        assert_eq!(error_row(&error), EVERY, "{code}");
        let lasting = error.with_again(Again::Never);
        assert_eq!(error_row(&lasting), NONE, "{code} that lasts");
    }
}

#[test]
fn y09_a_status_that_lasts_is_taken_as_it_is() {
    for status in
        [400, 401, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422, 428, 431, 451, 501, 505, 507, 508, 510, 511]
    {
        for says in [Says(status, None), Says(status, Some("1"))] {
            assert_eq!(row(|standing| first(&Retry::standard(), says, standing)), NONE, "{says:?}");
            assert_eq!(first(&Retry::standard(), says, Standing::Idempotent), Decision::Accept);
        }
    }
}

#[test]
fn y10_a_dead_idle_connection_costs_nothing_once() {
    let stale = error(ErrorKind::Protocol, "protocol.closed", Outcome::MaybeProcessed).with_again(Again::Stale);
    let mut tries = Tries::first();
    let free = resend(of_error(&stale, Standing::Idempotent, tries));
    assert_eq!(free, Resend { after: Duration::ZERO, cost: Cost::Free, once: false });
    tries.again(free);
    assert_eq!(tries.sent(), 2);
    for n in [1, 2] {
        let charged = resend(of_error(&stale, Standing::Idempotent, tries));
        assert_eq!((charged.cost, charged.after), (Cost::Transient, ms(25 * n)));
        tries.again(charged);
    }
    assert_eq!(tries.sent(), 4);
    assert_eq!(of_error(&stale, Standing::Idempotent, tries), Decision::Stop(Stop::Exhausted));
    let off = Retry::off().decide(Failed::Error(&stale), Standing::Idempotent, Tries::first(), moment(0.5, None));
    assert_eq!(off, Decision::Stop(Stop::Exhausted));
}

#[test]
fn y11_a_dead_idle_connection_loses_a_bare_post() {
    let stale = error(ErrorKind::Protocol, "protocol.closed", Outcome::MaybeProcessed).with_again(Again::Stale);
    assert_eq!(of_error(&stale, Standing::Bare, Tries::first()), Decision::Accept);
    assert_eq!(resend(of_error(&stale, Standing::Keyed, Tries::first())).cost, Cost::Transient);
    let unsent = stale.with_outcome(Outcome::NotSent);
    assert_eq!(resend(of_error(&unsent, Standing::Bare, Tries::first())).cost, Cost::Transient);
    assert_eq!(resend(of_error(&unsent, Standing::Idempotent, Tries::first())).cost, Cost::Free);
}

#[test]
fn y12_put_and_delete_are_sent_again() {
    for method in [Method::PUT, Method::DELETE, Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
        for has_key in [false, true] {
            assert_eq!(Standing::of(&method, None, has_key), Standing::Idempotent, "{method}");
        }
        assert_eq!(Standing::of(&method, Some(false), false), Standing::Bare, "{method}");
    }
}

#[test]
fn y13_patch_is_as_post() {
    for method in [Method::POST, Method::PATCH, Method::from_bytes(b"PURGE").unwrap()] {
        assert_eq!(Standing::of(&method, None, false), Standing::Bare);
        assert_eq!(Standing::of(&method, None, true), Standing::Keyed);
        assert_eq!(Standing::of(&method, Some(false), true), Standing::Keyed);
    }
}

#[test]
fn y14_a_post_that_the_catalog_calls_idempotent_is_as_put() {
    assert_eq!(Standing::of(&Method::POST, Some(true), false), Standing::Idempotent);
    assert_eq!(Standing::of(&Method::PATCH, Some(true), false), Standing::Idempotent);
}

#[test]
fn y15_a_conflict_is_tried_again_with_a_key_only() {
    assert_eq!(status_row(409), [false, true, false]);
    assert_eq!(status_row(422), NONE);
    assert_eq!(resend(first(&Retry::standard(), Says(409, None), Standing::Keyed)).after, ms(25));
}

#[test]
fn y15_a_500_with_a_key_may_be_left_alone() {
    let stripe = Retry::standard().retry_500_with_key(false);
    assert_eq!(row(|standing| first(&stripe, Says(500, None), standing)), [true, false, false]);
    assert_eq!(row(|standing| first(&stripe, Says(502, None), standing)), SAFE);
}

#[test]
fn y16_what_sending_again_cannot_cure_is_left() {
    for (kind, code) in [
        (ErrorKind::Body, "body.too_large"),
        (ErrorKind::Body, "body.bomb"),
        (ErrorKind::Body, "body.encoding"),
        (ErrorKind::Decode, "body.decode"),
        (ErrorKind::Tls, "tls.expired"),
        (ErrorKind::Tls, "tls.unknown_issuer"),
        (ErrorKind::Redirect, "redirect.loop"),
        (ErrorKind::Protocol, "protocol.not_http"),
        (ErrorKind::Protocol, "protocol.head_too_large"),
        (ErrorKind::Timeout, "timeout.total"),
        (ErrorKind::Timeout, "timeout.queue"),
        (ErrorKind::Path, "invalid_input.path"),
        (ErrorKind::Request, "invalid_input.request"),
        (ErrorKind::Auth, "auth.required"),
        (ErrorKind::Circuit, "circuit_open"),
        (ErrorKind::Cancelled, "cancelled"),
        (ErrorKind::Store, "store.corrupt"),
        (ErrorKind::RateLimited, "rate_limited"),
    ] {
        for outcome in [Outcome::NotSent, Outcome::MaybeProcessed, Outcome::Processed] {
            assert_eq!(error_row(&error(kind, code, outcome)), NONE, "{code} {outcome:?}");
        }
    }
    let own_file = error(ErrorKind::Body, "body.truncated", Outcome::NotSent);
    assert_eq!(error_row(&own_file), NONE);
}

#[test]
fn y18_a_misdirected_request_is_sent_again_once_by_any_method() {
    assert_eq!(status_row(421), EVERY);
    assert_eq!(status_row(425), SAFE);
    for status in [421, 425] {
        let mut tries = Tries::first();
        let once = resend(first(&Retry::standard(), Says(status, None), Standing::Idempotent));
        assert!(once.once);
        tries.again(once);
        let again = decide(&Retry::standard(), Says(status, None), Standing::Idempotent, tries, moment(0.5, None));
        assert_eq!(again, Decision::Accept, "{status}");
        let other = decide(&Retry::standard(), Says(503, None), Standing::Idempotent, tries, moment(0.5, None));
        assert!(!resend(other).once);
    }
}

#[test]
fn y19_an_answer_that_is_no_failure_is_accepted() {
    for status in [200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308] {
        for retry in [Retry::standard(), Retry::framework(), wipac(3, 0.1)] {
            assert_eq!(first(&retry, Says(status, Some("1")), Standing::Idempotent), Decision::Accept, "{status}");
        }
    }
}
