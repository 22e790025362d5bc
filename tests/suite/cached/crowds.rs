//! Many who want the same at the same time.

use std::time::Duration;

use futures_util::future::join_all;
use restwalk::{Cache, Client, Retry};

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
        let client = script.builder().cache(&Cache::memory()).auth(anew()).build().unwrap();
        let statuses = crowd(&client, 100).await;
        let sent = script.count();
        assert!(sent <= 3 && statuses.iter().all(|status| *status == 200), "{status}: {sent} requests");
    }
}

/// Signs anew whenever it is refused.
fn anew() -> restwalk::Auth {
    #[derive(Debug)]
    struct Anew;
    impl restwalk::Sign for Anew {
        fn sign<'a>(
            &'a self,
            request: &'a mut http::Request<restwalk::Body>,
        ) -> restwalk::BoxFuture<'a, restwalk::Result<()>> {
            request.headers_mut().insert("x-token", http::HeaderValue::from_static("t"));
            Box::pin(async { Ok(()) })
        }

        fn refused<'a>(
            &'a self,
            _: &'a http::HeaderMap,
            _: &'a http::HeaderMap,
        ) -> restwalk::BoxFuture<'a, restwalk::Result<bool>> {
            Box::pin(async { Ok(true) })
        }
    }
    restwalk::Auth::signer(Anew)
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
        Ok::<_, restwalk::Error>(length)
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
    eprintln!("requests for 1,000 calls at a server that answers 503: {}", script.count());
    assert!(statuses.iter().all(|status| *status == 503));
}

#[tokio::test(start_paused = true)]
async fn c19_a_leader_that_goes_away_is_followed_by_another() {
    let script = Script::of([lasting("{}").after(SECOND)]);
    let client = script.builder().cache(&Cache::memory()).build().unwrap();
    let leader = tokio::time::timeout(SECOND / 2, client.res("x").get().send());
    let (leader, rest) = tokio::join!(leader, join_all((0..100).map(|_| told(client.res("x").get()))));
    assert!(leader.is_err() && rest.iter().all(|(text, _)| text == "{}") && script.count() <= 3, "{}", script.count());
}
