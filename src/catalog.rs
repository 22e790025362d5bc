//! An API as data: its routes, methods, defaults and policies, from two YAML files.
//!
//! Loading is strict, and every mistake has file, line and column; what is loaded is a
//! flat tree that a path walks without allocating.

use std::{
    collections::HashMap,
    fmt,
    fs::File,
    io::Read,
    path::Path,
    sync::{Arc, LazyLock},
};

use crate::{
    error::{Error, ErrorKind, Result},
    params::Expand,
};

mod check;
#[cfg(feature = "compiled")]
mod compiled;
mod following;
mod keys;
mod load;
mod nearest;
mod paginate;
mod policy;
mod preset;
mod read;
mod route;
mod rule;
mod scalar;
mod schema;
mod settings;
mod template;
mod tree;
mod write;
mod yaml;

#[cfg(feature = "environment")]
pub(crate) mod strict {
    //! What reads a catalog's files so strictly, for other files of the same kind.

    pub(crate) use super::{
        check::check,
        keys::{Key, OFF, Shape, key, required},
        nearest::suggestion,
        read::{is_false, is_true, number, seconds, texts},
        rule::{BASE_URL, COOKIE_NAME, HEADER_NAME, HEADER_VALUE, LINE, NAME, POINTER, RATE, VARIABLE_NAME},
        schema::file as schema,
        yaml::{Document, Kind, LONGEST, View, decode},
    };
}

pub use following::Following;
use load::Source;
pub(crate) use paginate::By;
pub use paginate::Paginate;
pub use policy::MethodPolicy;
pub(crate) use policy::{Attempts, Caching, Rate};
pub use route::Route;
pub(crate) use route::{Adapt, Alias, Slash, Variable};
pub(crate) use settings::Settings;
pub(crate) use template::Part;
pub(crate) use tree::Node;

/// The routes of an API, with their methods, default bodies and policies.
///
/// Cheap to clone: all clones share one tree.
///
/// ```
/// use restwalk::Catalog;
///
/// let catalog = Catalog::from_yaml("resources: {user: {route: '/people/{name}', methods: [GET, PUT]}}", "")?;
/// let route = catalog.routes().next().unwrap();
/// assert!(route.allows(&http::Method::PUT) && !route.allows(&http::Method::DELETE));
///
/// let error = Catalog::from_yaml("resources: {user: {rout: /people}}", "").unwrap_err();
/// assert!(error.to_string().starts_with(r#"resources.yaml:1:20: resources.user.rout: unknown key "rout""#));
/// # Ok::<(), restwalk::Error>(())
/// ```
#[derive(Clone)]
pub struct Catalog(Arc<Inner>);

struct Inner {
    api: String,
    base_url: Option<String>,
    settings: Settings,
    variables: Vec<Variable>,
    tree: tree::Tree,
    routes: Vec<Arc<Route>>,
    /// The numbers of route and policy of each named operation.
    operations: HashMap<String, (u32, u32)>,
    lint: Vec<String>,
    open: bool,
}

/// The files of the embedded catalog.
const RESOURCES: &str = include_str!("../resources.yaml");
const DEFAULTS: &str = include_str!("../defaults.yaml");

static EMBEDDED: LazyLock<Catalog> = LazyLock::new(|| {
    // That they load is proved by a test.
    Catalog::from_yaml(RESOURCES, DEFAULTS).unwrap_or_else(|_| Catalog::bare(Settings::new(Expand::Dots), false))
});

impl Catalog {
    /// Reads the two files, each of at most 4 MiB.
    ///
    /// # Errors
    /// A file cannot be read, is not UTF-8, or departs from what a catalog may hold.
    pub fn from_files(resources: impl AsRef<Path>, defaults: impl AsRef<Path>) -> Result<Self> {
        let (resources, defaults) = (resources.as_ref(), defaults.as_ref());
        let (first, second) = (read_file(resources)?, read_file(defaults)?);
        let (resources, defaults) = (resources.display().to_string(), defaults.display().to_string());
        Self::load(
            Source { name: &resources, text: yaml::decode(&resources, &first)? },
            Source { name: &defaults, text: yaml::decode(&defaults, &second)? },
        )
    }

    /// Reads `resources.yaml` alone, of at most 4 MiB; there are no default bodies.
    ///
    /// # Errors
    /// As for [`Catalog::from_files`].
    pub fn from_file(resources: impl AsRef<Path>) -> Result<Self> {
        let bytes = read_file(resources.as_ref())?;
        let name = resources.as_ref().display().to_string();
        let none = Source { name: "defaults.yaml", text: "" };
        Self::load(Source { name: &name, text: yaml::decode(&name, &bytes)? }, none)
    }

    /// Reads the texts of the two files; `defaults` may be empty.
    ///
    /// # Errors
    /// One of them departs from what a catalog may hold; messages call them
    /// `resources.yaml` and `defaults.yaml`.
    pub fn from_yaml(resources: &str, defaults: &str) -> Result<Self> {
        Self::load(Source { name: "resources.yaml", text: resources }, Source { name: "defaults.yaml", text: defaults })
    }

    /// Reads two files whose bytes are here already; without the first it is the embedded one, without the second
    /// there are no defaults, or those of the embedded one.
    ///
    /// # Errors
    /// As for [`Catalog::from_files`].
    #[cfg(feature = "environment")]
    pub(crate) fn from_contents(resources: Option<(&str, &[u8])>, defaults: Option<(&str, &[u8])>) -> Result<Self> {
        fn source<'a>(given: Option<(&'a str, &'a [u8])>, name: &'a str, other: &'a str) -> Result<Source<'a>> {
            let Some((name, bytes)) = given else { return Ok(Source { name, text: other }) };
            Ok(Source { name, text: yaml::decode(name, bytes)? })
        }
        let other = if resources.is_some() { "" } else { DEFAULTS };
        Self::load(source(resources, "resources.yaml", RESOURCES)?, source(defaults, "defaults.yaml", other)?)
    }

