//! Stores that fail or hang, what they are given, and calls that may send nothing.

use std::time::Duration;

use bytes::Bytes;
use restwalk::{
    Auth, BoxFuture, Cache, CacheBackend, CacheKey, CacheMode, CachePlace, Error, ErrorKind, Kept, Outcome, Result,
};

use super::{lasting, told};
use crate::support::{
    canary::canary,
    script::{Script, answer},
};

/// Never answers, or always fails.
#[derive(Debug, Clone, Copy)]
enum Broken {
    Hangs,
    Fails,
}

impl Broken {
    fn answer<T: Send + 'static>(self) -> BoxFuture<'static, Result<T>> {
        Box::pin(async move {
            match self {
                Self::Hangs => std::future::pending().await,
                Self::Fails => Err(Error::new(ErrorKind::Store, "broken")),
            }
        })
    }
}

impl CacheBackend for Broken {
    fn get<'a>(&'a self, _: &'a CacheKey) -> BoxFuture<'a, Result<Kept>> {
        self.answer()
    }

    fn set<'a>(&'a self, _: &'a CacheKey, _: Bytes, _: Duration) -> BoxFuture<'a, Result<()>> {
        self.answer()
    }

    fn remove<'a>(&'a self, _: &'a CacheKey) -> BoxFuture<'a, Result<()>> {
        self.answer()
    }

    fn invalidate<'a>(&'a self, _: &'a CachePlace) -> BoxFuture<'a, Result<()>> {
        self.answer()
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        self.answer()
    }

    fn list(&self, _: usize) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        self.answer()
    }

    fn usage(&self) -> BoxFuture<'_, Result<(u64, u64)>> {
        self.answer()
    }
}

#[tokio::test(start_paused = true)]
async fn c25_a_store_that_hangs_or_fails_keeps_no_call_from_its_answer() {
    for broken in [Broken::Hangs, Broken::Fails] {
        let script = Script::of([lasting("{}")]);
        let client = script.builder().cache(&Cache::own(broken)).build().unwrap();
        for _ in 0..2 {
            let both = async {
                assert_eq!(told(client.res("x").get()).await, ("{}".into(), false));
                client.res("x").post().await.unwrap();
            };
            tokio::time::timeout(Duration::from_secs(60), both).await.unwrap_or_else(|_| panic!("{broken:?}"));
        }
        assert_eq!(script.count(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn c33_who_wants_nothing_sent_has_nothing_sent() {
    let script = Script::of([lasting("{}")]);
    let offline = CacheMode::OnlyIfCached;
    for cache in [Cache::memory(), Cache::own(Broken::Fails)] {
        let client = script.builder().cache(&cache).build().unwrap();
        for call in [
            client.res("x").get().cache(offline),
            client.res("x").get().header("cache-control", "only-if-cached"),
            client.res("x").get().cache(offline).header("cache-control", "no-store"),
            client.res("x").get().cache(offline).header("range", "bytes=0-1"),
            client.res("x").get().cache(offline).header("if-none-match", "\"x\""),
            client.res("x").head().cache(offline),
            client.res("x").post().cache(offline),
            client.res("x").delete().cache(offline),
        ] {
            let name = format!("{call:?}");
            let error = call.send().await.unwrap_err();
            assert_eq!((error.code(), error.outcome()), ("cache.missing", Outcome::NotSent), "{name}");
        }
    }
    let routes = "resources:\n  x: { route: /x, methods: { GET: { cache: off } } }\n";
    let catalog = restwalk::Catalog::from_yaml(routes, "").unwrap();
    let client = script.builder().catalog(catalog).cache(&Cache::memory()).build().unwrap();
    client.res("x").get().cache(offline).send().await.unwrap_err();
    assert_eq!(script.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn s17_no_secret_of_a_url_is_kept() {
    let secrets = ["base", "call", "own"].map(canary);
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of([lasting("{}")]);
    let cache = Cache::disk(folder.path().join("kept"));
    let client = script.at(&format!("http://api.test/?api_key={}", secrets[0])).cache(&cache);
    let client = client.auth(Auth::api_key_query("key", secrets[2].as_str())).build().unwrap();
    told(client.res("x").get().query("access_token", &secrets[1])).await;
    assert!(told(client.res("x").get().query("access_token", &secrets[1])).await.1);
    let mut files = 0;
    for file in std::fs::read_dir(folder.path().join("kept")).unwrap() {
        files += 1;
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in &secrets {
            assert!(memchr::memmem::find(&bytes, secret.as_bytes()).is_none(), "{secret}");
        }
    }
    assert!(files > 1);
    let shown = format!("{:?} {cache:?}", cache.entries(9).await.unwrap());
    assert!(shown.contains("/x?") && !secrets.iter().any(|secret| shown.contains(secret.as_str())), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn c03_a_call_that_keeps_nothing_leaves_nothing() {
    let script = Script::of([answer(301).header("location", "/y").header("cache-control", "max-age=9"), lasting("{}")]);
    let cache = Cache::memory();
    let client = script.builder().cache(&cache).build().unwrap();
    told(client.res("x").get().cache(CacheMode::NoStore)).await;
    assert_eq!((cache.stats().await.unwrap().entries, script.count()), (0, 2));
}
