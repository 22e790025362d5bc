//! Routes and their variables.

use std::sync::Arc;

use http::Method;

use crate::{
    catalog::{
        keys::METHODS,
        policy::MethodPolicy,
        preset::Preset,
        template::{self, Part},
    },
    params::Defaults,
};

/// One resource of a catalog: its path with variables, and what may be done with it.
///
/// ```
/// let catalog = restwalk::Catalog::embedded();
/// let route = catalog.routes().find(|route| route.name() == "timeline").unwrap();
/// assert_eq!(route.template(), "/people/{username}/timeline");
/// assert_eq!(route.methods(), ["GET", "HEAD", "OPTIONS"]);
/// ```
#[derive(Debug, Default)]
#[cfg_attr(test, derive(PartialEq))]
pub struct Route {
    pub(super) name: String,
    pub(super) template: Arc<str>,
    pub(super) title: Option<String>,
    pub(super) category: Option<String>,
    pub(super) upload: bool,
    pub(super) deprecated: bool,
    pub(super) actorless: bool,
    pub(super) auth: Option<String>,
    /// `None`: every method.
    pub(super) policies: Option<Vec<MethodPolicy>>,
    pub(super) presets: Vec<(Method, Preset)>,
}

impl Route {
    /// The name in the catalog.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path with its variables in braces.
    pub fn template(&self) -> &str {
        &self.template
    }

    /// What it is, for people.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// What it belongs to, for people.
    pub fn category(&self) -> Option<&str> {
        self.category.as_deref()
    }

    /// Whether it is there for old callers only.
    pub fn deprecated(&self) -> bool {
        self.deprecated
    }

    /// Whether it takes or gives files.
    pub fn upload(&self) -> bool {
        self.upload
    }

    /// The methods that may be sent, HEAD wherever GET is and OPTIONS always.
    pub fn methods(&self) -> Vec<Method> {
        METHODS.iter().filter_map(|name| name.parse().ok()).filter(|method| self.allows(method)).collect()
    }

    /// Whether `method` may be sent.
    pub fn allows(&self, method: &Method) -> bool {
        self.policies.is_none() || method == Method::OPTIONS || self.policy(method).is_some()
    }

    /// What the catalog says about each method it names.
    pub fn policies(&self) -> impl Iterator<Item = &MethodPolicy> {
        self.policies.iter().flatten()
    }

    /// What the catalog says about `method`; for HEAD what it says about GET, unless it names HEAD too.
    pub fn policy(&self, method: &Method) -> Option<&MethodPolicy> {
        let named = |method: &Method| self.policies().find(|policy| policy.method == *method);
        named(method).or_else(|| if method == Method::HEAD { named(&Method::GET) } else { None })
    }

    /// The name of the client's credentials by which `method` is called: as the method says, else the route.
    ///
    /// `none` stands for no credentials, `None` for the client's usual ones.
    pub fn auth(&self, method: &Method) -> Option<&str> {
        self.policy(method).and_then(MethodPolicy::auth).or(self.auth.as_deref())
    }

    pub(crate) fn shared_template(&self) -> &Arc<str> {
        &self.template
    }

    /// The segments, in order.
    pub(crate) fn segments(&self) -> impl Iterator<Item = Part<'_>> {
        template::parts(&self.template)
    }

    /// The default body of `method` as JSON text.
    pub fn default_body(&self, method: &Method) -> Option<&str> {
        self.defaults(method).map(Defaults::text)
    }

    /// The default body of `method`.
    pub(crate) fn defaults(&self, method: &Method) -> Option<&Defaults> {
        self.presets.iter().find(|(of, _)| of == method).map(|(_, preset)| preset.defaults())
    }

    /// Whether `method` acts for somebody, who must be known.
    pub(crate) fn needs_actor(&self, method: &Method) -> bool {
        !self.actorless && self.policy(method).is_none_or(|policy| !policy.actorless)
    }
}

/// A variable of one or more routes, and how its values are treated.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "compiled", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(test, derive(PartialEq))]
pub(crate) struct Variable {
    /// The name in braces, as a template has it.
    braced: String,
    /// Values that stand for another.
    pub(crate) aliases: Vec<(String, Alias)>,
    pub(crate) adapt: Option<Adapt>,
    pub(crate) slash: Slash,
    /// Whether a value that decodes to a separator or a dot segment is encoded instead of refused.
    pub(crate) percent: bool,
    /// Whether a value of blanks is encoded instead of refused.
    pub(crate) blank: bool,
    /// Whether a named operation fills it with the actor.
    pub(crate) fallback_actor: bool,
    /// Another name under which a named operation may give it.
    pub(crate) param: Option<String>,
}

impl Variable {
    pub(super) fn new(name: &str) -> Self {
        Self { braced: format!("{{{name}}}"), ..Self::default() }
    }

    pub(crate) fn name(&self) -> &str {
        self.braced.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default()
    }

    pub(super) fn aliases(&self) -> Vec<String> {
        self.aliases.iter().map(|(alias, _)| alias.clone()).collect()
    }

    pub(crate) fn braced(&self) -> &str {
        &self.braced
    }
}

/// What an alias stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "compiled", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Alias {
    Actor,
}

/// How a value is changed before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "compiled", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Adapt {
    /// A value that is not 40 lower-case hex digits becomes the SHA-1 of its bytes, in hex.
    Sha1,
}

/// What a `/` in a value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "compiled", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Slash {
    #[default]
    Refuse,
    Encode,
    Split,
}
