//! Many who want the same at the same time.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use restwalk::{
    Auth, Body, BoxFuture, Cache, Client, Error, ErrorKind, Outcome, Result, Retry, Sign, Transport, WireBody,
};

use super::{lasting, told};
use crate::support::script::{Script, answer};

const SECOND: Duration = Duration::from_secs(1);

async fn crowd(client: &Client, most: usize) -> Vec<u16> {
    let calls = (0..most).map(|_| async { client.res("x").get().send_raw().await.unwrap().status().as_u16() });
    join_all(calls).await
}

#[tokio::test(start_paused = true)]
async fn c19_a_refusal_for_now_sets_no_crowd_free() {
    for status in [401, 408, 425, 429] {
        let script = Script::of([answer(status).header("retry-after", "1").after(SECOND), lasting("{}").after(SECOND)]);
        let client = script.builder().cache(&Cache::memory()).auth(Auth::signer(Anew)).build().unwrap();
        let statuses = crowd(&client, 100).await;
        let sent = script.count();
        assert!(sent == 2 && statuses.iter().all(|status| *status == 200), "{status}: {sent} requests");
    }
}

/// Signs anew whenever it is refused.
#[derive(Debug)]
struct Anew;

impl Sign for Anew {
    fn sign<'a>(&'a self, request: &'a mut http::Request<Body>) -> BoxFuture<'a, Result<()>> {
        request.headers_mut().insert("x-token", http::HeaderValue::from_static("t"));
        Box::pin(async { Ok(()) })
    }

    fn refused<'a>(&'a self, _: &'a http::HeaderMap, _: &'a http::HeaderMap) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async { Ok(true) })
    }
}

#[tokio::test(start_paused = true)]
async fn c19_who_reads_a_long_body_in_pieces_may_do_so_in_a_crowd_too() {
    let body = "x".repeat(4_096);
    let script = Script::by(move |_| lasting(body.clone()).header("content-length", "4096").after(SECOND));
    let client = script.builder().body_limit(1_024).cache(&Cache::memory()).build().unwrap();
    let reads = (0..9).map(|_| async {
        let mut stream = client.res("x").get().send().await?.stream();
        let mut length = 0;
        while let Some(piece) = stream.next().await {
            length += piece?.len();
        }
        Ok::<_, Error>(length)
    });
    for read in join_all(reads).await {
        assert_eq!(read.unwrap(), 4_096);
    }
}

#[tokio::test(start_paused = true)]
async fn c19_two_of_one_task_wait_for_each_other_never() {
    let script = Script::of([lasting("{}").after(SECOND)]);
    let client = script.builder().cache(&Cache::memory()).build().unwrap();
    let (one, other) = tokio::join!(client.res("x").get().send(), client.res("x").get().send());
    // Neither is read before the other has come.
    assert_eq!(one.unwrap().text().await.unwrap() + &other.unwrap().text().await.unwrap(), "{}{}");
    let (one, other) = (client.res("y").get().send().await.unwrap(), client.res("y").get().send().await.unwrap());
    drop((one, other));
}

#[tokio::test(start_paused = true)]
async fn c19_a_crowd_at_a_failing_server_is_bounded() {
    let script = Script::of([answer(503).after(SECOND)]);
    let client = script.builder().retry(Retry::off()).cache(&Cache::memory()).build().unwrap();
    let statuses = crowd(&client, 1_000).await;
    assert_eq!(script.count(), 1);
    assert!(statuses.iter().all(|status| *status == 503));
}

#[tokio::test(start_paused = true)]
async fn c19_a_leader_that_goes_away_is_followed_by_another() {
    let script = Script::of([lasting("{}").after(SECOND)]);
    let client = script.builder().cache(&Cache::memory()).build().unwrap();
    let leader = tokio::time::timeout(SECOND / 2, client.res("x").get().send());
    let (leader, rest) = tokio::join!(leader, join_all((0..100).map(|_| told(client.res("x").get()))));
    assert!(leader.is_err() && rest.iter().all(|(text, _)| text == "{}"));
    assert_eq!(script.count(), 2);
}

/// Fails with a text that echoes the token of whoever asked.
#[derive(Debug)]
struct Echoing;

impl Transport for Echoing {
    fn exchange(&self, request: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        Box::pin(async move {
            tokio::time::sleep(SECOND).await;
            let token = request.headers()["authorization"].to_str().unwrap().to_owned();
            Err(Error::new(ErrorKind::Protocol, format!("refused {token}")).with_outcome(Outcome::NotSent))
        })
    }
}

/// Signs with one token after another.
#[derive(Debug, Default)]
struct Counted(AtomicUsize);

impl Sign for Counted {
    fn sign<'a>(&'a self, request: &'a mut http::Request<Body>) -> BoxFuture<'a, Result<()>> {
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        let mut token = http::HeaderValue::try_from(format!("CNRY-token-{count}-CNRY")).unwrap();
        token.set_sensitive(true);
        request.headers_mut().insert("authorization", token);
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test(start_paused = true)]
async fn s09_who_waits_is_told_no_secret_of_who_went() {
    let client = Client::builder("http://api.test").transport(Echoing).auth(Auth::signer(Counted::default()));
    let client = client.retry(Retry::off()).cache(&Cache::memory()).build().unwrap();
    for answer in join_all((0..3).map(|_| client.res("x").get().send())).await {
        let error = answer.unwrap_err();
        assert!(error.to_string().contains("refused"), "{error}");
        let printed = format!("{error} {error:?} {}", crate::support::canary::printed(&error));
        assert!(!printed.contains("CNRY"), "{printed}");
    }
}