    fn load(resources: Source<'_>, defaults: Source<'_>) -> Result<Self> {
        load::load(resources, defaults).map(|inner| Self(Arc::new(inner)))
    }

    /// The catalog that comes with the crate: the 75 routes of the MAX API.
    pub fn embedded() -> Self {
        EMBEDDED.clone()
    }

    /// A catalog without routes, which allows any path and method; names expand at dots only.
    pub fn open() -> Self {
        Self::bare(Settings::new(Expand::Dots), true)
    }

    /// A catalog that allows any path, with the settings of this one.
    pub(crate) fn opened(&self) -> Self {
        Self::bare(self.settings().clone(), true)
    }

    /// A catalog without routes, which allows every path or none.
    fn bare(settings: Settings, open: bool) -> Self {
        Self(Arc::new(Inner {
            api: "open".to_owned(),
            base_url: None,
            settings,
            variables: Vec::new(),
            tree: tree::Tree::default(),
            routes: Vec::new(),
            operations: HashMap::new(),
            lint: Vec::new(),
            open,
        }))
    }

    /// Whether any path is allowed.
    pub fn is_open(&self) -> bool {
        self.0.open
    }

    /// The name of the API.
    pub fn api(&self) -> &str {
        &self.0.api
    }

    /// Where the API is, if the catalog says so.
    pub fn base_url(&self) -> Option<&str> {
        self.0.base_url.as_deref()
    }

    /// Which argument names nest.
    pub fn expand(&self) -> Expand {
        self.settings().expand
    }

    /// The part of a form that carries the JSON, where the catalog names one; a call takes `json` otherwise.
    pub fn json_part(&self) -> Option<&str> {
        self.settings().json_part.as_deref()
    }

    /// The routes, in the order of the file.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.0.routes.iter().map(|route| &**route)
    }

    /// The header in which HEAD tells how many elements a listing has.
    pub fn count_header(&self) -> &str {
        &self.settings().count_header
    }

    /// How the message of a refusal is made, with names of the answer's JSON in braces.
    pub fn error_message(&self) -> Option<&str> {
        self.settings().error_message.as_deref()
    }

    /// The variables of the routes, each with what the file says of it, by the keys there, in words for a person.
    pub fn variables(&self) -> impl Iterator<Item = (&str, Vec<(String, String)>)> {
        self.0.variables.iter().map(|variable| (variable.name(), write::variable(variable)))
    }

    /// What loads but is better written otherwise, each with file, line and column; at most 100.
    pub fn lint(&self) -> Vec<String> {
        self.0.lint.clone()
    }

    /// The two files, `resources.yaml` and `defaults.yaml`, written anew; loading them gives this catalog.
    ///
    /// # Errors
    /// What the YAML writer cannot write: an integer of more than 128 bits, or one of the line breaks
    /// U+0085, U+2028 and U+2029 in a text.
    pub fn to_yaml(&self) -> Result<(String, String)> {
        write::files(&self.0)
    }

    /// The JSON Schema of `resources.yaml`.
    pub fn resources_schema() -> serde_json::Value {
        schema::file("restwalk resources.yaml", &keys::RESOURCES)
    }

    /// The JSON Schema of `defaults.yaml`.
    pub fn defaults_schema() -> serde_json::Value {
        schema::file("restwalk defaults.yaml", &keys::DEFAULTS)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The literal child `name` of a place.
    pub(crate) fn literal(&self, at: Node, name: &str) -> Option<Node> {
        self.0.tree.literal(at, name)
    }

    /// The variable child of a place.
    pub(crate) fn variable(&self, at: Node) -> Option<(Node, &Variable)> {
        let (node, number) = self.0.tree.variable(at)?;
        Some((node, self.0.variables.get(number as usize)?))
    }

    /// The route that ends at a place.
    pub(crate) fn route_at(&self, at: Node) -> Option<&Arc<Route>> {
        self.0.routes.get(self.0.tree.route(at)? as usize)
    }

    /// What may follow a place: literals in order, then the variable in braces.
    pub(crate) fn children(&self, at: Node) -> Vec<&str> {
        let mut names = self.0.tree.names(at);
        names.sort_unstable();
        names.extend(self.variable(at).map(|(_, variable)| variable.braced()));
        names
    }

    /// The literal child of a place that is nearest to a misspelt name.
    pub(crate) fn nearest(&self, at: Node, name: &str) -> Option<&str> {
        nearest::nearest(name, self.0.tree.names(at))
    }

    /// The route and policy of a named operation.
    pub(crate) fn operation(&self, name: &str) -> Option<(&Arc<Route>, &MethodPolicy)> {
        let (route, policy) = *self.0.operations.get(name)?;
        let route = self.0.routes.get(route as usize)?;
        Some((route, route.policies().nth(policy as usize)?))
    }

    /// The named operation that is nearest to a misspelt name.
    pub(crate) fn nearest_operation(&self, name: &str) -> Option<&str> {
        nearest::nearest(name, self.0.operations.keys().map(String::as_str))
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = yaml::LONGEST as u64 + 1;
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map(|_| bytes).map_err(|error| {
        Error::new(ErrorKind::Catalog, format!("{}: cannot be read", path.display())).with_source(error)
    })
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog").field("api", &self.0.api).field("routes", &self.0.routes.len()).finish()
    }
}

#[cfg(test)]
mod tests;
