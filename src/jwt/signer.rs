//! Tokens made here: one for each call, or one for a subject.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{JwtKey, compact::Claims, since_1970};
use crate::{
    error::Result,
    secret::{Secret, feed, hex},
};

/// Signs each attempt of a call by a token of its own, which lives 30 s; see [`Auth::jwt`](crate::Auth::jwt).
///
/// The claims stand in the order in which they are given, then `iat`, `iss` and `exp`.
///
/// ```
/// use restwalk::{Auth, Client, JwtAlgorithm, JwtKey, JwtSigner};
///
/// let key = JwtKey::secret(JwtAlgorithm::HS256, "s3cret")?;
/// let signer = JwtSigner::new(key).claim("sub", "ada")?.issuer("svc");
/// let client = Client::builder("https://api.example.com").auth(Auth::jwt(signer)).build()?;
/// # Ok::<(), restwalk::Error>(())
/// ```
#[derive(Clone)]
pub struct JwtSigner {
    key: JwtKey,
    scheme: String,
    claims: Claims,
    issuer: Option<String>,
    lifetime: Option<Duration>,
    tracking: Option<Claims>,
}

impl JwtSigner {
    /// Signs by `key`, with no claim but `iat` and `exp`, as `Authorization: Bearer …`.
    pub fn new(key: JwtKey) -> Self {
        let lifetime = Some(Duration::from_secs(30));
        Self { key, scheme: "Bearer".into(), claims: Claims::default(), issuer: None, lifetime, tracking: None }
    }

    /// What edX's services take: the claims `username`, `full_name` and `email`, as `Authorization: JWT …`.
    ///
    /// # Errors
    /// None that these claims cause.
    pub fn edx(key: JwtKey, username: &str, full_name: &str, email: &str) -> Result<Self> {
        let signer = Self::new(key).scheme("JWT");
        signer.claim("username", username)?.claim("full_name", full_name)?.claim("email", email)
    }

    /// Sets the scheme of the `Authorization` header; `Bearer` by default.
    #[must_use]
    pub fn scheme(mut self, scheme: impl Into<String>) -> Self {
        self.scheme = scheme.into();
        self
    }

    /// Adds a claim; one of the same name gives way to it. `iat`, `iss` and `exp` are written over.
    ///
    /// # Errors
    /// `Request` for what is no JSON.
    pub fn claim<V: Serialize + ?Sized>(mut self, name: &str, value: &V) -> Result<Self> {
        self.claims.set(name, &value)?;
        Ok(self)
    }

    /// Sets `iss`.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Sets how long a token lives, in whole seconds; 30 s by default, and with `None` or zero it never ends.
    #[must_use]
    pub fn lifetime(mut self, lifetime: impl Into<Option<Duration>>) -> Self {
        self.lifetime = lifetime.into();
        self
    }

    /// Adds edX's `tracking_context`, which stands after all other claims.
    ///
    /// # Errors
    /// `Request` for what is no JSON.
    pub fn tracking_context<V: Serialize + ?Sized>(mut self, context: &V) -> Result<Self> {
        self.tracking.get_or_insert_default().set("tracking_context", &context)?;
        Ok(self)
    }

    /// The scheme of the header.
    pub(crate) fn scheme_name(&self) -> &str {
        &self.scheme
    }

    /// The token of a call that is sent at `wall`.
    pub(crate) fn token(&self, wall: SystemTime) -> Result<Secret> {
        let now = since_1970(wall).as_secs();
        let lifetime = self.lifetime.map(|lifetime| lifetime.as_secs()).filter(|seconds| *seconds > 0);
        let claims = self.claims(Some(now), lifetime.map(|lifetime| now.saturating_add(lifetime)))?;
        claims.signed(&self.key).map(Secret::from)
    }

    /// A text that stands for everything in its tokens but their times, and for the key.
    pub(crate) fn identity(&self) -> Result<Secret> {
        let header = Claims::header(&self.key)?.json()?;
        let parts = [self.scheme.clone(), header, self.claims(None, None)?.json()?];
        let mut hash = Sha256::new_with_prefix(self.key.fingerprint());
        for part in parts {
            feed(&mut hash, part.as_bytes());
        }
        Ok(Secret::from(hex(&hash.finalize())))
    }

    fn claims(&self, issued: Option<u64>, ends: Option<u64>) -> Result<Claims> {
        let mut claims = self.claims.clone();
        claims.remove(&["iat", "iss", "exp", "tracking_context"]);
        if let Some(issued) = issued {
            claims.set("iat", &issued)?;
        }
        if let Some(issuer) = &self.issuer {
            claims.set("iss", issuer)?;
        }
        if let Some(ends) = ends {
            claims.set("exp", &ends)?;
        }
        claims.extend(self.tracking.as_ref());
        Ok(claims)
    }
}

