//! Y: what is sent again, when, and what is not; over the whole loop, in process, under a paused clock.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use restwalk::{Catalog, Client, Error, ErrorKind, Limit, Outcome, Part, Retry, Value, json};

use crate::support::script::{Script, Step, answer};

fn post(client: &Client) -> restwalk::Call {
    client.res("x").post().set("a", 1)
}

fn fails(kind: ErrorKind, outcome: Outcome) -> Step {
    Step::Fail(kind, outcome)
}

fn lost() -> Step {
    fails(ErrorKind::Protocol, Outcome::MaybeProcessed)
}

fn refused() -> Step {
    fails(ErrorKind::Connect, Outcome::NotSent)
}

/// A catalog of one route whose POST has `policy`.
fn catalog(policy: &str) -> Catalog {
    let resources = format!("resources:\n  x:\n    route: /x\n    methods:\n      POST: {{ {policy} }}\n      GET:\n");
    Catalog::from_yaml(&resources, "").unwrap()
}

#[tokio::test(start_paused = true)]
async fn y01_a_get_is_sent_again_after_growing_waits() {
    let script = Script::of([answer(503), answer(503), answer(200)]);
    let response = script.client().res("x").get().send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.attempts()), (200, 3));
    // Half of 50 ms, then half of 100 ms.
    assert_eq!(script.times(), [0, 25, 75]);
}

