//! The retries of the two older clients, as presets: T7, W35 to W39 and V-W3, V-W4 over the loop.

use std::time::Duration;

use restwalk::{ErrorKind, Outcome, Redirect, Retries, Retry};

use crate::support::script::{Script, Step, answer};

/// Attempts and their times in milliseconds, and the status, 0 for none.
async fn outcome(retry: Retry, method: &str, steps: Vec<Step>) -> (u16, Vec<u128>) {
    let script = Script::of(steps);
    let client = script.builder().retry(retry).redirect(Redirect::wipac()).total_timeout(None).build().unwrap();
    let call = client.res("x").method(method).timeout(Duration::from_secs(100_000));
    let status = match call.send().await {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.status().map_or(0, |status| status.as_u16()),
    };
    (status, script.times())
}

fn wipac(retries: u8) -> Retry {
    Retry::wipac(Retries::Count(retries), Duration::from_secs(1), 0.1)
}

#[tokio::test(start_paused = true)]
async fn t7_the_framework_waits_one_two_four_seconds_whatever_the_method() {
    for method in ["GET", "POST", "PUT", "DELETE"] {
        for status in [429, 500, 502, 503, 504] {
            let found = outcome(Retry::framework().attempts(4), method, vec![answer(status)]).await;
            assert_eq!(found, (status, vec![0, 1_000, 3_000, 7_000]), "{method} {status}");
        }
        let found = outcome(Retry::framework(), method, vec![answer(500), answer(500), answer(200)]).await;
        assert_eq!(found, (200, vec![0, 1_000, 3_000]));
        let lost = Step::Fail(ErrorKind::Protocol, Outcome::MaybeProcessed);
        assert_eq!(outcome(Retry::framework(), method, vec![lost]).await, (0, vec![0, 1_000, 3_000]));
        assert_eq!(outcome(Retry::framework(), method, vec![answer(404)]).await, (404, vec![0]));
    }
}

#[test]
fn w36_a_blocking_call_has_the_same_policy() {
    let script = Script::of([answer(500), answer(200)]);
    let client = script.builder().retry(wipac(3)).build().unwrap();
    // Theirs left PATCH out of the blocking session.
    let response = client.res("x").patch().set("a", 1).send_blocking().unwrap();
    assert_eq!((response.status().as_u16(), script.count()), (200, 2));
}

#[tokio::test(start_paused = true)]
async fn w37_w38_v_w4_the_wipac_preset_keeps_its_times() {
    let (a, ok) = (answer(500), answer(200));
    assert_eq!(outcome(wipac(3), "GET", vec![a.clone(), a.clone(), ok.clone()]).await, (200, vec![0, 0, 200]));
    assert_eq!(outcome(wipac(3), "GET", vec![a.clone()]).await, (500, vec![0, 0, 200, 600]));
    for method in ["POST", "PATCH", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(outcome(wipac(3), method, vec![a.clone(), ok.clone()]).await, (200, vec![0, 0]), "{method}");
    }
    let silent = Step::Fail(ErrorKind::Timeout, Outcome::MaybeProcessed).after(Duration::from_secs(1));
    for method in ["GET", "POST"] {
        assert_eq!(outcome(wipac(1), method, vec![silent.clone()]).await, (0, vec![0, 1_000]), "{method}");
    }
    let refused = Step::Fail(ErrorKind::Connect, Outcome::NotSent);
    assert_eq!(outcome(wipac(2), "GET", vec![refused]).await, (0, vec![0, 0, 200]));
}

#[tokio::test(start_paused = true)]
async fn w39_v_w4_a_wait_is_kept_for_the_statuses_that_may_name_one() {
    for status in [503, 500, 413, 429] {
        let steps = vec![answer(status).header("retry-after", "1"), answer(200)];
        assert_eq!(outcome(wipac(3), "GET", steps).await, (200, vec![0, 1_000]), "{status}");
    }
    let steps = vec![answer(400).header("retry-after", "1"), answer(200)];
    assert_eq!(outcome(wipac(3), "GET", steps).await, (400, vec![0]));
    for ignored in ["0", "x"] {
        let steps = vec![answer(503).header("retry-after", ignored), answer(200)];
        assert_eq!(outcome(wipac(3), "GET", steps).await, (200, vec![0, 0]), "{ignored}");
    }
    let date = answer(503).header("date", "Wed, 21 Oct 2015 07:28:00 GMT");
    let steps = vec![date.header("retry-after", "Wed, 21 Oct 2015 07:28:02 GMT"), answer(200)];
    assert_eq!(outcome(wipac(3), "GET", steps).await, (200, vec![0, 2_000]));
}

#[tokio::test(start_paused = true)]
async fn w39a_v_w3_without_retries_each_status_is_what_it_is() {
    for status in [200, 201, 204, 301, 304] {
        assert_eq!(outcome(wipac(0), "GET", vec![answer(status)]).await, (status, vec![0]));
    }
    for status in [400, 401, 403, 404, 405, 408, 409, 413, 418, 429, 500, 501, 502, 503, 504, 505] {
        let script = Script::of([answer(status).body(r#"{"error":"why"}"#)]);
        let client = script.builder().retry(wipac(0)).build().unwrap();
        let error = client.res("x").get().await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), script.count()), (status, 1));
        assert_eq!(error.body().unwrap(), r#"{"error":"why"}"#);
    }
    let script = Script::of([answer(503)]);
    let error = script.builder().retry(wipac(2)).build().unwrap().res("x").get().await.unwrap_err();
    assert_eq!((error.attempts(), error.gave_up()), (3, Some("retry.exhausted")));
}

#[test]
fn w39d_a_schedule_that_makes_no_sense_is_a_mistake_of_the_settings() {
    for retry in [
        Retry::wipac(Retries::Count(31), Duration::from_secs(1), 0.3),
        Retry::wipac(Retries::BackoffMax(Duration::from_secs(121)), Duration::from_secs(1), 0.3),
        Retry::wipac(Retries::WaittimeMax(Duration::from_secs(1)), Duration::from_secs(2), 0.3),
        Retry::wipac(Retries::Count(1), Duration::from_secs(1), -1.0),
    ] {
        let error = restwalk::Client::builder("http://h").retry(retry).build().unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "config"));
    }
}
