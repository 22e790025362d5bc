//! The body as it arrives: decoded, and watched for a stall.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use http::HeaderMap;
use tokio::time::{Instant, Sleep};

use super::{
    Exchange,
    coding::{self, Decoded},
};
use crate::{
    body::WireBody,
    error::{Error, ErrorKind, Result},
    limit::Permit,
};

/// A stream of decoded bytes; it ends after its first error.
pub struct ByteStream {
    state: State,
    exchange: Arc<Exchange>,
    /// When the body must be there.
    deadline: Option<Instant>,
    /// Runs while nothing comes; kept and set anew, so that a long body needs one timer.
    idle: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    /// Since when it is waited for, how long in all since the rate was looked at, and what came in that time.
    since: Option<Instant>,
    waited: Duration,
    came: u64,
    /// Given back with the stream's end.
    permits: [Option<Permit>; 2],
}

enum State {
    Open(Decoded),
    Refused(Option<Error>),
    Ended,
}

impl ByteStream {
    pub(super) fn new(
        body: WireBody,
        headers: Option<&HeaderMap>,
        exchange: Arc<Exchange>,
        deadline: Option<Instant>,
        permits: [Option<Permit>; 2],
    ) -> Self {
        let state = match coding::decoded(body, headers) {
            Ok(decoded) => State::Open(decoded),
            Err(why) => State::Refused(Some(exchange.error(ErrorKind::Body, "body.encoding", why))),
        };
        Self {
            state,
            exchange,
            deadline,
            idle: None,
            waiting: false,
            since: None,
            waited: Duration::ZERO,
            came: 0,
            permits,
        }
    }

    /// The next piece, `None` at the end.
    ///
    /// # Errors
    /// `Body` where the body is cut short or badly encoded, `Timeout` where it stalls.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        poll_fn(|cx| self.poll(cx)).await
    }

    pub(super) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let decoded = match &mut self.state {
            State::Open(decoded) => decoded,
            State::Refused(error) => return Poll::Ready(error.take().map(Err)),
            State::Ended => return Poll::Ready(None),
        };
        let now = Instant::now();
        let over = self.deadline.is_some_and(|deadline| deadline <= now);
        let item = match decoded.poll(cx) {
            Poll::Ready(Some(Ok(_))) | Poll::Pending if over => Some(Err(self.late())),
            Poll::Ready(item) => {
                self.waiting = false;
                match item {
                    Some(Ok(chunk)) => Some(self.measure(chunk, now)),
                    item => item.map(|item| item.map_err(|error| coding::classify(error, &self.exchange))),
                }
            }
            Poll::Pending => {
                self.since.get_or_insert(now);
                Some(Err(ready!(self.stalled(cx, now))))
            }
        };
        if !matches!(item, Some(Ok(_))) {
            self.state = State::Ended;
            self.permits = [None, None];
        }
        Poll::Ready(item)
    }

    /// Lets `chunk` pass unless the body comes too slowly; that nothing comes at all is [`ByteStream::stalled`]'s part.
    fn measure(&mut self, chunk: Bytes, now: Instant) -> Result<Bytes> {
        let Some((least, within)) = self.exchange.pace else { return Ok(chunk) };
        // What the reader does between two pieces is no fault of the server.
        let waited = self.since.take().map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        self.waited = self.waited.saturating_add(waited);
        self.came = self.came.saturating_add(chunk.len() as u64);
        if self.waited < within {
            return Ok(chunk);
        }
        self.waited = Duration::ZERO;
        if std::mem::take(&mut self.came) < least {
            let message = format!("the body came too slowly: fewer than {least} bytes in {} s", within.as_secs_f64());
            return Err(self.exchange.error(ErrorKind::Timeout, "timeout.stall", message));
        }
        Ok(chunk)
    }

    /// Ready when nothing has come for the idle time, which begins with the first look, or until the deadline.
    fn stalled(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Error> {
        let idle = self.exchange.idle.and_then(|idle| now.checked_add(idle));
        let Some(until) = [idle, self.deadline].into_iter().flatten().min() else { return Poll::Pending };
        let timer = self.idle.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if !std::mem::replace(&mut self.waiting, true) {
            timer.as_mut().reset(until);
        }
        ready!(timer.as_mut().poll(cx));
        if self.deadline.is_some_and(|deadline| deadline <= timer.deadline()) {
            return Poll::Ready(self.late());
        }
        let limit = self.exchange.idle.unwrap_or_default();
        let message = format!("the body stalled for {} s", limit.as_secs_f64());
        Poll::Ready(self.exchange.error(ErrorKind::Timeout, "timeout.idle", message))
    }

    fn late(&self) -> Error {
        let message = "the body did not arrive in the time of the call";
        self.exchange.error(ErrorKind::Timeout, "timeout.total", message)
    }
}

impl Stream for ByteStream {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx)
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").field("route", &self.exchange.route).finish_non_exhaustive()
    }
}
