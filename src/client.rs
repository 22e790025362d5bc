//! A client: settings, and the loop that carries a request to the wire and back.

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderMap, Uri};
use tokio::time::Instant;
use tracing::Instrument;

use crate::{
    auth::{Auth, Prepared},
    cache::{Cache, Identity},
    catalog::Catalog,
    cookie::Jar,
    error::{Fault, Result},
    limit::{Limit, Limiter, Partition, Permit, Quota},
    params::Expand,
    query::Style,
    random::Random,
    redirect::Redirect,
    request::{Base, Context, Origin, Planned, Request},
    response::{Exchange, Response, Source, Verdict},
    retry::Retry,
    secret::{Masks, Secret},
    transport::Transport,
};

mod ambient;
mod builder;
mod credentials;
mod doubt;
mod fresh;
mod gate;
mod judge;

mod next;
mod options;
mod place;
mod recall;
mod remember;
mod run;
mod trace;
mod wait;
mod whose;

pub use ambient::until;
pub use builder::ClientBuilder;
pub use run::Attempt;

use builder::Propagation;
use credentials::Named;
use gate::Partitions;
use next::Next;
pub(crate) use options::{IDEMPOTENCY_KEY, Options, Reading};
use place::{Place, Places};
use run::Run;

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
    /// Those that routes ask for by name.
    named: Vec<Named>,
    /// The secrets in the settings, and with those of the credentials.
    settings: Arc<Masks>,
    masks: Arc<Masks>,
    headers: HeaderMap,
    /// How the work around is told of; at no origin but its own.
    propagation: Option<Arc<Propagation>>,
    expand: Expand,
    style: Style,
    bounds: Bounds,
    retry: Retry,
    redirect: Redirect,
    limit: Limit,
    /// What holds at home under the client's credentials.
    limiter: Arc<Limiter>,
    place: Arc<Place>,
    /// The cookies that came under these credentials.
    jar: Option<Arc<Jar>>,
    cache: Option<Cache>,
    /// What its headers and its certificate say of who asks.
    inherent: Identity,
    /// Whose the answers to its usual calls are, where that is known beforehand.
    usual: Option<Identity>,
    certificate: Option<Secret>,
    shared: Arc<Shared>,
    transport: Arc<dyn Transport>,
    /// Whether the transport is the caller's, who may look at a request's extensions.
    own_transport: bool,
}

/// Bounds on time and size.
#[derive(Debug, Clone)]
struct Bounds {
    headers: Option<Duration>,
    idle: Option<Duration>,
    pace: Option<(u64, Duration)>,
    total: Option<Duration>,
    body: u64,
}

/// What a client shares with its clones and with the same client under other credentials.
#[derive(Debug)]
struct Shared {
    places: Places,
    partitions: Partitions,
    random: Random,
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

    /// The client's sign-in by OAuth 2.0: its token, by hand.
    ///
    /// # Errors
    /// `Auth` where the client signs in by other means, or not at all.
    #[cfg(feature = "oauth")]
    pub fn auth(&self) -> Result<crate::oauth::Session> {
        crate::oauth::Session::of(&self.core.auth, &self.core.around())
    }

    /// Registers a client with an OAuth server (RFC 7591), over this client's transport and without its credentials.
    ///
    /// # Errors
    /// `Auth`: the server has no place for it, or refused.
    #[cfg(feature = "oauth")]
    pub async fn register(&self, registration: crate::oauth::Registration) -> Result<crate::oauth::Registered> {
        registration.send(&self.core.around()).await
    }

    /// The same client under other credentials; connections are shared. A mistake in them is the error of each call.
    #[must_use]
    pub fn with_auth(&self, auth: Auth) -> Self {
        let mut core = Core::clone(&self.core);
        core.auth = auth;
        core.jar = core.jar.map(|_| Arc::default());
        core.sign();
        Self { core: Arc::new(core) }
    }

