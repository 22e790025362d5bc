//! Chance: where waits are spread, and keys made.

use std::{fmt, io, sync::Arc};

use crate::{
    error::{Error, ErrorKind, Result},
    secret::hex,
};

/// Where numbers from 0 up to 1 come from.
#[derive(Clone)]
pub(crate) struct Random(Arc<dyn Fn() -> f64 + Send + Sync>);

impl Random {
    pub(crate) fn new(source: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// The next number; one outside of 0 up to 1 is brought inside.
    pub(crate) fn draw(&self) -> f64 {
        let draw = (self.0)();
        if draw.is_nan() { 0.0 } else { draw.clamp(0.0, 1.0 - f64::EPSILON) }
    }
}

impl Default for Random {
    /// The operating system's; without it, waits are not spread.
    fn default() -> Self {
        Self::new(|| getrandom::u64().map_or(0.5, |bits| (bits >> 11) as f64 / (1_u64 << 53) as f64))
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

/// Random bytes for a key or an id.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => Err(Error::new(ErrorKind::Request, format!("no randomness for a key or an id: {error}"))),
    }
}

/// 16 hexadecimal digits for the name of a file that nobody can guess.
pub(crate) fn digits() -> io::Result<String> {
    getrandom::u64().map(|number| format!("{number:016x}")).map_err(io::Error::other)
}

/// A random UUID (RFC 9562, version 4).
pub(crate) fn uuid() -> Result<String> {
    let mut bytes = bytes::<16>()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn y07_each_key_is_a_uuid_of_its_own() {
        let keys: Vec<_> = (0..100).map(|_| uuid().unwrap()).collect();
        for key in &keys {
            assert_eq!((key.len(), &key[14..15]), (36, "4"), "{key}");
            assert!("89ab".contains(&key[19..20]), "{key}");
        }
        assert_eq!(keys.iter().collect::<std::collections::HashSet<_>>().len(), 100);
    }

    #[test]
    fn a_draw_is_from_0_up_to_1() {
        for (given, drawn) in [(f64::NAN, 0.0), (-1.0, 0.0), (0.25, 0.25), (7.0, 1.0 - f64::EPSILON)] {
            assert!((Random::new(move || given).draw() - drawn).abs() < 1e-12);
        }
        assert!((0..1_000).all(|_| (0.0..1.0).contains(&Random::default().draw())));
    }
}
