//! The steps of the loop: what one call needs from its first attempt to its answer.

use std::{borrow::Cow, sync::Arc, time::SystemTime};

use http::{HeaderName, HeaderValue, Method, StatusCode, header::COOKIE};
use tokio::time::Instant;
use tracing::Span;

use super::{Client, Core, Options, Reading, gate::enter, place::Place, random, trace, wait};
use crate::{
    auth::Prepared,
    body::{Body, Replay, WireBody},
    catalog::Attempts,
    circuit::{self, Pass, Verdict as Health},
    cookie::Jar,
    error::{Again, Error, ErrorKind, Outcome, Result},
    limit::{Hint, Limiter, Permit},
    redirect::{Answer, Hop, Trail, gate},
    request::{Context, Origin, Planned, Request, UrlTemplate},
    response::{Exchange, Response, Verdict},
    retry::{Decision, Failed, Moment, Resend, Retry, Standing, Stop, Tries},
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// One call on its way.
pub(super) struct Run<'c> {
    client: &'c Client,
    request: &'c Request,
    options: &'c Options,
    reading: Reading,
    context: Context<'c>,
    plan: Planned<'c>,
    credentials: Arc<Prepared>,
    /// The same in every attempt and every hop at home.
    key: Option<HeaderValue>,
    retry: Cow<'c, Retry>,
    pub(super) exchange: Arc<Exchange>,
    /// When waits must be over.
    until: Option<Instant>,
    place: Arc<Place>,
    limiter: Arc<Limiter>,
    /// The last redirect that was followed.
    hop: Option<Hop>,
    trail: Trail<'c>,
    tries: Tries,
    /// Whether the server may have acted on an earlier attempt or hop.
    acted: bool,
    started: Instant,
}

/// Which attempt a request is, from 2 on, in its extensions; the first has none.
///
/// A transport that wraps another may tell a server by a header of its own, and a service behind
/// [`Client::local`] that calls others in turn may turn its own retries off, so that they do not multiply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt(pub u32);

/// What an attempt was let in by; dropped with it.
pub(super) struct Admission {
    pass: Option<Pass>,
    /// The client's and the route's.
    permits: [Option<Permit>; 2],
}