    /// The same client acting as `actor`; connections are shared.
    #[must_use]
    pub fn with_actor(&self, actor: impl Into<String>) -> Self {
        let mut core = Core::clone(&self.core);
        core.actor = Some(actor.into().into());
        core.jar = core.jar.map(|_| Arc::default());
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
            core.named.clear();
            core.headers = builder::plain_headers();
            core.propagation = None;
            core.certificate = None;
            core.place = core.shared.places.at(base.origin());
        }
        core.base = base;
        core.catalog = core.catalog.opened();
        core.sign();
        Self { core: Arc::new(core) }
    }

    /// The same client at one absolute URL as a stranger: nothing of the caller's goes along, whatever the origin; a
    /// redirect is not followed, and at most `most` bytes are read.
    pub(crate) fn bare(&self, base: Base, most: u64) -> Self {
        let mut core = Core::clone(&self.core);
        core.auth = Auth::none();
        core.headers = builder::plain_headers();
        core.propagation = None;
        core.jar = None;
        core.cache = None;
        core.redirect = Redirect::off();
        core.bounds.body = most;
        core.place = core.shared.places.at(base.origin());
        core.base = base;
        core.catalog = Catalog::open();
        core.sign();
        Self { core: Arc::new(core) }
    }

    /// Where its paths begin.
    pub(crate) fn base(&self) -> &Base {
        &self.core.base
    }

    pub(crate) fn context(&self) -> Context<'_> {
        let Core { base, catalog, headers, expand, style, .. } = &*self.core;
        Context { base, catalog, headers, expand: *expand, style: *style }
    }

    /// Sends `request` and gives the answer, whatever its status: the whole exchange as one story.
    pub(crate) async fn execute(&self, request: &Request, options: &Options, reading: Reading) -> Result<Response> {
        let started = Instant::now();
        let mut plan = request.plan(&self.context())?;
        if let Some(fresh) = self.fresh(request, options, &mut plan, started) {
            return Ok(fresh);
        }
        let mut run = Run::of(self, request, options, reading, (plan, started))?;
        let span = trace::call(&request.method, run.template());
        let answer = run.carry().instrument(span.clone()).await;
        let answer = run.ended(answer).await;
        trace::ended(&span, &answer);
        trace::resends(&span, run.exchange.attempts.saturating_sub(1));
        answer.map_err(|error| run.tell(error))
    }
}

impl Run<'_> {
    /// The loop: each turn is one attempt at one URL.
    async fn carry(&mut self) -> Result<Response> {
        loop {
            let next = match self.recall().await? {
                Some(kept) => self.kept(kept),
                None => match self.turn().await {
                    Ok(tried) => self.judge(tried),
                    Err(refusal) => return self.refused(refusal),
                },
            };
            // What is rare waits on the heap, so that calls stay small.
            match next {
                Next::Done(response) => return Ok(response),
                Next::Fail(error, None) => return Err(error),
                Next::Fail(error, Some(answer)) => return Err(Box::pin(answer.told(error)).await),
                Next::Follow(hop, answer) => {
                    Box::pin(answer.kept()).await;
                    self.follow(hop);
                }
                Next::Anew(answer) => drop(Box::pin(answer.kept()).await),
                Next::Sign(answer) => {
                    if let Some(answer) = Box::pin(self.sign_anew(answer)).await? {
                        return Ok(answer);
                    }
                }
                Next::Again(after, failure) => {
                    trace::again(after, self.exchange.attempts);
                    let pause = tokio::time::sleep(after);
                    self.last = Some(Box::pin(failure.keep()).await);
                    pause.await;
                }
            }
        }
    }

    /// One attempt, once it is let in.
    async fn turn(&mut self) -> Result<Result<Response>> {
        let mut admission = self.admit().await?;
        let span = self.span();
        let tried = self.attempt(&mut admission).instrument(span.clone()).await;
        trace::ended(&span, &tried);
        self.learn(admission, &tried);
        Ok(tried)
    }
}

impl Client {
    /// Sends `request`; a status that is no success becomes an error that keeps the whole answer.
    pub(crate) async fn send(&self, request: &Request, options: &Options, reading: Reading) -> Result<Response> {
        let response = self.execute(request, options, reading).await?;
        judge::judge(response, self.core.catalog.settings().error_message.as_deref()).await
    }

