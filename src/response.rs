//! An answer: status, headers, and a body that is read when asked for.
//!
//! Buffered reads are bounded by the client's `body_limit`, counted after decoding;
//! streams and files are not. No status is judged here.

use std::{fmt, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, Method, StatusCode, Version,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
};
use http_body::Body as _;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::{
    body::WireBody,
    error::{Error, ErrorKind, Result, printable},
    limit::Permit,
    secret::Masks,
};

mod coding;
mod decode;
mod download;
mod exchange;
mod head;
mod lines;
mod link;
mod pointer;
mod save;
mod stream;

pub(crate) use coding::{ACCEPTED, plain};
pub(crate) use download::Taken;
pub use download::{Download, Downloaded};
pub(crate) use exchange::{Exchange, Source, Verdict};
pub(crate) use head::Later;
pub use lines::Lines;
pub use link::Link;
pub(crate) use pointer::List;
pub use stream::ByteStream;

use head::Head;

/// How much is read of an answer that is not the last; a connection with more to come is given up.
const KEPT: usize = 64 << 10;

/// How long that may take.
const KEEP_TIME: Duration = Duration::from_millis(100);

/// The answer to a call.
///
/// ```
/// # use restwalk::{Client, WireBody};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
/// # let service = axum::Router::new().route("/people/7", axum::routing::get(|| async { "{\"name\":\"Ada\"}" }));
/// let client = Client::local(service).build()?;
/// let response = client.res("people").item(7).get().send().await?;
/// assert_eq!(response.status(), 200);
/// let person: serde_json::Value = response.json().await?;
/// assert_eq!(person["name"], "Ada");
/// # Ok(()) }
/// ```
pub struct Response {
    status: StatusCode,
    head: Head,
    body: WireBody,
    exchange: Arc<Exchange>,
    version: Version,
    /// The places among the requests in flight, given back when the body was read or dropped.
    permits: [Option<Permit>; 2],
}

impl Response {
    pub(crate) fn new(answer: http::Response<WireBody>, exchange: Arc<Exchange>) -> Self {
        let (parts, body) = answer.into_parts();
        let bodiless = exchange.method == Method::HEAD
            || parts.status.is_informational()
            || matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let body = if bodiless { WireBody::empty() } else { body };
        let (status, version, head) = (parts.status, parts.version, parts.headers.into());
        Self { status, version, head, body, exchange, permits: [None, None] }
    }

    /// An answer whose headers are made when somebody looks at them.
    pub(crate) fn later(
        (status, version, body): (StatusCode, Version, WireBody),
        head: Arc<dyn Later>,
        age: Duration,
        exchange: Arc<Exchange>,
    ) -> Self {
        Self { status, version, head: Head::later(head, age), body, exchange, permits: [None, None] }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        self.status.is_success()
    }

    /// Whether the status is 4xx.
    pub fn is_client_error(&self) -> bool {
        self.status.is_client_error()
    }

    /// Whether the status is 5xx.
    pub fn is_server_error(&self) -> bool {
        self.status.is_server_error()
    }

