//! A sign-in by OAuth 2.0, as a file describes it.

use std::path::PathBuf;

use super::{
    place::Place,
    reference::{Around, Reference, Shown},
};
use crate::{
    auth::Auth,
    discover::Discover,
    error::{Error, ErrorKind, Result, quoted},
    oauth::OAuth2,
    token::TokenStore,
};

/// The variable that says where tokens are kept, whatever the file says.
const TOKENS: &str = "RESTWALK_TOKENS";

/// How an environment signs in by OAuth 2.0.
#[derive(Default)]
pub(super) struct OAuth {
    pub(super) preset: Option<Preset>,
    pub(super) issuer: Option<String>,
    pub(super) token_url: Option<Place>,
    /// Other endpoints, by their keys.
    pub(super) urls: Vec<(String, String)>,
    /// Where a browser is sent back to.
    pub(super) redirect_uri: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<Reference>,
    pub(super) in_body: Option<bool>,
    pub(super) grant: Option<Grant>,
    pub(super) username: Option<String>,
    pub(super) password: Option<Reference>,
    pub(super) refresh_token: Option<Reference>,
    pub(super) account: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) extra: Vec<(String, Reference)>,
    pub(super) scheme: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) untyped: Option<bool>,
    pub(super) trust: Vec<String>,
    pub(super) store: Option<Store>,
}

/// Settings that go together, of which any may be given all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Preset {
    Max,
    Edx,
    Wipac,
}

/// How a first token is got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grant {
    ClientCredentials,
    Password,
    Device,
    AuthorizationCode,
    RefreshToken,
}

/// Where tokens are kept.
#[derive(Clone)]
pub(super) enum Store {
    Memory,
    /// In the person's own file, or in another one.
    File(Option<PathBuf>),
    Keyring(String),
    /// By the URL of a server, and the key that seals what is kept there.
    Redis(Reference, Reference),
}

/// What stands around a sign-in besides its secrets.
pub(super) struct Where<'a> {
    /// The token endpoint, where a document named it.
    pub(super) token_url: Option<&'a str>,
    pub(super) base_url: Option<&'a str>,
    /// What keeps tokens in this process.
    pub(super) memory: &'a TokenStore,
}

