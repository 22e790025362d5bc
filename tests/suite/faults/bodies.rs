//! N20, N21, N26 to N35, N55, N56: bodies that break off, stall, or are not what they were.

use restwalk::{ErrorKind, Outcome, Retry, Value};

use super::{CHUNK, CUT, STALLED, kind, outcome, row, stage::PATIENCE};
use crate::support::{self, fault::FaultServer};

#[tokio::test]
async fn n20_a_body_cut_short() {
    row("n20", CUT).await;
}

#[tokio::test]
async fn n21_a_body_cut_short_by_a_reset() {
    row("n21", CUT).await;
}

#[tokio::test]
async fn n26_chunks_that_are_none() {
    row("n26", CHUNK).await;
}

#[tokio::test]
async fn n27_chunks_without_an_end() {
    row("n27", CUT).await;
}

#[tokio::test]
async fn n28_a_chunk_with_a_long_extension() {
    row("n28", CHUNK).await;
}

#[tokio::test]
async fn n28_chunks_of_a_byte() {
    let body = "1\r\nx\r\n".repeat(100_000) + "0\r\n\r\n";
    let server = FaultServer::answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned() + &body);
    let body = outcome(support::network(&server.url()).res("x").get()).await.unwrap();
    assert_eq!(body.len(), 100_000);
}

#[tokio::test]
async fn n29_trailers_are_bounded_and_change_nothing() {
    row("n29", CHUNK).await;
    for trailers in ["Content-Length: 9", "Set-Cookie: a=1", "Transfer-Encoding: identity"] {
        let chunks = format!("2\r\n{{}}\r\n0\r\n{trailers}\r\n\r\n");
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let server = FaultServer::keeping(head.to_owned() + &chunks);
        let client = support::network(&server.url());
        for _ in 0..2 {
            let answer = client.res("x").get().send().await.unwrap();
            assert_eq!((answer.headers().len(), answer.bytes().await.unwrap().as_ref()), (1, &b"{}"[..]), "{trailers}");
        }
        assert_eq!(server.connections(), 1, "what comes next is read at its place");
    }
}

#[tokio::test]
async fn n31_a_body_without_a_length_ends_where_the_connection_does() {
    let server = FaultServer::answering("HTTP/1.1 200 OK\r\n\r\n{\"half\":");
    let client = support::network(&server.url());
    assert_eq!(outcome(client.res("x").get()).await.unwrap(), "{\"half\":", "nothing tells that it is cut");
    let error = client.res("x").get().retry(Retry::off()).await.unwrap_err();
    assert_eq!(kind(&error), CUT, "its JSON does, where it is read whole");
}

#[tokio::test]
async fn n34_a_body_that_stops() {
    row("n34", STALLED).await;
}

#[tokio::test]
async fn n55_a_network_that_goes_away_within_a_body() {
    let server = FaultServer::start(|connection| {
        connection.request();
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
        if connection.number < 2 {
            connection.hold();
        }
        connection.send(b"67890");
    });
    let client = support::builder(&server.url()).idle_timeout(PATIENCE).build().unwrap();
    // A reader keeps what it has had; it may ask for the rest by `Range`.
    let mut stream = client.res("x").get().send().await.unwrap().stream();
    assert_eq!(stream.next().await.unwrap().unwrap(), "12345");
    assert_eq!(kind(&stream.next().await.unwrap().unwrap_err()), STALLED);
    assert!(stream.next().await.is_none());
    // A file is there whole or not at all.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let half = client.res("x").get().send().await.unwrap().save(&path).await;
    assert_eq!(kind(&half.unwrap_err()), STALLED);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    // And the network comes back.
    assert_eq!(client.res("x").get().send().await.unwrap().save(&path).await.unwrap(), 10);
}

#[tokio::test]
async fn n56_changed_bytes_show_only_where_the_content_does() {
    let server = |body: &[u8]| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        FaultServer::keeping([head.as_bytes(), body].concat())
    };
    // `1` became `9`: it is JSON still, and digests that servers name are not compared.
    let flipped = server(br#"{"due":9}"#);
    let answer: Value = support::network(&flipped.url()).res("x").get().await.unwrap();
    assert_eq!(answer["due"], 9);
    for body in [&b"{\"due\":1]"[..], b"{\"du\xff\":1}", b"{\"due\":\x01}"] {
        let flipped = server(body);
        let error = support::network(&flipped.url()).res("x").get().await.unwrap_err();
        assert_eq!(kind(&error), (ErrorKind::Decode, "body.decode", Outcome::Processed), "{error:?}");
        // It came whole, as its length says; the next one would be no better.
        assert_eq!((error.attempts(), flipped.requests().len()), (1, 1));
    }
}
