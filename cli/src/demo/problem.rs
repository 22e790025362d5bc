//! Refusals, in the shape that the catalog says its API has.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    text: String,
    header: Option<(HeaderName, String)>,
}

/// The names that a problem's code and sentence have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Style(Vec<String>);

impl Problem {
    pub(super) fn new(status: u16, code: &'static str, text: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Self { status, code, text: text.into(), header: None }
    }

    pub(super) fn with(mut self, name: HeaderName, value: String) -> Self {
        self.header = Some((name, value));
        self
    }

    /// The answer.
    pub(super) fn response(self, style: &Style) -> Response {
        let kind = if style.0.is_empty() { "application/problem+json" } else { "application/json" };
        let body = style.body(self.status, self.code, &self.text).to_string();
        let mut response = (self.status, [(header::CONTENT_TYPE, kind)], Body::from(body)).into_response();
        if let Some((name, value)) = self.header
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl Style {
    /// The names in braces of a catalog's `error_message`; RFC 9457 where it has none.
    pub(super) fn of(message: Option<&str>) -> Self {
        let names = message.unwrap_or_default().split('{').skip(1).filter_map(|rest| rest.split_once('}'));
        Self(names.map(|(name, _)| name.to_owned()).filter(|name| !name.is_empty()).collect())
    }

    /// The last name holds the sentence, the first of several the code.
    fn body(&self, status: StatusCode, code: &str, text: &str) -> Value {
        let Some((sentence, others)) = self.0.split_last() else {
            let title = status.canonical_reason().unwrap_or_default();
            return json!({ "title": title, "status": status.as_u16(), "detail": text, "code": code });
        };
        let mut body: Map<String, Value> = others.iter().map(|name| (name.clone(), code.into())).collect();
        body.insert(sentence.clone(), text.into());
        body.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_names_that_the_catalog_looks_for() {
        for (message, expected) in [
            (Some("{error}: {error_description}"), json!({ "error": "Code", "error_description": "why" })),
            (Some("{message}"), json!({ "message": "why" })),
            (None, json!({ "title": "Not Found", "status": 404, "detail": "why", "code": "Code" })),
        ] {
            assert_eq!(Style::of(message).body(StatusCode::NOT_FOUND, "Code", "why"), expected, "{message:?}");
        }
    }
}
