//! The sign-in of a client, by hand: its token, a new one, none.

use std::{fmt, sync::Arc};

use super::{held::Held, present::Presented, renewal::Renewal, wire::Carrier};
use crate::{
    auth::{Around, Auth},
    error::{Error, ErrorKind, Result},
};

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
        Ok(Self { renewal: Arc::clone(&presented.renewal), carrier: super::present::carrier(around) })
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

    /// Whether the store has the token at hand; one that it could not take is offered to it again with each use.
    pub fn is_saved(&self) -> bool {
        !self.renewal.is_unsaved()
    }
}
