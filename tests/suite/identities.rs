//! C06: whose the answers are that a cache keeps, over sign-ins, renewals and refusals.

use std::sync::{Arc, Mutex};

use restwalk::{Auth, Cache, CacheMode, Client, OAuth2, Secret, SignIn, TokenStore};

use crate::support::script::{Script, Seen, Step, answer};

const TOKEN: &str = "https://id.test/token";

/// Grants tokens with names that count up, for whoever signs in; and answers with the token that it was asked with, which
/// is fresh for an hour. A token that `refused` names is answered 401.
fn service(refused: impl Fn(&str) -> bool + Send + Sync + 'static) -> Script {
    let count = Mutex::new(0);
    Script::by(move |seen| {
        if seen.url == TOKEN {
            let mut count = count.lock().unwrap();
            *count += 1;
            return granted(seen, *count);
        }
        let token = seen.header("authorization").unwrap_or("none").trim_start_matches("Bearer ").to_owned();
        if refused(&token) {
            return answer(401);
        }
        let status = if seen.header("if-none-match").is_some() { 304 } else { 200 };
        answer(status).header("cache-control", "max-age=3600").header("etag", "\"same\"").body(token)
    })
}

fn granted(seen: &Seen, count: usize) -> Step {
    let form = String::from_utf8_lossy(&seen.body).into_owned();
    let who = ["ada", "bob"].into_iter().find(|who| form.contains(who)).unwrap_or("service");
    let (access, refresh) = (format!("{who}-{count}"), format!("refresh-{who}"));
    let body =
        format!(r#"{{"access_token":"{access}","refresh_token":"{refresh}","token_type":"Bearer","expires_in":3600}}"#);
    answer(200).header("content-type", "application/json").body(body)
}

fn signed(script: &Script, cache: &Cache, auth: Auth) -> Client {
    script.builder().auth(auth).cache(cache).build().unwrap()
}

fn stored(store: &TokenStore) -> Auth {
    OAuth2::token_url(TOKEN).client("cid", "sec").store(store).stored()
}

async fn sign_in(client: &Client, who: &str) {
    client.auth().unwrap().sign_in(SignIn::password(who, "p")).await.unwrap();
}

/// What the API said, and whether the cache had it.
async fn call(client: &Client) -> (String, bool) {
    let answer = client.res("a").get().send().await.unwrap();
    let kept = answer.from_cache();
    (answer.text().await.unwrap(), kept)
}

fn said(text: &str, kept: bool) -> (String, bool) {
    (text.to_owned(), kept)
}

#[tokio::test(start_paused = true)]
async fn c06_a_renewed_token_finds_what_the_one_before_was_answered_and_another_persons_does_not() {
    let (script, cache, store) = (service(|_| false), Cache::memory(), TokenStore::memory());
    let client = signed(&script, &cache, stored(&store));
    sign_in(&client, "ada").await;
    assert_eq!(call(&client).await, said("ada-1", false));
    client.auth().unwrap().invalidate();
    client.auth().unwrap().token().await.unwrap();
    assert_eq!(call(&client).await, said("ada-1", true), "the token is another, and the person the same");
    // Another client of the same store, as after a restart, needs no token for what is kept.
    let restarted = signed(&script, &cache, stored(&store));
    let before = script.count();
    assert_eq!(call(&restarted).await, said("ada-1", true));
    assert_eq!(script.count(), before);
    sign_in(&client, "bob").await;
    assert_eq!(call(&client).await, said("bob-3", false));
    assert_eq!(call(&client).await, said("bob-3", true));
}

/// Ada's token is refused, and the store holds Bob's by then: what he is answered is his.
#[tokio::test(start_paused = true)]
async fn c06_what_came_for_somebody_else_than_was_looked_for_is_not_kept() {
    let revoked = Arc::new(Mutex::new(false));
    let refusing = Arc::clone(&revoked);
    let script = service(move |token| token.starts_with("ada") && *refusing.lock().unwrap());
    let (cache, store) = (Cache::memory(), TokenStore::memory());
    let [first, second, other] = [(); 3].map(|()| signed(&script, &cache, stored(&store)));
    sign_in(&first, "ada").await;
    second.auth().unwrap().token().await.unwrap();
    assert_eq!(call(&first).await, said("ada-1", false));
    sign_in(&other, "bob").await;
    *revoked.lock().unwrap() = true;
    let new = first.res("b").get().send().await.unwrap();
    assert_eq!(new.text().await.unwrap(), "bob-2");
    let validated = second.res("a").get().cache(CacheMode::NoCache).send().await.unwrap();
    assert!(!validated.from_cache());
    assert_eq!(validated.text().await.unwrap(), "bob-2", "what is kept for Ada is not what holds for Bob");
    assert!(cache.entries(10).await.unwrap().is_empty(), "Bob's answers are kept where Ada looks");
    assert_eq!(call(&second).await, said("bob-2", false));
    assert_eq!(call(&first).await, said("bob-2", true));
}

#[tokio::test(start_paused = true)]
async fn c06_a_source_of_ones_own_keeps_for_each_token_what_it_was_answered() {
    let (script, cache) = (service(|_| false), Cache::memory());
    let tokens = Arc::new(Mutex::new(vec!["ada", "bob", "ada"]));
    let source = Auth::source(move || {
        let next = tokens.lock().unwrap().pop().unwrap();
        async move { Ok(Secret::from(next)) }
    });
    let client = signed(&script, &cache, source);
    for (who, kept) in [("ada", false), ("ada", true), ("bob", false), ("bob", true), ("ada", true)] {
        assert_eq!(call(&client).await, said(who, kept));
        if kept {
            client.auth().unwrap().invalidate();
        }
    }
}
