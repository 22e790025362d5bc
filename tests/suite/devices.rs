//! O50 to O58, W68 to W74, V-W8: a person signs a device in.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use restwalk::{Auth, Client, DevicePrompt, ErrorKind, OAuth2, Outcome, Result, SignIn, TokenStore};
use serde_json::{Value, json};

use crate::support::{
    canary::printed,
    habits::{DEVICE, Habit, Notes, noted},
    script::{Script, Seen, Step, answer},
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn metadata() -> Value {
    json!({
        "issuer": "https://id.test",
        "token_endpoint": "https://id.test/token",
        "device_authorization_endpoint": "https://id.test/device",
    })
}

fn code(interval: Value, expires_in: u64) -> Value {
    json!({
        "device_code": "CNRY-device-7f3a9c2e4", "user_code": "WDJB-MJHT", "expires_in": expires_in,
        "verification_uri": "https://id.test/activate", "interval": interval,
    })
}

fn said(document: &Value) -> Step {
    answer(200).body(document.to_string())
}

fn refused(error: &str) -> Step {
    answer(400).body(json!({"error": error}).to_string())
}

fn granted() -> Step {
    said(&json!({"access_token": "at", "token_type": "Bearer", "expires_in": 60, "refresh_token": "rt"}))
}

/// A server that gives `code`, and at its token endpoint goes by `steps`.
fn server(code: Value, steps: impl IntoIterator<Item = Step>) -> Script {
    let steps = Script::of(steps);
    Script::by(move |seen| match seen.url.as_str() {
        "https://id.test/device" => said(&code),
        "https://id.test/token" => steps.choose(seen),
        url if url.contains(".well-known") => said(&metadata()),
        _ => answer(200),
    })
}

fn tool() -> OAuth2 {
    OAuth2::issuer("https://id.test").public_client("cid")
}

#[expect(clippy::unnecessary_wraps, reason = "a prompt may fail")]
fn quiet(_: &DevicePrompt) -> Result<()> {
    Ok(())
}

fn client(script: &Script, auth: Auth) -> Client {
    script.builder().auth(auth).build().unwrap()
}

fn polls(script: &Script) -> Vec<Seen> {
    script.seen().into_iter().filter(|seen| seen.url.ends_with("/token")).collect()
}

/// How long after what came before it each poll came, in seconds.
fn gaps(script: &Script) -> Vec<u64> {
    let seen = script.seen();
    let begun = seen.iter().position(|seen| seen.url.ends_with("/device")).unwrap();
    let times: Vec<_> = seen[begun..].iter().map(|seen| seen.at).collect();
    times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]).as_secs()).collect()
}

fn form(seen: &Seen) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(&seen.body).into_owned().collect()
}

async fn sign_in(script: &Script) -> Result<()> {
    client(script, tool().stored()).auth()?.sign_in(SignIn::device(quiet)).await
}

