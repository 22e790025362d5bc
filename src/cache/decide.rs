//! What may be kept (RFC 9111, section 3), what may be given again (section 4), and what an answer makes untrue (4.4).

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, Method, StatusCode, Version,
    header::{
        CACHE_CONTROL, CONTENT_ENCODING, ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
        IF_UNMODIFIED_SINCE, LAST_MODIFIED, PRAGMA, RANGE, SET_COOKIE,
    },
};

use super::{
    CacheMode, Rules,
    control::{Control, is_pragma_no_cache},
    entry::{Draft, Entry, kept_headers, text},
    terms::{Moment, Terms, explicit, guess},
    vary::Selecting,
};

/// What a call asks of the cache.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    control: Control,
    mode: CacheMode,
    /// Whether the caller validates an answer of their own.
    conditional: bool,
    range: bool,
}

impl Asked {
    /// Reads what a request and its mode ask; `None` where no answer to it is kept or given again.
    pub(crate) fn read(mode: CacheMode, method: &Method, headers: &HeaderMap) -> Option<Self> {
        let control = Control::read(headers);
        let looks = matches!(*method, Method::GET | Method::HEAD);
        let conditional = CONDITIONS.iter().any(|name| headers.contains_key(name));
        let range = headers.contains_key(RANGE);
        (looks && mode != CacheMode::NoStore && !control.no_store).then_some(Self { control, mode, conditional, range })
    }

    /// Whether headers of a request ask anything of a cache.
    pub(crate) fn is_in(headers: &HeaderMap) -> bool {
        [CACHE_CONTROL, PRAGMA, RANGE].iter().chain(&CONDITIONS).any(|name| headers.contains_key(name))
    }

    /// Whether what is kept may be given at all.
    pub(crate) fn looks(&self) -> bool {
        self.mode != CacheMode::Reload && !self.conditional
    }

    /// Whether it is for a part of an answer.
    pub(crate) fn is_part(&self) -> bool {
        self.range
    }

    /// Whether what others are about to be given will do.
    pub(crate) fn joins(&self) -> bool {
        let picky = self.control.no_cache || self.control.max_age.is_some() || self.mode == CacheMode::NoCache;
        self.looks() && !self.range && !picky
    }

    /// Whether nothing may be sent.
    pub(crate) fn is_offline(&self) -> bool {
        self.mode == CacheMode::OnlyIfCached || self.control.only_if_cached
    }

    /// Whether the caller validates an answer of their own.
    pub(crate) fn is_conditional(&self) -> bool {
        self.conditional
    }
}

/// By what a caller validates an answer of their own.
const CONDITIONS: [HeaderName; 5] = [IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_MATCH, IF_UNMODIFIED_SINCE, IF_RANGE];

/// What becomes of an answer that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is given again.
    Fresh,
    /// It is given again although it is stale.
    Stale,
    /// The same, and is renewed meanwhile.
    Renew,
    /// The server is asked whether it still holds.
    Validate,
}

impl Entry {
    /// Whether it is given again to a call whose headers ask nothing ([`Asked::is_in`]), and nothing is to be done besides.
    pub(crate) fn serves_at_once(&self, mode: CacheMode, now: Moment) -> bool {
        let asked = Asked { control: Control::default(), mode, conditional: false, range: false };
        let given = !matches!(mode, CacheMode::NoStore | CacheMode::Reload);
        given && self.status.is_success() && self.serves(&asked, now) == Use::Fresh
    }

    /// What becomes of it for this call.
    pub(crate) fn serves(&self, asked: &Asked, now: Moment) -> Use {
        let (age, terms, control) = (self.age(now), &self.terms, &asked.control);
        let fresh = terms.lifetime > age;
        let given = if fresh { Use::Fresh } else { Use::Stale };
        match asked.mode {
            CacheMode::ForceCache | CacheMode::OnlyIfCached => return given,
            CacheMode::NoCache => return Use::Validate,
            _ => {}
        }
        // An answer that never changes while it is fresh is not asked for again by a reload (RFC 8246).
        let too_old = control.max_age.is_some_and(|most| age > most || most.is_zero()) && !(fresh && terms.immutable);
        let left = terms.lifetime.saturating_sub(age);
        if terms.no_cache || control.no_cache || too_old || control.min_fresh.is_some_and(|least| left < least) {
            return Use::Validate;
        }
        if fresh {
            return Use::Fresh;
        }
        let stale = age.saturating_sub(terms.lifetime);
        if terms.must_revalidate {
            Use::Validate
        } else if stale <= terms.while_revalidate && !terms.while_revalidate.is_zero() {
            Use::Renew
        } else if control.max_stale.is_some_and(|most| stale <= most) {
            Use::Stale
        } else {
            Use::Validate
        }
    }

