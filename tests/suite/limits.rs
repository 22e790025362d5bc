//! L: limits over the whole loop, in process, under a paused clock.

use std::{future::IntoFuture, time::Duration};

use futures_util::future::join_all;
use restwalk::{Auth, Catalog, Client, ErrorKind, Limit, Outcome, Retry, Value};
use tokio::time::Instant;

use crate::support::script::{Script, Step, answer};

fn limited(script: &Script, limit: Limit) -> Client {
    script.builder().limit(limit).total_timeout(None).build().unwrap()
}

async fn crowd(client: &Client, calls: usize) -> Vec<restwalk::Result<Value>> {
    join_all((0..calls).map(|_| client.res("x").get().into_future())).await
}

#[tokio::test(start_paused = true)]
async fn l01_ten_a_second_with_a_burst_of_five() {
    let script = Script::of([answer(200)]);
    let client = limited(&script, Limit::new().per_second(10).burst(5));
    assert!(crowd(&client, 100).await.into_iter().all(|found| found.is_ok()));
    let times = script.times();
    assert_eq!(times.iter().filter(|at| **at == 0).count(), 5);
    assert!((9_310..=9_690).contains(times.last().unwrap()), "{times:?}");
    for (at, from) in times.iter().enumerate() {
        let within = times[at..].iter().take_while(|until| **until < from + 1_000).count();
        assert!(within <= 15, "{within} in a second from {from}");
    }
}

#[tokio::test(start_paused = true)]
async fn l05_a_call_whose_turn_comes_too_late_fails_at_once() {
    let script = Script::of([answer(200)]);
    let client = limited(&script, Limit::new().per_minute(60));
    client.res("x").get().await.unwrap();
    let began = Instant::now();
    let call = client.res("x").get().timeout(Duration::from_millis(900));
    let error = call.await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (ErrorKind::RateLimited, Outcome::NotSent, 0));
    assert!((900..=1_000).contains(&error.retry_after().unwrap().as_millis()), "{error:?}");
    assert_eq!((began.elapsed(), script.count()), (Duration::ZERO, 1));
}

#[tokio::test(start_paused = true)]
async fn l06_a_refusal_pauses_everything_under_the_same_credentials() {
    let script = Script::by(|seen| {
        let first = seen.at < Duration::from_millis(100);
        let refusal = answer(429).header("retry-after", "2");
        if first { refusal.after(Duration::from_millis(100)) } else { answer(200) }
    });
    let client = limited(&script, Limit::new());
    // Fifty are under way when the first refusal comes; those that come after it wait.
    let (found, later) = tokio::join!(crowd(&client, 50), async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        crowd(&client, 50).await
    });
    assert!(found.into_iter().chain(later).all(|found| found.is_ok()));
    let times = script.times();
    assert_eq!(times.iter().filter(|at| **at < 2_100).count(), 50, "{times:?}");
    assert_eq!(times.len(), 150);
    let free = script.builder().build().unwrap();
    free.res("x").get().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn l09_each_credential_has_a_limit_of_its_own() {
    let script = Script::of([answer(200)]);
    let client = limited(&script, Limit::new().per_second(1));
    let (ada, bob) = (client.with_auth(Auth::bearer("ada")), client.with_auth(Auth::bearer("bob")));
    let again = client.with_auth(Auth::bearer("ada"));
    let calls = [&client, &ada, &bob, &again].map(|client| client.res("x").get().into_future());
    assert!(join_all(calls).await.into_iter().all(|found| found.is_ok()));
    assert_eq!(script.times(), [0, 0, 0, 1_000], "the same credentials share one");
    client.res("x").get().auth(Auth::bearer("bob")).await.unwrap();
    assert_eq!(script.count(), 5);
}

#[tokio::test(start_paused = true)]
async fn l12_retries_and_hops_take_their_turns_too() {
    let script = Script::of([answer(503), answer(302).header("location", "/y"), answer(200)]);
    limited(&script, Limit::new().per_second(1)).res("x").get().await.unwrap();
    assert_eq!(script.times(), [0, 1_000, 2_000]);
}

