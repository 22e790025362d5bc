//! What a catalog says about one method of a route.

use std::{str::FromStr, time::Duration};

use http::{HeaderName, HeaderValue, Method};

use crate::{
    catalog::{
        paginate::Paginate,
        preset::Preset,
        template::{self, Part},
        write,
    },
    params::Defaults,
    query,
};

/// What a catalog says about one method of a route.
#[derive(Debug, Clone, Default)]
#[cfg_attr(test, derive(PartialEq))]
pub struct MethodPolicy {
    pub(crate) method: Method,
    pub(crate) operations: Vec<String>,
    /// Variables that a named operation fills when the caller does not.
    pub(crate) params: Vec<(String, String)>,
    /// The default body of the named operation, which takes the place of the route's.
    pub(crate) body: Option<Preset>,
    /// Query names with the JSON text of their values.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) query_style: Option<query::Style>,
    pub(crate) actorless: bool,
    pub(crate) auth: Option<String>,
    /// `None`: as the method is.
    pub(crate) idempotent: Option<bool>,
    pub(crate) idempotency_key: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: Option<Attempts>,
    pub(crate) limits: Vec<Rate>,
    pub(crate) cache: Option<Caching>,
    /// Routes of which it makes untrue what is kept, besides its own path.
    pub(crate) affects: Vec<String>,
    pub(crate) paginate: Option<Paginate>,
    pub(crate) confirm: bool,
    pub(crate) schema: Option<String>,
    pub(crate) deprecated: bool,
}

impl MethodPolicy {
    pub(super) fn new(method: Method) -> Self {
        Self { method, ..Self::default() }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The names under which it can be called; most methods have none or one.
    pub fn operations(&self) -> &[String] {
        &self.operations
    }

    /// Whether it may be sent again when it may have arrived: as the catalog says, else as HTTP says of the method.
    pub fn idempotent(&self) -> bool {
        self.idempotent.unwrap_or_else(|| self.method.is_idempotent())
    }

    /// Whether its server knows a repeated call by an `Idempotency-Key`, which each call then carries.
    pub fn idempotency_key(&self) -> bool {
        self.idempotency_key
    }

    /// The name of the client's credentials by which it is called, `none` for no credentials, where it says so itself.
    pub fn auth(&self) -> Option<&str> {
        self.auth.as_deref()
    }

    /// Whether it is there for old callers only.
    pub fn deprecated(&self) -> bool {
        self.deprecated
    }

    /// Whether a person should be asked before it is sent.
    pub fn confirm(&self) -> bool {
        self.confirm
    }

    /// How the next page is found; `None` where the catalog says nothing of pages.
    pub fn paginate(&self) -> Option<&Paginate> {
        self.paginate.as_ref()
    }

    /// Whether answers should be kept by a program that keeps none unless told; `None` where the catalog says nothing.
    pub fn cached(&self) -> Option<bool> {
        self.cache.map(|caching| !caching.off)
    }

    /// The path of the JSON Schema of its body, relative to the catalog.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// What the file says of the method, by the keys there, in words for a person.
    ///
    /// ```
    /// let text = "resources: {people: {route: /people, methods: {GET: {query: {limit: 10}, limit: 10/s}}}}";
    /// let catalog = restwalk::Catalog::from_yaml(text, "")?;
    /// let route = catalog.routes().next().unwrap();
    /// let summary = route.policies().next().unwrap().summary();
    /// assert_eq!(summary, [("query".into(), "limit: 10".into()), ("limit".into(), "10/s".into())]);
    /// # Ok::<(), restwalk::Error>(())
    /// ```
    pub fn summary(&self) -> Vec<(String, String)> {
        write::policy(self)
    }

    /// The routes that it affects, each as its parts.
    pub(crate) fn affected(&self) -> impl Iterator<Item = impl Iterator<Item = Part<'_>>> {
        self.affects.iter().map(|template| template::parts(template))
    }

    /// The default body of the named operation.
    pub(crate) fn body(&self) -> Option<&Defaults> {
        self.body.as_ref().map(Preset::defaults)
    }
}

/// How often a request is sent at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "compiled", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Attempts {
    Off,
    AtMost(u8),
}

/// How the answers of a method are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "compiled", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Caching {
    /// They are not.
    pub(crate) off: bool,
    /// How long one is fresh, whatever it says itself.
    pub(crate) ttl: Option<Duration>,
    /// Whether one is for all who call, by the rules of a shared cache.
    pub(crate) shared: bool,
}

/// So many calls in a second, a minute or an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "compiled", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Rate {
    pub(crate) count: u32,
    pub(crate) per: Duration,
}

const PERIODS: [(&str, u64); 3] = [("s", 1), ("min", 60), ("h", 3600)];

impl FromStr for Rate {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (count, unit) = text.split_once('/').ok_or(())?;
        let (_, seconds) = PERIODS.into_iter().find(|(name, _)| *name == unit).ok_or(())?;
        let digits = count.len() < 10 && count.bytes().all(|byte| byte.is_ascii_digit()) && !count.starts_with('0');
        let count = count.parse().ok().filter(|_| digits).ok_or(())?;
        Ok(Self { count, per: Duration::from_secs(seconds) })
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit =
            PERIODS.into_iter().find(|(_, seconds)| *seconds == self.per.as_secs()).map_or("s", |(name, _)| name);
        write!(f, "{}/{unit}", self.count)
    }
}
