//! What stands in Redis in place of a token record: sealed text, under a name that tells nothing.

use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorKind, Result},
    redis::seal::Seal,
    token::{TokenKey, TokenRecord},
};

/// Where a record stands, and what stands beside it; in one slot of a cluster.
pub(super) struct Place {
    pub(super) record: String,
    pub(super) mark: String,
    pub(super) lock: String,
}

/// Where the record of `key` stands. The part in braces is of its public parts alone, so that whoever has another
/// key meets the mark of this one.
pub(super) fn place(seal: &Seal, key: &TokenKey) -> Place {
    let group = format!("restwalk:token:{{{}}}", key.public_id(b"redis"));
    let record = format!("{group}:{}", key.id(seal.salt()));
    Place { mark: format!("{group}:mark"), lock: format!("{record}:lock"), record }
}

/// The record sealed; it opens only in its place and with its generation.
pub(super) fn seal(by: &Seal, place: &Place, record: &TokenRecord) -> Result<Vec<u8>> {
    let text = record.to_json().expose().as_bytes().to_vec();
    let sealed = by.seal(&bound(place, record.generation), text);
    sealed.ok_or_else(|| Error::coded(ErrorKind::Store, "store.full", "a token could not be sealed"))
}

/// The record that was sealed for this place and generation; `None` where it was not, or not by this key.
pub(super) fn open(by: &Seal, place: &Place, generation: u64, sealed: &[u8]) -> Option<TokenRecord> {
    let text: Zeroizing<Vec<u8>> = by.open(&bound(place, generation), sealed)?;
    let record = TokenRecord::from_json(str::from_utf8(&text).ok()?).ok()?;
    (record.generation == generation).then_some(record)
}

/// What is sealed into a record without being part of it.
fn bound(place: &Place, generation: u64) -> Vec<u8> {
    [&generation.to_be_bytes()[..], place.record.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn by(key: &str) -> Seal {
        Seal::new(&Secret::from(key), "tokens").unwrap()
    }

    fn record(generation: u64) -> TokenRecord {
        let text = format!(r#"{{"generation":{generation},"access_token":"CNRY-access","refresh_token":"CNRY-r"}}"#);
        TokenRecord::from_json(&text).unwrap()
    }

    fn key(account: &str, secret: &str) -> TokenKey {
        TokenKey::new([("client", "svc"), ("account", account)], &[Secret::from(secret)])
    }

    #[test]
    fn z04_a_record_opens_in_its_place_at_its_generation_alone() {
        let ours = by(KEY);
        let here = place(&ours, &key("ada", "s"));
        let sealed = seal(&ours, &here, &record(7)).unwrap();
        assert_eq!(open(&ours, &here, 7, &sealed).unwrap().access_token.unwrap().expose(), "CNRY-access");
        assert!(open(&ours, &here, 8, &sealed).is_none());
        assert!(open(&ours, &place(&ours, &key("bob", "s")), 7, &sealed).is_none());
        assert!(open(&by(&KEY.replace("AAEC", "BAEC")), &here, 7, &sealed).is_none());
    }

    #[test]
    fn z03_no_name_tells_a_secret_or_can_be_taken_for_another() {
        let (ours, other) = (by(KEY), by(&KEY.replace("AAEC", "BAEC")));
        let keys = [key("a", "s"), key("a", "t"), key("a:b", "s"), key("a\nb", "s"), key("{a}", "s"), key("", "s")];
        let names: std::collections::HashSet<_> = keys.iter().map(|key| place(&ours, key).record).collect();
        assert_eq!(names.len(), keys.len());
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b":{}".contains(&b))));
        let (one, two) = (place(&ours, &keys[0]), place(&other, &keys[0]));
        assert!(one.mark == two.mark && one.record != two.record && ours.mark() != other.mark());
        let slot = |name: &str| name.split(['{', '}']).nth(1).unwrap().to_owned();
        assert!(slot(&one.record) == slot(&one.mark) && slot(&one.record) == slot(&one.lock));
        assert!(one.mark != place(&ours, &keys[2]).mark, "two users are told apart");
    }
}
