//! `Retry-After`: how long a server asks to wait.

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap,
    header::{DATE, RETRY_AFTER},
};

use super::Retry;

/// The same in milliseconds, as some providers give it.
const IN_MS: [&str; 2] = ["retry-after-ms", "x-ms-retry-after-ms"];

impl Retry {
    /// How long the answer asks to wait; `None` where it asks for nothing that can be read.
    ///
    /// A date is taken against the answer's own `Date`, since its clock may differ from `wall`.
    pub(crate) fn asked(&self, headers: &HeaderMap, wall: SystemTime) -> Option<Duration> {
        let hinted =
            || IN_MS.iter().filter_map(|name| largest(headers, name, |text| number(text, Duration::from_millis)));
        let hinted = if self.provider_hints { hinted().max() } else { None };
        hinted.or_else(|| {
            // Most answers ask for nothing, and a date takes long to read.
            headers.get(RETRY_AFTER)?;
            let now = headers.get(DATE).and_then(|date| date_of(date.to_str().ok()?)).unwrap_or(wall);
            largest(headers, RETRY_AFTER.as_str(), |text| members(text, now).max())
        })
    }
}

/// The largest of what `read` finds in the headers called `name`; a wait for nothing is none.
fn largest(headers: &HeaderMap, name: &str, read: impl Fn(&str) -> Option<Duration>) -> Option<Duration> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.filter_map(read).max().filter(|wait| !wait.is_zero())
}

/// Each wait in a list of seconds and dates. A date may hold a comma itself, so each member is read to the first
/// comma after it and to the second.
fn members(text: &str, now: SystemTime) -> impl Iterator<Item = Duration> {
    let starts = std::iter::once(0).chain(text.match_indices(',').map(|(comma, _)| comma + 1));
    starts.filter_map(move |start| {
        let rest = &text[start..];
        let mut ends = rest.match_indices(',').map(|(comma, _)| comma).chain([rest.len(), rest.len()]);
        let one = &rest[..ends.next()?];
        let two = &rest[..ends.next()?];
        number(one, Duration::from_secs).or_else(|| until(one, now)).or_else(|| until(two, now))
    })
}

fn until(text: &str, now: SystemTime) -> Option<Duration> {
    date_of(text)?.duration_since(now).ok()
}

