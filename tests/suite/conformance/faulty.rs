//! Transports that are wrong in exactly one way.

use std::sync::Mutex;

use axum::Router;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::BodyExt;
use restwalk::{BoxFuture, Client, Local, Result, Transport, WireBody};

use crate::support::echo;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    LowersPath,
    DecodesPath,
    DecodesSlash,
    LosesQuery,
    SortsQuery,
    TunnelsMethods,
    DropsBody,
    DropsLength,
    DropsType,
    ReplacesBytes,
    CutsUpload,
    DropsStreams,
    AddsType,
    OmitsZeroLength,
    DropsHeader,
    MergesRequestHeaders,
    DropsAccept,
    NamesAnother,
    DropsCredentials,
    RewritesHost,
    ChangesStatus,
    DropsErrorBody,
    CutsAnswer,
    FillsEmpty,
    MergesAnswerHeaders,
    AsciiHeaders,
    IgnoresHead,
    FollowsRedirects,
    Retries,
    BuffersStreams,
    SwallowsErrors,
    MixesAnswers,
}

/// A client of the echo service by way of a transport with this fault.
pub(super) fn client(fault: Fault) -> Client {
    let transport = Faulty { fault, last: Mutex::default() };
    // What framing an HTTP layer adds is part of some faults, so the service sits behind a layer that can spoil it.
    let spoil = move |mut request: axum::extract::Request| {
        framing(fault, request.headers_mut());
        request
    };
    let router = echo::router().layer(axum::middleware::map_request(move |request| async move { spoil(request) }));
    Client::builder("http://local")
        .transport(Wrapped { transport, inner: Local::new(router) })
        .redirect(restwalk::Redirect::off())
        .retry(restwalk::Retry::off())
        .build()
        .unwrap()
}

/// Spoils the headers that frame a request.
fn framing(fault: Fault, headers: &mut HeaderMap) {
    match fault {
        Fault::DropsLength => drop(headers.remove(header::CONTENT_LENGTH)),
        Fault::OmitsZeroLength if headers.get(header::CONTENT_LENGTH).is_some_and(|length| length == "0") => {
            headers.remove(header::CONTENT_LENGTH);
        }
        Fault::RewritesHost => drop(headers.insert(header::HOST, HeaderValue::from_static("elsewhere"))),
        _ => {}
    }
}

#[derive(Debug)]
struct Faulty {
    fault: Fault,
    /// The first path that was asked.
    last: Mutex<Option<Uri>>,
}

#[derive(Debug)]
struct Wrapped {
    transport: Faulty,
    inner: Local<Router>,
}

impl Transport for Wrapped {
    fn exchange(&self, request: Request<WireBody>) -> BoxFuture<'_, Result<Response<WireBody>>> {
        Box::pin(async move {
            let fault = self.transport.fault;
            let request = self.transport.spoil(request).await;
            let head = (request.method().clone(), request.uri().clone(), request.headers().clone());
            let answer = self.inner.exchange(request).await?;
            let again = match fault {
                Fault::Retries if answer.status().is_server_error() => Some(head),
                Fault::FollowsRedirects if answer.status().is_redirection() => {
                    Some((Method::GET, Uri::from_static("http://local/elsewhere"), head.2))
                }
                Fault::IgnoresHead if head.0 == Method::HEAD => Some((Method::GET, head.1, head.2)),
                _ => None,
            };
            match again {
                Some((method, uri, headers)) => {
                    let mut request = Request::new(WireBody::empty());
                    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, uri, headers);
                    self.inner.exchange(request).await
                }
                None => spoil_answer(fault, answer).await,
            }
        })
    }
}

