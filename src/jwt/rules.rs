//! What the claims of a token must say; told the time and nothing of signatures.

use std::time::Duration;

use serde_json::{Map, Value};

use super::refused;
use crate::error::{Result, quoted};

/// What is asked of claims.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// One of these is the token's; empty: it is not looked at.
    pub(super) audience: Vec<String>,
    /// One of these has made the token; empty: any.
    pub(super) issuers: Vec<String>,
    pub(super) leeway: Duration,
    pub(super) required: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            audience: Vec::new(),
            issuers: Vec::new(),
            leeway: Duration::from_secs(60),
            required: ["exp", "iat", "iss"].map(str::to_owned).to_vec(),
        }
    }
}

impl Rules {
    /// Whether `claims` hold at `now`, the time since 1970.
    pub(super) fn check(&self, claims: &Map<String, Value>, now: Duration) -> Result<()> {
        let claim = |name: &str| claims.get(name).filter(|value| !value.is_null());
        for name in &self.required {
            if claim(name).is_none() {
                return Err(missing(name));
            }
        }
        let (now, leeway) = (nanos(now), nanos(self.leeway));
        if let Some(begins) = claim("iat").map(|value| seconds("iat", value)).transpose()?
            && begins > now + leeway
        {
            return Err(refused("jwt.not_yet_valid", "it was issued (iat) in the future"));
        }
        if let Some(begins) = claim("nbf").map(|value| seconds("nbf", value)).transpose()?
            && begins > now + leeway
        {
            return Err(refused("jwt.not_yet_valid", "it holds from a later time on (nbf)"));
        }
        if let Some(ends) = claim("exp").map(|value| seconds("exp", value)).transpose()?
            && ends <= now - leeway
        {
            return Err(refused("jwt.expired", "it has expired (exp)"));
        }
        self.check_issuer(claim("iss"))?;
        self.check_audience(claim("aud"))
    }

    fn check_issuer(&self, issuer: Option<&Value>) -> Result<()> {
        let known = |issuer: &str| self.issuers.iter().any(|known| known == issuer);
        match issuer {
            _ if self.issuers.is_empty() => Ok(()),
            None => Err(missing("iss")),
            Some(Value::String(issuer)) if known(issuer) => Ok(()),
            Some(_) => Err(refused("jwt.issuer", "its issuer (iss) is not one of those accepted")),
        }
    }

    fn check_audience(&self, audience: Option<&Value>) -> Result<()> {
        let mine = |value: &Value| value.as_str().is_some_and(|one| self.audience.iter().any(|mine| mine == one));
        match audience {
            _ if self.audience.is_empty() => Ok(()),
            None => Err(missing("aud")),
            Some(Value::Array(several)) if several.iter().all(Value::is_string) && several.iter().any(mine) => Ok(()),
            Some(one) if mine(one) => Ok(()),
            Some(_) => Err(refused("jwt.audience", "it is meant for another audience (aud)")),
        }
    }
}

fn missing(name: &str) -> crate::Error {
    refused("jwt.missing_claim", &format!("it has no claim {}", quoted(name)))
}

/// A `NumericDate` cut to whole seconds, in nanoseconds; a text is none, whatever stands in it.
fn seconds(name: &str, value: &Value) -> Result<i128> {
    let Value::Number(number) = value else {
        return Err(refused("jwt.malformed", &format!("its {name} is no number")));
    };
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    // What is too large goes to the largest there is, far from overflow.
    let whole = whole.or_else(|| number.as_f64().map(|float| i128::from(float as i64)));
    Ok(whole.unwrap_or_default() * 1_000_000_000)
}

