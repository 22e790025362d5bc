//! The steps of the loop: what one call needs from its first attempt to its answer.

use std::{borrow::Cow, sync::Arc, time::SystemTime};

use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{CONTENT_TYPE, COOKIE, SET_COOKIE},
};
use tokio::time::Instant;
use tracing::Span;

use super::{
    Client, Core, IDEMPOTENCY_KEY, Options, Propagation, Reading,
    doubt::Doubt,
    gate::enter,
    next::Failure,
    place::{Place, Receipt},
    recall::Recall,
    trace, wait,
};
use crate::{
    auth::Prepared,
    body::{Body, Replay, WireBody},
    catalog::Attempts,
    circuit::{self, Pass},
    cookie::Jar,
    correlation::{Correlation, Traceparent},
    error::{Again, Error, ErrorKind, Outcome, Result},
    limit::{Hint, Limiter, Permit},
    random,
    redirect::{Hop, Trail, gate},
    request::{Context, Origin, Planned, Request, UrlTemplate},
    response::{Exchange, Response, Verdict},
    retry::{Retry, Tries},
    secret::Masks,
};

/// One call on its way.
pub(super) struct Run<'c> {
    pub(super) client: &'c Client,
    pub(super) request: &'c Request,
    pub(super) options: &'c Options,
    reading: Reading,
    pub(super) context: Context<'c>,
    pub(super) plan: Planned<'c>,
    pub(super) credentials: Arc<Prepared>,
    /// The same in every attempt and every hop at home.
    pub(super) key: Option<HeaderValue>,
    /// The same in every attempt at home, but for the span.
    correlation: Option<Box<Correlation>>,
    pub(super) retry: Cow<'c, Retry>,
    pub(super) exchange: Arc<Exchange>,
    /// When waits must be over.
    pub(super) until: Option<Instant>,
    pub(super) place: Arc<Place>,
    pub(super) limiter: Arc<Limiter>,
    /// The last redirect that was followed.
    pub(super) hop: Option<Hop>,
    pub(super) trail: Trail<'c>,
    pub(super) tries: Tries,
    /// What the repetition under way has cost.
    pub(super) receipt: Option<Receipt>,
    /// The failure that is tried again, for when it is not.
    pub(super) last: Option<Failure>,
    /// Whether the server may have acted on an earlier attempt or hop.
    pub(super) acted: bool,
    /// Whether the server may have acted on an earlier attempt, and its answer was lost.
    pub(super) lost: bool,
    /// The headers of the last attempt that was signed.
    pub(super) sent: HeaderMap,
    pub(super) started: Instant,
    /// What is known of the cache at this URL, and whether it was looked into.
    pub(super) recall: Option<Box<Recall<'c>>>,
    pub(super) looked: bool,
    /// What becomes untrue unless the call ends well.
    pub(super) doubt: Option<Doubt>,
    /// Whether the request is to be made once more, without asking whether an answer still holds.
    pub(super) anew: bool,
}

/// Which attempt a request is, from 2 on, in its extensions; the first has none.
///
/// A transport that wraps another may tell a server by a header of its own, and a service behind
/// [`Client::local`] that calls others in turn may turn its own retries off, so that they do not multiply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt(pub u32);

/// What an attempt was let in by; dropped with it.
pub(super) struct Admission {
    pub(super) pass: Option<Pass>,
    /// The client's and the route's.
    permits: [Option<Permit>; 2],
}

impl<'c> Run<'c> {
    /// Plans the call; every mistake in its description surfaces here.
    pub(super) fn begin(
        client: &'c Client,
        request: &'c Request,
        options: &'c Options,
        reading: Reading,
    ) -> Result<Self> {
        let started = Instant::now();
        let plan = request.plan(&client.context())?;
        Self::of(client, request, options, reading, (plan, started))
    }

