//! Signing out: here first, and at the server where it can be asked.

use super::{
    super::{
        answer::{Grant, refusal},
        endpoint::Place,
        flight::{newest, readable},
        form::Form,
        wire::{Wire, unasked},
    },
    Session,
};
use crate::{
    error::{Error, Result},
    secret::Secret,
};

/// What signing out left undone at the server; here, the tokens are gone in any case.
#[derive(Debug, Default)]
#[non_exhaustive]
#[must_use]
pub struct Logout {
    /// Why the server may still accept the refresh token.
    pub refresh_token: Option<Error>,
    /// Why the API may still accept the access token, until it ends.
    pub access_token: Option<Error>,
}

impl Logout {
    /// Whether nothing is left undone.
    pub fn is_complete(&self) -> bool {
        self.refresh_token.is_none() && self.access_token.is_none()
    }
}

impl Session {
    /// Signs out: forgets the tokens, here and in the store, and has the server revoke them (RFC 7009), the refresh
    /// token first.
    ///
    /// A renewal that is under way is waited for, and what it brought is revoked too. A server that cannot be asked,
    /// or revokes nothing, is no error: what it comes to is in the [`Logout`].
    ///
    /// # Errors
    /// `Store` where the store could not take it; then the tokens may still be in it.
    pub async fn logout(&self) -> Result<Logout> {
        let wire = self.wire()?;
        let mut lock = self.renewal.store.lock(&self.renewal.key).await?;
        let held = self.renewal.held().map(|held| held.record.clone());
        let kept = lock.read().await;
        let unreadable = kept.is_err();
        let last = newest(held, readable(kept)?);
        let written = match &last {
            None if !unreadable => Ok(()),
            last => {
                // An empty record in place of none: a renewal that comes late finds that it is too late.
                let mut tombstone = last.clone().unwrap_or_default().cleared();
                tombstone.generation = tombstone.generation.saturating_add(1);
                lock.write(&tombstone).await
            }
        };
        self.renewal.forget();
        drop(lock);
        let last = last.unwrap_or_default();
        let logout = Logout {
            refresh_token: revoke(&wire, last.refresh_token.as_ref(), "refresh_token").await,
            access_token: revoke(&wire, last.access_token.as_ref(), "access_token").await,
        };
        written.map(|()| logout)
    }
}

/// Has the server revoke a token; why it may not have.
async fn revoke(wire: &Wire, token: Option<&Secret>, kind: &str) -> Option<Error> {
    let token = token?;
    let revoked = async {
        let uri = wire.place(Place::Revocation).await?;
        let form = Form::default().with("token", token.clone()).with("token_type_hint", kind);
        let reply = wire.post(&uri, &form).await.map_err(unasked)?;
        if reply.status.is_success() {
            return Ok(());
        }
        Err(refusal(Grant::Once, reply.status, &reply.body, &|text| reply.masks.apply(text)))
    };
    let error = revoked.await.err()?;
    tracing::warn!(token = kind, error.r#type = error.code(), "a token was forgotten, but not revoked");
    Some(error)
}
