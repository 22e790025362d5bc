//! A service that tells what it was asked, and misbehaves where its path says so.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{StatusCode, header};
use http_body_util::BodyExt;
use serde_json::json;
use tokio::sync::Notify;

/// What requests share: gates to open, and how often a name was asked for.
#[derive(Default)]
struct Shared {
    gates: Mutex<HashMap<String, Arc<Notify>>>,
    counts: Mutex<HashMap<String, u64>>,
}

impl Shared {
    fn gate(&self, name: &str) -> Arc<Notify> {
        Arc::clone(self.gates.lock().unwrap().entry(name.to_owned()).or_default())
    }
}

/// The service; its first path segment chooses the behaviour, and an unknown one echoes.
pub fn router() -> Router {
    super::traces::keep();
    Router::new().fallback(answer).with_state(Arc::new(Shared::default()))
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let mut parts = path.trim_start_matches('/').split('/');
    let (what, which) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default().to_owned());
    match what {
        "status" => {
            let status = StatusCode::from_bytes(which.as_bytes()).unwrap();
            if status == 204 || status == 304 {
                status.into_response()
            } else {
                (status, [("x-seen", "yes")], format!("{{\"error\":\"status {which}\"}}")).into_response()
            }
        }
        "bytes" => Bytes::from(pattern(which.parse().unwrap())).into_response(),
        "redirect" => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
        "cookies" => {
            let mut answer = "{}".into_response();
            for cookie in ["a=1", "b=2", "c=3"] {
                answer.headers_mut().append(header::SET_COOKIE, cookie.parse().unwrap());
            }
            answer.headers_mut().append("x-latin", header::HeaderValue::from_bytes(b"caf\xe9").unwrap());
            answer
        }
        "listing" => {
            let method = request.method().to_string();
            ([("x-totalitems", "42"), ("x-method", &method)], "[1,2,3]").into_response()
        }
        "count" => {
            let mut counts = shared.counts.lock().unwrap();
            let count = counts.entry(which).or_default();
            *count += u64::from(parts.next() != Some("peek"));
            let status = if *count == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
            (status, count.to_string()).into_response()
        }
        "gated" => gated(shared.gate(&which)),
        "open" => {
            shared.gate(&which).notify_one();
            StatusCode::NO_CONTENT.into_response()
        }
        "broken" => broken(),
        #[cfg(feature = "gzip")]
        "gzip" => ([(header::CONTENT_ENCODING, "gzip")], gzip(&pattern(10_000))).into_response(),
        _ => echo(request).await,
    }
}

/// What was asked, as JSON.
async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    let headers: Vec<_> = parts
        .headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
        .collect();
    axum::Json(json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query(),
        "headers": headers,
        "length": body.len(),
        "sum": sum(&body),
        "body": String::from_utf8_lossy(&body.slice(..body.len().min(4096))),
    }))
    .into_response()
}

/// One piece at once, the other when the gate is opened.
fn gated(gate: Arc<Notify>) -> Response {
    let pieces = futures_util::stream::unfold(0, move |piece| {
        let gate = Arc::clone(&gate);
        async move {
            match piece {
                0 => Some((Ok::<_, Infallible>(Bytes::from_static(b"first")), 1)),
                1 => {
                    gate.notified().await;
                    Some((Ok(Bytes::from_static(b"second")), 2))
                }
                _ => None,
            }
        }
    });
    Body::from_stream(pieces).into_response()
}

/// A body that fails after its first piece, which has left by then.
fn broken() -> Response {
    let pieces = futures_util::stream::unfold(false, |failed| async move {
        if !failed {
            return Some((Ok(Bytes::from_static(b"{\"half\":")), true));
        }
        tokio::task::yield_now().await;
        Some((Err(io::Error::other("the disk is gone")), true))
    });
    Body::from_stream(pieces).into_response()
}

/// Bytes that differ from place to place and are no UTF-8.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ (at / 251) as u8).collect()
}

/// A checksum that depends on order.
pub fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}

/// `bytes` as one gzip member.
#[cfg(feature = "gzip")]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
