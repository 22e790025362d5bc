//! Signing in anew, whatever an earlier sign-in left.

use std::sync::Arc;

use super::{
    super::{
        DevicePrompt,
        code::{Authorization, Callback},
        device::Device,
        flight::{self, readable},
        source::{self, Grant, Source},
    },
    Session,
};
use crate::{
    error::{Error, ErrorKind, Result},
    secret::Secret,
};

/// How somebody signs in; see [`Session::sign_in`].
#[derive(Debug)]
#[must_use]
pub struct SignIn(Grant);

impl SignIn {
    /// By name and password (RFC 6749, section 4.3).
    pub fn password(user: impl Into<Secret>, password: impl Into<Secret>) -> Self {
        Self(Grant::Password(user.into(), password.into()))
    }

    /// By a refresh token (RFC 6749, section 6), which is redeemed at once.
    pub fn refresh_token(token: impl Into<Secret>) -> Self {
        Self(Grant::Refresh(token.into()))
    }

    /// Elsewhere, by a code that `prompt` shows; see [`OAuth2::device`](crate::OAuth2::device).
    pub fn device(prompt: impl Fn(&DevicePrompt) -> Result<()> + Send + Sync + 'static) -> Self {
        Self(Grant::Interactive(Arc::new(Device::new(prompt))))
    }

    /// By a browser of this machine; see [`OAuth2::authorization_code`](crate::OAuth2::authorization_code).
    #[cfg(feature = "browser")]
    pub fn authorization_code(browser: impl Fn(&str) -> Result<()> + Send + Sync + 'static) -> Self {
        Self(Grant::Interactive(Arc::new(super::super::code::Browser::new(browser))))
    }

    /// By `url`, to which the server sent the browser of a person whose sign-in [`Session::authorize`] began.
    ///
    /// Its query is what counts: a proxy may have changed the rest.
    pub fn callback(authorization: Authorization, url: impl Into<Secret>) -> Self {
        Self(Grant::Interactive(Arc::new(Callback { authorization, url: url.into() })))
    }
}

impl Session {
    /// Signs somebody in, whatever the store has, and keeps their tokens in its place.
    ///
    /// Dropping the future ends it at once, and nothing is kept. Whether the store took the tokens,
    /// [`Session::is_saved`] says.
    ///
    /// ```
    /// use restwalk::{Client, OAuth2, SignIn};
    ///
    /// # async fn sign_in() -> restwalk::Result<()> {
    /// let service = OAuth2::issuer("https://id.example.com").public_client("tool");
    /// let client = Client::builder("https://api.example.com").auth(service.stored()).build()?;
    /// let device = SignIn::device(|prompt| {
    ///     eprintln!("{prompt}");
    ///     Ok(())
    /// });
    /// client.auth()?.sign_in(device).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `Auth`: the code says whether the server or the person said no (`auth.denied`), or the time was over
    /// (`auth.expired`). `Store` where the store cannot be locked or read.
    pub async fn sign_in(&self, how: SignIn) -> Result<()> {
        let wire = self.wire()?;
        if matches!(&self.renewal.source, Source::OAuth(_, grant) if !grant.is_personal()) {
            let why = "the client signs in by its own credentials, and nobody else can; end .stored() instead";
            return Err(Error::coded(ErrorKind::Auth, "config", why));
        }
        // Nobody is to sign in for a store that takes nothing.
        let known = readable(self.renewal.store.lock(&self.renewal.key).await?.read().await)?;
        let granted = match &how.0 {
            Grant::Password(user, password) => source::password(&wire, user, password).await?,
            Grant::Refresh(token) => source::refresh(&wire, token, None).await?,
            Grant::Interactive(person) => person.sign_in(&wire).await?,
            Grant::ClientCredentials | Grant::Stored => return Ok(()),
        };
        flight::begin(&self.renewal, &wire.settings, granted, known, how.0.initial()).await.map(|_| ())
    }
}
