use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::*;
use crate::jwt::{JwtChecker, JwtIssuer, JwtKey};

const RSA: &str = include_str!("../../../tests/fixtures/jwt/rsa.pem");
const RSA_PUBLIC: &str = include_str!("../../../tests/fixtures/jwt/rsa_public.pem");
const EC: &str = include_str!("../../../tests/fixtures/jwt/ec.pem");
const EC_PUBLIC: &str = include_str!("../../../tests/fixtures/jwt/ec_public.pem");
const SET: &str = include_str!("../../../tests/fixtures/jwt/set.json");

/// A source that counts, and gives what it is told to.
#[derive(Debug, Default, Clone)]
struct Source(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    fetches: AtomicUsize,
    text: Mutex<Option<String>>,
}

impl Source {
    fn with(text: &str) -> Self {
        let source = Self::default();
        source.give(Some(text));
        source
    }

    fn give(&self, text: Option<&str>) {
        *self.0.text.lock().unwrap() = text.map(str::to_owned);
    }

    fn fetches(&self) -> usize {
        self.0.fetches.load(Ordering::SeqCst)
    }
}

impl JwkSource for Source {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>>> {
        Box::pin(async {
            self.0.fetches.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
            let text = self.0.text.lock().unwrap().clone();
            text.map(String::into_bytes).ok_or_else(|| Error::new(ErrorKind::Connect, "nobody is there"))
        })
    }
}

fn token(algorithm: JwtAlgorithm, pem: &str, id: &str) -> String {
    let key = JwtKey::pem(algorithm, pem).unwrap();
    let key = if id.is_empty() { key } else { key.id(id) };
    JwtIssuer::new(key, "me").create("ada", None, &json!({})).unwrap().expose().to_owned()
}

fn rsa(id: &str) -> String {
    token(JwtAlgorithm::RS256, RSA, id)
}

async fn code(checker: &JwtChecker, token: &str) -> &'static str {
    match checker.check::<Value>(token).await {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}

#[tokio::test]
async fn v_w9_a_pair_of_keys_in_pem() {
    for (algorithm, private, public) in [
        (JwtAlgorithm::RS256, RSA, RSA_PUBLIC),
        (JwtAlgorithm::RS512, RSA, RSA_PUBLIC),
        (JwtAlgorithm::PS256, RSA, RSA_PUBLIC),
        (JwtAlgorithm::ES256, EC, EC_PUBLIC),
    ] {
        let checker = JwtChecker::new(JwtKeys::pem(algorithm, public).unwrap());
        let good = token(algorithm, private, "");
        assert_eq!(code(&checker, &good).await, "ok", "{algorithm}");
        let (message, signature) = good.rsplit_once('.').unwrap();
        let turned: String = signature.chars().rev().collect();
        assert_ne!(code(&checker, &format!("{message}.{turned}")).await, "ok");
        assert_eq!(code(&checker, &format!("{message}.")).await, "jwt.signature");
        assert!(JwtKey::pem(algorithm, public).is_err(), "a public key does not sign");
        assert!(JwtKey::secret(algorithm, "s").is_err() && JwtKeys::secret(algorithm, "s").is_err());
    }
    assert!(JwtKey::pem(JwtAlgorithm::ES256, RSA).is_err() && JwtKey::pem(JwtAlgorithm::RS256, EC).is_err());
    assert!(JwtKey::pem(JwtAlgorithm::ES384, EC).is_err(), "another curve");
    assert!(JwtKey::pem(JwtAlgorithm::HS256, RSA).is_err() && JwtKeys::pem(JwtAlgorithm::HS256, RSA_PUBLIC).is_err());
    let error = JwtKey::pem(JwtAlgorithm::RS256, "CNRY").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("CNRY"));
}

