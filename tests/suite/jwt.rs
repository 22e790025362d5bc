//! JSON Web Tokens over the whole loop: one for each attempt, and the keys that check others'.

use std::time::Duration;

use restwalk::{Auth, Client, JwtAlgorithm, JwtChecker, JwtIssuer, JwtKey, JwtKeys, JwtSigner, Value, json};

use crate::support::{
    canary::{canary, find},
    script::{Script, Step, answer},
};

const SET: &str = include_str!("../fixtures/jwt/set.json");
const RSA: &str = include_str!("../fixtures/jwt/rsa.pem");

fn edx() -> JwtSigner {
    let key = JwtKey::secret(JwtAlgorithm::HS256, canary("own")).unwrap();
    JwtSigner::edx(key, "alice", "αlícє whítє", "alice@example.com").unwrap()
}

#[tokio::test(start_paused = true)]
async fn e27_each_attempt_is_signed_by_a_token_that_holds() {
    let script = Script::of([answer(503), answer(200)]);
    let client = script.builder().auth(Auth::jwt(edx().issuer("svc"))).build().unwrap();
    client.res("x").get().send().await.unwrap();
    assert_eq!(script.count(), 2);
    for seen in script.seen() {
        let token = seen.header("authorization").unwrap().strip_prefix("JWT ").unwrap().to_owned();
        let keys = JwtKeys::secret(JwtAlgorithm::HS256, canary("own")).unwrap();
        let claims: Value = JwtChecker::new(keys).issuers(["svc"]).check(&token).await.unwrap();
        assert_eq!((&claims["username"], &claims["full_name"]), (&json!("alice"), &json!("αlícє whítє")));
    }
}

#[tokio::test(start_paused = true)]
async fn e27_a_header_of_the_calls_own_stands_and_no_token_leaves_home() {
    let script = Script::by(|seen| match seen.url.as_str() {
        "http://api.test/away" => answer(302).header("location", "http://other.test/"),
        "http://api.test/echo" => {
            answer(400).body(format!("{{\"detail\":\"{}\"}}", seen.header("authorization").unwrap()))
        }
        _ => answer(200),
    });
    let builder = script.builder().redirect(restwalk::Redirect::any_origin());
    let client = builder.auth(Auth::jwt(edx().scheme("Bearer"))).build().unwrap();
    client.res("x").get().header("authorization", "mine").send().await.unwrap();
    client.res("x").get().auth(Auth::basic("u", "p")).send().await.unwrap();
    client.res("away").get().send().await.unwrap();
    let sent: Vec<_> =
        script.seen().iter().map(|seen| seen.header("authorization").unwrap_or("none").to_owned()).collect();
    assert_eq!((sent[0].as_str(), sent[1].as_str(), sent[3].as_str()), ("mine", "Basic dTpw", "none"));
    assert!(sent[2].starts_with("Bearer ey"));
    let error = client.res("echo").get().await.unwrap_err();
    assert!(error.to_string().contains("***") && !error.to_string().contains("eyJ"), "{error}");
    let line = client.res("x").get().to_curl().unwrap();
    assert!(line.contains("$AUTHORIZATION"), "{line}");
    assert_eq!(find(&format!("{error:?} {client:?} {line}"), &[canary("own")]), None);
}

#[test]
fn a_key_or_scheme_that_is_none_is_told_when_the_client_is_built() {
    let client = |signer| Client::builder("http://h").auth(Auth::jwt(signer)).build();
    assert_eq!(client(edx().scheme("a\nb")).unwrap_err().kind(), restwalk::ErrorKind::Auth);
    let both = Client::builder("http://h").auth(Auth::jwt(edx())).header("Authorization", "x");
    assert_eq!(both.build().unwrap_err().code(), "config");
    assert!(JwtKey::secret(JwtAlgorithm::HS256, "").is_err());
}

fn token(id: &str) -> String {
    let key = JwtKey::pem(JwtAlgorithm::RS256, RSA).unwrap().id(id);
    JwtIssuer::new(key, "https://id.test").create("ada", None, &json!({"aud": "api"})).unwrap().expose().to_owned()
}

fn provider(jwks_uri: &'static str) -> Script {
    Script::by(move |seen| match seen.url.as_str() {
        "https://id.test/realm/.well-known/openid-configuration" => {
            answer(200).body(json!({"issuer": "https://id.test", "jwks_uri": jwks_uri}).to_string())
        }
        "https://id.test/keys" | "https://keys.test/keys" => answer(200).body(SET),
        _ => answer(404),
    })
}

#[tokio::test(start_paused = true)]
async fn v_w9_the_keys_of_a_provider_take_two_requests_and_no_credentials() {
    for uri in ["https://id.test/keys", "https://keys.test/keys"] {
        let script = provider(uri);
        let client = script.at("https://id.test").auth(Auth::bearer(canary("token"))).header("X-Token", canary("own"));
        let client = client.build().unwrap();
        let checker = JwtChecker::new(client.jwt_keys_of("https://id.test/realm/")).audience(["api"]);
        assert_eq!(script.count(), 0);
        for _ in 0..3 {
            let claims: Value = checker.check(&token("rsa")).await.unwrap();
            assert_eq!(claims["sub"], "ada");
        }
        assert_eq!(script.count(), 2);
        assert_eq!(checker.check::<Value>(&token("unknown")).await.unwrap_err().code(), "jwt.key_not_found");
        assert_eq!(script.count(), 2, "not again within the interval");
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(checker.check::<Value>(&token("unknown")).await.unwrap_err().code(), "jwt.key_not_found");
        assert_eq!(script.count(), 4);
        let seen = format!("{:?}", script.seen());
        assert_eq!(find(&seen, &[canary("token"), canary("own")]), None);
    }
    let script = provider("");
    let client = script.at("https://id.test").build().unwrap();
    let checker = JwtChecker::new(client.jwt_keys("https://id.test/keys"));
    checker.check::<Value>(&token("rsa")).await.unwrap();
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn v_w9_a_provider_that_fails_leaves_the_program_standing() {
    let script = Script::of([Step::Answer(500, Vec::new(), "{}".into())]);
    let client = script.at("https://id.test").build().unwrap();
    let checker = JwtChecker::new(client.jwt_keys_of("https://id.test/realm"));
    let error = checker.check::<Value>(&token("rsa")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (restwalk::ErrorKind::Auth, "jwt.keys"));
    let clear = provider("http://id.test/keys");
    let client = clear.at("https://id.test").build().unwrap();
    let error = JwtChecker::new(client.jwt_keys_of("https://id.test/realm")).check::<Value>(&token("rsa")).await;
    assert!(error.unwrap_err().to_string().contains("not https"));
    assert_eq!(clear.count(), 1);
}
