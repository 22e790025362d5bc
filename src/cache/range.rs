//! A part of an answer that is kept whole (RFC 9110, section 14).

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, RANGE},
};

use super::entry::Entry;

impl Entry {
    /// The first and the last byte that `asked` wants of this answer; `None` where it is more than one range, or none
    /// that this answer has.
    pub(crate) fn slice(&self, asked: &HeaderMap) -> Option<(usize, usize)> {
        let mut lines = asked.get_all(RANGE).iter();
        let (line, length) = (lines.next()?.to_str().ok()?, self.body.len());
        if lines.next().is_some() || self.status != StatusCode::OK || self.get(&CONTENT_ENCODING).is_some() {
            return None;
        }
        let (unit, range) = line.split_once('=')?;
        let (first, last) = range.trim().split_once('-').filter(|_| unit.trim().eq_ignore_ascii_case("bytes"))?;
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
            plain.then(|| digits.parse::<usize>().unwrap_or(usize::MAX))
        };
        let end = length.checked_sub(1)?;
        let (first, last) = match (first, last) {
            ("", suffix) => (length.saturating_sub(number(suffix).filter(|length| *length > 0)?), end),
            (first, "") => (number(first)?, end),
            (first, last) => (number(first)?, number(last)?.min(end)),
        };
        (first <= last).then_some((first, last))
    }

    /// Says in `headers` that the answer is the bytes from `first` to `last` of this one.
    pub(crate) fn tell_slice(&self, headers: &mut HeaderMap, (first, last): (usize, usize)) {
        let range = HeaderValue::from_str(&format!("bytes {first}-{last}/{}", self.body.len()));
        if let Ok(range) = range {
            headers.insert(CONTENT_RANGE, range);
        }
        headers.insert(CONTENT_LENGTH, HeaderValue::from(last - first + 1));
    }
}
