//! Credentials that are made anew for each attempt: signatures, and tokens that end.

use std::fmt;

use http::HeaderMap;

use crate::{
    body::{Body, BoxFuture},
    error::Result,
    secret::Secret,
};

/// Signs each attempt of a call, as one of your own making; see [`Auth::signer`](crate::Auth::signer).
///
/// It is asked for requests of the client's own origin only. A header that it adds and that holds a secret must be
/// marked sensitive ([`HeaderValue::set_sensitive`](http::HeaderValue::set_sensitive)): it is then masked wherever
/// a server echoes it.
///
/// ```
/// use restwalk::{Auth, Body, BoxFuture, Client, Result, Sign};
///
/// /// Tells the server the length of what it gets.
/// #[derive(Debug)]
/// struct Measured;
///
/// impl Sign for Measured {
///     fn sign<'a>(&'a self, request: &'a mut http::Request<Body>) -> BoxFuture<'a, Result<()>> {
///         let length = request.body().length().unwrap_or_default();
///         request.headers_mut().insert("x-length", length.into());
///         Box::pin(async { Ok(()) })
///     }
/// }
///
/// let client = Client::builder("https://api.example.com").auth(Auth::signer(Measured)).build()?;
/// # Ok::<(), restwalk::Error>(())
/// ```
pub trait Sign: fmt::Debug + Send + Sync {
    /// Signs `request`, which is as it will be sent; called last, for every attempt.
    fn sign<'a>(&'a self, request: &'a mut http::Request<Body>) -> BoxFuture<'a, Result<()>>;

    /// Hears that a request sent with the headers `sent` was answered 401 with those of `answer`, and says whether
    /// the call is to be signed anew and sent once more. It is asked once in a call.
    fn refused<'a>(&'a self, sent: &'a HeaderMap, answer: &'a HeaderMap) -> BoxFuture<'a, Result<bool>> {
        let _ = (sent, answer);
        Box::pin(std::future::ready(Ok(false)))
    }

    /// Whose answers a cache keeps for requests that it signs: a text that is the same for the same person or service,
    /// today and after a restart, and another for everybody else. `None`, the default, keeps them for this very signer.
    ///
    /// It is asked before a request is signed, for each call that could be answered from a cache, and once more after each
    /// signing: where it says another then, nothing that is kept is used, and the answer is not kept.
    fn identity(&self) -> BoxFuture<'_, Result<Option<Secret>>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
