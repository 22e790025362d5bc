//! The cache in the loop: looked into before anything is sent, and fed by what comes.

use std::{borrow::Cow, mem, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{CONTENT_LENGTH, IF_MODIFIED_SINCE, IF_NONE_MATCH},
};
use tokio::{runtime::Handle, time::Instant};

use super::{Client, Options, Reading, doubt::Doubt, run::Run, wait};
use crate::{
    body::{BoxFuture, WireBody},
    cache::{
        Asked, Cache, CacheKey, CacheMode, Came, Draft, Entry, Flight, Found, Identity, Joined, Landing, Moment, Noted,
        Renewed, Rules, Use, Waiting, Wanted, is_failure, is_unsafe,
    },
    catalog::Caching,
    error::{Error, ErrorKind, Outcome, Result},
    request::Request,
    response::{Response, Source, is_framed},
};

/// By what the cache asks whether an answer still holds.
const CONDITIONS: [HeaderName; 2] = [IF_NONE_MATCH, IF_MODIFIED_SINCE];

/// What a call knows of the cache at one URL.
pub(super) struct Recall<'c> {
    cache: Cache,
    rules: Rules,
    asked: Asked,
    /// The headers of the request, but for credentials that are attached to each attempt.
    headers: Cow<'c, HeaderMap>,
    key: CacheKey,
    found: Found,
    /// What is kept for such a request.
    entry: Option<Arc<Entry>>,
    /// Whether the server is asked if it still holds.
    validates: bool,
    /// What others wait for.
    flight: Option<Flight>,
    /// Whether the answer is kept once it is read.
    filling: bool,
    /// Whether it was kept already.
    kept: bool,
    /// Whether the call was counted as one that nothing was kept for.
    counted: bool,
    /// Whether the store failed: nothing is kept, since nobody knows what was made untrue.
    lost: bool,
    /// Whether the request carries credentials.
    is_signed: bool,
    /// Whether the answer is for everybody.
    shared: bool,
    /// Headers of the request that were made for it alone, and stand for nobody.
    made: Vec<HeaderName>,
}

/// What a look into the cache comes to.
enum Seen {
    Given(Response),
    Sent,
    Wait(Waiting),
}

impl<'c> Run<'c> {
    /// The answer that is kept for this request, looked for once at each URL; `None` where it is to be sent.
    pub(super) async fn recall(&mut self) -> Result<Option<Response>> {
        if mem::replace(&mut self.looked, true) {
            return Ok(None);
        }
        self.recall = None;
        let core = &self.client.core;
        let Some(cache) = core.cache.clone().filter(|_| !self.caching().off) else { return self.missed() };
        let Some(recall) = self.recalling(cache).await? else { return self.missed() };
        let mut recall = Box::new(recall);
        // What is in memory needs no future of its own.
        let found = recall.cache.find_now(&recall.key);
        let given = match found.map(|found| self.see(&mut recall, found, false)).transpose()? {
            Some(Seen::Given(response)) => Some(response),
            Some(Seen::Sent) => None,
            Some(Seen::Wait(_)) | None => Box::pin(self.look(&mut recall)).await?,
        };
        // What asks for a part, and is not given it, is of no use to the cache.
        self.recall = Some(recall).filter(|recall| given.is_none() && !recall.lost && !recall.asked.is_part());
        Ok(given)
    }

    /// What the catalog says of caching; of what its route leads to it says no more than that nothing is kept.
    fn caching(&self) -> Caching {
        let caching = self.plan.policy.and_then(|policy| policy.cache).unwrap_or_default();
        if self.hop.is_some() { Caching { off: caching.off, ..Caching::default() } } else { caching }
    }

