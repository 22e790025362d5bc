//! Deadlines: each kind of limit ends what it should, and a nested one only shortens.

use std::time::{Duration, Instant as StdInstant};

use restwalk::{Catalog, Client, ErrorKind, Outcome, WireBody, until};
use tokio::time::Instant;

use crate::support::script::{Script, Step, answer};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// When the call ends, in seconds, and by which code.
async fn end(call: restwalk::Call) -> (u64, &'static str) {
    let began = Instant::now();
    // Boxed, or the futures of a whole test are too much for the stack of its thread.
    let error = match Box::pin(call.send()).await {
        Ok(response) => response.bytes().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    (began.elapsed().as_secs(), error.code())
}

#[tokio::test(start_paused = true)]
async fn every_limit_has_its_default_and_its_place() {
    let client = Script::of([Step::Hang]).client();
    let get = || client.res("x").post();
    assert_eq!(end(get()).await, (30, "timeout.headers"));
    assert_eq!(end(get().timeout(seconds(7))).await, (7, "timeout.total"));
    assert_eq!(end(get().headers_timeout(seconds(5))).await, (5, "timeout.headers"));
    assert_eq!(end(get().headers_timeout(seconds(90))).await, (60, "timeout.total"));
    assert_eq!(end(get().headers_timeout(seconds(90)).timeout(seconds(80))).await, (80, "timeout.total"));
    let soon = (Instant::now() + seconds(3)).into_std();
    assert_eq!(end(get().deadline(soon)).await, (3, "timeout.total"));
}

#[tokio::test(start_paused = true)]
async fn the_client_the_route_and_the_call_each_set_theirs() {
    let script = Script::of([Step::Hang]);
    let routes = "resources:\n  x:\n    route: /x\n    methods:\n      POST: { timeout: 4 }\n      PUT:\n";
    let client = script
        .builder()
        .catalog(Catalog::from_yaml(routes, "").unwrap())
        .headers_timeout(None)
        .total_timeout(seconds(9))
        .build()
        .unwrap();
    assert_eq!(end(client.res("x").put()).await, (9, "timeout.total"));
    assert_eq!(end(client.res("x").post()).await, (4, "timeout.total"));
    assert_eq!(end(client.res("x").post().timeout(seconds(11))).await, (11, "timeout.total"));
}

#[tokio::test(start_paused = true)]
async fn waits_attempts_and_the_body_share_one_total() {
    let script = Script::of([answer(503).after(seconds(25)), Step::Hang]);
    let (at, code) = end(script.client().res("x").get()).await;
    // 25 s, a wait, and 30 s of silence; then no time is left that would be worth another attempt... but 5 s are.
    assert_eq!((at, code), (60, "timeout.total"));
    assert_eq!(script.count(), 3);
}

fn slow_body(chunk: &'static str, every: Duration) -> WireBody {
    let pieces = futures_util::stream::unfold((), move |()| async move {
        tokio::time::sleep(every).await;
        Some((Ok::<_, std::io::Error>(http_body::Frame::data(bytes::Bytes::from_static(chunk.as_bytes()))), ()))
    });
    WireBody::new(http_body_util::StreamBody::new(pieces))
}

/// A client of a service whose answers never end: `chunk` comes at each tick.
fn dripping(chunk: &'static str, every: Duration) -> restwalk::ClientBuilder {
    let service = tower::service_fn(move |_: http::Request<WireBody>| async move {
        Ok::<_, std::convert::Infallible>(http::Response::new(slow_body(chunk, every)))
    });
    Client::local(service)
}

#[tokio::test(start_paused = true)]
async fn n35_a_body_that_only_drips_is_ended() {
    let read = async |builder: restwalk::ClientBuilder| {
        let began = Instant::now();
        let mut stream = builder.build().unwrap().res("x").get().send().await.unwrap().stream();
        let error = loop {
            match stream.next().await.unwrap() {
                Ok(_) if began.elapsed() > seconds(600) => return (600, "none"),
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::Processed));
        (began.elapsed().as_secs(), error.code())
    };
    // A byte every two seconds never meets the idle limit.
    assert_eq!(read(dripping("x", seconds(2))).await, (20, "timeout.stall"));
    assert_eq!(read(dripping("xxxxx", seconds(2))).await, (600, "none"));
    assert_eq!(read(dripping("x", seconds(2)).stall_timeout(0, seconds(1))).await, (600, "none"));
    assert_eq!(read(dripping("xxxxx", seconds(2)).stall_timeout(1_000, seconds(10))).await, (10, "timeout.stall"));
    assert_eq!(read(dripping("x", seconds(40))).await, (30, "timeout.idle"));
    assert_eq!(read(dripping("x", seconds(40)).idle_timeout(seconds(8))).await, (8, "timeout.idle"));
}

#[tokio::test(start_paused = true)]
async fn n35_a_reader_that_takes_its_time_is_no_stall() {
    let client = Script::of([answer(200).body("1\n2\n3\n")]).client();
    let mut lines = client.res("x").get().send().await.unwrap().lines::<u8>();
    let mut sum = 0;
    while let Some(line) = lines.next().await {
        sum += line.unwrap();
        tokio::time::sleep(seconds(25)).await;
    }
    assert_eq!(sum, 6);
    let mut stream = dripping("xx", seconds(1)).build().unwrap().res("x").get().send().await.unwrap().stream();
    for _ in 0..30 {
        stream.next().await.unwrap().unwrap();
        tokio::time::sleep(seconds(25)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn n34_a_body_that_stops_is_ended_per_call_too() {
    let client = dripping("x", seconds(3_600)).build().unwrap();
    assert_eq!(end(client.res("x").get()).await, (30, "timeout.idle"));
    assert_eq!(end(client.res("x").get().idle_timeout(seconds(2))).await, (2, "timeout.idle"));
    assert_eq!(end(client.res("x").get().timeout(seconds(1))).await, (1, "timeout.total"));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_around_only_shortens() {
    let client = Script::of([Step::Hang]).client();
    let within = async |outer: u64, call: restwalk::Call| {
        let deadline: StdInstant = (Instant::now() + seconds(outer)).into_std();
        until(deadline, end(call)).await
    };
    let post = || client.res("x").post();
    assert_eq!(within(5, post()).await, (5, "timeout.total"));
    assert_eq!(within(5, post().timeout(seconds(3))).await, (3, "timeout.total"));
    assert_eq!(within(5, post().timeout(seconds(50))).await, (5, "timeout.total"));
    assert_eq!(within(500, post()).await, (30, "timeout.headers"));
    let nested = until((Instant::now() + seconds(4)).into_std(), Box::pin(within(9, post())));
    assert_eq!(nested.await, (4, "timeout.total"));
    let nested = until((Instant::now() + seconds(9)).into_std(), Box::pin(within(4, post())));
    assert_eq!(nested.await, (4, "timeout.total"));
    // It is over with the work that it was put around.
    assert_eq!(end(post()).await, (30, "timeout.headers"));
}

#[tokio::test(start_paused = true)]
async fn a_call_inside_a_call_keeps_the_outer_deadline() {
    let inner = Script::of([Step::Hang]).client();
    let (told, hears) = std::sync::mpsc::channel();
    let service = tower::service_fn(move |_: http::Request<WireBody>| {
        let (call, told) = (inner.res("y").post().timeout(seconds(50)), told.clone());
        async move {
            told.send(end(call).await).unwrap();
            Ok::<_, restwalk::Error>(http::Response::new(WireBody::empty()))
        }
    });
    let outer = Client::local(service).build().unwrap();
    // Both end in the same moment, the outer one as an answer or as a timeout.
    let _ = outer.res("x").get().timeout(seconds(6)).send_raw().await;
    assert_eq!(hears.try_recv().unwrap(), (6, "timeout.total"));
}
