//! Sealed values, under names that tell nothing: what stands in Redis in place of what is nobody else's business.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorKind, Result},
    secret::{Secret, hex},
};

/// The first byte of what is sealed: how the rest is to be read.
const FORMAT: u8 = 1;

const NONCE: usize = 12;

/// Seals values: AES-256-GCM-SIV, which forgives a nonce that comes twice, with a random nonce for each.
pub(super) struct Seal {
    aead: RandomizedNonceKey,
    /// Part of every name, so that nobody without the key can tell by a guess which name it is.
    salt: [u8; 32],
    /// Tells this key from others, and nothing else of it.
    mark: String,
}

impl Seal {
    /// Of a key of 32 bytes, written as base64 or as hexadecimal digits, for one purpose, such as `tokens`.
    ///
    /// # Errors
    /// `Request` where it is anything else; it is not shown.
    pub(super) fn new(key: &Secret, purpose: &str) -> Result<Self> {
        let wrong = || {
            let why = format!(
                "the key that seals {purpose} in Redis is 32 random bytes as base64 or hexadecimal digits, no \
                 password; make one with `openssl rand -base64 32`"
            );
            Error::coded(ErrorKind::Request, "config", why)
        };
        let key = bytes(key.expose().trim()).ok_or_else(wrong)?;
        let aead = RandomizedNonceKey::new(&AES_256_GCM_SIV, &key[..]).map_err(|_| wrong())?;
        let mark = hex(&derived(&key, &format!("restwalk {purpose}: mark"))[..8]);
        Ok(Self { aead, salt: derived(&key, &format!("restwalk {purpose}: salt")), mark })
    }

    pub(super) fn mark(&self) -> &str {
        &self.mark
    }

    pub(super) fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// `value` sealed; it opens only beside the same `bound`. `None` where it is too large.
    pub(super) fn seal(&self, bound: &[u8], mut value: Vec<u8>) -> Option<Vec<u8>> {
        let nonce = self.aead.seal_in_place_append_tag(aad(bound), &mut value).ok()?;
        Some([&[FORMAT], &nonce.as_ref()[..], &value].concat())
    }

    /// The value that was sealed beside `bound`; `None` where it was not, or not by this key.
    pub(super) fn open(&self, bound: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, value) = sealed.strip_prefix(&[FORMAT])?.split_at_checked(NONCE)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut value = Zeroizing::new(value.to_vec());
        let length = self.aead.open_in_place(nonce, aad(bound), &mut value).ok()?.len();
        value.truncate(length);
        Some(value)
    }
}

/// What is sealed into a value without being part of it.
fn aad(bound: &[u8]) -> Aad<Vec<u8>> {
    Aad::from([&[FORMAT], bound].concat())
}

/// 32 bytes that stand for the key, for one purpose.
fn derived(key: &[u8; 32], purpose: &str) -> [u8; 32] {
    Sha256::new().chain_update(purpose).chain_update(key).finalize().into()
}

/// The 32 bytes that `text` writes.
fn bytes(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    if text.len() == 64 {
        for (at, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        return text.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(key);
    }
    let text = text.trim_end_matches('=');
    let found = BASE64_STANDARD_NO_PAD.decode(text).or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(text));
    let found = Zeroizing::new(found.ok()?);
    key.copy_from_slice((found.len() == 32).then_some(&found[..])?);
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn seal(key: &str) -> Seal {
        Seal::new(&Secret::from(key), "tokens").unwrap()
    }

    #[test]
    fn z04_a_key_is_32_bytes_in_base64_or_hex_and_nothing_shorter() {
        let hex: String = (0..32).map(|byte| format!("{byte:02x}")).collect();
        let same = [
            KEY,
            KEY.trim_end_matches('='),
            &hex,
            &hex.to_uppercase(),
            " AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        ];
        for text in same {
            assert_eq!(seal(text).mark, seal(KEY).mark, "{text}");
        }
        assert_eq!(seal(&("-_".repeat(21) + "8")).mark.len(), 16, "base64 for URLs");
        for text in ["", "CNRY-password", &hex[1..], &"é".repeat(32), &"+1".repeat(32), &KEY.replace('=', "AA")] {
            let error = Seal::new(&Secret::from(text), "tokens").map(|_| ()).unwrap_err();
            assert!(error.code() == "config" && error.to_string().contains("openssl rand -base64 32"), "{error}");
            assert!(!format!("{error:?}").contains("CNRY"));
        }
    }

    #[test]
    fn z04_a_value_opens_by_its_key_beside_what_it_was_bound_to_alone() {
        let ours = seal(KEY);
        let sealed = ours.seal(b"here", b"CNRY".to_vec()).unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("CNRY"));
        assert_eq!(ours.open(b"here", &sealed).unwrap()[..], *b"CNRY");
        assert_ne!(sealed, ours.seal(b"here", b"CNRY".to_vec()).unwrap(), "two of one value tell that they are one");
        assert!(ours.open(b"there", &sealed).is_none());
        assert!(seal(&KEY.replace("AAEC", "BAEC")).open(b"here", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(ours.open(b"here", &changed).is_none(), "byte {at} may be changed");
            assert!(ours.open(b"here", &sealed[..at]).is_none(), "it may be cut at {at}");
        }
    }

    #[test]
    fn z03_names_for_one_purpose_tell_nothing_of_another() {
        let cache = Seal::new(&Secret::from(KEY), "answers").unwrap();
        assert!(cache.salt != seal(KEY).salt && cache.mark != seal(KEY).mark);
    }
}
