//! Dates and ages in headers: the three forms of RFC 9110, in any case, and nothing else.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, header::AGE};

use super::control::digits_of;

/// The date in the header `name`; `None` where there is none, or more than one, or it is none.
pub(super) fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?.to_str().ok()?;
    if lines.any(|other| other.as_bytes() != line.as_bytes()) {
        return None;
    }
    read(line)
}

/// The days of a week, whose first three letters are their short names.
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Reads one of the three forms; names of days and months count in any case, and a date on the wrong day of a week
/// counts too, as caches take them.
fn read(text: &str) -> Option<SystemTime> {
    let text = text.trim_ascii();
    let day = text.find(|letter: char| !letter.is_ascii_alphabetic()).filter(|_| text.len() <= 40)?;
    let (day, rest) = text.split_at(day);
    let mut usual = String::with_capacity(text.len());
    let mut inside = false;
    for letter in rest.chars() {
        usual.push(if inside { letter.to_ascii_lowercase() } else { letter.to_ascii_uppercase() });
        inside = letter.is_ascii_alphabetic();
    }
    // The zone is the one word that is all capitals.
    let usual = usual.strip_suffix(" Gmt").map_or_else(|| usual.clone(), |date| format!("{date} GMT"));
    let named = |name: &&str| name.get(..day.len()).is_some_and(|name| name.eq_ignore_ascii_case(day));
    DAYS.iter().find(|name| named(name) && (day.len() == 3 || day.len() == name.len()))?;
    let short = day.len() == 3;
    let mut days = DAYS.iter().map(|name| if short { &name[..3] } else { name });
    days.find_map(|day| httpdate::parse_http_date(&format!("{day}{usual}")).ok())
}

/// The `Age` of an answer: the first of a list, nothing where it is no number of seconds.
pub(super) fn age(headers: &HeaderMap) -> Duration {
    let first = headers.get(AGE).map(|line| line.as_bytes().split(|byte| *byte == b',').next().unwrap_or_default());
    first.and_then(|digits| digits_of(digits.trim_ascii())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::header::EXPIRES;

    use super::*;

    fn at(lines: &[&str]) -> Option<SystemTime> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(EXPIRES, line.parse().unwrap());
        }
        date(&headers, EXPIRES)
    }

    #[test]
    fn c16_a_date_is_one_of_three_forms_and_nothing_else() {
        let good = [
            "Thu, 18 Aug 2050 02:01:18 GMT",
            "THU, 18 aug 2050 02:01:18 gMT",
            "Thursday, 18-Aug-50 02:01:18 GMT",
            "Thu Aug 18 02:01:18 2050",
            "Mon Aug 18 02:01:18 2050",
        ];
        for text in good {
            assert_eq!(at(&[text]), at(&[good[0]]), "{text}");
            assert!(at(&[text]).is_some());
        }
        let bad = [
            "0",
            "",
            "Thu",
            "Th, 18 Aug 2050 02:01:18 GMT",
            "Xyz, 18 Aug 2050 02:01:18 GMT",
            "Thu, 18 Aug 2050 02:01:18 UTC",
            "Thu, 18 Aug 2050 02:01:18 AEST",
            "Thu, 18 Aug 50 02:01:18 GMT",
            "Thu 18 Aug 2050 02:01:18 GMT",
            "Thu, 18  Aug  2050 02:01:18 GMT",
            "Thu, 18-Aug-2050 02:01:18 GMT",
            "Thu, 18 Aug 2050 02.01.18 GMT",
            "Thu, 18 Aug 2050 2:01:18 GMT",
            &"x".repeat(100),
        ];
        for text in bad {
            assert_eq!(at(&[text]), None, "{text}");
        }
        assert_eq!(at(&[good[0], "Thu, 18 Aug 2050 02:01:19 GMT"]), None);
        assert!(at(&[good[0], good[0]]).is_some());
    }

    #[test]
    fn c16_an_age_saturates_and_the_first_counts() {
        let read = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(AGE, line.parse().unwrap());
            }
            age(&headers).as_secs()
        };
        assert_eq!(read(&[]), 0);
        for (line, expected) in [("7200", 7200), ("7200, 0", 7200), ("0, 7200", 0), ("-1", 0), ("7200.0", 0), ("x", 0)]
        {
            assert_eq!(read(&[line]), expected, "{line}");
        }
        assert_eq!(read(&["7", "9"]), 7);
        assert!(read(&["18446744073709551616"]) > 1 << 31);
    }
}
