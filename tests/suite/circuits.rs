//! Y48 to Y50: an origin that fails is left alone for a while.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use restwalk::{Circuit, Client, ErrorKind, Outcome, Retry};
use tokio::time::{Instant, advance};

use crate::support::script::{Script, Step, answer};

/// A client that makes one attempt, and the status that its server gives.
fn breaking(script: impl Fn(u16) -> Step + Send + Sync + 'static) -> (Client, Script, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(503));
    let now = Arc::clone(&status);
    let script = Script::by(move |_| script(now.load(Ordering::SeqCst)));
    let client = script.builder().circuit(Circuit::standard()).retry(Retry::off()).build().unwrap();
    (client, script, status)
}

async fn calls(client: &Client, count: usize) -> Vec<&'static str> {
    let mut codes = Vec::new();
    for _ in 0..count {
        codes.push(client.res("x").get().await.map_or_else(|error| error.code(), |_| "ok"));
    }
    codes
}

#[tokio::test(start_paused = true)]
async fn y48_after_twenty_failures_nothing_is_sent_until_a_probe_succeeds() {
    let (client, script, status) = breaking(answer);
    assert_eq!(calls(&client, 20).await, ["status"; 20]);
    let began = Instant::now();
    let error = client.res("x").get().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Circuit, "circuit_open"));
    assert_eq!((error.outcome(), error.attempts()), (Outcome::NotSent, 0));
    assert_eq!((script.count(), began.elapsed()), (20, Duration::ZERO));
    // With chance at its middle the first pause is 5 s; each failed probe doubles it, up to 60 s.
    for pause in [5, 10, 20, 40, 60, 60] {
        advance(Duration::from_millis(pause * 1_000 - 10)).await;
        assert_eq!(calls(&client, 1).await, ["circuit_open"], "{pause}");
        advance(Duration::from_millis(10)).await;
        assert_eq!(calls(&client, 2).await, ["status", "circuit_open"], "{pause}");
    }
    status.store(200, Ordering::SeqCst);
    advance(Duration::from_secs(60)).await;
    assert_eq!(calls(&client, 3).await, ["ok"; 3]);
}

#[tokio::test(start_paused = true)]
async fn y49_refusals_and_calls_given_up_open_nothing() {
    let (client, _, status) = breaking(|status| if status == 0 { Step::Hang } else { answer(status) });
    for refusal in [404, 401, 429, 501] {
        status.store(refusal, Ordering::SeqCst);
        let codes = calls(&client, 100).await;
        assert!(
            codes.iter().all(|code| ["status", "auth.denied", "rate_limited"].contains(code)),
            "{refusal}: {codes:?}"
        );
    }
    status.store(0, Ordering::SeqCst);
    for _ in 0..100 {
        assert!(tokio::time::timeout(Duration::from_millis(1), client.res("x").get().send()).await.is_err());
    }
    status.store(200, Ordering::SeqCst);
    assert_eq!(calls(&client, 1).await, ["ok"]);
}

#[tokio::test(start_paused = true)]
async fn y50_of_a_thousand_that_wait_one_is_the_probe() {
    let (client, script, _) = breaking(|status| answer(status).after(Duration::from_millis(100)));
    calls(&client, 20).await;
    advance(Duration::from_secs(6)).await;
    let sent = script.count();
    let crowd = join_all((0..1_000).map(|_| client.res("x").get().send())).await;
    assert_eq!(script.count() - sent, 1);
    assert_eq!(
        crowd.iter().filter(|answer| answer.as_ref().is_err_and(|e| e.kind() == ErrorKind::Circuit)).count(),
        999
    );
    // A probe that is given up leaves the place to another.
    advance(Duration::from_secs(12)).await;
    assert!(tokio::time::timeout(Duration::from_millis(1), client.res("x").get().send()).await.is_err());
    assert_eq!(calls(&client, 1).await, ["status"]);
}

#[tokio::test(start_paused = true)]
async fn y48_those_who_wait_for_their_turn_are_refused_when_it_opens() {
    let script = Script::of([answer(503)]);
    let limit = restwalk::Limit::new().per_second(10);
    let client = script.builder().circuit(Circuit::standard()).limit(limit).retry(Retry::off()).build().unwrap();
    let crowd = join_all((0..100).map(|_| client.res("x").get().send())).await;
    assert_eq!(script.count(), 21, "twenty that count, and a probe while the others came to their turns");
    assert_eq!(
        crowd.iter().filter(|answer| answer.as_ref().is_err_and(|e| e.kind() == ErrorKind::Circuit)).count(),
        79
    );
}

#[tokio::test(start_paused = true)]
async fn each_origin_has_its_own_and_clones_share_it() {
    let script = Script::by(|seen| answer(if seen.url.contains("bad") { 503 } else { 200 }));
    let client = script.at("http://bad.test").circuit(Circuit::standard()).retry(Retry::off()).build().unwrap();
    calls(&client, 20).await;
    assert_eq!(calls(&client.with_actor("ada"), 1).await, ["circuit_open"]);
    assert!(client.at("http://good.test/x").get().await.is_ok());
    assert!(client.at("http://bad.test/x").get().await.is_err());
}
