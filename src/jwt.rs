//! JSON Web Tokens (RFC 7519): made for a call or a subject, and checked by keys given or fetched.
//!
//! [`expiry`] reads when a token ends, so that it can be renewed early; it proves nothing.

#[cfg(any(test, feature = "oauth"))]
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

#[cfg(feature = "jwt")]
mod algorithm;
#[cfg(feature = "jwt")]
mod checker;
#[cfg(feature = "jwt")]
mod compact;
#[cfg(feature = "jwt")]
mod key;
#[cfg(feature = "jwt")]
mod keys;
#[cfg(feature = "jwt")]
mod rules;
#[cfg(feature = "jwt")]
mod set;
#[cfg(feature = "jwt")]
mod signer;

#[cfg(feature = "jwt")]
pub use self::{
    algorithm::JwtAlgorithm,
    checker::JwtChecker,
    key::JwtKey,
    keys::{JwkSource, JwtKeys},
    signer::{JwtIssuer, JwtSigner},
};

/// The longest token that is looked into, in bytes.
#[cfg(any(test, feature = "jwt", feature = "oauth"))]
const LONGEST: usize = 64 << 10;

/// The `exp` claim of a token, in whole seconds since 1970, rounded down; its signature is not checked.
///
/// `None` for what is no JSON Web Token, is encrypted, or has no numeric `exp`.
#[cfg(any(test, feature = "oauth"))]
pub(crate) fn expiry(token: &str) -> Option<u64> {
    seconds(claims(token)?.get("exp")?)
}

/// A time in a claim, in whole seconds since 1970.
#[cfg(any(test, feature = "oauth"))]
pub(crate) fn seconds(time: &serde_json::Value) -> Option<u64> {
    time.as_u64().or_else(|| whole(time.as_f64()?.floor()))
}

/// A number of seconds, as whole ones: what is below zero becomes 0, and what is too large the largest.
#[cfg(any(test, feature = "oauth"))]
#[expect(clippy::cast_sign_loss, reason = "it goes to the nearest")]
pub(crate) fn whole(seconds: f64) -> Option<u64> {
    (!seconds.is_nan()).then_some(seconds as u64)
}

/// The claims of a token, whose signature is not checked; `None` for what is no JSON Web Token, or is encrypted.
#[cfg(any(test, feature = "oauth"))]
pub(crate) fn claims(token: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    if token.len() > LONGEST {
        return None;
    }
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// A token that is not let through.
#[cfg(feature = "jwt")]
fn refused(code: &'static str, why: &str) -> crate::Error {
    crate::Error::coded(crate::ErrorKind::Auth, code, format!("the token is refused: {why}"))
}

#[cfg(feature = "jwt")]
fn since_1970(wall: std::time::SystemTime) -> std::time::Duration {
    wall.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.sig", BASE64_URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn the_expiry_is_read_without_the_key() {
        for (claims, expected) in [
            (r#"{"exp":1435831840}"#, Some(1_435_831_840)),
            (r#"{"sub":"a","exp":1435831840.9,"nested":{"exp":1}}"#, Some(1_435_831_840)),
            (r#"{"exp":1.4e9}"#, Some(1_400_000_000)),
            (r#"{"exp":0}"#, Some(0)),
            (r#"{"exp":-5}"#, Some(0)),
            (r#"{"exp":-0.5}"#, Some(0)),
            (r#"{"exp":18446744073709551615}"#, Some(u64::MAX)),
            (r#"{"exp":1e30}"#, Some(u64::MAX)),
            (r#"{"exp":"1435831840"}"#, None),
            (r#"{"exp":null}"#, None),
            (r#"{"exp":1,"exp":2}"#, Some(2)),
            (r#"{"iat":1}"#, None),
            ("[1]", None),
            ("not JSON", None),
        ] {
            assert_eq!(expiry(&token(claims)), expected, "{claims}");
        }
        assert_eq!(expiry("e30.eyJleHAiOjd9==."), Some(7), "padded, and unsigned");
    }

    #[test]
    fn what_is_no_signed_token_has_no_expiry() {
        let claims = BASE64_URL_SAFE_NO_PAD.encode(r#"{"exp":7}"#);
        for text in ["", ".", "..", "opaque", "a.b", "a.b.c", &claims, &format!("a.{claims}.c.d.e"), "a.\u{e9}.c"] {
            assert_eq!(expiry(text), None, "{text}");
        }
        let long = format!(r#"{{"exp":7,"x":"{}"}}"#, "x".repeat(LONGEST));
        assert_eq!(expiry(&token(&long)), None);
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in any::<String>(), claims in any::<Vec<u8>>()) {
            let _ = (expiry(&text), expiry(&format!("a.{}.c", BASE64_URL_SAFE_NO_PAD.encode(claims))));
        }

        #[test]
        fn a_whole_number_is_read_as_it_stands(exp: u64) {
            prop_assert_eq!(expiry(&token(&format!(r#"{{"exp":{exp}}}"#))), Some(exp));
        }
    }
}
