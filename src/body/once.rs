//! Readers and streams: bodies that can be read once.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::{Body, BoxFuture, Replay, Source, WireBody, blocks::Blocks};
use crate::error::BoxError;

/// The size of one block read from a reader, in bytes.
const BLOCK: usize = 64 * 1024;

type Polled = Poll<Option<Result<Frame<Bytes>, BoxError>>>;

impl Body {
    /// What a reader gives: `length` bytes and no more where that is said, else all of it.
    pub(crate) fn reader(reader: impl AsyncRead + Send + 'static, length: Option<u64>) -> Self {
        let reader = Box::pin(reader.take(length.unwrap_or(u64::MAX)));
        once(WireBody::new(Reading { reader, blocks: Blocks::new(BLOCK), block: None, ended: false }), length)
    }

    /// What a stream gives, which must be `length` bytes where that is said.
    pub(crate) fn stream<S, E>(stream: S, length: Option<u64>) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        once(WireBody::new(Chunks(Box::pin(stream))), length)
    }
}

fn once(wire: WireBody, length: Option<u64>) -> Body {
    Body::source(Once { length, unread: Arc::new(Mutex::new(Some(wire))) })
}

struct Once {
    length: Option<u64>,
    unread: Slot,
}

/// Holds the stream until it is opened, and again when it comes back unread.
type Slot = Arc<Mutex<Option<WireBody>>>;

impl Source for Once {
    fn length(&self) -> Option<u64> {
        self.length
    }

    fn replay(&self) -> Replay {
        Replay::Once
    }

    fn open(&self) -> BoxFuture<'_, io::Result<WireBody>> {
        let taken = self.unread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let opened = taken.ok_or_else(spent).map(|wire| {
            let slot = Some(self.unread.clone());
            WireBody::new(Opened { wire, slot, announced: self.length, left: self.length, last: None, ended: false })
        });
        Box::pin(std::future::ready(opened))
    }
}

fn spent() -> io::Error {
    io::Error::other(
        "the upload comes from a stream that was opened before and can be read once only; \
         give it as a file path or as bytes to be able to send it again",
    )
}

/// One opening, held to the announced length.
struct Opened {
    wire: WireBody,
    /// Where it goes back to if nobody has read from it.
    slot: Option<Slot>,
    announced: Option<u64>,
    left: Option<u64>,
    /// The last frame, held back until the stream is seen to end with it.
    last: Option<Frame<Bytes>>,
    ended: bool,
}

impl Opened {
    /// Counts a frame of `length` bytes.
    fn count(&mut self, length: usize) -> io::Result<()> {
        let Some(left) = self.left else { return Ok(()) };
        let Some(rest) = left.checked_sub(length as u64) else {
            return Err(self.wrong(io::ErrorKind::InvalidData, "more bytes than"));
        };
        self.left = Some(rest);
        Ok(())
    }

    fn wrong(&self, kind: io::ErrorKind, what: &str) -> io::Error {
        let announced = self.announced.unwrap_or_default();
        io::Error::new(kind, format!("the stream to upload gave {what} the {announced} announced"))
    }
}

impl http_body::Body for Opened {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        self.slot = None;
        while !self.ended {
            let Some(frame) = ready!(Pin::new(&mut self.wire).poll_frame(cx)?) else {
                self.ended = true;
                break;
            };
            let length = frame.data_ref().map_or(0, Bytes::len);
            self.count(length)?;
            match self.left {
                Some(0) if length > 0 => self.last = Some(frame),
                Some(0) => {}
                _ => return Poll::Ready(Some(Ok(frame))),
            }
        }
        if self.left.is_some_and(|left| left > 0) {
            return Poll::Ready(Some(Err(self.wrong(io::ErrorKind::UnexpectedEof, "fewer bytes than").into())));
        }
        Poll::Ready(self.last.take().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.last.is_none() && self.left.unwrap_or(0) == 0
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.last.as_ref().and_then(Frame::data_ref).map_or(0, Bytes::len) as u64;
        self.left.map_or_else(SizeHint::default, |left| SizeHint::with_exact(left + held))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            let wire = std::mem::replace(&mut self.wire, WireBody::empty());
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(wire);
        }
    }
}

/// A reader as frames: what is there now, at most a block.
struct Reading {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    blocks: Blocks,
    /// The block being filled and how far it is.
    block: Option<(BytesMut, usize)>,
    ended: bool,
}

impl Reading {
    /// Fills the block until it is full, the reader ends, or there is nothing more for now.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.ended {
            let (block, filled) = self.block.get_or_insert_with(|| (self.blocks.take(), 0));
            let Some(free) = block.get_mut(*filled..).filter(|free| !free.is_empty()) else { break };
            let mut space = ReadBuf::new(free);
            match self.reader.as_mut().poll_read(cx, &mut space) {
                Poll::Pending if *filled == 0 => return Poll::Pending,
                Poll::Pending => break,
                Poll::Ready(read) => read?,
            }
            self.ended = space.filled().is_empty();
            *filled += space.filled().len();
        }
        Poll::Ready(Ok(()))
    }
}

