//! Where calls go and as whom: what options, and later environments, come to.

use std::{path::PathBuf, time::SystemTime};

use restwalk::{Auth, Catalog, Client, ClientBuilder, Expand, Following, Redirect, Secret};

use crate::{
    args::Options,
    cache::Files,
    command, input,
    io::Io,
    mistake::{Mistake, Result},
    place::Variable,
    words::Words,
};

/// The place and the sign-in that a run has.
pub(crate) struct Settings {
    pub(crate) base_url: Option<String>,
    pub(crate) catalog: Catalog,
    /// The folder of the catalog, which its schemas are relative to.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) auth: Auth,
    pub(crate) actor: Option<String>,
    pub(crate) expand: Expand,
    /// What a person should know before the call is sent.
    pub(crate) warnings: Vec<String>,
}

impl Settings {
    /// Reads what `options` name: files, and standard input where a password stands there.
    pub(crate) fn read(options: &Options, io: &mut Io<'_>) -> Result<Self> {
        if let Some(name) = options.place.env.as_ref().or_else(|| io.variables.get("RESTWALK_ENV")) {
            let wrong = Mistake::local("config", format!("there is no environment {name:?}"));
            return Err(wrong.hint("give --base-url and --catalog in its place"));
        }
        let place = &options.place;
        let (catalog, folder) = catalog(options, called(options).as_deref(), io)?;
        let variables = place.variables.iter().map(|text| Variable::parse(text, io)).collect::<Result<_>>()?;
        let expand = if place.expand { Expand::Underscore } else { catalog.expand() };
        let base_url = place.base_url.clone().or_else(|| catalog.base_url().map(str::to_owned));
        let mut settings = Self {
            base_url,
            catalog,
            folder,
            headers: Vec::new(),
            variables,
            auth: Auth::none(),
            actor: None,
            expand,
            warnings: Vec::new(),
        };
        settings.sign_in(options, io)?;
        Ok(settings)
    }

    fn sign_in(&mut self, options: &Options, io: &mut Io<'_>) -> Result<()> {
        let Some(given) = &options.send.auth else { return Ok(()) };
        let kind = options.send.auth_type.to_ascii_lowercase();
        let text = if let Some(named) = given.strip_prefix('@').or((given == "-").then_some("-")) {
            let text = input::text(input::bytes(io, named)?, named)?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        } else {
            if kind != "basic" || given.contains(':') {
                let why = "others on this machine can read a secret among the arguments; -a @FILE and -a - keep it";
                self.warnings.push(why.to_owned());
            }
            given.clone()
        };
        self.auth = match (&*kind, text.split_once(':')) {
            ("basic", Some((user, password))) => {
                self.actor = Some(user.to_owned());
                Auth::basic(user, password)
            }
            ("basic", None) => {
                let mut wrong = Mistake::local("auth.required", "a password is missing");
                wrong.exit = crate::exit::SIGN_IN;
                return Err(wrong.hint("write -a USER:PASS, or -a @FILE with that text in the file"));
            }
            ("bearer", _) => Auth::bearer(text),
            _ => Auth::scheme(&options.send.auth_type, text),
        };
        Ok(())
    }

    /// The client of these settings, at `base`.
    pub(crate) fn client(&self, base: &str, options: &Options, io: &Io<'_>) -> Result<Client> {
        let send = &options.send;
        let redirect = if send.follow { Redirect::any_origin() } else { Redirect::off() };
        let mut builder = Client::builder(base).catalog(self.catalog.clone()).redirect(redirect);
        if !send.no_auth {
            builder = builder.auth(self.auth.clone()).headers(self.headers.clone());
        }
        if let Some(actor) = &self.actor {
            builder = builder.actor(actor);
        }
        if let Some(time) = send.timeout {
            builder = builder.connect_timeout(time.min(std::time::Duration::from_millis(3100)));
        }
        Ok(network(builder, options, io)?.build()?)
    }
}

/// Proxy and certificates.
fn network(mut builder: ClientBuilder, options: &Options, io: &Io<'_>) -> Result<ClientBuilder> {
    let send = &options.send;
    match &*send.verify {
        "yes" | "true" => {}
        "no" | "false" => builder = builder.insecure(true),
        file => builder = builder.ca_certificate(input::text_file(io, file)?),
    }
    if let Some(file) = &send.cacert {
        builder = builder.ca_certificate(input::text_file(io, file)?);
    }
    if let Some(file) = &send.cert {
        builder = builder.client_certificate(Secret::from(input::text_file(io, file)?));
    }
    if let Some(url) = &send.proxy {
        builder = builder.proxy(Some(&**url).filter(|url| !url.is_empty()));
    }
    Ok(builder)
}

/// The catalog that `options` name, and its folder: as much of it as a call of `path` needs, or all.
pub(crate) fn catalog(options: &Options, path: Option<&str>, io: &Io<'_>) -> Result<(Catalog, Option<PathBuf>)> {
    let Some(files) = files(options, io)? else { return Ok((Catalog::open(), None)) };
    let catalog = files.read(path, io, || load(&files, options, io))?;
    Ok((catalog, files.resources.parent().map(PathBuf::from)))
}

/// What may follow a path in the catalog that `options` name.
pub(crate) fn following(options: &Options, path: &str, io: &Io<'_>) -> Result<Vec<Following>> {
    let Some(files) = files(options, io)? else { return Ok(Vec::new()) };
    files.following(path, io, || load(&files, options, io))
}

/// The files of the catalog, where one is named.
fn files(options: &Options, io: &Io<'_>) -> Result<Option<Files>> {
    let place = &options.place;
    let Some(resources) = &place.catalog else {
        return match place.defaults {
            Some(_) => Err(Mistake::usage("--defaults goes with --catalog")),
            None => Ok(None),
        };
    };
    let defaults = place.defaults.as_ref().map(|file| io.path(file));
    Ok(Some(Files { resources: io.path(resources), defaults, wall: SystemTime::now() }))
}

fn load(files: &Files, options: &Options, io: &Io<'_>) -> Result<Catalog> {
    match (&files.defaults, &options.place.catalog) {
        (Some(defaults), _) => Ok(Catalog::from_files(&files.resources, defaults)?),
        (None, named) => {
            let text = input::text_file(io, named.as_deref().unwrap_or_default())?;
            Ok(Catalog::from_yaml(&text, "")?)
        }
    }
}

/// The path that a call of `options` has; other words of restwalk look at the whole catalog.
fn called(options: &Options) -> Option<String> {
    let words = options.words().ok()?;
    let words = match words.split_first() {
        Some((word, rest)) if word == "explain" => rest,
        Some((word, _)) if command::WORDS.iter().any(|(known, _)| known == word) => return None,
        _ => &words[..],
    };
    Words::parse(words).ok().map(|words| words.path)
}

/// The names of the environments, for completion.
pub(crate) fn environments(io: &Io<'_>) -> Vec<String> {
    io.variables.get("RESTWALK_ENV").cloned().into_iter().collect()
}
