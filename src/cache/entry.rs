//! One answer as it is kept: its head as text, its body as it came, and what it allows.

use std::{sync::Arc, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode, Version,
    header::{
        AGE, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH,
        LAST_MODIFIED, RANGE,
    },
};

use super::{
    Rules,
    control::Control,
    terms::{Moment, Terms},
    vary::Selecting,
};
use crate::{
    body::WireBody,
    response::{Exchange, Later, Response, plain},
};

/// The largest body that is decoded to be looked into, in bytes.
const DECODED: usize = 32 << 20;

/// An answer that is kept.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    /// Whether its body is coded.
    pub(super) coded: bool,
    /// The headers, as lines of `name: value`.
    pub(super) head: Bytes,
    pub(super) body: Bytes,
    pub(super) selecting: Selecting,
    pub(super) terms: Terms,
    /// When it came.
    pub(super) came: Moment,
    /// The stamp of its place when it was asked for.
    pub(super) stamp: u64,
}

impl Entry {
    /// Its age by now: by whichever clock says more, since one stands still while the machine sleeps and the other
    /// may be set; one that came in the future is as old as can be.
    pub(crate) fn age(&self, now: Moment) -> Duration {
        let stood = now.at.saturating_duration_since(self.came.at);
        let walled = now.wall.duration_since(self.came.wall);
        let resident = match walled {
            Ok(walled) => stood.max(walled),
            // Set back by less than a second: clocks are disciplined all the time.
            Err(back) if back.duration() < Duration::from_secs(1) => stood,
            Err(_) => return Duration::MAX,
        };
        self.terms.age.saturating_add(resident)
    }

    /// How much longer it is fresh; `None` once it is stale.
    pub(crate) fn fresh_for(&self, now: Moment) -> Option<Duration> {
        self.terms.lifetime.checked_sub(self.age(now)).filter(|left| !left.is_zero())
    }

    /// Its headers, with its age by now.
    pub(crate) fn headers(&self, now: Moment) -> HeaderMap {
        Later::headers(self, self.age(now))
    }

