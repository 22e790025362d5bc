//! Bodies one after another, as one body.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use super::{Body, BoxFuture, Replay, Source, WireBody};
use crate::error::BoxError;

impl Body {
    /// The bodies one after another; each is opened when its turn comes, so that one file is open at a time.
    pub(crate) fn chain(pieces: Vec<Self>) -> Self {
        Self::source(Chain(pieces))
    }
}

struct Chain(Vec<Body>);

impl Source for Chain {
    fn length(&self) -> Option<u64> {
        self.0.iter().try_fold(0u64, |sum, piece| sum.checked_add(piece.length()?))
    }

    fn replay(&self) -> Replay {
        let any = |rule| self.0.iter().any(|piece| piece.replay() == rule);
        match () {
            () if any(Replay::Once) => Replay::Once,
            () if any(Replay::Reopen) => Replay::Reopen,
            () => Replay::Always,
        }
    }

    fn open(&self) -> BoxFuture<'_, io::Result<WireBody>> {
        Box::pin(async move {
            let mut waiting = Vec::with_capacity(self.0.len());
            for piece in &self.0 {
                // A stream that was read already fails here, before a byte is sent.
                let once = piece.replay() == Replay::Once;
                waiting.push(if once { Piece::Open(piece.open().await?) } else { Piece::Closed(piece.clone()) });
            }
            Ok(WireBody::new(Chained { waiting: waiting.into_iter(), current: Current::None, left: self.length() }))
        })
    }
}

struct Chained {
    waiting: vec::IntoIter<Piece>,
    current: Current,
    left: Option<u64>,
}

enum Piece {
    Closed(Body),
    Open(WireBody),
}

enum Current {
    None,
    Opening(BoxFuture<'static, io::Result<WireBody>>),
    Open(WireBody),
}

impl Chained {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            self.current = match &mut self.current {
                Current::None => match self.waiting.next() {
                    Some(Piece::Closed(body)) => Current::Opening(Box::pin(async move { body.open().await })),
                    Some(Piece::Open(wire)) => Current::Open(wire),
                    None => return Poll::Ready(None),
                },
                Current::Opening(opening) => Current::Open(ready!(opening.as_mut().poll(cx))?),
                Current::Open(wire) => match ready!(Pin::new(&mut *wire).poll_frame(cx)?) {
                    None => Current::None,
                    Some(frame) => {
                        if wire.is_end_stream() {
                            self.current = Current::None;
                        }
                        return Poll::Ready(Some(Ok(frame)));
                    }
                },
            };
        }
    }
}

impl http_body::Body for Chained {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = self.poll_next(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let sent = frame.data_ref().map_or(0, Bytes::len) as u64;
                self.left = self.left.map(|left| left.saturating_sub(sent));
            }
            Poll::Ready(Some(Err(_))) => {
                // Nothing may follow a gap.
                self.current = Current::None;
                self.waiting = Vec::new().into_iter();
            }
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.current, Current::None) && self.waiting.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn read(body: &Body) -> Bytes {
        body.open().await.unwrap().collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn pieces_follow_each_other_and_the_length_is_their_sum() {
        let body = Body::chain(vec![Body::from("a"), Body::empty(), Body::from(""), Body::from("bc")]);
        assert_eq!((body.length(), body.replay()), (Some(3), Replay::Always));
        for _ in 0..2 {
            assert_eq!(read(&body).await, "abc");
        }
        let mut wire = body.open().await.unwrap();
        assert_eq!(wire.size_hint().exact(), Some(3));
        wire.frame().await.unwrap().unwrap();
        assert_eq!(wire.size_hint().exact(), Some(2));
        assert!(!wire.is_end_stream());
        wire.frame().await.unwrap().unwrap();
        assert!(wire.is_end_stream(), "known without another poll");
    }

    #[tokio::test]
    async fn the_weakest_piece_says_what_a_replay_is_worth() {
        let reader = Body::reader(&b"xyz"[..], None);
        let body = Body::chain(vec![Body::from("a"), reader]);
        assert_eq!((body.length(), body.replay()), (None, Replay::Once));
        assert_eq!(read(&body).await, "axyz");
        let error = body.open().await.unwrap_err();
        assert!(error.to_string().contains("read once only"), "fails before the first byte: {error}");
    }

    #[tokio::test]
    async fn a_length_beyond_64_bits_is_unknown() {
        let long = || Body::reader(&b""[..], Some(u64::MAX));
        assert_eq!(Body::chain(vec![long(), long()]).length(), None);
    }
}
