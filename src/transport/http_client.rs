//! The network, by way of reqwest used as a plain pipe: no redirects, no retries, no decoding.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Uri, header::CONTENT_LENGTH};
use http_body::{Body as _, Frame, SizeHint};
use hyper_util::client::legacy::connect::HttpInfo;
use sync_wrapper::SyncWrapper;
use url::Url;

use super::{
    Proxies, Resolve, Transport,
    answered::Answered,
    classify::{self, Around},
    head,
    resolve::Bounded,
};
use crate::{
    body::{BoxFuture, WireBody},
    error::{BoxError, Error, ErrorKind, Result},
    secret::Secret,
};

/// An idle connection is dropped after this, below the limits that servers usually have.
const POOL_IDLE: Duration = Duration::from_secs(15);

/// So many idle connections are kept to one host: fewer than are in flight at once would be closed between two calls.
const IDLE: usize = 256;

/// How connections are made.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    /// The base URL's origin, whose requests need no URL parsing of their own.
    pub(crate) origin: String,
    pub(crate) connect_timeout: Option<Duration>,
    /// PEM text of further roots.
    pub(crate) roots: Vec<Vec<u8>>,
    /// PEM text of a certificate chain and its key.
    pub(crate) identity: Option<Secret>,
    pub(crate) insecure: bool,
    pub(crate) proxies: Proxies,
    /// Gives addresses in place of the system.
    pub(crate) resolver: Option<Arc<dyn Resolve>>,
}

/// Carries requests over the network.
pub(crate) struct Http {
    settings: Settings,
    origin: Option<Url>,
    /// For `http:`; it loads no roots, which would take longer than a request.
    plain: OnceLock<reqwest::Client>,
    secure: OnceLock<reqwest::Client>,
    /// For `https:` of another origin, where the client certificate and lax checks do not belong.
    foreign: OnceLock<reqwest::Client>,
    answered: Answered,
}

impl Http {
    /// Checks `settings`; what they name is loaded now, the system's roots at the first `https:` request.
    pub(crate) fn new(settings: Settings) -> Result<Self> {
        let http = Self {
            origin: Url::parse(&settings.origin).ok(),
            plain: OnceLock::new(),
            secure: OnceLock::new(),
            foreign: OnceLock::new(),
            answered: Answered::new(),
            settings,
        };
        if !http.settings.roots.is_empty() || http.settings.identity.is_some() {
            http.client(To::Home)?;
        }
        Ok(http)
    }

    fn client(&self, to: To) -> Result<&reqwest::Client> {
        let cell = match to {
            To::Plain => &self.plain,
            To::Home => &self.secure,
            To::Foreign => &self.foreign,
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let built = build(&self.settings, to)?;
        Ok(cell.get_or_init(|| built))
    }

    fn is_home(&self, uri: &Uri) -> bool {
        self.origin.as_ref().is_some_and(|origin| {
            uri.scheme_str() == Some(origin.scheme())
                && uri.host() == origin.host_str()
                && uri.port_u16() == origin.port()
        })
    }

    /// The same URL as reqwest wants it; one that its parser would change is refused.
    fn url(&self, uri: &Uri) -> Result<Url> {
        let url = match self.origin.as_ref().filter(|_| self.is_home(uri)) {
            Some(origin) => {
                let mut url = origin.clone();
                url.set_path(uri.path());
                url.set_query(uri.query());
                url
            }
            None => Url::parse(&uri.to_string())
                .map_err(|error| Error::new(ErrorKind::Path, format!("the URL cannot be read: {error}")))?,
        };
        if url.path() != uri.path() {
            return Err(Error::new(ErrorKind::Path, "the URL's path is not in its normal form"));
        }
        Ok(url)
    }
}

/// Which connections a request may use.
#[derive(Clone, Copy, PartialEq)]
enum To {
    Plain,
    Home,
    Foreign,
}

fn build(settings: &Settings, to: To) -> Result<reqwest::Client> {
    let Settings { origin: _, connect_timeout, roots, identity, insecure, proxies, resolver } = settings;
    let config = |why: &str, error: reqwest::Error| {
        Error::coded(ErrorKind::Request, "config", why).with_source(classify::cause(&error))
    };
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(IDLE)
        .http2_max_header_list_size(64 << 10);
    if let Some(timeout) = connect_timeout {
        builder = builder.connect_timeout(*timeout);
    }
    if let Some(resolver) = resolver {
        builder = builder.dns_resolver(Bounded(Arc::clone(resolver)));
    }
    if to == To::Plain && !proxies.is_secure() {
        builder = builder.tls_certs_only([]);
    }
    for pem in roots {
        let certificates =
            reqwest::Certificate::from_pem_bundle(pem).map_err(|error| config("a CA certificate is not PEM", error))?;
        builder = certificates.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate);
    }
    if let Some(pem) = identity.as_ref().filter(|_| to == To::Home) {
        let identity = reqwest::Identity::from_pem(pem.expose().as_bytes())
            .map_err(|error| config("the client certificate and its key are not PEM", error))?;
        builder = builder.identity(identity);
    }
    builder = builder.tls_danger_accept_invalid_certs(*insecure && to == To::Home);
    builder = builder.no_proxy();
    if !proxies.is_empty() {
        let proxies = proxies.clone();
        builder = builder.proxy(reqwest::Proxy::custom(move |url| proxies.proxy_for(url).cloned()));
    }
    builder.build().map_err(|error| config("the network client cannot be set up", error))
}

impl Transport for Http {
    fn exchange(&self, request: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let client = self.client(match parts.uri.scheme_str() {
                Some("https") if self.is_home(&parts.uri) => To::Home,
                Some("https") => To::Foreign,
                _ => To::Plain,
            })?;
            let mut wire = reqwest::Request::new(parts.method, self.url(&parts.uri)?);
            *wire.headers_mut() = parts.headers;
            *wire.body_mut() = match body.into_bytes() {
                Ok(bytes) if bytes.is_empty() => {
                    say_empty(&mut wire);
                    None
                }
                Ok(bytes) => Some(reqwest::Body::from(bytes)),
                Err(stream) => {
                    let length = stream.size_hint();
                    Some(reqwest::Body::wrap(Shared(SyncWrapper::new(stream), length)))
                }
            };
            let by_proxy = !self.settings.proxies.is_empty() && self.settings.proxies.proxy_for(wire.url()).is_some();
            // Lets the runtime look at its sockets, so that an idle connection that has closed, or has
            // bytes that nobody asked for, is gone from the pool before one is taken from there.
            tokio::task::yield_now().await;
            let around = Around { by_proxy, answered: &self.answered };
            let answer = client.execute(wire).await.map_err(|error| classify::send(error, &around))?;
            if let Some(connection) = answer.extensions().get::<HttpInfo>() {
                self.answered.add(connection);
            }
            head::check(answer.status(), answer.headers())?;
            Ok(http::Response::from(answer).map(|body| WireBody::new(Answer(body))))
        })
    }
}

/// Says that there is no body, where the method would let a server wait for one (RFC 9110, 8.6).
fn say_empty(request: &mut reqwest::Request) {
    if matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH) {
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("insecure", &self.settings.insecure).finish_non_exhaustive()
    }
}

/// A body as reqwest wants it: `Sync`, by being reachable through `&mut` only.
struct Shared(SyncWrapper<WireBody>, SizeHint);

impl http_body::Body for Shared {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(self.0.get_mut()).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        self.1
    }
}

/// An answer's body, whose failures are told in this crate's own words.
struct Answer(reqwest::Body);

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.0).poll_frame(cx).map_err(|error| classify::read(error).into())
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
