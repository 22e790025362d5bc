//! One environment as its file says it, before anything is looked up.

use std::{path::PathBuf, time::Duration};

use super::reference::{Around, Reference};
use crate::{auth::Auth, catalog::Rate, error::Result};

#[derive(Default)]
pub(super) struct Settings {
    pub(super) base_url: Option<String>,
    pub(super) catalog: Option<Served>,
    pub(super) defaults: Option<PathBuf>,
    pub(super) actor: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) secret_headers: Vec<(String, Reference)>,
    pub(super) variables: Vec<(String, String)>,
    pub(super) auth: Option<SignIn>,
    pub(super) timeout: Option<Duration>,
    /// One means that nothing is tried again.
    pub(super) attempts: Option<u8>,
    pub(super) rates: Vec<Rate>,
    pub(super) proxy: Option<Option<Reference>>,
    pub(super) ca_certificate: Option<PathBuf>,
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
    Scheme(String, Reference),
    Header(String, Reference),
    Query(String, Reference),
    Template(Vec<(String, String)>, Vec<(String, Reference)>),
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

    /// All that is looked up.
    pub(super) fn references(&self) -> impl Iterator<Item = &Reference> {
        let auth = self.auth.iter().flat_map(SignIn::references);
        auth.chain(self.secret_headers.iter().map(|(_, secret)| secret)).chain(self.proxy.iter().flatten())
    }

    /// Whether it holds credentials for its API.
    pub(super) fn signs_in(&self) -> bool {
        self.auth.is_some() || !self.secret_headers.is_empty()
    }
}

impl SignIn {
    fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Basic(user, password) => vec![user, password],
            Self::Scheme(_, secret) | Self::Header(_, secret) | Self::Query(_, secret) => vec![secret],
            Self::Template(_, values) => values.iter().map(|(_, secret)| secret).collect(),
        }
    }

    /// The credentials, their secrets looked up.
    pub(super) fn resolve(&self, around: &Around<'_>) -> Result<Auth> {
        Ok(match self {
            Self::Basic(user, password) => Auth::basic(user.resolve(around)?, password.resolve(around)?),
            Self::Scheme(scheme, token) => Auth::scheme(scheme, token.resolve(around)?),
            Self::Header(name, key) => Auth::api_key_header(name, key.resolve(around)?),
            Self::Query(name, key) => Auth::api_key_query(name, key.resolve(around)?),
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
