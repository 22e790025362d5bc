//! The date of a cookie's `Expires`, in any of the forms that servers write (RFC 6265, section 5.1.1).

use std::time::{Duration, SystemTime};

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The time that `text` names; the beginning of 1970 for every earlier one.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != ':') {
        if let Some(found) = clock(word).filter(|_| time.is_none()) {
            time = Some(found);
        } else if let Some(found) = number(word, 1..=2).filter(|_| day.is_none()) {
            day = Some(found);
        } else if let Some(found) = month_of(word).filter(|_| month.is_none()) {
            month = Some(found);
        } else if let Some(found) = number(word, 2..=4).filter(|_| year.is_none()) {
            year = Some(found);
        }
    }
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    let day = day.filter(|day| (1..=31).contains(day))?;
    let seconds = days(year, month?, day).checked_mul(24 * 60 * 60)?.checked_add(time?)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// The digits at the beginning of `word`, where there are so many.
fn number(word: &str, count: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    count.contains(&digits).then(|| word[..digits].parse().ok())?
}

/// `hh:mm:ss` in seconds.
fn clock(word: &str) -> Option<i64> {
    let mut parts = word.split(':').map(|part| number(part, 1..=2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    (hour < 24 && minute < 60 && second < 60).then_some((hour * 60 + minute) * 60 + second)
}

fn month_of(word: &str) -> Option<i64> {
    let short = word.get(..3)?.to_ascii_lowercase();
    (1..).zip(MONTHS).find_map(|(number, name)| (name == short).then_some(number))
}

/// The days from 1970 to a date; a year is counted from March, so that a leap day is its last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_form_is_read() {
        let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "6 NOVEMBER 1994 8:49:37",
            "08:49:37 1994 06 nov",
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        // What servers write to end a cookie.
        let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for text in ["Thu, 01-Jan-70 00:00:00 GMT", "Mon, 01-Jan-0001 00:00:00 GMT", "1 jan 1601 0:0:0"] {
            assert!(parse(text).unwrap() < past, "{text}");
        }
        for bad in ["", "0", "soon", "Sun, 06 Nov 1994", "06 1994 08:49:37", "32 nov 1994 0:0:0", "6 nov 1994 24:00:00"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        // Every day from 1970 to 2100, counted one by one.
        let (mut expected, lengths) = (0, [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
        for year in 1970..=2100 {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            for (month, length) in (1..).zip(lengths) {
                for day in 1..=length + i64::from(leap && month == 2) {
                    assert_eq!(days(year, month, day), expected);
                    expected += 1;
                }
            }
        }
    }
}
