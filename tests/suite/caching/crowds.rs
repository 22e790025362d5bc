//! Who gets whose answer, and how often the origin is asked, where many ask at once.

use std::{
    future::IntoFuture,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use restwalk::{
    Auth, BoxFuture, Cache, Catalog, Client, Error, ErrorKind, Outcome, Result, Retry, Transport, Value, WireBody,
};

use crate::support::script::{Script, Step, answer};

/// An answer that is fresh for a minute, after a second.
fn slow() -> Step {
    answer(200).header("cache-control", "max-age=60").body("[7]").after(Duration::from_secs(1))
}

fn client(script: &Script) -> Client {
    script.builder().cache(&Cache::memory()).retry(Retry::off()).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn c01_each_user_is_given_their_own() {
    let script = Script::by(|seen| {
        let who = seen.header("authorization").unwrap_or("nobody").to_owned();
        answer(200).header("cache-control", "max-age=60").body(who)
    });
    let client = client(&script);
    let ada = client.with_auth(Auth::bearer("ada"));
    let bob = client.with_auth(Auth::bearer("bob"));
    for _ in 0..2 {
        for (client, who) in [(&ada, "Bearer ada"), (&bob, "Bearer bob"), (&client, "nobody")] {
            assert_eq!(client.res("x").get().send().await.unwrap().text().await.unwrap(), who);
        }
        let own = client.res("x").get().header("authorization", "Bearer eve").send().await.unwrap();
        assert_eq!(own.text().await.unwrap(), "Bearer eve");
        let own = ada.res("x").get().auth(Auth::bearer("kim")).send().await.unwrap();
        assert_eq!(own.text().await.unwrap(), "Bearer kim");
    }
    assert_eq!(script.count(), 5);
}

#[tokio::test(start_paused = true)]
async fn c02_what_is_public_is_still_one_persons_unless_the_route_is_shared() {
    let text = "resources: {own: {route: /own}, all: {route: /all, methods: {GET: {cache: {shared: true}}}}}";
    for (path, said, expected) in [
        ("own", "public, max-age=60", 2),
        ("all", "public, max-age=60", 1),
        ("all", "s-maxage=60", 1),
        ("all", "max-age=60", 2),
        ("all", "private, max-age=60", 2),
    ] {
        let script = Script::of([answer(200).header("cache-control", said)]);
        let catalog = Catalog::from_yaml(text, "").unwrap();
        let client = script.builder().catalog(catalog).cache(&Cache::memory()).build().unwrap();
        for who in ["ada", "bob"] {
            client.with_auth(Auth::bearer(who)).res(path).get().await.unwrap();
        }
        assert_eq!(script.count(), expected, "{path} {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn c15_a_weak_answer_and_a_range_are_not_combined() {
    let part = || answer(206).header("content-range", "bytes 0-1/5").header("etag", "W/\"a\"").body("01");
    let whole = || answer(200).header("cache-control", "max-age=0").header("etag", "W/\"a\"").body("abcde");
    let script = Script::of([whole(), part(), whole()]);
    let client = client(&script);
    client.res("x").get().send().await.unwrap().text().await.unwrap();
    let ranged = client.res("x").get().header("range", "bytes=0-1").send().await.unwrap();
    assert!(ranged.status() == 206 && !ranged.from_cache());
    assert_eq!(ranged.text().await.unwrap(), "01");
    assert_eq!(script.seen()[1].header("if-none-match"), None, "a part would be taken for the whole");
    assert_eq!(client.res("x").get().send().await.unwrap().text().await.unwrap(), "abcde");
    assert_eq!(script.seen()[2].header("if-none-match"), Some("W/\"a\""));
}

#[tokio::test(start_paused = true)]
async fn c19_a_thousand_who_miss_at_once_cost_one_request() {
    let script = Script::of([slow()]);
    let client = client(&script);
    let ask = |_| async {
        let found: Value = client.res("x").get().await.unwrap();
        assert_eq!(found[0], 7);
    };
    join_all((0..1_000).map(ask)).await;
    assert_eq!(script.count(), 1);
    // Bodies that are read after all have their heads.
    let script = Script::of([slow().header("content-length", "3")]);
    let client = self::client(&script);
    let heads = join_all((0..100).map(|_| client.res("x").get().send())).await;
    for head in heads {
        assert_eq!(head.unwrap().text().await.unwrap(), "[7]");
    }
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn c19_where_the_one_that_goes_is_given_up_another_takes_over() {
    let script = Script::of([slow()]);
    let client = client(&script);
    let first = tokio::spawn(client.res("x").get().into_future());
    tokio::task::yield_now().await;
    let others = join_all((0..10).map(|_| client.res("x").get().into_future()));
    let others = tokio::spawn(others);
    tokio::time::advance(Duration::from_millis(500)).await;
    first.abort();
    assert!(others.await.unwrap().into_iter().all(|found| found.unwrap()[0] == 7));
    assert_eq!(script.count(), 2, "the one that was given up, and one for all others");
}

#[tokio::test(start_paused = true)]
async fn c19_a_failure_reaches_each_who_waits_once() {
    let failure = Step::Fail(ErrorKind::Connect, Outcome::NotSent).after(Duration::from_secs(1));
    let script = Script::of([failure, slow()]);
    let client = client(&script);
    let found = join_all((0..100).map(|_| client.res("x").get().into_future())).await;
    for found in found {
        let error = found.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Connect, Outcome::NotSent));
    }
    assert_eq!(script.count(), 1);
    client.res("x").get().await.unwrap();
    assert_eq!(script.count(), 2, "a failure is not kept");
}

#[tokio::test(start_paused = true)]
async fn c19_a_server_that_fails_is_not_asked_by_all_who_wait() {
    let failure = answer(503).body("{\"message\":\"full\"}").after(Duration::from_secs(1));
    let script = Script::of([failure, slow()]);
    let client = client(&script);
    let found = join_all((0..1_000).map(|_| client.res("x").get().into_future())).await;
    for found in found {
        let error = found.unwrap_err();
        assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Status, 503));
        assert_eq!(error.problem().unwrap().message().as_deref(), Some("full"));
    }
    assert_eq!(script.count(), 1);
    client.res("x").get().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c18_a_stale_answer_stands_in_for_all_who_wait() {
    for failure in [answer(503), Step::Fail(ErrorKind::Connect, Outcome::NotSent)] {
        let first = answer(200).header("cache-control", "max-age=1, stale-if-error=60").body("[7]");
        let script = Script::of([first, failure.after(Duration::from_secs(1))]);
        let client = client(&script);
        client.res("x").get().await.unwrap();
        tokio::time::advance(Duration::from_secs(2)).await;
        for found in join_all((0..10).map(|_| client.res("x").get().send())).await {
            let found = found.unwrap();
            assert!(found.is_stale() && found.status() == 200);
        }
        assert_eq!(script.count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn c19_nobody_waits_where_answers_are_not_kept() {
    let script = Script::of([answer(200).header("cache-control", "no-store").after(Duration::from_secs(1))]);
    let client = client(&script);
    for round in 0..2 {
        let began = tokio::time::Instant::now();
        join_all((0..50).map(|_| client.res("x").get().into_future())).await;
        // The first time, nobody knows; later nobody waits for another.
        assert_eq!(began.elapsed().as_secs(), 2 - round);
    }
    assert_eq!(script.count(), 100);
}

#[tokio::test(start_paused = true)]
async fn c19_a_call_waits_no_longer_than_its_own_time() {
    let script = Script::of([slow().after(Duration::from_secs(9))]);
    let client = client(&script);
    let first = tokio::spawn(client.res("x").get().into_future());
    tokio::task::yield_now().await;
    let error = client.res("x").get().timeout(Duration::from_secs(2)).await.unwrap_err();
    assert_eq!(error.code(), "timeout.total");
    assert_eq!(first.await.unwrap().unwrap()[0], 7);
}

/// Gives these pieces of a body, which is said to be of seven bytes and to be fresh.
#[derive(Debug)]
struct Pieces(&'static [Option<&'static str>], Arc<AtomicUsize>);

impl Transport for Pieces {
    fn exchange(&self, _: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let lost = || Error::new(ErrorKind::Body, "the body broke off").with_outcome(Outcome::Processed);
        let frame = move |piece: Option<&'static str>| {
            piece.map(|piece| http_body::Frame::data(bytes::Bytes::from_static(piece.as_bytes()))).ok_or_else(lost)
        };
        let frames: Vec<_> = self.0.iter().copied().map(frame).collect();
        let body = WireBody::new(http_body_util::StreamBody::new(futures_util::stream::iter(frames)));
        let head = http::Response::builder().header("cache-control", "max-age=60").header("content-length", "7");
        Box::pin(std::future::ready(Ok(head.body(body).unwrap())))
    }
}

#[tokio::test(start_paused = true)]
async fn c20_what_has_not_come_whole_is_not_kept() {
    for (pieces, given_up, expected) in [
        (&[Some("abc"), None][..], false, 2),
        (&[Some("abc"), Some("defg")], true, 2),
        (&[Some("abc"), Some("defg")], false, 1),
    ] {
        let count = Arc::new(AtomicUsize::new(0));
        let transport = Pieces(pieces, Arc::clone(&count));
        let client = Client::builder("http://api.test").transport(transport).cache(&Cache::memory());
        let client = client.retry(Retry::off()).build().unwrap();
        for _ in 0..2 {
            let mut body = client.res("x").get().send().await.unwrap().stream();
            assert_eq!(body.next().await.unwrap().unwrap().get(..3), Some(&b"abc"[..]));
            while !given_up && body.next().await.is_some() {}
        }
        assert_eq!(count.load(Ordering::Relaxed), expected, "{pieces:?}");
    }
}
