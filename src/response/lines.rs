//! NDJSON: one JSON value a line.

use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use futures_core::Stream;
use serde::de::DeserializeOwned;

use super::{ByteStream, decode};
use crate::error::{Error, ErrorKind, Result};

/// A stream of the values on the lines of a body; it ends after its first error.
///
/// Lines end in `\n`; white space around a value is dropped and blank lines are skipped;
/// the last line needs no end. A line is at most as long as the client's `body_limit`.
pub struct Lines<T> {
    stream: ByteStream,
    buffer: BytesMut,
    /// How much of the buffer holds no line end.
    seen: usize,
    ended: bool,
    values: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn new(stream: ByteStream) -> Self {
        Self { stream, buffer: BytesMut::new(), seen: 0, ended: false, values: PhantomData }
    }

    /// The next value, `None` at the end.
    ///
    /// # Errors
    /// As [`ByteStream::next`], and `Decode` where a line is not such a value.
    pub async fn next(&mut self) -> Option<Result<T>> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        loop {
            if let Some(line) = self.line() {
                let line = line.trim_ascii();
                if line.is_empty() {
                    continue;
                }
                let value = decode::json(line, None, &self.stream.exchange().masks)
                    .map_err(|why| self.error(ErrorKind::Decode, "body.decode", &why));
                if value.is_err() {
                    self.end();
                }
                return Poll::Ready(Some(value));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            let limit = self.stream.exchange().limit;
            if self.buffer.len() as u64 > limit {
                self.end();
                let why = format!("a line is longer than the limit of {limit} bytes");
                return Poll::Ready(Some(Err(self.error(ErrorKind::Body, "body.too_large", &why))));
            }
            match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                Some(Ok(chunk)) => self.buffer.extend_from_slice(&chunk),
                Some(Err(error)) => {
                    self.end();
                    return Poll::Ready(Some(Err(error)));
                }
                None => self.ended = true,
            }
        }
    }

    fn end(&mut self) {
        self.ended = true;
        self.seen = 0;
        self.buffer.clear();
    }

    /// Takes the next line, or after the end what is left.
    fn line(&mut self) -> Option<BytesMut> {
        if let Some(end) = self.buffer[self.seen..].iter().position(|byte| *byte == b'\n') {
            let line = self.buffer.split_to(self.seen + end + 1);
            self.seen = 0;
            return Some(line);
        }
        self.seen = self.buffer.len();
        (self.ended && self.seen > 0).then(|| {
            self.seen = 0;
            self.buffer.split()
        })
    }

    fn error(&self, kind: ErrorKind, code: &'static str, why: &str) -> Error {
        let exchange = self.stream.exchange();
        exchange.error(kind, code, why)
    }
}

impl<T: DeserializeOwned> Stream for Lines<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx)
    }
}

impl<T> fmt::Debug for Lines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("stream", &self.stream).finish_non_exhaustive()
    }
}
