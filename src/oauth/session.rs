//! The sign-in of a client, by hand: its token, a new one, none.

use std::sync::Arc;

use super::{present::Presented, renewal::Renewal, wire::Carrier};
use crate::{
    auth::{Around, Auth},
    error::{Error, ErrorKind, Result},
    secret::Secret,
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
    pub async fn token(&self) -> Result<Secret> {
        Ok(self.renewal.token(|| self.carrier.now()).await?.value().clone())
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
