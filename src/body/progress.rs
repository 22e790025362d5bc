//! How far a body is on its way.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::{Body, BoxFuture, Replay, Source, WireBody};
use crate::error::BoxError;

/// How much of a body was handed to the transport.
///
/// Every attempt starts again from nothing sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The bytes handed over so far.
    pub sent: u64,
    /// The length of the whole body in bytes, where it is known.
    pub total: Option<u64>,
}

/// Called with each step of [`Progress`]; once it has panicked it is not called again, and the request goes on.
pub(crate) type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

impl Body {
    /// Reports each frame as it is handed to the transport.
    #[must_use]
    pub(crate) fn with_progress(self, report: OnProgress) -> Self {
        if self.is_empty() { self } else { Self::source(Watched { body: self, report }) }
    }
}

struct Watched {
    body: Body,
    report: OnProgress,
}

impl Source for Watched {
    fn length(&self) -> Option<u64> {
        self.body.length()
    }

    fn replay(&self) -> Replay {
        self.body.replay()
    }

    fn open(&self) -> BoxFuture<'_, io::Result<WireBody>> {
        Box::pin(async move {
            let wire = self.body.open().await?;
            let so_far = Progress { sent: 0, total: self.length() };
            Ok(WireBody::new(Watching { wire, rest: Bytes::new(), so_far, report: Some(self.report.clone()) }))
        })
    }
}

/// The most that is handed on, and so reported, at once; bytes in memory come as one piece.
const PIECE: usize = 256 << 10;

struct Watching {
    wire: WireBody,
    /// What is left of a larger piece.
    rest: Bytes,
    so_far: Progress,
    /// Absent once it has panicked.
    report: Option<OnProgress>,
}

impl http_body::Body for Watching {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.rest.is_empty() {
            let Some(frame) = ready!(Pin::new(&mut self.wire).poll_frame(cx)?) else { return Poll::Ready(None) };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let piece = self.rest.len().min(PIECE);
        let frame = Frame::data(self.rest.split_to(piece));
        self.so_far.sent += frame.data_ref().map_or(0, Bytes::len) as u64;
        let so_far = self.so_far;
        self.report = self.report.take().filter(|report| catch_unwind(AssertUnwindSafe(|| report(so_far))).is_ok());
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.wire.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, mut hint) = (self.rest.len() as u64, self.wire.size_hint());
        if let Some(exact) = hint.exact() {
            return SizeHint::with_exact(exact + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http_body::Body as _;
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn each_frame_is_reported_and_each_attempt_starts_anew() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        let body = Body::chain(vec![Body::from("ab"), Body::from("cde")])
            .with_progress(Arc::new(move |step| log.lock().unwrap().push((step.sent, step.total))));
        assert_eq!((body.length(), body.replay()), (Some(5), Replay::Always));
        for _ in 0..2 {
            let wire = body.open().await.unwrap();
            assert_eq!(wire.size_hint().exact(), Some(5));
            assert_eq!(wire.collect().await.unwrap().to_bytes(), "abcde");
            assert_eq!(std::mem::take(&mut *seen.lock().unwrap()), [(2, Some(5)), (5, Some(5))]);
        }
    }

    #[tokio::test]
    async fn a_large_piece_is_handed_on_in_smaller_ones() {
        let steps = Arc::new(Mutex::new(Vec::new()));
        let log = steps.clone();
        let body = Body::from(vec![b'x'; 600 << 10]).with_progress(Arc::new(move |step| {
            log.lock().unwrap().push(step.sent >> 10);
        }));
        let mut wire = body.open().await.unwrap();
        assert_eq!(wire.size_hint().exact(), Some(600 << 10));
        wire.frame().await.unwrap().unwrap();
        assert_eq!((wire.size_hint().exact(), wire.is_end_stream()), (Some(344 << 10), false));
        assert_eq!(wire.collect().await.unwrap().to_bytes().len(), 344 << 10);
        assert_eq!(*steps.lock().unwrap(), [256, 512, 600]);
    }

    #[tokio::test]
    async fn y45_a_report_that_panics_is_silenced_and_the_body_is_whole() {
        let calls = Arc::new(Mutex::new(0));
        let count = calls.clone();
        let report = move |_| {
            *count.lock().unwrap() += 1;
            panic!("in the report");
        };
        let body = Body::chain(vec![Body::from("ab"), Body::from("cde")]).with_progress(Arc::new(report));
        assert_eq!(body.open().await.unwrap().collect().await.unwrap().to_bytes(), "abcde");
        assert_eq!(*calls.lock().unwrap(), 1);
    }

    #[test]
    fn no_body_stays_no_body() {
        assert!(Body::empty().with_progress(Arc::new(|_| ())).is_empty());
    }
}
