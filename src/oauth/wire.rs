//! How an OAuth server is asked: a form posted by a client that follows nothing, keeps nothing and reads little.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE},
};
use tokio::time::Instant;

use super::{
    Settings,
    answer::{Accepted, Answer, Grant, failed, refusal},
    endpoint::{self, Place},
    form::Form,
};
use crate::{
    body::WireBody,
    correlation::{Correlation, X_REQUEST_ID},
    error::{Error, ErrorKind, Outcome, Result},
    header,
    random::Random,
    request::Origin,
    response::{Exchange, Response, Source, Verdict},
    retry::{Decision, Failed, Moment, Retry, Standing, Tries},
    secret::{Masks, Secret},
    token::Life,
    transport::Transport,
};

/// How much is read of an answer.
const MOST: usize = 64 << 10;

/// What carries requests to an OAuth server, and the headers that they share.
#[derive(Clone, Debug)]
pub(crate) struct Carrier {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) headers: HeaderMap,
    /// The client's own origin, the one that hears of the work around.
    pub(super) home: Origin,
    pub(super) work: Correlation,
}

/// One OAuth server, as one client asks it.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) settings: Arc<Settings>,
    pub(crate) carrier: Carrier,
}

/// What is sent to a server, and what is masked where it comes back.
#[derive(Clone, Default)]
pub(crate) struct Content {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) masks: Masks,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// When it was asked for.
    pub(crate) at: Instant,
    pub(crate) wall: SystemTime,
    pub(crate) masks: Arc<Masks>,
}

/// A token, and how long it is good for.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) answer: Answer,
    pub(crate) life: Life,
    /// The server's time, in seconds since 1970.
    pub(crate) now: u64,
}

/// How far a request to a server may be repeated.
#[derive(Clone, Copy)]
struct Patience {
    standing: Standing,
    /// How many answers may be lost until it is given up.
    lost: u8,
}

impl Patience {
    const FULL: Self = Self { standing: Standing::Idempotent, lost: u8::MAX };
}

impl Wire {
    /// Asks the token endpoint; what may pass is tried three times, and a refresh token whose answer was lost twice.
    pub(crate) async fn token(&self, grant: Grant, form: Form) -> Result<Granted> {
        let uri = self.place(Place::Token).await?;
        let patience = match grant {
            // A code is good for one request, whatever became of it.
            Grant::Once => Patience { standing: Standing::Bare, ..Patience::FULL },
            Grant::Refresh => Patience { lost: 2, ..Patience::FULL },
            Grant::Password | Grant::Client => Patience::FULL,
        };
        let reply = self.patiently(Method::POST, &uri, self.posted(&form)?, patience).await.map_err(unasked)?;
        reply.granted(grant, &self.settings)
    }

    /// Reads what is at `uri`; what may pass is tried three times.
    pub(super) async fn get(&self, uri: &Uri, content: Content) -> Result<Reply> {
        self.patiently(Method::GET, uri, content, Patience::FULL).await
    }

    /// Sends a request, up to three times where that may help and `patience` allows it.
    async fn patiently(&self, method: Method, uri: &Uri, content: Content, patience: Patience) -> Result<Reply> {
        let retry = Retry::standard().max_retry_after(Duration::from_secs(5));
        let (mut tries, mut left) = (Tries::first(), patience.lost);
        loop {
            let tried = self.send(method.clone(), uri, content.clone()).await;
            let failed = match &tried {
                Ok(reply) if reply.status.as_u16() < 400 => return tried,
                Ok(reply) => Failed::Answer(reply.status, &reply.headers),
                Err(error) => Failed::Error(error),
            };
            left = left.saturating_sub(matches!(&tried, Err(error) if error.outcome() != Outcome::NotSent).into());
            let moment = Moment { wall: SystemTime::now(), left: None, draw: Random::default().draw() };
            match retry.decide(failed, patience.standing, tries, moment) {
                Decision::Again(again) if left > 0 => {
                    tries.again(again);
                    tokio::time::sleep(again.after).await;
                }
                _ => return tried,
            }
        }
    }

    /// Where the server is asked for `place`.
    pub(crate) async fn place(&self, place: Place) -> Result<Uri> {
        match self.settings.given(place) {
            Some(url) => Ok(endpoint::parse(url, place.name())?),
            None => self.discovered(place).await,
        }
    }

    /// Posts `form`, with the client's own credentials, once.
    pub(crate) async fn post(&self, uri: &Uri, form: &Form) -> Result<Reply> {
        self.send(Method::POST, uri, self.posted(form)?).await
    }

