//! What a token endpoint answers: a token, or why there is none.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value};

use crate::{
    error::{Error, ErrorKind, Problem, Result, quoted},
    jwt,
    secret::Secret,
};

/// The longest life that a server is believed.
const LONGEST: u64 = 10 * 365 * 24 * 3600;

/// A token as the endpoint gave it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) access_token: Secret,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) id_token: Option<Secret>,
    pub(crate) scope: Option<String>,
    /// How long it lasts from when it was asked for; `None` where nobody says.
    pub(crate) lasts: Option<Duration>,
}

/// What is accepted of a token endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accepted<'a> {
    /// The scheme that the token is sent under.
    pub(crate) scheme: &'a str,
    /// Whether an answer may leave out its `token_type`.
    pub(crate) untyped: bool,
    /// What was asked for.
    pub(crate) grant: Grant,
}

impl Answer {
    /// Reads the body of a success; `now` is the server's time in seconds since 1970, `clean` masks what is secret.
    ///
    /// # Errors
    /// `Auth` with the code `auth.refresh_failed`; no part of the body is shown.
    pub(crate) fn read(body: &[u8], accepted: Accepted<'_>, now: u64, clean: &dyn Fn(&str) -> String) -> Result<Self> {
        let mut map: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
            let at = format!("at line {}, column {}", error.line(), error.column());
            failed(format!("the token endpoint's answer is no JSON object, {at}"))
        })?;
        if map.contains_key("error") {
            return Err(refusal(accepted.grant, StatusCode::OK, body, clean));
        }
        let legacy = map.contains_key("oauth_token");
        let given = text(&mut map, "access_token")?.or(text(&mut map, "oauth_token")?);
        let access_token = given.filter(|token| !token.is_empty()).ok_or_else(|| {
            failed(
                "the token endpoint's answer has no access_token; look whether the URL is that of the token endpoint",
            )
        })?;
        if access_token.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(failed("the token endpoint's access_token holds a character that no token has"));
        }
        typed(text(&mut map, "token_type")?, Accepted { untyped: accepted.untyped || legacy, ..accepted })?;
        let exp = jwt::expiry(&access_token).map(|exp| exp.saturating_sub(now));
        let lasts = [seconds(map.remove("expires_in"))?, exp].into_iter().flatten().min();
        Ok(Self {
            access_token: Secret::from(access_token),
            refresh_token: text(&mut map, "refresh_token")?.filter(|token| !token.is_empty()).map(Secret::from),
            id_token: text(&mut map, "id_token")?.map(Secret::from),
            scope: text(&mut map, "scope")?,
            lasts: lasts.map(|lasts| Duration::from_secs(lasts.min(LONGEST))),
        })
    }
}

/// Holds the type of a token against what it is sent under.
fn typed(token_type: Option<String>, accepted: Accepted<'_>) -> Result<()> {
    match token_type {
        Some(kind) if kind.eq_ignore_ascii_case("bearer") || kind.eq_ignore_ascii_case(accepted.scheme) => Ok(()),
        Some(kind) => Err(failed(format!(
            "the token is of type {}, which is neither Bearer nor the scheme it is to be sent under",
            quoted(&kind)
        ))),
        None if accepted.untyped => Ok(()),
        None => {
            Err(failed("the token endpoint does not say of which type its token is; accept that with .untyped(true)"))
        }
    }
}

fn text(map: &mut Map<String, Value>, name: &str) -> Result<Option<String>> {
    match map.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(failed(format!("the token endpoint's {name} is no text"))),
    }
}

/// A number of seconds, as a number or as text; what is below zero is over.
fn seconds(value: Option<Value>) -> Result<Option<u64>> {
    let number = match &value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim().parse::<f64>().ok(),
        Some(value) => value.as_f64(),
    };
    // A negative number becomes 0, and one that is too large is cut to the longest life.
    let number = number.filter(|number| !number.is_nan()).map(|number| number.clamp(0.0, LONGEST as f64) as i64);
    let number = number.map(i64::unsigned_abs);
    number.map(Some).ok_or_else(|| failed("the token endpoint's expires_in is no number of seconds"))
}

/// By which grant a token was asked for, as far as a refusal of it means something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    Refresh,
    Password,
    /// The client's own credentials.
    Client,
    /// What is good for one request, such as a code.
    Once,
}

