//! Whose the answers to a call are: whoever it signs in as, by whatever means.

use http::{
    HeaderMap, HeaderName,
    header::{ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_TYPE, USER_AGENT},
};
use sha2::{Digest, Sha256};

use super::{Core, run::Run, wait};
use crate::{
    auth::process,
    cache::{ASKING, Identity, feed},
    error::Result,
    secret::Secret,
};

/// Whose answers are for everybody.
pub(super) const EVERYBODY: Identity = [0xff; 32];

/// Headers that say nothing of who asks.
const PLAIN: [HeaderName; 5] = [ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, USER_AGENT];

impl Run<'_> {
    /// Whose the answer is.
    ///
    /// # Errors
    /// Those of whatever signs the request in, and `Timeout` where it takes too long.
    pub(super) async fn identity(&mut self, shared: bool) -> Result<Identity> {
        if shared {
            return Ok(EVERYBODY);
        }
        let anybody = Identity::default();
        let mut whose = anybody;
        if self.is_home() {
            whose = wait::signature(self.until, self.credentials.whose().identity()).await?;
        }
        let inherent = if self.is_home() { self.client.core.inherent } else { anybody };
        let own = self.request.secrets();
        let jar = self.jar().map(|jar| jar.number());
        if jar.is_none() && own.is_empty() {
            return Ok(joined(whose, inherent));
        }
        let mut hash = Sha256::new();
        feed(&mut hash, &whose);
        feed(&mut hash, &inherent);
        for (name, value) in own {
            feed(&mut hash, name.as_str().as_bytes());
            feed(&mut hash, value.as_bytes());
        }
        if let Some(number) = jar {
            // What a jar holds may change at any time, and is lost with the process.
            feed(&mut hash, &process()?);
            feed(&mut hash, &number.to_be_bytes());
        }
        Ok(hash.finalize().into())
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
    let asking = ASKING.iter().chain([&CONTENT_TYPE]).any(|name| core.headers.contains_key(name));
    if core.cache.is_none() || core.jar.is_some() || asking {
        return None;
    }
    let whose = core.credentials.as_ref().ok()?.whose().known()?;
    Some(joined(whose, core.inherent))
}

/// What a client's own headers, and its certificate, say of who asks; zeros where that is nothing.
pub(super) fn inherent(headers: &HeaderMap, certificate: Option<&Secret>) -> Identity {
    let telling = || headers.iter().filter(|(name, _)| !PLAIN.contains(name));
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
