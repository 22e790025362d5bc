//! Sets of public keys (JWKS, RFC 7517).

use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use serde::Deserialize;

use super::{JwtAlgorithm, key::CheckingKey};
use crate::error::{Error, ErrorKind, Result};

/// The most keys of a set that are kept.
const KEYS: usize = 100;

/// The largest text of a set, in bytes.
const LARGEST: usize = 256 << 10;

/// Public keys by their ids.
#[derive(Debug, Default)]
pub(super) struct KeySet(Vec<Named>);

#[derive(Debug)]
struct Named {
    id: String,
    /// The one algorithm that it is for, where the set says so.
    algorithm: Option<String>,
    key: CheckingKey,
}

impl KeySet {
    /// Reads the public keys that check signatures; secrets, and keys without an id or of another kind, are left out.
    pub(super) fn parse(text: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let wrong = |why: &str| Error::coded(ErrorKind::Auth, "jwt.keys", why);
        if text.len() > LARGEST {
            return Err(wrong("the set of keys is larger than 256 KiB"));
        }
        let Set { keys } = serde_json::from_slice(text)
            .map_err(|_| wrong("what should be a set of keys is no JSON object with a list of keys"))?;
        Ok(Self(keys.into_iter().filter_map(named).take(KEYS).collect()))
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id == id)
    }

    /// The keys of this id that are for `algorithm`.
    pub(super) fn find(&self, id: &str, algorithm: JwtAlgorithm) -> impl Iterator<Item = &CheckingKey> {
        let name = algorithm.to_string();
        let fits = move |key: &&Named| key.algorithm.as_ref().is_none_or(|own| *own == name);
        self.0.iter().filter(move |key| key.id == id).filter(fits).map(|key| &key.key)
    }
}

fn named(value: serde_json::Value) -> Option<Named> {
    let algorithm = value.get("alg").and_then(|name| name.as_str()).map(str::to_owned);
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let key = CheckingKey::jwk(&jwk)?;
    let id = jwk.common.key_id.filter(|_| !matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)))?;
    Some(Named { id, algorithm, key })
}
