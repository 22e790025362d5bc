//! Whose answers are, over sign-ins, renewals and restarts, at a server that is made up.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::HeaderMap;

use super::{super::Session, *};
use crate::{
    Auth, OAuth2, SignIn, TokenStore, WireBody,
    auth::Around,
    cache::Identity,
    request::Base,
    transport::{Local, Transport},
};

/// A server that answers the request `n` of all by `answer(n)`; and how many it was asked.
#[derive(Clone)]
struct Server(Arc<dyn Transport>, Arc<AtomicUsize>);

impl Server {
    fn of(answer: impl Fn(usize) -> String + Clone + Send + Sync + 'static) -> Self {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let service = tower::service_fn(move |_: http::Request<WireBody>| {
            let text = answer(counted.fetch_add(1, Ordering::SeqCst) + 1);
            std::future::ready(Ok::<_, std::convert::Infallible>(http::Response::new(WireBody::full(text))))
        });
        Self(Arc::new(Local::new(service)), count)
    }

    fn asked(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }

    fn around<T>(&self, actor: Option<&str>, then: impl FnOnce(&Around<'_>) -> T) -> T {
        let base = Base::parse("https://api.test", &[]).unwrap();
        then(&Around { actor, origin: base.origin(), transport: &self.0, headers: HeaderMap::new() })
    }

    fn session(&self, auth: &Auth) -> Session {
        self.around(None, |around| Session::of(auth, around)).unwrap()
    }

    async fn identity(&self, auth: &Auth) -> Result<Identity> {
        let prepared = self.around(Some("ada"), |around| auth.prepare(around)).unwrap();
        prepared.whose().identity().await
    }
}

/// Opaque tokens, named by a number, which last for a minute.
fn opaque(count: usize) -> String {
    format!(r#"{{"access_token":"at{count}","refresh_token":"rt{count}","token_type":"Bearer","expires_in":60}}"#)
}

/// The same with an ID token of `sub`.
fn known(count: usize, sub: &str) -> String {
    let claims = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"iss":"https://id.test","sub":"{sub}","n":{count}}}"#));
    opaque(count).replace("{\"", &format!("{{\"id_token\":\"e30.{claims}.x\",\""))
}

fn service(store: &TokenStore) -> OAuth2 {
    OAuth2::token_url("https://id.test/token").client("cid", "sec").store(store)
}

async fn sign_in(server: &Server, auth: &Auth) {
    server.session(auth).sign_in(SignIn::password("whoever", "p")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c06_renewals_and_restarts_keep_the_identity_and_another_sign_in_does_not() {
    let (server, store) = (Server::of(opaque), TokenStore::memory());
    let auth = service(&store).stored();
    assert_eq!(server.identity(&auth).await.unwrap_err().code(), "auth.required");
    sign_in(&server, &auth).await;
    let ada = server.identity(&auth).await.unwrap();
    for renewals in 2..4 {
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert_eq!(server.identity(&auth).await.unwrap(), ada, "an ended token is as good as any");
        server.session(&auth).token().await.unwrap();
        assert_eq!((server.identity(&auth).await.unwrap(), server.asked()), (ada, renewals));
    }
    let restarted = service(&store).stored();
    assert_eq!(server.identity(&restarted).await.unwrap(), ada);
    assert_eq!(server.asked(), 3, "the store told");
    let device = service(&store).device(|_| panic!("somebody is signed in"));
    assert_eq!(server.identity(&device).await.unwrap(), ada);
    // Nobody can tell whether the next one is the same.
    sign_in(&server, &restarted).await;
    let next = server.identity(&restarted).await.unwrap();
    assert_ne!(next, ada);
    // Another process goes by the token that it has, and then by the one that it finds.
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(server.identity(&auth).await.unwrap(), next);
    let _ = server.session(&auth).logout().await.unwrap();
    assert_eq!(server.identity(&auth).await.unwrap_err().code(), "auth.required");
}

#[tokio::test(start_paused = true)]
async fn c06_the_subject_of_the_id_token_is_one_identity_and_another_subject_another() {
    let server = Server::of(|count| known(count, if count == 3 { "bob" } else { "ada" }));
    let auth = service(&TokenStore::memory()).stored();
    let mut seen = Vec::new();
    for _ in 0..4 {
        sign_in(&server, &auth).await;
        seen.push(server.identity(&auth).await.unwrap());
    }
    assert!(seen[0] == seen[1] && seen[1] != seen[2] && seen[3] == seen[0]);
}

#[tokio::test(start_paused = true)]
async fn c06_where_the_settings_tell_nobody_is_asked_and_nothing_changes_it() {
    let server = Server::of(|count| known(count, "ada"));
    let new = || service(&TokenStore::memory());
    let scoped = new().scopes(["read"]);
    let named = |name: &str| new().headers([(name.to_owned(), "{token}".to_owned())]);
    let auths = [
        new().client_credentials(),
        new().client("cid", "other").client_credentials(),
        new().account("bob").client_credentials(),
        scoped.clone().client_credentials(),
        named("x-a").client_credentials(),
        new().password("ada", "p"),
        new().password("ada", "q"),
        new().password("bob", "p"),
        new().refresh_token("rt"),
        new().refresh_token("other"),
    ];
    let mut all = Vec::new();
    for auth in &auths {
        all.push(server.identity(auth).await.unwrap());
    }
    assert_eq!(server.asked(), 0);
    assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), all.len());
    assert_eq!(server.identity(&new().password("ada", "p")).await.unwrap(), all[5], "a restart");
    for _ in 0..2 {
        for (auth, before) in auths.iter().zip(&all) {
            server.session(auth).token().await.unwrap();
            assert_eq!(server.identity(auth).await.unwrap(), *before, "{auth:?}");
        }
        tokio::time::sleep(Duration::from_secs(100)).await;
    }
    assert_eq!(server.asked(), 2 * auths.len());
    // A person who signs in over it is somebody else.
    sign_in(&server, &auths[5]).await;
    assert_ne!(server.identity(&auths[5]).await.unwrap(), all[5]);
}

