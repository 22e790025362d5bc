//! A transport that answers by a script, and notes what it was sent and when.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use restwalk::{Attempt, BoxFuture, Client, ClientBuilder, Error, ErrorKind, Outcome, Result, Transport, WireBody};
use tokio::time::Instant;

/// What happens to one request.
#[derive(Debug, Clone)]
pub enum Step {
    Answer(u16, Vec<(&'static str, String)>, Bytes),
    /// An answer whose body breaks off after these bytes.
    Cut(u16, Bytes),
    Fail(ErrorKind, Outcome),
    /// No answer, ever.
    Hang,
    /// The step after so long.
    After(Duration, Box<Step>),
}

pub fn answer(status: u16) -> Step {
    Step::Answer(status, Vec::new(), Bytes::from_static(b"{}"))
}

impl Step {
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        match &mut self {
            Self::Answer(_, headers, _) => headers.push((name, value.into())),
            Self::After(_, step) => **step = step.clone().header(name, value),
            _ => panic!("only an answer has headers"),
        }
        self
    }

    pub fn body(self, body: impl Into<Bytes>) -> Self {
        match self {
            Self::Answer(status, headers, _) => Self::Answer(status, headers, body.into()),
            other => panic!("{other:?} has no body"),
        }
    }

    pub fn after(self, time: Duration) -> Self {
        Self::After(time, Box::new(self))
    }
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Since the first request.
    pub at: Duration,
    pub attempt: u32,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

type Choice = dyn Fn(&Seen) -> Step + Send + Sync;

/// The transport; its clones share script and notes.
#[derive(Clone)]
pub struct Script {
    choose: Arc<Choice>,
    seen: Arc<Mutex<Vec<Seen>>>,
    began: Arc<Mutex<Option<Instant>>>,
}

impl Script {
    /// Takes each request's step from `steps` in turn; the last one goes on for ever.
    pub fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        let steps = Mutex::new(steps.into_iter().collect::<VecDeque<_>>());
        Self::by(move |_| {
            let mut steps = steps.lock().unwrap();
            if steps.len() > 1 { steps.pop_front().unwrap() } else { steps[0].clone() }
        })
    }

    /// Chooses each request's step by what it is.
    pub fn by(choose: impl Fn(&Seen) -> Step + Send + Sync + 'static) -> Self {
        super::traces::keep();
        Self { choose: Arc::new(choose), seen: Arc::default(), began: Arc::default() }
    }

    /// A client of `http://api.test` that goes by way of this script, with waits at half their longest.
    pub fn builder(&self) -> ClientBuilder {
        self.at("http://api.test")
    }

    pub fn at(&self, base: &str) -> ClientBuilder {
        Client::builder(base).transport(self.clone()).random(|| 0.5)
    }

    pub fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    /// The step for a request, which is not noted.
    pub fn choose(&self, seen: &Seen) -> Step {
        (self.choose)(seen)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// When each request came, in milliseconds since the first.
    pub fn times(&self) -> Vec<u128> {
        self.seen.lock().unwrap().iter().map(|seen| seen.at.as_millis()).collect()
    }

    /// The URLs asked, in order.
    pub fn urls(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|seen| seen.url.clone()).collect()
    }
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

impl Transport for Script {
    fn exchange(&self, request: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        Box::pin(async move {
            let at = self.began.lock().unwrap().get_or_insert_with(Instant::now).elapsed();
            let (parts, body) = request.into_parts();
            let body =
                body.collect().await.map_err(|error| Error::new(ErrorKind::Body, "unread").with_source(error))?;
            let seen = Seen {
                method: parts.method.to_string(),
                url: parts.uri.to_string(),
                headers: parts.headers,
                body: body.to_bytes(),
                at,
                attempt: parts.extensions.get::<Attempt>().map_or(1, |attempt| attempt.0),
            };
            let step = (self.choose)(&seen);
            self.seen.lock().unwrap().push(seen);
            play(step).await
        })
    }
}

async fn play(mut step: Step) -> Result<http::Response<WireBody>> {
    loop {
        match step {
            Step::After(time, next) => {
                tokio::time::sleep(time).await;
                step = *next;
            }
            Step::Hang => std::future::pending().await,
            Step::Fail(kind, outcome) => return Err(Error::new(kind, "as the script says").with_outcome(outcome)),
            Step::Answer(status, headers, body) => {
                let mut answer = http::Response::builder().status(status);
                for (name, value) in headers {
                    answer = answer.header(name, value);
                }
                return Ok(answer.body(WireBody::full(body)).unwrap());
            }
            Step::Cut(status, body) => {
                let lost = || Error::new(ErrorKind::Body, "the body broke off").with_outcome(Outcome::Processed);
                let pieces = futures_util::stream::iter([Ok(http_body::Frame::data(body)), Err(lost())]);
                let body = WireBody::new(http_body_util::StreamBody::new(pieces));
                return Ok(http::Response::builder().status(status).body(body).unwrap());
            }
        }
    }
}
