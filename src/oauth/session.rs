//! The sign-in of a client, by hand: its token, a new one, none.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use super::{
    Settings,
    code::Authorization,
    held::{Held, millis},
    present::Presented,
    renewal::Renewal,
    source::Source,
    wire::{Carrier, Wire},
};
use crate::{
    auth::{Around, Auth},
    error::{Error, ErrorKind, Result},
    jwt,
    token::TokenRecord,
};

mod ask;
mod logout;
mod sign_in;

pub(super) use ask::bearer;
pub use logout::Logout;
pub use sign_in::SignIn;

/// The sign-in of a client, as [`Client::auth`](crate::Client::auth) gives it.
///
/// ```
/// # use restwalk::{Auth, Client, Secret};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
/// let client = Client::builder("https://api.example.com")
///     .auth(Auth::source(|| async { Ok(Secret::from("t0ken")) }))
///     .build()?;
/// assert_eq!(client.auth()?.token().await?.expose(), "t0ken");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Session {
    pub(super) renewal: Arc<Renewal>,
    pub(super) carrier: Carrier,
}

/// An access token as it is at hand. Printing it shows no part of it.
#[derive(Clone)]
pub struct Token(Arc<Held>);

impl Token {
    /// The token itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        self.0.value().expose()
    }

    /// What was granted, with blanks between scopes; `None` where neither side named any.
    pub fn scope(&self) -> Option<&str> {
        self.0.scope()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("scope", &self.scope()).finish_non_exhaustive()
    }
}

impl Session {
    /// The sign-in of these credentials.
    ///
    /// # Errors
    /// `Auth` where they hold no token that can be renewed.
    pub(crate) fn of(auth: &Auth, around: &Around<'_>) -> Result<Self> {
        let presented = auth.credential::<Presented>().ok_or_else(|| {
            let why = "the client does not sign in by OAuth 2.0; its credentials are what they are";
            Error::coded(ErrorKind::Auth, "auth.required", why)
        })?;
        Ok(Self { renewal: Arc::clone(&presented.renewal), carrier: Carrier::of(around) })
    }

    /// A token that is good now, renewed if it has to be.
    ///
    /// # Errors
    /// `Auth` or `Store`: why there is none.
    pub async fn token(&self) -> Result<Token> {
        Ok(Token(self.renewal.token(|| self.carrier.now()).await?))
    }

    /// Gives the token at hand up, so that the next call gets another.
    pub fn invalidate(&self) {
        self.renewal.invalidate();
    }

    /// Waits until no renewal is under way: a program that ends before might lose the token that it is being given.
    pub async fn settled(&self) {
        self.renewal.settled().await;
    }

    /// Whether the store has the token at hand; one that it could not take is offered to it again with each use.
    pub fn is_saved(&self) -> bool {
        !self.renewal.is_unsaved()
    }

    /// What was granted, with blanks between scopes; `None` where nobody is signed in, or neither side named any.
    ///
    /// # Errors
    /// `Store` where the store cannot be read.
    pub async fn scope(&self) -> Result<Option<String>> {
        Ok(self.record().await?.scope)
    }

    /// How long the access token still lasts, by the clock on the wall; `None` where there is none, or nobody said.
    ///
    /// # Errors
    /// `Store` where the store cannot be read.
    pub async fn expires_in(&self) -> Result<Option<Duration>> {
        let record = self.record().await?;
        let ends = record.access_token.and(record.expires_at);
        Ok(ends.map(|ends| Duration::from_millis(ends.saturating_sub(millis(SystemTime::now())))))
    }

    /// What the ID token says of the person, or else the access token where it can be read; for showing only, since no
    /// signature is checked.
    ///
    /// # Errors
    /// `Store` where the store cannot be read.
    pub async fn claims(&self) -> Result<Option<Value>> {
        let record = self.record().await?;
        let tokens = [record.id_token, record.access_token];
        Ok(tokens.iter().flatten().find_map(|token| jwt::claims(token.expose())).map(Value::Object))
    }

    /// Begins a sign-in whose answer comes to [`OAuth2::redirect_uri`](crate::OAuth2::redirect_uri), for a server of
    /// one's own; [`SignIn::callback`] ends it.
    ///
    /// # Errors
    /// `Auth` where no redirect URI is set, or the server has no place for it.
    pub async fn authorize(&self) -> Result<Authorization> {
        let wire = self.wire()?;
        let uri = wire.settings.redirect_uri.clone().ok_or_else(|| {
            Error::coded(ErrorKind::Auth, "config", "nobody can be sent back: name the place by .redirect_uri(..)")
        })?;
        Authorization::begin(&wire, &uri).await
    }

    /// What is kept of the sign-in: at hand, or else in the store.
    async fn record(&self) -> Result<TokenRecord> {
        let held = self.renewal.held().map(|held| held.record.clone());
        let kept = self.renewal.store.read(&self.renewal.key).await?;
        Ok(super::flight::newest(held, kept).unwrap_or_default())
    }

    fn settings(&self) -> Result<&Arc<Settings>> {
        match &self.renewal.source {
            Source::OAuth(settings, _) => Ok(settings),
            Source::Own(_) => {
                let why = "the client's token comes from a function of its own, which no server is asked about";
                Err(Error::coded(ErrorKind::Auth, "auth.required", why))
            }
        }
    }

    /// The server, as it is asked now.
    fn wire(&self) -> Result<Wire> {
        Ok(Wire { settings: Arc::clone(self.settings()?), carrier: self.carrier.now() })
    }
}