#[tokio::test(start_paused = true)]
async fn c06_a_source_of_ones_own_is_whoever_its_token_is_for() {
    let server = Server::of(opaque);
    let tokens = Arc::new(Mutex::new(vec!["ada1", "bob", "ada1"]));
    let auth = Auth::source(move || {
        let token = tokens.lock().unwrap_or_else(PoisonError::into_inner).pop();
        async move { Ok(Secret::from(token.unwrap())) }
    });
    let mut seen = Vec::new();
    for _ in 0..3 {
        let now = server.identity(&auth).await.unwrap();
        assert_eq!(server.identity(&auth).await.unwrap(), now, "it is asked once for each token");
        seen.push(now);
        server.session(&auth).invalidate();
    }
    assert!(seen[0] != seen[1] && seen[2] == seen[0]);
}

#[tokio::test(start_paused = true)]
async fn c06_a_record_of_another_version_keeps_its_identity_from_its_renewal_on() {
    let (server, store) = (Server::of(opaque), TokenStore::memory());
    let auth = service(&store).stored();
    let key = server.session(&auth).renewal.key.clone();
    let record = r#"{"generation":1,"access_token":"a","refresh_token":"r","issued_at":1600000000000,"expires_at":1600000001000}"#;
    store.lock(&key).await.unwrap().write(&TokenRecord::from_json(record).unwrap()).await.unwrap();
    let before = server.identity(&auth).await.unwrap();
    assert_eq!(server.asked(), 0);
    let mut seen = Vec::new();
    for _ in 0..2 {
        server.session(&auth).token().await.unwrap();
        seen.push(server.identity(&auth).await.unwrap());
        tokio::time::sleep(Duration::from_secs(100)).await;
    }
    assert!(seen[0] != before && seen[1] == seen[0]);
    assert_eq!(server.asked(), 2);
}

#[test]
fn c06_a_record_of_another_version_is_told_by_its_tokens() {
    let record = |text: &str| TokenRecord::from_json(text).unwrap();
    let all = [
        r#"{"access_token":"a"}"#,
        r#"{"access_token":"b"}"#,
        r#"{"access_token":"a","refresh_token":"r"}"#,
        r#"{"access_token":"a","refresh_token":"r","grant":"r"}"#,
        r#"{"access_token":"a","refresh_token":"r","grant":"r","scope":"read"}"#,
        r#"{"access_token":"a","refresh_token":"r","grant":"r","scope":"read write"}"#,
    ];
    let seen: std::collections::HashSet<_> =
        all.iter().map(|text| person("s", &record(text)).expose().to_owned()).collect();
    assert_eq!(seen.len(), all.len());
    let turned = all[5].replace("read write", "write read");
    assert_eq!(person("s", &record(&turned)).expose(), person("s", &record(all[5])).expose());
    assert_ne!(person("t", &record(all[5])).expose(), person("s", &record(all[5])).expose());
}
