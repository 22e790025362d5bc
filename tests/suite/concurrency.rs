//! K: threads, runtimes, and what is `Send` and `Sync`.

use std::{future::IntoFuture, sync::Arc, time::Duration};

use restwalk::{
    Auth, Body, ByteStream, Call, Catalog, Circuit, Client, ClientBuilder, Collection, Error, ErrorKind, Item, Limit,
    Lines, Operation, Part, Redirect, Response, Retry, Value, WireBody, block_on,
};

use crate::support::{
    self,
    script::{Script, answer},
};

fn shared<T: Send + Sync>() {}
fn sendable<T: Send>(_: T) {}

#[test]
fn what_is_described_is_send_and_sync() {
    shared::<(Client, ClientBuilder, Call, Operation, Collection, Item, Catalog, Auth, Part, Body, Error)>();
    sendable(None::<(Response, ByteStream, Lines<Value>, WireBody)>);
}

#[test]
fn every_future_is_send() {
    let client = support::local();
    let call = || client.res("x").get();
    sendable(call().send());
    sendable(call().send_raw());
    sendable(call().send_as::<Value>());
    sendable(call().optional::<Value>());
    sendable(call().count());
    sendable(std::future::IntoFuture::into_future(call()));
    sendable(client.call("x").send());
    sendable(async {
        let response = call().send().await?;
        response.json::<Value>().await
    });
    sendable(async {
        let mut lines = call().send().await?.lines::<Value>();
        lines.next().await.transpose()
    });
}

#[tokio::test]
async fn k15_blocking_inside_a_runtime_is_a_typed_error() {
    let error = support::local().res("x").get().send_blocking().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "config"));
    assert!(error.to_string().contains(".await"), "{error}");
    assert_eq!(block_on(async {}).unwrap_err().code(), "config");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k15_a_thread_for_blocking_work_is_inside_the_runtime_too() {
    let blocked = tokio::task::spawn_blocking(|| support::local().res("x").get().send_blocking().map(|_| ())).await;
    assert_eq!(blocked.unwrap().unwrap_err().code(), "config");
}

