//! A client: settings, and the loop that carries a request to the wire and back.

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::LOCATION};
use tokio::time::Instant;

use crate::{
    auth::{Auth, Prepared},
    body::{Body, WireBody},
    catalog::Catalog,
    error::{Error, ErrorKind, Fault, Outcome, Problem, Result},
    params::Expand,
    query::Style,
    request::{Base, Context, Planned, Request},
    response::{Exchange, Response},
    secret::Masks,
    transport::Transport,
};

mod builder;
mod gate;
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
    credentials: Result<Arc<Prepared>, Fault>,
    /// Every secret that the client was given.
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
    pub(crate) deadline: Option<Instant>,
}

impl Client {
    /// Starts a client of the API at `url`; its path is kept, so `https://h/api/v1` + `people` is `/api/v1/people`.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }

    /// Starts a client of the API that `catalog` describes, at its `base_url`.
    pub fn of(catalog: Catalog) -> ClientBuilder {
        ClientBuilder::new(catalog.base_url().unwrap_or_default().to_owned()).catalog(catalog)
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

    /// The same client at one absolute URL, outside the catalog's routes.
    ///
    /// At another origin it keeps no credentials and no header of the caller's.
    pub(crate) fn moved(&self, base: Base) -> Self {
        let mut core = Core::clone(&self.core);
        if base.origin() != core.base.origin() {
            core.auth = Auth::none();
            core.headers = builder::plain_headers();
        }
        core.base = base;
        core.catalog = core.catalog.opened();
        core.sign();
        Self { core: Arc::new(core) }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        let Core { base, catalog, headers, expand, style, .. } = &*self.core;
        Context { base, catalog, headers, expand: *expand, style: *style }
    }

    /// Attaches the call's own credentials, else the client's; gives what was attached.
    pub(crate) fn sign<B>(
        &self,
        wire: &mut http::Request<B>,
        request: &Request,
        options: &Options,
        needs_actor: bool,
    ) -> Result<Arc<Prepared>> {
        let credentials = match &options.auth {
            Some(auth) => {
                let inherited =
                    |(name, value): &(&HeaderName, &HeaderValue)| value.is_sensitive() && !request.sets(name);
                let inherited: Vec<_> = wire.headers().iter().filter(inherited).map(|(name, _)| name.clone()).collect();
                for name in &inherited {
                    wire.headers_mut().remove(name);
                }
                Arc::new(auth.prepare(self.actor(), self.core.base.origin())?)
            }
            None => Arc::clone(self.core.credentials.as_ref().map_err(Fault::clone)?),
        };
        credentials.attach(wire, needs_actor, |name| request.sets(name))?;
        Ok(credentials)
    }

    /// Sends `request` and gives the answer, whatever its status: the whole exchange as one story.
    pub(crate) async fn execute(&self, request: &Request, options: &Options) -> Result<Response> {
        let started = Instant::now();
        let plan = request.plan(&self.context())?;
        let mut exchange = self.exchange(&plan, options, started);
        let (mut described, sent) = wait::watch(plan.request);
        let credentials =
            self.sign(&mut described, request, options, plan.needs_actor).map_err(|error| exchange.dress(error))?;
        exchange.masks = self.masks(&credentials, options, described.headers());
        if sent.is_none() {
            exchange.whole = exchange.total.and_then(|total| started.checked_add(total));
        }

        let wire = open(described).await.map_err(|error| exchange.dress(error))?;
        exchange.attempts = 1;
        let answer = self.core.transport.exchange(wire);
        let until = exchange.deadline.or(exchange.whole);
        let answer = wait::answer(answer, until, self.core.limits.headers, sent).await;
        exchange.elapsed = started.elapsed();
        match answer {
            Ok(answer) => Ok(Response::new(answer, exchange)),
            Err(error) => Err(exchange.dress(error)),
        }
    }

    /// What the answer's reader must know, before anything was sent.
    fn exchange(&self, plan: &Planned<'_>, options: &Options, started: Instant) -> Exchange {
        let Limits { headers: _, idle, total, body } = self.core.limits;
        let bound = options.timeout.or(plan.policy.and_then(|policy| policy.timeout));
        let deadline = bound.and_then(|bound| started.checked_add(bound));
        Exchange {
            method: plan.request.method().clone(),
            url: plan.request.uri().clone(),
            route: Some(Arc::clone(&plan.label)),
            masks: Arc::clone(&self.core.masks),
            limit: body,
            idle,
            deadline: [deadline, options.deadline].into_iter().flatten().min(),
            whole: None,
            total,
            elapsed: Duration::ZERO,
            attempts: 0,
        }
    }

    /// Sends `request`; a status that is no success becomes an error that keeps the whole answer.
    pub(crate) async fn send(&self, request: &Request, options: &Options) -> Result<Response> {
        let response = self.execute(request, options).await?;
        let Some((kind, code)) = refusal(response.status(), response.headers()) else { return Ok(response) };
        let (status, headers) = (response.status(), response.headers().clone());
        let exchange = response.exchange().clone();
        let body = response.excerpt(ERROR_BODY).await;
        let template = self.core.catalog.settings().error_message.as_deref();
        let problem = Problem::from_json(&body, template, &|text| exchange.masks.apply(text));
        let told = answered(status, kind == ErrorKind::Redirect);
        let error = Error::coded(kind, code, told).with_answer(status, headers, Some(body), problem);
        Err(exchange.dress(error))
    }

    /// What a server may echo of this call and nobody may print.
    fn masks(&self, credentials: &Prepared, options: &Options, headers: &HeaderMap) -> Arc<Masks> {
        let known = |value: &HeaderValue| value.is_sensitive() && !credentials.holds(value);
        if options.auth.is_none() && !headers.values().any(known) {
            return Arc::clone(&self.core.masks);
        }
        let mut masks = self.core.masks.joined(credentials.masks());
        masks.add_headers(headers);
        Arc::new(masks)
    }
}

impl Core {
    /// Prepares the credentials anew, for another actor, other credentials or another origin.
    fn sign(&mut self) {
        self.credentials = self.auth.prepare(self.actor.as_deref(), self.base.origin()).and_then(|prepared| {
            match prepared.clash(&self.headers) {
                Some(name) => {
                    let why = format!("the header {name} comes from .auth(..) and from .header(..); keep one of them");
                    Err(Fault::new(ErrorKind::Request, "config", why))
                }
                None => Ok(Arc::new(prepared)),
            }
        });
        if let Ok(credentials) = &self.credentials {
            self.masks = Arc::new(self.masks.joined(credentials.masks()));
        }
    }
}

/// What a status means that is no success: kind and code.
fn refusal(status: StatusCode, headers: &HeaderMap) -> Option<(ErrorKind, &'static str)> {
    match status.as_u16() {
        301 | 302 | 303 | 307 | 308 if headers.contains_key(LOCATION) => {
            Some((ErrorKind::Redirect, "redirect.not_followed"))
        }
        200..=399 => None,
        429 => Some((ErrorKind::RateLimited, "rate_limited")),
        _ => Some((ErrorKind::Status, "status")),
    }
}

/// Opens the body for this attempt.
async fn open(described: http::Request<Body>) -> Result<http::Request<WireBody>> {
    let (parts, body) = described.into_parts();
    let body = body.open().await.map_err(|error| {
        let error = Error::new(ErrorKind::Body, "the body cannot be opened").with_source(error);
        error.with_outcome(Outcome::NotSent)
    })?;
    Ok(http::Request::from_parts(parts, body))
}

fn answered(status: StatusCode, redirect: bool) -> String {
    let hint = match status {
        StatusCode::BAD_GATEWAY => "; the server behind the proxy may be down",
        _ if redirect => {
            "; redirects are not followed: ask again where error.headers()[\"location\"] says, by client.at(..)"
        }
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
            .field("origin", &base.origin().to_string())
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
