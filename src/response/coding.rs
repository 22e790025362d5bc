//! Content codings: what may be decoded, and how a damaged body is told.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header::CONTENT_ENCODING};
use http_body::Body;

use super::Exchange;
use crate::{
    body::WireBody,
    error::{BoxError, Error, ErrorKind, Outcome},
};

/// The value of `Accept-Encoding`, for what this build can decode.
pub(crate) const ACCEPTED: Option<&str> = if cfg!(feature = "compression") {
    Some("zstd, br, gzip, deflate")
} else if cfg!(feature = "gzip") {
    Some("gzip")
} else {
    None
};

/// A body, decoded as it is polled.
pub(super) enum Decoded {
    Plain(Frames),
    #[cfg(feature = "gzip")]
    Coded(Box<inner::Decoder>),
}

/// The codings named in the headers, identity left out.
fn codings(headers: &HeaderMap) -> Vec<String> {
    let names = headers.get_all(CONTENT_ENCODING).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let names = names.map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase());
    names.filter(|name| !name.is_empty() && name != "identity").collect()
}

pub(super) fn is_coded(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_ENCODING) && !codings(headers).is_empty()
}

/// Prepares `body` for reading; the error says which coding is not decoded.
pub(super) fn decoded(body: WireBody, headers: Option<&HeaderMap>) -> Result<Decoded, String> {
    let coded = headers.filter(|headers| headers.contains_key(CONTENT_ENCODING) && !body.is_end_stream());
    let Some(headers) = coded else { return Ok(Decoded::Plain(Frames::new(body))) };
    match codings(headers).as_slice() {
        [] => Ok(Decoded::Plain(Frames::new(body))),
        [coding] => one(coding, Frames::new(body)),
        several => Err(format!("the body is coded {} times over ({})", several.len(), several.join(", "))),
    }
}

/// What a body holds once it is decoded, as it is where this build does not know how; `None` where it is damaged, or
/// larger than `most` bytes.
pub(crate) async fn plain(body: &Bytes, headers: &HeaderMap, most: usize) -> Option<Bytes> {
    if !is_coded(headers) {
        return Some(body.clone());
    }
    let Ok(mut decoded) = decoded(WireBody::full(body.clone()), Some(headers)) else { return Some(body.clone()) };
    let mut whole = BytesMut::new();
    while let Some(piece) = poll_fn(|cx| decoded.poll(cx)).await {
        whole.extend_from_slice(&piece.ok()?);
        if whole.len() > most {
            return None;
        }
    }
    Some(whole.freeze())
}

#[cfg(not(feature = "gzip"))]
fn one(coding: &str, _: Frames) -> Result<Decoded, String> {
    Err(unknown(coding))
}

#[cfg(feature = "gzip")]
fn one(coding: &str, frames: Frames) -> Result<Decoded, String> {
    inner::Decoder::new(coding, frames).map(|decoder| Decoded::Coded(Box::new(decoder))).ok_or_else(|| unknown(coding))
}

fn unknown(coding: &str) -> String {
    format!("the content coding {} is not decoded by this build", crate::error::quoted(coding))
}

impl Decoded {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        match self {
            Self::Plain(frames) => frames.poll(cx),
            #[cfg(feature = "gzip")]
            Self::Coded(decoder) => decoder.poll(cx),
        }
    }
}

/// The data frames of a body; empty ones and trailers are passed over.
pub(super) struct Frames {
    body: WireBody,
    #[cfg(feature = "gzip")]
    chunk: Bytes,
}

impl Frames {
    fn new(body: WireBody) -> Self {
        Self {
            body,
            #[cfg(feature = "gzip")]
            chunk: Bytes::new(),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Poll::Ready(Some(Ok(data))),
                    _ => {}
                },
            }
        }
    }
}

