//! A token of our own signing for each attempt.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderValue, header::AUTHORIZATION};

use super::{Around, Auth, Credential, Prepared, Sign, fault, number};
use crate::{
    body::{Body, BoxFuture},
    error::{Fault, Result},
    jwt::JwtSigner,
    secret::Secret,
};

/// A signer, and the number by which it is told from others.
struct Jwt(u64, JwtSigner);

impl Auth {
    /// Signs each attempt by a token of its own; an `Authorization` of the call itself stands.
    pub fn jwt(signer: JwtSigner) -> Self {
        Self::of(Arc::new(Jwt(number(), signer)))
    }
}

impl Credential for Jwt {
    fn prepare(self: Arc<Self>, _: &Around<'_>, prepared: &mut Prepared) -> Result<(), Fault> {
        // A key that does not sign, or a scheme that is none, is told when the client is built.
        let token = self.1.token(SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        token.and_then(|token| self.value(token.expose())).map_err(|error| fault(error.to_string()))?;
        prepared.stand_in("authorization", &format!("{} token", self.1.scheme_name()))?;
        prepared.signed_by(self.0, self);
        Ok(())
    }
}

impl Jwt {
    fn value(&self, token: &str) -> Result<HeaderValue> {
        let value = HeaderValue::try_from(format!("{} {token}", self.1.scheme_name()));
        let mut value = value.map_err(|_| fault("the scheme of the tokens is none that a header may hold"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl Sign for Jwt {
    fn sign<'a>(&'a self, request: &'a mut http::Request<Body>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if !request.headers().contains_key(AUTHORIZATION) {
                let token = self.1.token(SystemTime::now())?;
                request.headers_mut().insert(AUTHORIZATION, self.value(token.expose())?);
            }
            Ok(())
        })
    }

    fn identity(&self) -> BoxFuture<'_, Result<Option<Secret>>> {
        Box::pin(async { self.1.identity().map(Some) })
    }
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} token of its own", self.1.scheme_name())
    }
}
