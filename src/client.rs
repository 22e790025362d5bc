//! A client: settings, and the loop that carries a request to the wire and back.

use std::{
    borrow::Cow,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, StatusCode, header::LOCATION};

use crate::{
    auth::{Auth, Prepared},
    body::{Body, WireBody},
    catalog::Catalog,
    error::{Error, ErrorKind, Fault, Outcome, Problem, Result},
    params::Expand,
    query::Style,
    request::{Base, Context, Request, UrlTemplate},
    response::{Exchange, Response},
    secret::Masks,
    transport::Transport,
};

mod builder;
mod wait;

pub use builder::ClientBuilder;

/// How much of an error's body is kept.
const ERROR_BODY: usize = 64 << 10;

/// Talks to one API: a base URL, a catalog, credentials, and a transport.
///
/// Cloning is cheap, and clones share connections. A client is `Send` and `Sync`.
///
/// ```
/// # use restwalk::{Client, Value};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
/// # let router = axum::Router::new().route("/people/{name}/activities", axum::routing::get(|| async { "[]" }));
/// let client = Client::local(router).build()?;
/// let found: Value = client.res("people").item("user.name").res("activities").get().query("limit", 1).await?;
/// assert_eq!(found, Value::Array(vec![]));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    core: Arc<Core>,
}

#[derive(Clone)]
struct Core {
    base: Base,
    catalog: Catalog,
    actor: Option<Arc<str>>,
    auth: Auth,
    credentials: Result<Prepared, Fault>,
    masks: Arc<Masks>,
    headers: HeaderMap,
    expand: Expand,
    style: Style,
    limits: Limits,
    transport: Arc<dyn Transport>,
}

/// Bounds on time and size.
#[derive(Debug, Clone)]
struct Limits {
    headers: Option<Duration>,
    idle: Option<Duration>,
    total: Option<Duration>,
    body: u64,
}

/// What one call changes about the client's settings.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) auth: Option<Auth>,
    pub(crate) timeout: Option<Duration>,
}

impl Client {
    /// Starts a client of the API at `url`; its path is kept, so `https://h/api/v1` + `people` is `/api/v1/people`.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }

    /// Who acts, as named by [`ClientBuilder::actor`].
    pub fn actor(&self) -> Option<&str> {
        self.core.actor.as_deref()
    }

    /// The catalog that paths are walked in.
    pub fn catalog(&self) -> &Catalog {
        &self.core.catalog
    }

    /// The same client under other credentials; connections are shared. A mistake in them is the error of each call.
    #[must_use]
    pub fn with_auth(&self, auth: Auth) -> Self {
        let mut core = Core::clone(&self.core);
        core.auth = auth;
        core.sign();
        Self { core: Arc::new(core) }
    }

    /// The same client acting as `actor`; connections are shared.
    #[must_use]
    pub fn with_actor(&self, actor: impl Into<String>) -> Self {
        let mut core = Core::clone(&self.core);
        core.actor = Some(actor.into().into());
        core.sign();
        Self { core: Arc::new(core) }
    }

    /// The same client at one absolute URL: of another origin it keeps no credentials and no header of the caller's.
    pub(crate) fn moved(&self, base: Base) -> Self {
        let mut core = Core::clone(&self.core);
        if !base.same_origin(&core.base) {
            core.auth = Auth::none();
            core.headers = builder::plain_headers();
            core.sign();
        }
        core.base = base;
        core.catalog = Catalog::open();
        Self { core: Arc::new(core) }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        let Core { base, catalog, headers, expand, style, .. } = &*self.core;
        Context { base, catalog, headers, expand: *expand, style: *style }
    }

