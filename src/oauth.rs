//! OAuth 2.0 and OpenID Connect: which server, which client, which grant, and a token that is kept good.
//!
//! [`OAuth2`] describes them and ends in an [`Auth`]. `renewal` holds the token and has it renewed once for all who
//! wait; `flight` is one renewal; `wire` asks the server; `answer` reads what it says.

use std::{sync::Arc, time::Duration};

use tokio::sync::OnceCell;

use crate::{
    auth::Auth,
    secret::Secret,
    token::{Margin, TokenKey, TokenStore},
};

mod answer;
mod challenge;
mod code;
mod device;
mod discovery;
mod endpoint;
mod flight;
mod form;
mod held;
mod id_token;
mod pkce;
mod present;
mod registration;
mod renewal;
mod session;
mod settings;
mod source;
mod whose;
mod wire;

pub use code::Authorization;
pub use device::DevicePrompt;
pub use registration::{Registered, Registration};
pub use session::{Logout, Session, SignIn, Token};
pub use source::TokenSource;

use discovery::Metadata;
use endpoint::Place;
use present::Presented;
use renewal::Renewal;
use source::{Grant, Source};

/// Signs in by OAuth 2.0 (RFC 6749): a server, a client, and at last a grant, which gives an [`Auth`].
///
/// Clients that are given the same `Auth` share its token; so do all that share a [`TokenStore`]. However many calls
/// wait for a token, it is asked for once. It is renewed in the background before it ends, and once where the
/// API answers 401; a 403 changes nothing. A mistake in the description is the error of the client's `build`.
///
/// ```
/// use restwalk::{Client, OAuth2};
///
/// let service = OAuth2::token_url("https://id.example.com/token").client("billing", "s3cret").scopes(["people.read"]);
/// let client = Client::builder("https://api.example.com").auth(service.client_credentials()).build()?;
/// # Ok::<(), restwalk::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct OAuth2(Settings);

/// What is known of a server and of the client that asks it.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    issuer: Option<String>,
    places: Vec<(Place, String)>,
    /// What the issuer says of itself, once it was asked.
    metadata: Arc<OnceCell<Metadata>>,
    /// Origins besides the issuer's whose endpoints are trusted.
    trusted: Vec<String>,
    id: String,
    secret: Option<Secret>,
    /// The client's secret stands in the form, not in a header.
    in_body: bool,
    scopes: Vec<String>,
    extra: Vec<(String, Secret)>,
    account: Option<String>,
    /// Where a browser is sent back to.
    redirect_uri: Option<String>,
    store: TokenStore,
    margin: Margin,
    /// The longest that one request takes.
    timeout: Duration,
    scheme: String,
    /// Header templates in place of `Authorization`.
    headers: Vec<(String, String)>,
    untyped: bool,
}

impl OAuth2 {
    fn new(issuer: Option<String>, places: Vec<(Place, String)>) -> Self {
        Self(Settings {
            issuer,
            places,
            metadata: Arc::default(),
            trusted: Vec::new(),
            id: String::new(),
            secret: None,
            in_body: false,
            scopes: Vec::new(),
            extra: Vec::new(),
            account: None,
            redirect_uri: None,
            store: TokenStore::memory(),
            margin: Margin::Standard,
            timeout: Duration::from_secs(8),
            scheme: "Bearer".to_owned(),
            headers: Vec::new(),
            untyped: false,
        })
    }

    /// A server whose token endpoint is at `url`: `https`, or `http` on this machine.
    pub fn token_url(url: impl Into<String>) -> Self {
        Self::new(None, vec![(Place::Token, url.into())])
    }

    /// A server whose metadata is found under `url` (OpenID Connect Discovery, RFC 8414), when it is first needed.
    ///
    /// What it names is trusted where it is of the issuer's own origin; see [`OAuth2::trust`] for another.
    pub fn issuer(url: impl Into<String>) -> Self {
        Self::new(Some(url.into()), Vec::new())
    }

    /// A server as the WIPAC clients ask it: an issuer, and always the scope `offline_access`, so that a refresh token is
    /// given.
    pub fn wipac(issuer: impl Into<String>) -> Self {
        Self::issuer(issuer).scopes(["offline_access"])
    }

    /// A server of Open edX, as its `edx-rest-api-client` asks it: the token URL is made of `base_url`, the secret
    /// stands in the form with `token_type=jwt`, the token is sent as `Authorization: JWT …` and renewed 5 s before
    /// it ends.
    pub fn edx(base_url: &str) -> Self {
        Self::edx_at(base_url, "")
    }

    /// As [`OAuth2::edx`], with a path that is added to `base_url` first.
    pub fn edx_at(base_url: &str, oauth_uri: &str) -> Self {
        let preset = Self::token_url(endpoint::edx(base_url, oauth_uri));
        preset.in_body(true).extra("token_type", "jwt").scheme("JWT").margin(Duration::from_secs(5)).untyped(true)
    }

    /// Names the client and its secret, which is sent by HTTP Basic.
    pub fn client(mut self, id: impl Into<String>, secret: impl Into<Secret>) -> Self {
        (self.0.id, self.0.secret) = (id.into(), Some(secret.into()));
        self
    }

    /// Names a client that has no secret.
    pub fn public_client(mut self, id: impl Into<String>) -> Self {
        (self.0.id, self.0.secret) = (id.into(), None);
        self
    }

    /// Sends the client's secret in the form, for servers that want it there.
    pub fn in_body(mut self, in_body: bool) -> Self {
        self.0.in_body = in_body;
        self
    }

