//! A body on its way to the caller, of which a copy is kept once it has come whole.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};

use super::work::Keep;
use crate::{
    body::{BoxFuture, WireBody},
    error::BoxError,
};

/// So much room is made before anything has come.
const AHEAD: usize = 64 << 10;

/// So much room may be left over.
const SLACK: usize = 256;

/// A body that is kept when it ends, unless it becomes too long: then it passes through.
pub(super) struct Fill {
    body: WireBody,
    copy: Option<(BytesMut, Keep)>,
    limit: usize,
    /// The store at work; the end is told after it.
    keeping: Option<BoxFuture<'static, ()>>,
}

impl Fill {
    pub(super) fn new(body: WireBody, keep: Keep, limit: usize) -> Self {
        let expected = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
        // What is known to be too long is not copied at all, and what a server says of its length is not believed at once.
        let fits = expected.is_none_or(|length| length <= limit);
        let room = expected.unwrap_or_default().min(AHEAD);
        let copy = fits.then(|| (BytesMut::with_capacity(room), keep));
        Self { body, copy, limit, keeping: None }
    }

    fn copy(&mut self, piece: &Bytes) {
        let Some((copy, _)) = &mut self.copy else { return };
        if copy.len().saturating_add(piece.len()) > self.limit {
            self.copy = None;
        } else {
            copy.extend_from_slice(piece);
        }
    }
}

/// The bytes, without room for more of them.
fn fitted(bytes: BytesMut) -> Bytes {
    if bytes.capacity() - bytes.len() > SLACK { Bytes::copy_from_slice(&bytes) } else { bytes.freeze() }
}

impl Body for Fill {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.keeping.is_none() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Some(piece) = frame.data_ref() {
                        self.copy(piece);
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                Some(Err(error)) => {
                    self.copy = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    let Some((copy, keep)) = self.copy.take() else { return Poll::Ready(None) };
                    if let Some((keep, body)) = keep.keep_now(fitted(copy)) {
                        self.keeping = Some(Box::pin(keep.keep(body)));
                    }
                }
            }
        }
        if let Some(keeping) = &mut self.keeping {
            ready!(keeping.as_mut().poll(cx));
            self.keeping = None;
        }
        Poll::Ready(None)
    }

    /// Never before it was kept, which takes one more look.
    fn is_end_stream(&self) -> bool {
        self.copy.is_none() && self.keeping.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
