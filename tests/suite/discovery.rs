//! O31, O32, W60, W66, W84: an OAuth server that is found by its own metadata.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use restwalk::{Auth, Client, ErrorKind, OAuth2, Transport};
use serde_json::{Value, json};

use crate::support::{
    canary::printed,
    habits::{CLIENT, Habit, router},
    script::{Script, Seen, Step, answer},
};

const OPENID: &str = "https://id.test/.well-known/openid-configuration";
const OAUTH: &str = "https://id.test/.well-known/oauth-authorization-server";

fn metadata() -> Value {
    json!({
        "issuer": "https://id.test",
        "token_endpoint": "https://id.test/token",
        "device_authorization_endpoint": "https://id.test/device",
    })
}

fn said(document: &Value) -> Step {
    answer(200).body(document.to_string())
}

fn token() -> Step {
    answer(200).body(r#"{"access_token":"at","token_type":"Bearer","expires_in":60}"#)
}

/// A server whose metadata is what `choose` says, a token endpoint anywhere, and an API.
fn server(choose: impl Fn(&Seen) -> Step + Send + Sync + 'static) -> Script {
    Script::by(move |seen| match seen.url.as_str() {
        url if url.contains("/.well-known/") => choose(seen),
        url if url.ends_with("/token") => token(),
        _ => answer(200),
    })
}

fn service() -> OAuth2 {
    OAuth2::issuer("https://id.test").client("cid", "CNRY-secret-7f3a9c2e41d8")
}

fn client(script: &Script, auth: Auth) -> Client {
    script.builder().auth(auth).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn w60_metadata_is_fetched_when_it_is_needed_and_once() {
    let script = server(|_| said(&metadata()));
    let client = client(&script, service().client_credentials());
    assert_eq!(script.count(), 0, "nothing is asked before it is needed");
    for _ in 0..3 {
        client.res("a").get().send().await.unwrap();
        client.auth().unwrap().invalidate();
    }
    let asked: Vec<_> = script.urls().into_iter().filter(|url| !url.starts_with("http://api.test")).collect();
    assert_eq!(asked, [OPENID, "https://id.test/token", "https://id.test/token", "https://id.test/token"]);
    assert!(script.seen()[0].header("authorization").is_none() && script.seen()[0].method == "GET");
}

#[tokio::test(start_paused = true)]
async fn w60_many_who_need_it_ask_once() {
    let script = server(|_| said(&metadata()).after(std::time::Duration::from_secs(1)));
    let client = client(&script, service().userinfo_url("https://id.test/userinfo").client_credentials());
    let session = client.auth().unwrap();
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { session.user_info().await.map(|_| ()) })
        })
        .collect();
    for one in asked {
        one.await.unwrap().unwrap();
    }
    assert_eq!(script.urls().iter().filter(|url| *url == OPENID).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn w66_after_a_failure_it_is_fetched_again() {
    let down = Arc::new(AtomicUsize::new(3));
    let left = Arc::clone(&down);
    let script = server(move |_| {
        let down = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if down { answer(503) } else { said(&metadata()) }
    });
    let client = client(&script, service().client_credentials());
    let error = client.res("a").get().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "auth.refresh_failed"));
    assert!(error.to_string().contains(OPENID) && error.to_string().contains("503"), "{error}");
    assert_eq!(script.urls(), [OPENID; 3], "what may pass is tried three times");
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    client.res("a").get().send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn metadata_of_rfc_8414_is_found_where_there_is_no_openid() {
    for nothing in [answer(404), answer(200).body("<html>not here</html>"), answer(405)] {
        let script = server(move |seen| if seen.url == OPENID { nothing.clone() } else { said(&metadata()) });
        client(&script, service().client_credentials()).res("a").get().send().await.unwrap();
        assert_eq!(script.urls()[..2], [OPENID, OAUTH]);
    }
}