    /// The credentials of a call: its own, else the client's.
    pub(crate) fn credentials(&self, options: &Options) -> Result<Cow<'_, Prepared>> {
        match (&options.auth, &self.core.credentials) {
            (Some(auth), _) => Ok(Cow::Owned(auth.prepare(self.actor())?)),
            (None, Ok(credentials)) => Ok(Cow::Borrowed(credentials)),
            (None, Err(fault)) => Err(fault.clone().into()),
        }
    }

    /// Sends `request` and gives the answer, whatever its status: the whole exchange as one story.
    pub(crate) async fn execute(&self, request: &Request, options: &Options) -> Result<Response> {
        let started = Instant::now();
        let (described, sent) = wait::watch(request.to_http(&self.context())?);
        let needs_actor = request.needs_actor(&self.core.catalog)?;
        let credentials = self.credentials(options)?;
        let masks = self.masks(options, &credentials);

        let Limits { headers, idle, total, body: limit } = self.core.limits;
        let total = options.timeout.or(total.filter(|_| sent.is_none()));
        let route = described.extensions().get::<UrlTemplate>().map(|label| Arc::clone(&label.0));
        let mut exchange = Exchange {
            method: described.method().clone(),
            url: described.uri().clone(),
            route,
            masks,
            limit,
            idle,
            deadline: total.and_then(|total| started.checked_add(total)),
            elapsed: Duration::ZERO,
            attempts: 1,
        };

        let mut wire = open(described).await.map_err(|error| exchange.dress(error))?;
        credentials.attach(&mut wire, needs_actor)?;
        let answer = wait::answer(self.core.transport.exchange(wire), exchange.deadline, headers, sent).await;
        exchange.elapsed = started.elapsed();
        match answer {
            Ok(answer) => Ok(Response::new(answer, exchange)),
            Err(error) => Err(exchange.dress(error.masked(&|text| exchange.masks.apply(text)))),
        }
    }

    /// Sends `request`; a status that is no success becomes an error that keeps the whole answer.
    pub(crate) async fn send(&self, request: &Request, options: &Options) -> Result<Response> {
        let response = self.execute(request, options).await?;
        let status = response.status();
        let redirect = status.is_redirection() && response.headers().contains_key(LOCATION);
        if !(redirect || status.is_client_error() || status.is_server_error()) {
            return Ok(response);
        }
        let exchange = response.exchange().clone();
        let headers = response.headers().clone();
        let body = response.excerpt(ERROR_BODY).await;
        let clean = |text: &str| exchange.masks.apply(text);
        let template = self.core.catalog.settings().error_message.as_deref();
        let problem = Problem::from_json(&body, template).map(|problem| problem.map(&clean));
        let (kind, code) = match status {
            _ if redirect => (ErrorKind::Redirect, "redirect.not_followed"),
            StatusCode::TOO_MANY_REQUESTS => (ErrorKind::RateLimited, "rate_limited"),
            _ => (ErrorKind::Status, "status"),
        };
        let error = Error::coded(kind, code, answered(status)).with_answer(status, headers, Some(body), problem);
        Err(exchange.dress(error))
    }

    fn masks(&self, options: &Options, credentials: &Prepared) -> Arc<Masks> {
        if options.auth.is_none() {
            return Arc::clone(&self.core.masks);
        }
        Arc::new(self.core.masks.joined(credentials.masks()))
    }
}

impl Core {
    /// Prepares the credentials anew, for another actor or other credentials.
    fn sign(&mut self) {
        self.credentials = self.auth.prepare(self.actor.as_deref());
        if let Ok(credentials) = &self.credentials {
            self.masks = Arc::new(self.masks.joined(credentials.masks()));
        }
    }
}

/// Opens the body for this attempt.
async fn open(described: http::Request<Body>) -> Result<http::Request<WireBody>> {
    let (parts, body) = described.into_parts();
    let body = body.open().await.map_err(|error| {
        Error::new(ErrorKind::Body, format!("the body cannot be opened: {error}"))
            .with_outcome(Outcome::NotSent)
            .with_source(error)
    })?;
    Ok(http::Request::from_parts(parts, body))
}

fn answered(status: StatusCode) -> String {
    let hint = match status {
        StatusCode::BAD_GATEWAY => "; the server behind the proxy may be down",
        _ => "",
    };
    match status.canonical_reason() {
        Some(reason) => format!("answered {} {reason}{hint}", status.as_u16()),
        None => format!("answered {}{hint}", status.as_u16()),
    }
}

/// Names every field, so that a new one is looked at before it is printed.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Core { base, catalog, actor, auth, credentials: _, masks: _, headers, expand, style, limits, transport } =
            &*self.core;
        f.debug_struct("Client")
            .field("origin", &base.origin())
            .field("catalog", catalog)
            .field("actor", actor)
            .field("auth", auth)
            .field("headers", &format_args!("{} (not shown)", headers.len()))
            .field("expand", expand)
            .field("query_style", style)
            .field("limits", limits)
            .field("transport", transport)
            .finish()
    }
}