/// Four threads, each with its calls and answers.
fn from_four_threads(client: &Client) {
    let client = Arc::new(client.clone());
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let client = Arc::clone(&client);
            std::thread::spawn(move || {
                for n in 0..50 {
                    let response = client.res("people").item(thread * 100 + n).get().send_blocking().unwrap();
                    let asked: Value = block_on(response.json()).unwrap().unwrap();
                    assert_eq!(asked["path"], format!("/people/{}", thread * 100 + n));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn k15_threads_block_side_by_side() {
    from_four_threads(&support::local());
}

#[cfg(feature = "http")]
#[test]
fn k15_threads_block_side_by_side_over_a_socket() {
    let server = support::serve::Server::plain(support::echo::router());
    from_four_threads(&support::network(&server.url()));
}

#[cfg(feature = "http")]
#[test]
fn k14_a_client_outlives_the_runtime_that_it_was_first_used_in() {
    let server = support::serve::Server::plain(support::echo::router());
    let client = support::network(&server.url());
    for _ in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert_eq!(runtime.block_on(client.res("status").item(201).get().send()).unwrap().status(), 201);
    }
}

#[tokio::test]
async fn a_call_can_be_sent_twice_by_cloning_it() {
    let call = support::local().res("people").post().set("a", 1);
    let (one, two) = tokio::join!(call.clone(), call.clone());
    assert_eq!(one.unwrap(), two.unwrap());
    assert_eq!(call.await.unwrap()["body"], r#"{"a":1}"#);
}

#[cfg(feature = "http")]
#[tokio::test]
async fn k02_a_call_given_up_halfway_spoils_no_later_answer() {
    let server = support::serve::Server::plain(support::echo::router());
    let client = support::network(&server.url());
    for n in 0..200_usize {
        // Given up before the headers, after them, or in the middle of the body.
        let mut given_up = Box::pin(client.res("bytes").item(500_000).get().send());
        match n % 3 {
            0 => drop(futures_util::FutureExt::now_or_never(&mut given_up)),
            1 => drop(given_up.await.unwrap()),
            _ => drop(given_up.await.unwrap().stream().next().await),
        }
        let asked = client.res("people").item(n).get().await.unwrap();
        assert_eq!(asked["path"], format!("/people/{n}"));
    }
}

/// Between blocking calls nobody watches the idle connections; one that the server closed meanwhile is not used.
#[cfg(feature = "http")]
#[test]
fn a_blocking_call_does_not_trip_over_a_connection_that_closed_meanwhile() {
    use std::{
        io::{Read, Write},
        net::{Shutdown, TcpListener},
        sync::mpsc,
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (closed, is_closed) = mpsc::channel();
    let server = std::thread::spawn(move || {
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut seen = Vec::new();
            while !seen.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                seen.push(byte[0]);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
            stream.shutdown(Shutdown::Both).unwrap();
            closed.send(()).unwrap();
        }
    });
    let client = crate::support::network(&format!("http://{address}"));
    for _ in 0..3 {
        let response = client.res("x").post().send_blocking().unwrap();
        assert_eq!(restwalk::block_on(response.text()).unwrap().unwrap(), "{}");
        is_closed.recv().unwrap();
    }
    server.join().unwrap();
}

/// How often a race is run; a hundred thousand times without debug assertions, as they are five times as slow.
const RACES: u32 = if cfg!(debug_assertions) { 20_000 } else { 100_000 };

/// A future that is given up after so many polls; `None` when it was.
async fn polled<F: Future + Unpin>(mut work: F, times: usize) -> Option<F::Output> {
    let mut left = times;
    std::future::poll_fn(|cx| {
        let polled = std::pin::Pin::new(&mut work).poll(cx);
        left -= 1;
        match polled {
            std::task::Poll::Ready(done) => std::task::Poll::Ready(Some(done)),
            std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(None),
            std::task::Poll::Pending => std::task::Poll::Pending,
        }
    })
    .await
}

/// Answers after a few turns of the runtime, and fails now and then, so that calls wait in every place there is.
fn halting() -> Script {
    let count = std::sync::atomic::AtomicUsize::new(0);
    Script::by(move |seen| {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let id = seen.url.rsplit('/').next().unwrap().to_owned();
        match n % 5 {
            1 => answer(503),
            3 => answer(307).header("location", format!("/again/{id}")),
            _ => answer(200).body(format!("\"{id}\"")),
        }
        .after(Duration::from_millis(n as u64 % 3))
    })
}

#[tokio::test(start_paused = true)]
async fn k01_a_call_given_up_anywhere_leaves_nothing_behind() {
    let script = halting();
    let client = script
        .builder()
        .limit(Limit::new().concurrency(2).per_second(1_000.0).burst(50))
        .circuit(Circuit::standard())
        .build()
        .unwrap();
    let mut given_up = 0;
    for n in 1..=200 {
        let call = client.res("x").item(format!("lost-{n}")).get();
        given_up += usize::from(polled(call.into_future(), n % 6 + 1).await.is_none());
    }
    assert!(given_up >= 20, "{given_up}");
    for n in 0..100 {
        let found = client.res("x").item(format!("kept-{n}")).get().retry(Retry::standard().budget(false)).await;
        assert_eq!(found.unwrap(), format!("kept-{n}"));
    }
    assert!(client.try_acquire().is_some() && client.try_acquire().is_some(), "both places are free");
}

#[tokio::test(start_paused = true)]
async fn k04_an_answer_in_the_moment_of_the_deadline_is_an_answer_or_a_timeout() {
    let second = Duration::from_secs(1);
    let script = Script::of([answer(200).body("7").after(second)]);
    let client = script.builder().limit(Limit::new().concurrency(1)).build().unwrap();
    let (mut answers, mut timeouts) = (0, 0);
    for n in 0..RACES {
        // A little before, in the same millisecond, a little after.
        let timeout = Duration::from_millis(999 + u64::from(n % 3));
        match client.res("x").get().timeout(timeout).retry(Retry::off()).await {
            Ok(found) => answers += u32::from(found == 7),
            Err(error) => timeouts += u32::from(error.code() == "timeout.total"),
        }
    }
    assert_eq!(answers + timeouts, RACES);
    assert!(answers > RACES / 4 && timeouts > RACES / 4, "{answers} {timeouts}");
    assert!(client.try_acquire().is_some());
}

#[tokio::test(start_paused = true)]
async fn k05_when_the_first_in_the_queue_is_aborted_the_others_go_on() {
    let script = Script::of([answer(200).after(Duration::from_secs(10))]);
    let client = script.builder().limit(Limit::new().concurrency(1)).build().unwrap();
    let leader = tokio::spawn(client.res("x").get().send());
    tokio::time::sleep(Duration::from_millis(1)).await;
    let followers: Vec<_> = (0..3).map(|_| tokio::spawn(client.res("x").get().into_future())).collect();
    tokio::time::sleep(Duration::from_millis(1)).await;
    leader.abort();
    let began = tokio::time::Instant::now();
    for follower in followers {
        follower.await.unwrap().unwrap();
    }
    assert!(began.elapsed() <= Duration::from_secs(31), "{:?}", began.elapsed());
    assert_eq!(script.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn k06_an_answer_that_nobody_reads_leaks_nothing() {
    let script = Script::of([answer(200).body(vec![b'x'; 10_000])]);
    let client = script.builder().limit(Limit::new().concurrency(8)).build().unwrap();
    for _ in 0..RACES {
        drop(client.res("x").get().send().await.unwrap());
    }
    let held: Vec<_> = (0..8).map(|_| client.try_acquire()).collect();
    assert!(held.iter().all(Option::is_some) && client.try_acquire().is_none());
}

#[cfg(feature = "http")]
#[tokio::test]
async fn k06_a_socket_is_closed_or_used_again_when_its_answer_is_dropped() {
    let server = support::serve::Server::plain(support::echo::router());
    let client = support::network(&server.url());
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    client.res("bytes").item(10).get().await.unwrap_err();
    let before = open();
    for n in 0..300 {
        drop(client.res("bytes").item(if n % 2 == 0 { 10 } else { 1_000_000 }).get().send().await.unwrap());
    }
    // The other tests of this binary open files too.
    assert!(open() < before + 150, "{before} files before, {} now", open());
}

#[cfg(feature = "http")]
#[tokio::test]
async fn k07_two_clients_share_no_connection() {
    let server = support::fault::FaultServer::keeping("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    let clients = ["CNRY-one", "CNRY-two"]
        .map(|token| support::builder(&server.url()).auth(Auth::bearer(token)).build().unwrap());
    for _ in 0..5 {
        for client in &clients {
            client.res("x").get().await.unwrap();
        }
    }
    let connections: Vec<_> = server.received().into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
    assert_eq!(connections.len(), 2);
    assert!(connections.iter().all(|text| text.contains("CNRY-one") != text.contains("CNRY-two")));
}

#[tokio::test(start_paused = true)]
async fn k10_a_call_that_is_not_polled_holds_up_no_other() {
    let script = Script::of([answer(200).after(Duration::from_secs(1))]);
    let client = script.builder().limit(Limit::new().concurrency(1)).build().unwrap();
    let mut first = Box::pin(client.res("x").get().send());
    let mut waiting = Box::pin(client.res("x").get().send());
    // The first is under way, the second waits for its place; then nobody looks at the second any more.
    assert!(futures_util::FutureExt::now_or_never(&mut first).is_none());
    assert!(futures_util::FutureExt::now_or_never(&mut waiting).is_none());
    first.await.unwrap().bytes().await.unwrap();
    let third = tokio::time::timeout(Duration::from_secs(5), client.res("x").get().send());
    third.await.expect("it goes past the one that sleeps").unwrap();
    drop(waiting);
}

#[tokio::test(start_paused = true)]
async fn k12_a_panic_in_the_callers_own_code_spoils_no_later_call() {
    let script = Script::of([answer(503), answer(200)]);
    let fails = std::sync::atomic::AtomicBool::new(true);
    let source = move || {
        assert!(!fails.swap(false, std::sync::atomic::Ordering::SeqCst), "the caller's own mistake");
        0.5
    };
    let client = script
        .builder()
        .random(source)
        .circuit(Circuit::standard())
        .limit(Limit::new().concurrency(1))
        .build()
        .unwrap();
    let call = client.res("x").get();
    assert!(tokio::spawn(call.clone().send()).await.unwrap_err().is_panic());
    call.await.unwrap();
    let progress = client.res("x").put().body("hello", "text/plain").on_progress(|_| panic!("again"));
    progress.await.unwrap();
    assert!(client.try_acquire().is_some());
}

/// With the one thread for blocking work taken, a file is not written, and the runtime goes on all the same.
#[test]
fn k13_no_file_is_touched_on_the_thread_of_the_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (file, upload) = (folder.path().join("a"), folder.path().join("b"));
    std::fs::write(&upload, vec![b'x'; 200_000]).unwrap();
    let client = Script::of([answer(200).body(vec![b'x'; 10 << 20])]).client();
    runtime.block_on(async {
        for work in 0..2 {
            let (release, held) = std::sync::mpsc::channel::<()>();
            let taken = tokio::task::spawn_blocking(move || held.recv());
            let (client, target, upload) = (client.clone(), file.clone(), upload.clone());
            let working = tokio::spawn(async move {
                match work {
                    0 => client.res("x").get().send().await.unwrap().save(&target).await.unwrap(),
                    _ => u64::from(client.res("x").put().upload_file(upload).send().await.unwrap().status().as_u16()),
                }
            });
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            assert!(!working.is_finished());
            release.send(()).unwrap();
            taken.await.unwrap().unwrap();
            assert_eq!(working.await.unwrap(), [10 << 20, 200][work]);
        }
    });
}

#[cfg(feature = "http")]
#[tokio::test]
async fn k16_nothing_goes_on_when_client_and_calls_are_dropped() {
    let server = support::fault::FaultServer::start(|connection| {
        connection.request();
        connection.hold();
    });
    let client = support::network(&server.url());
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let calls: Vec<_> = (0..10).map(|_| tokio::spawn(client.res("x").get().send())).collect();
    while server.requests().len() < 10 {
        tokio::task::yield_now().await;
    }
    for call in calls {
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
    }
    drop(client);
    let ended = async {
        while tasks() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), ended).await.expect("every task ends");
}

#[tokio::test]
async fn k17_ten_thousand_calls_on_one_thread_get_on_alike() {
    let client = support::local();
    let began = std::time::Instant::now();
    let calls: Vec<_> = (0..10_000)
        .map(|n| {
            let call = client.res("people").item(n).get();
            tokio::spawn(async move {
                call.await.unwrap();
                began.elapsed()
            })
        })
        .collect();
    let mut times = Vec::new();
    for call in calls {
        times.push(call.await.unwrap());
    }
    times.sort_unstable();
    let (half, most) = (times[5_000].as_secs_f64(), times[9_900].as_secs_f64());
    assert!(most / half <= 20.0, "{most} / {half}");
}

#[test]
fn k18_everything_may_cross_threads_and_panics() {
    fn safe<T: std::panic::UnwindSafe + std::panic::RefUnwindSafe + Send + Sync>() {}
    safe::<(Client, Call, Collection, Item, Catalog, Auth, Limit, Retry, Redirect, Circuit)>();
}
