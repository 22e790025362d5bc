//! A URL as a file gives it: there as it is, or to be found in a document.

use crate::discover::Discover;

/// Where something is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Named(String),
    /// In a document, and how that is told to a person.
    Found(Box<Discover>, String),
}

impl Place {
    /// Where a MAX server tells its token endpoint; it may be of the origins of `trust` too.
    pub(super) fn max(trust: &[String]) -> Self {
        let info = Discover::document("/info").pointer("/max/oauth_server").suffix("/token");
        let found = trust.iter().fold(info, Discover::trust);
        Self::Found(Box::new(found), "at /max/oauth_server in /info".to_owned())
    }

    /// The URL, where the file has it.
    pub(super) fn named(&self) -> Option<&str> {
        if let Self::Named(url) = self { Some(url) } else { None }
    }

    /// What is to be asked first.
    pub(super) fn discover(&self) -> Option<&Discover> {
        if let Self::Found(discover, _) = self { Some(discover) } else { None }
    }

    /// What it comes to, for a person.
    pub(super) fn told(&self) -> &str {
        match self {
            Self::Named(text) | Self::Found(_, text) => text,
        }
    }
}
