//! One segment: what may be one, how it is checked, and how it is encoded.

use std::{borrow::Cow, fmt};

use smallvec::SmallVec;

/// The longest item, in bytes.
const LONGEST: usize = 1_024;

/// How many times a value is decoded to see what a careless server would make of it.
const ROUNDS: usize = 3;

/// What can be a path item: text, or an integer.
///
/// Floats, `bool` and `Option` are not, so they do not compile. The trait is sealed.
pub trait Segment: sealed::Sealed {}

pub(crate) mod sealed {
    use super::Value;

    pub trait Sealed {
        fn value(&self) -> Value<'_>;
    }
}

/// An item's text.
#[derive(Debug)]
pub enum Value<'a> {
    Text(&'a str),
    Digits(String),
}

impl Value<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Digits(digits) => digits,
        }
    }

    fn digits(number: impl fmt::Display) -> Self {
        Self::Digits(number.to_string())
    }
}

macro_rules! text {
    ($($text:ty)*) => {$(
        impl Segment for $text {}
        impl sealed::Sealed for $text {
            fn value(&self) -> Value<'_> {
                Value::Text(self)
            }
        }
    )*};
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl Segment for $integer {}
        impl sealed::Sealed for $integer {
            fn value(&self) -> Value<'_> {
                Value::digits(self)
            }
        }
    )*};
}

text! { str String Cow<'_, str> }
integers! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }

impl<T: Segment + ?Sized> Segment for &T {}
impl<T: sealed::Sealed + ?Sized> sealed::Sealed for &T {
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

/// Which refusals a variable lifts.
pub(crate) struct Allow {
    pub(crate) slash: bool,
    pub(crate) percent: bool,
    pub(crate) blank: bool,
}

pub(crate) const STRICT: Allow = Allow { slash: false, percent: false, blank: false };

/// Refuses what could leave its segment, on the wire or after a server has decoded it once too often.
pub(crate) fn check(value: &str, allow: &Allow) -> Result<(), String> {
    if value.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    // What begins like most values and holds nothing that would be encoded needs no closer look.
    if value.starts_with(|first: char| first.is_ascii_alphanumeric()) && value.bytes().all(is_plain) {
        return Ok(());
    }
    if value.is_empty() || (!allow.blank && value.trim().is_empty()) {
        return Err("it is empty or blank".into());
    }
    let slash = "it holds a slash, and an item is one segment; the catalog can say slash: encode";
    if allow.slash {
        value.split('/').try_for_each(|part| {
            if part.is_empty() { Err("a part of it is empty".to_owned()) } else { safe(part.as_bytes()) }
        })?;
    } else if value.contains('/') {
        return Err(slash.into());
    } else {
        safe(value.as_bytes())?;
    }
    let mut bytes = Cow::Borrowed(value.as_bytes());
    for _ in 0..ROUNDS {
        if allow.percent || !bytes.contains(&b'%') {
            return Ok(());
        }
        let decoded: Vec<u8> = decode_leniently(&bytes);
        let smuggled = |what: &str| format!("decoded once more, as careless servers do, {what}");
        let parts = |bytes: &[u8]| bytes.split(|byte| *byte == b'/').count();
        if parts(&decoded) > parts(&bytes) {
            return Err(smuggled("it holds a slash"));
        }
        decoded.split(|byte| *byte == b'/').try_for_each(safe).map_err(|why| smuggled(&why))?;
        bytes = Cow::Owned(decoded);
    }
    Ok(())
}

/// Refuses dot segments, backslashes and control characters.
fn safe(part: &[u8]) -> Result<(), String> {
    let name = part.split(|byte| *byte == b';').next().unwrap_or_default();
    if matches!(name, b"." | b"..") {
        return Err("it is a dot segment, which servers and URL parsers fold away".into());
    }
    if part.contains(&b'\\') {
        return Err("it holds a backslash, which many servers read as a slash".into());
    }
    let c1 = part.windows(2).any(|pair| pair[0] == 0xc2 && (0x80..=0x9f).contains(&pair[1]));
    if c1 || part.iter().any(u8::is_ascii_control) {
        return Err("it holds a control character".into());
    }
    Ok(())
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn escape_at(bytes: &[u8], at: usize) -> Option<u8> {
    match bytes.get(at..at + 3)? {
        [b'%', high, low] => Some(hex(*high)? << 4 | hex(*low)?),
        _ => None,
    }
}

/// Decodes what is an escape and keeps what is not, as servers do.
fn decode_leniently(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = escape_at(bytes, at);
        out.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    out
}

/// Decodes one part of a path string; a `%` that begins no escape is an error.
pub(crate) fn decode(part: &str) -> Result<Cow<'_, str>, String> {
    if !part.contains('%') {
        return Ok(Cow::Borrowed(part));
    }
    let bytes = part.as_bytes();
    if let Some(at) = (0..bytes.len()).find(|at| bytes[*at] == b'%' && escape_at(bytes, *at).is_none()) {
        return Err(format!("the % at byte {at} begins no escape; write it as %25"));
    }
    String::from_utf8(decode_leniently(bytes)).map(Cow::Owned).map_err(|_| "its escapes are not UTF-8".into())
}

/// Appends `value` with everything but `A-Za-z0-9-._~` percent-encoded.
pub(crate) fn encode(value: &str, out: &mut SmallVec<[u8; 96]>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut rest = value.as_bytes();
    while let Some(at) = rest.iter().position(|byte| !is_plain(*byte)) {
        let (plain, [byte, behind @ ..]) = rest.split_at(at) else { break };
        out.extend_from_slice(plain);
        out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        rest = behind;
    }
    out.extend_from_slice(rest);
}

fn is_plain(byte: u8) -> bool {
    PLAIN[usize::from(byte)]
}

/// What is sent as it is. A table, because every byte of every item is looked up twice.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        plain[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'.' | b'_' | b'~');
        byte += 1;
    }
    plain
};
