//! Where the keys come from by which tokens are checked: given, or fetched and kept for a while.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use super::{JwtAlgorithm, key::CheckingKey, refused, set::KeySet};
use crate::{
    body::BoxFuture,
    error::{Error, ErrorKind, Result, quoted},
    secret::Secret,
};

/// Where a set of keys is had from, as JSON text (RFC 7517); see [`JwtKeys::fetched`].
pub trait JwkSource: fmt::Debug + Send + Sync {
    /// Fetches the set as it is now.
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>>>;
}

/// Keys by which tokens are checked. Cloning is cheap, and clones share what was fetched.
#[derive(Clone)]
pub struct JwtKeys(Kind);

#[derive(Clone)]
enum Kind {
    One(JwtAlgorithm, Arc<CheckingKey>),
    Set(Arc<KeySet>),
    Fetched(Arc<Fetched>, Pace),
}

/// How often a set is fetched.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// How long a set is current.
    ttl: Duration,
    /// The least time between two fetches.
    interval: Duration,
}

/// How long a set may serve that could not be fetched anew.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

impl JwtKeys {
    /// A secret shared with who makes the tokens.
    ///
    /// # Errors
    /// `Auth` for an algorithm that is no HMAC, or an empty secret.
    pub fn secret(algorithm: JwtAlgorithm, secret: impl Into<Secret>) -> Result<Self> {
        Ok(Self(Kind::One(algorithm, Arc::new(CheckingKey::secret(algorithm, &secret.into())?))))
    }

    /// One public key in PEM.
    ///
    /// # Errors
    /// `Auth` for what is no public key of the algorithm.
    pub fn pem(algorithm: JwtAlgorithm, pem: &str) -> Result<Self> {
        Ok(Self(Kind::One(algorithm, Arc::new(CheckingKey::pem(algorithm, pem)?))))
    }

    /// A set of keys as JSON text, which is never fetched anew.
    ///
    /// # Errors
    /// `Auth` for what is no set of keys.
    pub fn set(json: &str) -> Result<Self> {
        Ok(Self(Kind::Set(Arc::new(KeySet::parse(json.as_bytes())?))))
    }

    /// The keys of `source`, fetched when the first token is checked.
    ///
    /// They are fetched anew once they are an hour old, and for a token whose key is not among them, but not more
    /// often than every 10 s: a flood of such tokens is no flood of fetches. A set that cannot be fetched anew goes on
    /// to serve for a day.
    pub fn fetched(source: impl JwkSource + 'static) -> Self {
        let pace = Pace { ttl: Duration::from_secs(60 * 60), interval: Duration::from_secs(10) };
        Self(Kind::Fetched(Arc::new(Fetched { source: Box::new(source), state: Mutex::default() }), pace))
    }

    /// Sets how long fetched keys are current; an hour by default.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        if let Kind::Fetched(_, pace) = &mut self.0 {
            pace.ttl = ttl;
        }
        self
    }

    /// Sets the least time between two fetches, failed ones included; 10 s by default.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        if let Kind::Fetched(_, pace) = &mut self.0 {
            pace.interval = interval;
        }
        self
    }

    /// By what tokens may be signed, unless something else is said.
    pub(super) fn algorithms(&self) -> Vec<JwtAlgorithm> {
        match &self.0 {
            Kind::One(algorithm, _) => vec![*algorithm],
            Kind::Set(_) | Kind::Fetched(..) => vec![JwtAlgorithm::RS256, JwtAlgorithm::RS512],
        }
    }

    /// Whether a key named `id` has signed `message`.
    pub(super) async fn verify(
        &self,
        id: Option<&str>,
        algorithm: JwtAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool> {
        let set = match &self.0 {
            Kind::One(_, key) => return Ok(key.verifies(algorithm, message, signature.to_vec())),
            Kind::Set(set) => Arc::clone(set),
            Kind::Fetched(fetched, pace) => fetched.set(named(id)?, *pace).await?,
        };
        let id = named(id)?;
        if !set.knows(id) {
            return Err(refused("jwt.key_not_found", &format!("no key of the set is named {}", quoted(id))));
        }
        Ok(set.find(id, algorithm).any(|key| key.verifies(algorithm, message, signature.to_vec())))
    }
}

