//! The one seam: something that carries a request and brings the answer.
//!
//! A transport carries one request once. It does not retry, authenticate, follow
//! redirects or judge a status; it tells how a failure is to be understood. Tracing,
//! recording and faults are transports that wrap another.

use crate::{
    body::{BoxFuture, WireBody},
    error::Result,
};

#[cfg(feature = "http")]
mod answered;
#[cfg(feature = "http")]
pub(crate) mod classify;
#[cfg(feature = "http")]
mod head;
#[cfg(feature = "http")]
mod http_client;
mod local;
#[cfg(feature = "http")]
mod proxy;
mod resolve;
#[cfg(all(test, feature = "http"))]
mod tests;

#[cfg(feature = "http")]
pub(crate) use http_client::{Http, Settings};
pub use local::Local;
#[cfg(feature = "http")]
pub(crate) use proxy::Proxies;
pub use resolve::Resolve;

/// Carries one request and brings the answer, whatever its status.
///
/// An error says by its [`ErrorKind`](crate::ErrorKind) what failed (`Connect`, `Tls`, `Timeout`,
/// `Protocol`, `Body`) and by its [`Outcome`](crate::Outcome) whether the server may have acted.
/// The route template is in the request's extensions as [`UrlTemplate`](crate::UrlTemplate).
///
/// ```
/// use restwalk::{BoxFuture, Client, Result, Transport, WireBody};
///
/// #[derive(Debug)]
/// struct Echo;
///
/// impl Transport for Echo {
///     fn exchange(&self, request: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
///         Box::pin(async move { Ok(http::Response::new(WireBody::full(request.uri().path().to_owned()))) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let client = Client::builder("https://api.example.com").transport(Echo).build()?;
/// let reply = client.res("people").item("a b").get().send().await?;
/// assert_eq!(reply.text().await?, "/people/a%20b");
/// # Ok(()) }
/// ```
pub trait Transport: std::fmt::Debug + Send + Sync {
    /// Sends `request` and gives the answer as soon as its headers are there.
    fn exchange(&self, request: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>>;
}

impl<T: Transport + ?Sized> Transport for std::sync::Arc<T> {
    fn exchange(&self, request: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        (**self).exchange(request)
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn exchange(&self, request: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        (**self).exchange(request)
    }
}
