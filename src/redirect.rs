//! Where an answer points to, and whether it may be followed.
//!
//! A [`Redirect`] is a policy, a [`Trail`] what one call has followed so far, and a [`Hop`] the
//! next request. Credentials are never taken off a request here: each hop's headers are made
//! from those that the caller gave, for the origin that they were given for.

use http::{
    HeaderMap, HeaderName, Method, StatusCode, Uri,
    header::{ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, LOCATION, USER_AGENT},
};

use crate::{
    body::Replay,
    error::{Error, Outcome},
    request::Origin,
};

pub(crate) mod gate;

use gate::{bad, refused, resolve};

/// How many redirects one call follows unless told otherwise.
const LIMIT: u8 = 10;

/// Which redirects are followed; by default those of the same origin, at most 10 in one call.
///
/// A redirect that is not followed is an error, whose code begins with `redirect.` and whose text names
/// no more of the target than its origin. From https to http none is ever followed, and a body is sent to
/// no other origin. From http to https of the same host, both on their usual ports, GET and HEAD are
/// followed, without credentials, since those were given for the http origin.
///
/// ```
/// use restwalk::Redirect;
///
/// let policy = Redirect::same_origin().limit(3).rewrite(true);
/// assert_ne!(policy, Redirect::default());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    reach: Reach,
    limit: u8,
    rewrite: bool,
    /// A URL that comes again is no loop, and a redirect without `Location` is an answer.
    lenient: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Nowhere,
    SameOrigin,
    AnyOrigin,
}

impl Redirect {
    /// Follows redirects of the same origin.
    pub fn same_origin() -> Self {
        Self { reach: Reach::SameOrigin, limit: LIMIT, rewrite: false, lenient: false }
    }

    /// Follows none: a redirect is an answer like any other, and no error of `send`.
    pub fn off() -> Self {
        Self { reach: Reach::Nowhere, ..Self::same_origin() }
    }

    /// Follows GET and HEAD to any origin too, with no credential and no header of the caller's but `Accept…` and `User-Agent`.
    pub fn any_origin() -> Self {
        Self { reach: Reach::AnyOrigin, ..Self::same_origin() }
    }

    /// Follows at most `hops` redirects in one call; 10 by default, and with 0 each is an error.
    #[must_use]
    pub fn limit(self, hops: u8) -> Self {
        Self { limit: hops, ..self }
    }

    /// Lets 301 and 302 turn POST and other methods that change something into GET, as browsers do; an error by default.
    #[must_use]
    pub fn rewrite(self, rewrite: bool) -> Self {
        Self { rewrite, ..self }
    }

    /// What the WIPAC client does: any origin, 30 hops, POST becomes GET, a URL may come again, and a
    /// redirect that names no `Location` is an answer.
    pub fn wipac() -> Self {
        Self { reach: Reach::AnyOrigin, limit: 30, rewrite: true, lenient: true }
    }

    /// What follows an answer; `None` where it is no redirect, or redirects are off.
    pub(crate) fn follow(&self, trail: &mut Trail<'_>, answer: &Answer<'_>) -> Result<Option<Hop>, Error> {
        let Answer { method, uri: from, replay, status, headers } = *answer;
        if self.reach == Reach::Nowhere || !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let reference = match location(headers)? {
            Some(reference) => reference,
            None if self.lenient => return Ok(None),
            None => return Err(bad("the answer names no Location")),
        };
        let uri = resolve(from, reference)?;
        let (next, body) = self.method(method, status, &uri)?;
        self.cross(from, &uri, &next)?;
        if body && replay == Replay::Once {
            let why = "the answer asks to send the body again elsewhere, and it can be read once only; give it as bytes or a file";
            return Err(refused("redirect.not_replayable", why).with_outcome(Outcome::MaybeProcessed));
        }
        self.note(trail, (method, from), (&next, &uri))?;
        let home = Origin::of(&uri).as_ref() == Some(trail.home);
        Ok(Some(Hop { method: next, uri, body, home }))
    }

    /// The method of the next request, and whether it carries the body again.
    fn method(&self, method: &Method, status: StatusCode, to: &Uri) -> Result<(Method, bool), Error> {
        let change = match status.as_u16() {
            303 => !matches!(*method, Method::HEAD),
            301 | 302 => !method.is_safe(),
            _ => false,
        };
        if change && status != StatusCode::SEE_OTHER && !self.rewrite {
            let why = format!(
                "answered {} to {method}, pointing to {}: whether {method} or GET is meant there is not said; \
                 allow GET by Redirect::rewrite(true), or ask there by client.at(..)",
                status.as_u16(),
                gate::origin(to)
            );
            return Err(refused("redirect.rewrite", why));
        }
        Ok(if change { (Method::GET, false) } else { (method.clone(), status != StatusCode::SEE_OTHER) })
    }

