//! What one call changes about its client.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::{
    auth::Auth,
    cache::CacheMode,
    error::{Fault, Result},
    request::Request,
    retry::Retry,
};

/// What one call changes about the client's settings.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) auth: Option<Auth>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) headers: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    pub(crate) retry: Option<Retry>,
    pub(crate) key: Option<HeaderValue>,
    pub(crate) cache: CacheMode,
}

/// The header by which a server knows a call again.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

impl Options {
    /// The idempotency key that the caller gave, which stands in one place only.
    pub(crate) fn key(&self, request: &Request) -> Result<Option<&HeaderValue>> {
        if self.key.is_some() && request.sets(&IDEMPOTENCY_KEY) {
            let why = "the idempotency key comes from .idempotency_key(..) and from .header(..); keep the former";
            return Err(Fault::request(why).into());
        }
        Ok(self.key.as_ref())
    }
}

/// Whether the loop hands out an answer with its body unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The caller reads it; a failure then is no longer one of the attempt.
    Later,
    /// It is read within the attempt, which is made again where that fails.
    Whole,
}
