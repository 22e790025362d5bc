//! What reached a service, kept so that an example or a test can assert on it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use serde_json::Value;

/// Every request that reached a service, in order; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Record(Arc<Mutex<Vec<Arrived>>>);

/// One request as it arrived; `Display` shows its method and target.
#[derive(Clone)]
pub(crate) struct Arrived {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Record {
    /// All requests so far.
    pub(crate) fn all(&self) -> Vec<Arrived> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of requests so far.
    pub(crate) fn count(&self) -> usize {
        self.all().len()
    }

    /// The latest request.
    ///
    /// # Panics
    /// Nothing has arrived.
    pub(crate) fn last(&self) -> Arrived {
        self.all().pop().expect("a request has arrived")
    }

    /// Reads a request whole, keeps it, and hands it on: a layer for `axum::middleware::from_fn_with_state`.
    pub(crate) async fn keep(State(record): State<Self>, request: Request, next: Next) -> Response {
        let (parts, body) = request.into_parts();
        // What was cut short arrives as nothing, and the handler refuses it.
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let arrived = Arrived {
            method: parts.method.clone(),
            target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            headers: parts.headers.clone(),
            body: body.clone(),
        };
        record.0.lock().unwrap_or_else(PoisonError::into_inner).push(arrived);
        next.run(Request::from_parts(parts, Body::from(body))).await
    }
}

impl Arrived {
    /// The body as JSON; `null` where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl fmt::Display for Arrived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)
    }
}
