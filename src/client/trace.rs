//! What a trace shows: a span for each call and one for each attempt, by OpenTelemetry's names for HTTP clients.
//!
//! A span names the route's template and the origin, never a filled URL, a header or a body.

use http::Method;
use tracing::{Span, debug, field::Empty, info_span};

use crate::{
    error::{Error, Result},
    request::Origin,
    response::Response,
};

/// The methods that stand in a span by their own names; any other is `_OTHER`, so that names stay few.
const KNOWN: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::TRACE,
    Method::CONNECT,
];

fn known(method: &Method) -> &str {
    if KNOWN.contains(method) { method.as_str() } else { "_OTHER" }
}

/// The span of a whole call.
pub(super) fn call(method: &Method, template: &str) -> Span {
    let method = known(method);
    info_span!(
        "restwalk.call",
        otel.name = %format_args!("{method} {template}"),
        otel.kind = "internal",
        http.request.method = method,
        url.template = template,
        http.request.resend_count = Empty,
        http.response.status_code = Empty,
        error.r#type = Empty,
    )
}

/// The span of one attempt; `resent` counts those before it.
pub(super) fn attempt(method: &Method, template: &str, origin: &Origin, resent: u32) -> Span {
    let method = known(method);
    let span = info_span!(
        "restwalk.attempt",
        otel.name = %format_args!("{method} {template}"),
        otel.kind = "client",
        http.request.method = method,
        url.template = template,
        url.scheme = origin.scheme(),
        server.address = origin.host(),
        server.port = origin.port(),
        http.request.resend_count = Empty,
        http.response.status_code = Empty,
        traceparent = Empty,
        error.r#type = Empty,
    );
    resends(&span, resent);
    span
}

/// Notes in `span` how often a request was sent again.
pub(super) fn resends(span: &Span, resent: u32) {
    if resent > 0 {
        span.record("http.request.resend_count", resent);
    }
}

/// Notes in `span` how a call or an attempt ended.
pub(super) fn ended(span: &Span, answer: &Result<Response>) {
    if span.is_disabled() {
        return;
    }
    match answer {
        Ok(response) => {
            let status = response.status().as_u16();
            span.record("http.response.status_code", status);
            if status >= 400 {
                span.record("error.type", response.status().as_str());
            }
        }
        Err(error) => failed(span, error),
    }
}

fn failed(span: &Span, error: &Error) {
    if let Some(status) = error.status() {
        span.record("http.response.status_code", status.as_u16());
    }
    span.record("error.type", error.code());
}

/// Notes that the call waits and is then sent again.
pub(super) fn again(after: std::time::Duration, attempts: u32) {
    debug!(wait_ms = after.as_millis() as u64, attempts, "trying again");
}
