//! Registering a client (RFC 7591), and taking that back (RFC 7592).

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, Uri, header::CONTENT_TYPE};
use serde::Serialize;
use serde_json::Value;

use super::{
    OAuth2,
    answer::failed,
    endpoint::{self, Place},
    session::bearer,
    wire::{Carrier, Content, Wire, unasked},
};
use crate::{
    auth::Around,
    error::{Error, ErrorKind, Result},
    secret::Secret,
};

/// A client that is to be registered with a server (RFC 7591); [`Client::register`](crate::Client::register) does it.
///
/// ```
/// use restwalk::{Client, Registration};
///
/// # async fn register() -> restwalk::Result<()> {
/// let client = Client::builder("https://api.example.com").build()?;
/// let tool = Registration::issuer("https://id.example.com").name("tool").scopes(["openid"]);
/// let registered = client.register(tool.redirect_uris(["http://127.0.0.1/callback"])).await?;
/// println!("{}", registered.client_id);
/// registered.delete().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Registration {
    oauth: OAuth2,
    token: Option<Secret>,
    described: Described,
}

/// What is said of the client, in the order in which it is sent.
#[derive(Debug, Clone, Default, Serialize)]
struct Described {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    redirect_uris: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    grant_types: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    response_types: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

impl Registration {
    fn new(oauth: OAuth2) -> Self {
        Self { oauth, token: None, described: Described::default() }
    }

    /// At the registration endpoint `url`: `https`, or `http` on this machine.
    pub fn at(url: impl Into<String>) -> Self {
        Self::new(OAuth2::new(None, vec![(Place::Registration, url.into())]))
    }

    /// At the endpoint that the metadata of `issuer` names.
    pub fn issuer(issuer: impl Into<String>) -> Self {
        Self::new(OAuth2::issuer(issuer))
    }

    /// As the WIPAC clients register at `address`: for the authorization code grant and the device grant.
    pub fn wipac(address: &str) -> Self {
        let at = Self::at(format!("{}/client", address.trim_end_matches('/')));
        at.grant_types(["authorization_code", super::device::GRANT])
    }

    /// Names the client for people.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.described.client_name = Some(name.into());
        self
    }

    /// Says which scopes it may ask for.
    pub fn scopes<S: AsRef<str>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        for scope in scopes {
            let known = self.described.scope.get_or_insert_default();
            known.push_str(if known.is_empty() { "" } else { " " });
            known.push_str(scope.as_ref());
        }
        self
    }

    /// Says which grants it may use, by their names on the wire; without any the server decides.
    pub fn grant_types<S: Into<String>>(mut self, grants: impl IntoIterator<Item = S>) -> Self {
        self.described.grant_types.extend(grants.into_iter().map(Into::into));
        self
    }

    /// Says which answers it may get of the authorization endpoint; without any the server decides.
    pub fn response_types<S: Into<String>>(mut self, kinds: impl IntoIterator<Item = S>) -> Self {
        self.described.response_types.extend(kinds.into_iter().map(Into::into));
        self
    }

    /// Says where browsers may be sent back to.
    pub fn redirect_uris<S: Into<String>>(mut self, uris: impl IntoIterator<Item = S>) -> Self {
        self.described.redirect_uris.extend(uris.into_iter().map(Into::into));
        self
    }

    /// Says how it signs in itself: `client_secret_basic`, `client_secret_post`, or `none` for a public client.
    pub fn auth_method(mut self, method: impl Into<String>) -> Self {
        self.described.token_endpoint_auth_method = Some(method.into());
        self
    }

    /// Says that it runs on a person's own machine, so that a browser may be sent back to any port of it (OpenID
    /// Connect Dynamic Client Registration 1.0).
    pub fn native(mut self) -> Self {
        self.described.application_type = Some("native");
        self
    }

    /// Signs in by `token`, where the server registers nobody without one.
    pub fn initial_access_token(mut self, token: impl Into<Secret>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sends it, once.
    pub(crate) async fn send(self, around: &Around<'_>) -> Result<Registered> {
        let carrier = Carrier::of(around).now();
        let wire = Wire { settings: Arc::new(self.oauth.0), carrier };
        let uri = wire.place(Place::Registration).await?;
        let mut content = match &self.token {
            Some(token) => bearer(token)?,
            None => Content::default(),
        };
        content.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        content.body = serde_json::to_vec(&self.described)
            .map(Bytes::from)
            .map_err(|error| failed(format!("the registration cannot be written: {error}")))?;
        let reply = wire.send(Method::POST, &uri, content).await.map_err(unasked)?;
        let map = reply.object(Place::Registration)?;
        let text = |name: &str| map.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let lacks = || failed("what the registration_endpoint answered has no client_id");
        Ok(Registered {
            client_id: text("client_id").ok_or_else(lacks)?.to_owned(),
            client_secret: text("client_secret").map(Secret::from),
            place: text("registration_client_uri").map(str::to_owned),
            token: text("registration_access_token").map(Secret::from),
            uri,
            wire,
        })
    }
}

/// A client that was registered.
#[non_exhaustive]
pub struct Registered {
    /// Its id.
    pub client_id: String,
    /// Its secret, unless it is a public client.
    pub client_secret: Option<Secret>,
    place: Option<String>,
    token: Option<Secret>,
    uri: Uri,
    wire: Wire,
}

impl Registered {
    /// Takes the registration back (RFC 7592, section 2.3).
    ///
    /// # Errors
    /// `Auth` where the server gave nothing to do it by, named a place of another origin, or did not do it.
    pub async fn delete(self) -> Result<()> {
        let (Some(place), Some(token)) = (&self.place, &self.token) else {
            let why = "the server gave nothing by which the registration could be taken back";
            return Err(Error::coded(ErrorKind::Auth, "auth.denied", why));
        };
        let place = endpoint::parse(place, "registration_client_uri")?;
        if !endpoint::is_same(&self.uri, &place) && !self.wire.settings.trusts(&place)? {
            return Err(failed("the registration_client_uri is of another origin than the registration_endpoint"));
        }
        let reply = self.wire.send(Method::DELETE, &place, bearer(token)?).await.map_err(unasked)?;
        if reply.status.is_success() { Ok(()) } else { reply.object(Place::Registration).map(|_| ()) }
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registered({})", self.client_id)
    }
}
