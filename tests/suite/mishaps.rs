//! O: what happens between the steps of a sign-in, and must lose, leak or repeat nothing.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use restwalk::{
    Auth, BoxFuture, Client, Correlation, Error, ErrorKind, OAuth2, Result, SignIn, TokenBackend, TokenKey, TokenLock,
    TokenRecord, TokenStore,
};
use serde_json::{Value, json};

use crate::support::script::{Script, Seen, Step, answer};

const TOKEN: &str = "https://id.test/token";

fn said(document: &Value) -> Step {
    answer(200).body(document.to_string())
}

/// A token of this number that lasts 60 s, and what else the answer says.
fn token(number: usize, more: &Value) -> Step {
    let mut answer = json!({
        "access_token": format!("at{number}"), "refresh_token": format!("rt{number}"), "token_type": "Bearer",
        "expires_in": 60,
    });
    let members = more.as_object().into_iter().flatten();
    members.for_each(|(name, value)| answer[name] = value.clone());
    said(&answer)
}

/// A server that gives the tokens 1, 2 …, and otherwise does what `other` says.
fn giving(more: Value, other: impl Fn(&Seen) -> Step + Send + Sync + 'static) -> Script {
    let count = AtomicUsize::new(0);
    Script::by(move |seen| match seen.url.as_str() {
        TOKEN => token(count.fetch_add(1, Ordering::SeqCst) + 1, &more),
        _ => other(seen),
    })
}

fn service() -> OAuth2 {
    OAuth2::token_url(TOKEN).client("cid", "sec")
}

fn client(script: &Script, auth: Auth) -> Client {
    script.builder().auth(auth).build().unwrap()
}

async fn call(client: &Client) -> Result<()> {
    client.res("a").get().send().await.map(|_| ())
}

fn forms(script: &Script) -> Vec<BTreeMap<String, String>> {
    let asked = script.seen().into_iter().filter(|seen| seen.url == TOKEN);
    asked.map(|seen| url::form_urlencoded::parse(&seen.body).into_owned().collect()).collect()
}

fn sent(script: &Script, header: &str) -> Vec<String> {
    let calls = script.seen().into_iter().filter(|seen| seen.url.starts_with("http://api.test/"));
    calls.map(|seen| seen.header(header).unwrap_or("none").to_owned()).collect()
}

/// A store in memory that can be held up, and can fail to lock or to write.
#[derive(Debug, Clone)]
struct Frail(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kept: TokenStore,
    locks: AtomicBool,
    writes: AtomicBool,
    slow: Mutex<Duration>,
    /// What another writes who held the lock after us.
    overtaken: Mutex<Option<TokenRecord>>,
    /// How often a lock was asked for.
    asked: AtomicUsize,
}

impl Frail {
    fn new() -> Self {
        let (locks, writes) = (AtomicBool::new(true), AtomicBool::new(true));
        Self(Arc::new(Inner {
            kept: TokenStore::memory(),
            locks,
            writes,
            slow: Mutex::default(),
            overtaken: Mutex::default(),
            asked: AtomicUsize::new(0),
        }))
    }

    fn store(&self) -> TokenStore {
        TokenStore::own(self.clone())
    }
}

impl TokenBackend for Frail {
    fn read<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<TokenRecord>>> {
        Box::pin(self.0.kept.read(key))
    }

    fn lock<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Box<dyn TokenLock>>> {
        Box::pin(async move {
            self.0.asked.fetch_add(1, Ordering::SeqCst);
            if !self.0.locks.load(Ordering::SeqCst) {
                return Err(Error::new(ErrorKind::Store, "another holds it"));
            }
            let lock = self.0.kept.lock(key).await?;
            Ok(Box::new(Held { store: self.clone(), lock }) as Box<dyn TokenLock>)
        })
    }
}

struct Held {
    store: Frail,
    lock: Box<dyn TokenLock>,
}

impl TokenLock for Held {
    fn read(&mut self) -> BoxFuture<'_, Result<Option<TokenRecord>>> {
        self.lock.read()
    }

    fn write<'a>(&'a mut self, record: &'a TokenRecord) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let slow = *self.store.0.slow.lock().unwrap();
            tokio::time::sleep(slow).await;
            let newer = self.store.0.overtaken.lock().unwrap().take();
            if let Some(newer) = newer {
                self.lock.write(&newer).await?;
            }
            if self.store.0.writes.load(Ordering::SeqCst) {
                self.lock.write(record).await
            } else {
                Err(Error::new(ErrorKind::Store, "the disk is full"))
            }
        })
    }
}

/// The token stands in one header; what the call says in another is no reason to keep it.
#[tokio::test(start_paused = true)]
async fn o07_a_header_of_the_call_keeps_no_refused_token() {
    let script = giving(json!({}), |seen| answer(if seen.header("x-token") == Some("at1") { 401 } else { 200 }));
    let auth = service().headers([("X-Token", "{token}"), ("X-User", "{actor}")]).account("ada").client_credentials();
    let client = client(&script, auth);
    client.res("a").get().header("X-User", "bob").send().await.unwrap();
    assert_eq!(sent(&script, "x-token"), ["at1", "at2"]);
    assert_eq!(sent(&script, "x-user"), ["bob", "bob"]);
}

