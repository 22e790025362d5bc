//! A token of our own signing for each attempt.

use std::time::SystemTime;

use http::{HeaderValue, header::AUTHORIZATION};

use super::{Auth, Kind, Sign, fault, number};
use crate::{
    body::{Body, BoxFuture},
    error::Result,
    jwt::JwtSigner,
};

impl Auth {
    /// Signs each attempt by a token of its own; the `Authorization` of the call itself stands.
    pub fn jwt(signer: JwtSigner) -> Self {
        let shown = format!("{} …", signer.scheme_name());
        Self(Kind::Signer(number(), std::sync::Arc::new(signer)))
    }
}

impl Sign for JwtSigner {
    fn sign<'a>(&'a self, request: &'a mut http::Request<Body>) -> BoxFuture<'a, Result<()>> {
        Box::pin(std::future::ready(self.attach(request)))
    }
}
