//! What the bytes of a `.part` are of, as it is written beside them.

use std::{fmt, time::Duration};

use http::{
    HeaderMap, Uri,
    header::{ACCEPT_RANGES, DATE, ETAG, LAST_MODIFIED},
};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::range::only;
use crate::header::is_secret;

/// Kept in `NAME.part.json`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Without credentials.
    pub(super) url: String,
    /// A strong one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    /// One that is as good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_modified: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) length: Option<u64>,
    /// Who may read the file when it is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<u32>,
}

impl State {
    /// What an answer to a request for the whole says of its body.
    pub(super) fn of(url: String, headers: &HeaderMap, length: Option<u64>) -> Self {
        let refuses = only(headers, ACCEPT_RANGES).is_some_and(|unit| unit.trim().eq_ignore_ascii_case("none"));
        let etag = only(headers, ETAG).filter(|tag| !refuses && is_strong(tag)).map(str::to_owned);
        let date = || only(headers, LAST_MODIFIED).filter(|date| !refuses && is_settled(date, only(headers, DATE)));
        // An answer with a weak tag says that its versions differ in more than the tag tells.
        let last_modified = if headers.contains_key(ETAG) { None } else { date().map(str::to_owned) };
        Self { url, etag, last_modified, length, mode: None }
    }

    /// What tells that the server's version is this one still, for `If-Range`.
    pub(super) fn validator(&self) -> Option<&str> {
        self.etag.as_deref().or(self.last_modified.as_deref())
    }

    pub(super) fn is_of(&self, url: &str) -> bool {
        self.url == url
    }

    /// Whether this may be sent: the file could have been changed.
    pub(super) fn is_sound(&self) -> bool {
        self.etag.as_deref().is_none_or(is_strong)
            && self.last_modified.as_deref().is_none_or(|date| httpdate::parse_http_date(date).is_ok())
    }
}

/// `"…"` of what RFC 9110 lets stand there, of at most 1 KiB.
fn is_strong(tag: &str) -> bool {
    let inner = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    tag.len() <= 1024
        && inner.is_some_and(|inner| inner.bytes().all(|byte| byte == b'!' || (b'#'..=b'~').contains(&byte)))
}

/// Whether a date tells versions apart: the file was not changed in the second in which it was sent.
fn is_settled(modified: &str, sent: Option<&str>) -> bool {
    let read = |date: &str| httpdate::parse_http_date(date).ok();
    let (Some(modified), Some(sent)) = (read(modified), sent.and_then(read)) else { return false };
    sent.duration_since(modified).is_ok_and(|age| age >= Duration::from_secs(1))
}

/// A URL without what signs a request in: no user, and no value of a parameter whose name is that of a secret.
pub(super) fn url(uri: &Uri) -> String {
    let secret = |name: &str| is_secret(name) || name.to_ascii_lowercase().contains("sig") || name == "key";
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        query.append_pair(&name, if secret(&name) { "***" } else { &value });
    }
    let (query, scheme) = (query.finish(), uri.scheme_str().unwrap_or("http"));
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}://{host}{}{mark}{query}", uri.path())
}

/// The URL may say more than its masks know.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url: _, etag, last_modified, length, mode: _ } = self;
        f.debug_struct("State")
            .field("etag", etag)
            .field("last_modified", last_modified)
            .field("length", length)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    type Pairs<'a> = &'a [(&'static str, &'a str)];

    #[test]
    fn b25_only_what_tells_versions_apart_is_kept() {
        let (day, next) = ("Sat, 21 Nov 2026 10:00:00 GMT", "Sat, 21 Nov 2026 10:00:01 GMT");
        let cases: &[(Pairs<'_>, Option<&str>)] = &[
            (&[("etag", "\"a\"")], Some("\"a\"")),
            (&[("etag", "\"a\""), ("last-modified", day), ("date", next)], Some("\"a\"")),
            (&[("last-modified", day), ("date", next)], Some(day)),
            (&[("last-modified", day), ("date", day)], None),
            (&[("last-modified", day)], None),
            (&[("last-modified", next), ("date", day)], None),
            (&[("last-modified", "yesterday"), ("date", day)], None),
            (&[("etag", "W/\"a\""), ("last-modified", day), ("date", next)], None),
            (&[("etag", "a")], None),
            (&[("etag", "\"a\"b\"")], None),
            (&[("etag", "\"a\""), ("etag", "\"b\"")], None),
            (&[("etag", "\"a\""), ("accept-ranges", "none")], None),
            (&[("etag", "\"a\""), ("accept-ranges", "bytes")], Some("\"a\"")),
            (&[], None),
        ];
        for (pairs, expected) in cases {
            let headers = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
            let state = State::of(String::new(), &headers.collect(), None);
            assert_eq!(state.validator(), *expected, "{pairs:?}");
            assert!(state.is_sound());
        }
        for (etag, last_modified) in [(Some("\"a\"\r\nx: y"), None), (Some("a"), None), (None, Some("x"))] {
            let [etag, last_modified] = [etag, last_modified].map(|text| text.map(str::to_owned));
            assert!(!State { etag, last_modified, ..State::default() }.is_sound());
        }
    }

    #[test]
    fn x39_the_url_is_kept_without_credentials() {
        let cases = [
            ("http://h/a/b", "http://h/a/b"),
            ("https://ada:CNRY@h:8443/a?b=1", "https://h:8443/a?b=1"),
            ("http://h/a?x=1&access_token=CNRY&y=%20", "http://h/a?x=1&access_token=***&y=+"),
            (
                "http://h/a?api%5Fkey=CNRY&X-Amz-Signature=CNRY&key=CNRY",
                "http://h/a?api_key=***&X-Amz-Signature=***&key=***",
            ),
        ];
        for (given, expected) in cases {
            assert_eq!(url(&given.parse().unwrap()), expected);
        }
    }
}
