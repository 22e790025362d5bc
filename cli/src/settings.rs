//! Where calls go and as whom: what options, variables and environments come to.

pub(crate) mod credentials;
mod elsewhere;

use std::{cell::RefCell, path::PathBuf};

use restwalk::{Auth, Catalog, Client, ClientBuilder, Environment, Expand, Redirect, Secret, Session};

use crate::{
    answers,
    args::Options,
    demo, input,
    io::Io,
    mistake::Result,
    place::Variable,
    source::Chosen,
    words::{self, Words},
};

use credentials::Given;

/// The place and the sign-in that a run has.
pub(crate) struct Settings {
    pub(crate) base_url: Option<String>,
    pub(crate) catalog: Catalog,
    /// The folder of the catalog, which its schemas are relative to.
    pub(crate) folder: Option<PathBuf>,
    /// What `-P` gives, each of which is used.
    pub(crate) given: Vec<Variable>,
    /// What the environment knows besides.
    pub(crate) known: Vec<Variable>,
    /// Whether there are credentials, sent or kept back.
    pub(crate) signs_in: bool,
    /// The user whose password is still to be asked for.
    pub(crate) asks: Option<(credentials::Kind, String)>,
    pub(crate) expand: Expand,
    /// What a person should know before the call is sent.
    pub(crate) warnings: Vec<String>,
    /// The credentials in place of the environment's.
    auth: Option<Auth>,
    actor: Option<String>,
    environment: Option<Environment>,
    /// The client that was asked for last, and its base URL: calls of one run share connections and limits.
    client: RefCell<Option<(String, Client)>>,
}

impl Settings {
    /// Reads what `options` and variables name: files, and standard input where a password stands there.
    pub(crate) fn read(options: &Options, io: &mut Io<'_>) -> Result<Self> {
        let place = &options.place;
        let chosen = Chosen::read(options, io)?;
        let (catalog, folder) = chosen.source(options, io)?.catalog(called(options).as_deref(), io)?;
        let Chosen { mut given, mut environment, demo } = chosen;
        // Who signs in by hand means the environment's own sign-in.
        let ignored = words::is_sign_in(options) && given.token.take().is_some();
        if let Some(one) = environment.take_if(|one| one.is_elsewhere() && elsewhere::asks(options)) {
            environment = Some(elsewhere::found(one, &given, options, io)?);
        }
        let base_url = place.base_url.clone().or(given.base_url);
        let base_url = base_url.or_else(|| environment.as_ref()?.base_url().map(str::to_owned));
        let base_url = base_url.or_else(|| catalog.base_url().map(str::to_owned));
        let base_url = base_url.or_else(|| demo.then(|| Catalog::embedded().base_url().map(str::to_owned)).flatten());
        let own = |one: (&str, &str)| Variable { name: one.0.to_owned(), value: one.1.to_owned() };
        let actor = given.actor.or_else(|| environment.as_ref()?.actor().map(str::to_owned));
        let mut settings = Self {
            base_url,
            expand: if place.expand { Expand::Underscore } else { catalog.expand() },
            catalog,
            folder,
            given: place.variables.iter().map(|text| Variable::parse(text, io)).collect::<Result<_>>()?,
            known: environment.iter().flat_map(|one| one.variables().map(own)).collect(),
            warnings: environment.iter().flat_map(Environment::warnings).collect(),
            auth: given.token.map(Auth::bearer),
            actor: actor.or_else(|| demo.then(|| demo::ACTOR.to_owned())),
            environment,
            asks: None,
            signs_in: false,
            client: RefCell::default(),
        };
        if ignored {
            let why = "RESTWALK_TOKEN is set: calls go by it, and not by the environment's sign-in";
            settings.warnings.push(why.to_owned());
        }
        if !words::is_sign_in(options) {
            settings.sign_in(options, given.password, io)?;
        }
        settings.signs_in = settings.auth.is_some() || settings.environment.as_ref().is_some_and(Environment::signs_in);
        if !sends_credentials(options) {
            settings.auth = Some(Auth::none());
        }
        Ok(settings)
    }

