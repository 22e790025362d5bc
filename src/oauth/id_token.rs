//! The ID token of OpenID Connect: whom it is from, for, and in answer to what.
//!
//! It comes from the token endpoint itself, over TLS, so that its signature need not be checked (OpenID Connect
//! Core 1.0, section 3.1.3.7).

use serde_json::{Map, Value};

use super::{Settings, discovery::is_issuer, pkce::equal, wire::Granted};
use crate::{
    error::{Error, ErrorKind, Result, quoted},
    jwt,
    secret::Secret,
};

/// How far clocks may differ, in seconds.
const LEEWAY: u64 = 60;

/// What an ID token must say.
struct Expected<'a> {
    issuer: Option<&'a str>,
    client: &'a str,
    nonce: Option<&'a Secret>,
    /// In seconds since 1970.
    now: u64,
}

impl Settings {
    /// Checks the ID token that came with a sign-in, if one did.
    pub(super) fn checked(&self, granted: Granted, nonce: Option<&Secret>) -> Result<Granted> {
        if let Some(token) = &granted.answer.id_token {
            let named = self.metadata.get().map(|metadata| metadata.issuer.as_str());
            let issuer = named.or(self.issuer.as_deref());
            let claims = jwt::claims(token.expose()).ok_or_else(|| denied("is no JSON Web Token"))?;
            check(&claims, &Expected { issuer, client: &self.id, nonce, now: granted.now })?;
        }
        Ok(granted)
    }
}

/// Whether the ID token that came with a renewal speaks of the person of the one before (OpenID Connect Core 1.0,
/// section 12.2); one that cannot be read speaks of nobody.
pub(super) fn is_of_same(before: Option<&Secret>, renewed: Option<&Secret>) -> bool {
    let claims = |token: Option<&Secret>| token.and_then(|token| jwt::claims(token.expose()));
    match (claims(before), claims(renewed)) {
        (Some(before), Some(renewed)) => ["iss", "sub"].iter().all(|name| before.get(*name) == renewed.get(*name)),
        _ => true,
    }
}

fn check(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<()> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if let Some(issuer) = expected.issuer
        && !text("iss").is_some_and(|iss| is_issuer(issuer, iss))
    {
        let named = text("iss").map_or("nobody".to_owned(), quoted);
        return Err(denied(&format!("is from {named} and not from {}", quoted(issuer))));
    }
    let audience: Vec<_> = match claims.get("aud") {
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        Some(one) => one.as_str().into_iter().collect(),
        None => Vec::new(),
    };
    if !audience.contains(&expected.client) {
        return Err(denied("is for another client"));
    }
    let other = match claims.get("azp") {
        Some(party) => party.as_str() != Some(expected.client),
        None => audience.len() > 1,
    };
    if other {
        return Err(denied("was given to another client"));
    }
    let ends = claims.get("exp").and_then(jwt::seconds).ok_or_else(|| denied("does not say when it ends"))?;
    if ends.saturating_add(LEEWAY) <= expected.now {
        return Err(denied("has ended"));
    }
    match expected.nonce {
        Some(nonce) if !text("nonce").is_some_and(|told| equal(told, nonce.expose())) => {
            Err(denied("does not answer this sign-in: its nonce is another"))
        }
        _ => Ok(()),
    }
}

pub(super) fn denied(why: &str) -> Error {
    Error::coded(ErrorKind::Auth, "auth.denied", format!("the ID token {why}; nobody is signed in"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: u64 = 1_000_000;

    /// What is wrong with these claims, changed from good ones.
    fn wrong(name: &str, value: Value) -> String {
        let mut claims = json!({"iss": "https://id.test", "aud": "cid", "exp": NOW + 300, "nonce": "n"});
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value;
        }
        let nonce = Secret::from("n");
        let expected = Expected { issuer: Some("https://id.test"), client: "cid", nonce: Some(&nonce), now: NOW };
        let Value::Object(claims) = claims else { panic!("an object") };
        check(&claims, &expected).map_or_else(|error| error.to_string(), |()| "good".to_owned())
    }

    #[test]
    fn o32_an_id_token_is_of_the_issuer_for_the_client_and_of_now() {
        for (name, value, told) in [
            ("x", json!(1), "good"),
            ("iss", json!("https://id.test/"), "good"),
            ("iss", json!("https://evil.test"), "is from \"https://evil.test\""),
            ("iss", Value::Null, "from nobody"),
            ("aud", json!(["cid"]), "good"),
            ("aud", json!(["cid", "other"]), "another client"),
            ("aud", json!(["other"]), "another client"),
            ("aud", json!("other"), "another client"),
            ("aud", json!({"cid": 1}), "another client"),
            ("aud", Value::Null, "another client"),
            ("azp", json!("cid"), "good"),
            ("azp", json!("other"), "another client"),
            ("azp", json!(7), "another client"),
            ("exp", json!(NOW - 59), "good"),
            ("exp", json!(NOW - 60), "has ended"),
            ("exp", json!(0), "has ended"),
            ("exp", json!(-1), "has ended"),
            ("exp", json!(1e300), "good"),
            ("exp", json!("soon"), "does not say when"),
            ("exp", Value::Null, "does not say when"),
            ("nonce", json!("m"), "nonce"),
            ("nonce", json!(["n"]), "nonce"),
            ("nonce", Value::Null, "nonce"),
        ] {
            let wrong = wrong(name, value.clone());
            assert!(wrong.contains(told) && (told == "good") == (wrong == "good"), "{name} {value}: {wrong}");
        }
    }

    #[test]
    fn what_was_not_asked_for_is_not_looked_for() {
        let Value::Object(claims) = json!({"iss": "https://any.test", "aud": "cid", "azp": "cid", "exp": NOW}) else {
            panic!("an object")
        };
        assert!(check(&claims, &Expected { issuer: None, client: "cid", nonce: None, now: NOW }).is_ok());
    }
}