    /// The same where it is planned already.
    pub(super) fn of(
        client: &'c Client,
        request: &'c Request,
        options: &'c Options,
        reading: Reading,
        (plan, started): (Planned<'c>, Instant),
    ) -> Result<Self> {
        let core: &Core = &client.core;
        let context = client.context();
        let exchange = Arc::new(client.exchange(&plan, plan.uri.clone(), options, started));
        let credentials = client.credentials(options, plan.auth).map_err(|error| exchange.dress(error))?;
        let key = idempotency_key(request, &plan, options).map_err(|error| exchange.dress(error))?;
        let correlation = correlation(core.propagation.as_deref()).map_err(|error| exchange.dress(error))?;
        let place = Arc::clone(&core.place);
        let limiter = client.limiter(&place.origin, &credentials);
        Ok(Self {
            retry: policy(&core.retry, plan.policy.and_then(|policy| policy.retry), options.retry.as_ref()),
            until: [exchange.deadline, exchange.whole].into_iter().flatten().min(),
            hop: None,
            trail: Trail::new(&core.place.origin),
            tries: Tries::first(),
            receipt: None,
            last: None,
            acted: false,
            lost: false,
            sent: HeaderMap::new(),
            client,
            request,
            options,
            reading,
            context,
            plan,
            credentials,
            key,
            correlation,
            exchange,
            place,
            limiter,
            started,
            recall: None,
            looked: false,
            doubt: None,
            anew: false,
        })
    }

    /// The route's template.
    pub(super) fn template(&self) -> &str {
        &self.plan.label
    }

    /// The span of the next attempt, which the server is told of where the client makes spans.
    pub(super) fn span(&mut self) -> Span {
        let span = trace::attempt(&self.plan.method, &self.plan.label, &self.place.origin, self.tries.sent() - 1);
        if let (Some(correlation), Some(propagation)) = (&mut self.correlation, &self.client.core.propagation)
            && propagation.makes_spans
            && let Ok(id) = random::bytes()
            && let Some(parent) = correlation.turn(u64::from_ne_bytes(id))
        {
            span.record("traceparent", parent);
        }
        span
    }

    /// Waits until the origin, its limits and the route's let this attempt in.
    pub(super) async fn admit(&mut self) -> Result<Admission> {
        let breaker = self.place.breaker.as_ref();
        // Looked at first, so that nobody waits in vain, and passed last, since it may open meanwhile.
        if let Some(wait) = breaker.and_then(|breaker| breaker.closed_for(Instant::now())) {
            return Err(circuit::refused(wait));
        }
        let permit = enter(&self.limiter, self.until).await?;
        let route = match self.client.route_limiter(&self.plan, &self.credentials) {
            Some(limiter) => Some(enter(&limiter, self.until).await?),
            None => None,
        };
        let pass = breaker.map(|breaker| breaker.admit(Instant::now()).map_err(circuit::refused)).transpose()?;
        Ok(Admission { pass, permits: [Some(permit), route] })
    }

    /// Sends the request once; its answer is read here where it is wanted whole.
    pub(super) async fn attempt(&mut self, admission: &mut Admission) -> Result<Response> {
        if self.until.is_some_and(|until| until <= Instant::now()) {
            return Err(Error::coded(ErrorKind::Timeout, "timeout.total", "the time of the call is over"));
        }
        Arc::make_mut(&mut self.exchange).status = None;
        let (wire, sent) = wait::watch(self.signed().await?);
        let wire = open(wire).await?;
        Arc::make_mut(&mut self.exchange).attempts = self.tries.sent();
        if let Some(receipt) = &mut self.receipt {
            receipt.spend();
        }
        self.doubt();
        let answer = self.client.core.transport.exchange(wire);
        let answer = wait::answer(answer, self.until, self.exchange.silence, sent).await;
        let exchange = Arc::make_mut(&mut self.exchange);
        exchange.elapsed = self.started.elapsed();
        let answer = answer?;
        exchange.status = Some(answer.status());
        self.hear(answer.status(), answer.headers());
        let answer = match self.client.core.cache {
            Some(_) => Box::pin(self.remember(answer)).await?,
            None => answer,
        };
        Arc::make_mut(&mut self.exchange).status = Some(answer.status());
        let response = Response::new(answer, Arc::clone(&self.exchange));
        if response.is_success() && self.reading == Reading::Whole {
            let response = response.whole().await?;
            self.landed();
            return Ok(response);
        }
        if let Some(length) = self.is_awaited(&response) {
            let response = response.gathered(length).await?;
            self.landed();
            return Ok(response);
        }
        Ok(response.holding(std::mem::take(&mut admission.permits)))
    }

    /// Takes in what the head of an answer says: of the server's limits, and cookies.
    fn hear(&mut self, status: StatusCode, headers: &HeaderMap) {
        let wall = SystemTime::now();
        self.limiter.learn(Instant::now(), &Hint::read(status, headers, wall, self.retry.asked(headers, wall)));
        let Some(jar) = self.jar() else { return };
        if jar.store(&self.plan.uri, headers, wall) {
            self.trail.forget();
            let mut masks = Masks::clone(&self.exchange.masks);
            headers.get_all(SET_COOKIE).iter().for_each(|cookie| masks.add_cookie(cookie));
            Arc::make_mut(&mut self.exchange).masks = Arc::new(masks);
        }
    }

    /// The headers of the request, composed from scratch, but for what is made for each attempt.
    pub(super) fn headers(&self) -> Result<HeaderMap> {
        let mut headers = self.request.compose(&self.context, &self.plan)?;
        let same = self.plan.method == self.request.method;
        if let Some(key) = self.key.as_ref().filter(|_| same && !self.request.sets(&IDEMPOTENCY_KEY)) {
            headers.insert(IDEMPOTENCY_KEY, key.clone());
        }
        Ok(match &self.hop {
            Some(hop) => hop.headers(&headers),
            None => headers,
        })
    }

    /// The same, lent where they are the client's own.
    pub(super) fn lent(&self) -> Result<Cow<'c, HeaderMap>> {
        let own = self.context.headers;
        let same = self.hop.is_none() && self.key.is_none() && self.request.is_plain(&self.plan);
        if same && !own.contains_key(CONTENT_TYPE) {
            return Ok(Cow::Borrowed(own));
        }
        self.headers().map(Cow::Owned)
    }

