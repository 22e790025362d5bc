//! Named places to work in: where an API is, its catalog, and as whom it is called.
//!
//! A file `restwalk.yaml` holds them. The person's own is used as it is; one that comes with a project is used only
//! when the person trusts it, since it decides where secrets go and may name programs that print them. Secrets are
//! looked up when a client is made, and are in no message.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use crate::{
    auth::Auth,
    cache::Cache,
    catalog::Catalog,
    client::{Client, ClientBuilder},
    error::{Error, ErrorKind, Result, quoted},
    limit::Limit,
    request::Base,
    retry::Retry,
    token::TokenStore,
};

mod cache;
mod command;
mod discover;
mod environments;
mod folders;
mod keep;
mod keys;
mod oauth;
mod place;
mod read;
mod reference;
mod settings;
mod source;
mod trust;

pub use environments::Environments;
pub use trust::Trust;

use cache::Caching;
use folders::Variables;
use place::Place;
use reference::{Around, Shown};
use settings::{Served, Settings, SignIn};
use source::Source;

/// A named place to work in, out of a file `restwalk.yaml`; see [`Environments`].
///
/// Cheap to clone. Printing it shows no secret.
#[derive(Clone)]
pub struct Environment {
    name: Arc<str>,
    settings: Arc<Settings>,
    source: Arc<Source>,
    variables: Variables,
    /// Variables of the environments around it that hold secrets.
    hidden: Arc<[String]>,
    own: Own,
    found: Found,
    /// What keeps tokens where its file says `memory`.
    memory: TokenStore,
    answers: Answers,
}

/// What keeps answers, once it was asked for.
#[derive(Clone, Default)]
struct Answers {
    cache: Arc<OnceLock<Cache>>,
    /// Whether they are to outlast this process.
    lasting: bool,
}

/// Places that documents named.
#[derive(Debug, Clone, Default)]
struct Found {
    base_url: Option<String>,
    token_url: Option<String>,
}

/// What a caller gave in place of what the file says.
#[derive(Debug, Clone, Default)]
struct Own {
    base_url: Option<String>,
    catalog: Option<Catalog>,
    auth: Option<Auth>,
}

impl Environment {
    fn new(name: String, settings: Settings, source: Arc<Source>, variables: Variables) -> Self {
        let (name, settings, own) = (name.into(), Arc::new(settings), Own::default());
        let (found, memory, answers) = (Found::default(), TokenStore::memory(), Answers::default());
        Self { name, settings, source, variables, hidden: Arc::default(), own, found, memory, answers }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that it stands in.
    pub fn file(&self) -> &std::path::Path {
        &self.source.file
    }

    /// Where its API is, unless that is left to its catalog, or to a document that was not asked yet.
    pub fn base_url(&self) -> Option<&str> {
        self.own.base_url.as_deref().or(self.home())
    }

    /// The base URL that the file names, itself or by a document.
    fn home(&self) -> Option<&str> {
        self.settings.base_url.as_ref().and_then(Place::named).or(self.found.base_url.as_deref())
    }

    /// Who acts.
    pub fn actor(&self) -> Option<&str> {
        self.settings.actor.as_deref()
    }

    /// What `{names}` in the base URL's host stand for.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The file of its catalog, which the schemas in it are relative to; `None` for the embedded one, or for none.
    pub fn catalog_file(&self) -> Option<PathBuf> {
        match &self.settings.catalog {
            Some(Served::File(path)) if self.own.catalog.is_none() => Some(self.source.folder.join(path)),
            _ => None,
        }
    }

    /// The files of its catalog and of its defaults, for who keeps what he read of them. `None` where its catalog
    /// stands in no file, or in files that must stay as they were when they were trusted: those are read by
    /// [`Environment::catalog`] alone, which looks at the bytes that it uses.
    pub fn catalog_files(&self) -> Option<(PathBuf, Option<PathBuf>)> {
        let resources = self.catalog_file().filter(|file| !self.source.is_pinned(file))?;
        Some((resources, self.settings.defaults.as_ref().map(|file| self.source.folder.join(file))))
    }

    /// What its file says, by the keys there, in words for a person: where each secret is to be found, and none of them.
    pub fn summary(&self) -> Vec<(&'static str, String)> {
        self.settings.summary(Shown::Place)
    }

    /// The same, for who decides whether to trust it: programs with all their arguments, and headers with their
    /// templates, whatever is written there. A secret that stands in a secret's place is still not shown.
    pub fn particulars(&self) -> Vec<(&'static str, String)> {
        self.settings.summary(Shown::Whole)
    }

    /// Whether its file gives it credentials.
    pub fn signs_in(&self) -> bool {
        self.own.auth.is_none() && self.settings.signs_in()
    }

    /// Takes `url` in place of its base URL.
    ///
    /// Credentials of the file go to the origin that the file names and to no other: where `url` is of another one,
    /// [`Environment::client`] wants [`Environment::with_auth`] besides.
    #[must_use]
    pub fn with_base_url(mut self, url: impl Into<String>) -> Self {
        self.own.base_url = Some(url.into());
        self
    }

    /// Takes `catalog` in place of its own.
    #[must_use]
    pub fn with_catalog(mut self, catalog: Catalog) -> Self {
        self.own.catalog = Some(catalog);
        self
    }

    /// Takes `auth` in place of all credentials of the file, headers that hold some included; none is looked up.
    #[must_use]
    pub fn with_auth(mut self, auth: Auth) -> Self {
        self.own.auth = Some(auth);
        self
    }

    /// Reads its catalog; one that allows any path where it has none. No secret is looked up.
    ///
    /// # Errors
    /// `Catalog` where a file departs from what a catalog may hold, `Request` where one cannot be read or has changed
    /// since it was trusted.
    pub fn catalog(&self) -> Result<Catalog> {
        self.own.catalog.as_ref().map_or_else(|| self.file_catalog(), |catalog| Ok(catalog.clone()))
    }

    fn file_catalog(&self) -> Result<Catalog> {
        let defaults = self.settings.defaults.as_deref().map(|path| self.source.read(path)).transpose()?;
        let defaults = defaults.as_ref().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        match &self.settings.catalog {
            None => Ok(Catalog::open()),
            Some(Served::Embedded) if defaults.is_none() => Ok(Catalog::embedded()),
            Some(Served::Embedded) => Catalog::from_contents(None, defaults),
            Some(Served::File(path)) => {
                let (name, bytes) = self.source.read(path)?;
                Catalog::from_contents(Some((&name, &bytes)), defaults)
            }
        }
    }

    /// How a person signs in to it: the grant that its file names, by the name there. `None` where no person has to.
    pub fn grant(&self) -> Option<&'static str> {
        let oauth = self.oauth().filter(|oauth| oauth.is_personal())?;
        Some(oauth.grant().map_or("", oauth::Grant::name))
    }

