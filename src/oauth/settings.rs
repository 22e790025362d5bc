//! What is asked of an OAuth server in every form, by what a token is found again, and what may not be given.

use super::{
    Settings,
    endpoint::{self, Place},
    form::Form,
    source::Grant,
};
use crate::{
    error::{ErrorKind, Fault, quoted},
    secret::Secret,
    token::TokenKey,
};

impl Settings {
    /// Everything that changes the token that a server would give.
    pub(super) fn key(&self, grant: &Grant) -> TokenKey {
        let endpoint = self.issuer.as_deref().or(self.given(Place::Token)).unwrap_or_default();
        let mut scopes: Vec<_> = self.scopes.iter().map(String::as_str).collect();
        scopes.sort_unstable();
        let scopes = scopes.join(" ");
        let parts = [
            ("endpoint", endpoint),
            ("grant", if grant.is_personal() { "personal" } else { "client_credentials" }),
            ("client", &self.id),
            ("account", self.account.as_deref().unwrap_or_default()),
            ("scope", &scopes),
        ];
        let names = self.extra.iter().map(|(name, value)| [Secret::from(name), value.clone()]);
        let mut secrets: Vec<_> = names.flatten().collect();
        secrets.push(self.secret.clone().unwrap_or_else(|| Secret::from("")));
        match grant {
            // The account may be called otherwise than the user.
            Grant::Password(user, password) => secrets.extend([user.clone(), password.clone()]),
            Grant::Refresh(token) => secrets.push(token.clone()),
            _ => {}
        }
        TokenKey::new(parts, &secrets)
    }

    /// The URL that the caller gave for `place`.
    pub(super) fn given(&self, place: Place) -> Option<&str> {
        place.of(&self.places)
    }

    /// `form` with the scopes and the further fields of a request for a token.
    pub(super) fn asked(&self, form: Form) -> Form {
        self.further(form.maybe("scope", self.scope()))
    }

    /// `form` with the further fields of a request for a token.
    pub(super) fn further(&self, form: Form) -> Form {
        self.extra.iter().fold(form, |form, (name, value)| form.with(name.clone(), value.clone()))
    }

    /// The scopes as they are asked for.
    pub(super) fn scope(&self) -> Option<String> {
        (!self.scopes.is_empty()).then(|| self.scopes.join(" "))
    }

    /// The same without those that were not `granted`, where that is known.
    pub(super) fn scope_within(&self, granted: Option<&str>) -> Option<String> {
        let Some(granted) = granted else { return self.scope() };
        let within = |scope: &&str| granted.split(' ').any(|granted| granted == *scope);
        let scopes: Vec<_> = self.scopes.iter().map(String::as_str).filter(within).collect();
        (!scopes.is_empty()).then(|| scopes.join(" "))
    }

    /// Says so where fewer scopes were granted than asked for.
    pub(super) fn compare(&self, granted: Option<&str>) {
        let Some(granted) = granted else { return };
        let granted: Vec<_> = granted.split(' ').collect();
        let missing: Vec<_> = self.scopes.iter().map(String::as_str).filter(|scope| !granted.contains(scope)).collect();
        if !missing.is_empty() {
            tracing::warn!(missing = missing.join(" "), "the server granted fewer scopes than were asked for");
        }
    }

    /// The first mistake in what was given.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let wrong = |why: &str| Err(Fault::new(ErrorKind::Auth, "config", why));
        for (place, url) in &self.places {
            endpoint::parse(url, place.name())?;
        }
        if let Some(issuer) = &self.issuer {
            endpoint::parse(issuer, "issuer")?;
        }
        for origin in &self.trusted {
            endpoint::parse(origin, "trusted origin")?;
        }
        if self.id.is_empty() {
            return wrong("OAuth 2.0 needs the id of a client; give it by .client(..) or .public_client(..)");
        }
        if self.timeout.is_zero() {
            return wrong("the timeout of OAuth 2.0 must be longer than nothing");
        }
        let odd = |scope: &&String| {
            scope.is_empty() || !scope.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'"' && byte != b'\\')
        };
        match self.scopes.iter().find(odd) {
            Some(scope) => wrong(&format!("the scope {} holds a character that no scope has", quoted(scope))),
            None => Ok(()),
        }
    }
}
