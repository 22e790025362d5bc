//! How a client reaches the network: certificates, proxies, names, or a transport in its place.

use std::sync::Arc;

use super::ClientBuilder;
#[cfg(not(feature = "http"))]
use crate::error::{Error, ErrorKind};
#[cfg(feature = "http")]
use crate::transport::{Http, Proxies, Settings};
use crate::{
    error::Result,
    request::Base,
    secret::{Masks, Secret},
    transport::{Resolve, Transport},
};

impl ClientBuilder {
    /// Trusts the CA certificates in `pem` as well as the system's.
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Presents a client certificate: `pem` holds its chain and its key.
    pub fn client_certificate(mut self, pem: impl Into<Secret>) -> Self {
        self.identity = Some(pem.into());
        self
    }

    /// Goes by way of an http or https proxy, whose URL may hold a user and a password; `None` goes by way of none.
    ///
    /// By default the variables of the environment decide when the client is built, as they do for curl:
    /// `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, and in `NO_PROXY` the hosts that are asked directly.
    pub fn proxy<'a>(mut self, url: impl Into<Option<&'a str>>) -> Self {
        self.proxy = Some(url.into().map(Secret::from));
        self
    }

    /// Asks `resolver` for the addresses of host names, a proxy's included, in place of the system.
    pub fn resolver(mut self, resolver: impl Resolve) -> Self {
        self.resolver = Some(Arc::new(resolver));
        self
    }

    /// Accepts any TLS certificate, which makes TLS worthless against an attacker; off by default.
    pub fn insecure(mut self, insecure: bool) -> Self {
        self.insecure = insecure;
        self
    }

    /// Carries requests by `transport` in place of the network.
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    #[cfg(feature = "http")]
    pub(super) fn network(&self, base: &Base, masks: &mut Masks) -> Result<Arc<dyn Transport>> {
        let proxies = match &self.proxy {
            None => Proxies::environment(|name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()))?,
            Some(None) => Proxies::default(),
            Some(Some(url)) => Proxies::all(url.expose())?,
        };
        proxies.secrets().iter().for_each(|secret| masks.add(secret));
        let settings = Settings {
            origin: base.origin().to_string(),
            connect_timeout: self.connect,
            roots: self.roots.clone(),
            identity: self.identity.clone(),
            insecure: self.insecure,
            proxies,
            resolver: self.resolver.clone(),
        };
        Ok(Arc::new(Http::new(settings)?))
    }

    #[cfg(not(feature = "http"))]
    #[expect(clippy::unused_self, reason = "it has the settings where there is a network")]
    pub(super) fn network(&self, _: &Base, _: &mut Masks) -> Result<Arc<dyn Transport>> {
        let why = "there is no network transport: turn on the feature `http`, or give one with .transport(..)";
        Err(Error::coded(ErrorKind::Request, "config", why))
    }
}
