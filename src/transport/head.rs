//! What an answer's head may be, beyond what hyper refuses: one framing, one size, no other protocol.

use http::{
    HeaderMap, StatusCode,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};

use super::classify;
use crate::error::Result;

/// The longest head of an answer, in bytes of its names and values.
const LONGEST: usize = 64 << 10;

/// Refuses an answer whose body two readers could see differently, and one that no API gives.
pub(super) fn check(status: StatusCode, headers: &HeaderMap) -> Result<()> {
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(classify::refused("protocol.upgrade", "the server changes to a protocol that nobody asked for"));
    }
    // Four bytes stand between and behind them: a colon, a space and the end of the line.
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if size > LONGEST {
        return Err(classify::refused("protocol.head_too_large", "the head of the answer is larger than 64 KiB"));
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else { return Ok(()) };
    if headers.contains_key(CONTENT_LENGTH) {
        let why = "the answer has Content-Length and Transfer-Encoding, so that its end is not certain";
        return Err(classify::refused("protocol.framing", why));
    }
    if !coding.as_bytes().eq_ignore_ascii_case(b"chunked") || codings.next().is_some() {
        let why = "the answer has a Transfer-Encoding other than chunked, so that its end is not certain";
        return Err(classify::refused("protocol.framing", why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n30_a_head_has_one_framing() {
        let head = |lines: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, value.parse().unwrap());
            }
            check(StatusCode::OK, &headers).map_err(|error| error.code()).err()
        };
        for (lines, code) in [
            (&[][..], None),
            (&[("content-length", "3")], None),
            (&[("content-length", "3"), ("content-length", "3")], None),
            (&[("transfer-encoding", "chunked")], None),
            (&[("transfer-encoding", "Chunked")], None),
            (&[("transfer-encoding", "chunked"), ("content-length", "3")], Some("protocol.framing")),
            (&[("transfer-encoding", "gzip, chunked")], Some("protocol.framing")),
            (&[("transfer-encoding", "gzip"), ("transfer-encoding", "chunked")], Some("protocol.framing")),
            (&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], Some("protocol.framing")),
            (&[("transfer-encoding", "identity")], Some("protocol.framing")),
            (&[("transfer-encoding", "xchunked")], Some("protocol.framing")),
            (&[("transfer-encoding", "")], Some("protocol.framing")),
        ] {
            assert_eq!(head(lines), code, "{lines:?}");
        }
    }

    #[test]
    fn n18_a_head_is_counted_as_a_whole() {
        let of = |size: usize| {
            let mut headers = HeaderMap::new();
            for name in ["x-a", "x-b"] {
                headers.insert(name, "v".repeat(size).parse().unwrap());
            }
            check(StatusCode::OK, &headers).map_err(|error| error.code())
        };
        assert_eq!(of((32 << 10) - 7), Ok(()));
        assert_eq!(of((32 << 10) - 6), Err("protocol.head_too_large"));
    }
}