    /// What the answer's reader must know, before anything was sent.
    fn exchange(&self, plan: &Planned<'_>, url: Uri, options: &Options, started: Instant) -> Exchange {
        let Bounds { headers, idle, pace, total, body } = self.core.bounds;
        let bound = options.timeout.or(plan.policy.and_then(|policy| policy.timeout));
        let given = bound.and_then(|bound| started.checked_add(bound));
        // A bound of the call takes the place of the client's.
        let total = total.filter(|_| bound.is_none());
        let transfer = plan.body.length().is_none_or(|length| length > wait::SMALL);
        Exchange {
            method: plan.method.clone(),
            url,
            route: Some(Arc::clone(&plan.label)),
            masks: Arc::clone(&self.core.masks),
            limit: body,
            silence: options.headers.or(headers),
            idle: options.idle.or(idle),
            pace,
            deadline: [given, options.deadline, ambient::current()].into_iter().flatten().min(),
            whole: total.filter(|_| !transfer).and_then(|total| started.checked_add(total)),
            total,
            elapsed: Duration::ZERO,
            attempts: 0,
            status: None,
            verdict: Verdict::default(),
            source: Source::default(),
        }
    }

    /// What is left of the client's limit and of what the server says of its own; `None` where neither is known.
    pub fn quota(&self) -> Option<Quota> {
        self.core.limiter.quota(Instant::now())
    }

    /// Takes one request's turn under the client's limit, if it need not wait, for work that shares the limit.
    ///
    /// A call takes its own turn when it is sent.
    pub fn try_acquire(&self) -> Option<Permit> {
        gate::try_enter(&self.core.limiter)
    }

    /// What holds for requests to `origin` under these credentials.
    fn limiter(&self, origin: &Origin, credentials: &Arc<Prepared>) -> Arc<Limiter> {
        let core = &self.core;
        let own = core.credentials.as_ref().is_ok_and(|own| Arc::ptr_eq(own, credentials));
        if own && *origin == core.place.origin {
            return Arc::clone(&core.limiter);
        }
        core.partition(origin, None, credentials, &core.limit)
    }

    /// What holds for this route besides.
    fn route_limiter(&self, plan: &Planned<'_>, credentials: &Prepared) -> Option<Arc<Limiter>> {
        let rates = &plan.policy.filter(|policy| !policy.limits.is_empty())?.limits;
        let core = &self.core;
        Some(core.partition(&core.place.origin, Some(&plan.label), credentials, &Limit::from(rates.as_slice())))
    }

    /// A number from 0 up to 1.
    fn draw(&self) -> f64 {
        self.core.shared.random.draw()
    }
}

impl Core {
    fn partition(&self, origin: &Origin, route: Option<&str>, credentials: &Prepared, limit: &Limit) -> Arc<Limiter> {
        let partition = Partition { origin: &origin.to_string(), route, credential: credentials.partition() };
        self.shared.partitions.limiter(&partition, limit)
    }
}

/// A panic leaves a client whole: its locks hold what no step leaves half done, and are recovered.
impl std::panic::UnwindSafe for Client {}
impl std::panic::RefUnwindSafe for Client {}

/// Names every field, so that a new one is looked at before it is printed.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Core {
            base,
            catalog,
            actor,
            auth,
            credentials: _,
            named,
            settings: _,
            masks: _,
            headers,
            propagation,
            expand,
            style,
            bounds,
            retry,
            redirect,
            limit,
            limiter: _,
            place: _,
            jar,
            cache,
            inherent: _,
            usual: _,
            certificate: _,
            shared,
            transport,
            own_transport: _,
        } = &*self.core;
        f.debug_struct("Client")
            .field("origin", &base.origin().to_string())
            .field("catalog", catalog)
            .field("actor", actor)
            .field("auth", auth)
            .field("auth_as", &named.iter().map(|named| &named.name).collect::<Vec<_>>())
            .field("headers", &format_args!("{} (not shown)", headers.len()))
            .field("correlation", propagation)
            .field("expand", expand)
            .field("query_style", style)
            .field("bounds", bounds)
            .field("retry", retry)
            .field("redirect", redirect)
            .field("limit", limit)
            .field("cookies", &jar.is_some())
            .field("cache", cache)
            .field("shared", shared)
            .field("transport", transport)
            .finish()
    }
}
