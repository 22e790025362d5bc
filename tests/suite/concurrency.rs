//! K: threads, runtimes, and what is `Send` and `Sync`.

use std::sync::Arc;

use restwalk::{
    Auth, Body, ByteStream, Call, Catalog, Client, ClientBuilder, Collection, Error, ErrorKind, Item, Lines, Operation,
    Part, Response, Value, WireBody, block_on,
};

use crate::support;

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
fn a_client_outlives_the_runtime_that_it_was_first_used_in() {
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