impl Preset {
    pub(super) const ALL: [(&'static str, Self); 3] = [("max", Self::Max), ("edx", Self::Edx), ("wipac", Self::Wipac)];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }
}

impl Grant {
    pub(super) const ALL: [(&'static str, Self); 5] = [
        ("client_credentials", Self::ClientCredentials),
        ("password", Self::Password),
        ("device", Self::Device),
        ("authorization_code", Self::AuthorizationCode),
        ("refresh_token", Self::RefreshToken),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }
}

impl OAuth {
    pub(super) fn references(&self) -> impl Iterator<Item = &Reference> {
        let own = [&self.client_secret, &self.password, &self.refresh_token].into_iter().flatten();
        let stored = match &self.store {
            Some(Store::Redis(url, key)) => vec![url, key],
            _ => Vec::new(),
        };
        own.chain(self.extra.iter().map(|(_, value)| value)).chain(stored)
    }

    /// The way that the file names, or its preset has.
    pub(super) fn grant(&self) -> Option<Grant> {
        self.grant.or_else(|| match self.preset? {
            Preset::Max => Some(Grant::Password),
            Preset::Edx => Some(Grant::ClientCredentials),
            Preset::Wipac => Some(Grant::Device),
        })
    }

    /// Where the token endpoint is to be found: MAX's servers tell it themselves.
    pub(super) fn token_place(&self) -> Option<&Discover> {
        self.token_url.as_ref()?.discover()
    }

    /// Whether a person has to sign in, and calls go on with what that left.
    pub(super) fn is_personal(&self) -> bool {
        match self.grant() {
            Some(Grant::ClientCredentials | Grant::RefreshToken) => false,
            Some(Grant::Password) => self.password.is_none(),
            Some(Grant::Device | Grant::AuthorizationCode) | None => true,
        }
    }

    /// What is missing or does not go together.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self.preset {
            None if self.issuer.is_none() && self.token_url.is_none() => {
                return Err("expected issuer or token_url, to know where to ask");
            }
            _ if self.issuer.is_some() && self.token_url.is_some() => {
                return Err("expected one of issuer, token_url: an issuer names its token endpoint itself");
            }
            Some(Preset::Wipac) if self.issuer.is_none() => return Err("the preset wipac needs an issuer"),
            Some(Preset::Edx) if self.token_url.as_ref().is_some_and(|url| url.named().is_none()) => {
                return Err("the preset edx takes a token_url that is a text");
            }
            _ => {}
        }
        if self.client_id.is_none() && self.preset != Some(Preset::Max) {
            return Err("the key \"client_id\" is missing");
        }
        match self.grant() {
            Some(Grant::RefreshToken) if self.refresh_token.is_none() => {
                Err("the grant refresh_token needs the key refresh_token, which says where the first one is")
            }
            Some(Grant::Password) if self.password.is_some() && self.username.is_none() => {
                Err("a password needs the key username")
            }
            grant if self.password.is_some() && grant != Some(Grant::Password) => {
                Err("a password is for the grant password")
            }
            _ => Ok(()),
        }
    }

    /// How it signs in, where, as what, and where its secrets are.
    pub(super) fn summary(&self, shown: Shown) -> String {
        let list = |name: &str, items: &[String]| (!items.is_empty()).then(|| format!("{name} {}", items.join(" ")));
        let secret = |name: &str, it: &Option<Reference>| it.as_ref().map(|it| format!("{name} {}", it.told(shown)));
        let text = |name: &str, it: &Option<String>| it.as_ref().map(|it| format!("{name} {it}"));
        let kind = self.grant().map_or_else(|| "by a person".to_owned(), |grant| format!("by {}", grant.name()));
        let mut parts = vec![match self.preset {
            Some(preset) => format!("OAuth 2.0 of {}, {kind}", preset.name()),
            None => format!("OAuth 2.0 {kind}"),
        }];
        parts.extend(text("issuer", &self.issuer));
        parts.extend(self.token_url.as_ref().map(|url| format!("token_url {}", url.told())));
        parts.extend(self.urls.iter().map(|(key, url)| format!("{key} {url}")));
        parts.extend(text("redirect_uri", &self.redirect_uri));
        parts.extend(list("trust", &self.trust));
        parts.extend(text("client", &self.client_id));
        parts.extend(secret("secret", &self.client_secret));
        parts.extend(text("username", &self.username));
        parts.extend(secret("password", &self.password));
        parts.extend(secret("refresh token", &self.refresh_token));
        parts.extend(text("account", &self.account));
        parts.extend(list("scopes", &self.scopes));
        parts.extend(self.extra.iter().map(|(name, value)| format!("{name} {}", value.told(shown))));
        parts.extend(self.headers.iter().map(|(name, template)| match shown {
            Shown::Place => format!("header {name}"),
            Shown::Whole => format!("header {name}: {template}"),
        }));
        parts.extend(self.store.as_ref().map(|store| format!("store {}", store.told(shown))));
        parts.join(", ")
    }

    /// The credentials, their secrets looked up. What a person must do first is left to be done.
    pub(super) fn resolve(&self, around: &Around<'_>, place: &Where<'_>) -> Result<Auth> {
        let oauth = self.described(around, place)?;
        let username = || self.username.clone().unwrap_or_default();
        Ok(match (self.grant(), &self.password, &self.refresh_token) {
            (Some(Grant::ClientCredentials), ..) => oauth.client_credentials(),
            (Some(Grant::Password), Some(password), _) => oauth.password(username(), password.resolve(around)?),
            (Some(Grant::RefreshToken), _, Some(token)) => oauth.refresh_token(token.resolve(around)?),
            _ => oauth.stored(),
        })
    }

    /// The server and the client, and where tokens are kept.
    fn described(&self, around: &Around<'_>, place: &Where<'_>) -> Result<OAuth2> {
        let mut oauth = self.server(place)?;
        let id = self.client_id.clone().unwrap_or_else(|| "MAX".to_owned());
        oauth = match &self.client_secret {
            Some(secret) => oauth.client(id, secret.resolve(around)?),
            None => oauth.public_client(id),
        };
        for (key, url) in &self.urls {
            oauth = match key.as_str() {
                "device_url" => oauth.device_url(url),
                "authorization_url" => oauth.authorization_url(url),
                "revocation_url" => oauth.revocation_url(url),
                "introspection_url" => oauth.introspection_url(url),
                _ => oauth.userinfo_url(url),
            };
        }
        if let Some(uri) = &self.redirect_uri {
            oauth = oauth.redirect_uri(uri);
        }
        for (name, value) in &self.extra {
            oauth = oauth.extra(name, value.resolve(around)?);
        }
        if let Some(in_body) = self.in_body {
            oauth = oauth.in_body(in_body);
        }
        if let Some(untyped) = self.untyped {
            oauth = oauth.untyped(untyped);
        }
        if let Some(scheme) = &self.scheme {
            oauth = oauth.scheme(scheme);
        }
        if let Some(account) = self.account.as_ref().or(self.username.as_ref()) {
            oauth = oauth.account(account);
        }
        oauth = self.trust.iter().fold(oauth, OAuth2::trust);
        let headers = self.headers.iter().map(|(name, template)| (name, template));
        Ok(oauth.scopes(&self.scopes).headers(headers).store(&self.stored(around, place.memory)?))
    }

    /// The server, with what its preset has of the rest and the file does not say.
    pub(super) fn server(&self, place: &Where<'_>) -> Result<OAuth2> {
        let token_url = self.token_url.as_ref().and_then(Place::named).or(place.token_url);
        let missing = || {
            let why = "where the OAuth server is stands in a document; call Environment::discover first";
            Error::coded(ErrorKind::Request, "config", why)
        };
        Ok(match (self.preset, &self.issuer) {
            (Some(Preset::Edx), _) => OAuth2::edx(token_url.or(place.base_url).ok_or_else(missing)?),
            (Some(Preset::Wipac), Some(issuer)) => OAuth2::wipac(issuer),
            (Some(Preset::Max), _) => self.max(OAuth2::token_url(token_url.ok_or_else(missing)?)),
            (_, Some(issuer)) => OAuth2::issuer(issuer),
            (_, None) => OAuth2::token_url(token_url.ok_or_else(missing)?),
        })
    }

    /// As MAX has it: three headers, one scope, and a form that goes past its consent page.
    fn max(&self, mut oauth: OAuth2) -> OAuth2 {
        if self.scopes.is_empty() {
            oauth = oauth.scopes(["widgetcli"]);
        }
        if self.extra.iter().all(|(name, _)| name != "bypass") {
            oauth = oauth.extra("bypass", "true");
        }
        if self.headers.is_empty() {
            let headers = [("X-Oauth-Token", "{token}"), ("X-Oauth-Username", "{actor}"), ("X-Oauth-Scope", "{scope}")];
            oauth = oauth.headers(headers);
        }
        oauth.untyped(true)
    }

    /// Where its tokens are kept: what `RESTWALK_TOKENS` says, else the file, else the person's own file of tokens.
    pub(super) fn stored(&self, around: &Around<'_>, memory: &TokenStore) -> Result<TokenStore> {
        match around.variables.get(TOKENS) {
            Some(text) => Store::parse(&text).map_err(wrong_variable)?.open(around, memory),
            None => self.store.as_ref().unwrap_or(&Store::File(None)).open(around, memory),
        }
    }

    /// The same, for a person.
    pub(super) fn store(&self, around: &Around<'_>) -> Result<String> {
        let store = match around.variables.get(TOKENS) {
            Some(text) => Store::parse(&text).map_err(wrong_variable)?,
            None => self.store.clone().unwrap_or(Store::File(None)),
        };
        Ok(match store {
            Store::File(path) => format!("the file {}", place_of(path, around)?.display()),
            other => other.told(Shown::Place),
        })
    }
}

fn wrong_variable(why: &'static str) -> Error {
    Error::coded(ErrorKind::Request, "config", format!("the variable {TOKENS} cannot be used: {why}"))
}

impl Store {
    /// `file`, `memory`, `keyring`, or the whole path of a file.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "memory" => Ok(Self::Memory),
            "file" => Ok(Self::File(None)),
            "keyring" => Ok(Self::Keyring("restwalk".to_owned())),
            path if PathBuf::from(path).is_absolute() => Ok(Self::File(Some(path.into()))),
            _ => Err("expected file, keyring, memory, or the whole path of a file"),
        }
    }

    fn open(&self, around: &Around<'_>, memory: &TokenStore) -> Result<TokenStore> {
        Ok(match self {
            Self::Memory => memory.clone(),
            Self::File(path) => TokenStore::file(place_of(path.clone(), around)?),
            #[cfg(feature = "keyring")]
            Self::Keyring(service) => TokenStore::keyring(service),
            #[cfg(not(feature = "keyring"))]
            Self::Keyring(_) => return Err(absent("the system's keyring")),
            #[cfg(feature = "redis")]
            Self::Redis(url, key) => {
                TokenStore::redis(&crate::redis::Redis::url(url.resolve(around)?)?, key.resolve(around)?)?
            }
            #[cfg(not(feature = "redis"))]
            Self::Redis(..) => return Err(absent("Redis")),
        })
    }

    fn told(&self, shown: Shown) -> String {
        match self {
            Self::Memory => "memory".to_owned(),
            Self::File(None) => "file".to_owned(),
            Self::File(Some(path)) => format!("file {}", path.display()),
            Self::Keyring(service) => format!("keyring {}", quoted(service)),
            Self::Redis(url, key) => format!("redis {}, key {}", url.told(shown), key.told(shown)),
        }
    }
}

/// The file of tokens: relative to the file that names it, or the person's own.
fn place_of(path: Option<PathBuf>, around: &Around<'_>) -> Result<PathBuf> {
    match path {
        Some(path) => Ok(super::reference::located(&path, around)),
        None => Ok(around.variables.state()?.join("tokens.json")),
    }
}

/// The error of a store that this build has nothing for.
#[cfg(not(all(feature = "keyring", feature = "redis")))]
fn absent(what: &str) -> Error {
    let why = format!("this build cannot use {what}; keep tokens in a file, by store: file");
    Error::coded(ErrorKind::Store, "store.permission", why)
}