/// What a refusal means; `clean` masks what is secret in it.
pub(crate) fn refusal(grant: Grant, status: StatusCode, body: &[u8], clean: &dyn Fn(&str) -> String) -> Error {
    let problem = Problem::from_json(body, None, clean);
    let map = serde_json::from_slice::<Map<String, Value>>(body).ok();
    // A page is of a proxy, and says nothing of a token.
    let is_own = map.is_some() || body.trim_ascii().is_empty();
    let word = map.and_then(|mut map| map.remove("error")?.as_str().map(str::to_owned)).unwrap_or_default();
    let (code, what) = match (word.as_str(), status.as_u16(), grant) {
        ("invalid_grant", _, Grant::Refresh) | ("", 400, Grant::Refresh) if is_own => {
            ("auth.reauth", "the refresh token is no longer accepted; sign in again")
        }
        ("invalid_grant", _, Grant::Password) | ("", 401, Grant::Password) => {
            ("auth.denied", "the user name or the password is wrong")
        }
        ("access_denied", ..) => ("auth.denied", "access was denied"),
        ("expired_token", ..) => ("auth.expired", "the time to sign in is over; start again"),
        ("invalid_client" | "unauthorized_client", ..) | ("", 401 | 403, _) => {
            ("auth.denied", "the server does not accept this client; look at its id, its secret and how they are sent")
        }
        ("invalid_scope", ..) => ("auth.denied", "the server does not grant these scopes"),
        ("unsupported_grant_type", ..) => ("auth.denied", "the server does not offer this grant"),
        ("invalid_grant", ..) => ("auth.denied", "the server does not accept what it was given for a token"),
        _ => ("auth.refresh_failed", "the server gave no token"),
    };
    Error::coded(ErrorKind::Auth, code, format!("{what} (answered {})", status.as_u16()))
        .with_status(Some(status))
        .with_problem(problem)
}