    /// Refuses what leaves the origin, unless it may.
    fn cross(&self, from: &Uri, to: &Uri, method: &Method) -> Result<(), Error> {
        let (Some(here), Some(there)) = (Origin::of(from), Origin::of(to)) else { return Err(bad("it has no host")) };
        if here == there {
            return Ok(());
        }
        let shown = gate::origin(to);
        if here.is_secure() && !there.is_secure() {
            let why = format!("the answer points to {shown}, which is not encrypted; this is never followed");
            return Err(refused("redirect.downgrade", why));
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            let why = format!("the answer points to {shown}, another origin, where no {method} is sent");
            return Err(refused("redirect.cross_origin", why));
        }
        if self.reach == Reach::AnyOrigin || there.secures(&here) {
            return Ok(());
        }
        let why = format!(
            "the answer points to {shown}, another origin; ask there by client.at(..), \
             or follow such redirects by Redirect::any_origin()"
        );
        Err(refused("redirect.cross_origin", why))
    }

    /// Takes the step into the trail, unless there were too many or this one goes round.
    fn note(&self, trail: &mut Trail<'_>, last: (&Method, &Uri), next: (&Method, &Uri)) -> Result<(), Error> {
        if trail.hops >= self.limit {
            let why = format!("more than {} redirects; allow more by Redirect::limit(..)", self.limit);
            return Err(refused("redirect.too_many", why));
        }
        trail.hops += 1;
        if self.lenient {
            return Ok(());
        }
        let renewed = std::mem::take(&mut trail.renewed);
        if trail.seen.is_empty() && !renewed {
            trail.seen.push((last.0.clone(), last.1.clone()));
        }
        if trail.seen.iter().any(|(method, uri)| (method, uri) == next) {
            return Err(refused("redirect.loop", "the answers point in a circle; the API answers none of these URLs"));
        }
        trail.seen.push((next.0.clone(), next.1.clone()));
        Ok(())
    }
}

impl Default for Redirect {
    fn default() -> Self {
        Self::same_origin()
    }
}

/// An answer, and of the request what matters for following it.
pub(crate) struct Answer<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    /// Whether the request's body can be sent again.
    pub(crate) replay: Replay,
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
}

/// What one call has followed so far; the policy's limit bounds it.
pub(crate) struct Trail<'h> {
    /// The origin that the caller's headers and credentials were given for.
    home: &'h Origin,
    seen: Vec<(Method, Uri)>,
    hops: u8,
    /// Whether the last URL too may come again.
    renewed: bool,
}

impl<'h> Trail<'h> {
    pub(crate) fn new(home: &'h Origin) -> Self {
        Self { home, seen: Vec::new(), hops: 0, renewed: false }
    }

    /// Forgets the URLs, though not their number: a cookie was set, so the same URL may answer otherwise now.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
        self.renewed = true;
    }
}

/// The next request of a call.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) struct Hop {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    /// Whether the body, where there is one, is sent again.
    pub(crate) body: bool,
    /// Whether it goes to the origin that the caller's headers and credentials were given for.
    pub(crate) home: bool,
}

/// The headers that go to any origin, since they say nothing of who asks.
pub(crate) const ANYWHERE: [HeaderName; 5] = [ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, USER_AGENT];

impl Hop {
    /// Of the headers that the caller gave, credentials not yet attached, those that this request carries.
    pub(crate) fn headers(&self, given: &HeaderMap) -> HeaderMap {
        let carried = |name: &HeaderName| {
            if self.home { self.body || !describes_body(name.as_str()) } else { ANYWHERE.contains(name) }
        };
        let carried = given.iter().filter(|(name, _)| carried(name));
        carried.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// Whether a header speaks of the body that it came with.
fn describes_body(name: &str) -> bool {
    name.starts_with("content-") || matches!(name, "digest" | "repr-digest")
}

/// The one `Location` of an answer, where it has any.
fn location(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let mut all = headers.get_all(LOCATION).iter();
    let Some(first) = all.next() else { return Ok(None) };
    if all.any(|other| other != first) {
        return Err(bad("the answer names two of them"));
    }
    first.to_str().map(Some).map_err(|_| bad("it holds a control character, or one beyond ASCII"))
}

#[cfg(test)]
mod tests;
