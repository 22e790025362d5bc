//! N22, N25, N32, N33, N36, N37, N57: what is left on a connection, and whether it is used again.

use std::sync::{Mutex, mpsc};

use restwalk::Retry;

use super::{RESET, calls, kind, outcome, stage::GOOD};
use crate::support::{self, fault::FaultServer};

#[tokio::test]
async fn n22_bytes_behind_a_body() {
    let server = FaultServer::answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n\"EVIL\"",
    );
    let client = support::network(&server.url());
    for _ in 0..20 {
        for call in calls(&client) {
            assert_eq!(outcome(call).await.unwrap(), "{}");
        }
    }
    assert_eq!((server.connections(), server.requests().len()), (40, 40));
}

#[tokio::test]
async fn n25_what_follows_two_framings_is_right() {
    // The length says that the second answer belongs to the first, the chunks say that it does not.
    let server =
        FaultServer::start(|connection| {
            while connection.request().is_some() {
                let framed: &[u8] = match connection.number {
                0 => b"HTTP/1.1 200 OK\r\nContent-Length: 52\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n\
                       HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n\"EVIL\"",
                _ => GOOD,
            };
                connection.send(framed);
            }
        });
    let client = support::network(&server.url());
    outcome(client.res("x").get()).await.unwrap_err();
    assert_eq!(outcome(client.res("x").get()).await.unwrap(), "{}");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn n32_a_body_where_none_may_be() {
    let spoilt = |line: &str| format!("HTTP/1.1 {line}\r\nContent-Length: 4\r\n\r\nEVIL");
    for (method, line) in [("GET", "204 No Content"), ("GET", "304 Not Modified"), ("HEAD", "200 OK")] {
        let answer = spoilt(line);
        let server = FaultServer::start(move |connection| {
            while connection.request().is_some() {
                connection.send(if connection.number == 0 { answer.as_bytes() } else { GOOD });
            }
        });
        let client = support::network(&server.url());
        let first = client.res("x").method(method).send().await.unwrap();
        assert_eq!(first.bytes().await.unwrap(), "", "{line}");
        assert_eq!(outcome(client.res("x").get()).await.unwrap(), "{}", "{line}");
        assert_eq!(server.connections(), 2, "{line}");
    }
}

#[tokio::test]
async fn n33_an_answer_that_does_not_wait_for_the_body() {
    for (line, status) in [("417 Expectation Failed", 417), ("401 Unauthorized", 401), ("200 OK", 200)] {
        let answer = format!("HTTP/1.1 {line}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
        let server = FaultServer::start(move |connection| {
            if connection.number > 0 {
                connection.request();
                connection.send(GOOD);
                return;
            }
            connection.head();
            connection.send(answer.as_bytes());
            connection.finish();
        });
        let client = support::network(&server.url());
        let body = vec![b'x'; 8 << 20];
        let call = client.res("x").put().header("Expect", "100-continue").body(body, "a/b");
        match call.send().await {
            Ok(response) => assert_eq!(response.status(), status),
            Err(error) => assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{error:?}"),
        }
        assert_eq!(outcome(client.res("x").get()).await.unwrap(), "{}");
    }
}

#[tokio::test]
async fn n33_a_body_does_not_wait_for_100() {
    // hyper does not wait either way, so a server that never says 100 has the whole body at once.
    for interim in ["", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let server = FaultServer::start(move |connection| {
            while connection.head().is_some() {
                connection.send(interim.as_bytes());
                connection.request();
                connection.send(GOOD);
            }
        });
        let client = support::network(&server.url());
        for _ in 0..2 {
            let call = client.res("x").put().header("Expect", "100-continue").body(vec![b'x'; 1 << 20], "a/b");
            assert_eq!(outcome(call).await.unwrap(), "{}");
        }
        let bodies: Vec<_> = server.requests().iter().map(|request| request.body.len()).collect();
        assert_eq!((server.connections(), bodies), (1, vec![1 << 20; 2]));
    }
}

#[tokio::test]
async fn n36_a_connection_that_dies_as_it_is_used_again() {
    // Every connection answers once, and is reset when the next request is on its way.
    let server = FaultServer::start(|connection| {
        connection.request();
        connection.send(GOOD);
        connection.leave_unread();
        connection.reset();
    });
    let client = support::builder(&server.url()).retry(Retry::standard().attempts(2)).build().unwrap();
    assert_eq!(client.res("x").get().send().await.unwrap().attempts(), 1);
    for _ in 0..500 {
        let answer = client.res("x").get().send().await.unwrap();
        assert_eq!(answer.attempts(), 2, "nobody sees it, and it costs no attempt");
        answer.bytes().await.unwrap();
    }
    let mut lost = 0;
    for _ in 0..100 {
        match client.res("x").post().set("a", 1).send().await {
            Ok(answer) => drop(answer.bytes().await.unwrap()),
            Err(error) => {
                assert_eq!((kind(&error), error.attempts()), (RESET, 1));
                lost += 1;
            }
        }
    }
    assert_eq!(lost, 50, "every other one meets a dead connection, and cannot know what became of it");
}

#[tokio::test]
async fn n36_a_connection_that_says_that_it_closes_is_not_used_again() {
    let server = FaultServer::answering("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
    let client = support::network(&server.url());
    for _ in 0..20 {
        for call in calls(&client) {
            assert_eq!(outcome(call).await.unwrap(), "{}");
        }
    }
    assert_eq!((server.connections(), server.requests().len()), (40, 40));
}

#[tokio::test]
async fn n37_an_idle_connection_that_has_closed_is_not_used_again() {
    let (closed, wait) = mpsc::channel();
    let closed = Mutex::new(closed);
    let server = FaultServer::start(move |connection| {
        if connection.request().is_some() {
            connection.send(GOOD);
            connection.close();
            closed.lock().unwrap().send(()).unwrap();
            connection.hold();
        }
    });
    let client = support::network(&server.url());
    for _ in 0..20 {
        for call in calls(&client) {
            assert_eq!(outcome(call).await.unwrap(), "{}");
            // The runtime stands still meanwhile, as in a program that has other work to do.
            wait.recv().unwrap();
        }
    }
    assert_eq!((server.connections(), server.requests().len()), (40, 40), "nothing was sent in vain");
}

#[tokio::test]
async fn n57_an_answer_to_a_request_that_was_not_sent() {
    let (read, wait) = mpsc::channel();
    let (sent, spoilt) = mpsc::channel();
    let (wait, sent) = (Mutex::new(wait), Mutex::new(sent));
    let server = FaultServer::start(move |connection| {
        while connection.request().is_some() {
            connection.send(GOOD);
            if connection.number == 0 {
                wait.lock().unwrap().recv().unwrap();
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n\"EVIL\"");
                sent.lock().unwrap().send(()).unwrap();
            }
        }
    });
    let client = support::network(&server.url());
    assert_eq!(outcome(client.res("x").get()).await.unwrap(), "{}");
    read.send(()).unwrap();
    spoilt.recv().unwrap();
    for call in calls(&client) {
        assert_eq!(outcome(call).await.unwrap(), "{}");
    }
    assert_eq!((server.connections(), server.requests().len()), (2, 3));
}