impl Faulty {
    async fn spoil(&self, request: Request<WireBody>) -> Request<WireBody> {
        let (mut parts, body) = request.into_parts();
        let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().map(str::to_owned));
        let spoiled = match self.fault {
            Fault::LowersPath => (path.to_ascii_lowercase(), query),
            Fault::DecodesPath => (path.replace("%2B", "+").replace("%3B", ";"), query),
            Fault::DecodesSlash => (path.replace("%2F", "/"), query),
            Fault::LosesQuery => (path, None),
            Fault::SortsQuery => (path, query.map(|query| sorted(&query))),
            _ => (path, query),
        };
        parts.uri = uri(&spoiled.0, spoiled.1.as_deref());
        if self.fault == Fault::MixesAnswers {
            parts.uri = self.last.lock().unwrap().get_or_insert(parts.uri).clone();
        }
        if self.fault == Fault::TunnelsMethods && parts.method == Method::PATCH {
            parts.method = Method::POST;
            parts.headers.insert("x-http-method-override", HeaderValue::from_static("PATCH"));
        }
        headers(self.fault, &mut parts.headers);
        Request::from_parts(parts, spoil_body(self.fault, body).await)
    }
}

fn uri(path: &str, query: Option<&str>) -> Uri {
    format!("http://local{path}{}", query.map(|query| format!("?{query}")).unwrap_or_default()).parse().unwrap()
}

fn sorted(query: &str) -> String {
    let mut pairs: Vec<_> = query.split('&').collect();
    pairs.sort_unstable();
    pairs.join("&")
}

fn headers(fault: Fault, headers: &mut HeaderMap) {
    let dropped = match fault {
        Fault::DropsType => header::CONTENT_TYPE,
        Fault::DropsHeader => HeaderName::from_static("x-thing"),
        Fault::DropsAccept => header::ACCEPT,
        Fault::DropsCredentials => header::AUTHORIZATION,
        Fault::MergesRequestHeaders => return merge(headers, "x-many"),
        Fault::AddsType => {
            headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            return;
        }
        Fault::NamesAnother => {
            headers.insert(header::USER_AGENT, HeaderValue::from_static("curl/8"));
            return;
        }
        _ => return,
    };
    headers.remove(dropped);
}

/// Makes one value of several.
fn merge(headers: &mut HeaderMap, name: &'static str) {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
    if values.len() > 1 {
        let merged = HeaderValue::try_from(values.join(", ")).unwrap();
        headers.insert(name, merged);
    }
}

async fn spoil_body(fault: Fault, body: WireBody) -> WireBody {
    match fault {
        Fault::DropsBody => WireBody::empty(),
        Fault::DropsStreams => body.into_bytes().map_or_else(|_| WireBody::empty(), WireBody::full),
        Fault::CutsUpload | Fault::ReplacesBytes => {
            let bytes = body.collect().await.unwrap().to_bytes();
            if fault == Fault::ReplacesBytes {
                return WireBody::full(String::from_utf8_lossy(&bytes).into_owned());
            }
            WireBody::full(bytes.slice(..bytes.len().min(64 << 10)))
        }
        _ => body,
    }
}

async fn spoil_answer(fault: Fault, answer: Response<WireBody>) -> Result<Response<WireBody>> {
    let (mut parts, body) = answer.into_parts();
    let body = match fault {
        Fault::ChangesStatus if parts.status.as_u16() == 299 => {
            parts.status = StatusCode::OK;
            body
        }
        Fault::MergesAnswerHeaders => {
            merge(&mut parts.headers, "set-cookie");
            body
        }
        Fault::AsciiHeaders => {
            parts.headers.remove("x-latin");
            body
        }
        Fault::DropsErrorBody if parts.status.is_client_error() => WireBody::empty(),
        Fault::FillsEmpty if parts.status == StatusCode::NO_CONTENT => {
            parts.status = StatusCode::OK;
            WireBody::full("{}")
        }
        Fault::CutsAnswer => {
            let bytes = body.collect().await.unwrap().to_bytes();
            WireBody::full(bytes.slice(..bytes.len().min(64 << 10)))
        }
        Fault::BuffersStreams => WireBody::full(body.collect().await.unwrap().to_bytes()),
        Fault::SwallowsErrors => swallow(body).await,
        _ => body,
    };
    Ok(Response::from_parts(parts, body))
}

/// What comes before the first error, as if it were all.
async fn swallow(mut body: WireBody) -> WireBody {
    let mut whole = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        whole.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
    }
    WireBody::full(whole)
}