    /// Whether the request goes to the client's own origin.
    pub(super) fn is_home(&self) -> bool {
        self.hop.as_ref().is_none_or(|hop| hop.home)
    }

    /// The request of this attempt: its headers are composed from scratch for the origin that it goes to.
    fn wire(&mut self) -> Result<http::Request<Body>> {
        let mut headers = self.headers()?;
        let home = self.is_home();
        self.validate(&mut headers);
        if let (true, Some(correlation)) = (home, &self.correlation)
            && let Some(propagation) = &self.client.core.propagation
        {
            correlation.put(&mut headers, &propagation.id);
        }
        let mut wire = http::Request::new(self.plan.body.clone());
        *wire.method_mut() = self.plan.method.clone();
        *wire.uri_mut() = self.plan.uri.clone();
        *wire.headers_mut() = headers;
        if self.client.core.own_transport {
            wire.extensions_mut().insert(UrlTemplate(Arc::clone(&self.plan.label)));
            if self.tries.sent() > 1 {
                wire.extensions_mut().insert(Attempt(self.tries.sent()));
            }
        }
        if let Some(jar) = self.jar()
            && !wire.headers().contains_key(COOKIE)
            && let Some(cookies) = jar.cookies(wire.uri(), SystemTime::now())
        {
            wire.headers_mut().insert(COOKIE, cookies);
        }
        if home {
            let credentials = (&*self.credentials, self.plan.needs_actor);
            Client::sign(&mut wire, self.request, self.is_apart(), credentials)?;
        }
        Ok(wire)
    }

    /// The request of this attempt with everything that is made for it alone; where it has become somebody else's since
    /// it was looked for in the cache, it goes out without what is kept.
    async fn signed(&mut self) -> Result<http::Request<Body>> {
        let wire = self.made().await?;
        if !self.is_anothers(wire.headers()).await {
            return Ok(wire);
        }
        self.recall = None;
        self.made().await
    }

    async fn made(&mut self) -> Result<http::Request<Body>> {
        let mut wire = self.wire()?;
        self.sent.clear();
        if self.is_home() && wait::signature(self.until, self.credentials.sign(&mut wire)).await? {
            self.sent = wire.headers().clone();
        }
        self.mask(wire.headers());
        Ok(wire)
    }

    /// Lets the signer know that the server refused what it signed; the answer stands where nothing is to be done.
    pub(super) async fn sign_anew(&mut self, answer: Response) -> Result<Option<Response>> {
        let Some(signer) = self.credentials.signer() else { return Ok(Some(answer)) };
        let again = wait::signature(self.until, signer.refused(&self.sent, answer.headers())).await?;
        if !again {
            return Ok(Some(answer));
        }
        if self.plan.body.replay() == Replay::Once {
            return Ok(Some(answer.judged(Verdict { gave_up: Some("retry.not_replayable"), ..Verdict::default() })));
        }
        answer.kept().await;
        self.tries.signed_anew();
        Ok(None)
    }

    /// Notes what a server may echo of this request, or of an earlier one, and nobody may print.
    fn mask(&mut self, headers: &HeaderMap) {
        let unknown = |value: &HeaderValue| value.is_sensitive() && !self.credentials.holds(value);
        if self.is_apart() || headers.values().any(unknown) {
            let mut masks = self.exchange.masks.joined(self.credentials.masks());
            masks.add_headers(headers);
            Arc::make_mut(&mut self.exchange).masks = Arc::new(masks);
        }
    }