#[tokio::test]
async fn v_w9_an_algorithm_must_be_one_that_is_accepted() {
    let set = JwtChecker::new(JwtKeys::set(SET).unwrap());
    assert_eq!(code(&set, &rsa("rsa")).await, "ok");
    assert_eq!(code(&set, &token(JwtAlgorithm::RS384, RSA, "rsa")).await, "jwt.algorithm");
    let wider = set.clone().algorithms([JwtAlgorithm::RS384, JwtAlgorithm::ES256]);
    assert_eq!(code(&wider, &token(JwtAlgorithm::RS384, RSA, "rsa")).await, "ok");
    assert_eq!(code(&wider, &token(JwtAlgorithm::ES256, EC, "ec")).await, "ok");
    assert_eq!(code(&wider, &rsa("rsa")).await, "jwt.algorithm");
    // The public key as the secret of an HMAC, and no signature at all.
    let confused = JwtKey::secret(JwtAlgorithm::HS256, RSA_PUBLIC).unwrap().id("rsa");
    let confused = JwtIssuer::new(confused, "me").create("ada", None, &json!({})).unwrap();
    let lax = set.clone().algorithms([JwtAlgorithm::HS256, JwtAlgorithm::RS256]);
    assert_eq!(code(&lax, confused.expose()).await, "jwt.signature");
    let pem = JwtChecker::new(JwtKeys::pem(JwtAlgorithm::RS256, RSA_PUBLIC).unwrap());
    let pem = pem.algorithms([JwtAlgorithm::HS256, JwtAlgorithm::RS256]);
    assert_eq!(code(&pem, confused.expose()).await, "jwt.signature");
    let none = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJtZSIsImV4cCI6OTk5OTk5OTk5OSwiaWF0IjoxfQ.";
    assert_eq!(code(&set, none).await, "jwt.algorithm");
    // A key that the set keeps for another algorithm, for encryption, or that is a secret.
    for (id, expected) in
        [("rsa-rs512", "jwt.signature"), ("rsa-enc", "jwt.key_not_found"), ("oct", "jwt.key_not_found")]
    {
        assert_eq!(code(&set, &rsa(id)).await, expected, "{id}");
    }
}

#[tokio::test]
async fn w81_what_is_said_for_one_token_wins() {
    let checker = JwtChecker::new(JwtKeys::set(SET).unwrap()).issuers(["other"]).audience(["bar"]);
    let issuer = JwtIssuer::new(JwtKey::pem(JwtAlgorithm::RS256, RSA).unwrap().id("rsa"), "me");
    let token = issuer.create("ada", None, &json!({"aud": "foo"})).unwrap();
    assert_eq!(code(&checker, token.expose()).await, "jwt.issuer");
    assert_eq!(code(&checker.clone().issuers(["me"]), token.expose()).await, "jwt.audience");
    assert_eq!(code(&checker.clone().issuers(["me"]).audience(["foo"]), token.expose()).await, "ok");
    let required = checker.issuers(["me"]).audience(["foo"]).require(["foo"]);
    assert_eq!(code(&required, token.expose()).await, "jwt.missing_claim");
}

#[tokio::test(start_paused = true)]
async fn v_w9_keys_are_fetched_once_and_then_known() {
    let source = Source::with(SET);
    let checker = JwtChecker::new(JwtKeys::fetched(source.clone()));
    assert_eq!(source.fetches(), 0, "nothing is fetched before it is needed");
    let token = rsa("rsa");
    assert!(join_all((0..100).map(|_| code(&checker, &token))).await.iter().all(|code| *code == "ok"));
    assert_eq!(code(&checker.clone(), &token).await, "ok");
    assert_eq!(source.fetches(), 1);
    assert_eq!(code(&checker, &rsa("")).await, "jwt.key_not_found");
    assert_eq!(source.fetches(), 1, "a token that names no key fetches none");
}

#[tokio::test(start_paused = true)]
async fn x11_a_flood_of_unknown_keys_is_no_flood_of_fetches() {
    let source = Source::with(SET);
    let checker = JwtChecker::new(JwtKeys::fetched(source.clone()));
    assert_eq!(code(&checker, &rsa("rsa")).await, "ok");
    let unknown = join_all((0..200).map(|n| {
        let checker = &checker;
        async move { code(checker, &rsa(&format!("unknown-{n}"))).await }
    }));
    assert!(unknown.await.iter().all(|code| *code == "jwt.key_not_found"));
    assert_eq!(source.fetches(), 1, "within the interval");
    tokio::time::advance(Duration::from_secs(10)).await;
    for n in 0..50 {
        assert_eq!(code(&checker, &rsa(&format!("unknown-{n}"))).await, "jwt.key_not_found");
    }
    assert_eq!(source.fetches(), 2, "once for each interval");
    // A key that was added meanwhile.
    tokio::time::advance(Duration::from_secs(10)).await;
    source.give(Some(&SET.replace("\"rsa\"", "\"newer\"")));
    assert_eq!(code(&checker, &rsa("newer")).await, "ok");
    assert_eq!((code(&checker, &rsa("rsa")).await, source.fetches()), ("jwt.key_not_found", 3));
}

#[tokio::test(start_paused = true)]
async fn x11_without_an_interval_a_token_still_costs_one_fetch() {
    let source = Source::with(SET);
    let checker = JwtChecker::new(JwtKeys::fetched(source.clone()).interval(Duration::ZERO));
    let unknown = rsa("unknown");
    for fetches in 1..4 {
        assert_eq!((code(&checker, &unknown).await, source.fetches()), ("jwt.key_not_found", fetches));
    }
    source.give(None);
    let away = JwtChecker::new(JwtKeys::fetched(source.clone()).interval(Duration::ZERO));
    assert_eq!((code(&away, &unknown).await, source.fetches()), ("jwt.keys", 4));
}

