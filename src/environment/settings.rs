//! One environment as its file says it, before anything is looked up.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    cache::Caching,
    oauth::{OAuth, Where},
    place::Place,
    reference::{Around, Reference, Shown},
};
use crate::{auth::Auth, catalog::Rate, error::Result};

#[derive(Default)]
pub(super) struct Settings {
    pub(super) base_url: Option<Place>,
    pub(super) catalog: Option<Served>,
    pub(super) defaults: Option<PathBuf>,
    pub(super) actor: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) secret_headers: Vec<(String, Reference)>,
    pub(super) variables: Vec<(String, String)>,
    pub(super) auth: Option<SignIn>,
    /// By the names that routes have for them.
    pub(super) auth_as: Vec<(String, SignIn)>,
    pub(super) timeout: Option<Duration>,
    /// One means that nothing is tried again.
    pub(super) attempts: Option<u8>,
    pub(super) rates: Vec<Rate>,
    pub(super) cache: Option<Caching>,
    pub(super) proxy: Option<Option<Reference>>,
    pub(super) ca_certificate: Option<PathBuf>,
    /// Its chain and its key.
    pub(super) client_certificate: Option<Reference>,
    /// Secrets in plain text, by file and line.
    pub(super) warnings: Vec<String>,
}

/// Which catalog an environment has.
pub(super) enum Served {
    Embedded,
    File(PathBuf),
}

/// How an environment signs in.
pub(super) enum SignIn {
    Basic(Reference, Reference),
    Digest(Reference, Reference),
    Scheme(String, Reference),
    Header(String, Reference),
    Query(String, Reference),
    Cookie(String, Reference),
    Template(Vec<(String, String)>, Vec<(String, Reference)>),
    OAuth(Box<OAuth>),
}

impl Settings {
    /// The files that it names, but for those of secrets.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let catalog = match &self.catalog {
            Some(Served::File(path)) => Some(path),
            _ => None,
        };
        catalog.into_iter().chain(&self.defaults).chain(&self.ca_certificate)
    }

    /// What may name a file in the lines of its programs: those named by a path, and all arguments, such as a script.
    pub(super) fn words(&self) -> impl Iterator<Item = &Path> {
        self.references().flat_map(Reference::words)
    }

    /// All that is looked up.
    pub(super) fn references(&self) -> impl Iterator<Item = &Reference> {
        let named = self.auth_as.iter().map(|(_, auth)| auth);
        let auth = self.auth.iter().chain(named).flat_map(SignIn::references);
        let headers = self.secret_headers.iter().map(|(_, secret)| secret);
        auth.chain(headers).chain(self.proxy.iter().flatten()).chain(&self.client_certificate)
    }

    /// Its keys, and what each comes to, without secrets; what is looked up is told as `shown` says.
    pub(super) fn summary(&self, shown: Shown) -> Vec<(&'static str, String)> {
        let path = |path: &PathBuf| path.display().to_string();
        let named =
            |names: &mut dyn Iterator<Item = String>| Some(names.collect::<Vec<_>>()).filter(|it| !it.is_empty());
        let secret = |(name, secret): &(String, Reference)| format!("{name}: {}", secret.told(shown));
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}"));
        let mut headers = headers.chain(self.secret_headers.iter().map(secret));
        let mut variables = self.variables.iter().map(|(name, value)| format!("{name}: {value}"));
        let catalog = self.catalog.as_ref().map(|catalog| match catalog {
            Served::Embedded => "max".to_owned(),
            Served::File(file) => path(file),
        });
        let joined = |list: Option<Vec<String>>| list.map(|list| list.join(", "));
        let known = [
            ("base_url", self.base_url.as_ref().map(|place| place.told().to_owned())),
            ("catalog", catalog),
            ("defaults", self.defaults.as_ref().map(path)),
            ("actor", self.actor.clone()),
            ("headers", joined(named(&mut headers))),
            ("variables", joined(named(&mut variables))),
            ("auth", self.auth.as_ref().map(|auth| auth.summary(shown))),
            (
                "auth_as",
                joined(named(&mut self.auth_as.iter().map(|(name, auth)| format!("{name}: {}", auth.summary(shown))))),
            ),
            ("timeout", self.timeout.map(|time| format!("{time:?}"))),
            ("retry", self.attempts.map(|most| if most == 1 { "off".to_owned() } else { most.to_string() })),
            ("limit", joined(named(&mut self.rates.iter().map(ToString::to_string)))),
            ("cache", self.cache.as_ref().map(Caching::told)),
            ("proxy", self.proxy.as_ref().map(|url| url.as_ref().map_or("none".to_owned(), |url| url.told(shown)))),
            ("ca_certificate", self.ca_certificate.as_ref().map(path)),
            ("client_certificate", self.client_certificate.as_ref().map(|pem| pem.told(shown))),
        ];
        known.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// Whether it holds credentials for its API.
    pub(super) fn signs_in(&self) -> bool {
        self.auth.is_some()
            || !self.auth_as.is_empty()
            || !self.secret_headers.is_empty()
            || self.client_certificate.is_some()
    }
}