    /// Asks for these scopes; without any the server decides.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.0.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Adds a field to each form that asks for a token, such as `audience`.
    pub fn extra(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.0.extra.push((name.into(), value.into()));
        self
    }

    /// Says whose sign-in this is, where one store holds those of several.
    pub fn account(mut self, name: impl Into<String>) -> Self {
        self.0.account = Some(name.into());
        self
    }

    /// Keeps the token in `store`; by default in memory, for the clients that are given this [`Auth`].
    pub fn store(mut self, store: &TokenStore) -> Self {
        self.0.store = store.clone();
        self
    }

    /// Renews the token exactly so long before it ends, and nothing in the background.
    ///
    /// By default it is renewed in the background during the last fifth of its life, 300 s at most, and waited for
    /// in the last 10 s of it.
    pub fn margin(mut self, margin: Duration) -> Self {
        self.0.margin = Margin::Fixed(margin);
        self
    }

    /// Limits each request to the server, connecting and reading included; 8 s by default.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.0.timeout = time;
        self
    }

    /// Sends the token as `Authorization: SCHEME token`; `Bearer` by default.
    pub fn scheme(mut self, scheme: impl Into<String>) -> Self {
        self.0.scheme = scheme.into();
        self
    }

    /// Sends the token in headers of these templates, in place of `Authorization`.
    ///
    /// `{token}` is the token, `{scope}` what was granted, or else asked for, and `{actor}` the client's actor, or else
    /// the account.
    pub fn headers<N: Into<String>, T: Into<String>>(mut self, headers: impl IntoIterator<Item = (N, T)>) -> Self {
        self.0.headers.extend(headers.into_iter().map(|(name, template)| (name.into(), template.into())));
        self
    }

    /// Accepts a token whose type the server does not name, though RFC 6749 wants it to.
    pub fn untyped(mut self, accept: bool) -> Self {
        self.0.untyped = accept;
        self
    }

    /// Names where a device is signed in; without it, the issuer says.
    pub fn device_url(self, url: impl Into<String>) -> Self {
        self.at(Place::Device, url)
    }

    /// Names where a person is sent to sign in; without it, the issuer says. Its query is kept.
    pub fn authorization_url(self, url: impl Into<String>) -> Self {
        self.at(Place::Authorization, url)
    }

    /// Names where tokens are revoked (RFC 7009); without it, the issuer says.
    pub fn revocation_url(self, url: impl Into<String>) -> Self {
        self.at(Place::Revocation, url)
    }

    /// Names where the server is asked about a token (RFC 7662); without it, the issuer says.
    pub fn introspection_url(self, url: impl Into<String>) -> Self {
        self.at(Place::Introspection, url)
    }

    /// Names where the server is asked about a person; without it, the issuer says.
    pub fn userinfo_url(self, url: impl Into<String>) -> Self {
        self.at(Place::UserInfo, url)
    }

    /// Trusts endpoints of this origin too, where the issuer's metadata names some.
    pub fn trust(mut self, origin: impl Into<String>) -> Self {
        self.0.trusted.push(origin.into());
        self
    }

    /// Signs the client itself in (RFC 6749, section 4.4).
    pub fn client_credentials(self) -> Auth {
        self.granted(Grant::ClientCredentials)
    }

    /// Signs a user in by name and password (RFC 6749, section 4.3), where a server still offers it.
    pub fn password(mut self, user: impl Into<Secret>, password: impl Into<Secret>) -> Auth {
        let user = user.into();
        self.0.account.get_or_insert_with(|| user.expose().to_owned());
        self.granted(Grant::Password(user, password.into()))
    }

    /// Begins with a refresh token (RFC 6749, section 6); those that follow it are kept in the store.
    pub fn refresh_token(self, token: impl Into<Secret>) -> Auth {
        self.granted(Grant::Refresh(token.into()))
    }

    /// Goes on with what an earlier sign-in left in the store; without one a call fails with `auth.required`.
    ///
    /// [`Session::sign_in`] lets a person sign in.
    pub fn stored(self) -> Auth {
        self.granted(Grant::Stored)
    }

    fn at(mut self, place: Place, url: impl Into<String>) -> Self {
        self.0.places.retain(|(known, _)| *known != place);
        self.0.places.push((place, url.into()));
        self
    }

    fn granted(self, grant: Grant) -> Auth {
        let settings = self.0;
        let (key, store, margin) = (settings.key(&grant), settings.store.clone(), settings.margin);
        let source = Source::OAuth(Arc::new(settings), grant);
        Auth::of(Arc::new(Presented::new(Renewal::new(source, key, store, margin))))
    }
}

impl Auth {
    /// Sends the token that `source` gives, as a bearer token. It is asked for again 5 s before the token ends where it
    /// is a JSON Web Token that says when, else once the server refuses it. What a cache keeps is for one token alone.
    ///
    /// ```
    /// use restwalk::{Auth, Client, Secret};
    ///
    /// let client = Client::builder("https://api.example.com")
    ///     .auth(Auth::source(|| async { Ok(Secret::from("t0ken")) }))
    ///     .build()?;
    /// # Ok::<(), restwalk::Error>(())
    /// ```
    pub fn source(source: impl TokenSource + 'static) -> Self {
        let number = crate::auth::number().to_string();
        let key = TokenKey::new([("own", number.as_str())], []);
        let margin = Margin::Fixed(Duration::from_secs(5));
        let renewal = Renewal::new(Source::Own(Arc::new(source)), key, TokenStore::memory(), margin);
        Self::of(Arc::new(Presented::new(renewal)))
    }
}
