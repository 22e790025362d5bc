//! Tokens of others, checked.

use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{JwtAlgorithm, JwtKeys, compact::Compact, refused, rules::Rules, since_1970};
use crate::error::{Error, ErrorKind, Result, quoted};

/// Checks tokens: their signature, who made them, for whom, and when.
///
/// `exp`, `iat` and `iss` must be there; times may be off by 60 s. Cloning is cheap, and a clone may be changed
/// for one token: `checker.clone().audience(["other"])`.
///
/// ```
/// # use restwalk::{JwtAlgorithm, JwtChecker, JwtIssuer, JwtKey, JwtKeys, Value, json};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
/// # let token = JwtIssuer::new(JwtKey::secret(JwtAlgorithm::HS512, "s3cret")?, "svc").create("ada", None, &json!({}))?;
/// let keys = JwtKeys::secret(JwtAlgorithm::HS512, "s3cret")?;
/// let checker = JwtChecker::new(keys).issuers(["svc"]);
/// let claims: Value = checker.check(token.expose()).await?;
/// assert_eq!(claims["sub"], "ada");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct JwtChecker {
    keys: JwtKeys,
    algorithms: Vec<JwtAlgorithm>,
    rules: Rules,
}

impl JwtChecker {
    /// Checks by `keys`: by the algorithm of a single one, by `RS256` and `RS512` for those of a set.
    pub fn new(keys: JwtKeys) -> Self {
        let algorithms = keys.algorithms();
        Self { keys, algorithms, rules: Rules::default() }
    }

    /// Sets by which algorithms a token may be signed; what its header says is never enough.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = JwtAlgorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Sets for whom tokens must be: one of these stands in `aud`. By default it is not looked at.
    #[must_use]
    pub fn audience<T: Into<String>>(mut self, audience: impl IntoIterator<Item = T>) -> Self {
        self.rules.audience = audience.into_iter().map(Into::into).collect();
        self
    }

    /// Sets who may have made tokens, in place of whom was set before; by default anyone who has the key.
    #[must_use]
    pub fn issuers<T: Into<String>>(mut self, issuers: impl IntoIterator<Item = T>) -> Self {
        self.rules.issuers = issuers.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how far clocks may be apart; 60 s by default.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self
    }

    /// Adds claims that must be there, beside `exp`, `iat` and `iss`.
    #[must_use]
    pub fn require<T: Into<String>>(mut self, claims: impl IntoIterator<Item = T>) -> Self {
        self.rules.required.extend(claims.into_iter().map(Into::into));
        self
    }

    /// The claims of `token`, if all holds.
    ///
    /// # Errors
    /// `Auth`, with the code `jwt.expired`, `jwt.not_yet_valid`, `jwt.issuer`, `jwt.audience`, `jwt.missing_claim`,
    /// `jwt.algorithm`, `jwt.signature`, `jwt.malformed`, `jwt.key_not_found`, or `jwt.keys` where keys cannot be
    /// had; `Decode` for claims that are no `T`.
    pub async fn check<T: DeserializeOwned>(&self, token: &str) -> Result<T> {
        self.check_at(token, SystemTime::now()).await
    }

    pub(super) async fn check_at<T: DeserializeOwned>(&self, token: &str, wall: SystemTime) -> Result<T> {
        let compact = Compact::read(token)?;
        let algorithm = JwtAlgorithm::named(&compact.header.alg).filter(|known| self.algorithms.contains(known));
        let algorithm = algorithm.ok_or_else(|| {
            refused("jwt.algorithm", &format!("{} is not one of its algorithms here", quoted(&compact.header.alg)))
        })?;
        let (message, signature) = (compact.message.as_bytes(), &compact.signature);
        if !self.keys.verify(compact.header.kid.as_deref(), algorithm, message, signature).await? {
            return Err(refused("jwt.signature", "its signature is not by a key that is known"));
        }
        let claims = compact.claims()?;
        self.rules.check(&claims, since_1970(wall))?;
        serde_json::from_value(Value::Object(claims)).map_err(|error| {
            // The text of a mismatch may quote a claim.
            let at = if error.is_data() { "a claim is missing or of another type" } else { "they cannot be read" };
            Error::new(ErrorKind::Decode, format!("the token's claims are not as expected: {at}"))
        })
    }
}