    /// A form with the client's own credentials.
    fn posted(&self, form: &Form) -> Result<Content> {
        let settings = &self.settings;
        let mut form = form.clone();
        let mut headers = HeaderMap::new();
        match &settings.secret {
            Some(secret) if !settings.in_body => {
                form = form.with("client_id", settings.id.as_str());
                headers.insert(AUTHORIZATION, basic(&settings.id, secret)?);
            }
            secret => {
                form = form.with("client_id", settings.id.as_str()).maybe("client_secret", secret.clone());
            }
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let mut masks = Masks::default();
        form.mask(&mut masks);
        settings.secret.iter().for_each(|secret| masks.add(secret.expose()));
        masks.add_headers(&headers);
        Ok(Content { headers, body: form.encoded(), masks })
    }

    /// Sends one request and reads what comes back; a redirect is not followed.
    pub(crate) async fn send(&self, method: Method, uri: &Uri, content: Content) -> Result<Reply> {
        let Content { headers, body, masks } = content;
        let mut request = http::Request::new(if body.is_empty() { WireBody::empty() } else { WireBody::full(body) });
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = self.carrier.headers.clone();
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        request.headers_mut().extend(headers);
        if self.carrier.home.holds(uri) {
            self.carrier.work.put(request.headers_mut(), &X_REQUEST_ID);
        }
        let (at, wall, masks) = (Instant::now(), SystemTime::now(), Arc::new(masks));
        let until = at.checked_add(self.settings.timeout);
        let answer = self.carrier.transport.exchange(request);
        let answer = match until {
            Some(until) => tokio::time::timeout_at(until, answer).await.unwrap_or_else(|_| Err(late())),
            None => answer.await,
        };
        let exchange = Arc::new(exchange(method, uri, Arc::clone(&masks), until));
        let response = Response::new(answer.map_err(|error| exchange.dress(error))?, exchange);
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await?;
        Ok(Reply { status, headers, body, at, wall, masks })
    }
}

impl Reply {
    /// Reads a token, or why there is none.
    pub(super) fn granted(&self, grant: Grant, settings: &Settings) -> Result<Granted> {
        let accepted = Accepted { scheme: &settings.scheme, untyped: settings.untyped, grant };
        let clean = |text: &str| self.masks.apply(text);
        let mut answer = match self.status.as_u16() {
            200..=299 => Answer::read(&self.body, accepted, self.server_time(), &clean)?,
            300..=399 => {
                let why =
                    "the token endpoint answered with a redirect, which is not followed: give the URL it leads to";
                return Err(failed(why).with_status(Some(self.status)));
            }
            _ => return Err(refusal(grant, self.status, &self.body, &clean)),
        };
        let life = Life::new(self.at, self.wall, answer.lasts.take(), settings.margin, Random::default().draw());
        Ok(Granted { answer, life, now: self.server_time() })
    }

    /// The server's time in seconds since 1970, else ours.
    pub(crate) fn server_time(&self) -> u64 {
        let date = self.headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let since = date.unwrap_or(self.wall).duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default().as_secs()
    }
}

/// The client's id and secret as RFC 6749, section 2.3.1, wants them: each form-encoded first.
fn basic(id: &str, secret: &Secret) -> Result<HeaderValue> {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Secret::from(format!("{}:{}", encode(id), encode(secret.expose())));
    let value = Secret::from(format!("Basic {}", BASE64_STANDARD.encode(pair.expose())));
    let wrong = || Error::new(ErrorKind::Auth, "the client's secret cannot stand in a header");
    header::secret(value.expose()).ok_or_else(wrong)
}

fn late() -> Error {
    Error::coded(ErrorKind::Timeout, "timeout.headers", "no answer in the time allowed")
        .with_outcome(Outcome::MaybeProcessed)
}

/// The error of a server that could not be asked.
pub(crate) fn unasked(error: Error) -> Error {
    failed(format!("the OAuth server could not be asked: {error}"))
}

/// What the reader of an answer needs to know.
fn exchange(method: Method, uri: &Uri, masks: Arc<Masks>, until: Option<Instant>) -> Exchange {
    // The place alone: a URL's query may hold what it likes.
    let place = Origin::of(uri).map(|origin| Arc::from(format!("{origin}{}", uri.path())));
    Exchange {
        method,
        url: uri.clone(),
        route: place,
        masks,
        limit: MOST as u64,
        silence: None,
        idle: None,
        pace: None,
        deadline: until,
        whole: until,
        total: None,
        elapsed: Duration::ZERO,
        attempts: 1,
        status: None,
        verdict: Verdict::default(),
        source: Source::default(),
    }
}