/// A date in one of the three forms of HTTP; one whose weekday is another's is none.
fn date_of(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

/// Digits and nothing else; a number too large for a `u64` is the largest.
fn number(text: &str, unit: fn(u64) -> Duration) -> Option<Duration> {
    let digits = text.trim_matches([' ', '\t']);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| unit(digits.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    /// 2025-01-01 00:00:00 UTC, a Wednesday.
    const NEW_YEAR: u64 = 1_735_689_600;

    fn wall() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(NEW_YEAR)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn asked(pairs: &[(&'static str, &str)]) -> Option<u64> {
        Retry::standard().asked(&headers(pairs), wall()).map(|wait| wait.as_secs())
    }

    #[test]
    fn y20_seconds_are_read_and_the_largest_of_several_counts() {
        for (value, expected) in [
            ("0", None),
            ("1", Some(1)),
            (" 5 ", Some(5)),
            ("\t5\t", Some(5)),
            ("5, 10", Some(10)),
            ("10,5", Some(10)),
            ("007", Some(7)),
            ("5, abc", Some(5)),
            ("-1, 3", Some(3)),
            ("0, 0", None),
            (",,7,", Some(7)),
        ] {
            assert_eq!(asked(&[("retry-after", value)]), expected, "{value:?}");
        }
        assert_eq!(asked(&[("retry-after", "3"), ("retry-after", "8"), ("retry-after", "x")]), Some(8));
        assert_eq!(asked(&[]), None);
    }

    #[test]
    fn y21_a_date_is_taken_against_the_answers_own_clock() {
        let three = "Wed, 01 Jan 2025 00:00:03 GMT";
        assert_eq!(asked(&[("retry-after", three)]), Some(3));
        let skewed = [("retry-after", "Wed, 01 Jan 2025 01:00:03 GMT"), ("date", "Wed, 01 Jan 2025 01:00:00 GMT")];
        assert_eq!(asked(&skewed), Some(3));
        let behind = [("retry-after", "Tue, 31 Dec 2024 23:00:03 GMT"), ("date", "Tue, 31 Dec 2024 23:00:00 GMT")];
        assert_eq!(asked(&behind), Some(3));
        assert_eq!(asked(&[("retry-after", three), ("date", "yesterday")]), Some(3));
    }

    #[test]
    fn y22_a_date_has_three_forms_and_the_right_weekday() {
        for (value, expected) in [
            ("Wed, 01 Jan 2025 00:00:09 GMT", Some(9)),
            ("Wednesday, 01-Jan-25 00:00:09 GMT", Some(9)),
            ("Wed Jan  1 00:00:09 2025", Some(9)),
            ("  Wed, 01 Jan 2025 00:00:09 GMT ", Some(9)),
            ("Wed, 01 Jan 2025 00:00:09 GMT, 4", Some(9)),
            ("12, Wed, 01 Jan 2025 00:00:09 GMT", Some(12)),
            ("Wed, 01 Jan 2025 00:00:09 GMT, Wednesday, 01-Jan-25 00:00:11 GMT", Some(11)),
            ("Tue, 31 Dec 2024 23:59:59 GMT", None),
            ("Wed, 01 Jan 2025 00:00:00 GMT", None),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None),
            ("Sun Nov  6 08:49:37 1994", None),
            ("Thu, 01 Jan 2025 00:00:09 GMT", None),
        ] {
            assert_eq!(asked(&[("retry-after", value)]), expected, "{value:?}");
        }
    }

    #[test]
    fn y23_what_is_no_number_is_not_there() {
        for value in ["-1", "abc", "1.5", "NaN", "1e400", "", " ", "+3", "1 2", "0x10", "1s", ",", "١"] {
            assert_eq!(asked(&[("retry-after", value)]), None, "{value:?}");
        }
        let bytes = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_bytes(b"5\xff").unwrap())]);
        assert_eq!(Retry::standard().asked(&bytes, wall()), None);
    }

    #[test]
    fn y24_a_huge_number_is_the_largest_and_does_not_wrap() {
        assert_eq!(asked(&[("retry-after", "9223372037")]), Some(9_223_372_037));
        assert_eq!(asked(&[("retry-after", "18446744073709551616")]), Some(u64::MAX));
        assert_eq!(asked(&[("retry-after", &"9".repeat(400))]), Some(u64::MAX));
    }

    #[test]
    fn y26_a_date_beyond_the_calendar_is_not_there() {
        let far = asked(&[("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")]).unwrap();
        assert!(far > 7_900 * 365 * 86_400);
        for value in [
            "Sat, 01 Jan 0000 00:00:00 GMT",
            "Wed, 01 13 2025 00:00:00 GMT",
            "Wed, 01 Foo 2025 00:00:00 GMT",
            "Sat, 30 Feb 2030 00:00:00 GMT",
            "Wed, 32 Jan 2030 00:00:00 GMT",
            "Wed, 01 Jan 2025 24:00:00 GMT",
            "Wed, 01 Jan 2025 00:60:00 GMT",
            "Wed, 01 Jan 2025 00:00:09 CET",
            "Fri, 31 Dec 10000 23:59:59 GMT",
        ] {
            assert_eq!(asked(&[("retry-after", value)]), None, "{value:?}");
        }
    }

    #[test]
    fn y28_hints_of_a_provider_are_read_only_where_asked_for() {
        let hinting = Retry::standard().provider_hints(true);
        for name in IN_MS {
            let given = headers(&[(name, "1500"), ("retry-after", "2")]);
            assert_eq!(Retry::standard().asked(&given, wall()), Some(Duration::from_secs(2)));
            assert_eq!(hinting.asked(&given, wall()), Some(Duration::from_millis(1500)));
        }
        for (value, expected) in [("0", 2_000), ("x", 2_000), ("-5", 2_000), ("1.5", 2_000), ("90000", 90_000)] {
            let given = headers(&[("retry-after-ms", value), ("retry-after", "2")]);
            assert_eq!(hinting.asked(&given, wall()), Some(Duration::from_millis(expected)), "{value}");
        }
    }

    proptest! {
        #[test]
        fn y23_no_value_panics(value in "[ -~\t]{0,80}", date in "[ -~]{0,40}") {
            asked(&[("retry-after", &value), ("date", &date)]);
        }

        #[test]
        fn y21_every_second_ahead_is_found_in_every_form(ahead in 1_u64..1_000_000_000) {
            let date = httpdate::fmt_http_date(wall() + Duration::from_secs(ahead));
            prop_assert_eq!(asked(&[("retry-after", &date)]), Some(ahead));
        }
    }
}