pub(crate) fn failed(why: impl Into<String>) -> Error {
    Error::coded(ErrorKind::Auth, "auth.refresh_failed", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Accepted<'static> = Accepted { scheme: "Bearer", untyped: false, grant: Grant::Once };

    fn read(body: &str) -> Result<Answer> {
        Answer::read(body.as_bytes(), STRICT, 0, &str::to_owned)
    }

    fn lasts(expires_in: &str) -> Result<Option<u64>> {
        let body = format!(r#"{{"access_token":"a","token_type":"Bearer","expires_in":{expires_in}}}"#);
        Ok(read(&body)?.lasts.map(|lasts| lasts.as_secs()))
    }

    #[test]
    fn o20_every_expires_in_is_understood_or_refused() {
        for (given, expected) in [
            ("3600", Some(3600)),
            (r#""3600""#, Some(3600)),
            ("3600.5", Some(3600)),
            ("1.5", Some(1)),
            ("0", Some(0)),
            ("-1", Some(0)),
            ("null", None),
            ("9223372036854775808", Some(LONGEST)),
            ("1e20", Some(LONGEST)),
            (r#""1e400""#, Some(LONGEST)),
        ] {
            assert_eq!(lasts(given).unwrap(), expected, "{given}");
        }
        assert_eq!(read(r#"{"access_token":"a","token_type":"Bearer"}"#).unwrap().lasts, None);
        for junk in [r#""soon""#, r#""""#, "[]", "{}", "true", r#""NaN""#] {
            assert_eq!(lasts(junk).unwrap_err().code(), "auth.refresh_failed", "{junk}");
        }
    }

    #[test]
    fn o25_a_token_is_of_a_type_that_can_be_sent() {
        let typed = |kind: &str, accepted: Accepted<'_>| {
            let body = format!(r#"{{"access_token":"a"{kind}}}"#);
            Answer::read(body.as_bytes(), accepted, 0, &str::to_owned).map(|_| ()).map_err(|error| error.to_string())
        };
        let untyped = Accepted { untyped: true, ..STRICT };
        let jwt = Accepted { scheme: "JWT", ..STRICT };
        assert!(typed(r#","token_type":"bearer""#, STRICT).is_ok());
        assert!(typed(r#","token_type":"Bearer""#, STRICT).is_ok());
        assert!(typed(r#","token_type":"JWT""#, jwt).is_ok());
        assert!(typed(r#","token_type":"JWT""#, STRICT).unwrap_err().contains("JWT"));
        assert!(typed(r#","token_type":"mac""#, untyped).unwrap_err().contains("mac"));
        assert!(typed("", STRICT).unwrap_err().contains(".untyped(true)"));
        assert!(typed("", untyped).is_ok());
    }

    #[test]
    fn m31_the_legacy_name_of_a_token_is_read() {
        assert_eq!(read(r#"{"oauth_token":"abc"}"#).unwrap().access_token.expose(), "abc");
        assert_eq!(
            read(r#"{"oauth_token":"abc","fresh":true,"scope":"widgetcli"}"#).unwrap().scope.unwrap(),
            "widgetcli"
        );
    }

    #[test]
    fn o26_what_is_no_token_is_told_without_an_excerpt() {
        let deep = "[".repeat(5_000);
        for body in [
            "",
            "CNRY",
            "<html>CNRY</html>",
            "[1]",
            r#""CNRY""#,
            r#"{"access_token":["CNRY"],"token_type":"Bearer"}"#,
            r#"{"access_token":"CNRY CNRY","token_type":"Bearer"}"#,
            r#"{"access_token":"CNRY\n","token_type":"Bearer"}"#,
            r#"{"access_token":"","token_type":"Bearer"}"#,
            r#"{"access_token":null,"token_type":"Bearer"}"#,
            r#"{"access_token":"CNRY","token_type":7}"#,
            &deep,
        ] {
            let error = read(body).unwrap_err();
            assert_eq!(error.code(), "auth.refresh_failed", "{body}");
            assert!(!format!("{error} {error:?}").contains("CNRY"), "{error}");
        }
        let error = Answer::read(b"\xff\xfe{", STRICT, 0, &str::to_owned).unwrap_err();
        assert_eq!(error.code(), "auth.refresh_failed");
        assert_eq!(read(r#"{"error":"access_denied"}"#).unwrap_err().code(), "auth.denied");
        let refresh = Accepted { grant: Grant::Refresh, ..STRICT };
        let error = Answer::read(br#"{"error":"invalid_grant"}"#, refresh, 0, &str::to_owned).unwrap_err();
        assert_eq!(error.code(), "auth.reauth", "whatever the status");
    }

    #[test]
    fn o21_the_end_of_a_jwt_is_counted_by_the_servers_clock() {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
        let token = format!("e30.{}.x", BASE64_URL_SAFE_NO_PAD.encode(r#"{"exp":1000}"#));
        let lasts = |expires_in: &str, now| {
            let body = format!(r#"{{"access_token":"{token}","token_type":"Bearer"{expires_in}}}"#);
            Answer::read(body.as_bytes(), STRICT, now, &str::to_owned).unwrap().lasts.map(|lasts| lasts.as_secs())
        };
        assert_eq!(lasts("", 400), Some(600));
        assert_eq!(lasts(r#","expires_in":60"#, 400), Some(60));
        assert_eq!(lasts(r#","expires_in":9000"#, 400), Some(600));
        assert_eq!(lasts("", 2_000), Some(0));
    }

    #[test]
    fn a_refusal_says_what_helps() {
        for (grant, status, body, code) in [
            (Grant::Refresh, 400, r#"{"error":"invalid_grant"}"#, "auth.reauth"),
            (Grant::Refresh, 400, "", "auth.reauth"),
            (Grant::Refresh, 400, "{}", "auth.reauth"),
            (Grant::Refresh, 400, "<html>of a proxy</html>", "auth.refresh_failed"),
            (Grant::Refresh, 500, "", "auth.refresh_failed"),
            (Grant::Refresh, 403, "", "auth.denied"),
            (Grant::Password, 400, r#"{"error":"invalid_grant","error_description":"no CNRY"}"#, "auth.denied"),
            (Grant::Password, 401, "{}", "auth.denied"),
            (Grant::Once, 401, r#"{"error":"unauthorized_client"}"#, "auth.denied"),
            (Grant::Once, 403, "", "auth.denied"),
            (Grant::Once, 400, r#"{"error":"expired_token"}"#, "auth.expired"),
            (Grant::Once, 400, "<html>", "auth.refresh_failed"),
        ] {
            let clean = |text: &str| text.replace("CNRY", "***");
            let error = refusal(grant, StatusCode::from_u16(status).unwrap(), body.as_bytes(), &clean);
            assert_eq!((error.code(), error.status().map(|status| status.as_u16())), (code, Some(status)), "{body}");
            assert!(!format!("{error:?}").contains("CNRY"));
        }
    }
}