    /// Its headers as they are kept.
    pub(super) fn map(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(12);
        for line in lines(&self.head) {
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(line.0), HeaderValue::from_maybe_shared(self.head.slice_ref(line.1)))
            {
                headers.append(name, value);
            }
        }
        headers
    }

    /// The first value of a header.
    pub(super) fn get(&self, name: &HeaderName) -> Option<HeaderValue> {
        HeaderValue::from_maybe_shared(self.head.slice_ref(first(&self.head, name)?)).ok()
    }

    /// By what it can be validated.
    pub(super) fn has_validator(&self) -> bool {
        self.get(&ETAG).is_some() || self.get(&LAST_MODIFIED).is_some()
    }

    /// Asks the server whether it still holds.
    pub(crate) fn ask(&self, headers: &mut HeaderMap) -> bool {
        let tag = self.get(&ETAG).map(|tag| headers.insert(IF_NONE_MATCH, tag)).is_some();
        let date = self.get(&LAST_MODIFIED).map(|date| headers.insert(IF_MODIFIED_SINCE, date)).is_some();
        tag || date
    }

    /// Whether a 304 with these headers can be about this answer: its entity tag, where it names one, is the same.
    pub(crate) fn is_meant(&self, headers: &HeaderMap) -> bool {
        let plain = |tag: &HeaderValue| tag.as_bytes().strip_prefix(b"W/").unwrap_or(tag.as_bytes()).to_vec();
        match (headers.get(ETAG), self.get(&ETAG)) {
            (Some(told), Some(own)) => plain(told) == plain(&own),
            (Some(_), None) => false,
            (None, _) => true,
        }
    }

    /// The same answer, as a 304 of `now` to a request with the headers `asked` leaves it (RFC 9111, section 3.2).
    pub(crate) fn renewed(
        &self,
        rules: &Rules,
        (asked, signed): (&HeaderMap, bool),
        told: &HeaderMap,
        now: Moment,
    ) -> Renewed {
        let mut headers = self.map();
        let of_body = |name: &HeaderName| matches!(*name, CONTENT_LENGTH | CONTENT_ENCODING | CONTENT_RANGE);
        let fields = || kept_headers(told, rules).filter(|(name, _)| !of_body(name));
        for (name, _) in fields() {
            headers.remove(name);
        }
        for (name, value) in fields() {
            headers.append(name, value.clone());
        }
        let control = Control::read(&headers);
        // Its `Age` is the 304's, since what is kept has none.
        let terms = Terms::read(rules, self.status, &headers, &control, now);
        let selecting = Selecting::read(asked, &headers).filter(|_| !rules.refuses(self.status, &control, signed));
        let kept = selecting.is_some();
        let selecting = selecting.unwrap_or_default();
        Renewed { entry: Self { head: text(|| headers.iter()), selecting, terms, came: now, ..self.clone() }, kept }
    }

    /// The answer to a request with the headers `asked`: whole, or the part that they ask for; `None` where it cannot
    /// be told.
    pub(crate) fn answer(&self, asked: &HeaderMap, now: Moment) -> Option<http::Response<WireBody>> {
        if !asked.contains_key(RANGE) {
            return Some(self.whole(now));
        }
        let (first, last) = self.slice(asked)?;
        let mut answer = self.whole(now);
        self.tell_slice(answer.headers_mut(), (first, last));
        *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
        *answer.body_mut() = WireBody::full(self.body.slice(first..=last));
        Some(answer)
    }

    /// The whole answer.
    pub(crate) fn whole(&self, now: Moment) -> http::Response<WireBody> {
        let mut answer = http::Response::new(WireBody::full(self.body.clone()));
        (*answer.status_mut(), *answer.version_mut()) = (self.status, self.version);
        *answer.headers_mut() = self.headers(now);
        answer
    }

    /// Whether it varies by one of these headers.
    pub(crate) fn varies_by(&self, names: &[HeaderName]) -> bool {
        self.selecting.names(names)
    }

    /// Whether a HEAD with these headers is about another answer.
    pub(crate) fn differs(&self, told: &HeaderMap) -> bool {
        let other = |name: &HeaderName| told.get(name).is_some() && told.get(name) != self.get(name).as_ref();
        [ETAG, LAST_MODIFIED, CONTENT_LENGTH].iter().any(other)
    }

    /// The whole answer to the call of `exchange`, its headers made when somebody looks at them.
    pub(crate) fn response(self: Arc<Self>, exchange: Arc<Exchange>, now: Moment) -> Response {
        let (status, version, age) = (self.status, self.version, self.age(now));
        let body = WireBody::full(self.body.clone());
        Response::later((status, version, body), self, age, exchange)
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn stamp(&self) -> u64 {
        self.stamp
    }

    /// How many bytes it takes.
    pub(super) fn size(&self) -> usize {
        self.head.len() + self.body.len() + self.selecting.size()
    }
}

impl Later for Entry {
    fn headers(&self, age: Duration) -> HeaderMap {
        let mut headers = self.map();
        headers.insert(AGE, HeaderValue::from(age.as_secs().min(1 << 31)));
        headers
    }

    fn is_coded(&self) -> bool {
        self.coded
    }
}

/// An answer that still holds.
pub(crate) struct Renewed {
    pub(crate) entry: Entry,
    /// Whether it may still be kept.
    pub(crate) kept: bool,
}

/// Makes an entry of an answer whose body is whole.
pub(crate) struct Draft {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    /// The codings of its body.
    pub(super) codings: HeaderMap,
    pub(super) head: Bytes,
    pub(super) selecting: Selecting,
    pub(super) terms: Terms,
    pub(super) came: Moment,
    pub(super) stamp: u64,
}

impl Draft {
    /// Whether others can use it without asking the server.
    pub(crate) fn is_fresh(&self, now: Moment) -> bool {
        let age = self.terms.age.saturating_add(now.at.saturating_duration_since(self.came.at));
        self.terms.lifetime > age && !self.terms.no_cache
    }

    /// Whether it varies by one of these headers.
    pub(crate) fn varies_by(&self, names: &[HeaderName]) -> bool {
        self.selecting.names(names)
    }

    /// Whether `body` is as long as the answer says, where it says so.
    pub(super) fn is_whole(&self, body: &Bytes) -> bool {
        let said = first(&self.head, &CONTENT_LENGTH).filter(|_| self.status != StatusCode::NO_CONTENT);
        said.is_none_or(|length| str::from_utf8(length).is_ok_and(|length| length.parse() == Ok(body.len())))
    }

    /// The body as its reader sees it; `None` where that cannot be.
    pub(super) async fn plain(&self, body: &Bytes) -> Option<Bytes> {
        plain(body, &self.codings, DECODED).await
    }