#[tokio::test(start_paused = true)]
async fn w85_keys_live_as_long_as_they_are_current() {
    let source = Source::with(SET);
    let keys = JwtKeys::fetched(source.clone()).ttl(Duration::from_secs(100)).interval(Duration::from_secs(10));
    let checker = JwtChecker::new(keys);
    let token = rsa("rsa");
    assert_eq!(code(&checker, &token).await, "ok");
    tokio::time::advance(Duration::from_secs(99)).await;
    assert_eq!((code(&checker, &token).await, source.fetches()), ("ok", 1));
    // A set that cannot be had anew serves on, and not for ever.
    source.give(None);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!((code(&checker, &token).await, source.fetches()), ("ok", 2));
    assert_eq!((code(&checker, &token).await, source.fetches()), ("ok", 2));
    tokio::time::advance(STALE).await;
    assert_eq!((code(&checker, &token).await, source.fetches()), ("jwt.keys", 3));
    // A key that was taken back is known no longer.
    source.give(Some("{\"keys\":[]}"));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!((code(&checker, &token).await, source.fetches()), ("jwt.key_not_found", 4));
}

#[tokio::test(start_paused = true)]
async fn v_w9_a_provider_that_is_away_is_asked_again_later() {
    let source = Source::default();
    let checker = JwtChecker::new(JwtKeys::fetched(source.clone()));
    let token = rsa("rsa");
    let error = checker.check::<Value>(&token).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "jwt.keys"));
    assert!(error.to_string().contains("nobody is there"), "{error}");
    assert_eq!((code(&checker, &token).await, source.fetches()), ("jwt.keys", 1));
    source.give(Some("<html>"));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!((code(&checker, &token).await, source.fetches()), ("jwt.keys", 2));
    source.give(Some(SET));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!((code(&checker, &token).await, source.fetches()), ("ok", 3));
}

#[tokio::test(start_paused = true)]
async fn k_a_caller_who_gives_up_takes_nobodys_keys_away() {
    let source = Source::with(SET);
    let checker = JwtChecker::new(JwtKeys::fetched(source.clone()));
    let token = rsa("rsa");
    let first = checker.check::<Value>(&token);
    assert!(tokio::time::timeout(Duration::from_millis(1), first).await.is_err());
    assert_eq!((code(&checker, &token).await, source.fetches()), ("ok", 1));
}

#[test]
fn w85_a_fetch_that_died_with_its_runtime_is_begun_anew() {
    let source = Source::with(SET);
    let checker = JwtChecker::new(JwtKeys::fetched(source.clone()).interval(Duration::ZERO));
    let token = rsa("rsa");
    let run = |patient: bool| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let check = checker.check::<Value>(&token);
        runtime.block_on(async {
            if patient { check.await.is_ok() } else { futures_util::FutureExt::now_or_never(check).is_some() }
        })
    };
    assert!(!run(false));
    assert!(run(true));
}

#[test]
fn s01_no_key_is_printed() {
    let keys = JwtKeys::secret(JwtAlgorithm::HS256, "CNRY").unwrap();
    let checker = JwtChecker::new(keys.clone());
    let key = JwtKey::secret(JwtAlgorithm::HS256, "CNRY").unwrap();
    let printed = format!("{keys:?} {checker:?} {key:?} {:#?}", JwtIssuer::new(key.clone(), "me"));
    assert!(!printed.contains("CNRY") && !printed.contains("[67, 78"), "{printed}");
    let set = format!("{:?} {:?}", JwtKeys::set(SET).unwrap(), KeySet::parse(SET.as_bytes()).unwrap());
    assert!(!set.contains("AQAB"), "{set}");
}

/// A server that is slower than the interval, or an interval of nothing, makes no endless round of fetches.
#[tokio::test(start_paused = true)]
async fn v_w9_an_unknown_key_is_fetched_for_once_and_not_for_ever() {
    let source = Source::with(SET);
    let keys = JwtKeys::fetched(source.clone()).interval(Duration::ZERO);
    let checker = JwtChecker::new(keys);
    for fetches in 1..=3 {
        let unknown = rsa("unknown");
        let checked = tokio::time::timeout(Duration::from_secs(60), code(&checker, &unknown));
        assert_eq!(checked.await.unwrap(), "jwt.key_not_found");
        assert_eq!(source.fetches(), fetches);
    }
}