fn named(id: Option<&str>) -> Result<&str> {
    id.ok_or_else(|| refused("jwt.key_not_found", "its header names no key (kid)"))
}

/// A source, and what was had from it.
struct Fetched {
    source: Box<dyn JwkSource>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    set: Option<(Arc<KeySet>, Instant)>,
    /// When the last fetch began.
    tried: Option<Instant>,
    failure: Option<Arc<Error>>,
    /// Ends when the fetch under way does.
    flight: Option<watch::Receiver<()>>,
}

/// What is to be done about a key.
enum Next {
    Use(Arc<KeySet>),
    Fail(Error),
    Wait(watch::Receiver<()>),
}

impl Fetched {
    /// The set in which to look for `id`.
    async fn set(self: &Arc<Self>, id: &str, pace: Pace) -> Result<Arc<KeySet>> {
        let mut waited = false;
        loop {
            match self.next(id, pace, waited) {
                Next::Use(set) => return Ok(set),
                Next::Fail(error) => return Err(error),
                // It ends when its sender is dropped, by whatever end the fetch came to.
                Next::Wait(mut flight) => while flight.changed().await.is_ok() {},
            }
            waited = true;
        }
    }

    /// What comes next for who has `waited` for a fetch, or not yet: one is enough, whatever came of it.
    fn next(self: &Arc<Self>, id: &str, pace: Pace, waited: bool) -> Next {
        let now = Instant::now();
        let mut state = self.lock();
        if state.flight.as_ref().is_some_and(|flight| flight.has_changed().is_err()) {
            state.flight = None;
        }
        let age = |at: Instant| now.saturating_duration_since(at);
        let rested = state.tried.is_none_or(|tried| age(tried) >= pace.interval);
        match &state.set {
            Some((set, at)) if set.knows(id) && age(*at) < pace.ttl => return Next::Use(Arc::clone(set)),
            Some((set, at)) if (waited || !rested && state.flight.is_none()) && age(*at) < pace.ttl.max(STALE) => {
                return Next::Use(Arc::clone(set));
            }
            _ if waited => return Next::Fail(unavailable(state.failure.as_deref())),
            _ => {}
        }
        if let Some(flight) = &state.flight {
            return Next::Wait(flight.clone());
        }
        if !rested {
            return Next::Fail(unavailable(state.failure.as_deref()));
        }
        let (done, flight) = watch::channel(());
        (state.tried, state.flight) = (Some(now), Some(flight.clone()));
        drop(state);
        let this = Arc::clone(self);
        // On its own, so that a caller who gives up takes nobody's keys away.
        tokio::spawn(async move {
            let fetched = this.source.fetch().await.and_then(|text| KeySet::parse(&text));
            let mut state = this.lock();
            match fetched {
                Ok(set) => (state.set, state.failure) = (Some((Arc::new(set), Instant::now())), None),
                Err(error) => state.failure = Some(Arc::new(error)),
            }
            drop((state, done));
        });
        Next::Wait(flight)
    }

    /// What a panic left behind is whole: every step above is one assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unavailable(failure: Option<&Error>) -> Error {
    let why = failure.map_or_else(|| "the fetch was broken off".to_owned(), ToString::to_string);
    Error::coded(ErrorKind::Auth, "jwt.keys", format!("the keys that check tokens cannot be had: {why}"))
}

impl fmt::Debug for JwtKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::One(algorithm, _) => write!(f, "JwtKeys({algorithm})"),
            Kind::Set(_) => f.write_str("JwtKeys(a set)"),
            Kind::Fetched(fetched, _) => write!(f, "JwtKeys({:?})", fetched.source),
        }
    }
}

#[cfg(test)]
mod tests;