    pub(super) fn is_coded(&self) -> bool {
        !self.codings.is_empty()
    }

    /// The entry with its body.
    pub(super) fn entry(self, body: Bytes) -> Arc<Entry> {
        let coded = self.is_coded();
        let Self { status, version, codings: _, head, selecting, terms, came, stamp } = self;
        Arc::new(Entry { status, version, coded, head, body, selecting, terms, came, stamp })
    }
}

/// The headers of an answer without those of one connection, of one person, and of this very trip.
pub(super) fn kept_headers<'a>(headers: &'a HeaderMap, rules: &Rules) -> impl Iterator<Item = Field<'a>> {
    let named: Vec<String> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let cookies = rules.cookies;
    headers.iter().filter(move |(name, _)| match name.as_str() {
        "authorization"
        | "connection"
        | "keep-alive"
        | "te"
        | "trailer"
        | "transfer-encoding"
        | "upgrade"
        | "proxy-authenticate"
        | "proxy-authorization"
        | "proxy-authentication-info"
        | "proxy-connection" => false,
        "set-cookie" | "set-cookie2" if !cookies => false,
        name => !named.iter().any(|known| known == name),
    })
}

/// The names and values of headers that are kept as text.
fn lines(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    head.split(|byte| *byte == b'\n').filter_map(|line| {
        let at = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..at], &line[at + 1..]))
    })
}

/// The first value of a header.
fn first<'h>(head: &'h [u8], name: &HeaderName) -> Option<&'h [u8]> {
    lines(head).find(|(known, _)| *known == name.as_str().as_bytes()).map(|(_, value)| value)
}

/// A header.
type Field<'a> = (&'a HeaderName, &'a HeaderValue);

/// Headers as lines, in one piece that holds on to nothing else; `Age` is told anew each time.
pub(super) fn text<'a, I: Iterator<Item = Field<'a>>>(headers: impl Fn() -> I) -> Bytes {
    let headers = || headers().filter(|(name, _)| *name != AGE);
    let length = headers().map(|(name, value)| name.as_str().len() + value.len() + 2).sum();
    let mut text = BytesMut::with_capacity(length);
    for (name, value) in headers() {
        text.put_slice(name.as_str().as_bytes());
        text.put_u8(b':');
        text.put_slice(value.as_bytes());
        text.put_u8(b'\n');
    }
    text.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer that came at `came` and is fresh for a minute.
    fn entry(came: Moment) -> Entry {
        let rules = Rules { ttl: None, limit: 0, heuristics: false, errors: false, cookies: false, shared: false };
        let mut headers = HeaderMap::new();
        headers.insert("cache-control", HeaderValue::from_static("max-age=60"));
        let terms = Terms::read(&rules, StatusCode::OK, &headers, &Control::read(&headers), came);
        let (status, version, selecting) = (StatusCode::OK, Version::HTTP_11, Selecting::default());
        let (head, body) = (text(|| headers.iter()), Bytes::new());
        Entry { status, version, coded: false, head, body, selecting, terms, came, stamp: 0 }
    }

    #[test]
    fn c17_an_age_goes_by_the_clock_that_says_more_and_never_backwards() {
        let came = Moment::now();
        let entry = entry(came);
        let after = |at: u64, wall: i64| {
            let wall_now = match u64::try_from(wall) {
                Ok(forward) => came.wall + Duration::from_secs(forward),
                Err(_) => came.wall - Duration::from_secs(wall.unsigned_abs()),
            };
            Moment { at: came.at + Duration::from_secs(at), wall: wall_now }
        };
        for (at, wall, expected) in [(0, 0, 0), (30, 30, 30), (30, 3_600, 3_600), (3_600, 30, 3_600), (59, 0, 59)] {
            assert_eq!(entry.age(after(at, wall)).as_secs(), expected, "{at} {wall}");
            assert_eq!(entry.fresh_for(after(at, wall)).is_some(), expected < 60, "{at} {wall}");
        }
        // A clock that was set back tells nothing of the age.
        assert_eq!(entry.fresh_for(after(10, -3_600)), None);
        assert_eq!(entry.fresh_for(after(59, 59)), Some(Duration::from_secs(1)));
        assert_eq!(entry.fresh_for(after(60, 60)), None);
    }
}
