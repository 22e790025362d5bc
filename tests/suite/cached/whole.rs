//! Bodies are given again as they were, or not at all.

use std::time::Duration;

use restwalk::{BoxFuture, Cache, CacheMode, Result, Transport, WireBody};

use super::{lasting, told};
use crate::support::script::{Script, answer};

#[tokio::test(start_paused = true)]
async fn c20_a_body_that_is_not_as_long_as_it_says_is_not_kept() {
    let script = Script::of([lasting("{}").header("content-length", "9"), lasting("123456789")]);
    let client = script.builder().cache(&Cache::memory()).build().unwrap();
    told(client.res("x").get()).await;
    assert_eq!(told(client.res("x").get()).await.0, "123456789");
}

#[cfg(feature = "gzip")]
#[tokio::test(start_paused = true)]
async fn c20_a_body_that_cannot_be_decoded_is_not_kept() {
    let script = Script::of([lasting("no gzip").header("content-encoding", "gzip"), lasting("{}")]);
    let client = script.builder().cache(&Cache::memory()).build().unwrap();
    assert_eq!(client.res("x").get().await.map(|_: restwalk::Value| ()).unwrap_err().code(), "body.encoding");
    assert_eq!(told(client.res("x").get()).await.0, "{}");
}

/// Gives a body that never ends, and says that it is as long as can be.
#[derive(Debug)]
struct Boundless(u64);

impl Transport for Boundless {
    fn exchange(&self, _: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        let body = WireBody::new(Claimed(self.0));
        let answer = http::Response::builder().header("cache-control", "max-age=9").header("content-length", self.0);
        Box::pin(async { Ok(answer.body(body).unwrap()) })
    }
}

struct Claimed(u64);

impl http_body::Body for Claimed {
    type Data = bytes::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<std::result::Result<http_body::Frame<Self::Data>, Self::Error>>> {
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(bytes::Bytes::from_static(b"x")))))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn c22_a_length_that_is_only_said_takes_no_room() {
    for claimed in [1 << 40, u64::MAX] {
        let cache = Cache::memory().capacity(u64::MAX).entry_limit(u64::MAX);
        let client = restwalk::Client::builder("http://api.test").transport(Boundless(claimed)).cache(&cache);
        let answer = client.build().unwrap().res("x").get().send().await.unwrap();
        assert_eq!(answer.stream().next().await.unwrap().unwrap(), "x");
    }
}

#[tokio::test(start_paused = true)]
async fn c22_settings_may_be_anything() {
    for (capacity, limit) in [(0, 0), (0, u64::MAX), (u64::MAX, 0), (u64::MAX, u64::MAX), (1, 1)] {
        let script = Script::of([lasting("{}").header("age", "18446744073709551615").header("expires", "x")]);
        let cache = Cache::memory().capacity(capacity).entry_limit(limit).ttl(Duration::MAX);
        let client = script.builder().cache(&cache).build().unwrap();
        for mode in [CacheMode::Default, CacheMode::Reload, CacheMode::NoCache, CacheMode::ForceCache] {
            assert_eq!(told(client.res("x").get().cache(mode)).await.0, "{}", "{capacity} {limit}");
        }
        assert!(cache.stats().await.unwrap().bytes <= capacity);
        cache.purge_expired().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn c08_a_part_of_what_is_stale_is_not_renewed_in_vain() {
    let script = Script::by(|seen| match seen.header("range") {
        None => answer(200).header("cache-control", "max-age=1, stale-while-revalidate=900").body("0123456789"),
        Some(_) => answer(206).header("content-range", "bytes 0-1/10").body("01"),
    });
    let client = script.builder().cache(&Cache::memory()).build().unwrap();
    told(client.res("x").get()).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    for _ in 0..3 {
        assert_eq!(told(client.res("x").get().header("range", "bytes=0-1")).await, ("01".into(), true));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(script.count() <= 2, "{:?}", script.urls());
}

#[tokio::test(start_paused = true)]
async fn c13_attempts_of_one_call_are_one_miss() {
    let script = Script::of([answer(503), answer(503), lasting("{}")]);
    let cache = Cache::memory();
    let client = script.builder().cache(&cache).build().unwrap();
    told(client.res("x").get()).await;
    assert_eq!(cache.stats().await.unwrap().misses, 1);
}
