//! The text of `restwalk.yaml` as environments.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Environment,
    cache::Caching,
    folders::Variables,
    keys,
    place::Place,
    reference::Reference,
    settings::{Served, Settings, SignIn},
    source::Source,
};
mod oauth;

use crate::{
    catalog::strict::{self, Document, Kind, View, check, decode},
    discover::Discover,
    error::{Error, ErrorKind, Result},
    header::is_secret,
};

/// What a file says.
#[derive(Default)]
pub(super) struct Said {
    pub(super) default: Option<String>,
    pub(super) environments: Vec<(String, Settings)>,
    /// Files beside it that decide what is sent, and whom it is sent to.
    pub(super) files: Vec<PathBuf>,
    /// Words of programs' lines that may name files.
    pub(super) words: Vec<PathBuf>,
}

/// Reads the bytes of the file named `shown`.
///
/// # Errors
/// `Request` with the code `config`, place and keys; no value of the file is in it.
pub(super) fn read(shown: &str, bytes: &[u8]) -> Result<Said> {
    // The reader speaks of catalogs, by its kind; a person who corrects this file should not look for one.
    parsed(shown, bytes).map_err(|error| Error::coded(ErrorKind::Request, "config", error.to_string()))
}

fn parsed(shown: &str, bytes: &[u8]) -> Result<Said> {
    let document = Document::discreet(shown, decode(shown, bytes)?)?;
    let mut said = Said::default();
    let Some(root) = document.root() else { return Ok(said) };
    check(root, &keys::FILE)?;
    for (name, view) in root.get("environments").into_iter().flat_map(View::pairs) {
        let settings = settings(view)?;
        said.files.extend(settings.files().cloned());
        said.words.extend(settings.words().map(Path::to_owned));
        said.environments.push((name.text().to_owned(), settings));
    }
    said.default = root.get("default").map(owned);
    Ok(said)
}

/// The environments of `said`, which stands in `source`.
pub(super) fn environments(said: Said, source: Source, variables: &Variables) -> Vec<Environment> {
    let source = Arc::new(source);
    let new = |(name, settings)| Environment::new(name, settings, Arc::clone(&source), variables.clone());
    said.environments.into_iter().map(new).collect()
}

/// One environment, which was checked.
fn settings(environment: View<'_>) -> Result<Settings> {
    let mut settings = Settings::default();
    for (key, value) in environment.pairs() {
        match key.text() {
            "base_url" => settings.base_url = Some(place(value, environment)?),
            "catalog" if value.text() == "max" => settings.catalog = Some(Served::Embedded),
            "catalog" => settings.catalog = Some(Served::File(path(value))),
            "defaults" => settings.defaults = Some(path(value)),
            "actor" => settings.actor = Some(owned(value)),
            "headers" => headers(value, &mut settings)?,
            "variables" => {
                settings.variables = value.pairs().map(|(name, value)| (owned(name), owned(value))).collect();
            }
            "auth" => settings.auth = Some(auth(value, environment, &mut settings.warnings)?),
            "auth_as" => {
                for (name, value) in value.pairs() {
                    if name.text() == "none" {
                        return Err(name.error("none stands for no credentials, and cannot name any"));
                    }
                    settings.auth_as.push((owned(name), auth(value, environment, &mut settings.warnings)?));
                }
            }
            "timeout" => settings.timeout = strict::seconds(value),
            "retry" => settings.attempts = Some(strict::number(value).unwrap_or(1)),
            "limit" => settings.rates = strict::texts(value).iter().filter_map(|text| text.parse().ok()).collect(),
            "cache" => settings.cache = Some(Caching::read(value)),
            "proxy" if value.text() == "none" => settings.proxy = Some(None),
            "proxy" => settings.proxy = Some(Some(proxy(value, &mut settings.warnings)?)),
            "ca_certificate" => settings.ca_certificate = Some(path(value)),
            "client_certificate" => settings.client_certificate = Some(secret(value, &mut settings.warnings)?),
            _ => {}
        }
    }
    match environment.get("defaults") {
        Some(defaults) if settings.catalog.is_none() => {
            Err(defaults.error("defaults are those of a catalog, and this environment has none; add the key catalog"))
        }
        _ => Ok(settings),
    }
}

/// Headers that hold a credential, by their name or since their value stands elsewhere, apart from others.
fn headers(view: View<'_>, settings: &mut Settings) -> Result<()> {
    for (name, value) in view.pairs() {
        let elsewhere = ["env:", "file:", "cmd:"].iter().any(|kind| value.text().starts_with(kind));
        if elsewhere || is_secret(name.text()) {
            let secret = secret(value, &mut settings.warnings)?;
            settings.secret_headers.push((owned(name), secret));
        } else {
            settings.headers.push((owned(name), owned(value)));
        }
    }
    Ok(())
}

