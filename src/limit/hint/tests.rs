use http::HeaderValue;
use proptest::prelude::*;

use super::*;

/// 2026-11-21 00:00:00 UTC.
const NOW: u64 = 1_795_219_200;

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn hint(status: u16, lines: &[(&'static str, &str)]) -> Hint {
    let wall = UNIX_EPOCH + Duration::from_secs(NOW);
    let status = StatusCode::from_u16(status).unwrap();
    let headers = headers(lines);
    let retry_after = text(&headers, "retry-after").and_then(whole).map(Duration::from_secs);
    Hint::read(status, &headers, wall, retry_after)
}

/// Remaining, seconds to the reset, limit.
fn left_of(hint: &Hint) -> Option<(u64, u64, Option<u64>)> {
    match hint {
        Hint::Left(left) => Some((left.remaining, left.reset.as_secs(), left.limit)),
        _ => None,
    }
}

#[test]
fn l07_what_is_left_is_read_from_the_standard_field() {
    for (lines, expected) in [
        (vec![("ratelimit", r#""d";r=0;t=5"#)], (0, 5, None)),
        (vec![("ratelimit", r#""d";r=3;t=5"#)], (3, 5, None)),
        (
            vec![("ratelimit", r#""d";r=3;t=5"#), ("ratelimit-policy", r#""d";q=10;w=60, "e";q=1;w=9"#)],
            (3, 5, Some(10)),
        ),
        // Without `t` the period is the policy's.
        (vec![("ratelimit", r#""d";r=3"#), ("ratelimit-policy", r#""d";q=10;w=60"#)], (3, 60, Some(10))),
        // Of several the one that holds back most.
        (
            vec![("ratelimit", r#""a";r=9;t=1, "b";r=2;t=3"#), ("ratelimit", r#""c";r=0;t=7, "d";r=0;t=8"#)],
            (0, 8, None),
        ),
        (vec![("ratelimit", "limit=100, remaining=50, reset=5")], (50, 5, Some(100))),
        (vec![("ratelimit", r#""d";r=1;t=99999"#)], (1, 3_600, None)),
    ] {
        assert_eq!(left_of(&hint(200, &lines)), Some(expected), "{lines:?}");
    }
    let stated = hint(200, &[("ratelimit-policy", r#""d";q=10;w=60, "e";q=4;w=9"#)]);
    assert!(matches!(&stated, Hint::Left(Left { remaining: 4, stated: true, .. })), "{stated:?}");
}

#[test]
fn the_first_that_says_anything_wins() {
    let standard = ("ratelimit", r#""d";r=0;t=5"#);
    let policy = ("ratelimit-policy", r#""d";q=10;w=60"#);
    let older = [("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "70")];
    let all = [("retry-after", "2"), standard, policy, older[0], older[1]];
    assert_eq!(hint(429, &all), Hint::Pause(Duration::from_secs(2)));
    assert_eq!(left_of(&hint(429, &all[1..])), Some((0, 5, Some(10))));
    assert_eq!(left_of(&hint(200, &all[2..])), Some((10, 60, Some(10))));
    assert_eq!(left_of(&hint(200, &all[3..])), Some((7, 70, None)));
    // Elsewhere than in a refusal Retry-After says nothing of limits.
    assert_eq!(left_of(&hint(202, &all)), Some((0, 5, Some(10))));
    assert_eq!(hint(503, &all[..1]), Hint::Pause(Duration::from_secs(2)));
    assert_eq!(hint(429, &[("retry-after", "90000")]), Hint::Pause(Duration::from_secs(3_600)));
}

#[test]
fn l08_what_is_malformed_or_absurd_is_passed_over() {
    for lines in [
        vec![("ratelimit", r#""d";r=-1;t=5"#)],
        vec![("ratelimit", r#""d";r=1;t=1e30"#)],
        vec![("ratelimit", r#""d";r=1"#)],
        vec![("ratelimit", r#""d";r=1;t=0"#)],
        vec![("ratelimit", "é")],
        vec![("ratelimit", "remaining=, reset=")],
        vec![("ratelimit-policy", r#""d";q=0;w=5"#)],
        vec![("ratelimit-policy", r#""d""#)],
    ] {
        assert_eq!(hint(200, &lines), Hint::Nothing, "{lines:?}");
        assert_eq!(hint(429, &lines), Hint::Refused, "{lines:?}");
    }
    let odd = [("ratelimit", r#"junk;;;, "d";r=3;t=5;new="x";flag;other=(1 2), "e";r=4;t=6"#)];
    assert_eq!(left_of(&hint(200, &odd)), Some((4, 6, None)));
    // Sixteen policies are looked at, and no more bytes than a header may have.
    let mut fifty = vec![r#""d";r=9;t=5"#; 50];
    fifty[20] = r#""d";r=1;t=5"#;
    assert_eq!(left_of(&hint(200, &[("ratelimit", &fifty.join(","))])), Some((9, 5, None)));
    fifty[15] = r#""d";r=2;t=5"#;
    assert_eq!(left_of(&hint(200, &[("ratelimit", &fifty.join(","))])), Some((2, 5, None)));
    assert_eq!(hint(200, &[("ratelimit", &"x".repeat(9_000))]), Hint::Nothing);
}

#[test]
fn l09_partition_keys_tell_partitions_apart() {
    let partition = |value: &str| match hint(200, &[("ratelimit", value)]) {
        Hint::Left(left) => left.partition,
        other => panic!("{other:?}"),
    };
    let one = partition(r#""d";r=1;t=5;pk=:YQ==:"#);
    assert_eq!(one, partition(r#""d";r=7;t=9;pk=:YQ==:"#));
    assert_ne!(one, partition(r#""d";r=1;t=5;pk=:Yg==:"#));
    assert_eq!(partition(r#""d";r=1;t=5"#), 0);
}

#[test]
fn l10_a_reset_is_told_in_seconds_or_as_a_time_of_three_kinds() {
    let date = |seconds| httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    let server = date(NOW + 100);
    for (reset, date, expected) in [
        ("30".to_owned(), None, Some(30)),
        ("0.25".to_owned(), None, Some(1)),
        ("86400".to_owned(), None, Some(3_600)),
        ((NOW + 30).to_string(), None, Some(30)),
        (format!("{}.5", NOW + 30), None, Some(31)),
        (((NOW + 30) * 1_000 + 1).to_string(), None, Some(31)),
        (date(NOW + 30), None, Some(30)),
        // By the server's own clock, where it tells it.
        ((NOW + 130).to_string(), Some(&server), Some(30)),
        (((NOW + 130) * 1_000).to_string(), Some(&server), Some(30)),
        (date(NOW + 130), Some(&server), Some(30)),
        ((NOW + 50_000).to_string(), None, Some(3_600)),
        // Past, absurd or malformed.
        ("0".to_owned(), None, None),
        ((NOW - 1).to_string(), None, None),
        (date(NOW - 1), None, None),
        ("86401".to_owned(), None, None),
        ("999999999".to_owned(), None, None),
        ("100000000001".to_owned(), None, None),
        ("999999999999999".to_owned(), None, None),
        ("99999999999999999999999".to_owned(), None, None),
        ("-5".to_owned(), None, None),
        ("1e3".to_owned(), None, None),
        ("soon".to_owned(), None, None),
    ] {
        for [remaining_name, reset_name, limit_name] in OLDER {
            let mut lines = vec![(remaining_name, "0"), (reset_name, &*reset), (limit_name, "60")];
            lines.extend(date.map(|date| ("date", &**date)));
            assert_eq!(left_of(&hint(200, &lines)), expected.map(|expected| (0, expected, Some(60))), "{lines:?}");
        }
    }
    let refused = hint(429, &[("x-ratelimit-reset", "9")]);
    assert_eq!(left_of(&refused), Some((0, 9, None)), "a refusal says that nothing is left");
    assert_eq!(hint(200, &[("x-ratelimit-reset", "9")]), Hint::Nothing);
}

#[test]
fn l11_hints_on_redirects_and_failures_count_and_those_from_a_cache_do_not() {
    let line = ("ratelimit", r#""d";r=0;t=5"#);
    for status in [200, 302, 404, 500, 503] {
        assert_eq!(left_of(&hint(status, &[line])), Some((0, 5, None)), "{status}");
        assert_eq!(hint(status, &[line, ("age", "1"), ("retry-after", "5")]), Hint::Nothing, "{status}");
        assert_eq!(left_of(&hint(status, &[line, ("age", "0")])), Some((0, 5, None)), "{status}");
    }
}

#[test]
fn a_refusal_while_something_is_left_is_for_another_reason() {
    assert_eq!(hint(429, &[("ratelimit", r#""d";r=3;t=5"#)]), Hint::Refused);
    assert_eq!(hint(429, &[]), Hint::Refused);
    assert_eq!(hint(200, &[]), Hint::Nothing);
}

proptest! {
    /// No answer can hold back calls for more than an hour, or make this panic.
    #[test]
    fn no_hint_is_longer_than_an_hour(
        status in prop::sample::select(vec![200_u16, 302, 429, 503]),
        name in prop::sample::select(vec![
            "ratelimit", "ratelimit-policy", "x-ratelimit-reset", "x-ratelimit-remaining", "date", "age", "retry-after",
        ]),
        value in r#"["a;=,:rtqw0-9. -]{0,40}"#, number in any::<u64>(),
    ) {
        let number = number.to_string();
        let lines = [(name, &*value), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &number)];
        match hint(status, &lines) {
            Hint::Pause(pause) => prop_assert!(pause <= LONGEST_PAUSE),
            Hint::Left(left) => prop_assert!(left.reset <= LONGEST_PAUSE && !left.reset.is_zero()),
            Hint::Nothing | Hint::Refused => {}
        }
    }
}
