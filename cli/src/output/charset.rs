//! Bodies in another charset than UTF-8: decoded where they are shown or reshaped, never where they pass through.

use std::borrow::Cow;

use encoding_rs::{Decoder, Encoding, UTF_8};

/// The charset that a media type names; `None` for UTF-8 and for one that nobody knows.
fn named(content_type: Option<&str>) -> Option<&'static Encoding> {
    let parameters = content_type?.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, label) = parameters.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    let encoding = Encoding::for_label(label.trim().trim_matches('"').as_bytes())?;
    (encoding != UTF_8).then_some(encoding)
}

/// The body as UTF-8; what its charset has not becomes U+FFFD.
pub(crate) fn decoded<'a>(content_type: Option<&str>, body: &'a [u8]) -> Cow<'a, [u8]> {
    match named(content_type).map(|encoding| encoding.decode(body).0) {
        None => Cow::Borrowed(body),
        Some(Cow::Borrowed(text)) => Cow::Borrowed(text.as_bytes()),
        Some(Cow::Owned(text)) => Cow::Owned(text.into_bytes()),
    }
}

/// The same for a body that comes in chunks, cut anywhere.
pub(crate) struct Charset(Option<Decoder>);

impl Charset {
    /// The charset that `content_type` names.
    pub(crate) fn of(content_type: Option<&str>) -> Self {
        Self(named(content_type).map(Encoding::new_decoder))
    }

    /// The next chunk as UTF-8, an unfinished character at its end kept for the next; the last may be empty.
    pub(crate) fn next<'a>(&mut self, chunk: &'a [u8], last: bool) -> Cow<'a, [u8]> {
        let Some(decoder) = &mut self.0 else { return Cow::Borrowed(chunk) };
        let room = decoder.max_utf8_buffer_length(chunk.len()).unwrap_or(chunk.len());
        let mut text = String::with_capacity(room);
        // There is room for all of it.
        let _ = decoder.decode_to_string(chunk, &mut text, last);
        Cow::Owned(text.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: [(&str, &[u8], &str); 7] = [
        ("text/plain; charset=iso-8859-1", b"caf\xe9", "café"),
        ("text/plain; Charset=\"Windows-1252\"", b"\x80", "€"),
        ("text/plain; charset=utf-16le", b"a\0\xe9\0", "aé"),
        ("text/plain; charset=shift_jis", b"\x83e\x83X\x83g", "テスト"),
        ("text/plain; charset=utf-8", b"caf\xc3\xa9", "café"),
        ("text/plain; charset=nobody-knows", b"a", "a"),
        ("text/plain", b"a", "a"),
    ];

    #[test]
    fn a_body_is_decoded_whole_or_in_pieces() {
        for (content_type, body, expected) in CASES {
            assert_eq!(decoded(Some(content_type), body), expected.as_bytes(), "{content_type}");
            let mut charset = Charset::of(Some(content_type));
            let mut shown: Vec<u8> = body.chunks(1).flat_map(|chunk| charset.next(chunk, false).into_owned()).collect();
            shown.extend_from_slice(&charset.next(b"", true));
            assert_eq!(shown, expected.as_bytes(), "{content_type}");
        }
        assert_eq!(decoded(None, b"\xff").as_ref(), b"\xff");
    }
}
