//! O34, D24, W76: signing in anew, signing out, asking about a token, registering a client.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use restwalk::{Client, ErrorKind, OAuth2, Outcome, Registration, SignIn, TokenStore};
use serde_json::{Value, json};

use crate::support::{
    canary::printed,
    script::{Script, Seen, Step, answer},
};

fn said(document: &Value) -> Step {
    answer(200).body(document.to_string())
}

fn id_token(subject: &str) -> String {
    let claims = json!({"iss": "https://id.test", "aud": "cid", "sub": subject, "exp": 9_999_999_999_u64});
    format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// A server that gives the tokens `at1`, `rt1` and so on, and otherwise does what `other` says.
fn server(other: impl Fn(&Seen) -> Step + Send + Sync + 'static) -> Script {
    let count = AtomicUsize::new(0);
    Script::by(move |seen| {
        if seen.url != "https://id.test/token" {
            return other(seen);
        }
        let count = count.fetch_add(1, Ordering::SeqCst) + 1;
        said(&json!({
            "access_token": format!("CNRY-at{count}"), "refresh_token": format!("CNRY-rt{count}"),
            "token_type": "Bearer", "expires_in": 60, "scope": "read", "id_token": id_token("ada"),
        }))
    })
}

fn service() -> OAuth2 {
    OAuth2::token_url("https://id.test/token")
        .client("cid", "CNRY-secret")
        .revocation_url("https://id.test/revoke")
        .userinfo_url("https://id.test/userinfo")
        .introspection_url("https://id.test/introspect")
}

fn client(script: &Script, service: OAuth2) -> Client {
    script.builder().auth(service.stored()).build().unwrap()
}

fn ada() -> SignIn {
    SignIn::password("ada", "CNRY-password")
}

fn form(seen: &Seen) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(&seen.body).into_owned().collect()
}

fn to<'s>(script: &'s [Seen], url: &str) -> Vec<&'s Seen> {
    script.iter().filter(|seen| seen.url == url).collect()
}

