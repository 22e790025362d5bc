//! Settings of a client, each with its default; every mistake in them is the error of `build`.

use std::{fmt, sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT, ACCEPT_ENCODING, USER_AGENT},
};
use tower_service::Service;

mod identity;
mod network;

pub(super) use identity::Propagation;

use super::{Bounds, Client, Core, Named, Partitions, Places, Shared};
use crate::{
    auth::Auth,
    body::WireBody,
    cache::{Cache, Identity},
    catalog::Catalog,
    circuit::Circuit,
    error::{BoxError, Error, ErrorKind, Fault, Result, quoted},
    header::{header, limit, put},
    limit::{Limit, Limiter},
    params::Expand,
    query::Style,
    random::Random,
    redirect::Redirect,
    request::Base,
    response::ACCEPTED,
    retry::Retry,
    secret::{Masks, Secret},
    transport::{Local, Resolve, Transport},
};

/// The product name and version that a client gives unless told otherwise.
const AGENT: &str = concat!("restwalk/", env!("CARGO_PKG_VERSION"));

/// Collects settings; [`ClientBuilder::build`] is the only step that fails.
#[must_use]
pub struct ClientBuilder {
    url: String,
    variables: Vec<(String, String)>,
    catalog: Option<Catalog>,
    actor: Option<String>,
    auth: Auth,
    named: Vec<Named>,
    headers: Vec<(String, String)>,
    agent: String,
    application: String,
    propagation: Propagation,
    expand: Option<Expand>,
    style: Option<Style>,
    connect: Option<Duration>,
    bounds: Bounds,
    retry: Retry,
    redirect: Redirect,
    limit: Limit,
    circuit: Option<Circuit>,
    cookies: bool,
    cache: Option<Cache>,
    random: Random,
    transport: Option<Arc<dyn Transport>>,
    roots: Vec<Vec<u8>>,
    identity: Option<Secret>,
    proxy: Option<Option<Secret>>,
    resolver: Option<Arc<dyn Resolve>>,
    insecure: bool,
}

impl Client {
    /// Starts a client of a `tower::Service` in this process, such as an axum `Router`, at `http://local`.
    ///
    /// The service gets every request, whatever host a redirect or [`Client::at`] leads to.
    pub fn local<S, B>(service: S) -> ClientBuilder
    where
        S: Service<http::Request<WireBody>, Response = http::Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::builder("http://local").transport(Local::new(service))
    }
}

