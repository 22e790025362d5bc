//! Where a token comes from: a grant of an OAuth server, or a function of the caller's own.

use std::{fmt, sync::Arc};

use super::{
    Settings,
    answer::Grant as Asked,
    form::Form,
    wire::{Granted, Wire},
};
use crate::{body::BoxFuture, error::Result, secret::Secret};

/// How a token is got where nothing is kept.
#[derive(Debug, Clone)]
pub(crate) enum Grant {
    ClientCredentials,
    Password(Secret, Secret),
    /// A refresh token that the caller had.
    Refresh(Secret),
    /// What an earlier sign-in left in the store, and nothing else.
    Stored,
    /// A person signs in.
    Interactive(Arc<dyn Interact>),
}

/// A sign-in by a person.
pub(crate) trait Interact: fmt::Debug + Send + Sync {
    /// Lets a person sign in, which may take minutes.
    fn sign_in<'a>(&'a self, wire: &'a Wire) -> BoxFuture<'a, Result<Granted>>;
}

/// Where tokens come from that no OAuth server of [`OAuth2`](crate::OAuth2) gives.
///
/// A closure that gives a future of a token is one.
pub trait TokenSource: Send + Sync {
    /// A new token; it is asked for once for all who wait for it.
    fn token(&self) -> BoxFuture<'_, Result<Secret>>;
}

impl<F, R> TokenSource for F
where
    F: Fn() -> R + Send + Sync,
    R: Future<Output = Result<Secret>> + Send + 'static,
{
    fn token(&self) -> BoxFuture<'_, Result<Secret>> {
        Box::pin(self())
    }
}

#[derive(Clone)]
pub(crate) enum Source {
    OAuth(Arc<Settings>, Grant),
    Own(Arc<dyn TokenSource>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own(_) => "own",
            Self::OAuth(_, Grant::ClientCredentials) => "client credentials",
            Self::OAuth(_, Grant::Password(..)) => "password",
            Self::OAuth(_, Grant::Refresh(_)) => "refresh token",
            Self::OAuth(_, Grant::Stored) => "stored",
            Self::OAuth(_, Grant::Interactive(_)) => "interactive",
        })
    }
}

impl Grant {
    /// Whether the token is a person's, and is refreshed; a client signs itself in anew.
    pub(super) fn is_personal(&self) -> bool {
        !matches!(self, Self::ClientCredentials)
    }

    /// Whether only a sign-in says whose the token is, and the settings do not.
    pub(super) fn is_somebodys(&self) -> bool {
        matches!(self, Self::Stored | Self::Interactive(_))
    }

    /// The refresh token that the caller gave.
    pub(super) fn initial(&self) -> Option<&Secret> {
        if let Self::Refresh(token) = self { Some(token) } else { None }
    }
}

/// Asks for a token by the client's own credentials.
pub(super) async fn client_credentials(wire: &Wire) -> Result<Granted> {
    let form = wire.settings.asked(Form::grant("client_credentials"));
    wire.token(Asked::Client, form).await
}

/// Asks for a token by a user's name and password.
pub(super) async fn password(wire: &Wire, user: &Secret, password: &Secret) -> Result<Granted> {
    let form = Form::grant("password").with("username", user.clone()).with("password", password.clone());
    wire.token(Asked::Password, wire.settings.asked(form)).await
}

/// Redeems a refresh token, for no more scopes than were `granted` with it (RFC 6749, section 6).
pub(super) async fn refresh(wire: &Wire, token: &Secret, granted: Option<&str>) -> Result<Granted> {
    let form = Form::grant("refresh_token").with("refresh_token", token.clone());
    let form = form.maybe("scope", wire.settings.scope_within(granted));
    wire.token(Asked::Refresh, wire.settings.further(form)).await
}
