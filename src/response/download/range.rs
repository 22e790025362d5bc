//! What the answer to a request for the rest of a file allows. Pure: bytes are never joined unless it says so.

use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_RANGE, ETAG, LAST_MODIFIED},
};

use super::state::State;

/// What to do with an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// Its bytes go behind the `offset` that are there, up to `end`.
    From { offset: u64, end: u64, total: Option<u64> },
    /// It is the whole file.
    Whole,
    /// It does not continue what is there: the whole must be asked for.
    Again,
    /// It is no answer to what was asked: a code and why.
    No(&'static str, &'static str),
}

/// Judges an answer; `kept` is what the request asked to go on with, and from where.
pub(super) fn fit(status: StatusCode, headers: &HeaderMap, kept: Option<(&State, u64)>) -> Fit {
    match (status, kept) {
        (StatusCode::PARTIAL_CONTENT, None) => Fit::No("protocol.range", "the whole was asked for, not a part of it"),
        (StatusCode::PARTIAL_CONTENT, Some((state, offset))) => match ContentRange::read(headers) {
            Some(ContentRange { span: Some((start, last)), total })
                if start == offset && is_same(headers, state, total) && !headers.contains_key(CONTENT_ENCODING) =>
            {
                Fit::From { offset, end: last + 1, total: total.or(state.length) }
            }
            _ => Fit::Again,
        },
        _ if status.is_success() => Fit::Whole,
        _ => Fit::No("redirect.not_followed", "that is no file"),
    }
}

/// Whether a 416 says that the `length` bytes that are there are all.
pub(super) fn is_all(headers: &HeaderMap, state: &State, length: u64) -> bool {
    let said = ContentRange::read(headers);
    let agrees = |name, ours: Option<&str>| only(headers, name).is_none_or(|theirs| Some(theirs) == ours);
    said == Some(ContentRange { span: None, total: Some(length) })
        && state.length == Some(length)
        && agrees(ETAG, state.etag.as_deref())
        && agrees(LAST_MODIFIED, state.last_modified.as_deref())
}

/// Whether a part is of the version that `state` describes, and of its length.
fn is_same(headers: &HeaderMap, state: &State, total: Option<u64>) -> bool {
    let lengths = [total, state.length].into_iter().flatten().collect::<Vec<_>>();
    let equal = lengths.windows(2).all(|pair| pair[0] == pair[1]);
    let (etag, modified) = (only(headers, ETAG), only(headers, LAST_MODIFIED));
    let agrees = if let Some(ours) = &state.etag {
        // A 206 has the tag that a 200 would have.
        etag == Some(ours)
    } else {
        // It may leave out the date; then the length must vouch for it.
        let dated = modified.is_none_or(|theirs| Some(theirs) == state.last_modified.as_deref());
        etag.is_none() && dated && (modified.is_some() || lengths.len() == 2)
    };
    equal && agrees
}

/// The value of a header that came once.
pub(super) fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}

/// `bytes 5-9/10`, `bytes 5-9/*` or `bytes */10`.
#[derive(Debug, PartialEq, Eq)]
struct ContentRange {
    /// The first byte and the last.
    span: Option<(u64, u64)>,
    total: Option<u64>,
}

impl ContentRange {
    fn read(headers: &HeaderMap) -> Option<Self> {
        let (unit, rest) = only(headers, CONTENT_RANGE)?.trim().split_once(' ')?;
        let (span, total) = rest.trim().split_once('/')?;
        let total = if total == "*" { None } else { Some(number(total)?) };
        let span = match span.split_once('-') {
            _ if span == "*" => None,
            Some((first, last)) => Some((number(first)?, number(last)?)),
            None => return None,
        };
        let sound =
            span.is_none_or(|(first, last)| first <= last && last < u64::MAX && total.is_none_or(|total| last < total));
        (unit.eq_ignore_ascii_case("bytes") && sound).then_some(Self { span, total })
    }
}

