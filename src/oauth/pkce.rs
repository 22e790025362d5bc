//! Proof Key for Code Exchange (RFC 7636): a secret of one sign-in, of which the server first hears the hash.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::{error::Result, random, secret::Secret};

/// The one method that there is: a plain challenge would be the secret itself.
pub(super) const METHOD: &str = "S256";

/// A secret of 512 random bits, in 86 characters.
#[derive(Clone, Debug)]
pub(super) struct Verifier(pub(super) Secret);

impl Verifier {
    pub(super) fn new() -> Result<Self> {
        Ok(Self(Secret::from(BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<64>()?))))
    }

    /// The SHA-256 hash of it, in 43 characters.
    pub(super) fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.expose()))
    }
}

/// 256 random bits in 43 characters, for a `state` or a `nonce`.
pub(super) fn token() -> Result<Secret> {
    Ok(Secret::from(BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<32>()?)))
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub(super) fn equal(one: &str, other: &str) -> bool {
    let digest = |text: &str| Sha256::digest(text);
    digest(one).iter().zip(digest(other)).fold(0, |differ, (one, other)| differ | (one ^ other)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o42_a_verifier_is_long_random_and_never_shown() {
        let verifiers: Vec<_> = (0..100).map(|_| Verifier::new().unwrap()).collect();
        for verifier in &verifiers {
            let text = verifier.0.expose();
            assert_eq!((text.len(), verifier.challenge().len()), (86, 43));
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
            assert!(!format!("{verifier:?}").contains(text));
        }
        let known: std::collections::HashSet<_> = verifiers.iter().map(|verifier| verifier.0.expose()).collect();
        assert_eq!(known.len(), 100);
    }

    /// RFC 7636, appendix B.
    #[test]
    fn w86_a_challenge_is_that_of_the_standards_example() {
        let verifier = Verifier(Secret::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn texts_are_compared_whole() {
        assert!(equal("", "") && equal("abc", "abc"));
        for (one, other) in [("", "a"), ("abc", "abd"), ("abc", "xbc"), ("abc", "abcd"), ("a", "A")] {
            assert!(!equal(one, other), "{one} {other}");
        }
    }
}