impl ClientBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            variables: Vec::new(),
            catalog: None,
            actor: None,
            auth: Auth::none(),
            named: Vec::new(),
            headers: Vec::new(),
            agent: String::new(),
            application: String::new(),
            propagation: Propagation::default(),
            expand: None,
            style: None,
            connect: Some(Duration::from_millis(3_100)),
            bounds: Bounds {
                headers: Some(Duration::from_secs(30)),
                idle: Some(Duration::from_secs(30)),
                pace: Some((20, Duration::from_secs(20))),
                total: Some(Duration::from_secs(60)),
                body: 64 << 20,
            },
            retry: Retry::standard(),
            redirect: Redirect::same_origin(),
            limit: Limit::new(),
            circuit: None,
            cookies: false,
            cache: None,
            random: Random::default(),
            transport: None,
            roots: Vec::new(),
            identity: None,
            proxy: None,
            resolver: None,
            insecure: false,
        }
    }

    /// Walks paths in `catalog`; without one any path is allowed.
    pub fn catalog(mut self, catalog: Catalog) -> Self {
        self.catalog = Some(catalog);
        self
    }

    /// Fills `{name}` in the base URL's host; the value must be one host label.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Names who acts: what `:me` stands for, and `{actor}` in header templates.
    pub fn actor(mut self, name: impl Into<String>) -> Self {
        self.actor = Some(name.into());
        self
    }

    /// Signs in; credentials go to the base URL's origin only.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Adds a header to every request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds several headers to every request.
    pub fn headers<N: Into<String>, V: Into<String>>(mut self, headers: impl IntoIterator<Item = (N, V)>) -> Self {
        self.headers.extend(headers.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Sets which argument names nest, in place of the catalog's rule.
    pub fn expand(mut self, expand: Expand) -> Self {
        self.expand = Some(expand);
        self
    }

    /// Sets how arrays and objects stand in a query, in place of the catalog's rule.
    pub fn query_style(mut self, style: Style) -> Self {
        self.style = Some(style);
        self
    }

    /// Limits the time to connect, name look-up and TLS included; 3.1 s by default.
    pub fn connect_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.connect = time.into();
        self
    }

    /// Limits the wait for an answer's headers; 30 s by default. An upload may take longer as long as it moves.
    pub fn headers_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.bounds.headers = time.into();
        self
    }

    /// Limits the wait for each piece of a body; 30 s by default.
    pub fn idle_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.bounds.idle = time.into();
        self
    }

    /// Ends a body of which fewer than `bytes` bytes come in the time `within`; 20 in 20 s by default, 0 turns it off.
    ///
    /// It catches a server that sends a byte now and then; one that sends nothing meets the `idle_timeout`.
    pub fn stall_timeout(mut self, bytes: u64, within: Duration) -> Self {
        self.bounds.pace = (bytes > 0).then_some((bytes, within));
        self
    }

    /// Limits a whole call, its buffered body included; 60 s by default. Transfers have none: see the other limits.
    pub fn total_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.bounds.total = time.into();
        self
    }

    /// Limits a body that is read whole, in bytes after decoding; 64 MiB by default.
    pub fn body_limit(mut self, bytes: u64) -> Self {
        self.bounds.body = bytes;
        self
    }

    /// Sets when and how failures that may pass are tried again; [`Retry::standard`] by default.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sets which redirects are followed; [`Redirect::same_origin`] by default.
    pub fn redirect(mut self, redirect: Redirect) -> Self {
        self.redirect = redirect;
        self
    }

    /// Sets how often, and how many at once, requests may be sent, under each credentials; without one only what the
    /// server asks for is kept.
    pub fn limit(mut self, limit: Limit) -> Self {
        self.limit = limit;
        self
    }

    /// Leaves an origin alone for a while when most calls to it fail; off by default.
    pub fn circuit(mut self, circuit: Circuit) -> Self {
        self.circuit = Some(circuit);
        self
    }

    /// Keeps the cookies that each origin sets and sends them back to it, and to no other; off by default.
    ///
    /// A client under other credentials or another actor has a jar of its own, and a call with credentials
    /// of its own leaves the jar alone.
    pub fn cookies(mut self, keep: bool) -> Self {
        self.cookies = keep;
        self
    }

    /// Keeps answers and gives them again; off by default. Clients that are given the same cache share it.
    pub fn cache(mut self, cache: &Cache) -> Self {
        self.cache = Some(cache.clone());
        self
    }

    /// Takes the numbers from 0 up to 1 that spread waits from `source`, for tests that want exact ones.
    pub fn random(mut self, source: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.random = Random::new(source);
        self
    }

    /// Checks the settings and makes the client; nothing is sent and no name looked up.
    ///
    /// # Errors
    /// `Request` for a base URL, header, certificate or time that cannot be used, `Auth` for credentials.
    pub fn build(self) -> Result<Client> {
        self.check_times()?;
        self.retry.check()?;
        self.limit.check()?;
        self.circuit.as_ref().map_or(Ok(()), Circuit::check)?;
        let base = Base::parse(&self.url, &self.variables)?;
        let headers = self.header_map()?;
        let propagation = Some(Arc::new(self.propagation.checked()?));
        let mut masks = Self::masks(&base, &headers);
        let transport = match &self.transport {
            Some(transport) => Arc::clone(transport),
            None => self.network(&base, &mut masks)?,
        };
        let masks = Arc::new(masks);
        let catalog = self.catalog.unwrap_or_else(Catalog::open);
        let settings = catalog.settings();
        let partitions = Partitions::default();
        let shared = Arc::new(Shared { places: Places::new(self.circuit), partitions, random: self.random });
        let mut core = Core {
            place: shared.places.at(base.origin()),
            jar: self.cookies.then(Arc::default),
            cache: self.cache,
            inherent: Identity::default(),
            usual: None,
            certificate: self.identity,
            base,
            actor: self.actor.map(Into::into),
            auth: self.auth,
            credentials: Err(Fault::request("not signed in yet")),
            named: self.named,
            settings: Arc::clone(&masks),
            masks,
            headers,
            propagation,
            expand: self.expand.unwrap_or(settings.expand),
            style: self.style.unwrap_or(settings.query_style),
            bounds: self.bounds,
            retry: self.retry,
            limiter: Arc::new(Limiter::new(&self.limit)),
            limit: self.limit,
            redirect: self.redirect,
            shared,
            own_transport: self.transport.is_some(),
            transport,
            catalog,
        };
        core.sign();
        core.credentials.as_ref().map_err(Fault::clone)?;
        core.named.iter().try_for_each(Named::check)?;
        Ok(Client { core: Arc::new(core) })
    }

    /// The secrets in the settings themselves: headers, the base URL's query.
    fn masks(base: &Base, headers: &HeaderMap) -> Masks {
        let mut masks = Masks::default();
        masks.add_headers(headers);
        base.secrets().for_each(|secret| masks.add(&secret));
        masks
    }

    fn check_times(&self) -> Result<()> {
        let Bounds { headers, idle, pace, total, body: _ } = &self.bounds;
        let within = pace.map(|(_, within)| within);
        for (name, time) in [
            ("connect_timeout", &self.connect),
            ("headers_timeout", headers),
            ("idle_timeout", idle),
            ("stall_timeout", &within),
            ("total_timeout", total),
        ] {
            if time.is_some_and(|time| time.is_zero()) {
                let why = format!("{name} must be longer than nothing; None turns it off");
                return Err(Error::coded(ErrorKind::Request, "config", why));
            }
        }
        Ok(())
    }

    fn header_map(&self) -> Result<HeaderMap> {
        let mut headers = plain_headers();
        headers.insert(USER_AGENT, header("user-agent", &self.agent())?.1);
        let given = self.headers.iter().map(|(name, value)| header(name, value)).collect::<Result<Vec<_>, _>>()?;
        put(&mut headers, &given);
        // Room for what calls add, so that a call's copy need not grow its table.
        headers.reserve(8);
        limit(&headers)?;
        Ok(headers)
    }
}

/// What every request carries, to any origin.
pub(super) fn plain_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    if let Some(codings) = ACCEPTED {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(codings));
    }
    headers
}

/// Shows no header's value, no credential and no base URL, which may hold one.
impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            catalog, actor, auth, headers, agent: _, expand, style, connect, bounds, transport, insecure, ..
        } = self;
        f.debug_struct("ClientBuilder")
            .field("catalog", catalog)
            .field("actor", &actor.as_deref().map(quoted))
            .field("auth", auth)
            .field("headers", &format_args!("{} (not shown)", headers.len()))
            .field("user_agent", &self.agent())
            .field("correlation", &self.propagation)
            .field("expand", expand)
            .field("query_style", style)
            .field("connect_timeout", connect)
            .field("bounds", bounds)
            .field("retry", &self.retry)
            .field("redirect", &self.redirect)
            .field("limit", &self.limit)
            .field("circuit", &self.circuit)
            .field("cookies", &self.cookies)
            .field("cache", &self.cache)
            .field("transport", transport)
            .field("insecure", insecure)
            .finish_non_exhaustive()
    }
}
