//! How a MAX server answers: JSON, one page of a list, or a refusal.

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{Method, StatusCode, header, request::Parts},
    response::{Html, IntoResponse, Response},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(crate) type Answer = Result<Response, Refusal>;

/// `{"error": …, "error_description": …}` under a status.
#[derive(Debug)]
pub(crate) struct Refusal(StatusCode, &'static str, String);

impl Refusal {
    pub(crate) fn missing(field: &str) -> Self {
        Self(StatusCode::BAD_REQUEST, "MissingField", format!("There's no {field} in the request"))
    }

    pub(crate) fn unknown(kind: &'static str, name: &str) -> Self {
        Self(StatusCode::NOT_FOUND, kind, format!("{name} is not known here"))
    }

    pub(crate) fn unauthorized() -> Self {
        Self(StatusCode::UNAUTHORIZED, "Unauthorized", "There are no OAuth headers".into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1, "error_description": self.2 }))).into_response()
    }
}

/// What is answered to an unknown path and to a wrong method alike.
pub(crate) async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Html("<html><body><h1>404 Not Found</h1></body></html>")).into_response()
}

/// A thing that was made, or that stood already.
pub(crate) fn made(new: bool, thing: Value) -> Response {
    (if new { StatusCode::CREATED } else { StatusCode::OK }, Json(thing)).into_response()
}

/// The JSON object that a request carries; an absent body is an empty one.
pub(crate) struct Sent(pub(crate) Map<String, Value>);

impl Sent {
    pub(crate) fn text(&self, pointer: &str) -> Result<String, Refusal> {
        let mut names = pointer.split('.');
        let first = names.next().and_then(|name| self.0.get(name));
        let found = names.fold(first, |value, name| value?.get(name));
        found.and_then(Value::as_str).map(str::to_owned).ok_or_else(|| Refusal::missing(pointer))
    }
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let bytes = Bytes::from_request(request, state).await.map_err(|_| Refusal::missing("body"))?;
        if bytes.is_empty() {
            return Ok(Self(Map::new()));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|_| Refusal::missing("valid JSON object"))
    }
}

/// The window of a list that a request asks for: the newest `limit` (10; 0 for all), older than `before` or newer than `after`.
pub(crate) struct Page {
    head: bool,
    window: Window,
}

#[derive(Deserialize, Default)]
struct Window {
    limit: Option<usize>,
    before: Option<String>,
    after: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let Query(window) = Query::try_from_uri(&parts.uri).map_err(|_| Refusal::missing("valid limit"))?;
        Ok(Self { head: parts.method == Method::HEAD, window })
    }
}

impl Page {
    /// The window of `things`, which stand with the oldest first; HEAD tells their number alone.
    pub(crate) fn of(self, things: &[Value]) -> Response {
        if self.head {
            return [("X-totalItems", things.len().to_string())].into_response();
        }
        let Window { limit, before, after } = self.window;
        let place = |id: &str| things.iter().position(|thing| thing["id"] == id);
        let from = after.and_then(|id| place(&id)).map_or(0, |at| at + 1);
        let to = before.and_then(|id| place(&id)).unwrap_or(things.len()).max(from);
        let window = &things[from..to];
        let shown = match limit.unwrap_or(10) {
            0 => window.len(),
            limit => limit.min(window.len()),
        };
        let newest: Vec<_> = window.iter().rev().take(shown).collect();
        let body = Json(newest).into_response();
        if shown < window.len() { ([("X-Has-Remaining-Items", "1")], body).into_response() } else { body }
    }
}

/// Bytes of a content type.
pub(crate) fn bytes(content_type: String, bytes: Bytes) -> Response {
    ([(header::CONTENT_TYPE, content_type)], bytes).into_response()
}
