//! By what a token is found again: everything that changes what a server would give.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::secret::{Secret, feed, hex};

/// Names a token: where it comes from, for whom, by which grant, for what, and by which secrets.
///
/// Two keys are the same only where every part is. Secrets are part of it, so that a wrong one never finds what the
/// right one was given, and are seen only through [`TokenKey::id`]. It prints its public parts.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TokenKey {
    parts: Vec<(String, String)>,
    fingerprint: [u8; 32],
}

impl TokenKey {
    /// A key of public parts, as names with values, and of secrets.
    pub fn new<'a>(
        parts: impl IntoIterator<Item = (&'a str, &'a str)>,
        secrets: impl IntoIterator<Item = &'a Secret>,
    ) -> Self {
        let mut parts: Vec<_> = parts.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        parts.sort();
        let mut hash = Sha256::new();
        secrets.into_iter().for_each(|secret| feed(&mut hash, secret.expose().as_bytes()));
        Self { parts, fingerprint: hash.finalize().into() }
    }

    /// The public part named `name`: `endpoint`, `grant`, `client`, `account`, `scope` and what a form adds.
    pub fn part(&self, name: &str) -> Option<&str> {
        self.parts.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// 32 hexadecimal digits that stand for the public parts of this key, whatever its secrets.
    #[cfg(feature = "redis")]
    pub(crate) fn public_id(&self, salt: &[u8]) -> String {
        let public = Self { parts: self.parts.clone(), fingerprint: [0; 32] };
        public.id(salt)[..32].to_owned()
    }

    /// The public parts, sorted by their names.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parts.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// 64 hexadecimal digits that stand for this key in a store which has `salt`; no part can be read from them.
    pub fn id(&self, salt: &[u8]) -> String {
        let mut hash = Sha256::new();
        feed(&mut hash, salt);
        feed(&mut hash, &self.fingerprint);
        for (name, value) in &self.parts {
            feed(&mut hash, name.as_bytes());
            feed(&mut hash, value.as_bytes());
        }
        hex(&hash.finalize())
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.parts.iter().map(|(name, value)| (name, value))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parts: &[(&str, &str)], secrets: &[&str]) -> TokenKey {
        let secrets: Vec<_> = secrets.iter().map(|secret| Secret::from(*secret)).collect();
        TokenKey::new(parts.iter().copied(), &secrets)
    }

    #[test]
    fn z03_no_key_can_be_taken_for_another() {
        let keys = [
            key(&[], &[]),
            key(&[("client", "a")], &[]),
            key(&[("client", "a")], &["s"]),
            key(&[("client", "a")], &["t"]),
            key(&[("client", "a")], &["s", ""]),
            key(&[("client", "as")], &[]),
            key(&[("clienta", "")], &[]),
            key(&[("client", "a"), ("scope", "b")], &[]),
            key(&[("client", "a:scope=b")], &[]),
            key(&[("client", "a\nscope")], &[]),
        ];
        let ids: std::collections::HashSet<_> = keys.iter().map(|key| key.id(b"salt")).collect();
        assert_eq!(ids.len(), keys.len());
        assert!(ids.iter().all(|id| id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
        assert_ne!(keys[0].id(b"salt"), keys[0].id(b"other"));
        assert_eq!(key(&[("a", "1"), ("b", "2")], &["s"]).id(b""), key(&[("b", "2"), ("a", "1")], &["s"]).id(b""));
    }

    #[test]
    fn s01_no_secret_of_a_key_is_printed() {
        let key = key(&[("client", "svc")], &["CNRY"]);
        assert_eq!(format!("{key:?}"), r#"{"client": "svc"}"#);
        assert_eq!((key.part("client"), key.part("scope")), (Some("svc"), None));
    }
}