/// What the loop does next.
pub(super) enum Next {
    Done(Response),
    Follow(Hop, Response),
    Again(std::time::Duration, Option<Response>),
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
        let core: &Core = &client.core;
        let context = client.context();
        let plan = request.plan(&context)?;
        let exchange = Arc::new(client.exchange(&plan, options, started));
        let credentials = client.credentials(options).map_err(|error| exchange.dress(error))?;
        let key = idempotency_key(&plan, options).map_err(|error| exchange.dress(error))?;
        let place = Arc::clone(&core.place);
        let limiter = client.limiter(&place.origin, &credentials);
        Ok(Self {
            retry: policy(&core.retry, plan.policy.and_then(|policy| policy.retry), options.retry.as_ref()),
            until: [exchange.deadline, exchange.whole].into_iter().flatten().min(),
            hop: None,
            trail: Trail::new(&core.place.origin),
            tries: Tries::first(),
            acted: false,
            client,
            request,
            options,
            reading,
            context,
            plan,
            credentials,
            key,
            exchange,
            place,
            limiter,
            started,
        })
    }

    /// The route's template.
    pub(super) fn template(&self) -> &str {
        &self.plan.label
    }

    /// The span of the next attempt.
    pub(super) fn span(&self) -> Span {
        trace::attempt(&self.plan.method, &self.plan.label, &self.place.origin, self.tries.sent() - 1)
    }

    /// Waits until the origin, its limits and the route's let this attempt in.
    pub(super) async fn admit(&self) -> Result<Admission> {
        let breaker = self.place.breaker.as_ref();
        let pass = breaker.map(|breaker| breaker.admit(Instant::now()).map_err(circuit::refused)).transpose()?;
        let route = match self.client.route_limiter(&self.plan, &self.credentials) {
            Some(limiter) => Some(enter(&limiter, self.until).await?),
            None => None,
        };
        let permit = enter(&self.limiter, self.until).await?;
        Ok(Admission { pass, permits: [Some(permit), route] })
    }

    /// Sends the request once; its answer is read here where it is wanted whole.
    pub(super) async fn attempt(&mut self, admission: &mut Admission) -> Result<Response> {
        let (wire, sent) = wait::watch(self.wire()?);
        let wire = open(wire).await?;
        Arc::make_mut(&mut self.exchange).attempts = self.tries.sent();
        let answer = self.client.core.transport.exchange(wire);
        let answer = wait::answer(answer, self.until, self.exchange.silence, sent).await;
        Arc::make_mut(&mut self.exchange).elapsed = self.started.elapsed();
        let response = Response::new(answer?, Arc::clone(&self.exchange));
        match self.reading {
            Reading::Whole if response.is_success() => response.whole().await,
            _ => Ok(response.holding(std::mem::take(&mut admission.permits))),
        }
    }

    /// The request of this attempt: its headers are composed from scratch for the origin that it goes to.
    fn wire(&mut self) -> Result<http::Request<Body>> {
        let mut headers = self.request.compose(&self.context, &self.plan)?;
        let same = self.plan.method == self.request.method;
        if let Some(key) = self.key.as_ref().filter(|_| same && !self.request.sets(&IDEMPOTENCY_KEY)) {
            headers.insert(IDEMPOTENCY_KEY, key.clone());
        }
        if let Some(hop) = &self.hop {
            headers = hop.headers(&headers);
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
        if self.hop.as_ref().is_none_or(|hop| hop.home) {
            let credentials = (&*self.credentials, self.plan.needs_actor);
            self.client.sign(&mut wire, self.request, self.options, credentials)?;
        }
        if let Some(jar) = self.jar()
            && !wire.headers().contains_key(COOKIE)
            && let Some(cookies) = jar.cookies(wire.uri(), SystemTime::now())
        {
            wire.headers_mut().insert(COOKIE, cookies);
        }
        Arc::make_mut(&mut self.exchange).masks = self.client.masks(&self.credentials, self.options, wire.headers());
        Ok(wire)
    }

    /// The cookies of the client, which are not those of a call under credentials of its own.
    fn jar(&self) -> Option<&Arc<Jar>> {
        self.client.core.jar.as_ref().filter(|_| self.options.auth.is_none())
    }

    /// Lets the origin's limits, circuit and budget hear how the attempt went.
    pub(super) fn learn(&mut self, admission: Admission, tried: &Result<Response>) {
        let now = Instant::now();
        if let Some(pass) = admission.pass {
            let verdict = match tried {
                Ok(response) => Health::of_answer(response.status()),
                Err(error) => Health::of_error(error),
            };
            pass.finish(now, verdict, self.client.draw());
        }
        let Ok(response) = tried else { return };
        let (status, headers) = (response.status(), response.headers());
        let wall = SystemTime::now();
        if let Some(jar) = self.jar()
            && jar.store(&self.plan.uri, headers, wall)
        {
            self.trail.forget();
        }
        let wait = self.retry.asked(headers, wall);
        self.limiter.learn(now, &Hint::read(status, headers, wall, wait));
        self.tries.settle(status, &self.place.budget);
    }

    /// What an attempt's end means for the call.
    pub(super) fn judge(&mut self, tried: Result<Response>) -> Result<Next> {
        match tried {
            Err(error) => self.failed(error),
            Ok(response) => match self.hop(&response)? {
                Some(hop) => Ok(Next::Follow(hop, response)),
                None => Ok(self.answered(response)),
            },
        }
    }

    /// Where the answer sends the call, if anywhere.
    fn hop(&mut self, response: &Response) -> Result<Option<Hop>> {
        let core = &self.client.core;
        let answer = Answer {
            method: &self.plan.method,
            uri: &self.plan.uri,
            replay: self.plan.body.replay(),
            status: response.status(),
            headers: response.headers(),
        };
        let hop = core.redirect.follow(&mut self.trail, &answer);
        hop.map_err(|error| {
            let outcome = error.outcome();
            error.with_answer(response.status(), response.headers().clone(), None, None).with_outcome(outcome)
        })
    }

    fn failed(&mut self, error: Error) -> Result<Next> {
        let gave_up = match self.decide(Failed::Error(&error)) {
            Decision::Accept => None,
            Decision::Again(resend) => match self.again(resend) {
                Ok(()) => {
                    self.acted |= error.outcome() != Outcome::NotSent;
                    return Ok(Next::Again(resend.after, None));
                }
                Err(why) => Some(why),
            },
            Decision::Stop(stop) => stop.gave_up(),
        };
        Err(error.with_gave_up(gave_up))
    }

    fn answered(&mut self, mut response: Response) -> Next {
        let status = response.status();
        if status.as_u16() < 400 {
            return Next::Done(response);
        }
        let retry_after = self.retry.asked(response.headers(), SystemTime::now());
        let mut verdict = Verdict { retry_after, ..Verdict::default() };
        match self.decide(Failed::Answer(status, response.headers())) {
            Decision::Accept => {}
            Decision::Again(resend) => match self.again(resend) {
                Ok(()) => {
                    self.acted |= status != StatusCode::TOO_MANY_REQUESTS;
                    return Next::Again(resend.after, Some(response));
                }
                Err(why) => verdict.gave_up = Some(why),
            },
            Decision::Stop(stop) => {
                verdict.gave_up = stop.gave_up();
                verdict.limited = matches!(stop, Stop::RateLimited(_));
            }
        }
        if self.acted && self.plan.method == Method::DELETE && matches!(status.as_u16(), 404 | 410) {
            verdict.ambiguous = true;
            response = response.without_body();
        }
        Next::Done(response.judged(verdict))
    }

    fn decide(&self, failed: Failed<'_>) -> Decision {
        let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        let moment = Moment { wall: SystemTime::now(), left, draw: self.client.draw() };
        self.retry.decide(failed, self.standing(), self.tries, moment)
    }

    fn standing(&self) -> Standing {
        let idempotent = self.plan.policy.and_then(|policy| policy.idempotent);
        Standing::of(&self.plan.method, idempotent, self.key.is_some())
    }

    /// Takes what another attempt costs; the error says why there is none.
    fn again(&mut self, resend: Resend) -> Result<(), &'static str> {
        if self.plan.body.replay() == Replay::Once {
            return Err("retry.not_replayable");
        }
        if self.retry.is_budgeted() && !self.place.budget.take(resend.cost) {
            return Err("retry.budget");
        }
        self.tries.again(resend);
        Ok(())
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
        self.acted = true;
        self.tries.turn();
        if let Some(key) = self.credentials.query_name() {
            hop.uri = gate::without(hop.uri, key);
        }
        if !hop.body {
            self.plan.drop_body();
        }
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
        (None, Some(Attempts::Off)) => Cow::Owned(Retry::off()),
        (None, Some(Attempts::AtMost(attempts))) => Cow::Owned(client.clone().attempts(attempts)),
    }
}

/// The key by which the server knows this call again: the caller's, else one made up where the catalog says so.
fn idempotency_key(plan: &Planned<'_>, options: &Options) -> Result<Option<HeaderValue>> {
    if options.key.is_some() {
        return Ok(options.key.clone());
    }
    let wanted = plan.policy.is_some_and(|policy| policy.idempotency_key);
    if !(wanted && matches!(plan.method, Method::POST | Method::PATCH)) {
        return Ok(None);
    }
    let key = format!("\"{}\"", random::uuid()?);
    let wrong = |_| Error::new(ErrorKind::Request, "the idempotency key cannot stand in a header");
    HeaderValue::try_from(key).map(Some).map_err(wrong)
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
