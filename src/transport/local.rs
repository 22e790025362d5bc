//! A service in the same process, such as an axum `Router`.

use std::{fmt, future::poll_fn};

use http::{Method, Version, header};
use http_body::Body as _;
use tower_service::Service;

use super::Transport;
use crate::{
    body::{BoxFuture, WireBody},
    error::{BoxError, Cause, Error, ErrorKind, Outcome, Result},
};

/// Carries requests to a `tower::Service` in this process, without a socket.
///
/// Each request gets a clone of the service. What a server's HTTP layer would do is done
/// here too: `Host` and `Content-Length` are set, and an answer to HEAD has no body.
#[derive(Clone)]
pub struct Local<S>(S);

impl<S> Local<S> {
    /// Wraps `service`.
    pub fn new(service: S) -> Self {
        Self(service)
    }
}

impl<S, B> Transport for Local<S>
where
    S: Service<http::Request<WireBody>, Response = http::Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn exchange(&self, mut request: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        let mut service = self.0.clone();
        Box::pin(async move {
            let head = request.method() == Method::HEAD;
            frame(&mut request);
            let failed = |error: S::Error| {
                let error: BoxError = error.into();
                Error::coded(ErrorKind::Protocol, "protocol.closed", "the service in this process failed")
                    .with_outcome(Outcome::MaybeProcessed)
                    .with_source(Cause::chain(&*error, &str::to_owned))
            };
            poll_fn(|cx| service.poll_ready(cx)).await.map_err(failed)?;
            let answer = service.call(request).await.map_err(failed)?;
            Ok(answer.map(|body| if head { WireBody::empty() } else { WireBody::new(body) }))
        })
    }
}

/// Adds the headers that an HTTP connection would.
fn frame(request: &mut http::Request<WireBody>) {
    *request.version_mut() = Version::HTTP_11;
    let host = request.uri().authority().and_then(|authority| header::HeaderValue::from_str(authority.as_str()).ok());
    if let Some(host) = host {
        request.headers_mut().insert(header::HOST, host);
    }
    let takes_body = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
    match request.body().size_hint().exact() {
        Some(length) if length > 0 || takes_body => {
            request.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        }
        Some(_) => {}
        None => {
            request.headers_mut().insert(header::TRANSFER_ENCODING, header::HeaderValue::from_static("chunked"));
        }
    }
}

impl<S> fmt::Debug for Local<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Local(service)")
    }
}