fn auth(view: View<'_>, environment: View<'_>, warnings: &mut Vec<String>) -> Result<SignIn> {
    let mut given = view.pairs();
    let (Some((kind, value)), None) = (given.next(), given.next()) else {
        return Err(view.error("expected one way to sign in, found several"));
    };
    let mut named = |key: &str| {
        value.get(key).map(|value| secret(value, warnings)).transpose()?.ok_or_else(|| value.error("a key is missing"))
    };
    let text = |key: &str| value.get(key).map(owned).unwrap_or_default();
    Ok(match kind.text() {
        kind @ ("basic" | "digest") => {
            let password = named("password")?;
            // A user's name is no secret, so it may stand there.
            let user = secret(value.get("user").unwrap_or(value), &mut Vec::new())?;
            if kind == "basic" { SignIn::Basic(user, password) } else { SignIn::Digest(user, password) }
        }
        "scheme" => SignIn::Scheme(text("name"), named("value")?),
        "api_key" => match ["header", "query", "cookie"].map(|key| value.get(key)) {
            [Some(name), None, None] => SignIn::Header(owned(name), named("value")?),
            [None, Some(name), None] => SignIn::Query(owned(name), named("value")?),
            [None, None, Some(name)] => SignIn::Cookie(owned(name), named("value")?),
            _ => return Err(value.error("expected one of header, query, cookie, to carry the key")),
        },
        "template" => template(value, warnings)?,
        "oauth2" => SignIn::OAuth(Box::new(oauth::read(value, environment, warnings)?)),
        _ => SignIn::Scheme("Bearer".to_owned(), secret(value, warnings)?),
    })
}

/// A URL, or where one stands; the variables of the environment fill its names.
fn place(view: View<'_>, environment: View<'_>) -> Result<Place> {
    if view.kind() != Kind::Map {
        return Ok(Place::Named(owned(view)));
    }
    let text = |key: &str| view.get(key).map(owned).unwrap_or_default();
    let mut discover = Discover::document(text("document")).pointer(text("pointer")).suffix(text("suffix"));
    let mut told = format!("at {} in {}", text("pointer"), text("document"));
    if let Some(fallback) = view.get("fallback") {
        discover = discover.fallback(owned(fallback));
        told += &format!(", else {}", fallback.text());
    }
    for origin in view.get("trust").iter().flat_map(|view| strict::texts(*view)) {
        told += &format!(", trusting {origin}");
        discover = discover.trust(origin);
    }
    for (name, value) in environment.get("variables").into_iter().flat_map(View::pairs) {
        discover = discover.variable(name.text(), value.text());
    }
    match view.text() {
        _ if text("document").starts_with(['/', 'h']) => Ok(Place::Found(Box::new(discover), told)),
        _ => Err(view.error("expected a document that is a URL, or a path that begins with a /")),
    }
}

fn template(view: View<'_>, warnings: &mut Vec<String>) -> Result<SignIn> {
    let headers = view.get("headers").into_iter().flat_map(View::pairs);
    let headers = headers.map(|(name, value)| (owned(name), owned(value))).collect();
    let mut values = Vec::new();
    for (name, value) in view.get("values").into_iter().flat_map(View::pairs) {
        values.push((owned(name), secret(value, warnings)?));
    }
    Ok(SignIn::Template(headers, values))
}

/// A secret; one that stands there as it is gets a warning, which does not show it.
fn secret(view: View<'_>, warnings: &mut Vec<String>) -> Result<Reference> {
    let reference = reference(view)?;
    if reference.is_inline() {
        let (place, path) = (reference.place(), view.path());
        warnings.push(format!("{place}: {path} is a secret in plain text; write env:NAME, file:PATH or cmd:PROGRAM"));
    }
    Ok(reference)
}

/// A proxy's URL, which is a secret only where it has a user.
fn proxy(view: View<'_>, warnings: &mut Vec<String>) -> Result<Reference> {
    if view.text().contains('@') { secret(view, warnings) } else { reference(view) }
}

fn reference(view: View<'_>) -> Result<Reference> {
    let place = view.place();
    let line = place.rsplit_once(':').map_or(place.as_str(), |(line, _)| line).to_owned();
    Reference::parse(view.text(), line).map_err(|why| view.error(why))
}

fn path(view: View<'_>) -> PathBuf {
    Path::new(view.text()).to_owned()
}

fn owned(view: View<'_>) -> String {
    debug_assert!(matches!(view.kind(), Kind::Plain | Kind::Quoted));
    view.text().to_owned()
}