    /// Who signs in, where its file says so.
    pub fn username(&self) -> Option<&str> {
        self.oauth()?.username.as_deref()
    }

    /// Where its tokens are kept, for a person; `None` where it does not sign in by OAuth 2.0.
    ///
    /// # Errors
    /// `Request` where that is not to be told.
    pub fn token_store(&self) -> Result<Option<String>> {
        self.oauth().map(|oauth| oauth.store(&self.around())).transpose()
    }

    /// Whether its file says that answers are kept; `None` where it says nothing of them.
    pub fn keeps_answers(&self) -> Option<bool> {
        self.settings.cache.as_ref().map(|caching| *caching != Caching::Off)
    }

    /// What keeps answers for its clients, one for it and its clones; `None` where its file does not say that any are.
    ///
    /// # Errors
    /// `Request` where they are to be kept in the person's folder, and nothing says where that is.
    pub fn cache(&self) -> Result<Option<Cache>> {
        let Some(Caching::On(keeping)) = &self.settings.cache else { return Ok(None) };
        if let Some(cache) = self.answers.cache.get() {
            return Ok(Some(cache.clone()));
        }
        let cache = keeping.open(self.answers.lasting, &self.around())?;
        Ok(Some(self.answers.cache.get_or_init(|| cache).clone()))
    }

    /// Keeps answers in the person's cache folder where its file says only that they are kept, as a program wants that
    /// ends soon and is started again.
    #[must_use]
    pub fn with_lasting_cache(mut self) -> Self {
        self.answers = Answers { lasting: true, ..Answers::default() };
        self
    }

    /// Variables that hold secrets by what its file says, and by their use here: a program that is started should not
    /// get them.
    pub fn secret_variables(&self) -> impl Iterator<Item = &str> {
        self.hidden.iter().map(String::as_str)
    }

    fn oauth(&self) -> Option<&oauth::OAuth> {
        match &self.settings.auth {
            Some(SignIn::OAuth(oauth)) if self.own.auth.is_none() => Some(oauth),
            _ => None,
        }
    }

    /// A client with its settings, which more may be added to. Its secrets are looked up now: a program that prints
    /// one runs once, for at most 30 seconds, and blocks meanwhile.
    ///
    /// # Errors
    /// `Auth` where a secret is not to be had, `Request` where there is no base URL, or credentials of the file would
    /// go to another origin; and those of [`Environment::catalog`].
    pub fn client(&self) -> Result<ClientBuilder> {
        let catalog = self.catalog()?;
        let url = self.url(&catalog)?;
        let settings = &*self.settings;
        let mut client = Client::builder(url).catalog(catalog).headers(settings.headers.iter().cloned());
        for (name, value) in &settings.variables {
            client = client.variable(name, value);
        }
        if let Some(actor) = &settings.actor {
            client = client.actor(actor);
        }
        if let Some(time) = settings.timeout {
            client = client.total_timeout(time);
        }
        if let Some(attempts) = settings.attempts {
            client = client.retry(Retry::standard().attempts(attempts));
        }
        if !settings.rates.is_empty() {
            client = client.limit(Limit::from(&settings.rates[..]));
        }
        if let Some(cache) = self.cache()? {
            client = client.cache(&cache);
        }
        self.sign(self.connect(client)?)
    }

