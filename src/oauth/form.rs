//! What is posted to an OAuth server: pairs, any of which may be secret.

use std::borrow::Cow;

use bytes::Bytes;
use url::form_urlencoded::Serializer;

use crate::secret::{Masks, Secret};

/// The pairs of a form, in the order they are sent in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form(Vec<(Cow<'static, str>, Secret)>);

impl Form {
    /// The form that asks for a token by `grant_type`.
    pub(crate) fn grant(grant_type: &str) -> Self {
        Self::default().with("grant_type", grant_type)
    }

    #[must_use]
    pub(crate) fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Secret>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// With a pair where there is a value.
    #[must_use]
    pub(crate) fn maybe(self, name: &'static str, value: Option<impl Into<Secret>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn encoded(&self) -> Bytes {
        let pairs = self.0.iter().map(|(name, value)| (name.as_ref(), value.expose()));
        Bytes::from(Serializer::new(String::new()).extend_pairs(pairs).finish())
    }

    /// What a server may echo of it and nobody may print: all but what every such form says.
    pub(crate) fn mask(&self, masks: &mut Masks) {
        let public = ["grant_type", "client_id", "scope", "token_type", "token_type_hint", "redirect_uri"];
        let secret = self.0.iter().filter(|(name, _)| !public.contains(&name.as_ref()));
        secret.for_each(|(_, value)| masks.add(value.expose()));
    }
}