    /// Whether it may stand in for an answer that the server failed to give (RFC 5861, section 4).
    pub(crate) fn stands_in(&self, asked: &Asked, now: Moment) -> bool {
        let allowed = self.terms.if_error.max(asked.control.stale_if_error.unwrap_or_default());
        let stale = self.age(now).saturating_sub(self.terms.lifetime);
        let forbidden = self.terms.no_cache || self.terms.must_revalidate || asked.control.no_cache;
        !forbidden && !allowed.is_zero() && stale <= allowed
    }
}

/// Whether a failure of this status lets a stale answer stand in.
pub(crate) fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

/// What came in answer to a GET, for the decision whether it is kept.
pub(crate) struct Came<'a> {
    /// The headers of the request, as far as they are not made by a signer.
    pub(crate) asked: &'a HeaderMap,
    /// Whether the request carried credentials.
    pub(crate) signed: bool,
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: &'a HeaderMap,
}

impl Rules {
    /// What is kept of an answer once its body is whole; `None` where it is not to be kept.
    pub(crate) fn draft(&self, came: &Came<'_>, now: Moment, stamp: u64) -> Option<Draft> {
        let (status, headers) = (came.status, came.headers);
        let control = Control::read(headers);
        let refused = came.asked.contains_key(RANGE)
            || headers.contains_key(SET_COOKIE) && !self.cookies
            || is_pragma_no_cache(headers)
            || self.refuses(status, &control, came.signed);
        if refused || !self.keeps(status, headers, &control, now) {
            return None;
        }
        let selecting = Selecting::read(came.asked, headers)?;
        let terms = Terms::read(self, status, headers, &control, now);
        let validated = headers.contains_key(ETAG) || headers.contains_key(LAST_MODIFIED);
        let of_use = [terms.lifetime, terms.while_revalidate, terms.if_error].iter().any(|time| *time > Duration::ZERO);
        (validated || of_use).then(|| Draft {
            status,
            version: came.version,
            codings: headers
                .get_all(CONTENT_ENCODING)
                .iter()
                .map(|coding| (CONTENT_ENCODING, coding.clone()))
                .collect(),
            head: text(|| kept_headers(headers, self)),
            selecting,
            terms,
            came: now,
            stamp,
        })
    }

    /// Whether what an answer says forbids to keep it.
    pub(super) fn refuses(&self, status: StatusCode, control: &Control, signed: bool) -> bool {
        // Who must understand a status, and does, need not mind `no-store` (RFC 9111, section 5.2.2.3).
        let forbidden = if control.must_understand { !is_understood(status) } else { control.no_store };
        forbidden || self.shared && (control.private || signed && !is_for_all(control))
    }

    /// Whether an answer of this status is kept.
    fn keeps(&self, status: StatusCode, headers: &HeaderMap, control: &Control, now: Moment) -> bool {
        let explicit = explicit(self, headers, control, now.wall).is_some();
        let guessed = guess(self, status, headers, control, now.wall).is_some();
        match status.as_u16() {
            200 | 203 | 204 | 300 | 301 | 308 => true,
            201..=205 | 207..=299 => explicit || guessed || self.ttl.is_some(),
            302 | 303 | 307 => explicit,
            404 | 410 => explicit || guessed,
            400 | 402 | 404..=406 | 408..=428 | 430..=599 => self.errors && (explicit || guessed),
            _ => false,
        }
    }
}

/// Whether an answer to one person may be given to another (RFC 9111, section 3.5).
fn is_for_all(control: &Control) -> bool {
    control.public || control.must_revalidate || control.shared_max_age.is_some()
}

/// The statuses whose meaning this cache knows.
fn is_understood(status: StatusCode) -> bool {
    status.canonical_reason().is_some()
}

/// Whether a call with this method may change something (RFC 9110, section 9.2.1).
pub(crate) fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// The names of tokens in JSON, and how all of them end.
const TOKENS: [&[u8]; 3] = [b"\"access_token\"", b"\"refresh_token\"", b"\"id_token\""];
const END: &[u8] = b"_token\"";

/// Whether a body holds a token, which is never kept.
pub(super) fn holds_token(body: &Bytes) -> bool {
    let is_one = |end: usize| TOKENS.iter().any(|name| body[..end].ends_with(name));
    memchr::memmem::find_iter(body, END).any(|at| is_one(at + END.len()))
}