    /// The cookies of the client, which are not those of a call under credentials of its own.
    pub(super) fn jar(&self) -> Option<&Arc<Jar>> {
        self.client.core.jar.as_ref().filter(|_| !self.is_apart())
    }

    /// Whether it signs in by others than the client's usual credentials.
    fn is_apart(&self) -> bool {
        self.options.auth.is_some() || self.plan.auth.is_some()
    }

    /// The error as the caller gets it: about the whole call, not its last attempt.
    pub(super) fn tell(&self, error: Error) -> Error {
        let error = self.exchange.dress(error);
        match error.outcome() {
            Outcome::NotSent if self.acted => error.with_outcome(Outcome::MaybeProcessed),
            _ => error,
        }
    }

    /// Turns to where a redirect points.
    pub(super) fn follow(&mut self, mut hop: Hop) {
        (self.acted, self.last, self.looked) = (true, None, false);
        // What an earlier hop left behind stays there.
        hop.body &= self.hop.as_ref().is_none_or(|last| last.body);
        if !hop.body {
            self.plan.drop_body();
        }
        let (own, masks) = (self.credentials.query_name(), &self.exchange.masks);
        hop.uri = gate::without(hop.uri, |name, value| own == Some(name) || !hop.home && masks.knows(value));
        Arc::make_mut(&mut self.exchange).url = hop.uri.clone();
        self.plan.method = hop.method.clone();
        self.plan.uri = hop.uri.clone();
        self.hop = Some(hop);
        if let Some(origin) = Origin::of(&self.plan.uri).filter(|origin| *origin != self.place.origin) {
            self.place = self.client.core.shared.places.at(&origin);
            self.limiter = self.client.limiter(&origin, &self.credentials);
        }
    }
}

/// What may be sent again: the call's own rule, else the catalog's, else the client's.
fn policy<'c>(client: &'c Retry, route: Option<Attempts>, call: Option<&'c Retry>) -> Cow<'c, Retry> {
    match (call, route) {
        (Some(retry), _) => Cow::Borrowed(retry),
        (None, None) => Cow::Borrowed(client),
        (None, Some(Attempts::Off)) => Cow::Owned(client.clone().attempts(1)),
        (None, Some(Attempts::AtMost(attempts))) => Cow::Owned(client.clone().attempts(attempts)),
    }
}

/// The key by which the server knows this call again: the caller's, else one made up where the catalog says so.
fn idempotency_key(request: &Request, plan: &Planned<'_>, options: &Options) -> Result<Option<HeaderValue>> {
    if let Some(key) = options.key(request)? {
        return Ok(Some(key.clone()));
    }
    let wanted = plan.policy.is_some_and(|policy| policy.idempotency_key);
    if !(wanted && matches!(plan.method, Method::POST | Method::PATCH)) {
        return Ok(None);
    }
    let key = format!("\"{}\"", random::uuid()?);
    let wrong = |_| Error::new(ErrorKind::Request, "the idempotency key cannot stand in a header");
    HeaderValue::try_from(key).map(Some).map_err(wrong)
}

/// By what the work around is known, and what is made up where it is not; `None` for nothing.
fn correlation(propagation: Option<&Propagation>) -> Result<Option<Box<Correlation>>> {
    let Some(propagation) = propagation else { return Ok(None) };
    let mut correlation = Correlation::current();
    if propagation.makes_ids {
        correlation = correlation.or_id(random::uuid)?;
    }
    if propagation.makes_spans && correlation.parent().is_none() {
        let (trace, span) = (u128::from_ne_bytes(random::bytes()?), u64::from_ne_bytes(random::bytes()?));
        correlation = correlation.at(Traceparent::root(trace, span));
    }
    Ok((!correlation.is_empty()).then(|| Box::new(correlation)))
}

/// Opens the body for this attempt.
async fn open(described: http::Request<Body>) -> Result<http::Request<WireBody>> {
    let (parts, body) = described.into_parts();
    let body = body.open().await.map_err(|error| {
        let error = Error::new(ErrorKind::Body, "the body cannot be opened").with_source(error);
        error.with_outcome(Outcome::NotSent).with_again(Again::Never)
    })?;
    Ok(http::Request::from_parts(parts, body))
}
