//! The algorithms by which tokens are signed (RFC 7518, RFC 8037).

use std::fmt;

use jsonwebtoken::Algorithm;

/// How a token is signed, by its name in RFC 7518.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
    /// RSA, PKCS #1 v1.5, with SHA-256.
    RS256,
    /// RSA, PKCS #1 v1.5, with SHA-384.
    RS384,
    /// RSA, PKCS #1 v1.5, with SHA-512.
    RS512,
    /// RSA, PSS, with SHA-256.
    PS256,
    /// RSA, PSS, with SHA-384.
    PS384,
    /// RSA, PSS, with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
}

/// Each with its name and what it is below.
const ALL: &[(JwtAlgorithm, &str, Algorithm)] = &[
    (JwtAlgorithm::HS256, "HS256", Algorithm::HS256),
    (JwtAlgorithm::HS384, "HS384", Algorithm::HS384),
    (JwtAlgorithm::HS512, "HS512", Algorithm::HS512),
    (JwtAlgorithm::RS256, "RS256", Algorithm::RS256),
    (JwtAlgorithm::RS384, "RS384", Algorithm::RS384),
    (JwtAlgorithm::RS512, "RS512", Algorithm::RS512),
    (JwtAlgorithm::PS256, "PS256", Algorithm::PS256),
    (JwtAlgorithm::PS384, "PS384", Algorithm::PS384),
    (JwtAlgorithm::PS512, "PS512", Algorithm::PS512),
    (JwtAlgorithm::ES256, "ES256", Algorithm::ES256),
    (JwtAlgorithm::ES384, "ES384", Algorithm::ES384),
    (JwtAlgorithm::EdDSA, "EdDSA", Algorithm::EdDSA),
];

impl JwtAlgorithm {
    /// The algorithm of this name; `none` is not one.
    pub(super) fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|(_, known, _)| *known == name).map(|(algorithm, ..)| *algorithm)
    }

    fn entry(self) -> (&'static str, Algorithm) {
        let found = ALL.iter().find(|(algorithm, ..)| *algorithm == self);
        found.map_or(("HS256", Algorithm::HS256), |(_, name, below)| (name, *below))
    }

    pub(super) fn below(self) -> Algorithm {
        self.entry().1
    }
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_algorithm_has_its_name() {
        for (algorithm, name, below) in ALL {
            assert_eq!((JwtAlgorithm::named(name), algorithm.below()), (Some(*algorithm), *below));
            assert_eq!((algorithm.to_string(), format!("{below:?}")), ((*name).to_owned(), (*name).to_owned()));
        }
        for name in ["none", "None", "hs256", "", "HS1"] {
            assert_eq!(JwtAlgorithm::named(name), None);
        }
    }
}
