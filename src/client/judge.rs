//! What a final status means: an answer, or an error that keeps the whole of it.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};

use crate::{
    error::{Error, ErrorKind, Outcome, Problem, Result, quoted},
    header::challenge::challenges,
    response::Response,
};

/// How much of an error's body is kept.
const ERROR_BODY: usize = 64 << 10;

/// Gives `response` back, or makes an error of a status that is no success; `template` words its message.
pub(super) async fn judge(response: Response, template: Option<&str>) -> Result<Response> {
    let exchange = response.exchange();
    let status = response.status();
    let (kind, code) = match status.as_u16() {
        200..=399 => return Ok(response),
        _ if exchange.verdict.ambiguous => return Ok(response),
        _ if exchange.verdict.limited => (ErrorKind::RateLimited, "rate_limited"),
        429 => (ErrorKind::RateLimited, "rate_limited"),
        401 => (ErrorKind::Status, "auth.denied"),
        403 if needed_scope(response.headers()).is_some() => (ErrorKind::Status, "auth.denied"),
        _ => (ErrorKind::Status, "status"),
    };
    let (headers, exchange) = (response.headers().clone(), Arc::clone(exchange));
    let body = response.excerpt(ERROR_BODY).await;
    let problem = Problem::from_json(&body, template, &|text| exchange.masks.apply(text));
    let error = Error::coded(kind, code, told(status, &headers))
        .with_answer(status, headers, Some(body), problem)
        .with_retry_after(exchange.verdict.retry_after)
        .with_gave_up(exchange.verdict.gave_up);
    let outcome = if exchange.verdict.misdirected { Outcome::NotSent } else { error.outcome() };
    Err(exchange.dress(error.with_outcome(outcome)))
}

fn told(status: StatusCode, headers: &HeaderMap) -> String {
    let html = headers.get(http::header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let hint = match status {
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => "; the server behind the proxy may be down",
        StatusCode::SERVICE_UNAVAILABLE if html => "; a proxy seems to answer for the server",
        _ => "",
    };
    let scope = needed_scope(headers).map(|scope| format!("; it needs the scope {scope}")).unwrap_or_default();
    match status.canonical_reason() {
        Some(reason) => format!("answered {} {reason}{hint}{scope}", status.as_u16()),
        None => format!("answered {}{hint}{scope}", status.as_u16()),
    }
}

/// The scope that a bearer token would need (RFC 6750, section 3.1), where the server says so.
fn needed_scope(headers: &HeaderMap) -> Option<String> {
    let challenges = challenges(headers);
    let told = challenges.iter().find(|challenge| challenge.get("error") == Some("insufficient_scope"))?;
    told.get("scope").map(quoted)
}
