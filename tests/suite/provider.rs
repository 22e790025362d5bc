//! That the provider of the sign-in tests does what they rely on; spoken to without our client.

use serde_json::{Value, json};

use crate::support::provider::{AWKWARD, PASSWORD, Provider, SECRET};

const CONFIDENTIAL: Option<(&str, &str)> = Some(("confidential", SECRET));

fn refresh(provider: &Provider, token: &str) -> (u16, Value) {
    let answer = provider.form("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)], CONFIDENTIAL);
    (answer.status, answer.json())
}

fn status(provider: &Provider, path: &str, token: &Value) -> u16 {
    let bearer = format!("Bearer {}", token.as_str().unwrap());
    let path = provider.resource().replace(provider.url(), "") + path;
    provider.send("GET", &path, &[("authorization", &bearer)], "").status
}

#[test]
fn provider_rotates_refresh_tokens_and_kills_all_where_one_comes_twice() {
    let provider = Provider::start();
    let first = provider.grant("ada");
    let (status_of_first, one) = refresh(&provider, &first);
    assert_eq!((status_of_first, status(&provider, "", &one["access_token"])), (200, 200), "{one}");
    let (_, two) = refresh(&provider, one["refresh_token"].as_str().unwrap());
    assert_eq!(provider.counts().reuse(), 0);
    assert_eq!(refresh(&provider, &first).0, 400);
    let counts = provider.counts();
    assert_eq!((counts.reuse(), counts.arrived(), counts.redeemed("refresh_token")), (1, 3, 2));
    assert_eq!(refresh(&provider, two["refresh_token"].as_str().unwrap()).1["error"], "invalid_grant");
    assert_eq!(status(&provider, "", &two["access_token"]), 401, "the access token lives on");
}

/// Two that come at once are told apart as strictly as two that follow each other.
#[test]
fn provider_notices_a_token_that_comes_twice_at_once() {
    let provider = Provider::start();
    let token = provider.grant("ada");
    let codes = std::thread::scope(|threads| {
        let both: Vec<_> = (0..2).map(|_| threads.spawn(|| refresh(&provider, &token).0)).collect();
        both.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(codes.contains(&400), "{codes:?}");
    assert_eq!(provider.counts().reuse(), 1);
}

#[test]
fn provider_asks_a_person_about_devices_and_tells_its_pace() {
    let provider = Provider::with(&[("PROVIDER_INTERVAL", "1")]);
    let begin = || provider.form("/device/auth", &[("client_id", "device"), ("scope", "openid read")], None).json();
    let poll = |code: &Value| {
        let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
        let code = code["device_code"].as_str().unwrap();
        provider.form("/token", &[grant, ("device_code", code), ("client_id", "device")], None).json()
    };
    let code = begin();
    assert_eq!(code["interval"], 1);
    assert_eq!(poll(&code)["error"], "authorization_pending");
    assert_eq!(poll(&code)["error"], "slow_down");
    provider.confirm_device(code["user_code"].as_str().unwrap(), "bob");
    let tokens = poll(&code);
    assert!(tokens["refresh_token"].is_string(), "{tokens}");
    assert_eq!(status(&provider, "/needs/read", &tokens["access_token"]), 200);
    assert_eq!(status(&provider, "/needs/write", &tokens["access_token"]), 403);
    let code = begin();
    provider.deny_device(code["user_code"].as_str().unwrap());
    assert_eq!(poll(&code)["error"], "access_denied");
}

#[test]
fn provider_introspects_revokes_and_forgets_at_once() {
    let provider = Provider::start();
    let active = |token: &str| provider.form("/token/introspection", &[("token", token)], CONFIDENTIAL).json();
    let (_, tokens) = refresh(&provider, &provider.grant("ada"));
    let [access, refresh] = ["access_token", "refresh_token"].map(|name| tokens[name].as_str().unwrap());
    assert_eq!((&active(access)["active"], &active(access)["sub"]), (&json!(true), &json!("ada")));
    provider.expire_all();
    assert_eq!((&active(access)["active"], &active(refresh)["active"]), (&json!(false), &json!(true)));
    assert_eq!(provider.form("/token/revocation", &[("token", refresh)], CONFIDENTIAL).status, 200);
    assert_eq!(active(refresh)["active"], false);
    let grant = provider.grant("bob");
    provider.revoke("bob");
    provider.reset();
    assert_eq!(self::refresh(&provider, &grant).1["error"], "invalid_grant");
    assert_eq!((provider.counts().refused("invalid_grant"), provider.counts().arrived()), (1, 1));
}

#[test]
fn provider_signs_in_by_browser_password_and_awkward_secrets() {
    let provider = Provider::start();
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let url = format!(
        "{}/auth?client_id=public&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback&scope=openid\
         &state=s&code_challenge={challenge}&code_challenge_method=S256",
        provider.url()
    );
    let metadata = provider.send("GET", "/.well-known/openid-configuration", &[], "").json();
    assert_eq!(metadata["token_endpoint"], provider.token_url());
    let back = provider.browse(&url);
    assert!(back.starts_with("http://127.0.0.1:9/callback?code=CNRY-") && back.contains("&state=s&iss="), "no code");
    provider.browser(&json!({"deny": true}));
    assert!(provider.browse(&url).contains("error=access_denied"));
    let password = [("grant_type", "password"), ("client_id", "MAX"), ("username", "ada"), ("scope", "widgetcli")];
    let tokens = provider.form("/token", &[&password[..], &[("password", PASSWORD), ("bypass", "1")]].concat(), None);
    let token = tokens.json()["access_token"].as_str().unwrap().to_owned();
    let max = [("x-oauth-token", token.as_str()), ("x-oauth-username", "ada"), ("x-oauth-scope", "widgetcli")];
    assert_eq!(provider.send("GET", "/-/resource/people", &max, "").json()["user"], "ada");
    assert_eq!(provider.send("GET", "/-/resource/people", &max[..1], "").status, 401);
    let jwt = [("grant_type", "client_credentials"), ("scope", "read"), ("token_type", "jwt")];
    let token = provider.form("/token", &jwt, Some(AWKWARD)).json()["access_token"].clone();
    assert_eq!(status(&provider, "", &token), 200);
    provider.expire(token.as_str().unwrap());
    assert_eq!(status(&provider, "", &token), 401);
    let counts = provider.counts();
    assert_eq!(counts.requests().last().unwrap()["fields"]["token_type"], "jwt");
    assert_eq!(counts.requests()[0]["fields"]["bypass"], "1");
}

#[test]
fn provider_loses_answers_and_holds_them() {
    let provider = Provider::start();
    provider.faults(&json!([{"status": 503}, {"hold": "after"}, {"drop": "after"}]));
    let token = provider.grant("ada");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    assert_eq!(provider.form("/token", &fields, CONFIDENTIAL).status, 503);
    std::thread::scope(|threads| {
        let held = threads.spawn(|| refresh(&provider, &token));
        assert_eq!(provider.wait_for("answered", 1).redeemed("refresh_token"), 1);
        assert!(!held.is_finished());
        provider.release();
        let (status, one) = held.join().unwrap();
        assert_eq!(status, 200);
        let next = one["refresh_token"].as_str().unwrap().to_owned();
        let lost = threads.spawn(|| {
            let next = next;
            refresh(&provider, &next)
        });
        assert!(lost.join().is_err(), "an answer came");
    });
    assert_eq!(provider.counts().redeemed("refresh_token"), 2);
}
