//! What stands in Redis in place of a token record: sealed text, under a name that tells nothing.

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
    token::{TokenKey, TokenRecord},
};

/// The first byte of what is sealed: how the rest is to be read.
const FORMAT: u8 = 1;

const NONCE: usize = 12;

/// Seals records: AES-256-GCM-SIV, which forgives a nonce that comes twice, with a random nonce for each.
pub(super) struct Seal {
    aead: RandomizedNonceKey,
    /// Part of every name, so that nobody without the key can tell by a guessed password which name it is.
    salt: [u8; 32],
    /// Tells this key from others, and nothing else of it.
    mark: String,
}

/// Where a record stands, and what stands beside it; in one slot of a cluster.
pub(super) struct Place {
    pub(super) record: String,
    pub(super) mark: String,
    pub(super) lock: String,
}

impl Seal {
    /// Of a key of 32 bytes, written as base64 or as hexadecimal digits.
    ///
    /// # Errors
    /// `Request` where it is anything else; it is not shown.
    pub(super) fn new(key: &Secret) -> Result<Self> {
        let wrong = || {
            let why = "the key that seals tokens in Redis is 32 random bytes as base64 or hexadecimal digits, no \
                       password; make one with `openssl rand -base64 32`";
            Error::coded(ErrorKind::Request, "config", why)
        };
        let key = bytes(key.expose().trim()).ok_or_else(wrong)?;
        let aead = RandomizedNonceKey::new(&AES_256_GCM_SIV, &key[..]).map_err(|_| wrong())?;
        let mark = derived(&key, "restwalk tokens: mark");
        let mark = hex(&mark[..8]);
        Ok(Self { aead, salt: derived(&key, "restwalk tokens: salt"), mark })
    }

    pub(super) fn mark(&self) -> &str {
        &self.mark
    }

    /// Where the record of `key` stands. The part in braces is of its public parts alone, so that whoever has another
    /// key meets the mark of this one.
    pub(super) fn place(&self, key: &TokenKey) -> Place {
        let group = format!("restwalk:token:{{{}}}", key.public_id(b"redis"));
        let record = format!("{group}:{}", key.id(&self.salt));
        Place { mark: format!("{group}:mark"), lock: format!("{record}:lock"), record }
    }

    /// The record sealed; it opens only in its place and with its generation.
    pub(super) fn seal(&self, place: &Place, record: &TokenRecord) -> Result<Vec<u8>> {
        let failed = |_| Error::coded(ErrorKind::Store, "store.full", "a token could not be sealed");
        let mut sealed = record.to_json().expose().as_bytes().to_vec();
        let nonce = self.aead.seal_in_place_append_tag(bound(place, record.generation), &mut sealed).map_err(failed)?;
        Ok([&[FORMAT], &nonce.as_ref()[..], &sealed].concat())
    }

    /// The record that was sealed for this place and generation; `None` where it was not, or not by this key.
    pub(super) fn open(&self, place: &Place, generation: u64, sealed: &[u8]) -> Option<TokenRecord> {
        let (nonce, text) = sealed.strip_prefix(&[FORMAT])?.split_at_checked(NONCE)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = Zeroizing::new(text.to_vec());
        let text = self.aead.open_in_place(nonce, bound(place, generation), &mut text).ok()?;
        let record = TokenRecord::from_json(str::from_utf8(text).ok()?).ok()?;
        (record.generation == generation).then_some(record)
    }
}

/// What is sealed into a record without being part of it.
fn bound(place: &Place, generation: u64) -> Aad<Vec<u8>> {
    Aad::from([&[FORMAT], &generation.to_be_bytes()[..], place.record.as_bytes()].concat())
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
        Seal::new(&Secret::from(key)).unwrap()
    }

    fn record(generation: u64) -> TokenRecord {
        let text = format!(r#"{{"generation":{generation},"access_token":"CNRY-access","refresh_token":"CNRY-r"}}"#);
        TokenRecord::from_json(&text).unwrap()
    }

    fn key(account: &str, secret: &str) -> TokenKey {
        TokenKey::new([("client", "svc"), ("account", account)], &[Secret::from(secret)])
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
            let error = Seal::new(&Secret::from(text)).map(|_| ()).unwrap_err();
            assert!(error.code() == "config" && error.to_string().contains("openssl rand -base64 32"), "{error}");
            assert!(!format!("{error:?}").contains("CNRY"));
        }
    }

    #[test]
    fn z04_a_record_opens_in_its_place_by_its_key_at_its_generation_alone() {
        let ours = seal(KEY);
        let place = ours.place(&key("ada", "s"));
        let sealed = ours.seal(&place, &record(7)).unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("CNRY"));
        assert_eq!(ours.open(&place, 7, &sealed).unwrap().access_token.unwrap().expose(), "CNRY-access");
        assert_ne!(sealed, ours.seal(&place, &record(7)).unwrap(), "two of one record tell that they are one");
        assert!(ours.open(&place, 8, &sealed).is_none());
        assert!(ours.open(&ours.place(&key("bob", "s")), 7, &sealed).is_none());
        assert!(seal(&KEY.replace("AAEC", "BAEC")).open(&place, 7, &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(ours.open(&place, 7, &changed).is_none(), "byte {at} may be changed");
            assert!(ours.open(&place, 7, &sealed[..at]).is_none(), "it may be cut at {at}");
        }
    }

    #[test]
    fn z03_no_name_tells_a_secret_or_can_be_taken_for_another() {
        let (ours, other) = (seal(KEY), seal(&KEY.replace("AAEC", "BAEC")));
        let keys = [key("a", "s"), key("a", "t"), key("a:b", "s"), key("a\nb", "s"), key("{a}", "s"), key("", "s")];
        let names: std::collections::HashSet<_> = keys.iter().map(|key| ours.place(key).record).collect();
        assert_eq!(names.len(), keys.len());
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b":{}".contains(&b))));
        let (one, two) = (ours.place(&keys[0]), other.place(&keys[0]));
        assert!(one.mark == two.mark && one.record != two.record && ours.mark != other.mark);
        let slot = |name: &str| name.split(['{', '}']).nth(1).unwrap().to_owned();
        assert!(slot(&one.record) == slot(&one.mark) && slot(&one.record) == slot(&one.lock));
        assert!(one.mark != ours.place(&keys[2]).mark, "two users are told apart");
    }
}
