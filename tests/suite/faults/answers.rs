//! N39, N49 to N51: answers that say "not now", and those that are lost; in process, under a paused clock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use restwalk::{Call, Client, ErrorKind, Outcome};
use tokio::time::Instant;

use crate::support::script::{Script, Step, answer};

fn get(client: &Client) -> Call {
    client.res("x").get()
}

fn post(client: &Client) -> Call {
    client.res("x").post().set("a", 1)
}

/// A number below `bound`, the same in every run.
fn chance(seed: &AtomicU64, bound: u64) -> u64 {
    // SplitMix64.
    let mut mixed = seed.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ mixed >> 31) % bound
}

#[tokio::test(start_paused = true)]
async fn n39_a_slow_network_that_loses_some() {
    const CALLS: u32 = 10_000;
    let seed = AtomicU64::new(39);
    let script = Script::by(move |_| match chance(&seed, 100) {
        0 => Step::Hang,
        _ => answer(200).after(Duration::from_millis(100 + chance(&seed, 401))),
    });
    // What was lost is known as such after a second.
    let client = script.builder().headers_timeout(Duration::from_secs(1)).build().unwrap();
    let (mut good, mut longest) = (0, Duration::ZERO);
    for _ in 0..CALLS {
        let began = Instant::now();
        good += u32::from(get(&client).timeout(Duration::from_secs(5)).await.is_ok());
        longest = longest.max(began.elapsed());
    }
    assert!(good >= CALLS / 1_000 * 999, "{good} of {CALLS} came through");
    assert!(longest > Duration::from_secs(1) && longest <= Duration::from_secs(5), "{longest:?}");
    let sent = script.count();
    assert!((10_050..10_200).contains(&sent), "{sent} requests for {CALLS} calls");
}

/// When the requests of a call came, in milliseconds, all answered `status` with `headers`; and how it ended.
async fn refused(
    status: u16,
    headers: &[(&'static str, &str)],
    call: fn(&Client) -> Call,
) -> (Vec<u128>, ErrorKind, Option<u64>) {
    let step = headers.iter().fold(answer(status), |step, (name, value)| step.header(name, *value));
    let script = Script::of([step]);
    let error = call(&script.client()).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.outcome()), (status, Outcome::Processed));
    (script.times(), error.kind(), error.retry_after().map(|wait| wait.as_secs()))
}

const SECOND: &[(&str, &str)] = &[("retry-after", "1")];
const TWO_MINUTES: &[(&str, &str)] = &[("retry-after", "120")];
const DATE: &[(&str, &str)] =
    &[("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:49:39 GMT")];

#[tokio::test(start_paused = true)]
async fn n49_too_many_requests() {
    use ErrorKind::RateLimited;
    // Half of what chance adds: a tenth of what is asked for, or of 1 s and 2 s.
    for call in [get, post] {
        assert_eq!(refused(429, SECOND, call).await, (vec![0, 1_050, 2_100], RateLimited, Some(1)));
        assert_eq!(refused(429, DATE, call).await, (vec![0, 2_100, 4_200], RateLimited, Some(2)));
        assert_eq!(refused(429, TWO_MINUTES, call).await, (vec![0], RateLimited, Some(120)));
        assert_eq!(refused(429, &[], call).await, (vec![0, 500, 1_500], RateLimited, None));
    }
}

#[tokio::test(start_paused = true)]
async fn n50_a_server_that_is_not_there_for_now() {
    use ErrorKind::{RateLimited, Status};
    assert_eq!(refused(503, SECOND, get).await, (vec![0, 1_050, 2_100], Status, Some(1)));
    assert_eq!(refused(503, DATE, get).await, (vec![0, 2_100, 4_200], Status, Some(2)));
    assert_eq!(refused(503, TWO_MINUTES, get).await, (vec![0], RateLimited, Some(120)));
    assert_eq!(refused(503, &[], get).await, (vec![0, 25, 75], Status, None));
    for headers in [SECOND, DATE, TWO_MINUTES, &[]] {
        let (times, kind, _) = refused(503, headers, post).await;
        assert_eq!((times, kind), (vec![0], Status), "{headers:?}");
    }
    let problem = r#"{"type":"about:blank","title":"Busy","detail":"come back later"}"#;
    let script = Script::of([answer(503).header("content-type", "application/problem+json").body(problem)]);
    for (call, requests) in [(get as fn(&Client) -> Call, 3), (post, 1)] {
        let before = script.count();
        let error = call(&script.client()).await.unwrap_err();
        assert_eq!(script.count() - before, requests);
        assert!(error.to_string().ends_with("Busy: come back later"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn n51_a_page_of_a_proxy() {
    let page = "<html>\x1b[2J<h1>no server</h1>\r\n</html>";
    let by_proxy = |status| answer(status).header("content-type", "text/html").body(page);
    for status in [502, 504] {
        for (call, requests) in [(get as fn(&Client) -> Call, 3), (post, 1)] {
            let script = Script::of([by_proxy(status)]);
            let error = call(&script.client()).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.code(), error.outcome()),
                (ErrorKind::Status, "status", Outcome::Processed)
            );
            assert_eq!((script.count(), &error.body().unwrap()[..]), (requests, page.as_bytes()));
            // The page is there to be read, and not part of the message.
            let said = error.to_string();
            assert!(said.contains(&status.to_string()) && said.contains("behind the proxy may be down"), "{said}");
            assert!(!said.contains('<') && !said.contains('\x1b'), "{said:?}");
        }
    }
    // One that comes in place of the answer is shown, and can move no cursor.
    let said = get(&Script::of([by_proxy(200)]).client()).await.unwrap_err().to_string();
    assert!(said.contains("no server") && !said.contains('\x1b') && !said.contains('\r'), "{said:?}");
    let said =
        post(&Script::of([answer(502).body("{\"error\":\"\\u001b[2J no\\r\\nserver\"}")]).client()).await.unwrap_err();
    assert!(said.to_string().contains("server") && !said.to_string().contains(['\x1b', '\n']), "{said}");
}
