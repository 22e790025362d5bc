//! How far a body is on its way.

use std::{
    io,
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

/// Called with each step of [`Progress`]; a panic in it ends the attempt and reaches the caller.
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
            let wire = Some(self.body.open().await?);
            let so_far = Progress { sent: 0, total: self.length() };
            Ok(WireBody::new(Watching { wire, so_far, report: self.report.clone() }))
        })
    }
}

struct Watching {
    /// Absent once a report has panicked: its frame is lost, so the body must not end as if whole.
    wire: Option<WireBody>,
    so_far: Progress,
    report: OnProgress,
}

impl http_body::Body for Watching {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(wire) = &mut self.wire else {
            return Poll::Ready(Some(Err("the progress report of this upload panicked".into())));
        };
        let Some(frame) = ready!(Pin::new(wire).poll_frame(cx)?) else { return Poll::Ready(None) };
        self.so_far.sent += frame.data_ref().map_or(0, Bytes::len) as u64;
        let wire = self.wire.take();
        (self.report)(self.so_far);
        self.wire = wire;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.wire.as_ref().is_some_and(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.wire.as_ref().map_or_else(SizeHint::default, http_body::Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::Mutex,
        task::Waker,
    };

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
    async fn a_panic_in_the_report_unwinds_and_the_body_never_ends_as_if_whole() {
        let body = Body::from("ab").with_progress(Arc::new(|_| panic!("in the report")));
        let mut wire = body.open().await.unwrap();
        let mut poll = || Pin::new(&mut wire).poll_frame(&mut Context::from_waker(Waker::noop()));
        assert!(catch_unwind(AssertUnwindSafe(&mut poll)).is_err());
        assert!(matches!(poll(), Poll::Ready(Some(Err(_)))));
        assert!(!wire.is_end_stream());
    }

    #[test]
    fn no_body_stays_no_body() {
        assert!(Body::empty().with_progress(Arc::new(|_| ())).is_empty());
    }
}