    /// By what an answer to this request is found in `cache`; `None` where none is ever kept.
    async fn recalling(&mut self, cache: Cache) -> Result<Option<Recall<'c>>> {
        let headers = self.lent()?;
        let Some(asked) = Asked::read(self.options.cache, &self.plan.method, &headers) else { return Ok(None) };
        let Caching { ttl, shared, .. } = self.caching();
        let identity = self.identity(shared, &headers).await?;
        let Some(key) = self.key_of(&identity) else { return Ok(None) };
        Ok(Some(Recall {
            rules: cache.rules(ttl, shared),
            cache,
            asked,
            headers,
            key,
            found: Found::default(),
            entry: None,
            validates: false,
            flight: None,
            filling: false,
            kept: false,
            counted: false,
            lost: false,
            is_signed: self.is_signed(),
            shared,
            made: Vec::new(),
        }))
    }

    /// The key of the URL for this identity.
    fn key_of(&self, identity: &Identity) -> Option<CacheKey> {
        let (uri, base) = (&self.plan.uri, self.context.base);
        let target = uri.path_and_query()?.as_str();
        // What is escaped may be spelt in several ways.
        if !base.origin().holds(uri) || target.contains('%') {
            return CacheKey::new(*identity, uri);
        }
        Some(Wanted { identity, origin: base.home(), target }.key())
    }

    /// Nothing is kept.
    fn missed(&self) -> Result<Option<Response>> {
        if self.options.cache == CacheMode::OnlyIfCached { Err(missing()) } else { Ok(None) }
    }

    /// Looks until there is an answer, or this call is the one that goes for it.
    async fn look(&mut self, recall: &mut Recall<'_>) -> Result<Option<Response>> {
        let mut waited = false;
        loop {
            let Some(found) = recall.cache.find(&recall.key).await else {
                recall.lost = true;
                return if recall.asked.is_offline() { Err(missing()) } else { Ok(None) };
            };
            let waiting = match self.see(recall, found, waited)? {
                Seen::Given(response) => return Ok(Some(response)),
                Seen::Sent => return Ok(None),
                Seen::Wait(waiting) => waiting,
            };
            match wait::turn(self.until, waiting.landing()).await? {
                Some(Landing::Failed(error)) => return Err(error.copy()),
                Some(_) => waited = true,
                // It was given up: the first to look takes its place.
                None => {}
            }
        }
    }

    /// What to do about what was found.
    fn see(&mut self, recall: &mut Recall<'_>, found: Found, waited: bool) -> Result<Seen> {
        recall.entry = found.entry(&recall.headers).filter(|_| recall.asked.looks()).cloned();
        recall.found = found;
        self.weigh(recall, waited)
    }

    /// What to do about what is kept.
    fn weigh(&mut self, recall: &mut Recall<'_>, waited: bool) -> Result<Seen> {
        let now = Moment::now();
        let verdict = recall.entry.as_ref().map(|entry| entry.serves(&recall.asked, now));
        if let (Some(entry), Some(verdict)) = (recall.entry.clone(), verdict)
            && let Some(source) = source(verdict)
            && let Some(answer) = entry.answer(&recall.headers, now)
        {
            if verdict == Use::Renew
                && self.plan.method == Method::GET
                && !recall.asked.is_part()
                && let Joined::Lead(flight) = recall.cache.join(&recall.key, now.at)
            {
                self.renew(flight);
            }
            recall.cache.note(if source == Source::Stale { Noted::Stale } else { Noted::Hit });
            return Ok(Seen::Given(self.given(answer, source)));
        }
        if recall.asked.is_offline() {
            return Err(missing());
        }
        recall.validates = recall.entry.is_some() && self.plan.method == Method::GET;
        if waited || !recall.asked.joins() || self.plan.method != Method::GET {
            return Ok(Seen::Sent);
        }
        match recall.cache.join(&recall.key, now.at) {
            Joined::Lead(flight) => recall.flight = Some(flight),
            Joined::Follow(waiting) => return Ok(Seen::Wait(waiting)),
            Joined::Alone => {}
        }
        Ok(Seen::Sent)
    }

    /// The answer of this call that is not the server's.
    fn given(&mut self, answer: http::Response<WireBody>, source: Source) -> Response {
        let exchange = Arc::make_mut(&mut self.exchange);
        exchange.elapsed = self.started.elapsed();
        exchange.status = Some(answer.status());
        exchange.source = source;
        Response::new(answer, Arc::clone(&self.exchange))
    }

    /// Asks the server meanwhile; those who look in the meantime are given the stale answer too.
    fn renew(&self, flight: Flight) {
        let Ok(runtime) = Handle::try_current() else { return };
        let (client, request) = (self.client.clone(), self.request.clone());
        let options = Options { cache: CacheMode::NoCache, deadline: None, ..self.options.clone() };
        runtime.spawn(client.renewed(request, options, flight));
    }

    /// Whether the request, which is signed by now, has become somebody else's than when it was looked for in the cache.
    /// Notes which of its headers were made for it.
    pub(super) async fn is_anothers(&mut self, sent: &HeaderMap) -> bool {
        let Some(mut recall) = self.recall.take() else { return false };
        let made = |(name, value): &(&HeaderName, &HeaderValue)| {
            !value.is_sensitive() && !recall.headers.contains_key(*name) && !CONDITIONS.contains(name)
        };
        recall.made = sent.iter().filter(made).map(|(name, _)| name.clone()).collect();
        let may_change = self.jar().is_some() || self.is_home() && self.credentials.signer().is_some();
        let same = !may_change
            || matches!(self.identity(recall.shared, &recall.headers).await, Ok(whose) if *recall.key.identity() == whose);
        self.recall = Some(recall);
        !same
    }

    /// Asks, in the headers of a request, whether what is kept still holds.
    pub(super) fn validate(&self, headers: &mut HeaderMap) {
        if let Some(recall) = self.recall.as_ref().filter(|recall| recall.validates)
            && let Some(entry) = &recall.entry
        {
            entry.ask(headers);
        }
    }

    /// Takes in an answer's head: what is kept takes the place of a 304, what is to be kept is copied on its way, and
    /// what the call may have changed is forgotten.
    pub(super) async fn remember(&mut self, answer: http::Response<WireBody>) -> Result<http::Response<WireBody>> {
        if is_unsafe(&self.plan.method) {
            if matches!(answer.status().as_u16(), 200..=399) {
                self.invalidate(answer.headers()).await;
                self.doubt.take().into_iter().for_each(Doubt::over);
            }
            return Ok(answer);
        }
        let Some(mut recall) = self.recall.take() else { return Ok(answer) };
        let answer = match (answer.status(), self.plan.method == Method::HEAD) {
            (StatusCode::NOT_MODIFIED, _) if !recall.asked.is_conditional() => {
                self.not_modified(&mut recall, answer).await
            }
            (_, true) => {
                recall.compare(answer.status(), answer.headers()).await;
                Ok(answer)
            }
            _ => Ok(recall.take_in(answer).await),
        };
        self.recall = Some(recall);
        answer
    }

    /// The answer that a 304 is about.
    async fn not_modified(
        &mut self,
        recall: &mut Recall<'_>,
        told: http::Response<WireBody>,
    ) -> Result<http::Response<WireBody>> {
        let Some(entry) = recall.entry.take().filter(|_| recall.validates) else {
            let why = "the server says that nothing has changed, and was not asked";
            return Err(
                Error::coded(ErrorKind::Protocol, "protocol.not_modified", why).with_outcome(Outcome::Processed)
            );
        };
        recall.validates = false;
        if !entry.is_meant(told.headers()) {
            // It is about another answer than the one that is kept, which is asked for in full.
            recall.cache.forget(&recall.key).await;
            self.anew = true;
            return Ok(told);
        }
        let now = Moment::now();
        let asked = (&*recall.headers, recall.is_signed);
        let Renewed { entry, kept } = entry.renewed(&recall.rules, asked, told.headers(), now);
        let kept = kept && !entry.varies_by(&recall.made);
        recall.cache.note(Noted::Validated);
        Arc::make_mut(&mut self.exchange).source = Source::Validated;
        let (answer, fresh) = (entry.whole(now), kept && entry.fresh_for(now).is_some());
        if kept {
            recall.cache.keep(&recall.key, recall.found.slot.as_deref(), Arc::new(entry)).await;
        } else {
            recall.cache.forget(&recall.key).await;
        }
        recall.land(if fresh { Landing::Kept } else { Landing::Missed });
        Ok(answer)
    }

    /// How long an answer on its way is that is read before it is handed out, since others wait for it.
    pub(super) fn is_awaited(&self, response: &Response) -> Option<u64> {
        let recall = self.recall.as_ref().filter(|recall| recall.filling)?;
        let length = response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse::<u64>().ok()?;
        let awaited = recall.flight.as_ref().is_some_and(Flight::is_awaited);
        (awaited && recall.rules.holds(length)).then_some(length)
    }

    /// Lets those who wait know that the answer was read whole.
    pub(super) fn landed(&mut self) {
        if let Some(recall) = &mut self.recall
            && recall.filling
        {
            recall.land(Landing::Kept);
        }
    }

    /// What the call ends with: a stale answer may stand in for a failure, and those who wait hear of it.
    pub(super) async fn ended(&mut self, answer: Result<Response>) -> Result<Response> {
        let lost = self.lost || matches!(&answer, Err(error) if error.outcome() == Outcome::MaybeProcessed);
        if self.doubt.is_some() && lost {
            self.invalidate(&HeaderMap::new()).await;
        }
        self.doubt.take().into_iter().for_each(Doubt::over);
        let Some(mut recall) = self.recall.take() else { return answer };
        let failed = match &answer {
            Ok(response) => is_failure(response.status()),
            Err(error) => may_pass(error.kind()),
        };
        match &answer {
            Err(error) if !is_own(error.kind()) => {
                recall.land(Landing::Failed(Arc::new(self.exchange.dress(error.copy()))));
            }
            Ok(_) if !recall.filling => recall.land(Landing::Missed),
            _ => {}
        }
        let now = Moment::now();
        let kept = recall.found.entry(&recall.headers).filter(|entry| failed && entry.stands_in(&recall.asked, now));
        match kept.and_then(|entry| entry.answer(&recall.headers, now)) {
            Some(stale) => {
                recall.cache.note(Noted::Stale);
                Ok(self.given(stale, Source::Stale))
            }
            None => answer,
        }
    }
}