#[tokio::test(start_paused = true)]
async fn o31_metadata_cannot_move_a_secret_to_another_origin() {
    let mut elsewhere = metadata();
    elsewhere["token_endpoint"] = "https://evil.test/token".into();
    let document = elsewhere.clone();
    let script = server(move |_| said(&document));
    let error = client(&script, service().client_credentials()).res("a").get().await.unwrap_err();
    assert_eq!(script.urls(), [OPENID]);
    let told = error.to_string();
    for part in ["https://id.test", "https://evil.test", ".trust("] {
        assert!(told.contains(part), "{told}");
    }

    let script = server(move |_| said(&elsewhere));
    client(&script, service().trust("https://evil.test").client_credentials()).res("a").get().send().await.unwrap();
    assert_eq!(script.urls()[1], "https://evil.test/token");
}

#[tokio::test(start_paused = true)]
async fn o26_metadata_that_is_none_is_told_without_an_excerpt() {
    let mut other = metadata();
    other["issuer"] = "https://other.test".into();
    let huge = format!(r#"{{"issuer":"https://id.test","CNRY":"{}"}}"#, "CNRY".repeat(5 << 18));
    for (document, told) in [
        (answer(302).header("location", "https://evil.test/CNRY"), "redirect"),
        (answer(200).body("<html>CNRY</html>"), "no JSON object"),
        (answer(200).body(r#"["CNRY"]"#), "no JSON object"),
        (answer(200).body("CNRY\u{ff}"), "no JSON object"),
        (answer(200).body(huge), "could not be asked"),
        (answer(404).body("CNRY"), "404"),
        (said(&other), "https://other.test"),
        (said(&json!({"CNRY": 1})), "names no issuer"),
    ] {
        let script = server(move |_| document.clone());
        let error = client(&script, service().client_credentials()).res("a").get().await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "auth.refresh_failed"));
        let printed = printed(&error);
        assert!(printed.contains(told) && !printed.contains("CNRY"), "{printed}");
        assert!(script.urls().iter().all(|url| url.starts_with("https://id.test/.well-known/")));
    }
}

#[tokio::test(start_paused = true)]
async fn w84_what_the_caller_gives_goes_before_what_the_issuer_says() {
    let script = server(|_| said(&metadata()));
    let auth = service().device_url("https://else.test/device").device(|_| Ok(()));
    client(&script, auth).res("a").get().await.unwrap_err();
    assert_eq!(script.urls(), ["https://else.test/device"], "nothing has to be found out for it");
}

#[tokio::test(start_paused = true)]
async fn o31_an_api_that_asks_for_another_servers_token_gets_no_renewal() {
    let script = Script::by(|seen| match seen.url.as_str() {
        OPENID => said(&metadata()),
        url if url.ends_with("/token") => {
            answer(200).body(r#"{"access_token":"CNRY-at","token_type":"Bearer","refresh_token":"CNRY-rt"}"#)
        }
        _ => answer(401).header("www-authenticate", r#"Bearer error="invalid_token", issuer="https://evil.test/a""#),
    });
    let error = client(&script, service().refresh_token("CNRY-refresh")).res("a").get().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "auth.required"));
    assert!(error.to_string().contains("https://evil.test/a"), "{error}");
    assert_eq!(script.urls(), [OPENID, "https://id.test/token", "http://api.test/a"]);
    assert!(!printed(&error).contains("CNRY"));
}

/// A server that calls itself `localhost`, and is reached by its number.
#[tokio::test(start_paused = true)]
async fn an_issuer_of_this_machine_may_have_two_names() {
    let server = restwalk::Local::new(router(Habit::CallsItselfLocalhost));
    let script = Script::by(|_| answer(200));
    let both: Both = Both(Arc::new(server), script.clone());
    let auth = OAuth2::issuer("http://127.0.0.1:8080").client(CLIENT.0, CLIENT.1).client_credentials();
    let client = Client::builder("http://api.test").transport(both).auth(auth).build().unwrap();
    client.res("a").get().send().await.unwrap();
    assert!(script.seen()[0].header("authorization").unwrap().starts_with("Bearer CNRY-access"));
}

/// A server for this machine, and a script for the rest.
#[derive(Debug)]
struct Both(Arc<dyn Transport>, Script);

impl Transport for Both {
    fn exchange(
        &self,
        request: http::Request<restwalk::WireBody>,
    ) -> restwalk::BoxFuture<'_, restwalk::Result<http::Response<restwalk::WireBody>>> {
        let api = request.uri().host() == Some("api.test");
        if api { self.1.exchange(request) } else { self.0.exchange(request) }
    }
}