/// Digits only: `parse` would take a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs<'a> = &'a [(&'static str, &'a str)];

    fn headers(pairs: Pairs<'_>) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn state(etag: Option<&str>, modified: Option<&str>, length: Option<u64>) -> State {
        State { etag: etag.map(str::to_owned), last_modified: modified.map(str::to_owned), length, ..State::default() }
    }

    const DATE: &str = "Sat, 21 Nov 2026 10:00:00 GMT";

    #[test]
    fn b24_b25_only_the_rest_of_the_same_version_is_joined() {
        let tagged = state(Some("\"a\""), None, Some(10));
        let unmeasured = state(Some("\"a\""), None, None);
        let dated = state(None, Some(DATE), Some(10));
        let (a, good) = (("etag", "\"a\""), ("content-range", "bytes 4-9/10"));
        let from = |total| Fit::From { offset: 4, end: 10, total };
        let cases: &[(&State, Pairs<'_>, Fit)] = &[
            (&tagged, &[a, good], from(Some(10))),
            (&tagged, &[a, ("content-range", "Bytes  4-9/10 ")], from(Some(10))),
            (&tagged, &[a, ("content-range", "bytes 4-9/*")], from(Some(10))),
            (&unmeasured, &[a, ("content-range", "bytes 4-9/*")], from(None)),
            (&tagged, &[a, ("content-range", "bytes 4-6/10")], Fit::From { offset: 4, end: 7, total: Some(10) }),
            (&dated, &[good], from(Some(10))),
            (&dated, &[good, ("last-modified", DATE)], from(Some(10))),
            // Another version, or one that cannot be told.
            (&tagged, &[good], Fit::Again),
            (&tagged, &[good, ("etag", "\"b\"")], Fit::Again),
            (&tagged, &[good, ("etag", "W/\"a\"")], Fit::Again),
            (&tagged, &[good, a, a], Fit::Again),
            (&dated, &[good, ("last-modified", "Sat, 21 Nov 2026 10:00:01 GMT")], Fit::Again),
            (&dated, &[good, a], Fit::Again),
            (&dated, &[("content-range", "bytes 4-9/*")], Fit::Again),
            // Other bytes.
            (&tagged, &[a], Fit::Again),
            (&tagged, &[a, good, good], Fit::Again),
            (&tagged, &[a, ("content-range", "bytes 3-9/10")], Fit::Again),
            (&tagged, &[a, ("content-range", "bytes 0-9/10")], Fit::Again),
            (&tagged, &[a, ("content-range", "bytes 4-10/11")], Fit::Again),
            (&tagged, &[a, ("content-range", "bytes */10")], Fit::Again),
            (&tagged, &[a, good, ("content-encoding", "gzip")], Fit::Again),
            (&tagged, &[a, ("content-type", "multipart/byteranges; boundary=x")], Fit::Again),
            // Nothing that can be read.
            (&tagged, &[a, ("content-range", "bytes 4-10/10")], Fit::Again),
            (&tagged, &[a, ("content-range", "bytes 4-3/10")], Fit::Again),
            (&tagged, &[a, ("content-range", "bytes +4-9/10")], Fit::Again),
            (&tagged, &[a, ("content-range", "items 4-9/10")], Fit::Again),
            (&tagged, &[a, ("content-range", "bytes 4-9")], Fit::Again),
            (&tagged, &[a, ("content-range", "bytes 4-18446744073709551615/*")], Fit::Again),
            (&tagged, &[a, ("content-range", "bytes 4-99999999999999999999/10")], Fit::Again),
        ];
        for (state, pairs, expected) in cases {
            let found = fit(StatusCode::PARTIAL_CONTENT, &headers(pairs), Some((state, 4)));
            assert_eq!(found, *expected, "{pairs:?} for {state:?}");
        }
        let unasked = fit(StatusCode::PARTIAL_CONTENT, &headers(&[a, good]), None);
        assert!(matches!(unasked, Fit::No("protocol.range", _)));
        assert_eq!(fit(StatusCode::OK, &headers(&[a]), Some((&tagged, 4))), Fit::Whole);
        assert!(matches!(fit(StatusCode::FOUND, &headers(&[]), None), Fit::No("redirect.not_followed", _)));
    }

    #[test]
    fn b25_a_416_may_say_that_all_is_there() {
        let (tagged, unmeasured) = (state(Some("\"a\""), None, Some(10)), state(Some("\"a\""), None, None));
        let all = |state: &State, pairs: Pairs<'_>| is_all(&headers(pairs), state, 10);
        assert!(all(&tagged, &[("content-range", "bytes */10")]));
        assert!(all(&tagged, &[("content-range", "bytes */10"), ("etag", "\"a\"")]));
        assert!(!all(&tagged, &[("content-range", "bytes */10"), ("etag", "\"b\"")]));
        assert!(!all(&tagged, &[("content-range", "bytes */9")]));
        assert!(!all(&tagged, &[("content-range", "bytes */*")]));
        assert!(!all(&tagged, &[]));
        assert!(!all(&unmeasured, &[("content-range", "bytes */10")]), "only a length that was told is believed");
    }

    #[test]
    fn b29_offsets_have_64_bits() {
        let (length, offset) = (5 << 30, (5 << 30) - 7);
        let range = format!("bytes {offset}-{}/{length}", length - 1);
        let found = fit(
            StatusCode::PARTIAL_CONTENT,
            &headers(&[("etag", "\"a\""), ("content-range", &range)]),
            Some((&state(Some("\"a\""), None, Some(length)), offset)),
        );
        assert_eq!(found, Fit::From { offset, end: length, total: Some(length) });
    }
}
