//! OAuth 2.0 over the whole loop: who asks for a token, how often, with what, and what a failure means.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use restwalk::{
    Auth, BoxFuture, Client, Error, ErrorKind, OAuth2, Outcome, Result, Secret, TokenBackend, TokenKey, TokenLock,
    TokenRecord, TokenStore,
};

use crate::support::{
    canary::{canary, find, printed},
    script::{Script, Seen, Step, answer},
};

const TOKEN: &str = "https://id.test/token";

fn is_token(seen: &Seen) -> bool {
    seen.url == TOKEN
}

fn json(body: &str) -> Step {
    answer(200).header("content-type", "application/json").body(body.to_owned())
}

/// A token that lasts `seconds`, the count of requests in its name.
fn token(count: usize, seconds: u64) -> Step {
    json(&format!(r#"{{"access_token":"at{count}","token_type":"Bearer","expires_in":{seconds}}}"#))
}

/// A server that gives the tokens `at1`, `at2` …, and an API that answers 200.
fn giving(seconds: u64) -> (Script, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let script = Script::by(move |seen| {
        if is_token(seen) { token(counted.fetch_add(1, Ordering::SeqCst) + 1, seconds) } else { answer(200) }
    });
    (script, count)
}

/// A server whose token endpoint goes by `steps`, and an API that answers 200.
fn scripted(steps: impl IntoIterator<Item = Step>) -> Script {
    let steps = Script::of(steps);
    let turn = Mutex::new(steps);
    Script::by(move |seen| if is_token(seen) { turn.lock().unwrap().choose(seen) } else { answer(200) })
}

fn service() -> OAuth2 {
    OAuth2::token_url(TOKEN).client("cid", "sec")
}

fn client(script: &Script, auth: Auth) -> Client {
    script.builder().auth(auth).build().unwrap()
}

fn client_of(script: &Script) -> Client {
    client(script, service().client_credentials())
}

fn token_requests(script: &Script) -> Vec<Seen> {
    script.seen().into_iter().filter(is_token).collect()
}

fn form(seen: &Seen) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(&seen.body).into_owned().collect()
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn bearers(script: &Script) -> Vec<String> {
    let calls = script.seen().into_iter().filter(|seen| !is_token(seen));
    calls.map(|seen| seen.header("authorization").unwrap_or("none").to_owned()).collect()
}

async fn call(client: &Client) -> Result<()> {
    client.res("a").get().send().await.map(|_| ())
}

async fn at_once(client: &Client, tasks: usize) -> Vec<Result<()>> {
    let calls: Vec<_> = (0..tasks)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { call(&client).await })
        })
        .collect();
    let mut ended = Vec::new();
    for call in calls {
        ended.push(call.await.unwrap());
    }
    ended
}

