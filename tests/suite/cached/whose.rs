//! Whose an answer is.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use restwalk::{Auth, Body, BoxFuture, Cache, Catalog, Client, Result, Secret, Sign};

use super::{lasting, told};
use crate::support::script::{Script, Seen, answer};

/// Says who asked, by every header that could tell.
fn who(seen: &Seen) -> String {
    let names = ["authorization", "cookie", "x-api-key", "x-tenant", "x-user", "x-auth-email", "ocp-subscription-key"];
    names.map(|name| seen.header(name).unwrap_or("-").to_owned()).join(" ")
}

fn echo() -> Script {
    Script::by(|seen| lasting(who(seen)))
}

/// Signs as `user<n>`, and becomes the next one whenever it is told to, before it signs.
#[derive(Debug, Clone, Default)]
struct Moody {
    user: Arc<AtomicUsize>,
    turns: Arc<AtomicUsize>,
}

impl Moody {
    fn named(&self) -> String {
        format!("user{}", self.user.load(Ordering::SeqCst))
    }
}

impl Sign for Moody {
    fn sign<'a>(&'a self, request: &'a mut http::Request<Body>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if self.turns.load(Ordering::SeqCst) > 0 {
                self.turns.fetch_sub(1, Ordering::SeqCst);
                self.user.fetch_add(1, Ordering::SeqCst);
            }
            request.headers_mut().insert("authorization", self.named().parse().unwrap());
            Ok(())
        })
    }

    fn refused<'a>(&'a self, _: &'a http::HeaderMap, _: &'a http::HeaderMap) -> BoxFuture<'a, Result<bool>> {
        self.user.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(true) })
    }

    fn identity(&self) -> BoxFuture<'_, Result<Option<Secret>>> {
        Box::pin(async { Ok(Some(Secret::from(self.named()))) })
    }
}

#[tokio::test(start_paused = true)]
async fn c01_who_signs_in_between_the_look_and_the_signature_is_another() {
    let script = echo();
    let (moody, cache) = (Moody::default(), Cache::memory());
    let client = script.builder().auth(Auth::signer(moody.clone())).cache(&cache).build().unwrap();
    moody.turns.store(1, Ordering::SeqCst);
    assert!(told(client.res("x").get()).await.0.starts_with("user1"));
    moody.user.store(0, Ordering::SeqCst);
    assert!(told(client.res("x").get()).await.0.starts_with("user0"), "the answer of another was kept for user0");
}

#[tokio::test(start_paused = true)]
async fn c01_nobody_is_told_that_the_answer_of_another_still_holds() {
    let script = Script::by(|seen| match seen.header("if-none-match") {
        Some(_) => answer(304).header("etag", "\"v1\""),
        None => answer(200).header("cache-control", "max-age=0").header("etag", "\"v1\"").body(who(seen)),
    });
    let (moody, cache) = (Moody::default(), Cache::memory());
    let client = script.builder().auth(Auth::signer(moody.clone())).cache(&cache).build().unwrap();
    assert!(told(client.res("x").get()).await.0.starts_with("user0"));
    moody.turns.store(1, Ordering::SeqCst);
    assert!(told(client.res("x").get()).await.0.starts_with("user1"));
    assert!(told(client.res("x").get()).await.0.starts_with("user1"));
}

#[tokio::test(start_paused = true)]
async fn c01_an_answer_to_who_signed_anew_is_theirs() {
    let script = Script::by(|seen| match seen.header("authorization") {
        Some("user0") => answer(401),
        _ => lasting(who(seen)),
    });
    let (moody, cache) = (Moody::default(), Cache::memory());
    let client = script.builder().auth(Auth::signer(moody.clone())).cache(&cache).build().unwrap();
    assert!(told(client.res("x").get()).await.0.starts_with("user1"));
    moody.user.store(0, Ordering::SeqCst);
    assert!(!told(client.res("x").get()).await.1, "user0 was refused, and is given the answer of user1");
}

