//! Keys: one that signs, and those that check.
//!
//! The crate below finds its cryptography by a setting of the whole process, which panics where several crates
//! disagree about it. So it is asked for what we are built with, and never by that setting.

use std::{fmt, sync::Arc};

use jsonwebtoken::{AlgorithmFamily, DecodingKey, EncodingKey, crypto::aws_lc::DEFAULT_PROVIDER};
use sha2::{Digest, Sha256};

use super::JwtAlgorithm;
use crate::{
    error::{Error, ErrorKind, Result},
    secret::Secret,
};

/// A key that signs tokens, and its algorithm. Printing it shows the algorithm alone.
#[derive(Clone)]
pub struct JwtKey {
    algorithm: JwtAlgorithm,
    key: Arc<EncodingKey>,
    id: Option<String>,
    /// Stands for what the key was made from.
    fingerprint: [u8; 32],
}

impl JwtKey {
    /// A secret that who checks the tokens has too, for `HS256`, `HS384` and `HS512`.
    ///
    /// # Errors
    /// `Auth` for another algorithm, or an empty secret.
    pub fn secret(algorithm: JwtAlgorithm, secret: impl Into<Secret>) -> Result<Self> {
        let secret = secret.into();
        shared(algorithm, &secret)?;
        let key = EncodingKey::from_secret(secret.expose().as_bytes());
        let fingerprint = Sha256::digest(secret.expose()).into();
        Ok(Self { algorithm, key: Arc::new(key), id: None, fingerprint })
    }

    /// A private key in PEM: RSA in PKCS #1 or #8, ECDSA and Ed25519 in PKCS #8.
    ///
    /// # Errors
    /// `Auth` for what is no private key of the algorithm.
    pub fn pem(algorithm: JwtAlgorithm, pem: impl Into<Secret>) -> Result<Self> {
        let pem = pem.into();
        let pem = pem.expose().as_bytes();
        let key = match algorithm.below().family() {
            AlgorithmFamily::Hmac => return Err(wrong("a key in PEM is for RS…, PS…, ES… or EdDSA")),
            AlgorithmFamily::Rsa => EncodingKey::from_rsa_pem(pem),
            AlgorithmFamily::Ec => EncodingKey::from_ec_pem(pem),
            AlgorithmFamily::Ed => EncodingKey::from_ed_pem(pem),
        };
        // The error below may quote what it could not read.
        let key = key.map_err(|_| wrong(&format!("the PEM holds no private key for {algorithm}")))?;
        let key = Self { algorithm, key: Arc::new(key), id: None, fingerprint: Sha256::digest(pem).into() };
        // A public key, or one of another curve, is told now and not at the first call.
        key.sign(b"").map(|_| key)
    }

    /// Names the key in the tokens' header, as `kid`.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    pub(super) fn algorithm(&self) -> JwtAlgorithm {
        self.algorithm
    }

    pub(super) fn named(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The same for the same key, as it was given.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let signer = (DEFAULT_PROVIDER.signer_factory)(&self.algorithm.below(), &self.key);
        let signed = signer.ok().and_then(|signer| signer.try_sign(message).ok());
        signed.ok_or_else(|| wrong(&format!("the key does not sign by {}", self.algorithm)))
    }
}

/// A key by which tokens are checked.
#[derive(Clone)]
pub(super) struct CheckingKey(DecodingKey);

impl CheckingKey {
    pub(super) fn secret(algorithm: JwtAlgorithm, secret: &Secret) -> Result<Self> {
        shared(algorithm, secret)?;
        Ok(Self(DecodingKey::from_secret(secret.expose().as_bytes())))
    }

    pub(super) fn pem(algorithm: JwtAlgorithm, pem: &str) -> Result<Self> {
        let key = match algorithm.below().family() {
            AlgorithmFamily::Hmac => return Err(wrong("a key in PEM is for RS…, PS…, ES… or EdDSA")),
            AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(pem.as_bytes()),
            AlgorithmFamily::Ec => DecodingKey::from_ec_pem(pem.as_bytes()),
            AlgorithmFamily::Ed => DecodingKey::from_ed_pem(pem.as_bytes()),
        };
        key.map(Self).map_err(|_| wrong(&format!("the PEM holds no public key for {algorithm}")))
    }

    /// A public key of a JWK (RFC 7517); `None` for a secret, and for what is not supported.
    pub(super) fn jwk(jwk: &jsonwebtoken::jwk::Jwk) -> Option<Self> {
        let key = DecodingKey::from_jwk(jwk).ok().filter(|key| key.family() != AlgorithmFamily::Hmac)?;
        Some(Self(key))
    }

    /// Whether `signature` is the one of `message`; a key of another kind than the algorithm's never made one.
    pub(super) fn verifies(&self, algorithm: JwtAlgorithm, message: &[u8], signature: Vec<u8>) -> bool {
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&algorithm.below(), &self.0);
        verifier.is_ok_and(|verifier| verifier.verify(message, &signature).is_ok())
    }
}

fn shared(algorithm: JwtAlgorithm, secret: &Secret) -> Result<()> {
    match algorithm.below().family() {
        AlgorithmFamily::Hmac if secret.expose().is_empty() => Err(wrong("the secret that signs tokens is empty")),
        AlgorithmFamily::Hmac => Ok(()),
        _ => Err(wrong(&format!("{algorithm} signs by a key in PEM, and not by a shared secret"))),
    }
}

fn wrong(why: &str) -> Error {
    Error::coded(ErrorKind::Auth, "jwt.key", why)
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JwtKey({})", self.algorithm)
    }
}

impl fmt::Debug for CheckingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckingKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::crypto::{CryptoProvider, KeyUtils};

    /// What the process has where two crates disagree, or none has chosen.
    static BROKEN: CryptoProvider = CryptoProvider {
        signer_factory: |_, _| panic!("no provider"),
        verifier_factory: |_, _| panic!("no provider"),
        key_utils: KeyUtils::new_unimplemented(),
    };

    #[test]
    fn the_setting_of_the_process_does_not_matter() {
        let _ = BROKEN.install_default();
        let secret = Secret::from("s");
        for algorithm in [JwtAlgorithm::HS256, JwtAlgorithm::HS384, JwtAlgorithm::HS512] {
            let signature = JwtKey::secret(algorithm, secret.clone()).unwrap().sign(b"m").unwrap();
            let key = CheckingKey::secret(algorithm, &secret).unwrap();
            assert!(key.verifies(algorithm, b"m", signature.clone()));
            assert!(!key.verifies(algorithm, b"n", signature));
        }
        let pem = include_str!("../../tests/fixtures/jwt/rsa.pem");
        assert!(JwtKey::pem(JwtAlgorithm::RS256, pem).is_ok());
    }
}