    /// The version of HTTP that the answer came in.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.head.get()
    }

    /// The URL that answered, without credentials that were added to it.
    pub fn url(&self) -> &http::Uri {
        &self.exchange.url
    }

    /// What its `Link` headers point to, at most 256 links; none is followed.
    pub fn links(&self) -> Vec<Link> {
        link::links(self.headers())
    }

    /// The time from the call to the headers of this answer, waits and attempts included.
    pub fn elapsed(&self) -> Duration {
        self.exchange.elapsed
    }

    /// How many times the request was sent; the hops of a redirect do not count.
    pub fn attempts(&self) -> u32 {
        self.exchange.attempts
    }

    /// Whether a DELETE was sent again and found nothing: an attempt whose answer was lost may have deleted it.
    pub fn ambiguous_delete(&self) -> bool {
        self.exchange.verdict.ambiguous
    }

    /// Whether the body came from the cache: without a request where [`Response::attempts`] is 0, else after the server
    /// said that it still holds.
    pub fn from_cache(&self) -> bool {
        self.exchange.source != Source::Server
    }

    /// Whether it came from the cache and was stale: it is renewed meanwhile, stands in for a failure, or was asked for.
    pub fn is_stale(&self) -> bool {
        self.exchange.source == Source::Stale
    }

    /// The whole body, decoded from its content coding.
    ///
    /// # Errors
    /// `Body` where it is cut short, badly encoded, or larger than the client's `body_limit`
    /// (64 MiB by default); `Timeout` where it stalls.
    pub async fn bytes(mut self) -> Result<Bytes> {
        self.read().await
    }

    /// Takes the body and the permits out of the answer, and reads it whole.
    fn read(&mut self) -> impl Future<Output = Result<Bytes>> + Send + use<> {
        let exchange = Arc::clone(&self.exchange);
        let limit = exchange.limit;
        let coded = self.head.of_coding().is_some_and(coding::is_coded);
        let here = if coded { None } else { self.here() };
        let announced = || self.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let refused = match &here {
            Some(body) => body.len() as u64 > limit,
            None => !coded && !self.body.is_end_stream() && announced().is_some_and(|length: u64| length > limit),
        };
        let stream = here.is_none().then(|| self.opened(exchange.whole_by()));
        async move {
            let too_large = || {
                let code = if coded { "body.bomb" } else { "body.too_large" };
                exchange.error(ErrorKind::Body, code, format!("the body is larger than the limit of {limit} bytes"))
            };
            if refused {
                return Err(too_large());
            }
            let Some(mut stream) = stream else { return Ok(here.unwrap_or_default()) };
            let Some(first) = stream.next().await.transpose()? else { return Ok(Bytes::new()) };
            let Some(second) = stream.next().await.transpose()? else {
                return if first.len() as u64 > limit { Err(too_large()) } else { Ok(first) };
            };
            let mut whole = BytesMut::from(first);
            whole.extend_from_slice(&second);
            while whole.len() as u64 <= limit {
                let Some(chunk) = stream.next().await.transpose()? else { return Ok(whole.freeze()) };
                whole.extend_from_slice(&chunk);
            }
            Err(too_large())
        }
    }

    /// Takes the body out of the answer where it is in memory already.
    fn here(&mut self) -> Option<Bytes> {
        let body = std::mem::replace(&mut self.body, WireBody::empty());
        let here = body.into_bytes().map_err(|body| self.body = body).ok()?;
        self.permits = [None, None];
        Some(here)
    }

    /// At most `limit` bytes of the body, and nothing of what cannot be read.
    pub(crate) fn excerpt(mut self, limit: usize) -> impl Future<Output = Bytes> + Send {
        beginning(self.opened(self.exchange.whole_by()), limit)
    }

    /// The body as text, decoded from the charset that its type names, else UTF-8.
    ///
    /// # Errors
    /// As [`Response::bytes`], and `Decode` where the bytes are not of that charset: nothing is replaced silently.
    pub async fn text(mut self) -> Result<String> {
        let body = self.read().await?;
        decode::text(&body, self.headers().get(CONTENT_TYPE)).map_err(|why| self.undecoded(why))
    }

    /// The body as JSON; an empty one is `null`.
    ///
    /// A byte order mark is tolerated. Integers of 64 bits are exact; decode into
    /// [`serde_json::value::RawValue`] to keep longer numbers as they came. Of a doubled key the last wins.
    ///
    /// # Errors
    /// As [`Response::bytes`], and `Decode`, which names the JSON path of the mismatch.
    pub async fn json<T: DeserializeOwned>(mut self) -> Result<T> {
        let body = self.read().await?;
        let decoded = decode::json(&body, self.headers().get(CONTENT_TYPE), &self.exchange.masks);
        decoded.map_err(|why| self.undecoded(why))
    }

    fn undecoded(&self, why: String) -> Error {
        self.exchange.error(ErrorKind::Decode, "body.decode", why)
    }

    /// The body as it came: not decoded, without a limit on its length or its time.
    ///
    /// Its place among the requests in flight is given back at once.
    pub fn into_body(self) -> WireBody {
        self.body
    }

    /// The body as a stream of decoded bytes, without a limit on its length.
    pub fn stream(mut self) -> ByteStream {
        self.opened(self.exchange.deadline)
    }

    /// Takes the body and the permits out of the answer, to be read until `deadline`.
    fn opened(&mut self, deadline: Option<Instant>) -> ByteStream {
        let body = std::mem::replace(&mut self.body, WireBody::empty());
        let permits = std::mem::take(&mut self.permits);
        ByteStream::new(body, self.head.of_coding(), Arc::clone(&self.exchange), deadline, permits)
    }

    /// The body as a stream of JSON values, one a line (NDJSON); blank lines are skipped.
    ///
    /// ```
    /// # use restwalk::Client;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
    /// # let service = axum::Router::new().route("/log", axum::routing::get(|| async { "1\n\n2" }));
    /// # let client = Client::local(service).build()?;
    /// let mut lines = client.res("log").get().send().await?.lines::<u64>();
    /// let mut sum = 0;
    /// while let Some(value) = lines.next().await {
    ///     sum += value?;
    /// }
    /// assert_eq!(sum, 3);
    /// # Ok(()) }
    /// ```
    pub fn lines<T: DeserializeOwned>(self) -> Lines<T> {
        Lines::new(self.stream())
    }

    /// Writes the body to `path` by way of a temporary file beside it, and returns the number of bytes.
    ///
    /// The file appears whole or not at all; one that stands there is replaced.
    ///
    /// # Errors
    /// As [`Response::stream`], and `Store` where the file cannot be written.
    pub async fn save(self, path: impl AsRef<std::path::Path>) -> Result<u64> {
        let exchange = Arc::clone(&self.exchange);
        save::save(self.stream(), path.as_ref()).await.map_err(|error| exchange.dress(error))
    }

    pub(crate) fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }

    /// Keeps `permits` until the body was read or dropped.
    pub(crate) fn holding(mut self, permits: [Option<Permit>; 2]) -> Self {
        if !self.body.is_end_stream() {
            self.permits = permits;
        }
        self
    }

    /// The same answer with its body read, so that a failure to read it is one of the attempt.
    pub(crate) fn whole(mut self) -> impl Future<Output = Result<Self>> + Send {
        let framed = self.version > Version::HTTP_11 || self.headers().contains_key(CONTENT_LENGTH);
        let cuttable = !framed && !self.headers().contains_key(TRANSFER_ENCODING);
        let read = self.read();
        async move {
            let body = read.await?;
            if cuttable && decode::is_cut_json(&body) {
                let why = "the answer has no length and its JSON ends too early";
                return Err(self.exchange.error(ErrorKind::Body, "body.truncated", why));
            }
            self.replace(body);
            Ok(self)
        }
    }

    /// The same answer with its body here as it came, which is at most `most` bytes.
    pub(crate) fn gathered(mut self, most: u64) -> impl Future<Output = Result<Self>> + Send {
        let body = std::mem::replace(&mut self.body, WireBody::empty());
        let (exchange, permits) = (Arc::clone(&self.exchange), std::mem::take(&mut self.permits));
        // Nothing is decoded where nothing is said of a coding.
        let mut stream = ByteStream::new(body, None, exchange, self.exchange.deadline, permits);
        async move {
            let mut whole = BytesMut::new();
            while let Some(piece) = stream.next().await.transpose()? {
                whole.extend_from_slice(&piece);
                if whole.len() as u64 > most {
                    let why = "the body is longer than it says";
                    return Err(self.exchange.error(ErrorKind::Body, "body.too_large", why));
                }
            }
            self.body = WireBody::full(whole.freeze());
            Ok(self)
        }
    }

    /// The same answer without its connection: what little is left of the body is read, so that it can be used again.
    pub(crate) fn kept(mut self) -> impl Future<Output = Self> + Send {
        let soon = Instant::now().checked_add(KEEP_TIME);
        let stream = self.opened([self.exchange.deadline, soon].into_iter().flatten().min());
        async move {
            let body = beginning(stream, KEPT).await;
            self.replace(body);
            self
        }
    }

    /// The answer once more, with what is here of its body.
    pub(crate) fn copy(&self) -> http::Response<Bytes> {
        let mut copy = http::Response::new(Bytes::copy_from_slice(self.body.buffered()));
        (*copy.status_mut(), *copy.version_mut()) = (self.status, self.version);
        copy.headers_mut().clone_from(self.headers());
        copy
    }

    /// `error` with this answer.
    pub(crate) async fn told(self, error: Error) -> Error {
        let (status, headers, outcome) = (self.status, self.headers().clone(), error.outcome());
        let body = self.excerpt(KEPT).await;
        error.with_answer(status, headers, Some(body), None).with_outcome(outcome)
    }

    /// Puts a decoded body in the place of the one that came.
    fn replace(&mut self, body: Bytes) {
        if self.headers().contains_key(CONTENT_ENCODING) {
            self.head.change(|headers| {
                headers.remove(CONTENT_ENCODING);
                headers.remove(CONTENT_LENGTH);
            });
        }
        self.body = WireBody::full(body);
    }

    /// Adds what the loop found.
    pub(crate) fn judged(mut self, verdict: Verdict) -> Self {
        Arc::make_mut(&mut self.exchange).verdict = verdict;
        self
    }

    /// Leaves out the body, which was about something else than the call.
    pub(crate) fn without_body(mut self) -> Self {
        self.body = WireBody::empty();
        self.permits = [None, None];
        self
    }
}