/// What a failure to read means: the transport's own error, a coded body that is cut short, or a bad coding.
pub(super) fn classify(error: BoxError, exchange: &Exchange) -> Error {
    let error = match error.downcast::<Damaged>() {
        Ok(damaged) => damaged.0,
        Err(error) => return transport(error, exchange),
    };
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return exchange.error(ErrorKind::Body, "body.truncated", "the coded body is cut short");
    }
    match error.into_inner().map(<dyn std::error::Error + Send + Sync>::downcast::<Passed>) {
        Some(Ok(passed)) => transport(passed.0, exchange),
        other => {
            let source = other.and_then(std::result::Result::err).unwrap_or_else(|| "damaged data".into());
            let message = "the body is not of the coding that it claims";
            exchange.dress(
                Error::coded(ErrorKind::Body, "body.encoding", message)
                    .with_outcome(Outcome::Processed)
                    .with_source(source),
            )
        }
    }
}

fn transport(error: BoxError, exchange: &Exchange) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(error) => {
            Error::coded(ErrorKind::Body, "body.truncated", "the body could not be read to its end").with_source(error)
        }
    };
    exchange.dress(error.with_outcome(Outcome::Processed))
}

/// A failure of a decoder, as opposed to one of the transport below it.
#[derive(Debug, thiserror::Error)]
#[error("the body could not be decoded")]
struct Damaged(io::Error);

/// A transport's error on its way through a decoder, which speaks `io::Error`.
#[derive(Debug, thiserror::Error)]
#[error("the body could not be read")]
struct Passed(BoxError);

#[cfg(feature = "gzip")]
mod inner {
    use async_compression::tokio::bufread;
    use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

    use super::{BoxError, Bytes, Context, Damaged, Frames, Passed, Pin, Poll, io, ready};

    /// How much is decoded at a time, which bounds what a small coded piece can grow to in memory.
    const STEP: usize = 32 << 10;

    pub(in super::super) struct Decoder {
        reader: Pin<Box<dyn AsyncRead + Send>>,
        step: Box<[u8]>,
    }

    impl Decoder {
        pub(super) fn new(coding: &str, frames: Frames) -> Option<Self> {
            let reader: Pin<Box<dyn AsyncRead + Send>> = match coding {
                "gzip" | "x-gzip" => {
                    let mut decoder = bufread::GzipDecoder::new(frames);
                    decoder.multiple_members(true);
                    Box::pin(decoder)
                }
                #[cfg(feature = "compression")]
                "deflate" => Box::pin(bufread::ZlibDecoder::new(frames)),
                #[cfg(feature = "compression")]
                "br" => Box::pin(bufread::BrotliDecoder::new(frames)),
                #[cfg(feature = "compression")]
                "zstd" => {
                    // 8 MiB: the largest window that RFC 9659 lets a server use.
                    let window = async_compression::zstd::DParameter::window_log_max(23);
                    let mut decoder = bufread::ZstdDecoder::with_params(frames, &[window]);
                    decoder.multiple_members(true);
                    Box::pin(decoder)
                }
                _ => return None,
            };
            Some(Self { reader, step: vec![0; STEP].into_boxed_slice() })
        }

        pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
            let mut buffer = ReadBuf::new(&mut self.step);
            Poll::Ready(match ready!(self.reader.as_mut().poll_read(cx, &mut buffer)) {
                Err(error) => Some(Err(Damaged(error).into())),
                Ok(()) if buffer.filled().is_empty() => None,
                Ok(()) => Some(Ok(Bytes::copy_from_slice(buffer.filled()))),
            })
        }
    }

    impl AsyncRead for Frames {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let chunk = ready!(self.as_mut().poll_fill_buf(cx))?;
            let length = chunk.len().min(out.remaining());
            out.put_slice(&chunk[..length]);
            self.consume(length);
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncBufRead for Frames {
        fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
            let this = self.get_mut();
            if this.chunk.is_empty() {
                match ready!(this.poll(cx)) {
                    Some(Ok(chunk)) => this.chunk = chunk,
                    Some(Err(error)) => return Poll::Ready(Err(io::Error::other(Passed(error)))),
                    None => {}
                }
            }
            Poll::Ready(Ok(&this.chunk))
        }

        fn consume(mut self: Pin<&mut Self>, amount: usize) {
            let _ = self.chunk.split_to(amount);
        }
    }
}