#[tokio::test(start_paused = true)]
async fn v_w8_a_public_device_proves_that_it_began() {
    let script = server(code(json!(5), 600), [granted()]);
    let auth = OAuth2::wipac("https://id.test").public_client("cid").device(quiet);
    client(&script, auth).res("a").get().send().await.unwrap();
    let (asked, poll) = (form(&script.seen()[1]), form(&script.seen()[2]));
    let challenge = asked["code_challenge"].clone();
    let expected = [
        ("client_id", "cid"),
        ("scope", "offline_access"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    assert_eq!(asked, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(challenge.len(), 43);
    let verifier = poll["code_verifier"].clone();
    let expected = [
        ("grant_type", GRANT),
        ("device_code", "CNRY-device-7f3a9c2e4"),
        ("client_id", "cid"),
        ("code_verifier", &verifier),
    ];
    assert_eq!(poll, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(verifier.len(), 86);
    assert!(script.seen()[1..3].iter().all(|seen| seen.header("authorization").is_none()));
    assert_eq!(script.seen()[3].header("authorization"), Some("Bearer at"));
}

#[tokio::test(start_paused = true)]
async fn v_w8_a_confidential_device_signs_in_itself() {
    let script = server(code(json!(5), 600), [granted()]);
    let auth = OAuth2::wipac("https://id.test").client("cid", "s").scopes(["a", "b"]).device(quiet);
    client(&script, auth).res("a").get().send().await.unwrap();
    let (asked, poll) = (&script.seen()[1], &script.seen()[2]);
    assert_eq!(
        (asked.header("authorization"), poll.header("authorization")),
        (Some("Basic Y2lkOnM="), Some("Basic Y2lkOnM="))
    );
    assert_eq!(form(asked)["scope"], "offline_access a b");
    assert!(!form(asked).contains_key("code_challenge") && !form(poll).contains_key("code_verifier"));
}

#[tokio::test(start_paused = true)]
async fn v_w8_the_waits_are_those_that_the_server_asks_for() {
    let pending = || refused("authorization_pending");
    let steps = [pending(), refused("slow_down"), refused("slow_down"), pending(), granted()];
    let script = server(code(json!(7), 600), steps);
    sign_in(&script).await.unwrap();
    assert_eq!(gaps(&script), [7, 7, 12, 17, 17]);
}

#[tokio::test(start_paused = true)]
async fn o50_the_first_question_comes_after_the_interval() {
    let pending = || refused("authorization_pending");
    for interval in [json!(5), json!("5"), json!(0), Value::Null, json!("junk")] {
        let script = server(code(interval, 600), [pending(), pending(), pending(), granted()]);
        sign_in(&script).await.unwrap();
        assert_eq!(gaps(&script), [5, 5, 5, 5]);
    }
}

#[tokio::test(start_paused = true)]
async fn o51_a_server_that_slows_down_is_asked_slower_for_good() {
    let notes = Notes::default();
    let router = noted(Habit::SlowsDown, &notes);
    let auth = OAuth2::issuer("http://local").trust("http://local");
    let error = Client::local(router.clone()).auth(auth.public_client("public").stored()).build().unwrap_err();
    assert!(error.to_string().contains("https"), "{error}");
    let auth = OAuth2::issuer("http://localhost").public_client("public").stored();
    let client = Client::local(router).auth(auth).build().unwrap();
    client.auth().unwrap().sign_in(SignIn::device(quiet)).await.unwrap();
    let asked = notes.all();
    let gaps: Vec<_> = asked.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs()).collect();
    assert_eq!(gaps, [5, 10, 15]);
    assert!(asked.iter().all(|asked| asked.form["device_code"] == DEVICE));
}

#[tokio::test(start_paused = true)]
async fn o53_a_sign_in_ends_where_the_person_or_the_time_says_so() {
    let pending = || refused("authorization_pending");
    for (last, error_code, told, polled) in [
        (refused("access_denied"), "auth.denied", "access_denied", 2),
        (refused("expired_token"), "auth.expired", "expired_token", 2),
        (refused("invalid_grant"), "auth.denied", "invalid_grant", 2),
        (pending(), "auth.expired", "start again", 6),
    ] {
        let script = server(code(json!(5), 28), [pending(), last]);
        let began = tokio::time::Instant::now();
        let error = sign_in(&script).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, error_code));
        assert!(error.to_string().contains(told), "{error}");
        assert!(began.elapsed() <= Duration::from_secs(28 + 5));
        assert_eq!(polls(&script).len(), polled);
        assert!(!printed(&error).contains("CNRY"));
    }
}

#[tokio::test(start_paused = true)]
async fn o54_a_server_that_cannot_say_is_asked_less_often_until_it_can() {
    let lost = Step::Fail(ErrorKind::Protocol, Outcome::MaybeProcessed);
    let steps =
        [lost, answer(500), answer(400).body("<html>"), answer(429), refused("authorization_pending"), granted()];
    let script = server(code(json!(5), 900), steps);
    sign_in(&script).await.unwrap();
    assert_eq!(gaps(&script), [5, 10, 20, 40, 60, 5]);
    let script = server(code(json!(5), 100), [answer(500)]);
    assert_eq!(sign_in(&script).await.unwrap_err().code(), "auth.expired");
    assert_eq!(gaps(&script), [5, 10, 20, 40, 25], "no wait is longer than the code is good for");
}

#[tokio::test(start_paused = true)]
async fn o58_a_person_who_comes_at_the_last_moment_is_signed_in() {
    let pending = || refused("authorization_pending");
    let script = server(code(json!(5), 12), [pending(), pending(), granted()]);
    sign_in(&script).await.unwrap();
    assert_eq!(gaps(&script), [5, 5, 2]);
}

#[tokio::test(start_paused = true)]
async fn o55_a_sign_in_that_is_dropped_stops_at_once_and_leaves_nothing() {
    let store = TokenStore::memory();
    let script = server(code(json!(5), 600), [refused("authorization_pending"), granted()]);
    let client = client(&script, tool().store(&store).stored());
    let session = client.auth().unwrap();
    let signing = tokio::time::timeout(Duration::from_secs(7), session.sign_in(SignIn::device(quiet)));
    assert!(signing.await.is_err());
    let asked = script.count();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(script.count(), asked, "nobody is asked any more");
    assert_eq!(client.res("a").get().await.unwrap_err().code(), "auth.required");
}

#[tokio::test(start_paused = true)]
async fn o55_a_call_that_nobody_waits_for_asks_no_person() {
    let script =
        server(code(json!(5), 600), [refused("authorization_pending"), refused("authorization_pending"), granted()]);
    let client = client(&script, tool().device(quiet));
    let calls = [client.clone(), client.clone()].map(|client| {
        tokio::spawn(async move {
            tokio::time::timeout(Duration::from_secs(7), client.res("a").get().send()).await.is_err()
        })
    });
    for call in calls {
        assert!(call.await.unwrap(), "it gave up");
    }
    let asked = script.count();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(script.count(), asked, "nobody is asked any more");
    client.res("a").get().send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn w68_a_server_without_the_grant_is_asked_nothing_else() {
    let script = Script::by(|seen| match seen.url.as_str() {
        url if url.contains(".well-known") => {
            said(&json!({"issuer": "https://id.test", "token_endpoint": "https://id.test/token"}))
        }
        _ => answer(500),
    });
    let error = sign_in(&script).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "auth.denied"));
    assert!(error.to_string().contains("device_authorization_endpoint"), "{error}");
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn w71_a_device_that_is_refused_says_why() {
    for (reply, error_code, told) in [
        (answer(401).body(r#"{"error":"invalid_client"}"#), "auth.denied", "invalid_client"),
        (answer(200).body(r#"{"error":"access_denied"}"#), "auth.denied", "access_denied"),
        (answer(400).body("<html>CNRY"), "auth.refresh_failed", "400"),
        (answer(200).body("<html>CNRY"), "auth.refresh_failed", "no JSON object"),
        (answer(200).body("{}"), "auth.refresh_failed", "device_code"),
        (answer(307).header("location", "https://evil.test"), "auth.refresh_failed", "redirect"),
    ] {
        let script =
            Script::by(move |seen| if seen.url.contains(".well-known") { said(&metadata()) } else { reply.clone() });
        let error = sign_in(&script).await.unwrap_err();
        assert_eq!(error.code(), error_code);
        assert!(error.to_string().contains(told) && !printed(&error).contains("CNRY"), "{error}");
        assert_eq!(script.count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn w74_both_tokens_are_kept_and_a_second_program_needs_no_person() {
    let store = TokenStore::memory();
    let script = server(code(json!(5), 600), [granted()]);
    let shown = Arc::new(AtomicUsize::new(0));
    let auth = || {
        let shown = Arc::clone(&shown);
        tool().store(&store).device(move |prompt| {
            assert_eq!(prompt.user_code, "WDJB-MJHT");
            shown.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    };
    client(&script, auth()).res("a").get().send().await.unwrap();
    let second = client(&script, auth());
    second.res("a").get().send().await.unwrap();
    assert_eq!((shown.load(Ordering::SeqCst), polls(&script).len()), (1, 1), "the access token is kept");
    second.auth().unwrap().invalidate();
    second.res("a").get().send().await.unwrap();
    assert_eq!((shown.load(Ordering::SeqCst), polls(&script).len()), (1, 2));
    let last = form(&polls(&script)[1]);
    assert_eq!((last["grant_type"].as_str(), last["refresh_token"].as_str()), ("refresh_token", "rt"));
}

#[tokio::test(start_paused = true)]
async fn w74_an_access_token_alone_is_enough() {
    let alone = said(&json!({"access_token": "at", "token_type": "Bearer", "expires_in": 60}));
    let script = server(code(json!(5), 600), [alone]);
    let client = client(&script, tool().stored());
    client.auth().unwrap().sign_in(SignIn::device(quiet)).await.unwrap();
    client.res("a").get().send().await.unwrap();
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(client.res("a").get().await.unwrap_err().code(), "auth.required");
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_cannot_be_shown_ends_the_sign_in() {
    let script = server(code(json!(5), 600), [granted()]);
    let client = client(&script, tool().stored());
    let broken = SignIn::device(|_| Err(restwalk::Error::new(ErrorKind::Auth, "no terminal")));
    let error = client.auth().unwrap().sign_in(broken).await.unwrap_err();
    assert!(error.to_string().contains("no terminal"));
    assert!(polls(&script).is_empty());
}

/// What was sent with each extra field: all forms that ask for a code or a token.
#[tokio::test(start_paused = true)]
async fn further_fields_stand_in_both_forms() {
    let script = server(code(json!(5), 600), [granted()]);
    let shown = Arc::new(Mutex::new(String::new()));
    let note = Arc::clone(&shown);
    let auth = tool().extra("audience", "api").device(move |prompt| {
        *note.lock().unwrap() = prompt.to_string();
        Ok(())
    });
    client(&script, auth).res("a").get().send().await.unwrap();
    assert!(script.seen()[1..3].iter().all(|seen| form(seen)["audience"] == "api"));
    let shown = shown.lock().unwrap();
    assert!(shown.contains("https://id.test/activate") && shown.contains("WDJB-MJHT"), "{shown}");
}