fn nanos(time: Duration) -> i128 {
    i128::try_from(time.as_nanos()).unwrap_or(i128::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use serde_json::json;

    const NOW: u64 = 1_435_831_810;

    fn check(rules: &Rules, now: Duration, claims: Value) -> &'static str {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        match rules.check(&claims, now) {
            Ok(()) => "ok",
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Auth);
                error.code()
            }
        }
    }

    fn now() -> Duration {
        Duration::from_secs(NOW)
    }

    /// `claims` beside good ones, which give way.
    fn with(claims: Value) -> Value {
        let mut all = json!({"exp": NOW + 100, "iat": NOW, "iss": "me"});
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        all
    }

    #[test]
    fn v_w9_times_hold_to_the_second_of_the_leeway() {
        let rules = Rules::default();
        for (claims, expected) in [
            (json!({"exp": NOW - 59}), "ok"),
            (json!({"exp": NOW - 60}), "jwt.expired"),
            (json!({"exp": NOW as f64 - 60.5}), "jwt.expired"),
            // Cut to whole seconds, as it always was.
            (json!({"exp": NOW as f64 - 59.1}), "jwt.expired"),
            (json!({"exp": NOW as f64 - 58.1}), "ok"),
            (json!({"iat": NOW + 59}), "ok"),
            (json!({"iat": NOW + 60}), "ok"),
            (json!({"iat": NOW + 61}), "jwt.not_yet_valid"),
            (json!({"iat": NOW + 90}), "jwt.not_yet_valid"),
            (json!({"nbf": NOW + 59}), "ok"),
            (json!({"nbf": NOW + 90}), "jwt.not_yet_valid"),
            (json!({"exp": 1e300}), "ok"),
            (json!({"exp": -1e300}), "jwt.expired"),
            (json!({"exp": u64::MAX, "nbf": i64::MIN}), "ok"),
        ] {
            assert_eq!(check(&rules, now(), with(claims.clone())), expected, "{claims}");
        }
        // A moment of the last second.
        let late = now() + Duration::from_millis(1);
        assert_eq!(check(&rules, late, with(json!({"exp": NOW - 59}))), "ok");
        assert_eq!(check(&rules, now() + Duration::from_secs(1), with(json!({"exp": NOW - 59}))), "jwt.expired");
    }

    #[test]
    fn v_w9_an_expired_token_is_let_through_by_leeway_alone() {
        let mut rules = Rules { leeway: Duration::ZERO, ..Rules::default() };
        assert_eq!(check(&rules, now(), with(json!({"exp": NOW - 1}))), "jwt.expired");
        rules.leeway = Duration::from_secs(10);
        assert_eq!(check(&rules, now(), with(json!({"exp": NOW - 1}))), "ok");
    }

    #[test]
    fn v_w9_a_text_is_no_date() {
        for value in [json!("1435831910"), json!(true), json!([1]), json!({})] {
            for name in ["exp", "iat", "nbf"] {
                let mut claims = json!({});
                claims[name] = value.clone();
                assert_eq!(check(&Rules::default(), now(), with(claims)), "jwt.malformed", "{name}: {value}");
            }
        }
    }

    #[test]
    fn v_w9_the_audience_is_looked_at_where_one_is_named() {
        let bar = Rules { audience: vec!["bar".into()], ..Rules::default() };
        let x = Rules { audience: vec!["x".into(), "foo".into()], ..Rules::default() };
        for (rules, aud, expected) in [
            (&bar, json!("foo"), "jwt.audience"),
            (&x, json!("foo"), "ok"),
            (&bar, Value::Null, "jwt.missing_claim"),
            (&x, json!(["x", "y"]), "ok"),
            (&bar, json!(["x", "y"]), "jwt.audience"),
            (&bar, json!([]), "jwt.audience"),
            (&bar, json!(["bar", 1]), "jwt.audience"),
            (&bar, json!(1), "jwt.audience"),
            (&Rules::default(), json!("foo"), "ok"),
        ] {
            assert_eq!(check(rules, now(), with(json!({"aud": aud}))), expected, "{aud}");
        }
        assert_eq!(check(&bar, now(), with(json!({}))), "jwt.missing_claim");
    }

    #[test]
    fn v_w9_the_issuer_is_one_of_those_named() {
        let rules = Rules { issuers: vec!["me".into(), "you".into()], ..Rules::default() };
        for (iss, expected) in [
            (json!("me"), "ok"),
            (json!("you"), "ok"),
            (json!("they"), "jwt.issuer"),
            (json!("ME"), "jwt.issuer"),
            (json!(1), "jwt.issuer"),
            (json!(["me"]), "jwt.issuer"),
        ] {
            assert_eq!(check(&rules, now(), with(json!({"iss": iss}))), expected, "{iss}");
        }
        let lax = Rules { required: Vec::new(), ..rules };
        assert_eq!(check(&lax, now(), json!({})), "jwt.missing_claim");
        assert_eq!(check(&Rules { issuers: Vec::new(), ..lax }, now(), json!({})), "ok");
    }

    #[test]
    fn v_w9_what_is_required_must_be_there() {
        for name in ["exp", "iat", "iss"] {
            let mut claims = with(json!({}));
            claims.as_object_mut().unwrap().remove(name);
            assert_eq!(check(&Rules::default(), now(), claims), "jwt.missing_claim");
            assert_eq!(check(&Rules::default(), now(), with(json!({name: null}))), "jwt.missing_claim");
        }
        let rules = Rules { required: vec!["foo".into()], ..Rules::default() };
        let error = rules.check(&Map::new(), now()).unwrap_err();
        assert!(error.to_string().contains("\"foo\""), "{error}");
    }
}
