//! Whose the answers to a call are: whoever it signs in as, by whatever means.

use std::time::SystemTime;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_TYPE, COOKIE, FROM},
};
use sha2::{Digest, Sha256};

use super::{Core, run::Run, wait};
use crate::{
    auth::process,
    cache::{Asked, Identity},
    error::Result,
    redirect::ANYWHERE,
    secret::{Secret, feed},
};

/// Whose answers are for everybody.
pub(super) const EVERYBODY: Identity = [0xff; 32];

/// Words by which the header of a call is known to say who asks, or for whom, besides those of credentials.
const TELLING: [&str; 9] = ["auth", "key", "session", "user", "tenant", "account", "actor", "organi", "project"];

impl Run<'_> {
    /// Whose the answer is to a request with these headers, which are those before it is signed.
    ///
    /// # Errors
    /// Those of whatever signs the request in, and `Timeout` where it takes too long.
    pub(super) async fn identity(&mut self, shared: bool, headers: &HeaderMap) -> Result<Identity> {
        if shared {
            return Ok(EVERYBODY);
        }
        let anybody = Identity::default();
        let home = self.is_home();
        let mut whose = anybody;
        if home {
            whose = wait::signature(self.until, self.credentials.whose().identity()).await?;
        }
        let inherent = if home { self.client.core.inherent } else { anybody };
        let own = if home { self.telling(headers) } else { Vec::new() };
        let jar = self.jar().filter(|_| !headers.contains_key(COOKIE));
        if jar.is_none() && own.is_empty() {
            return Ok(joined(whose, inherent));
        }
        let mut hash = Sha256::new();
        feed(&mut hash, &whose);
        feed(&mut hash, &inherent);
        for (name, value) in own {
            feed(&mut hash, name.as_str().as_bytes());
            feed(&mut hash, value.map_or(b"none", HeaderValue::as_bytes));
        }
        if let Some(jar) = jar {
            // Whoever signs in by a cookie is another from then on. What a jar holds is lost with the process.
            feed(&mut hash, &process()?);
            feed(&mut hash, &jar.number().to_be_bytes());
            let cookies = jar.cookies(&self.plan.uri, SystemTime::now());
            feed(&mut hash, cookies.as_ref().map_or(b"", HeaderValue::as_bytes));
        }
        Ok(hash.finalize().into())
    }

    /// What the headers say of who asks that the client's own do not: each that is there, and those that are left out.
    fn telling<'h>(&'h self, headers: &'h HeaderMap) -> Vec<(&'h HeaderName, Option<&'h HeaderValue>)> {
        let own = &self.client.core.headers;
        let policy = self.plan.policy.map_or(&[][..], |policy| &policy.headers);
        let tells = |(name, value): &(&HeaderName, &HeaderValue)| {
            !ANYWHERE.contains(name)
                && !headers.get_all(*name).iter().eq(own.get_all(*name))
                && (value.is_sensitive()
                    || own.contains_key(*name)
                    || self.credentials.sets(name)
                    || policy.iter().any(|(known, _)| known == *name)
                    || **name == FROM
                    || TELLING.iter().any(|word| name.as_str().contains(word)))
        };
        let there = headers.iter().filter(tells).map(|(name, value)| (name, Some(value)));
        let gone = own.keys().filter(|name| !ANYWHERE.contains(name) && !headers.contains_key(*name));
        there.chain(gone.map(|name| (name, None))).collect()
    }

    /// Whether the request carries credentials.
    pub(super) fn is_signed(&self) -> bool {
        self.is_home()
            && (!self.credentials.whose().is_anybody()
                || !self.request.secrets().is_empty()
                || self.client.core.inherent != Identity::default())
    }
}

/// Whose the answers are to whoever signs in as `whose` with a client of which `inherent` is known.
fn joined(whose: Identity, inherent: Identity) -> Identity {
    if inherent == Identity::default() {
        return whose;
    }
    let mut hash = Sha256::new();
    feed(&mut hash, &whose);
    feed(&mut hash, &inherent);
    hash.finalize().into()
}

/// Whose the answers are to calls with nothing of their own, which ask nothing of the cache; `None` where each call is
/// looked at.
pub(super) fn usual(core: &Core) -> Option<Identity> {
    let asking = Asked::is_in(&core.headers) || core.headers.contains_key(CONTENT_TYPE);
    if core.cache.is_none() || core.jar.is_some() || asking {
        return None;
    }
    let whose = core.credentials.as_ref().ok()?.whose().known()?;
    Some(joined(whose, core.inherent))
}

/// What a client's own headers, and its certificate, say of who asks; zeros where that is nothing.
pub(super) fn inherent(headers: &HeaderMap, certificate: Option<&Secret>) -> Identity {
    let telling = || headers.iter().filter(|(name, _)| !ANYWHERE.contains(name));
    if telling().next().is_none() && certificate.is_none() {
        return Identity::default();
    }
    let mut hash = Sha256::new();
    for (name, value) in telling() {
        feed(&mut hash, name.as_str().as_bytes());
        feed(&mut hash, value.as_bytes());
    }
    feed(&mut hash, certificate.map_or("", Secret::expose).as_bytes());
    hash.finalize().into()
}