    /// How it reaches the network.
    fn connect(&self, client: ClientBuilder) -> Result<ClientBuilder> {
        let client = match &self.settings.proxy {
            None => client,
            Some(None) => client.proxy(None),
            Some(Some(url)) => client.proxy(url.resolve(&self.around())?.expose()),
        };
        match &self.settings.ca_certificate {
            None => Ok(client),
            Some(path) => Ok(client.ca_certificate(self.source.read(path)?.1)),
        }
    }

    fn sign(&self, mut client: ClientBuilder) -> Result<ClientBuilder> {
        if let Some(auth) = &self.own.auth {
            return Ok(client.auth(auth.clone()));
        }
        let around = self.around();
        for (name, auth) in &self.settings.auth_as {
            let place = oauth::Where { token_url: None, base_url: self.home(), memory: &self.memory };
            client = client.auth_as(name, auth.resolve(&around, &place)?);
        }
        if let Some(pem) = &self.settings.client_certificate {
            client = client.client_certificate(pem.resolve(&around)?);
        }
        for (name, value) in &self.settings.secret_headers {
            client = client.header(name, value.resolve(&around)?.expose());
        }
        match &self.settings.auth {
            None => Ok(client),
            Some(auth) => {
                let (token_url, base_url) = (self.found.token_url.as_deref(), self.home());
                let place = oauth::Where { token_url, base_url, memory: &self.memory };
                Ok(client.auth(auth.resolve(&around, &place)?))
            }
        }
    }

    /// The base URL.
    fn named(&self, catalog: &Catalog) -> Result<String> {
        let told = |why: String| Error::coded(ErrorKind::Request, "config", why);
        let name = quoted(&self.name);
        if self.base_place().is_some() {
            let why = "stands in a document; call Environment::discover first";
            return Err(told(format!("the base URL of the environment {name} {why}")));
        }
        let url = self.base_url().or(catalog.base_url()).ok_or_else(|| {
            told(format!(
                "the environment {name} has no base_url, and its catalog names none; add one in {}",
                self.source.shown()
            ))
        })?;
        Ok(url.to_owned())
    }

    /// The base URL, to which the file's credentials may go.
    fn url(&self, catalog: &Catalog) -> Result<String> {
        let url = self.named(catalog)?;
        let name = quoted(&self.name);
        if self.signs_in() && !self.is_home(&url)? {
            let why = format!(
                "the credentials of the environment {name} are for its own base URL and go to no other; give others, or none"
            );
            return Err(Error::coded(ErrorKind::Auth, "auth.required", why));
        }
        Ok(url)
    }

    /// Whether `url` is of the origin that the file names; where it names none, any is.
    fn is_home(&self, url: &str) -> Result<bool> {
        if self.own.base_url.is_none() && (self.own.catalog.is_none() || self.settings.base_url.is_some()) {
            return Ok(true);
        }
        let origin = |url: &str| Ok::<_, Error>(Base::parse(url, &self.settings.variables)?.origin().clone());
        let own = match (&self.settings.base_url, self.home()) {
            (_, Some(named)) => Some(named.to_owned()),
            // Nobody knows yet where its home is, so that is nowhere.
            (Some(_), None) => return Ok(false),
            (None, None) => self.file_catalog()?.base_url().map(str::to_owned),
        };
        Ok(match own {
            Some(named) => origin(&named)? == origin(url)?,
            None => true,
        })
    }

    /// What a person should know: secrets in plain text, and files of secrets that others can read. No secret is in it,
    /// and none is looked up.
    pub fn warnings(&self) -> Vec<String> {
        let around = self.around();
        let exposed = self.settings.references().filter_map(|secret| secret.exposed(&around));
        self.settings.warnings.iter().cloned().chain(exposed).collect()
    }

    fn around(&self) -> Around<'_> {
        Around { variables: &self.variables, source: &self.source, hidden: &self.hidden }
    }
}

/// Shows where secrets are to be found, and none.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, settings, source, variables: _, hidden: _, own, found, memory: _, answers: _ } = self;
        f.debug_struct("Environment")
            .field("name", name)
            .field("file", &source.file)
            .field("settings", &settings.summary(Shown::Place))
            .field("own", own)
            .field("found", found)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