/// Makes tokens for subjects, as a service does that others trust.
///
/// ```
/// use std::time::Duration;
/// use restwalk::{JwtAlgorithm, JwtIssuer, JwtKey, json};
///
/// let key = JwtKey::secret(JwtAlgorithm::HS512, "s3cret")?;
/// let issuer = JwtIssuer::new(key, "https://svc.example.com");
/// let token = issuer.create("ada", Duration::from_secs(3_600), &json!({"role": "admin"}))?;
/// # Ok::<(), restwalk::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct JwtIssuer {
    key: JwtKey,
    issuer: String,
    longest: Duration,
}

impl JwtIssuer {
    /// Makes tokens by `key` in the name of `issuer`, which live 366 days at most.
    pub fn new(key: JwtKey, issuer: impl Into<String>) -> Self {
        Self { key, issuer: issuer.into(), longest: Duration::from_secs(31_622_400) }
    }

    /// Sets how long a token lives at most; 366 days by default.
    #[must_use]
    pub fn longest(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// Makes a token for `subject` that lives as long as `lifetime`, the longest by default, and for zero.
    ///
    /// The members of `claims` stand in it too, but for `iss`, `sub`, `exp`, `nbf` and `iat`, which are written over.
    ///
    /// # Errors
    /// `Request` for claims that are no JSON object, `Auth` for a key that does not sign.
    pub fn create<V: Serialize + ?Sized>(
        &self,
        subject: &str,
        lifetime: impl Into<Option<Duration>>,
        claims: &V,
    ) -> Result<Secret> {
        self.create_at(subject, lifetime.into(), &claims, SystemTime::now())
    }

    fn create_at(
        &self,
        subject: &str,
        lifetime: Option<Duration>,
        given: &impl Serialize,
        wall: SystemTime,
    ) -> Result<Secret> {
        let lifetime = lifetime.filter(|lifetime| !lifetime.is_zero()).unwrap_or(self.longest).min(self.longest);
        let now = since_1970(wall).as_secs();
        let mut claims = Claims::of(given)?;
        claims.remove(&["iss", "sub", "exp", "nbf", "iat"]);
        claims.set("iss", &self.issuer)?;
        claims.set("sub", &subject)?;
        claims.set("exp", &now.saturating_add(lifetime.as_secs()))?;
        claims.set("nbf", &now)?;
        claims.set("iat", &now)?;
        claims.signed(&self.key).map(Secret::from)
    }
}

/// Shows the claims' names and no value.
impl fmt::Debug for JwtSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtSigner")
            .field("key", &self.key)
            .field("scheme", &self.scheme)
            .field("claims", &self.claims.names().collect::<Vec<_>>())
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwt::{JwtAlgorithm, JwtChecker, JwtKeys};
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    /// 2015-07-02T10:10:10Z.
    fn then() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_435_831_810)
    }

    fn alice() -> JwtSigner {
        let key = JwtKey::secret(JwtAlgorithm::HS256, "edx").unwrap();
        JwtSigner::edx(key, "alice", "αlícє whítє", "alice@example.com").unwrap()
    }

    fn payload(signer: &JwtSigner) -> String {
        let token = signer.token(then()).unwrap();
        let claims = BASE64_URL_SAFE_NO_PAD.decode(token.expose().split('.').nth(1).unwrap()).unwrap();
        String::from_utf8(claims).unwrap()
    }

    #[test]
    fn e10_the_token_is_the_one_that_is_known() {
        let known = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VybmFtZSI6ImFsaWNlIiwiZnVsbF9uYW1lIjoiXHUwM2IxbFx1MDBlZ\
                     GNcdTA0NTQgd2hcdTAwZWR0XHUwNDU0IiwiZW1haWwiOiJhbGljZUBleGFtcGxlLmNvbSIsImlhdCI6MTQzNTgzMTgxMH0.LONmuzQ-\
                     AVJBAp9zl7Obc5ECf2P9h0GhiR84Ocu8UyY";
        assert_eq!(alice().lifetime(None).token(then()).unwrap().expose(), known);
    }

    #[test]
    fn e10_the_claims_stand_in_their_order() {
        let begin = r#"{"username":"alice","full_name":"\u03b1l\u00edc\u0454 wh\u00edt\u0454","email":"alice@example.com","iat":1435831810"#;
        let minute = Duration::from_secs(60);
        let whole = alice().lifetime(minute).issuer("me").tracking_context(&json!({"foo": "bar"})).unwrap();
        for (signer, rest) in [
            (alice(), r#","exp":1435831840}"#),
            (whole, r#","iss":"me","exp":1435831870,"tracking_context":{"foo":"bar"}}"#),
            (alice().lifetime(None), "}"),
            (alice().lifetime(Duration::ZERO), "}"),
            (alice().tracking_context(&json!({})).unwrap(), r#","exp":1435831840,"tracking_context":{}}"#),
        ] {
            assert_eq!(payload(&signer), format!("{begin}{rest}"));
        }
    }

    #[test]
    fn c06_an_identity_is_everything_but_the_times() {
        let key = |secret: &str| JwtKey::secret(JwtAlgorithm::HS256, secret).unwrap();
        let signer = |sub: &str| JwtSigner::new(key("edx")).claim("sub", sub).unwrap();
        let all = [
            alice(),
            signer("ada"),
            signer("bob"),
            signer("ada").issuer("svc"),
            signer("ada").scheme("JWT"),
            signer("ada").tracking_context(&1).unwrap(),
            JwtSigner::new(key("other")).claim("sub", "ada").unwrap(),
            JwtSigner::new(key("edx").id("k1")).claim("sub", "ada").unwrap(),
        ];
        let seen: std::collections::HashSet<_> =
            all.iter().map(|signer| signer.identity().unwrap().expose().to_owned()).collect();
        assert_eq!(seen.len(), all.len());
        for same in [signer("ada"), signer("ada").lifetime(None), signer("ada").claim("iat", &7).unwrap()] {
            assert_eq!(same.identity().unwrap().expose(), all[1].identity().unwrap().expose());
        }
    }

    #[test]
    fn a_claim_that_is_made_here_is_not_the_callers() {
        let signer = alice().claim("iat", &1).unwrap().claim("exp", &2).unwrap().claim("username", "bob").unwrap();
        let claims: Value = serde_json::from_str(&payload(&signer)).unwrap();
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(1_435_831_810), &json!(1_435_831_840)));
        assert_eq!(claims["username"], "bob");
        assert!(!format!("{signer:?}").contains("alice@"), "{signer:?}");
    }

    #[tokio::test]
    async fn v_w9_a_token_that_was_made_is_read() {
        let key = JwtKey::secret(JwtAlgorithm::HS512, "CNRY").unwrap();
        let issuer = JwtIssuer::new(key.clone().id("k1"), "IceProd");
        assert!(!format!("{issuer:?}").contains("CNRY"));
        let token =
            issuer.create_at("subj", Some(Duration::from_secs(20)), &json!({"type": "foo", "sub": "x"}), then());
        let token = token.unwrap();
        let checker = JwtChecker::new(JwtKeys::secret(JwtAlgorithm::HS512, "CNRY").unwrap()).issuers(["IceProd"]);
        let claims: Value = checker.check_at(token.expose(), then()).await.unwrap();
        let expected = json!({"iss": "IceProd", "sub": "subj", "exp": 1_435_831_830, "nbf": 1_435_831_810, "iat": 1_435_831_810, "type": "foo"});
        assert_eq!(claims, expected);
        let header = BASE64_URL_SAFE_NO_PAD.decode(token.expose().split('.').next().unwrap()).unwrap();
        assert_eq!(header, br#"{"alg":"HS512","typ":"JWT","kid":"k1"}"#);
    }

    #[test]
    fn v_w9_no_token_lives_longer_than_the_longest() {
        let key = JwtKey::secret(JwtAlgorithm::HS512, "k").unwrap();
        let issuer = JwtIssuer::new(key, "me");
        let lives = |issuer: &JwtIssuer, lifetime| {
            let token = issuer.create_at("s", lifetime, &json!({}), then()).unwrap();
            crate::jwt::expiry(token.expose()).unwrap() - 1_435_831_810
        };
        for lifetime in [None, Some(Duration::ZERO), Some(Duration::from_secs(1_000_000_000)), Some(Duration::MAX)] {
            assert_eq!(lives(&issuer, lifetime), 31_622_400, "{lifetime:?}");
        }
        let short = issuer.clone().longest(Duration::from_secs(5));
        assert_eq!(lives(&short, Some(Duration::from_secs(9))), 5);
        assert_eq!(lives(&issuer.longest(Duration::MAX), None), u64::MAX - 1_435_831_810);
        assert!(
            JwtIssuer::new(JwtKey::secret(JwtAlgorithm::HS256, "k").unwrap(), "me").create("s", None, &[1]).is_err()
        );
    }
}