impl SignIn {
    fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Basic(user, password) | Self::Digest(user, password) => vec![user, password],
            Self::Scheme(_, key) | Self::Header(_, key) | Self::Query(_, key) | Self::Cookie(_, key) => vec![key],
            Self::Template(_, values) => values.iter().map(|(_, secret)| secret).collect(),
            Self::OAuth(oauth) => oauth.references().collect(),
        }
    }

    /// How it signs in, and where each secret is to be found.
    fn summary(&self, shown: Shown) -> String {
        match self {
            Self::Basic(user, password) => person("basic", user, password, shown),
            Self::Digest(user, password) => person("digest", user, password, shown),
            Self::Scheme(scheme, token) => format!("{scheme}, {}", token.told(shown)),
            Self::Header(name, key) => format!("header {name}, {}", key.told(shown)),
            Self::Query(name, key) => format!("query {name}, {}", key.told(shown)),
            Self::Cookie(name, key) => format!("cookie {name}, {}", key.told(shown)),
            Self::Template(headers, values) => {
                let headers = headers.iter().map(|(name, template)| match shown {
                    Shown::Place => name.clone(),
                    Shown::Whole => format!("{name}: {template}"),
                });
                let values = values.iter().map(|(name, secret)| format!("{name}: {}", secret.told(shown)));
                format!("headers {}", headers.chain(values).collect::<Vec<_>>().join(", "))
            }
            Self::OAuth(oauth) => oauth.summary(shown),
        }
    }

    /// The credentials, their secrets looked up.
    pub(super) fn resolve(&self, around: &Around<'_>, place: &Where<'_>) -> Result<Auth> {
        Ok(match self {
            Self::OAuth(oauth) => oauth.resolve(around, place)?,
            Self::Basic(user, password) => Auth::basic(user.resolve(around)?, password.resolve(around)?),
            Self::Digest(user, password) => Auth::digest(user.resolve(around)?, password.resolve(around)?),
            Self::Scheme(scheme, token) => Auth::scheme(scheme, token.resolve(around)?),
            Self::Header(name, key) => Auth::api_key_header(name, key.resolve(around)?),
            Self::Query(name, key) => Auth::api_key_query(name, key.resolve(around)?),
            Self::Cookie(name, key) => Auth::api_key_cookie(name, key.resolve(around)?),
            Self::Template(headers, values) => {
                let headers = headers.iter().map(|(name, template)| (name.as_str(), template.as_str()));
                let mut auth = Auth::headers(headers);
                for (name, secret) in values {
                    auth = auth.with(name, secret.resolve(around)?);
                }
                auth
            }
        })
    }
}

/// How a person signs in; the name is no secret, and nothing has to be said of one that stands there.
fn person(kind: &str, user: &Reference, password: &Reference, shown: Shown) -> String {
    let password = password.told(shown);
    if user.is_inline() {
        format!("{kind}, {password}")
    } else {
        format!("{kind}, user {}, password {password}", user.told(shown))
    }
}
