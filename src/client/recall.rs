//! The cache in the loop, looked into before anything is sent.

use std::{borrow::Cow, mem, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{IF_MODIFIED_SINCE, IF_NONE_MATCH},
};
use tokio::{runtime::Handle, time::Instant};

use super::{Client, Options, Reading, run::Run, wait};
use crate::{
    body::{BoxFuture, WireBody},
    cache::{
        Asked, Cache, CacheKey, CacheMode, Entry, Flight, Found, Identity, Joined, Landing, Moment, Noted, Rules, Use,
        Waiting, Wanted,
    },
    catalog::Caching,
    error::{Error, ErrorKind, Result},
    request::Request,
    response::{Response, Source},
};

/// By what the cache asks whether an answer still holds.
const CONDITIONS: [HeaderName; 2] = [IF_NONE_MATCH, IF_MODIFIED_SINCE];

/// What a call knows of the cache at one URL.
pub(super) struct Recall<'c> {
    pub(super) cache: Cache,
    pub(super) rules: Rules,
    pub(super) asked: Asked,
    /// The headers of the request, but for credentials that are attached to each attempt.
    pub(super) headers: Cow<'c, HeaderMap>,
    pub(super) key: CacheKey,
    pub(super) found: Found,
    /// What is kept for such a request.
    pub(super) entry: Option<Arc<Entry>>,
    /// Whether the server is asked if it still holds.
    pub(super) validates: bool,
    /// What others wait for.
    pub(super) flight: Option<Flight>,
    /// Whether the answer is kept once it is read.
    pub(super) filling: bool,
    /// Whether it was kept already.
    pub(super) kept: bool,
    /// Whether the call was counted as one that nothing was kept for.
    pub(super) counted: bool,
    /// Whether the store failed: nothing is kept, since nobody knows what was made untrue.
    pub(super) lost: bool,
    /// Whether the request carries credentials.
    pub(super) is_signed: bool,
    /// Headers of the request that were made for it alone, and stand for nobody.
    pub(super) made: Vec<HeaderName>,
}

/// What a look into the cache comes to.
enum Seen {
    Given(Box<Response>),
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
        let seen = found.map(|found| self.see(&mut recall, found, false)).transpose();
        let given = match seen {
            Ok(Some(Seen::Given(response))) => Ok(Some(*response)),
            Ok(Some(Seen::Sent)) => Ok(None),
            Ok(Some(Seen::Wait(_)) | None) => Box::pin(self.look(&mut recall)).await,
            Err(error) => Err(error),
        };
        // What asks for a part, and is not given it, is of no use to the cache.
        let goes = !matches!(given, Ok(Some(_))) && !recall.lost && !recall.asked.is_part();
        self.recall = Some(recall).filter(|_| goes);
        given
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
                Seen::Given(response) => return Ok(Some(*response)),
                Seen::Sent => return Ok(None),
                Seen::Wait(waiting) => waiting,
            };
            match wait::turn(self.until, waiting.landing()).await? {
                Some(Landing::Failed(error)) => return Err(error.copy()),
                Some(Landing::Answered(failure)) => {
                    return Ok(Some(match recall.stand_in() {
                        Some(stale) => self.given(stale, Source::Stale),
                        None => self.given(http::Response::clone(&failure).map(WireBody::full), Source::Server),
                    }));
                }
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
            return Ok(Seen::Given(Box::new(self.given(answer, source))));
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
    pub(super) fn given(&mut self, answer: http::Response<WireBody>, source: Source) -> Response {
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
            || matches!(self.identity(recall.rules.are_for_all(), &recall.headers).await, Ok(whose) if *recall.key.identity() == whose);
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

fn missing() -> Error {
    let why = "nothing is kept for this call, and it is to be answered from the cache alone";
    Error::coded(ErrorKind::Store, "cache.missing", why)
}
