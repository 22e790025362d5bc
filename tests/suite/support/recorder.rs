//! A transport that keeps every request as it would be sent, and gives one answer to all.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::BodyExt;
use restwalk::{BoxFuture, Client, ClientBuilder, Result, Transport, WireBody};

/// A request that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub url: String,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Sent {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Records, and answers `status` with `body`.
#[derive(Clone)]
pub struct Recorder {
    sent: Arc<Mutex<Vec<Sent>>>,
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Recorder {
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        super::traces::keep();
        Self { sent: Arc::default(), status, headers: Vec::new(), body: body.into() }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A client of `base` that goes by way of this recorder.
    pub fn client(&self, base: &str) -> ClientBuilder {
        Client::builder(base).transport(self.clone())
    }

    pub fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    /// The last request.
    pub fn last(&self) -> Sent {
        self.sent.lock().unwrap().last().expect("something was sent").clone()
    }

    pub fn all(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }
}

/// A client prints its transport, and this one holds what must not be printed.
impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
}

impl Transport for Recorder {
    fn exchange(&self, request: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            self.sent.lock().unwrap().push(Sent {
                method: parts.method.to_string(),
                target: parts.uri.path_and_query().unwrap().to_string(),
                url: parts.uri.to_string(),
                headers: parts.headers,
                body,
            });
            let mut answer = http::Response::builder().status(self.status);
            for (name, value) in &self.headers {
                answer = answer.header(*name, value);
            }
            Ok(answer.body(WireBody::full(self.body.clone())).unwrap())
        })
    }
}