#[tokio::test(start_paused = true)]
async fn a_new_sign_in_takes_the_place_of_the_old_one() {
    let store = TokenStore::memory();
    let script = server(|_| answer(200));
    let client = client(&script, service().store(&store));
    let session = client.auth().unwrap();
    assert_eq!(client.res("a").get().await.unwrap_err().code(), "auth.required");
    session.sign_in(ada()).await.unwrap();
    client.res("a").get().send().await.unwrap();
    session.sign_in(SignIn::refresh_token("CNRY-given")).await.unwrap();
    client.res("a").get().send().await.unwrap();
    let seen = script.seen();
    let sent: Vec<_> = to(&seen, "http://api.test/a").iter().map(|seen| seen.header("authorization")).collect();
    assert_eq!(sent, [Some("Bearer CNRY-at1"), Some("Bearer CNRY-at2")]);
    assert_eq!(form(to(&seen, "https://id.test/token")[1])["refresh_token"], "CNRY-given");
    assert_eq!(session.scope().await.unwrap().as_deref(), Some("read"));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(session.expires_in().await.unwrap().unwrap() <= Duration::from_secs(60));
    assert_eq!(session.claims().await.unwrap().unwrap()["sub"], "ada");
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_of_another_person_leaves_nothing_of_the_first() {
    let count = Arc::new(AtomicUsize::new(0));
    let script = Script::by(move |seen| match (seen.url.as_str(), count.load(Ordering::SeqCst)) {
        ("https://id.test/token", 0) => {
            count.fetch_add(1, Ordering::SeqCst);
            said(&json!({
                "access_token": "at1", "refresh_token": "rt1", "token_type": "Bearer", "id_token": id_token("ada"),
                "scope": "all", "expires_in": 60,
            }))
        }
        ("https://id.test/token", _) => said(&json!({"access_token": "at2", "token_type": "Bearer", "expires_in": 60})),
        _ => answer(200),
    });
    let client = client(&script, service());
    let session = client.auth().unwrap();
    session.sign_in(ada()).await.unwrap();
    session.sign_in(SignIn::password("bob", "CNRY-other")).await.unwrap();
    assert_eq!((session.scope().await.unwrap(), session.claims().await.unwrap()), (None, None));
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(client.res("a").get().await.unwrap_err().code(), "auth.required", "the first one's is not redeemed");
}

#[tokio::test(start_paused = true)]
async fn o15_a_refresh_token_that_was_given_is_kept_where_it_is_not_replaced() {
    let script = Script::by(|seen| match seen.url.as_str() {
        "https://id.test/token" => said(&json!({"access_token": "at", "token_type": "Bearer", "expires_in": 60})),
        _ => answer(200),
    });
    let client = client(&script, service());
    client.auth().unwrap().sign_in(SignIn::refresh_token("CNRY-given")).await.unwrap();
    tokio::time::advance(Duration::from_secs(61)).await;
    client.res("a").get().send().await.unwrap();
    let seen = script.seen();
    let redeemed: Vec<_> =
        to(&seen, "https://id.test/token").into_iter().map(|seen| form(seen)["refresh_token"].clone()).collect();
    assert_eq!(redeemed, ["CNRY-given", "CNRY-given"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_signs_itself_in_lets_nobody_else() {
    let script = server(|_| answer(200));
    let client = script.builder().auth(service().client_credentials()).build().unwrap();
    let error = client.auth().unwrap().sign_in(ada()).await.unwrap_err();
    assert_eq!((error.kind(), error.code(), script.count()), (ErrorKind::Auth, "config", 0));
    let own = restwalk::Auth::source(|| async { Ok(restwalk::Secret::from("t")) });
    let session = script.builder().auth(own).build().unwrap().auth().unwrap();
    assert_eq!(session.logout().await.unwrap_err().code(), "auth.required");
}

#[tokio::test(start_paused = true)]
async fn o34_signing_out_revokes_the_refresh_token_and_then_the_access_token() {
    let script = server(|_| answer(200));
    let client = client(&script, service());
    let session = client.auth().unwrap();
    session.sign_in(ada()).await.unwrap();
    assert!(session.logout().await.unwrap().is_complete());
    let seen = script.seen();
    let revoked: Vec<_> = to(&seen, "https://id.test/revoke").into_iter().map(form).collect();
    let pairs: Vec<_> = revoked.iter().map(|form| (form["token"].as_str(), form["token_type_hint"].as_str())).collect();
    assert_eq!(pairs, [("CNRY-rt1", "refresh_token"), ("CNRY-at1", "access_token")]);
    assert!(seen.last().unwrap().header("authorization").unwrap().starts_with("Basic "));
    assert_eq!(client.res("a").get().await.unwrap_err().code(), "auth.required");
    assert_eq!((session.scope().await.unwrap(), session.expires_in().await.unwrap()), (None, None));
    let count = script.count();
    assert!(session.logout().await.unwrap().is_complete(), "there is nothing left to revoke");
    assert_eq!(script.count(), count);
    session.sign_in(ada()).await.unwrap();
    client.res("a").get().send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn o34_signing_out_here_works_without_the_server() {
    for (reply, service, told) in [
        (Step::Fail(ErrorKind::Connect, Outcome::NotSent), service(), "could not be asked"),
        (answer(503), service(), "503"),
        (answer(400).body(r#"{"error":"unsupported_token_type"}"#), service(), "unsupported_token_type"),
        (Step::Hang, service(), "could not be asked"),
        (answer(200), OAuth2::token_url("https://id.test/token").public_client("cid"), "revocation_endpoint"),
    ] {
        let store = TokenStore::memory();
        let script = server(move |_| reply.clone());
        let client = client(&script, service.store(&store));
        let session = client.auth().unwrap();
        session.sign_in(ada()).await.unwrap();
        let logout = session.logout().await.unwrap();
        assert!(!logout.is_complete());
        for undone in [logout.refresh_token.unwrap(), logout.access_token.unwrap()] {
            assert!(undone.to_string().contains(told), "{undone}");
            assert!(!printed(&undone).contains("CNRY"), "{undone}");
        }
        assert_eq!(session.token().await.unwrap_err().code(), "auth.required");
    }
}

/// The one who gave a refresh token is signed out as well: it is not used again.
#[tokio::test(start_paused = true)]
async fn o34_a_given_refresh_token_does_not_sign_in_again() {
    let script = server(|_| answer(200));
    let client = script.builder().auth(service().refresh_token("CNRY-given")).build().unwrap();
    client.res("a").get().send().await.unwrap();
    assert!(client.auth().unwrap().logout().await.unwrap().is_complete());
    let count = script.count();
    assert_eq!(client.res("a").get().await.unwrap_err().code(), "auth.required");
    assert_eq!(script.count(), count, "nobody is asked");
}

#[tokio::test(start_paused = true)]
async fn d24_signing_out_wins_over_a_renewal_that_is_under_way() {
    let store = TokenStore::memory();
    let count = AtomicUsize::new(0);
    let script = Script::by(move |seen| match seen.url.as_str() {
        "https://id.test/token" => {
            let count = count.fetch_add(1, Ordering::SeqCst) + 1;
            let token = said(&json!({
                "access_token": format!("at{count}"), "refresh_token": format!("rt{count}"), "token_type": "Bearer",
            }));
            if count == 1 { token } else { token.after(Duration::from_secs(3)) }
        }
        _ => answer(200),
    });
    let one = client(&script, service().store(&store));
    let other = client(&script, service().store(&store));
    one.auth().unwrap().sign_in(ada()).await.unwrap();
    other.res("a").get().send().await.unwrap();
    other.auth().unwrap().invalidate();
    let renewing = tokio::spawn({
        let other = other.clone();
        async move { other.res("a").get().send().await.map(|_| ()) }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(one.auth().unwrap().logout().await.unwrap().is_complete());
    renewing.await.unwrap().unwrap();
    let seen = script.seen();
    let revoked: Vec<_> =
        to(&seen, "https://id.test/revoke").into_iter().map(|seen| form(seen)["token"].clone()).collect();
    assert_eq!(revoked, ["rt2", "at2"], "what the renewal brought is revoked");
    other.auth().unwrap().invalidate();
    assert_eq!(other.res("a").get().await.unwrap_err().code(), "auth.required");
    let third = client(&script, service().store(&store));
    assert_eq!(third.res("a").get().await.unwrap_err().code(), "auth.required");
}

#[tokio::test(start_paused = true)]
async fn the_server_tells_who_is_signed_in_and_what_a_token_is() {
    let script = server(|seen| match (seen.url.as_str(), seen.header("authorization")) {
        ("https://id.test/userinfo", Some("Bearer CNRY-at1")) => answer(401),
        ("https://id.test/userinfo", _) => said(&json!({"sub": "ada", "name": "Ada"})),
        ("https://id.test/introspect", Some(basic)) if basic.starts_with("Basic ") => {
            said(&json!({"active": true, "scope": "read"}))
        }
        _ => answer(500),
    });
    let session = client(&script, service()).auth().unwrap();
    session.sign_in(ada()).await.unwrap();
    assert_eq!(session.user_info().await.unwrap()["name"], "Ada");
    assert_eq!(session.token().await.unwrap().expose(), "CNRY-at2", "renewed once, after the 401");
    assert_eq!(session.introspect().await.unwrap(), json!({"active": true, "scope": "read"}));
    assert_eq!(form(script.seen().last().unwrap())["token"], "CNRY-at2");
}

#[tokio::test(start_paused = true)]
async fn what_a_server_says_of_somebody_else_is_not_believed() {
    for (reply, told) in [
        (said(&json!({"sub": "eve"})), "somebody else"),
        (said(&json!({"name": "Ada"})), "somebody else"),
        (answer(200).body("CNRY"), "no JSON object"),
        (answer(403).body(r#"{"error":"insufficient_scope","error_description":"CNRY-at1"}"#), "insufficient_scope"),
        (answer(401), "401"),
        (answer(302).header("location", "https://evil.test"), "302"),
    ] {
        let script = server(move |_| reply.clone());
        let session = client(&script, service()).auth().unwrap();
        session.sign_in(ada()).await.unwrap();
        let error = session.user_info().await.unwrap_err();
        assert!(error.kind() == ErrorKind::Auth && error.to_string().contains(told), "{error}");
        assert!(!printed(&error).contains("CNRY"), "{error}");
        assert!(!script.urls().iter().any(|url| url.contains("evil")));
    }
}

#[tokio::test(start_paused = true)]
async fn v_w8_a_client_registers_and_takes_it_back() {
    let script = Script::by(|seen| match seen.method.as_str() {
        "POST" => answer(201).body(
            json!({
                "client_id": "new", "client_secret": "CNRY-new", "registration_access_token": "CNRY-rat",
                "registration_client_uri": "https://id.test/client/new",
            })
            .to_string(),
        ),
        _ => answer(204).body(""),
    });
    let client = script.client();
    let registration = Registration::wipac("https://id.test").name("nm").scopes(["openid", "x"]);
    let registered = client.register(registration).await.unwrap();
    assert_eq!(
        (registered.client_id.as_str(), registered.client_secret.as_ref().unwrap().expose()),
        ("new", "CNRY-new")
    );
    assert!(!format!("{registered:?}").contains("CNRY"));
    registered.delete().await.unwrap();
    let seen = script.seen();
    assert_eq!(
        (seen[0].url.as_str(), seen[0].header("content-type")),
        ("https://id.test/client", Some("application/json"))
    );
    assert_eq!(
        seen[0].body,
        r#"{"grant_types":["authorization_code","urn:ietf:params:oauth:grant-type:device_code"],"client_name":"nm","scope":"openid x"}"#
    );
    assert!(seen[0].header("authorization").is_none());
    assert_eq!((seen[1].method.as_str(), seen[1].url.as_str()), ("DELETE", "https://id.test/client/new"));
    assert_eq!(seen[1].header("authorization"), Some("Bearer CNRY-rat"));
}

#[tokio::test(start_paused = true)]
async fn w76_a_registration_goes_by_discovery_and_its_own_token_to_its_own_origin() {
    let script = Script::by(|seen| match seen.url.as_str() {
        url if url.contains(".well-known") => {
            said(&json!({"issuer": "https://id.test", "registration_endpoint": "https://id.test/reg"}))
        }
        _ => said(&json!({
            "client_id": "new", "registration_access_token": "CNRY-rat",
            "registration_client_uri": "https://evil.test/client/new",
        })),
    });
    let registration = Registration::issuer("https://id.test").initial_access_token("CNRY-iat").auth_method("none");
    let registered = script.client().register(registration.redirect_uris(["http://127.0.0.1/cb"])).await.unwrap();
    assert_eq!(script.seen()[1].header("authorization"), Some("Bearer CNRY-iat"));
    assert!(registered.client_secret.is_none());
    let error = registered.delete().await.unwrap_err();
    assert!(error.to_string().contains("another origin") && !printed(&error).contains("CNRY"), "{error}");
    assert_eq!(script.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn w76_a_registration_that_fails_is_sent_once_and_says_why() {
    for (reply, told) in [
        (answer(400).body(r#"{"error":"invalid_redirect_uri"}"#), "invalid_redirect_uri"),
        (answer(503), "503"),
        (answer(200).body("{}"), "client_id"),
        (answer(200).body("<html>CNRY"), "no JSON object"),
        (answer(302).header("location", "https://evil.test"), "302"),
    ] {
        let script = Script::of([reply]);
        let error = script.client().register(Registration::at("https://id.test/reg")).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Auth && error.to_string().contains(told), "{error}");
        assert!(!printed(&error).contains("CNRY"));
        assert_eq!(script.count(), 1);
    }
}