impl Recall<'_> {
    fn land(&mut self, landing: Landing) {
        if let Some(flight) = self.flight.take() {
            flight.land(landing, Instant::now());
        }
    }

    /// Sees to it that an answer is kept, or to it that what it replaces is not.
    async fn take_in(&mut self, answer: http::Response<WireBody>) -> http::Response<WireBody> {
        let now = Moment::now();
        if !mem::replace(&mut self.counted, true) {
            self.cache.note(Noted::Miss);
        }
        let status = answer.status();
        let Some(draft) = self.draft(&answer, now) else {
            if is_for_now(status) || status == StatusCode::NOT_MODIFIED {
                return answer;
            }
            // Who is refused may be let in once the call is signed anew.
            if status != StatusCode::UNAUTHORIZED {
                self.land(Landing::Alone);
            }
            if self.found.entry(&self.headers).is_some() {
                self.cache.forget(&self.key).await;
            }
            return answer;
        };
        self.filling = draft.is_fresh(now);
        let (parts, body) = answer.into_parts();
        let body = if status == StatusCode::NO_CONTENT { WireBody::empty() } else { body };
        let body = match body.into_bytes() {
            Ok(bytes) => {
                let body = Bytes::copy_from_slice(&bytes);
                self.kept = self.cache.keep_whole(&self.key, self.found.slot.as_deref(), &draft, body).await;
                WireBody::full(bytes)
            }
            Err(body) => self.cache.filled(body, draft, &self.found, &self.key),
        };
        http::Response::from_parts(parts, body)
    }

    /// What is to be kept of an answer.
    fn draft(&self, answer: &http::Response<WireBody>, now: Moment) -> Option<Draft> {
        let came = Came {
            method: &Method::GET,
            asked: &self.headers,
            signed: self.is_signed,
            status: answer.status(),
            version: answer.version(),
            headers: answer.headers(),
        };
        let draft = self.rules.draft(&came, now, self.found.stamp).filter(|_| is_framed(answer));
        draft.filter(|draft| !draft.varies_by(&self.made))
    }

    /// Forgets what is kept where a HEAD says that it has changed.
    async fn compare(&mut self, status: StatusCode, told: &HeaderMap) {
        let changed = |entry: &Arc<Entry>| status != entry.status() || entry.differs(told);
        if status.is_success() && self.found.entry(&self.headers).is_some_and(changed) {
            self.cache.forget(&self.key).await;
        }
    }
}

