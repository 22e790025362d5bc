//! HTTP Digest (RFC 7616): a password that is proved and never sent.
//!
//! The first request to an origin goes out without credentials, and its 401 brings the challenge by which it and all
//! later ones are signed.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

use super::{Around, Auth, Credential, Prepared, Sign, fault, named, number};
use crate::{
    body::{Body, BoxFuture},
    error::{Fault, Result},
    header::challenge::challenges,
    random,
    request::Origin,
    secret::{Secret, hex},
};

mod challenge;
mod hash;
mod session;

use challenge::Offer;
use session::{Asked, Session};

/// For how many origins the challenges are remembered.
const ORIGINS: usize = 16;

/// A user, and what servers have asked of them.
struct Digest {
    number: u64,
    user: Secret,
    password: Secret,
    signers: Mutex<Vec<(Origin, Arc<Signer>)>>,
}

/// Signs the requests of one origin.
struct Signer {
    user: Secret,
    password: Secret,
    session: Mutex<Option<Session>>,
}

impl Auth {
    /// HTTP Digest (RFC 7616), by MD5, SHA-256 or SHA-512/256, whichever the server names first, and MD5 last.
    ///
    /// The first request is answered 401, and sent once more: a body that can be read once only cannot be its own.
    /// Later ones are signed at once, as long as the server takes its challenge again. Where a server asks for
    /// the integrity of bodies alone (`auth-int`), they must be in memory.
    pub fn digest(user: impl Into<Secret>, password: impl Into<Secret>) -> Self {
        let (user, password) = (user.into(), password.into());
        Self::of(Arc::new(Digest { number: number(), user, password, signers: Mutex::default() }))
    }
}

impl Credential for Digest {
    fn prepare(self: Arc<Self>, around: &Around<'_>, prepared: &mut Prepared) -> Result<(), Fault> {
        let user = self.user.expose();
        if user.contains([':']) || user.chars().any(char::is_control) {
            return Err(fault("a user name of HTTP Digest holds no colon and no control character"));
        }
        prepared.masks.add(self.password.expose());
        prepared.stand_in("authorization", "Digest response")?;
        prepared.signed_by(self.number, self.signer(around.origin));
        Ok(())
    }
}

impl Digest {
    /// What signs for `origin`, the same for all clients of it.
    fn signer(&self, origin: &Origin) -> Arc<Signer> {
        let mut signers = lock(&self.signers);
        if let Some((_, signer)) = signers.iter().find(|(known, _)| known == origin) {
            return Arc::clone(signer);
        }
        let (user, password) = (self.user.clone(), self.password.clone());
        let signer = Arc::new(Signer { user, password, session: Mutex::default() });
        if signers.len() == ORIGINS {
            signers.remove(0);
        }
        signers.push((origin.clone(), Arc::clone(&signer)));
        signer
    }
}

impl Signer {
    /// Signs by the last challenge, if there was one.
    fn attach(&self, request: &mut http::Request<Body>) -> Result<()> {
        let mut session = lock(&self.session);
        let Some(known) = session.as_mut() else { return Ok(()) };
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let body = if request.body().is_empty() { Some(&[][..]) } else { request.body().as_bytes().map(|it| &it[..]) };
        let asked = Asked { method: request.method().as_str(), target, body };
        let header = known.sign(self.user.expose(), self.password.expose(), &asked)?;
        if known.is_used_up() {
            *session = None;
        }
        drop(session);
        let wrong = |_| fault("the answer to the challenge holds a character that headers do not");
        let mut value = HeaderValue::try_from(header).map_err(wrong)?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(())
    }

    /// Takes in the challenge of a 401; whether it is worth signing by.
    fn learn(&self, sent: &HeaderMap, answer: &HeaderMap) -> Result<bool> {
        let sent = sent.get(AUTHORIZATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
        if sent.as_ref().is_some_and(|sent| !sent.starts_with("Digest ")) {
            // The call signed in by itself.
            return Ok(false);
        }
        let Some(offer) = Offer::best(&challenges(answer)) else { return Ok(false) };
        let cnonce = hex(&random::bytes::<16>()?);
        let mut session = lock(&self.session);
        // What was sent without any is always worth it.
        let again = sent.is_none_or(|sent| Session::may_sign_anew(&sent, &offer));
        // A challenge that refuses the password is kept by nobody, so that the next call begins anew.
        *session = again.then(|| Session::new(offer, cnonce));
        Ok(again)
    }
}

impl Sign for Signer {
    fn sign<'a>(&'a self, request: &'a mut http::Request<Body>) -> BoxFuture<'a, Result<()>> {
        let own = request.headers().contains_key(AUTHORIZATION);
        Box::pin(std::future::ready(if own { Ok(()) } else { self.attach(request) }))
    }

    fn refused<'a>(&'a self, sent: &'a HeaderMap, answer: &'a HeaderMap) -> BoxFuture<'a, Result<bool>> {
        Box::pin(std::future::ready(self.learn(sent, answer)))
    }

    fn identity(&self) -> BoxFuture<'_, Result<Option<Secret>>> {
        let parts = [("digest", self.user.expose()), ("password", self.password.expose())];
        Box::pin(std::future::ready(Ok(Some(named(parts)))))
    }
}

/// What a panic left behind is whole: a challenge is put there in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("digest")
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("digest")
    }
}
