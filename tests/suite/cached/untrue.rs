//! What was made untrue is not given any more.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use restwalk::{BoxFuture, Cache, CacheMode, Client, Error, ErrorKind, Outcome, Result, Retry, Transport, WireBody};

use super::{lasting, told};
use crate::support::script::{Script, Step, answer};

/// What is there is fresh for long; what changes it goes by `steps`.
fn changed_by(steps: impl IntoIterator<Item = Step>) -> Script {
    let changes = Script::of(steps);
    Script::by(move |seen| if seen.method == "GET" { lasting("kept") } else { changes.choose(seen) })
}

#[tokio::test(start_paused = true)]
async fn c09_a_delete_whose_answer_was_lost_may_have_deleted_it() {
    let script = changed_by([Step::Fail(ErrorKind::Connect, Outcome::MaybeProcessed), answer(404)]);
    let client = script.builder().cache(&Cache::memory()).build().unwrap();
    told(client.res("x").get()).await;
    assert!(client.res("x").delete().send_raw().await.unwrap().ambiguous_delete());
    assert!(!told(client.res("x").get()).await.1, "the first DELETE may have been done");
}

#[tokio::test(start_paused = true)]
async fn c09_a_call_that_its_caller_gave_up_may_have_been_done() {
    let script = changed_by([Step::Hang]);
    let client = script.builder().cache(&Cache::memory()).build().unwrap();
    told(client.res("x").get()).await;
    let given_up = tokio::time::timeout(Duration::from_secs(1), client.res("x").post().send()).await;
    assert!(given_up.is_err() && script.count() == 2);
    assert!(!told(client.res("x").get()).await.1, "the POST went out");
}

#[tokio::test(start_paused = true)]
async fn c09_a_call_that_never_went_out_changes_nothing() {
    let script = changed_by([Step::Fail(ErrorKind::Connect, Outcome::NotSent)]);
    let client = script.builder().retry(Retry::off()).cache(&Cache::memory()).build().unwrap();
    told(client.res("x").get()).await;
    client.res("x").post().send().await.unwrap_err();
    assert!(told(client.res("x").get()).await.1);
    let unsent = client.res("x").post().send();
    drop(unsent);
    assert!(told(client.res("x").get()).await.1);
}

#[tokio::test(start_paused = true)]
async fn c09_an_answer_that_began_before_is_not_joined_afterwards() {
    let script = Script::of([
        lasting("old").after(Duration::from_secs(2)),
        answer(200).after(Duration::from_secs(1)),
        lasting("new"),
    ]);
    let client = script.builder().cache(&Cache::memory()).build().unwrap();
    let early = told(client.res("x").get());
    let late = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        client.res("x").post().await.unwrap();
        told(client.res("x").get()).await
    };
    let (early, late) = tokio::join!(early, late);
    assert_eq!((early.0.as_str(), late.0.as_str()), ("old", "new"));
    assert_eq!(told(client.res("x").get()).await, ("new".into(), true));
}

#[tokio::test(start_paused = true)]
async fn c03_a_304_that_forbids_to_keep_it_ends_what_is_kept() {
    let script = Script::of([
        answer(200).header("etag", "\"v1\"").header("cache-control", "max-age=1").body("first"),
        answer(304).header("etag", "\"v1\"").header("cache-control", "no-store, max-age=900"),
        answer(200).body("second"),
    ]);
    let cache = Cache::memory();
    let client = script.builder().cache(&cache).build().unwrap();
    told(client.res("x").get()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(told(client.res("x").get()).await.0, "first");
    assert_eq!(cache.entries(9).await.unwrap().len(), 0);
    assert_eq!(told(client.res("x").get()).await.0, "second");
}

/// Gives `old` after a second and `new` after two, each in a piece of its own.
#[derive(Debug, Default)]
struct Slowly(AtomicUsize);

impl Transport for Slowly {
    fn exchange(&self, _: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        Box::pin(async {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1 + count as u64)).await;
            let text = ["old", "new"][count];
            let pieces = futures_util::stream::iter([Ok::<_, Error>(http_body::Frame::data(Bytes::from(text)))]);
            let body = WireBody::new(http_body_util::StreamBody::new(pieces));
            let answer = http::Response::builder().header("cache-control", "max-age=900").header("content-length", 3);
            Ok(answer.body(body).unwrap())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn c13_a_slow_old_answer_does_not_take_the_place_of_a_newer_one() {
    let client = Client::builder("http://api.test").transport(Slowly::default()).cache(&Cache::memory());
    let client = client.build().unwrap();
    // Its head comes first, and its body is read last.
    let old = client.res("x").get().cache(CacheMode::Reload).send();
    let new = client.res("x").get().cache(CacheMode::Reload).send();
    let (old, new) = tokio::join!(old, new);
    assert_eq!(new.unwrap().text().await.unwrap(), "new");
    assert_eq!(old.unwrap().text().await.unwrap(), "old");
    assert_eq!(told(client.res("x").get()).await, ("new".into(), true));
}

#[tokio::test(start_paused = true)]
async fn c13_what_is_refused_for_now_does_not_end_what_is_kept() {
    let stale = || answer(200).header("etag", "\"v1\"").header("cache-control", "max-age=1").body("kept");
    let script = Script::of([stale(), answer(429), answer(304).header("etag", "\"v1\"")]);
    let client = script.builder().retry(Retry::off()).cache(&Cache::memory()).build().unwrap();
    told(client.res("x").get()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(client.res("x").get().send_raw().await.unwrap().status(), 429);
    assert_eq!(told(client.res("x").get()).await, ("kept".into(), true));
}

#[test]
fn c18_a_renewal_needs_no_runtime_to_be_left_out() {
    let script = Script::of([answer(200)
        .header("age", "9")
        .header("cache-control", "max-age=1, stale-while-revalidate=900")
        .body("kept")]);
    let client = script.builder().total_timeout(None).headers_timeout(None).idle_timeout(None);
    let client = client.cache(&Cache::memory()).build().unwrap();
    for round in 0..2 {
        let mut call = Box::pin(told(client.res("x").get()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert_eq!(call.as_mut().poll(&mut context), std::task::Poll::Ready(("kept".into(), round == 1)));
    }
    assert_eq!(script.count(), 1);
}
