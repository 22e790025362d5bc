//! Where a request goes, and what is the same place.

use std::fmt;

use http::uri::{Authority, Scheme, Uri};
use url::Url;

/// Where a request goes: scheme, host and effective port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
}

impl Origin {
    /// The origin of a URL in its normal form.
    pub(super) fn new(url: &Url) -> Option<Self> {
        let host = url.host_str()?;
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let scheme = if url.scheme() == "https" { Scheme::HTTPS } else { Scheme::HTTP };
        Some(Self { scheme, authority: authority.parse().ok()? })
    }

    /// The origin of an absolute URL, without user and default port.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let (scheme, host) = (uri.scheme()?.clone(), uri.host()?);
        let usual = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let authority = match uri.port_u16().filter(|port| *port != usual) {
            Some(port) => format!("{host}:{port}").parse(),
            None => host.parse(),
        };
        Some(Self { scheme, authority: authority.ok()? })
    }

    /// Whether what is sent here is encrypted.
    pub(crate) fn is_secure(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Whether this is `plain` by https: the same host, both on the usual port.
    pub(crate) fn secures(&self, plain: &Self) -> bool {
        self.is_secure() && !plain.is_secure() && self.authority == plain.authority && self.authority.port().is_none()
    }

    /// Whether `uri` is of this origin.
    pub(crate) fn holds(&self, uri: &Uri) -> bool {
        uri.scheme() == Some(&self.scheme) && uri.authority() == Some(&self.authority)
    }

    pub(crate) fn scheme(&self) -> &str {
        self.scheme.as_str()
    }

    pub(crate) fn host(&self) -> &str {
        self.authority.host()
    }

    /// The port, the scheme's own where none is named.
    pub(crate) fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.scheme == Scheme::HTTPS { 443 } else { 80 })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}