/// RFC 6749, section 6: a refresh asks for nothing that was not granted.
#[tokio::test(start_paused = true)]
async fn o27_a_refresh_asks_for_no_more_than_was_granted() {
    let count = AtomicUsize::new(0);
    let script = Script::by(move |seen| match (seen.url.as_str(), count.load(Ordering::SeqCst)) {
        (TOKEN, 0) => {
            count.store(1, Ordering::SeqCst);
            token(1, &json!({"scope": "read own"}))
        }
        (TOKEN, _) => token(2, &json!({})),
        _ => answer(200),
    });
    let client = client(&script, service().scopes(["read", "write"]).stored());
    let session = client.auth().unwrap();
    session.sign_in(SignIn::password("ada", "pw")).await.unwrap();
    for _ in 0..2 {
        tokio::time::advance(Duration::from_secs(61)).await;
        call(&client).await.unwrap();
        assert_eq!(session.scope().await.unwrap().as_deref(), Some("read own"), "what was granted stays so");
    }
    let scopes: Vec<_> = forms(&script).into_iter().map(|form| form["scope"].clone()).collect();
    assert_eq!(scopes, ["read write", "read", "read"]);
}

/// Nobody waits in the background, so no person is asked; who waits later is not told of that.
#[tokio::test(start_paused = true)]
async fn o55_a_renewal_that_nobody_waited_for_hinders_no_later_sign_in() {
    let count = AtomicUsize::new(0);
    let script = Script::by(move |seen| match seen.url.as_str() {
        "https://id.test/device" => said(&json!({
            "device_code": "dc", "user_code": "C", "expires_in": 600, "interval": 5,
            "verification_uri": "https://id.test/activate",
        })),
        TOKEN if String::from_utf8_lossy(&seen.body).contains("refresh_token") => {
            answer(400).body(r#"{"error":"invalid_grant"}"#)
        }
        TOKEN => token(count.fetch_add(1, Ordering::SeqCst) + 1, &json!({"expires_in": 1_000})),
        _ => answer(200),
    });
    let frail = Frail::new();
    let auth = service().store(&frail.store()).device_url("https://id.test/device").device(|_| Ok(()));
    let client = client(&script, auth);
    call(&client).await.unwrap();
    // In the last tenth, not in its last seconds: one attempt in the background, and no code for anybody.
    tokio::time::advance(Duration::from_secs(920)).await;
    let (before, locks) = (script.count(), frail.0.asked.load(Ordering::SeqCst));
    for _ in 0..10 {
        call(&client).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(script.count(), before + 10 + 1, "the refresh token is redeemed once");
    assert_eq!(frail.0.asked.load(Ordering::SeqCst), locks + 1, "and the store is left alone");
    tokio::time::advance(Duration::from_secs(75)).await;
    call(&client).await.unwrap();
    assert_eq!(sent(&script, "authorization").last().unwrap(), "Bearer at2");
}

/// What a person has signed in to is kept at hand where the store cannot be locked any more, and goes before what the
/// store had.
#[tokio::test(start_paused = true)]
async fn o17_a_sign_in_is_not_lost_by_a_store_that_gives_no_lock() {
    let frail = Frail::new();
    let (inner, closes) = (Arc::clone(&frail.0), Arc::new(AtomicBool::new(false)));
    let (closing, giving) = (Arc::clone(&closes), giving(json!({}), |_| answer(200)));
    let script = Script::by(move |seen| {
        let away = closing.load(Ordering::SeqCst) && seen.url == TOKEN;
        inner.locks.store(!away, Ordering::SeqCst);
        giving.choose(seen)
    });
    let of = || client(&script, service().store(&frail.store()).stored());
    of().auth().unwrap().sign_in(SignIn::password("ada", "pw")).await.unwrap();
    closes.store(true, Ordering::SeqCst);
    let (client, later) = (of(), of());
    let session = client.auth().unwrap();
    session.sign_in(SignIn::refresh_token("given")).await.unwrap();
    assert!(!session.is_saved());
    call(&client).await.unwrap();
    call(&client).await.unwrap();
    session.settled().await;
    assert!(session.is_saved(), "it was offered again");
    call(&later).await.unwrap();
    assert_eq!(sent(&script, "authorization"), ["Bearer at2"; 3]);
}

/// A token that the store never took is the newest all the same.
#[tokio::test(start_paused = true)]
async fn o17_the_newest_refresh_token_is_redeemed_wherever_it_is() {
    let frail = Frail::new();
    let script = giving(json!({}), |_| answer(200));
    let client = client(&script, service().store(&frail.store()).stored());
    client.auth().unwrap().sign_in(SignIn::password("ada", "pw")).await.unwrap();
    frail.0.writes.store(false, Ordering::SeqCst);
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(61)).await;
        call(&client).await.unwrap();
    }
    let redeemed: Vec<_> = forms(&script).into_iter().skip(1).map(|form| form["refresh_token"].clone()).collect();
    assert_eq!(redeemed, ["rt1", "rt2", "rt3"]);
}