impl Client {
    /// What `cache` keeps for a request.
    pub(crate) async fn kept(&self, cache: &Cache, request: &Request, options: &Options) -> Result<Option<Response>> {
        let mut run = Run::begin(self, request, options, Reading::Later)?;
        let Some(mut recall) = run.recalling(cache.clone()).await? else { return Ok(None) };
        recall.found = cache.find(&recall.key).await.unwrap_or_default();
        let now = Moment::now();
        let Some(entry) = recall.found.entry(&recall.headers) else { return Ok(None) };
        let source = if entry.fresh_for(now).is_some() { Source::Kept } else { Source::Stale };
        Ok(entry.answer(&recall.headers, now).map(|answer| run.given(answer, source)))
    }

    /// Keeps `answer` for a request in `cache`, if it may be kept; whether it was.
    pub(crate) async fn keep(
        &self,
        cache: &Cache,
        request: &Request,
        options: &Options,
        answer: http::Response<Bytes>,
    ) -> Result<bool> {
        let mut run = Run::begin(self, request, options, Reading::Later)?;
        let Some(mut recall) = run.recalling(cache.clone()).await? else { return Ok(false) };
        let Some(found) = cache.find(&recall.key).await else { return Ok(false) };
        (recall.found, recall.counted) = (found, true);
        recall.take_in(answer.map(WireBody::full)).await;
        Ok(recall.kept)
    }