#[tokio::test(start_paused = true)]
async fn o01_a_redirect_of_the_token_endpoint_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let script = scripted([answer(status).header("location", "https://id.test/other")]);
        let error = call(&client(&script, service().client_credentials())).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code(), error.outcome()),
            (ErrorKind::Auth, "auth.refresh_failed", Outcome::NotSent)
        );
        assert_eq!(script.urls(), [TOKEN], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn o02_a_token_url_in_the_clear_is_a_mistake_of_the_settings() {
    let script = Script::of([answer(200)]);
    for url in ["http://id.test/token", "ftp://id.test", "token"] {
        let auth = OAuth2::token_url(url).client("cid", "sec").client_credentials();
        let error = script.builder().auth(auth).build().unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "config"), "{url}");
    }
    for (auth, told) in [
        (OAuth2::token_url(TOKEN).client_credentials(), ".client("),
        (service().scopes(["a b"]).client_credentials(), "scope"),
        (service().timeout(Duration::ZERO).client_credentials(), "timeout"),
    ] {
        let error = script.builder().auth(auth).build().unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
    assert_eq!(script.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn o03_a_thousand_tasks_make_one_token_request_per_expiry() {
    let (script, count) = giving(60);
    let client = client(&script, service().client_credentials());
    for round in 1..=5 {
        assert!(at_once(&client, 1_000).await.iter().all(Result::is_ok));
        assert_eq!(count.load(Ordering::SeqCst), round);
        let new = format!("Bearer at{round}");
        assert!(bearers(&script)[(round - 1) * 1_000..].iter().all(|bearer| *bearer == new));
        tokio::time::advance(Duration::from_secs(61)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn o04_a_caller_that_gives_up_does_not_stop_the_renewal() {
    let script =
        Script::by(|seen| if is_token(seen) { token(1, 60).after(Duration::from_secs(2)) } else { answer(200) });
    let client = client(&script, service().client_credentials());
    let leader = tokio::time::timeout(Duration::from_secs(1), call(&client));
    let follower = tokio::spawn({
        let client = client.clone();
        async move { call(&client).await }
    });
    assert!(leader.await.is_err());
    follower.await.unwrap().unwrap();
    call(&client).await.unwrap();
    assert_eq!(token_requests(&script).len(), 1);
}

/// A store whose first lock panics.
#[derive(Debug, Default)]
struct Panicking(AtomicUsize);

impl TokenBackend for Panicking {
    fn read<'a>(&'a self, _: &'a TokenKey) -> BoxFuture<'a, Result<Option<TokenRecord>>> {
        Box::pin(async { Ok(None) })
    }

    fn lock<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Box<dyn TokenLock>>> {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "as the test wants it");
        Box::pin(async move { TokenStore::memory().lock(key).await })
    }
}

#[tokio::test(start_paused = true)]
async fn o05_a_renewal_that_panics_is_begun_again() {
    let (script, count) = giving(60);
    let store = TokenStore::own(Panicking::default());
    let client = client(&script, service().store(&store).client_credentials());
    assert!(at_once(&client, 10).await.iter().all(Result::is_ok));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn o06_a_failure_is_told_to_all_and_holds_for_a_while() {
    let script = scripted([answer(500)]);
    let client = client(&script, service().client_credentials());
    for ended in at_once(&client, 100).await {
        let error = ended.unwrap_err();
        assert_eq!((error.code(), error.outcome()), ("auth.refresh_failed", Outcome::NotSent));
        assert_eq!(error.status().unwrap(), 500);
    }
    assert_eq!(script.count(), 3, "three attempts, for a hundred callers");
    call(&client).await.unwrap_err();
    assert_eq!(script.count(), 3, "nothing is asked for a second");
    tokio::time::advance(Duration::from_millis(1_001)).await;
    call(&client).await.unwrap_err();
    assert_eq!(script.count(), 6);
    tokio::time::advance(Duration::from_millis(1_001)).await;
    call(&client).await.unwrap_err();
    assert_eq!(script.count(), 6, "then for two");
}

#[tokio::test(start_paused = true)]
async fn o06_a_token_that_is_still_good_is_used_while_renewal_fails() {
    let script = scripted([token(1, 100), answer(500)]);
    let client = client(&script, service().client_credentials());
    call(&client).await.unwrap();
    tokio::time::advance(Duration::from_secs(95)).await;
    call(&client).await.unwrap();
    assert_eq!(token_requests(&script).len(), 4);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(call(&client).await.unwrap_err().code(), "auth.refresh_failed");
    assert_eq!(bearers(&script), ["Bearer at1", "Bearer at1"]);
}

/// An API that accepts the tokens from number `from` on.
fn strict(from: usize, status: u16) -> (Script, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let script = Script::by(move |seen| {
        if is_token(seen) {
            return token(counted.fetch_add(1, Ordering::SeqCst) + 1, 3600);
        }
        let number = seen.header("authorization").and_then(|bearer| bearer.strip_prefix("Bearer at")?.parse().ok());
        answer(if number.unwrap_or(0) >= from { 200 } else { status })
    });
    (script, count)
}

#[tokio::test(start_paused = true)]
async fn o07_a_token_that_the_api_refuses_is_renewed_once() {
    let (script, count) = strict(2, 401);
    call(&client(&script, service().client_credentials())).await.unwrap();
    assert_eq!(
        (bearers(&script), count.load(Ordering::SeqCst)),
        (vec!["Bearer at1".to_owned(), "Bearer at2".into()], 2)
    );

    let (script, count) = strict(99, 401);
    let error = call(&client(&script, service().client_credentials())).await.unwrap_err();
    assert_eq!((error.kind(), error.code(), error.status().unwrap().as_u16()), (ErrorKind::Status, "auth.denied", 401));
    assert_eq!((bearers(&script).len(), count.load(Ordering::SeqCst)), (2, 2));

    // An API that refuses every token costs few of them.
    let (script, count) = strict(99, 401);
    let refusing = client_of(&script);
    for _ in 0..100 {
        assert_eq!(call(&refusing).await.unwrap_err().code(), "auth.denied");
    }
    assert_eq!((bearers(&script).len(), count.load(Ordering::SeqCst)), (105, 6));
    tokio::time::advance(Duration::from_secs(30)).await;
    call(&refusing).await.unwrap_err();
    assert_eq!((bearers(&script).len(), count.load(Ordering::SeqCst)), (107, 7));

    let (script, count) = strict(99, 403);
    assert_eq!(call(&client(&script, service().client_credentials())).await.unwrap_err().code(), "status");
    assert_eq!((bearers(&script).len(), count.load(Ordering::SeqCst)), (1, 1), "a 403 renews nothing");
}

#[tokio::test(start_paused = true)]
async fn o08_five_hundred_refusals_of_one_token_make_one_renewal() {
    let (script, count) = strict(2, 401);
    let client = client(&script, service().client_credentials());
    assert!(at_once(&client, 500).await.iter().all(Result::is_ok));
    assert_eq!(count.load(Ordering::SeqCst), 2);
    let late = client.res("a").get().send().await;
    assert!(late.is_ok() && count.load(Ordering::SeqCst) == 2);
}

/// A store that writes as told, and may be changed from outside as another process would.
#[derive(Debug, Default, Clone)]
struct Told(Arc<ToldState>);

#[derive(Debug, Default)]
struct ToldState {
    record: Mutex<Option<TokenRecord>>,
    fails: AtomicUsize,
    writes: AtomicUsize,
}

impl Told {
    fn with(json: &str) -> Self {
        let told = Self::default();
        *told.0.record.lock().unwrap() = Some(TokenRecord::from_json(json).unwrap());
        told
    }

    fn set(&self, json: &str) {
        *self.0.record.lock().unwrap() = Some(TokenRecord::from_json(json).unwrap());
    }

    fn json(&self) -> serde_json::Value {
        let record = self.0.record.lock().unwrap().clone();
        record.map_or(serde_json::Value::Null, |record| serde_json::from_str(record.to_json().expose()).unwrap())
    }

    fn store(&self) -> TokenStore {
        TokenStore::own(self.clone())
    }
}

impl TokenBackend for Told {
    fn read<'a>(&'a self, _: &'a TokenKey) -> BoxFuture<'a, Result<Option<TokenRecord>>> {
        let record = self.0.record.lock().unwrap().clone();
        Box::pin(async { Ok(record) })
    }

    fn lock<'a>(&'a self, _: &'a TokenKey) -> BoxFuture<'a, Result<Box<dyn TokenLock>>> {
        let told = self.clone();
        Box::pin(async move { Ok(Box::new(told) as Box<dyn TokenLock>) })
    }
}

impl TokenLock for Told {
    fn read(&mut self) -> BoxFuture<'_, Result<Option<TokenRecord>>> {
        let record = self.0.record.lock().unwrap().clone();
        Box::pin(async { Ok(record) })
    }

    fn write<'a>(&'a mut self, record: &'a TokenRecord) -> BoxFuture<'a, Result<()>> {
        self.0.writes.fetch_add(1, Ordering::SeqCst);
        let fails = self.0.fails.load(Ordering::SeqCst) > 0;
        if !fails {
            *self.0.record.lock().unwrap() = Some(record.clone());
        }
        Box::pin(async move { if fails { Err(Error::new(ErrorKind::Store, "the disk is full")) } else { Ok(()) } })
    }
}

/// A store whose lock somebody else holds for ever.
#[derive(Debug)]
struct Taken(Told);

impl TokenBackend for Taken {
    fn read<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<TokenRecord>>> {
        TokenBackend::read(&self.0, key)
    }

    fn lock<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Box<dyn TokenLock>>> {
        Box::pin(async move {
            let store = TokenStore::memory();
            let _held = store.lock(key).await?;
            store.lock(key).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn o12_a_token_that_is_still_good_is_used_while_another_holds_the_lock() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    for (ends, expected) in [(now + 9_000, Ok(())), (now - 1, Err("store.locked"))] {
        let record = format!(
            r#"{{"generation":1,"access_token":"theirs","refresh_token":"r","issued_at":{},"expires_at":{ends}}}"#,
            now - 3_600_000
        );
        let script = Script::of([answer(200)]);
        let store = TokenStore::own(Taken(Told::with(&record)));
        let client = client(&script, service().store(&store).stored());
        let ended = call(&client).await;
        assert_eq!(ended.as_ref().copied().map_err(Error::code), expected);
        assert_eq!(bearers(&script), if expected.is_ok() { vec!["Bearer theirs"] } else { vec![] });
    }
}

fn refused() -> Step {
    answer(400).body(r#"{"error":"invalid_grant"}"#)
}

fn refreshed(count: usize, refresh: Option<&str>) -> Step {
    let refresh = refresh.map_or(String::new(), |token| format!(r#","refresh_token":"{token}""#));
    json(&format!(r#"{{"access_token":"at{count}","token_type":"bearer","expires_in":60{refresh},"x":1}}"#))
}

#[tokio::test(start_paused = true)]
async fn o13_a_newer_refresh_token_in_the_store_is_adopted() {
    let told = Told::with(r#"{"generation":1,"refresh_token":"r1"}"#);
    let other = told.clone();
    let script = Script::by(move |seen| match form(seen).get("refresh_token").map(String::as_str) {
        // Another process redeemed it, and writes what it got while this one is refused.
        Some("r1") => {
            other.set(r#"{"generation":2,"refresh_token":"r2"}"#);
            refused()
        }
        Some("r2") => refreshed(3, Some("r3")),
        _ => answer(200),
    });
    call(&client(&script, service().store(&told.store()).stored())).await.unwrap();
    assert_eq!(bearers(&script), ["Bearer at3"]);
    assert_eq!((told.json()["refresh_token"].as_str(), told.json()["generation"].as_u64()), (Some("r3"), Some(3)));

    // With an access token that is good nothing is redeemed again.
    let told = Told::with(r#"{"generation":1,"refresh_token":"r1"}"#);
    let other = told.clone();
    let script = Script::by(move |seen| {
        if is_token(seen) {
            other.set(r#"{"generation":2,"refresh_token":"r2","access_token":"theirs"}"#);
            refused()
        } else {
            answer(200)
        }
    });
    call(&client(&script, service().store(&told.store()).stored())).await.unwrap();
    assert_eq!(bearers(&script), ["Bearer theirs"]);
}

#[tokio::test(start_paused = true)]
async fn o14_a_refused_refresh_token_is_marked_and_nothing_else_lost() {
    let told = Told::with(
        r#"{"generation":4,"refresh_token":"r1","scope":"a b","issued_at":1600000000000,"expires_at":1600000001000,"access_token":"old","own":[1]}"#,
    );
    let script = scripted([refused()]);
    let client = client(&script, service().store(&told.store()).stored());
    let error = call(&client).await.unwrap_err();
    assert_eq!((error.kind(), error.code(), error.outcome()), (ErrorKind::Auth, "auth.reauth", Outcome::NotSent));
    let kept = told.json();
    assert_eq!(kept["reauth_required"], true);
    assert_eq!((&kept["refresh_token"], &kept["scope"], &kept["own"][0]), (&"r1".into(), &"a b".into(), &1.into()));
    assert_ne!(kept["expires_at"], 0);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(call(&client).await.unwrap_err().code(), "auth.reauth");
    assert_eq!(script.count(), 1, "it is not tried again");
}

#[tokio::test(start_paused = true)]
async fn o15_a_refresh_token_that_is_not_replaced_is_kept() {
    let told = Told::with(r#"{"generation":1,"refresh_token":"r1"}"#);
    let script = scripted([refreshed(1, None), refreshed(2, Some("")), refreshed(3, Some("r3"))]);
    let client = client(&script, service().store(&told.store()).stored());
    for (round, kept) in [(1, "r1"), (2, "r1"), (3, "r3")] {
        call(&client).await.unwrap();
        assert_eq!(
            (told.json()["generation"].as_u64(), told.json()["refresh_token"].as_str()),
            (Some(round + 1), Some(kept))
        );
        tokio::time::advance(Duration::from_secs(60)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn o16_a_lost_answer_is_asked_for_once_more_with_the_same_refresh_token() {
    let lost = || Step::Fail(ErrorKind::Protocol, Outcome::MaybeProcessed);
    for (steps, requests, expected) in [
        (vec![lost(), refreshed(1, Some("r2"))], 2, Ok(())),
        (vec![lost(), refused()], 2, Err("auth.reauth")),
        (vec![lost(), lost(), refreshed(1, None)], 2, Err("auth.refresh_failed")),
        (vec![Step::Cut(200, "{".into()), refreshed(1, None)], 2, Ok(())),
    ] {
        let told = Told::with(r#"{"generation":1,"refresh_token":"r1"}"#);
        let script = scripted(steps);
        let ended = call(&client(&script, service().store(&told.store()).stored())).await;
        assert_eq!(ended.as_ref().copied().map_err(Error::code), expected);
        let sent: Vec<_> = token_requests(&script).iter().map(|seen| form(seen)["refresh_token"].clone()).collect();
        assert_eq!(sent, vec!["r1"; requests]);
    }
}

#[tokio::test(start_paused = true)]
async fn o17_a_token_that_the_store_does_not_take_is_used_and_offered_again() {
    let told = Told::with(r#"{"generation":1,"refresh_token":"r1"}"#);
    told.0.fails.store(1, Ordering::SeqCst);
    let script = scripted([refreshed(1, Some("r2")), refreshed(2, Some("r3"))]);
    let client = client(&script, service().store(&told.store()).stored());
    call(&client).await.unwrap();
    assert_eq!(told.json()["refresh_token"], "r1");
    assert!(!client.auth().unwrap().is_saved());
    call(&client).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!((told.0.writes.load(Ordering::SeqCst), client.auth().unwrap().is_saved()), (2, false));
    // What is newest is redeemed, though the store does not have it.
    tokio::time::advance(Duration::from_secs(60)).await;
    told.0.fails.store(0, Ordering::SeqCst);
    call(&client).await.unwrap();
    assert_eq!(form(&token_requests(&script)[1])["refresh_token"], "r2");
    assert_eq!((told.json()["refresh_token"].as_str(), client.auth().unwrap().is_saved()), (Some("r3"), true));
}

#[tokio::test(start_paused = true)]
async fn o20_a_token_that_is_over_at_once_is_used_once() {
    for seconds in [0, 5] {
        let (script, count) = giving(seconds);
        let auth = service().margin(Duration::from_secs(5)).client_credentials();
        let client = client(&script, auth);
        for round in 1..=3 {
            call(&client).await.unwrap();
            assert_eq!(count.load(Ordering::SeqCst), round);
        }
        assert_eq!(bearers(&script), ["Bearer at1", "Bearer at2", "Bearer at3"]);
    }
    let script = scripted([json(r#"{"access_token":"at1","token_type":"Bearer"}"#), token(2, 60)]);
    let client = client(&script, service().client_credentials());
    for _ in 0..3 {
        call(&client).await.unwrap();
        tokio::time::advance(Duration::from_secs(1 << 30)).await;
    }
    assert_eq!(token_requests(&script).len(), 1, "it is good until the server refuses it");
}

#[tokio::test(start_paused = true)]
async fn o23_a_token_is_renewed_in_the_background_while_it_is_good() {
    let slow = |count| token(count, 1_000).after(Duration::from_secs(5));
    let script = scripted([token(1, 1_000), slow(2), token(3, 1_000)]);
    let client = client(&script, service().client_credentials());
    call(&client).await.unwrap();
    tokio::time::advance(Duration::from_secs(950)).await;
    let began = tokio::time::Instant::now();
    assert!(at_once(&client, 100).await.iter().all(Result::is_ok));
    assert_eq!(began.elapsed(), Duration::ZERO, "nobody waited");
    assert_eq!(bearers(&script)[1..], vec!["Bearer at1"; 100]);
    tokio::time::sleep(Duration::from_secs(6)).await;
    call(&client).await.unwrap();
    assert_eq!((bearers(&script).last().unwrap().as_str(), token_requests(&script).len()), ("Bearer at2", 2));
}

#[tokio::test(start_paused = true)]
async fn o26_no_answer_of_a_token_endpoint_is_shown_or_read_without_end() {
    let secret = canary("token");
    let huge = "x".repeat(5 << 20);
    for step in [
        json(&format!(r#"{{"error":"invalid_request","error_description":"no {secret}"}}"#)),
        answer(400).header("content-type", "text/html").body(format!("<html>{secret}</html>")),
        json(&huge),
        answer(400).body(huge.clone()),
        json(&format!("{secret}\u{fffd}")),
        answer(200).body(vec![0xff, 0xfe, b'{']),
        answer(204).body(""),
    ] {
        let script = scripted([step]);
        let auth = OAuth2::token_url(TOKEN).client("cid", secret.as_str()).client_credentials();
        let error = call(&client(&script, auth)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
        let text = printed(&error);
        assert!(find(&text, [&secret]).is_none() && text.len() < 8_192, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn o27_the_scope_that_was_granted_is_kept() {
    let told = Told::default();
    let script = scripted([json(r#"{"access_token":"a","token_type":"Bearer","scope":"read"}"#)]);
    let auth = service().scopes(["read", "write"]).store(&told.store()).client_credentials();
    call(&client(&script, auth)).await.unwrap();
    assert_eq!(told.json()["scope"], "read");
    assert_eq!(form(&script.seen()[0])["scope"], "read write");
}

#[tokio::test(start_paused = true)]
async fn o28_id_and_secret_are_form_encoded_before_they_are_basic() {
    use base64::Engine;
    let (script, _) = giving(60);
    let auth = OAuth2::token_url(TOKEN).client("a:b c", "p%\u{e9}:").client_credentials();
    call(&client(&script, auth)).await.unwrap();
    let sent = script.seen()[0].header("authorization").unwrap().to_owned();
    let pair = base64::prelude::BASE64_STANDARD.decode(sent.strip_prefix("Basic ").unwrap()).unwrap();
    assert_eq!(String::from_utf8(pair).unwrap(), "a%3Ab+c:p%25%C3%A9%3A");
}

#[tokio::test(start_paused = true)]
async fn o29_a_token_request_asks_for_no_cache_and_shares_no_cookie() {
    let script = scripted([token(1, 60).header("set-cookie", "sid=1").header("cache-control", "max-age=3600")]);
    let client = script.builder().cookies(true).auth(service().client_credentials()).build().unwrap();
    call(&client).await.unwrap();
    client.auth().unwrap().invalidate();
    call(&client).await.unwrap();
    assert_eq!(token_requests(&script).len(), 2);
    assert!(script.seen().iter().all(|seen| seen.header("cookie").is_none()));
}

#[tokio::test(start_paused = true)]
async fn o30_a_token_goes_to_no_other_origin() {
    let (script, _) = giving(60);
    let client = client(&script, service().client_credentials());
    call(&client).await.unwrap();
    client.at("https://elsewhere.test/x").get().send().await.unwrap();
    assert_eq!(bearers(&script), ["Bearer at1", "none"]);
}

#[tokio::test(start_paused = true)]
async fn v_w7_a_token_function_is_asked_as_often_as_it_has_to_be() {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let jwt = |claims: String| format!("e30.{}.x", BASE64_URL_SAFE_NO_PAD.encode(claims));
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    // One second more or less, since the clock of the day goes on meanwhile.
    for (left, expected) in [(100, 1), (8, 1), (5, 3), (4, 3), (-10, 3)] {
        let script = Script::of([answer(200)]);
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let auth = Auth::source(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let exp = i64::try_from(now()).unwrap() + left;
            let token = jwt(format!(r#"{{"exp":{exp}}}"#));
            async move { Ok(Secret::from(token)) }
        });
        let client = client(&script, auth);
        for _ in 0..3 {
            call(&client).await.unwrap();
        }
        assert_eq!(count.load(Ordering::SeqCst), expected, "{left}");
    }
    for token in [jwt(r#"{"sub":"x"}"#.to_owned()), "opaque".to_owned()] {
        let script = Script::of([answer(200)]);
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let client = client(
            &script,
            Auth::source(move || {
                counted.fetch_add(1, Ordering::SeqCst);
                let token = token.clone();
                async move { Ok(Secret::from(token)) }
            }),
        );
        for _ in 0..3 {
            call(&client).await.unwrap();
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn v_w7_a_token_function_that_fails_sends_nothing() {
    let script = Script::of([answer(200)]);
    let auth = Auth::source(|| async { Err(Error::new(ErrorKind::Auth, "the vault is closed")) });
    let error = call(&client(&script, auth)).await.unwrap_err();
    assert_eq!((error.to_string().contains("the vault is closed"), script.count()), (true, 0));
    // A token that is given as it is, is sent as it is.
    let script = Script::of([answer(200)]);
    call(&client(&script, Auth::bearer("e30.eyJleHAiOjF9.x"))).await.unwrap();
    assert_eq!(bearers(&script), ["Bearer e30.eyJleHAiOjF9.x"]);
}

#[tokio::test(start_paused = true)]
async fn v_w8_a_refresh_token_is_redeemed_as_its_client_says() {
    for (oauth, expected, basic) in [
        (OAuth2::token_url(TOKEN).public_client("cid"), vec![], None),
        (OAuth2::token_url(TOKEN).client("cid", "s"), vec![], Some("Basic Y2lkOnM=")),
        (OAuth2::token_url(TOKEN).client("cid", "s").in_body(true), vec![("client_secret", "s")], None),
        (OAuth2::token_url(TOKEN).public_client("cid").scopes(["a", "b"]), vec![("scope", "a b")], None),
    ] {
        let script = scripted([refreshed(1, Some("R"))]);
        call(&client(&script, oauth.refresh_token("RT"))).await.unwrap();
        let seen = &script.seen()[0];
        let mut all = vec![("grant_type", "refresh_token"), ("refresh_token", "RT"), ("client_id", "cid")];
        all.extend(expected);
        assert_eq!((form(seen), seen.header("authorization")), (pairs(&all), basic));
        assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    }
    // A refresh token that is a JWT is sent as it is: nothing of it is checked.
    let script = scripted([refreshed(1, None)]);
    let token = "eyJhbGciOiJIUzUxMiJ9.eyJzY29wZSI6ImZvbyJ9.x";
    call(&client(&script, service().refresh_token(token))).await.unwrap();
    assert_eq!(form(&script.seen()[0])["refresh_token"], token);
}

#[tokio::test(start_paused = true)]
async fn v_w8_a_refusal_is_typed_and_says_what_the_server_says() {
    for (step, code, told) in [
        (refused(), "auth.reauth", "invalid_grant"),
        (answer(500).body("oops"), "auth.refresh_failed", "500"),
        (answer(401).body(r#"{"error":"unauthorized_client","error_description":"who?"}"#), "auth.denied", "who?"),
    ] {
        let script = scripted([step]);
        let error = call(&client(&script, service().refresh_token("RT"))).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, code));
        assert!(error.to_string().contains(told), "{error}");
    }
    let script = scripted([json(r#"{"access_token":"A","token_type":"Bearer"}"#)]);
    call(&client(&script, service().refresh_token("RT"))).await.unwrap();
    assert_eq!(bearers(&script), ["Bearer A"]);
}

#[tokio::test(start_paused = true)]
async fn v_w8_client_credentials_by_form_and_by_header() {
    for (oauth, all, basic) in [
        (
            OAuth2::token_url(TOKEN).client("cid", "sec").in_body(true).scopes(["offline_access"]),
            vec![("client_secret", "sec"), ("scope", "offline_access")],
            None,
        ),
        (OAuth2::token_url(TOKEN).client("cid", "sec"), vec![], Some("Basic Y2lkOnNlYw==")),
    ] {
        let (script, _) = giving(60);
        call(&client(&script, oauth.client_credentials())).await.unwrap();
        let expected = [vec![("grant_type", "client_credentials"), ("client_id", "cid")], all].concat();
        assert_eq!((form(&script.seen()[0]), script.seen()[0].header("authorization")), (pairs(&expected), basic));
    }
}

#[tokio::test(start_paused = true)]
async fn m31_a_user_signs_in_to_max_by_name_and_password() {
    let script = scripted([json(r#"{"oauth_token":"abc","fresh":true}"#)]);
    let auth = OAuth2::token_url(TOKEN)
        .public_client("MAX")
        .scopes(["widgetcli"])
        .extra("bypass", "true")
        .headers([("X-Oauth-Token", "{token}"), ("X-Oauth-Username", "{actor}"), ("X-Oauth-Scope", "{scope}")])
        .password("ada", "pass word");
    call(&client(&script, auth)).await.unwrap();
    let expected = [
        ("grant_type", "password"),
        ("client_id", "MAX"),
        ("scope", "widgetcli"),
        ("bypass", "true"),
        ("username", "ada"),
        ("password", "pass word"),
    ];
    assert_eq!(form(&script.seen()[0]), pairs(&expected));
    let sent = &script.seen()[1];
    let headers = ["x-oauth-token", "x-oauth-username", "x-oauth-scope"].map(|name| sent.header(name).unwrap());
    assert_eq!((headers, sent.header("authorization")), (["abc", "ada", "widgetcli"], None));
}

#[tokio::test(start_paused = true)]
async fn m31_a_bad_password_is_typed_and_not_printed() {
    let secret = canary("password");
    for step in [
        refused(),
        answer(401).body(format!("<p>{secret}</p>")),
        answer(400).body(format!(r#"{{"error":"invalid_grant","error_description":"{secret}?"}}"#)),
    ] {
        let script = scripted([step]);
        let error = call(&client(&script, service().password("ada", secret.as_str()))).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "auth.denied"));
        assert!(error.to_string().contains("password is wrong") && find(&printed(&error), [&secret]).is_none());
    }
}

fn edx() -> OAuth2 {
    OAuth2::edx("https://id.test/oauth2/access_token").client("id", "s e&c")
}

fn is_edx(seen: &Seen) -> bool {
    seen.url.ends_with("/oauth2/access_token")
}

fn edx_giving(body: &'static str) -> Script {
    Script::by(move |seen| if is_edx(seen) { json(body) } else { answer(200) })
}

#[tokio::test(start_paused = true)]
async fn e3_a_form_of_edx() {
    let script = edx_giving(r#"{"access_token":"abcd","expires_in":60}"#);
    call(&client(&script, edx().client_credentials())).await.unwrap();
    let seen = &script.seen()[0];
    let body = std::str::from_utf8(&seen.body).unwrap();
    let expected =
        [("grant_type", "client_credentials"), ("client_id", "id"), ("client_secret", "s e&c"), ("token_type", "jwt")];
    assert_eq!(form(seen), pairs(&expected));
    assert!(body.contains("client_secret=s+e%26c"), "{body}");

    let script = edx_giving(r#"{"access_token":"abcd","expires_in":1.5}"#);
    let refresh =
        OAuth2::token_url("https://id.test/oauth2/access_token").client("id", "sec").in_body(true).untyped(true);
    call(&client(&script, refresh.extra("token_type", "bearer").refresh_token("RT"))).await.unwrap();
    let expected = [
        ("grant_type", "refresh_token"),
        ("client_id", "id"),
        ("client_secret", "sec"),
        ("token_type", "bearer"),
        ("refresh_token", "RT"),
    ];
    assert_eq!(form(&script.seen()[0]), pairs(&expected));
}

#[tokio::test(start_paused = true)]
async fn e4_what_is_no_token_is_a_typed_error() {
    for step in [
        answer(500),
        answer(400),
        answer(200).body("Not JSON"),
        answer(204).body(""),
        json("[1]"),
        json(r#"{"expires_in":60}"#),
        json(r#"{"access_token":null,"expires_in":60}"#),
        json(r#"{"access_token":"a","expires_in":"soon"}"#),
    ] {
        let script = Script::by(move |seen| if is_edx(seen) { step.clone() } else { answer(200) });
        let error = call(&client(&script, edx().client_credentials())).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "auth.refresh_failed"), "{error}");
    }
    let script = edx_giving(r#"{"access_token":"a","expires_in":"60"}"#);
    call(&client(&script, edx().client_credentials())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn e5_whatever_changes_a_token_keeps_it_apart() {
    let script = edx_giving(r#"{"access_token":"a","expires_in":3600}"#);
    let store = TokenStore::memory();
    let all = || {
        ["https://lms.test", "https://other.test"].into_iter().flat_map(|url| {
            let of = |id: &str, secret: &str| OAuth2::edx(url).client(id, secret).store(&store);
            [
                of("id1", "s").client_credentials(),
                of("id2", "s").client_credentials(),
                of("id1", "other").client_credentials(),
                of("id1", "s").scopes(["x"]).client_credentials(),
                of("id1", "s").extra("audience", "y").client_credentials(),
                of("id1", "s").refresh_token("RT"),
                of("id1", "s").refresh_token("RT2"),
                of("id1", "s").password("ada", "p"),
                of("id1", "s").password("ada", "q"),
                of("id1", "s").password("bob", "p"),
                of("id1", "s").account("team").password("ada", "p"),
                of("id1", "s").account("team").password("bob", "p"),
            ]
        })
    };
    for _ in 0..2 {
        for auth in all() {
            call(&client(&script, auth)).await.unwrap();
        }
        assert_eq!(script.seen().iter().filter(|seen| is_edx(seen)).count(), 24);
    }
    // One entry, however the URL is written.
    let auth = OAuth2::edx("https://lms.test/oauth2/").client("id1", "s").store(&store).client_credentials();
    call(&client(&script, auth)).await.unwrap();
    assert_eq!(script.seen().iter().filter(|seen| is_edx(seen)).count(), 24);
}

#[tokio::test(start_paused = true)]
async fn e6_a_token_of_edx_is_used_until_five_seconds_before_its_end() {
    let script = edx_giving(r#"{"access_token":"a","expires_in":60}"#);
    let client = client(&script, edx().client_credentials());
    let mut at = 0;
    for (second, fetched) in [(0, 1), (30, 1), (54, 1), (55, 2), (56, 2)] {
        tokio::time::advance(Duration::from_secs(second - at)).await;
        at = second;
        call(&client).await.unwrap();
        assert_eq!(script.seen().iter().filter(|seen| is_edx(seen)).count(), fetched, "after {second} s");
    }
}

#[tokio::test(start_paused = true)]
async fn e7_a_token_request_has_a_time_of_its_own() {
    for (auth, seconds) in [(service(), 8), (service().timeout(Duration::from_secs(2)), 2)] {
        let script = scripted([Step::Hang]);
        let client = script.builder().total_timeout(None).auth(auth.client_credentials()).build().unwrap();
        let began = tokio::time::Instant::now();
        let error = call(&client).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "auth.refresh_failed"));
        let each = began.elapsed().as_secs() / 3;
        assert_eq!((each, token_requests(&script).len()), (seconds, 3), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn e9_a_scheme_and_an_agent_reach_both_requests() {
    let script = edx_giving(r#"{"access_token":"T","expires_in":60,"token_type":"JWT"}"#);
    let client = script.builder().user_agent("svc/1").auth(edx().client_credentials()).build().unwrap();
    call(&client).await.unwrap();
    let seen = script.seen();
    assert!(seen.iter().all(|seen| seen.header("user-agent") == Some("svc/1")));
    assert_eq!(seen[1].header("authorization"), Some("JWT T"));
    // A header of the call's own wins, and so do credentials of its own.
    client.res("a").get().header("authorization", "Bearer zz").send().await.unwrap();
    client.res("a").get().auth(Auth::basic("u", "p")).send().await.unwrap();
    let sent: Vec<_> = script.seen()[2..].iter().map(|seen| seen.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(sent, ["Bearer zz", "Basic dTpw"]);
}

#[tokio::test(start_paused = true)]
async fn e11_a_token_can_be_had_by_hand_and_is_renewed_on_401() {
    let script = edx_giving(r#"{"access_token":"abcd","expires_in":60}"#);
    let client = client(&script, edx().client_credentials());
    assert_eq!(client.auth().unwrap().token().await.unwrap().expose(), "abcd");
    call(&client).await.unwrap();
    assert_eq!(script.count(), 2, "one token, one call");
    client.auth().unwrap().invalidate();
    call(&client).await.unwrap();
    assert_eq!(script.seen().iter().filter(|seen| is_edx(seen)).count(), 2);
    let error = Script::of([answer(200)]).client().auth().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "auth.required"));
}

#[tokio::test(start_paused = true)]
async fn y42_a_token_is_read_anew_for_each_attempt() {
    let calls = AtomicUsize::new(0);
    let count = AtomicUsize::new(0);
    let script = Script::by(move |seen| match is_token(seen) {
        true => token(count.fetch_add(1, Ordering::SeqCst) + 1, 60),
        false if calls.fetch_add(1, Ordering::SeqCst) == 0 => answer(503).header("retry-after", "59"),
        false => answer(200),
    });
    let client = script.builder().total_timeout(None).auth(service().client_credentials()).build().unwrap();
    call(&client).await.unwrap();
    assert_eq!(bearers(&script), ["Bearer at1", "Bearer at2"]);
}

#[tokio::test(start_paused = true)]
async fn x07_what_is_only_shown_asks_for_no_token() {
    let (script, _) = giving(60);
    let client = client(&script, service().client_credentials());
    let call = client.res("a").get();
    assert!(call.to_curl().unwrap().contains("$AUTHORIZATION"));
    assert_eq!(call.build_signed().unwrap().headers()["authorization"], "Bearer ***");
    call.explain().unwrap();
    assert_eq!(script.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn s01_no_part_of_a_sign_in_prints_a_secret() {
    let secret = canary("oauth");
    let auth = |oauth: OAuth2| {
        [
            oauth.clone().client_credentials(),
            oauth.clone().password("ada", secret.as_str()),
            oauth.clone().refresh_token(secret.as_str()),
            oauth.stored(),
        ]
    };
    let oauth = OAuth2::token_url(TOKEN).client("cid", secret.as_str()).extra("bypass", secret.as_str());
    let mut text = format!("{oauth:?} {oauth:#?}");
    let body = format!(r#"{{"access_token":"{secret}","refresh_token":"{secret}","token_type":"Bearer"}}"#);
    for auth in auth(oauth) {
        let script = scripted([json(&body)]);
        let client = client(&script, auth.clone());
        let _ = call(&client).await;
        text += &format!("{auth:?} {auth:#?} {client:?} {:?}", client.auth().unwrap());
    }
    assert!(text.contains("cid") && find(&text, [&secret]).is_none(), "{text}");
}

#[tokio::test(start_paused = true)]
async fn s09_a_token_that_the_api_echoes_is_masked() {
    let secret = canary("echo");
    let body = format!(r#"{{"access_token":"{secret}","token_type":"Bearer"}}"#);
    let echoed = format!(r#"{{"message":"no {secret} here"}}"#);
    let script = Script::by(move |seen| if is_token(seen) { json(&body) } else { answer(422).body(echoed.clone()) });
    let error = call(&client(&script, service().client_credentials())).await.unwrap_err();
    assert!(error.to_string().contains("***") && find(&printed(&error), [&secret]).is_none(), "{error}");
}