#[tokio::test(start_paused = true)]
async fn c01_headers_of_one_call_tell_who_asks() {
    let script = echo();
    let cache = Cache::memory();
    let tenants = script.builder().header("x-tenant", "a").header("x-api-key", "k").cache(&cache).build().unwrap();
    let users = Auth::bearer("t").with("x-user", "{actor}");
    let users = script.builder().actor("ada").auth(users).cache(&cache).build().unwrap();
    let plain = script.builder().cache(&cache).build().unwrap();
    let calls: [(&str, &dyn Fn() -> restwalk::Call); 12] = [
        ("the client's", &|| tenants.res("x").get()),
        ("another tenant", &|| tenants.res("x").get().header("x-tenant", "b")),
        ("no tenant", &|| tenants.res("x").get().unset_header("x-tenant")),
        ("no key", &|| tenants.res("x").get().unset_header("x-api-key")),
        ("another key", &|| tenants.res("x").get().header("x-api-key", "l")),
        ("ada", &|| users.res("x").get()),
        ("in place of ada", &|| users.res("x").get().header("x-user", "bob")),
        ("nobody", &|| plain.res("x").get()),
        ("by mail", &|| plain.res("x").get().header("x-auth-email", "ada")),
        ("by mail, another", &|| plain.res("x").get().header("x-auth-email", "bob")),
        ("by subscription", &|| plain.res("x").get().header("ocp-subscription-key", "1")),
        ("by subscription, another", &|| plain.res("x").get().header("ocp-subscription-key", "2")),
    ];
    let mut answers = Vec::new();
    for (name, call) in &calls {
        let (text, from_cache) = told(call()).await;
        assert!(!from_cache, "{name} is given {text}");
        answers.push(text);
    }
    for ((name, call), text) in calls.iter().zip(answers) {
        assert_eq!(told(call()).await, (text, true), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn c01_catalogs_that_name_different_tenants_share_nothing() {
    let script = echo();
    let cache = Cache::memory();
    let client = |tenant: &str| -> Client {
        let routes =
            format!("resources:\n  x: {{ route: /x, methods: {{ GET: {{ headers: {{ X-Tenant: {tenant} }} }} }} }}\n");
        script.builder().catalog(Catalog::from_yaml(&routes, "").unwrap()).cache(&cache).build().unwrap()
    };
    let (ours, theirs) = (told(client("a").res("x").get()).await.0, told(client("b").res("x").get()).await.0);
    assert_ne!(ours, theirs);
    assert!(told(client("a").res("x").get()).await.1);
}

#[tokio::test(start_paused = true)]
async fn c01_who_signs_in_by_a_cookie_is_not_given_what_was_for_the_one_before() {
    let script = Script::by(|seen| match (seen.method.as_str(), seen.url.rsplit('/').next().unwrap()) {
        ("POST", name) => answer(200).header("set-cookie", format!("sid={name}; Path=/")),
        _ => lasting(who(seen)).header("vary", "cookie"),
    });
    let client = script.builder().cookies(true).cache(&Cache::memory()).build().unwrap();
    for user in ["ada", "bob"] {
        client.res("sessions").item(user).post().await.unwrap();
        for round in 0..2 {
            let (text, from_cache) = told(client.res("me").get()).await;
            assert!(text.contains(user), "{user} is given {text}");
            assert_eq!(from_cache, round == 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn c02_what_a_route_shares_is_not_what_it_leads_to() {
    let routes = "resources:\n  day: { route: /day, methods: { GET: { cache: { shared: true } } } }\n";
    let script = Script::by(|seen| match seen.url.rsplit('/').next().unwrap() {
        "day" => answer(302).header("location", "/mine").header("cache-control", "public, max-age=900"),
        _ => lasting(who(seen)).header("cache-control", "public"),
    });
    let cache = Cache::memory();
    let catalog = Catalog::from_yaml(routes, "").unwrap();
    let client =
        |name: &str| script.builder().catalog(catalog.clone()).auth(Auth::bearer(name)).cache(&cache).build().unwrap();
    assert!(told(client("ada").res("day").get()).await.0.contains("ada"));
    assert!(told(client("bob").res("day").get()).await.0.contains("bob"));
    assert_eq!(script.urls().iter().filter(|url| url.ends_with("/day")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn c02_what_becomes_private_is_shared_no_more() {
    let routes = "resources:\n  day: { route: /day, methods: { GET: { cache: { shared: true } } } }\n";
    let script = Script::by(|seen| match (seen.header("if-none-match"), seen.header("authorization")) {
        (Some(_), _) => answer(304).header("etag", "\"v1\"").header("cache-control", "private, max-age=900"),
        (None, Some("Bearer ada")) => {
            answer(200).header("etag", "\"v1\"").header("cache-control", "public, max-age=1").body("ada")
        }
        _ => answer(200).body("bob"),
    });
    let cache = Cache::memory();
    let catalog = Catalog::from_yaml(routes, "").unwrap();
    let client =
        |name: &str| script.builder().catalog(catalog.clone()).auth(Auth::bearer(name)).cache(&cache).build().unwrap();
    told(client("ada").res("day").get()).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(told(client("ada").res("day").get()).await.0, "ada");
    assert_eq!(told(client("bob").res("day").get()).await, ("bob".into(), false));
}

#[tokio::test(start_paused = true)]
async fn c04_what_varies_with_a_header_that_is_made_for_each_request_is_not_given_again() {
    let script = Script::by(|seen| {
        let id = seen.header("x-request-id").unwrap_or_default().to_owned();
        lasting(id).header("vary", "X-Request-Id")
    });
    let client = script.builder().make_request_id(true).cache(&Cache::memory()).build().unwrap();
    let (one, other) = (told(client.res("x").get()).await.0, told(client.res("x").get()).await.0);
    assert!(!one.is_empty() && one != other);
}
