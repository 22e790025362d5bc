//! `Cache-Control` as it came, read by RFC 9111, section 5.2, and the tolerance that it asks for.

use std::time::Duration;

use http::{
    HeaderMap,
    header::{CACHE_CONTROL, PRAGMA},
};

/// No time of a cache is longer: a hundred years.
pub(super) const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What an answer, or a request, says of caching.
///
/// Of a directive that comes twice the shorter time counts, and what is no time counts as none at all: stale.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Control {
    pub(super) no_store: bool,
    pub(super) no_cache: bool,
    pub(super) only_if_cached: bool,
    pub(super) private: bool,
    pub(super) public: bool,
    pub(super) must_revalidate: bool,
    pub(super) must_understand: bool,
    pub(super) immutable: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) shared_max_age: Option<Duration>,
    pub(super) min_fresh: Option<Duration>,
    /// Without a value: however stale.
    pub(super) max_stale: Option<Duration>,
    pub(super) stale_while_revalidate: Option<Duration>,
    pub(super) stale_if_error: Option<Duration>,
}

impl Control {
    /// Reads all lines of `Cache-Control`; where there is none, `Pragma: no-cache` says `no-cache` (RFC 9111, 5.4).
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let no_cache = !headers.contains_key(CACHE_CONTROL) && is_pragma_no_cache(headers);
        let mut control = Self { no_cache, ..Self::default() };
        for line in headers.get_all(CACHE_CONTROL) {
            directives(line.as_bytes(), |name, value| control.note(name, value));
        }
        control
    }

    fn note(&mut self, name: &[u8], value: Option<&[u8]>) {
        // No directive that is read here has a longer name.
        let mut lower = [0; 24];
        let Some(lower) = lower.get_mut(..name.len()) else { return };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        let shorter = |known: Option<Duration>| Some(seconds(value).min(known.unwrap_or(LONGEST)));
        match &*lower {
            b"no-store" => self.no_store = true,
            b"no-cache" => self.no_cache = true,
            b"only-if-cached" => self.only_if_cached = true,
            b"private" => self.private = true,
            b"public" => self.public = true,
            b"must-revalidate" => self.must_revalidate = true,
            b"must-understand" => self.must_understand = true,
            b"immutable" => self.immutable = true,
            b"max-age" => self.max_age = shorter(self.max_age),
            b"s-maxage" => self.shared_max_age = shorter(self.shared_max_age),
            b"min-fresh" => self.min_fresh = Some(seconds(value)),
            b"max-stale" if value.is_none() => self.max_stale = Some(LONGEST),
            b"max-stale" => self.max_stale = shorter(self.max_stale),
            b"stale-while-revalidate" => self.stale_while_revalidate = shorter(self.stale_while_revalidate),
            b"stale-if-error" => self.stale_if_error = shorter(self.stale_if_error),
            _ => {}
        }
    }
}

/// Whether `Pragma` says `no-cache`.
pub(super) fn is_pragma_no_cache(headers: &HeaderMap) -> bool {
    let is_no_cache = |word: &[u8]| word.trim_ascii().eq_ignore_ascii_case(b"no-cache");
    headers.get_all(PRAGMA).iter().any(|line| line.as_bytes().split(|byte| *byte == b',').any(is_no_cache))
}

/// Whole seconds, quoted or not; nothing where they are anything else, and no more than the longest.
fn seconds(value: Option<&[u8]>) -> Duration {
    let digits = value.unwrap_or_default();
    digits_of(digits).unwrap_or_default()
}

/// The time that only digits write; `None` for anything else.
pub(super) fn digits_of(digits: &[u8]) -> Option<Duration> {
    let mut seconds = (!digits.is_empty()).then_some(0_u64)?;
    for digit in digits {
        let digit = char::from(*digit).to_digit(10)?;
        seconds = seconds.saturating_mul(10).saturating_add(u64::from(digit));
    }
    Some(Duration::from_secs(seconds).min(LONGEST))
}

/// Tells each directive of a line, its quotes taken off.
fn directives(line: &[u8], mut tell: impl FnMut(&[u8], Option<&[u8]>)) {
    let mut rest = Some(line);
    while let Some(text) = rest {
        let (directive, after) = split(text);
        rest = after;
        let directive = directive.trim_ascii();
        match directive.iter().position(|byte| *byte == b'=') {
            Some(at) => {
                let value = &directive[at + 1..];
                let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
                tell(&directive[..at], Some(quoted.unwrap_or(value)));
            }
            None => tell(directive, None),
        }
    }
}

/// Up to the next comma outside of quotes, and what follows it, where there is one.
pub(super) fn split(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return (&text[..at], Some(&text[at + 1..])),
            _ => {}
        }
    }
    (text, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Control {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CACHE_CONTROL, line.parse().unwrap());
        }
        Control::read(&headers)
    }

    #[test]
    fn c07_times_are_read_by_the_rfc_and_garbage_counts_as_none() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let table: &[(&[&str], Option<Duration>)] = &[
            (&["max-age=60"], seconds(60)),
            (&["MAX-AGE=60"], seconds(60)),
            (&["max-age=\"60\""], seconds(60)),
            (&["max-age=0060"], seconds(60)),
            (&["public,max-age=60,x"], seconds(60)),
            (&["max-age=60, max-age=10"], seconds(10)),
            (&["max-age=10", "max-age=60"], seconds(10)),
            (&["extension=\"max-age=3600\", max-age=1"], seconds(1)),
            (&["max-age=1, extension=\"a, \\\" max-age=3600\""], seconds(1)),
            (&["max-age=99999999999999999999999999"], Some(LONGEST)),
            (&["max-age=-1"], seconds(0)),
            (&["max-age=1e9"], seconds(0)),
            (&["max-age=60.5"], seconds(0)),
            (&["max-age='60'"], seconds(0)),
            (&["max-age="], seconds(0)),
            (&["max-age"], seconds(0)),
            (&["max-age =60"], None),
            (&["s-maxage=60"], None),
            (&["\"max-age=60"], None),
            (&[""], None),
        ];
        for (lines, expected) in table {
            assert_eq!(read(lines).max_age, *expected, "{lines:?}");
        }
    }

    #[test]
    fn c03_directives_count_with_and_without_arguments() {
        let control = read(&["private=\" authorization\", No-Cache=\"a, b\"", "nO-StOrE"]);
        assert!(control.private && control.no_cache && control.no_store && !control.public);
        assert_eq!(read(&["max-stale"]).max_stale, Some(LONGEST));
        assert!(!read(&["x=\"no-store, private\", no-store-x"]).no_store);
    }

    #[test]
    fn c12_pragma_counts_where_there_is_no_cache_control() {
        let mut headers = HeaderMap::new();
        headers.append(PRAGMA, "x, No-Cache".parse().unwrap());
        assert!(Control::read(&headers).no_cache);
        headers.append(CACHE_CONTROL, "max-age=1".parse().unwrap());
        assert!(!Control::read(&headers).no_cache);
    }
}
