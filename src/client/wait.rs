//! Waiting for an answer: no longer than the call, and no longer than the server may be silent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::ambient;
use crate::{
    body::{Body, BoxFuture, Progress, WireBody},
    error::{Error, ErrorKind, Outcome, Result},
};

/// How many bytes of a body have been handed on.
pub(super) type Sent = Arc<AtomicU64>;

/// A body of more than this is a transfer.
pub(super) const SMALL: u64 = 64 << 10;

/// Counts what is sent of a transfer, whose time is unknown but which must move on.
pub(super) fn watch(request: http::Request<Body>) -> (http::Request<Body>, Option<Sent>) {
    if request.body().length().is_some_and(|length| length <= SMALL) {
        return (request, None);
    }
    let sent = Sent::default();
    let count = Arc::clone(&sent);
    let report = move |progress: Progress| count.store(progress.sent, Ordering::Relaxed);
    (request.map(|body| body.with_progress(Arc::new(report))), Some(sent))
}

/// The answer, or the first limit that passes.
pub(super) async fn answer(
    exchange: BoxFuture<'_, Result<http::Response<WireBody>>>,
    deadline: Option<Instant>,
    silence: Option<Duration>,
    sent: Option<Sent>,
) -> Result<http::Response<WireBody>> {
    // Calls that the transport makes itself are over by then too.
    let exchange = ambient::within(deadline, exchange);
    tokio::pin!(exchange);
    let mut before = 0;
    loop {
        let silent = silence.and_then(|silence| Instant::now().checked_add(silence));
        let Some(until) = [silent, deadline].into_iter().flatten().min() else { return exchange.await };
        match tokio::time::timeout_at(until, &mut exchange).await {
            Ok(answer) => return answer,
            Err(_) if deadline.is_some_and(|deadline| deadline <= until) => {
                return Err(late("timeout.total", "no answer in the time of the call"));
            }
            Err(_) => {
                let now = sent.as_ref().map_or(0, |sent| sent.load(Ordering::Relaxed));
                if now == before {
                    return Err(late("timeout.headers", "no answer in the time allowed"));
                }
                before = now;
            }
        }
    }
}

/// What signs a request, which may have to sign in first, within the time of the call.
pub(super) async fn signature<T>(deadline: Option<Instant>, signing: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(deadline) = deadline else { return signing.await };
    let signed = tokio::time::timeout_at(deadline, signing).await;
    signed.unwrap_or_else(|_| {
        Err(Error::coded(ErrorKind::Timeout, "timeout.total", "no sign-in in the time of the call"))
    })
}

/// The turn of a call that waits for another one's answer, within its own time.
pub(super) async fn turn<T>(deadline: Option<Instant>, waiting: impl Future<Output = T>) -> Result<T> {
    let Some(deadline) = deadline else { return Ok(waiting.await) };
    let late = |_| Error::coded(ErrorKind::Timeout, "timeout.total", "no answer in the time of the call");
    tokio::time::timeout_at(deadline, waiting).await.map_err(late)
}

fn late(code: &'static str, message: &str) -> Error {
    Error::coded(ErrorKind::Timeout, code, message).with_outcome(Outcome::MaybeProcessed)
}