#[tokio::test(start_paused = true)]
async fn y02_when_attempts_are_used_up_the_last_answer_is_the_error() {
    let script = Script::of([answer(503).body(r#"{"type":"about:blank","title":"Busy","detail":"come back later"}"#)]);
    let error = script.client().res("x").get().await.unwrap_err();
    assert_eq!((error.attempts(), error.status().unwrap().as_u16(), script.count()), (3, 503, 3));
    assert_eq!(error.gave_up(), Some("retry.exhausted"));
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Status, Outcome::Processed));
    assert!(error.to_string().contains("after 3 attempts") && error.to_string().contains("come back later"), "{error}");
    let raw = script.client().res("x").get().send_raw().await.unwrap();
    assert_eq!((raw.status().as_u16(), raw.attempts()), (503, 3));
}

#[tokio::test(start_paused = true)]
async fn y03_a_bare_post_is_not_sent_again_after_a_server_error() {
    for status in [500, 502, 503, 504] {
        let script = Script::of([answer(status)]);
        let error = post(&script.client()).await.unwrap_err();
        assert_eq!((script.count(), error.gave_up()), (1, None), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn y04_a_bare_post_is_not_sent_again_when_its_answer_was_lost() {
    for step in [lost(), fails(ErrorKind::Timeout, Outcome::MaybeProcessed), Step::Hang] {
        let script = Script::of([step]);
        let error = post(&script.client()).await.unwrap_err();
        assert_eq!((script.count(), error.outcome()), (1, Outcome::MaybeProcessed), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn y05_what_never_left_is_sent_again_whatever_the_method() {
    for step in [refused(), fails(ErrorKind::Timeout, Outcome::NotSent), fails(ErrorKind::Protocol, Outcome::NotSent)] {
        let script = Script::of([step.clone(), step, answer(200)]);
        let response = post(&script.client()).send().await.unwrap();
        assert_eq!(response.attempts(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn y06_a_keyed_post_is_repeated_with_the_same_key_and_the_same_bytes() {
    let script = Script::of([answer(502), lost(), answer(200)]);
    let client = script.builder().catalog(catalog("idempotency_key: true")).build().unwrap();
    client.res("x").post().set("a", 1).await.unwrap();
    let seen = script.seen();
    let keys: Vec<_> = seen.iter().map(|seen| seen.header("idempotency-key").unwrap()).collect();
    assert!(keys.iter().all(|key| *key == keys[0] && key.len() == 38 && key.starts_with('"')), "{keys:?}");
    assert!(seen.iter().all(|seen| seen.body == r#"{"a":1}"#));
    assert_eq!(seen.len(), 3);
    let given = Script::of([answer(502), answer(200)]);
    post(&given.client()).idempotency_key("order-7").await.unwrap();
    assert!(given.seen().iter().all(|seen| seen.header("idempotency-key") == Some("order-7")));
    assert_eq!(given.count(), 2);
    // A header of that name alone says nothing about the server.
    let header = Script::of([answer(502), answer(200)]);
    post(&header.client()).header("Idempotency-Key", "order-7").await.unwrap_err();
    assert_eq!(header.count(), 1);
    let both = post(&header.client()).header("Idempotency-Key", "order-7").idempotency_key("order-8");
    assert!(both.build().is_err());
    assert_eq!(both.await.unwrap_err().kind(), ErrorKind::Request);
    assert_eq!(header.count(), 1);
    let shown = post(&header.client()).idempotency_key("order-7");
    assert_eq!(shown.build().unwrap().headers()["idempotency-key"], "order-7");
    assert!(shown.to_curl().unwrap().contains("idempotency-key: order-7"), "{}", shown.to_curl().unwrap());
}

#[tokio::test(start_paused = true)]
async fn y07_two_calls_of_the_same_content_have_two_keys() {
    let script = Script::of([answer(200)]);
    let client = script.builder().catalog(catalog("idempotency_key: true")).build().unwrap();
    let call = client.res("x").post().set("a", 1);
    call.clone().await.unwrap();
    call.await.unwrap();
    client.res("x").get().await.unwrap();
    let keys: Vec<_> = script.seen().iter().map(|seen| seen.header("idempotency-key").map(str::to_owned)).collect();
    assert!(keys[0].is_some() && keys[1].is_some() && keys[0] != keys[1], "{keys:?}");
    assert_eq!(keys[2], None, "a GET needs none");
    for bad in ["", "a\nb", &"k".repeat(256)] {
        assert_eq!(post(&client).idempotency_key(bad).build().unwrap_err().kind(), ErrorKind::Request);
    }
}

#[tokio::test(start_paused = true)]
async fn y08_a_post_that_was_refused_for_now_waits_as_asked() {
    let script = Script::of([answer(429).header("retry-after", "1"), answer(200)]);
    post(&script.client()).await.unwrap();
    let waited = script.times()[1];
    assert!((1_000..=1_100).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn y09_most_refusals_are_final() {
    for status in
        [400, 401, 403, 404, 405, 406, 409, 410, 411, 413, 414, 415, 422, 428, 431, 451, 501, 505, 507, 508, 510, 511]
    {
        let script = Script::of([answer(status)]);
        assert!(script.client().res("x").get().await.is_err());
        assert_eq!(script.count(), 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn y12_a_delete_that_finds_nothing_the_second_time_may_have_worked_the_first() {
    for first in [answer(503), lost()] {
        let script = Script::of([first, answer(404)]);
        let response = script.client().res("x").delete().send().await.unwrap();
        assert!(response.ambiguous_delete());
        assert_eq!((response.status().as_u16(), response.attempts()), (404, 2));
        assert_eq!(response.json::<Value>().await.unwrap(), Value::Null);
    }
    // It was never sent, or it was refused: then 404 means what it says.
    for first in [refused(), answer(429)] {
        let script = Script::of([first, answer(404)]);
        let error = script.client().res("x").delete().send().await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), 404);
    }
    let script = Script::of([answer(503), answer(200)]);
    assert_eq!(script.client().res("x").put().set("a", 1).send().await.unwrap().attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn y12_a_delete_that_was_only_sent_elsewhere_or_not_taken_found_nothing() {
    let elsewhere = answer(308).header("location", "/y");
    for steps in [vec![elsewhere, answer(404)], vec![answer(421), answer(404)]] {
        let script = Script::of(steps);
        let error = script.client().res("x").delete().send().await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), 404);
    }
}

/// What a call that is not tried again after all ends with is its failure, whole.
#[tokio::test(start_paused = true)]
async fn y25_an_attempt_that_is_not_let_in_does_not_hide_the_answer_before() {
    let busy = || answer(429).body(r#"{"message":"slow down"}"#);
    let script = Script::of([busy().header("ratelimit", r#""d";r=0;t=300"#)]);
    let error = script.client().res("x").get().timeout(Duration::from_secs(20)).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), script.count()), (ErrorKind::RateLimited, 1, 1));
    assert_eq!((error.status().unwrap().as_u16(), error.gave_up()), (429, Some("retry.deadline")));
    assert!(error.to_string().contains("slow down") && error.retry_after().is_some(), "{error:?}");
    assert_eq!(error.outcome(), Outcome::Processed);

    let script = Script::of([answer(503).body(r#"{"message":"down"}"#).after(Duration::from_millis(1))]);
    let circuit = restwalk::Circuit::standard().calls(2);
    let client = script.builder().circuit(circuit).build().unwrap();
    let errors = join_all((0..4).map(|_| client.res("x").put().set("a", 1).send())).await;
    for error in errors.into_iter().map(|answer| answer.unwrap_err()) {
        assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Status, 503));
        assert_eq!(error.gave_up(), Some("retry.circuit"));
        assert!(error.to_string().contains("down"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn y30_only_what_was_paid_comes_back_and_what_was_not_sent_was_not_paid() {
    let script = Script::by(|seen| match seen.url.rsplit('/').next().unwrap() {
        "down" => answer(503),
        _ if seen.attempt == 1 => answer(503),
        _ => answer(200),
    });
    let client = script.client();
    // Those who give up while they wait have paid nothing.
    for _ in 0..100 {
        let waiting = tokio::time::timeout(Duration::from_millis(1), client.res("x").get().send());
        assert!(waiting.await.is_err());
    }
    let sent = script.count();
    for _ in 0..100 {
        client.res("down").get().await.unwrap_err();
    }
    assert_eq!(script.count() - sent, 135);
    // A repetition that cost nothing brings nothing back.
    for _ in 0..20 {
        client.res("x").get().retry(Retry::standard().budget(false)).await.unwrap();
    }
    let sent = script.count();
    client.res("down").get().await.unwrap_err();
    assert_eq!(script.count() - sent, 1);
}

#[tokio::test(start_paused = true)]
async fn y36_a_call_whose_time_is_over_is_not_sent() {
    let script = Script::of([answer(200)]);
    let over = tokio::time::Instant::now().into_std();
    let error = post(&script.client()).deadline(over).await.unwrap_err();
    assert_eq!((error.code(), error.outcome(), script.count()), ("timeout.total", Outcome::NotSent, 0));
}

#[tokio::test(start_paused = true)]
async fn y13_patch_is_as_post() {
    let script = Script::of([answer(503)]);
    script.client().res("x").patch().set("a", 1).await.unwrap_err();
    assert_eq!(script.count(), 1);
    let keyed = Script::of([answer(503), answer(200)]);
    keyed.client().res("x").patch().set("a", 1).idempotency_key("k").await.unwrap();
    assert_eq!(keyed.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn y14_the_catalog_can_call_a_post_idempotent_and_set_its_attempts() {
    let sent = async |policy: &str, steps: Vec<Step>| {
        let script = Script::of(steps);
        let client = script.builder().catalog(catalog(policy)).build().unwrap();
        let _ = client.res("x").post().set("a", 1).send_raw().await.unwrap();
        script.count()
    };
    assert_eq!(sent("idempotent: true", vec![answer(503), answer(200)]).await, 2);
    assert_eq!(sent("idempotent: false", vec![answer(503)]).await, 1);
    assert_eq!(sent("idempotent: true, retry: 5", vec![answer(503)]).await, 5);
    assert_eq!(sent("idempotent: true, retry: off", vec![answer(503)]).await, 1);
}

#[tokio::test(start_paused = true)]
async fn y15_a_keyed_call_in_progress_is_asked_again() {
    let script = Script::of([answer(409), answer(409), answer(201)]);
    let response = post(&script.client()).idempotency_key("k").send().await.unwrap();
    assert_eq!((response.status().as_u16(), script.times()), (201, vec![0, 25, 75]));
    let script = Script::of([answer(422)]);
    post(&script.client()).idempotency_key("k").await.unwrap_err();
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn y16_what_would_fail_again_is_not_sent_again() {
    let script = Script::of([answer(200).body("{not json")]);
    assert_eq!(script.client().res("x").get().await.unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(script.count(), 1);
    let large = Script::of([answer(200).body(vec![b' '; 100])]);
    let client = large.builder().body_limit(99).build().unwrap();
    assert_eq!(client.res("x").get().await.unwrap_err().code(), "body.too_large");
    assert_eq!(large.count(), 1);
    for kind in [ErrorKind::Tls, ErrorKind::Redirect, ErrorKind::Request, ErrorKind::Auth, ErrorKind::Decode] {
        let script = Script::of([fails(kind, Outcome::NotSent)]);
        script.client().res("x").get().await.unwrap_err();
        assert_eq!(script.count(), 1, "{kind:?}");
    }
    let script = Script::of([answer(302).header("location", "http://other.test/")]);
    assert_eq!(script.client().res("x").get().await.unwrap_err().code(), "redirect.cross_origin");
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn y17_a_body_that_breaks_off_is_asked_for_again_where_it_is_read_whole() {
    let script = Script::of([Step::Cut(200, "{\"a\":".into()), answer(200).body("{\"a\":1}")]);
    assert_eq!(script.client().res("x").get().await.unwrap(), json!({"a": 1}));
    assert_eq!(script.count(), 2);
    // Whoever reads it piece by piece has had some of it.
    let script = Script::of([Step::Cut(200, "{\"a\":".into()), answer(200)]);
    let mut stream = script.client().res("x").get().send().await.unwrap().stream();
    assert_eq!(stream.next().await.unwrap().unwrap(), "{\"a\":");
    assert_eq!(stream.next().await.unwrap().unwrap_err().code(), "body.truncated");
    assert_eq!(script.count(), 1);
    let post = Script::of([Step::Cut(200, "{".into())]);
    let error = super::retries::post(&post.client()).await.unwrap_err();
    assert_eq!((post.count(), error.code(), error.outcome()), (1, "body.truncated", Outcome::Processed));
    // Without a length only its JSON tells.
    let cut = Script::of([answer(200).body("{\"a\":"), answer(200).body("{\"a\":2}")]);
    assert_eq!(cut.client().res("x").get().await.unwrap(), json!({"a": 2}));
}

#[tokio::test(start_paused = true)]
async fn y18_a_misdirected_request_is_sent_once_more() {
    let script = Script::of([answer(421), answer(200)]);
    assert_eq!(post(&script.client()).send().await.unwrap().attempts(), 2);
    let outcome = async |steps: Vec<Step>, client: fn(&Client) -> restwalk::Call| {
        let script = Script::of(steps);
        let error = client(&script.client()).await.unwrap_err();
        assert_eq!((script.count(), error.status().unwrap().as_u16()), (2, 421));
        error.outcome()
    };
    // No server that it was meant for has seen it, unless another attempt has found one.
    assert_eq!(outcome(vec![answer(421)], post).await, Outcome::NotSent);
    assert_eq!(
        outcome(vec![answer(429), answer(421)], |client| post(client).retry(Retry::standard().attempts(2))).await,
        Outcome::NotSent
    );
    assert_eq!(
        outcome(vec![answer(503), answer(421)], |client| client.res("x").get().retry(Retry::standard().attempts(2)))
            .await,
        Outcome::Processed
    );
    let script = Script::of([answer(421), refused()]);
    assert_eq!(post(&script.client()).await.unwrap_err().outcome(), Outcome::NotSent);
}

#[tokio::test(start_paused = true)]
async fn y19_a_success_that_names_a_wait_is_a_success() {
    for status in [200, 202] {
        let script = Script::of([answer(status).header("retry-after", "7")]);
        let response = script.client().res("x").get().send().await.unwrap();
        assert_eq!((response.attempts(), response.headers()["retry-after"].to_str().unwrap()), (1, "7"));
    }
}

#[tokio::test(start_paused = true)]
async fn y20_a_wait_is_never_shorter_than_asked() {
    for (value, from, to) in [("0", 500, 500), ("1", 1_000, 1_100), (" 5 ", 5_000, 5_500), ("5, 10", 10_000, 11_000)] {
        let script = Script::of([answer(429).header("retry-after", value), answer(200)]);
        script.client().res("x").get().await.unwrap();
        assert!((from..=to).contains(&script.times()[1]), "{value}: {:?}", script.times());
    }
    let script = Script::of([answer(429).header("retry-after", "2").header("retry-after", "3"), answer(200)]);
    script.client().res("x").get().await.unwrap();
    assert!((3_000..=3_300).contains(&script.times()[1]), "{:?}", script.times());
}

#[tokio::test(start_paused = true)]
async fn y21_a_date_is_read_against_the_servers_own_clock() {
    let date = "Wed, 21 Oct 2015 07:28:00 GMT";
    let script = Script::of([
        answer(503).header("date", date).header("retry-after", "Wed, 21 Oct 2015 07:28:03 GMT"),
        answer(200),
    ]);
    script.client().res("x").get().await.unwrap();
    assert!((3_000..=3_300).contains(&script.times()[1]), "{:?}", script.times());
}

#[tokio::test(start_paused = true)]
async fn y24_a_wait_longer_than_a_call_may_take_is_told_at_once() {
    for value in ["9223372037", "18446744073709551616", &"9".repeat(400)] {
        let script = Script::of([answer(429).header("retry-after", value).body(r#"{"message":"slow down"}"#)]);
        let error = post(&script.client()).await.unwrap_err();
        assert_eq!((error.kind(), error.code(), script.count()), (ErrorKind::RateLimited, "rate_limited", 1));
        assert!(error.retry_after().unwrap() >= Duration::from_secs(9_223_372_037));
        assert_eq!(error.gave_up(), Some("retry.deadline"));
        assert!(error.to_string().contains("slow down"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn y25_the_cap_and_the_deadline_bound_a_wait() {
    let began = tokio::time::Instant::now();
    for (status, wait, timeout) in [(429, "120", 600), (503, "120", 600), (429, "30", 10), (503, "30", 10)] {
        let script = Script::of([answer(status).header("retry-after", wait)]);
        let call = script.client().res("x").get().timeout(Duration::from_secs(timeout));
        let error = call.await.unwrap_err();
        assert_eq!((error.kind(), script.count()), (ErrorKind::RateLimited, 1), "{status} {wait}");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(wait.parse().unwrap())));
        assert_eq!(error.status().unwrap().as_u16(), status);
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn y27_retry_after_comes_before_every_other_hint() {
    let script = Script::of([answer(429).header("retry-after", "2").header("ratelimit", "\"d\";r=0;t=9"), answer(200)]);
    script.client().res("x").get().await.unwrap();
    assert!((2_000..=2_200).contains(&script.times()[1]), "{:?}", script.times());
}

/// A generator of numbers from 0 up to 1, the same in every run.
fn numbers() -> impl Fn() -> f64 + Send + Sync + 'static {
    let state = Mutex::new(0x2545_f491_4f6c_dd1d_u64);
    move || {
        let mut state = state.lock().unwrap();
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[tokio::test(start_paused = true)]
async fn y29_a_crowd_that_is_told_to_wait_comes_back_spread_out() {
    let script =
        Script::by(|seen| if seen.attempt == 1 { answer(503).header("retry-after", "1") } else { answer(200) });
    // Each is a client of its own, as on a thousand machines.
    let calls = (0..1_000).map(|n| {
        let spread = f64::from(n) / 1_000.0;
        let client = script.at("http://api.test").random(move || spread).build().unwrap();
        async move { client.res("x").get().await }
    });
    assert!(join_all(calls).await.into_iter().all(|found| found.is_ok()));
    let again: Vec<_> = script.times().into_iter().filter(|at| *at > 0).collect();
    let (first, last) = (again.iter().min().unwrap(), again.iter().max().unwrap());
    assert!(*first >= 1_000 && last - first >= 95, "{first} to {last}");
}

async fn outage(step: Step) -> usize {
    let script = Script::of([step]);
    let client = script.client();
    for n in 0..1_000 {
        let error = client.res("x").get().await.unwrap_err();
        assert!(n < 200 || (error.gave_up(), error.attempts()) == (Some("retry.budget"), 1), "{n}: {error:?}");
    }
    script.count()
}

#[tokio::test(start_paused = true)]
async fn y30_an_outage_is_not_made_worse_by_retries() {
    assert_eq!(outage(answer(503)).await, 1_035);
}

#[tokio::test(start_paused = true)]
async fn y31_throttling_is_not_made_worse_by_retries() {
    assert_eq!(outage(answer(429)).await, 1_100);
}

#[tokio::test(start_paused = true)]
async fn y32_rare_failures_hardly_show() {
    let (numbers, sent) = (numbers(), Arc::new(AtomicU32::new(0)));
    let count = Arc::clone(&sent);
    let script = Script::by(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        if numbers() < 0.1 { answer(503) } else { answer(200) }
    });
    let client = script.client();
    let mut failed = 0;
    for _ in 0..10_000 {
        failed += u32::from(client.res("x").get().await.is_err());
    }
    assert!(failed <= 20, "{failed} of 10,000 failed");
    let amplification = f64::from(sent.load(Ordering::Relaxed)) / 10_000.0;
    assert!(amplification <= 1.12, "{amplification}");
}

#[tokio::test(start_paused = true)]
async fn y33_retries_end_with_the_budget_and_healing_is_seen_at_once() {
    let healthy = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let state = Arc::clone(&healthy);
    let script = Script::by(move |_| if state.load(Ordering::Relaxed) { answer(200) } else { answer(503) });
    let client = script.client();
    for _ in 0..10_000 {
        client.res("x").get().await.unwrap_err();
    }
    assert!(script.count() - 10_000 <= 36, "{} retries", script.count() - 10_000);
    healthy.store(true, Ordering::Relaxed);
    assert_eq!(client.res("x").get().send().await.unwrap().attempts(), 1);

    let numbers = numbers();
    let half = Script::by(move |_| if numbers() < 0.5 { answer(503) } else { answer(200) });
    let client = half.client();
    for _ in 0..3_000 {
        let _ = client.res("x").get().await;
    }
    let before = half.count();
    for _ in 0..10_000 {
        let _ = client.res("x").get().await;
    }
    let retries = half.count() - before - 10_000;
    assert!(retries <= 800, "{retries} retries of 10,000 calls");
}

#[tokio::test(start_paused = true)]
async fn y34_an_empty_budget_is_one_origins_own() {
    let bad = Script::by(|seen| answer(if seen.url.contains("bad") || seen.attempt == 1 { 503 } else { 200 }));
    let client = bad.at("http://bad.test").build().unwrap();
    for _ in 0..100 {
        client.res("x").get().await.unwrap_err();
    }
    let began = tokio::time::Instant::now();
    assert_eq!(client.res("x").get().await.unwrap_err().gave_up(), Some("retry.budget"));
    assert_eq!(began.elapsed(), Duration::ZERO, "no wait");
    assert_eq!(client.at("http://good.test/x").get().send().await.unwrap().attempts(), 2, "another origin has its own");
    // Clones and the same client under other credentials share it.
    let other = client.with_actor("ada");
    assert_eq!(other.res("x").get().await.unwrap_err().gave_up(), Some("retry.budget"));
}

#[tokio::test(start_paused = true)]
async fn y35_a_wait_that_would_pass_the_deadline_is_not_begun() {
    let script = Script::of([answer(503)]);
    let retry = Retry::standard().base(Duration::from_millis(1_600)).cap(Duration::from_secs(20));
    let client = script.builder().retry(retry).build().unwrap();
    let began = tokio::time::Instant::now();
    let error = client.res("x").get().timeout(Duration::from_millis(500)).await.unwrap_err();
    assert_eq!((error.gave_up(), error.status().unwrap().as_u16()), (Some("retry.deadline"), 503));
    assert_eq!((began.elapsed(), script.count()), (Duration::ZERO, 1));
}

#[tokio::test(start_paused = true)]
async fn y36_an_attempt_is_clipped_to_what_is_left() {
    let script = Script::of([answer(503).after(Duration::from_millis(1_500)), Step::Hang]);
    let client = script.builder().headers_timeout(Duration::from_secs(30)).build().unwrap();
    let began = tokio::time::Instant::now();
    let error = client.res("x").get().timeout(Duration::from_secs(2)).await.unwrap_err();
    assert_eq!((error.code(), script.count()), ("timeout.total", 2));
    assert!((2_000..=2_050).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[test]
fn y37_a_policy_that_makes_no_sense_is_a_mistake_of_the_settings() {
    for retry in [
        Retry::standard().attempts(0),
        Retry::standard().attempts(6),
        Retry::standard().base(Duration::from_secs(30)),
        Retry::standard().factor(0.5),
        Retry::standard().factor(f64::NAN),
    ] {
        let error = Script::of([answer(200)]).builder().retry(retry.clone()).build().unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "config"), "{retry:?}");
        let client = Script::of([answer(200)]).builder().build().unwrap();
        assert!(client.res("x").get().retry(retry).build().is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn y40_every_attempt_carries_its_own_bytes() {
    let first = Mutex::new(HashMap::<String, bytes::Bytes>::new());
    let script = Script::by(move |seen| {
        let key = seen.header("idempotency-key").unwrap().to_owned();
        let mut first = first.lock().unwrap();
        match first.get(&key) {
            None => {
                first.insert(key, seen.body.clone());
                answer(429)
            }
            Some(body) if *body == seen.body => answer(200).body(seen.body.clone()),
            Some(_) => answer(500),
        }
    });
    let client = script.builder().retry(Retry::standard().budget(false)).build().unwrap();
    let calls = (0..10_000).map(|n| {
        let client = client.clone();
        async move {
            let sent = json!({"n": n, "text": "x".repeat(n % 97)});
            let found = client.res("x").post().json(&sent).idempotency_key(n.to_string()).await.unwrap();
            assert_eq!(found, sent);
        }
    });
    join_all(calls).await;
    assert_eq!(script.count(), 20_000);
}

#[tokio::test(start_paused = true)]
async fn y41_what_can_be_read_once_is_sent_once() {
    let script = Script::of([answer(503), answer(200)]);
    let stream = Part::stream(once(), None);
    let error = script.client().res("x").put().upload(stream).await.unwrap_err();
    assert_eq!((script.count(), error.gave_up()), (1, Some("retry.not_replayable")));
    assert!(error.to_string().contains("once"), "{error}");
    let bytes = script.client().res("x").put().upload(Part::bytes("hello"));
    bytes.await.unwrap();

    let script = Script::of([answer(503), answer(503), answer(200)]);
    script.client().res("x").put().upload(Part::bytes("hello")).await.unwrap();
    let seen = script.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|seen| seen.body == seen_body(&script)
        && seen.header("content-type") == script.seen()[0].header("content-type")));
}

fn seen_body(script: &Script) -> bytes::Bytes {
    script.seen()[0].body.clone()
}

/// Real time: a paused clock does not wait for the thread that opens a file.
#[tokio::test]
async fn y41_a_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, "hello".repeat(40_000)).unwrap();
    let script = Script::of([answer(503), answer(503), answer(200)]);
    let client = script.builder().random(|| 0.0).build().unwrap();
    client.res("x").put().upload_file(&path).await.unwrap();
    let seen = script.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|one| one.body == seen[0].body && one.body.len() > 200_000));
}

#[tokio::test(start_paused = true)]
async fn y42_each_attempt_is_composed_anew_and_numbered() {
    let script = Script::of([answer(503), answer(503), answer(200)]);
    script.client().res("x").get().header("x-mine", "1").await.unwrap();
    let seen = script.seen();
    assert_eq!(seen.iter().map(|seen| seen.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(seen.iter().all(|one| one.headers == seen[0].headers && one.url == seen[0].url));
}

#[tokio::test(start_paused = true)]
async fn y43_a_call_given_up_while_it_waits_is_over_at_once() {
    let script = Script::of([answer(503).header("retry-after", "30"), answer(200)]);
    let client = script.builder().limit(Limit::new().concurrency(1)).build().unwrap();
    let began = tokio::time::Instant::now();
    let waiting = tokio::time::timeout(Duration::from_secs(1), client.res("x").get().send());
    assert!(waiting.await.is_err());
    assert!(began.elapsed() <= Duration::from_millis(1_010));
    assert!(client.quota().is_none_or(|quota| quota.remaining == 0), "the server's pause stands");
    assert_eq!(script.count(), 1, "and nothing is sent later");
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn y44_waits_are_measured_by_a_clock_that_nobody_sets() {
    // Dates years away from this machine's clock move no wait: only their difference counts.
    for date in ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:57 GMT"] {
        let later = date.replace("00:00:00", "00:00:02").replace("23:59:57", "23:59:59");
        let script = Script::of([answer(429).header("date", date).header("retry-after", later), answer(200)]);
        script.client().res("x").get().await.unwrap();
        assert!((2_000..=2_200).contains(&script.times()[1]), "{date}: {:?}", script.times());
    }
}

#[tokio::test(start_paused = true)]
async fn y46_a_service_that_calls_others_can_see_that_it_is_asked_again() {
    let inner = Script::of([answer(503)]);
    let outer = {
        let inner = inner.clone();
        let service = tower::service_fn(move |request: http::Request<restwalk::WireBody>| {
            let attempt = request.extensions().get::<restwalk::Attempt>().copied();
            let client = inner.client();
            async move {
                let retry = if attempt.is_some() { Retry::off() } else { Retry::standard() };
                let status = client.res("y").get().retry(retry).send_raw().await?.status();
                let answer = http::Response::builder().status(status).body(restwalk::WireBody::empty());
                Ok::<_, Error>(answer.unwrap())
            }
        });
        Client::local(service).random(|| 0.5).build().unwrap()
    };
    outer.res("x").get().await.unwrap_err();
    assert_eq!(inner.count(), 3 + 1 + 1, "nine without it");
}

/// What is told is about the call: an attempt that never left does not undo one that may have arrived.
#[tokio::test(start_paused = true)]
async fn y05_an_outcome_is_that_of_all_attempts_together() {
    for (steps, expected) in [
        (vec![refused(), refused(), refused()], Outcome::NotSent),
        (vec![answer(429), refused(), refused()], Outcome::NotSent),
        (vec![lost(), refused(), refused()], Outcome::MaybeProcessed),
        (vec![answer(503), refused(), refused()], Outcome::MaybeProcessed),
        (vec![answer(303).header("location", "/y"), refused()], Outcome::MaybeProcessed),
    ] {
        let script = Script::of(steps.clone());
        let error = post(&script.client()).idempotency_key("k").await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Connect, expected), "{steps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn y47_no_request_is_sent_while_another_of_the_call_is_under_way() {
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let script = Script::of([answer(503).after(Duration::from_secs(20)), answer(200).after(Duration::from_secs(20))]);
    let watched = Watched { script, now, most: Arc::clone(&most) };
    let client = Client::builder("http://api.test").transport(watched).random(|| 0.5).build().unwrap();
    assert_eq!(client.res("x").get().send().await.unwrap().attempts(), 2);
    assert_eq!(most.load(Ordering::SeqCst), 1, "there is no hedging");
}

/// Counts how many requests are under way.
#[derive(Debug)]
struct Watched {
    script: Script,
    now: Arc<AtomicU32>,
    most: Arc<AtomicU32>,
}

impl restwalk::Transport for Watched {
    fn exchange(
        &self,
        request: http::Request<restwalk::WireBody>,
    ) -> restwalk::BoxFuture<'_, restwalk::Result<http::Response<restwalk::WireBody>>> {
        Box::pin(async move {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            let answer = self.script.exchange(request).await;
            self.now.fetch_sub(1, Ordering::SeqCst);
            answer
        })
    }
}

/// A body that can be read once only.
fn once() -> impl futures_util::Stream<Item = Result<bytes::Bytes, std::io::Error>> + Send {
    futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"hello"))])
}