impl http_body::Body for Reading {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        ready!(self.poll_fill(cx))?;
        Poll::Ready(match self.block.take() {
            Some((block, filled)) if filled > 0 => Some(Ok(Frame::data(self.blocks.share(block, filled)))),
            _ => None,
        })
    }
}

/// A stream of chunks as frames.
struct Chunks<S>(Pin<Box<S>>);

impl<S, E> http_body::Body for Chunks<S>
where
    S: Stream<Item = Result<Bytes, E>>,
{
    type Data = Bytes;
    type Error = E;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        self.0.as_mut().poll_next(cx).map_ok(Frame::data)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::BodyExt;
    use tokio::io::AsyncWriteExt;

    use super::*;

    fn chunks(chunks: &[&'static str], length: Option<u64>) -> Body {
        let chunks: Vec<io::Result<Bytes>> =
            chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect();
        Body::stream(stream::iter(chunks), length)
    }

    async fn read(body: &Body) -> Result<Bytes, String> {
        let wire = body.open().await.map_err(|error| error.to_string())?;
        wire.collect().await.map(|all| all.to_bytes()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn b44_a_stream_is_held_to_its_announced_length() {
        for (given, length, expected) in [
            (&["ab", "c"][..], None, Ok("abc")),
            (&["ab", "c"], Some(3), Ok("abc")),
            (&["ab", "", "c", ""], Some(3), Ok("abc")),
            (&[], Some(0), Ok("")),
            (&["ab"], Some(3), Err("fewer bytes than the 3 announced")),
            (&["ab", "cd"], Some(3), Err("more bytes than the 3 announced")),
            (&["abc", "d"], Some(3), Err("more bytes than the 3 announced")),
            (&["a"], Some(0), Err("more bytes than the 0 announced")),
        ] {
            match (read(&chunks(given, length)).await, expected) {
                (Ok(bytes), Ok(expected)) => assert_eq!(bytes, expected, "{given:?}"),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{given:?}: {error}"),
                (got, _) => panic!("{given:?}, {length:?}: {got:?}"),
            }
        }
    }

    #[tokio::test]
    async fn b44_a_stream_that_gives_too_much_never_delivers_its_last_announced_byte() {
        let mut wire = chunks(&["ab", "c", "d"], Some(3)).open().await.unwrap();
        assert_eq!(wire.frame().await.unwrap().unwrap().into_data().unwrap(), "ab");
        assert!(wire.frame().await.unwrap().is_err());
    }

    #[tokio::test]
    async fn a_reader_gives_the_bytes_that_were_asked_for_and_no_more() {
        let (mut writer, reader) = tokio::io::duplex(64);
        writer.write_all(b"abcdef").await.unwrap();
        // The other end stays open: waiting for its end would never return.
        assert_eq!(read(&Body::reader(reader, Some(4))).await.unwrap(), "abcd");
        let short = read(&Body::reader(&b"abc"[..], Some(4))).await.unwrap_err();
        assert!(short.contains("fewer bytes than the 4 announced"), "{short}");
        drop(writer);
    }

    #[tokio::test]
    async fn a_reader_is_read_in_blocks_and_delivers_what_is_there() {
        let long: Vec<u8> = (0..3 * BLOCK + 7).map(|n| u8::try_from(n % 251).unwrap()).collect();
        assert_eq!(read(&Body::reader(io::Cursor::new(long.clone()), None)).await.unwrap(), long);
        let (mut writer, reader) = tokio::io::duplex(64);
        let mut wire = Body::reader(reader, None).open().await.unwrap();
        for chunk in ["first", "second"] {
            writer.write_all(chunk.as_bytes()).await.unwrap();
            assert_eq!(wire.frame().await.unwrap().unwrap().into_data().unwrap(), chunk);
        }
        drop(writer);
        assert!(wire.frame().await.is_none());
    }

    #[tokio::test]
    async fn b47_what_was_read_is_not_sent_again_and_the_error_says_why() {
        let body = Body::reader(&b"once"[..], None);
        assert_eq!(body.replay(), Replay::Once);
        let copy = body.clone();
        assert_eq!(read(&body).await.unwrap(), "once");
        for again in [&body, &copy] {
            let error = read(again).await.unwrap_err();
            assert!(error.contains("read once only") && error.contains("file path or as bytes"), "{error}");
        }
    }

    #[tokio::test]
    async fn b47_an_opening_that_was_never_read_can_be_opened_again() {
        let body = Body::reader(&b"still whole"[..], None);
        drop(body.open().await.unwrap());
        assert_eq!(read(&body).await.unwrap(), "still whole");
    }

    #[tokio::test]
    async fn the_streams_own_error_ends_the_body() {
        let body =
            Body::stream(stream::iter([Ok(Bytes::from_static(b"a")), Err(io::Error::other("the disk burns"))]), None);
        assert_eq!(read(&body).await.unwrap_err(), "the disk burns");
    }
}
