//! What a request carries: nothing, bytes, or a stream that may be opened again.
//!
//! A [`Body`] is a description that can be sent any number of times as far as its
//! [`Replay`] rule allows; a [`WireBody`] is one opening of it, on its way.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::error::BoxError;

mod blocks;
mod chain;
mod file;
mod once;
mod progress;

pub(crate) use progress::OnProgress;
pub use progress::Progress;

/// A boxed future that can be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whether a body can be sent a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replay {
    /// It is in memory: always.
    Always,
    /// It is opened anew for each attempt, as a file is.
    Reopen,
    /// It can be read once only: what failed after the first byte is not sent again.
    Once,
}

/// A request body as data.
///
/// ```
/// use restwalk::{Body, Replay};
///
/// let body = Body::from("hello");
/// assert_eq!(body.length(), Some(5));
/// assert_eq!(body.replay(), Replay::Always);
/// assert_eq!(Body::empty().length(), Some(0));
/// ```
#[derive(Clone, Default)]
pub struct Body(Repr);

#[derive(Clone, Default)]
enum Repr {
    #[default]
    Empty,
    Bytes(Bytes),
    Source(Arc<dyn Source>),
}

/// Something that can be opened as a stream of bytes.
pub(crate) trait Source: Send + Sync {
    /// The length in bytes, where it is known before reading.
    fn length(&self) -> Option<u64>;

    fn replay(&self) -> Replay;

    /// Opens the stream; a second opening of a [`Replay::Once`] source is an error.
    fn open(&self) -> BoxFuture<'_, io::Result<WireBody>>;
}

impl Body {
    /// No body at all.
    pub const fn empty() -> Self {
        Self(Repr::Empty)
    }

    pub(crate) fn source(source: impl Source + 'static) -> Self {
        Self(Repr::Source(Arc::new(source)))
    }

    /// The length in bytes, `None` for a stream of unknown length.
    pub fn length(&self) -> Option<u64> {
        match &self.0 {
            Repr::Empty => Some(0),
            Repr::Bytes(bytes) => Some(bytes.len() as u64),
            Repr::Source(source) => source.length(),
        }
    }

    /// Whether it can be sent a second time.
    pub fn replay(&self) -> Replay {
        match &self.0 {
            Repr::Empty | Repr::Bytes(_) => Replay::Always,
            Repr::Source(source) => source.replay(),
        }
    }

    /// Whether there is no body, which differs from a body of no bytes.
    pub fn is_empty(&self) -> bool {
        matches!(self.0, Repr::Empty)
    }

    /// The bytes, where they are in memory.
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Repr::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Opens the body for one attempt; a file needs a Tokio runtime for it.
    ///
    /// # Errors
    /// The file or stream behind it cannot be opened, or was read before and can be read once only.
    pub async fn open(&self) -> io::Result<WireBody> {
        match &self.0 {
            Repr::Empty => Ok(WireBody::empty()),
            Repr::Bytes(bytes) => Ok(WireBody::full(bytes.clone())),
            Repr::Source(source) => source.open().await,
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(Repr::Bytes(bytes.into()))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Empty => f.write_str("Body(empty)"),
            Repr::Bytes(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Repr::Source(source) => write!(f, "Body(stream of {:?} bytes, {:?})", source.length(), source.replay()),
        }
    }
}

/// One boxed [`http_body::Body`], on its way to or from a server.
///
/// What a transport gets and gives, and what a service behind [`Client::local`](crate::Client::local) receives.
pub struct WireBody(Wire);

enum Wire {
    Full(Option<Bytes>),
    Stream(Pin<Box<dyn http_body::Body<Data = Bytes, Error = BoxError> + Send>>),
}

impl WireBody {
    /// No bytes.
    pub const fn empty() -> Self {
        Self(Wire::Full(None))
    }

    /// The given bytes.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self(Wire::Full(Some(bytes.into())))
    }

    /// Any body of bytes, boxed.
    pub fn new<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        use http_body_util::BodyExt;
        Self(Wire::Stream(Box::pin(body.map_err(Into::into))))
    }

    /// The bytes, where they are all in memory; none otherwise.
    pub(crate) fn buffered(&self) -> &[u8] {
        match &self.0 {
            Wire::Full(Some(bytes)) => bytes,
            _ => &[],
        }
    }

    /// The bytes, where they are all in memory; else the body itself.
    ///
    /// # Errors
    /// The body is a stream; it is handed back unread.
    pub fn into_bytes(self) -> Result<Bytes, Self> {
        match self.0 {
            Wire::Full(bytes) => Ok(bytes.unwrap_or_default()),
            stream @ Wire::Stream(_) => Err(Self(stream)),
        }
    }
}

impl http_body::Body for WireBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Wire::Full(bytes) => Poll::Ready(bytes.take().filter(|b| !b.is_empty()).map(|b| Ok(Frame::data(b)))),
            Wire::Stream(stream) => stream.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Wire::Full(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Wire::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Wire::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Wire::Stream(stream) => stream.size_hint(),
        }
    }
}

impl fmt::Debug for WireBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Wire::Full(bytes) => write!(f, "WireBody({} bytes)", bytes.as_ref().map_or(0, Bytes::len)),
            Wire::Stream(_) => f.write_str("WireBody(stream)"),
        }
    }
}
