//! Whose a token is, as far as can be told without renewing it.

use std::sync::Arc;

use super::{
    flight::newest,
    renewal::Renewal,
    source::{Grant, Source},
    wire::Carrier,
};
use crate::{
    auth::named,
    error::Result,
    jwt, random,
    secret::{Secret, hex},
    token::{Freshness, TokenRecord},
};

/// What tells one sign-in from others; `None` where there is no randomness.
pub(super) fn grant() -> Option<String> {
    random::bytes::<16>().ok().map(|bytes| hex(&bytes))
}

impl Renewal {
    /// A text that is the same for the same person or service, whatever token they have by now. Nobody signs in for it
    /// where the settings tell, or what is at hand or in the store.
    ///
    /// # Errors
    /// `Auth` or `Store`: why there is no token that says whose it is.
    pub(super) async fn whose(self: &Arc<Self>, carrier: impl FnOnce() -> Carrier) -> Result<Secret> {
        let grant = match &self.source {
            // The next one may be another's: what is sent is what counts.
            Source::Own(_) => return Ok(named([("token", self.token(carrier).await?.value().expose())])),
            Source::OAuth(_, grant) => grant,
        };
        let settings = self.key.id(b"whose");
        if let Grant::ClientCredentials = grant {
            return Ok(named([("settings", settings.as_str())]));
        }
        let held = self.held().filter(|held| held.freshness() != Freshness::Ended);
        let kept = if held.is_none() { self.ended().await? } else { None };
        match held.as_ref().map(|held| &held.record).or(kept.as_ref()) {
            Some(record) if record.grant.is_some() || grant.is_somebodys() => Ok(person(&settings, record)),
            None if grant.is_somebodys() => Ok(person(&settings, &self.token(carrier).await?.record)),
            _ => Ok(named([("settings", settings.as_str())])),
        }
    }

    /// What is known of the sign-in that the next request goes out by, where no token at hand is good; `None` where there
    /// is none.
    async fn ended(&self) -> Result<Option<TokenRecord>> {
        let held = self.held();
        // Another process may have let somebody else sign in meanwhile.
        let kept = match (self.store.read(&self.key).await, &held) {
            (Err(_), Some(_)) => None,
            (kept, _) => kept?,
        };
        Ok(newest(held.map(|held| held.record.clone()), kept).filter(TokenRecord::is_of_use))
    }
}

/// Whose a record is: the one of whom the ID token speaks, or else whoever signed in; for these scopes.
fn person(settings: &str, record: &TokenRecord) -> Secret {
    let claims = |token: &Option<Secret>| jwt::claims(token.as_ref()?.expose());
    let text = |claims: &serde_json::Map<String, serde_json::Value>, name: &str| {
        claims.get(name).and_then(|value| value.as_str()).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let known = claims(&record.id_token).and_then(|claims| Some((text(&claims, "iss")?, text(&claims, "sub")?)));
    let sub = claims(&record.access_token).and_then(|claims| text(&claims, "sub")).unwrap_or_default();
    let mut scopes: Vec<_> = record.scope.as_deref().unwrap_or_default().split_ascii_whitespace().collect();
    scopes.sort_unstable();
    let scopes = scopes.join(" ");
    let common = [("settings", settings), ("scopes", scopes.as_str()), ("access", sub.as_str())];
    let token = record.refresh_token.as_ref().or(record.access_token.as_ref()).map_or("", Secret::expose);
    match (&known, &record.grant) {
        (Some((iss, sub)), _) => named(common.into_iter().chain([("iss", iss.as_str()), ("sub", sub.as_str())])),
        (None, Some(grant)) => named(common.into_iter().chain([("grant", grant.as_str())])),
        (None, None) => named(common.into_iter().chain([("token", token)])),
    }
}

#[cfg(test)]
mod tests;