    /// Takes the credentials of `-a`.
    fn sign_in(&mut self, options: &Options, password: Option<Secret>, io: &mut Io<'_>) -> Result<()> {
        match credentials::given(options, io, &mut self.warnings)? {
            None => {}
            Some(Given::Token(scheme, token)) => self.auth = Some(Auth::scheme(scheme, token)),
            Some(Given::User(kind, user, given)) => {
                self.actor = Some(user.clone());
                // A missing one is asked for when a call is about to be sent, and by no other command.
                let password = given.or(password);
                self.asks = password.is_none().then(|| (kind, user.clone()));
                self.auth = Some(kind.auth(&user, password.unwrap_or_else(|| Secret::from(""))));
            }
        }
        Ok(())
    }

    /// The sign-in by OAuth 2.0 of the calls that were made, if that is how they sign in.
    pub(crate) fn session(&self) -> Option<Session> {
        self.client.borrow().as_ref()?.1.auth().ok()
    }

    /// The environment that the run works in.
    pub(crate) fn environment(&self) -> Option<&Environment> {
        self.environment.as_ref()
    }

    /// The names of the environment and of the actor.
    pub(crate) fn names(&self) -> (Option<&str>, Option<&str>) {
        (self.environment.as_ref().map(Environment::name), self.actor.as_deref())
    }

    /// The client of these settings, at `base`.
    pub(crate) fn client(&self, base: &str, options: &Options, io: &Io<'_>) -> Result<Client> {
        if let Some((_, client)) = self.client.borrow().as_ref().filter(|(of, _)| of == base) {
            return Ok(client.clone());
        }
        let client = self.new_client(base, options, io)?;
        *self.client.borrow_mut() = Some((base.to_owned(), client.clone()));
        Ok(client)
    }

    fn new_client(&self, base: &str, options: &Options, io: &Io<'_>) -> Result<Client> {
        let send = &options.send;
        let follow = send.follow || options.files.download || options.files.proceed;
        let redirect = if follow { Redirect::any_origin() } else { Redirect::off() };
        let builder = match (&self.environment, &self.auth) {
            (None, None) => Client::builder(base).catalog(self.catalog.clone()),
            (None, Some(auth)) => Client::builder(base).catalog(self.catalog.clone()).auth(auth.clone()),
            (Some(environment), auth) => {
                let environment = environment.clone().with_base_url(base).with_catalog(self.catalog.clone());
                auth.iter().fold(environment, |one, auth| one.with_auth(Auth::clone(auth))).client()?
            }
        };
        let mut builder = builder.redirect(redirect);
        if let Some(actor) = &self.actor {
            builder = builder.actor(actor);
        }
        if let Some(cache) = answers::cache(self.environment.as_ref(), &self.catalog, options, io)? {
            builder = builder.cache(&cache);
        }
        if let Some(time) = send.timeout {
            builder = builder.connect_timeout(time.min(std::time::Duration::from_millis(3100)));
        }
        if let Some(service) = &io.service {
            builder = builder.transport(service.clone());
        }
        Ok(network(builder, options, io)?.build()?)
    }
}

/// Whether the server must prove who it is.
pub(crate) fn is_checked(options: &Options) -> bool {
    !matches!(&*options.send.verify, "no" | "false")
}

/// Whether credentials go to a server: not where they are not wanted, nor where anybody may be at the other end.
pub(crate) fn sends_credentials(options: &Options) -> bool {
    let send = &options.send;
    !send.no_auth && (is_checked(options) || send.insecure_send_auth)
}

/// Proxy and certificates.
fn network(mut builder: ClientBuilder, options: &Options, io: &Io<'_>) -> Result<ClientBuilder> {
    let send = &options.send;
    match &*send.verify {
        _ if !is_checked(options) => builder = builder.insecure(true),
        "yes" | "true" => {}
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

/// The path that a call of `options` has; other words of restwalk look at the whole catalog, and so does a journal.
fn called(options: &Options) -> Option<String> {
    if options.many.resume.is_some() {
        return None;
    }
    let words = options.words().ok()?;
    let words = match words.split_first() {
        Some((word, rest)) if word == "explain" => rest,
        Some((word, _)) if words::HELPERS.iter().any(|(known, ..)| known == word) => return None,
        _ => &words[..],
    };
    Words::parse(words).ok().map(|words| words.path)
}