/// Whose lock ended before their renewal did goes on with what the next one got.
#[tokio::test(start_paused = true)]
async fn z05_who_is_overtaken_takes_the_newer_token() {
    let frail = Frail::new();
    let newer = json!({"generation": 9, "access_token": "theirs", "refresh_token": "rt9"});
    *frail.0.overtaken.lock().unwrap() = Some(TokenRecord::from_json(&newer.to_string()).unwrap());
    let script = giving(json!({}), |_| answer(200));
    let client = client(&script, service().store(&frail.store()).refresh_token("given"));
    for _ in 0..2 {
        call(&client).await.unwrap();
    }
    assert_eq!(sent(&script, "authorization"), ["Bearer theirs"; 2]);
    assert!(client.auth().unwrap().is_saved());
    client.auth().unwrap().invalidate();
    call(&client).await.unwrap();
    assert_eq!(forms(&script)[1]["refresh_token"], "rt9");
}

/// What a store did not take is not offered to it for ever, once it has something later of somebody else.
#[tokio::test(start_paused = true)]
async fn d24_a_token_that_was_not_taken_goes_behind_a_later_one() {
    let frail = Frail::new();
    let script = giving(json!({}), |_| answer(200));
    let of = || client(&script, service().store(&frail.store()).stored());
    let (one, other) = (of(), of());
    frail.0.writes.store(false, Ordering::SeqCst);
    one.auth().unwrap().sign_in(SignIn::password("ada", "pw")).await.unwrap();
    frail.0.writes.store(true, Ordering::SeqCst);
    let session = other.auth().unwrap();
    session.sign_in(SignIn::password("ada", "pw")).await.unwrap();
    let _ = session.logout().await.unwrap();
    call(&one).await.unwrap();
    one.auth().unwrap().settled().await;
    assert!(one.auth().unwrap().is_saved(), "there is nothing left to save");
    assert_eq!(call(&of()).await.unwrap_err().code(), "auth.required", "who signed out stays so");
}

/// A token that is being offered to a slow store is not kept yet.
#[tokio::test(start_paused = true)]
async fn o17_a_token_is_saved_only_once_the_store_has_it() {
    let frail = Frail::new();
    frail.0.writes.store(false, Ordering::SeqCst);
    let script = giving(json!({}), |_| answer(200));
    let client = client(&script, service().store(&frail.store()).stored());
    let session = client.auth().unwrap();
    session.sign_in(SignIn::password("ada", "pw")).await.unwrap();
    *frail.0.slow.lock().unwrap() = Duration::from_secs(5);
    for works in [false, true] {
        frail.0.writes.store(works, Ordering::SeqCst);
        call(&client).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!session.is_saved(), "the store is still at it");
        session.settled().await;
        assert_eq!(session.is_saved(), works);
    }
}

/// The work around is told to the client's own origin and no other: its baggage may be of use to others.
#[tokio::test(start_paused = true)]
async fn r08_an_oauth_server_hears_nothing_of_the_work() {
    let work = Correlation::new().request_id("a-request").unwrap();
    let work = work.traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
    let work = work.tracestate("a=1").unwrap().baggage("b=1").unwrap();
    let names = ["x-request-id", "traceparent", "tracestate", "baggage"];
    for (url, told) in [(TOKEN, false), ("https://api.test/token", true)] {
        let script = Script::by(|seen| if seen.url.ends_with("/token") { token(1, &json!({})) } else { answer(200) });
        let auth = OAuth2::token_url(url).client("cid", "sec").client_credentials();
        let client = script.at("https://api.test").auth(auth).build().unwrap();
        work.clone().scope(call(&client)).await.unwrap();
        let seen = script.seen();
        assert_eq!(seen[0].url, url);
        assert_eq!(names.map(|name| seen[0].headers.contains_key(name)), [told; 4], "{url}");
        assert!(names.iter().all(|name| seen[1].headers.contains_key(*name)));
    }
}

fn id_token(subject: &str) -> Value {
    let claims = json!({"iss": "https://id.test", "aud": "cid", "sub": subject, "exp": 9_999_999_999_u64});
    json!({"id_token": format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))})
}

/// OpenID Connect Core 1.0, section 12.2: a renewal makes nobody somebody else.
#[tokio::test(start_paused = true)]
async fn o32_a_renewal_that_speaks_of_somebody_else_is_refused() {
    for (second, ended) in [("ada", Ok(())), ("eve", Err("auth.denied"))] {
        let count = AtomicUsize::new(0);
        let script = Script::by(move |seen| match seen.url.as_str() {
            TOKEN if count.fetch_add(1, Ordering::SeqCst) == 0 => token(1, &id_token("ada")),
            TOKEN => token(2, &id_token(second)),
            _ => answer(200),
        });
        let client = client(&script, service().stored());
        client.auth().unwrap().sign_in(SignIn::password("ada", "pw")).await.unwrap();
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(call(&client).await.as_ref().copied().map_err(Error::code), ended);
        tokio::time::advance(Duration::from_secs(30)).await;
        let later = call(&client).await;
        assert_eq!(later.map_err(|error| error.code()), ended.map_err(|_| "auth.reauth"));
    }
}