/// Whether the end of an answer's body can be told from a connection that was lost.
pub(crate) fn is_framed(version: Version, headers: &HeaderMap, body: &WireBody) -> bool {
    let told = [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| headers.contains_key(name));
    version > Version::HTTP_11 || told || body.size_hint().exact().is_some()
}

/// At most `limit` bytes of a stream, as far as it can be read.
async fn beginning(mut stream: ByteStream, limit: usize) -> Bytes {
    let mut whole = BytesMut::new();
    while let Some(Ok(chunk)) = stream.next().await {
        let room = limit - whole.len();
        whole.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if whole.len() == limit {
            break;
        }
    }
    whole.freeze()
}

/// Shows no header's value and nothing of the body.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, head, body, exchange, version: _, permits: _ } = self;
        f.debug_struct("Response")
            .field("status", status)
            .field("headers", &format_args!("{} (not shown)", head.get().len()))
            .field("body", body)
            .field("method", &exchange.method)
            .field("route", &exchange.route)
            .field("elapsed", &exchange.elapsed)
            .field("attempts", &exchange.attempts)
            .finish_non_exhaustive()
    }
}

/// The part of a body that a message may show: masked while it is whole, then escaped and cut.
fn shown(body: &[u8], masks: &Masks) -> String {
    let text = masks.apply(&String::from_utf8_lossy(body.get(..64 << 10).unwrap_or(body)));
    printable(&text.chars().take(200).collect::<String>())
}
