//! The headers of an answer: as they came, or made when somebody looks at them.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::HeaderMap;

/// What headers are made of.
pub(crate) trait Later: Send + Sync {
    /// The headers of an answer of this age.
    fn headers(&self, age: Duration) -> HeaderMap;

    /// Whether the body has a content coding.
    fn is_coded(&self) -> bool;
}

/// The headers of an answer.
pub(super) struct Head {
    made: OnceLock<HeaderMap>,
    later: Option<(Arc<dyn Later>, Duration)>,
}

impl Head {
    pub(super) fn later(later: Arc<dyn Later>, age: Duration) -> Self {
        Self { made: OnceLock::new(), later: Some((later, age)) }
    }

    pub(super) fn get(&self) -> &HeaderMap {
        self.made.get_or_init(|| self.later.as_ref().map_or_else(HeaderMap::new, |(later, age)| later.headers(*age)))
    }

    /// Those that say how a body is coded: none of them where it is not, and nothing was made yet.
    pub(super) fn of_coding(&self) -> Option<&HeaderMap> {
        match &self.later {
            Some((later, _)) if !later.is_coded() => None,
            _ => Some(self.get()),
        }
    }

    pub(super) fn change(&mut self, change: impl FnOnce(&mut HeaderMap)) {
        self.get();
        let mut headers = self.made.take().unwrap_or_default();
        change(&mut headers);
        *self = Self::from(headers);
    }
}

impl From<HeaderMap> for Head {
    fn from(headers: HeaderMap) -> Self {
        Self { made: headers.into(), later: None }
    }
}