    /// Forgets what `cache` keeps for a request.
    pub(crate) async fn forget(&self, cache: &Cache, request: &Request, options: &Options) -> Result<()> {
        let mut run = Run::begin(self, request, options, Reading::Later)?;
        if let Some(recall) = run.recalling(cache.clone()).await? {
            cache.forget(&recall.key).await;
        }
        Ok(())
    }

    /// Asks for an answer again, for the cache alone.
    fn renewed(self, request: Request, options: Options, flight: Flight) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let renewed = self.execute(&request, &options, Reading::Whole).await;
            flight.land(if renewed.is_ok() { Landing::Kept } else { Landing::Missed }, Instant::now());
        })
    }
}

/// Where an answer that is used comes from; `None` where it is not.
fn source(verdict: Use) -> Option<Source> {
    match verdict {
        Use::Fresh => Some(Source::Kept),
        Use::Stale | Use::Renew => Some(Source::Stale),
        Use::Validate => None,
    }
}

/// Whether an answer of this status says nothing of the next one: the call failed, or is to be sent again later.
fn is_for_now(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 408 | 421 | 425 | 429)
}

/// Whether such a failure lets a stale answer stand in.
fn may_pass(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Connect
            | ErrorKind::Tls
            | ErrorKind::Timeout
            | ErrorKind::Protocol
            | ErrorKind::Body
            | ErrorKind::Circuit
    )
}

/// Whether such a failure is about this call, and says nothing to others.
fn is_own(kind: ErrorKind) -> bool {
    !matches!(kind, ErrorKind::Connect | ErrorKind::Tls | ErrorKind::Protocol | ErrorKind::Body | ErrorKind::Circuit)
}

fn missing() -> Error {
    let why = "nothing is kept for this call, and it is to be answered from the cache alone";
    Error::coded(ErrorKind::Store, "cache.missing", why)
}