#[tokio::test(start_paused = true)]
async fn l18_places_come_back_with_the_body_and_with_every_failure() {
    let script = Script::by(|seen| match seen.url.rsplit('/').next().unwrap() {
        "hang" => Step::Hang,
        "lost" => Step::Fail(ErrorKind::Protocol, Outcome::MaybeProcessed),
        _ => answer(200).after(Duration::from_millis(10)),
    });
    let client = script.builder().limit(Limit::new().concurrency(8)).retry(Retry::off()).build().unwrap();
    let free = || {
        let held: Vec<_> = std::iter::from_fn(|| client.try_acquire()).take(100).collect();
        held.len()
    };
    assert_eq!(free(), 8);
    let bodiless = client.res("x").head().send().await.unwrap();
    assert_eq!(free(), 8, "an answer without a body has no place to keep");
    drop(bodiless);
    let response = client.res("x").get().send().await.unwrap();
    assert_eq!(free(), 7, "an answer that is read keeps its place");
    response.bytes().await.unwrap();
    assert_eq!(free(), 8);
    let mut stream = client.res("x").get().send().await.unwrap().stream();
    while stream.next().await.is_some() {}
    assert_eq!(free(), 8, "its end gives it back");
    client.res("lost").get().await.unwrap_err();
    client.res("hang").get().timeout(Duration::from_millis(5)).await.unwrap_err();
    assert!(tokio::time::timeout(Duration::from_millis(5), client.res("hang").get().send()).await.is_err());
    let task = tokio::spawn(client.res("hang").get().send());
    tokio::task::yield_now().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    let panicking = client.res("x").get();
    let task = tokio::spawn(async move {
        let _held = panicking.send().await.unwrap();
        panic!("with an answer in hand");
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(free(), 8);
}

#[tokio::test(start_paused = true)]
async fn t6_all_windows_hold_at_once_and_what_is_left_can_be_asked() {
    let script = Script::of([answer(200)]);
    let client = limited(&script, Limit::new().per_second(2).per_minute(30).burst(3));
    assert_eq!(client.quota().unwrap().remaining, 2, "a second's window lets no more than its own two through");
    assert!(crowd(&client, 6).await.into_iter().all(|found| found.is_ok()));
    // The second's window spaces the third, the minute's the others.
    assert_eq!(script.times(), [0, 0, 500, 2_000, 4_000, 6_000]);
    assert_eq!(client.quota().unwrap().remaining, 0);
    assert!(client.try_acquire().is_none());
    assert!(Script::of([answer(200)]).client().quota().is_none(), "nothing is known of what is not limited");
}

#[tokio::test(start_paused = true)]
async fn t6_what_the_server_says_is_what_is_left() {
    let script = Script::of([answer(200).header("ratelimit", "\"day\";r=7;t=60")]);
    let client = script.client();
    client.res("x").get().await.unwrap();
    let quota = client.quota().unwrap();
    assert_eq!((quota.remaining, quota.reset.as_secs()), (7, 60));
}

#[tokio::test(start_paused = true)]
async fn a_route_has_the_limit_that_the_catalog_gives_it() {
    let script = Script::of([answer(200)]);
    let routes = "resources:\n  slow:\n    route: /slow/{id}\n    methods:\n      GET: { limit: [1/s, 30/min] }\n  x:\n    route: /x\n";
    let catalog = Catalog::from_yaml(routes, "").unwrap();
    let client = script.builder().catalog(catalog).build().unwrap();
    let calls = ["a", "b", "c"].map(|id| client.res("slow").item(id).get().into_future());
    let (slow, fast) = tokio::join!(join_all(calls), client.res("x").get().into_future());
    assert!(slow.into_iter().all(|found| found.is_ok()) && fast.is_ok());
    assert_eq!(script.times(), [0, 0, 2_000, 4_000]);
}

#[test]
fn l17_a_limit_of_nothing_is_a_mistake_of_the_settings() {
    for limit in [Limit::new().per_second(0), Limit::new().per_minute(-1), Limit::new().per_hour(f64::NAN)] {
        let error = Client::builder("http://h").limit(limit).build().unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "config"));
    }
    assert!(Client::builder("http://h").limit(Limit::new().per_second(1e12)).build().is_ok());
}
