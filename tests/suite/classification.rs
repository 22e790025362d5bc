//! What a failure is called over real sockets, and whether the server may have acted.

use std::time::Duration;

use restwalk::{BoxFuture, Client, Error, ErrorKind, Outcome, Part, Result, Retry, Transport, WireBody};

use crate::support::{self, fault::FaultServer, serve::closed_port};

type Kind = (ErrorKind, &'static str, Outcome);

fn kind(error: &Error) -> Kind {
    (error.kind(), error.code(), error.outcome())
}

/// A client of `url` that makes one attempt.
fn once(url: &str) -> Client {
    support::builder(url).retry(Retry::off()).build().unwrap()
}

/// The error of a GET of `/x`, its body read.
async fn failure(client: &Client) -> Error {
    match client.res("x").get().send().await {
        Ok(response) => response.bytes().await.expect_err("a failure"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    let error = failure(&once(&format!("http://127.0.0.1:{}", closed_port()))).await;
    assert_eq!(kind(&error), (ErrorKind::Connect, "connect", Outcome::NotSent));
    assert!(error.to_string().contains("refused"), "{error}");
    assert_eq!(error.attempts(), 1);
}

#[tokio::test]
async fn a_name_without_an_address_is_not_sent() {
    for host in ["nothing.invalid", "a.b.invalid"] {
        let error = failure(&once(&format!("http://{host}"))).await;
        assert_eq!(kind(&error), (ErrorKind::Connect, "dns", Outcome::NotSent), "{error:?}");
    }
}

#[tokio::test]
async fn a_connection_reset_before_an_answer_may_have_been_processed() {
    let server = FaultServer::start(super::support::fault::Connection::peek);
    let error = failure(&once(&server.url())).await;
    assert_eq!(kind(&error), (ErrorKind::Protocol, "protocol.reset", Outcome::MaybeProcessed));
}

#[tokio::test]
async fn a_connection_closed_before_an_answer_may_have_been_processed() {
    for answer in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Le"] {
        let server = FaultServer::answering(answer);
        let client = once(&server.url());
        let calls = [client.res("x").get(), client.res("x").post().set("a", 1), client.res("x").delete()];
        for call in calls {
            let error = call.send().await.unwrap_err();
            assert_eq!(kind(&error), (ErrorKind::Protocol, "protocol.closed", Outcome::MaybeProcessed), "{error:?}");
        }
        assert_eq!(server.requests().len(), 3, "each was sent once");
    }
}

#[tokio::test]
async fn a_reused_connection_that_closed_is_told_as_such() {
    let server = FaultServer::start(|connection| {
        connection.request();
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        connection.request();
    });
    let client = once(&server.url());
    client.res("x").get().send().await.unwrap().bytes().await.unwrap();
    let error = client.res("x").post().set("a", 1).send().await.unwrap_err();
    assert_eq!(kind(&error), (ErrorKind::Protocol, "protocol.closed", Outcome::MaybeProcessed));
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_told_as_such() {
    for (answer, code) in [
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "protocol.not_http"),
        ("<html></html>\r\n\r\n", "protocol.not_http"),
        ("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\r\n\r\n", "protocol.not_http"),
        ("HTTP/1.1 20x OK\r\n\r\n", "protocol.status"),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "protocol.header"),
        ("HTTP/1.1 200 OK\r\nx : y\r\n\r\n", "protocol.header"),
        ("HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n", "protocol.header"),
        ("HTTP/1.1 200 OK\r\ncontent-length: +3\r\n\r\nabc", "protocol.framing"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd", "protocol.framing"),
    ] {
        let server = FaultServer::answering(answer);
        let error = failure(&once(&server.url())).await;
        assert_eq!(kind(&error), (ErrorKind::Protocol, code, Outcome::MaybeProcessed), "{answer:?}: {error:?}");
    }
}

#[tokio::test]
async fn b10_a_head_is_bounded() {
    let many = "x: 1\r\n".repeat(101);
    let large = format!("x: {}\r\n", "a".repeat(600 << 10));
    for headers in [many, large] {
        let server = FaultServer::answering(format!("HTTP/1.1 200 OK\r\n{headers}\r\n"));
        let error = failure(&once(&server.url())).await;
        let expected = (ErrorKind::Protocol, "protocol.head_too_large", Outcome::MaybeProcessed);
        assert_eq!(kind(&error), expected, "{error:?}");
    }
    let one = format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n", "a".repeat(60 << 10));
    let server = FaultServer::answering(one);
    let response = once(&server.url()).res("x").get().send().await.unwrap();
    assert_eq!(response.headers()["x"].len(), 60 << 10);
}

/// Takes a request and never answers.
#[derive(Debug)]
struct Silent;

impl Transport for Silent {
    fn exchange(&self, _: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn silence_before_the_headers_is_a_timeout() {
    let client = Client::builder("http://h").retry(Retry::off()).transport(Silent).build().unwrap();
    let began = tokio::time::Instant::now();
    let error = failure(&client).await;
    assert_eq!(kind(&error), (ErrorKind::Timeout, "timeout.headers", Outcome::MaybeProcessed));
    assert_eq!(began.elapsed().as_secs(), 30);

    let hurried = Client::builder("http://h")
        .retry(Retry::off())
        .transport(Silent)
        .total_timeout(Duration::from_secs(7))
        .build()
        .unwrap();
    let began = tokio::time::Instant::now();
    let error = failure(&hurried).await;
    assert_eq!(kind(&error), (ErrorKind::Timeout, "timeout.total", Outcome::MaybeProcessed));
    assert_eq!(began.elapsed().as_secs(), 7);

    let began = tokio::time::Instant::now();
    let error = hurried.res("x").get().timeout(Duration::from_secs(3)).send().await.unwrap_err();
    assert_eq!((error.code(), began.elapsed().as_secs()), ("timeout.total", 3));
}

#[tokio::test]
async fn a_silent_server_is_a_timeout_too() {
    let server = FaultServer::start(|connection| {
        connection.request();
        connection.hold();
    });
    let client = support::builder(&server.url())
        .retry(Retry::off())
        .headers_timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    let error = failure(&client).await;
    assert_eq!(kind(&error), (ErrorKind::Timeout, "timeout.headers", Outcome::MaybeProcessed));
}

#[tokio::test]
async fn a_body_that_stalls_is_a_timeout() {
    let server = FaultServer::start(|connection| {
        connection.request();
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        connection.hold();
    });
    let client =
        support::builder(&server.url()).retry(Retry::off()).idle_timeout(Duration::from_millis(100)).build().unwrap();
    let error = failure(&client).await;
    assert_eq!(kind(&error), (ErrorKind::Timeout, "timeout.idle", Outcome::Processed));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_is_a_timeout_at_the_limit_that_passes_first() {
    let service = axum::Router::new().fallback(|| async {
        axum::body::Body::from_stream(
            futures_util::stream::pending::<std::result::Result<bytes::Bytes, std::io::Error>>(),
        )
    });
    for (total, code, seconds) in
        [(Some(60), "timeout.idle", 30), (Some(7), "timeout.total", 7), (None, "timeout.idle", 30)]
    {
        let client = Client::local(service.clone()).total_timeout(total.map(Duration::from_secs)).build().unwrap();
        let began = tokio::time::Instant::now();
        let error = failure(&client).await;
        assert_eq!(kind(&error), (ErrorKind::Timeout, code, Outcome::Processed));
        assert_eq!(began.elapsed().as_secs(), seconds);
    }
}

#[tokio::test]
async fn a_body_cut_short_has_been_processed() {
    let chunks = (ErrorKind::Protocol, "protocol.chunk", Outcome::Processed);
    let cut = (ErrorKind::Body, "body.truncated", Outcome::Processed);
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", cut),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", cut),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", cut),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n", chunks),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\nab\r\n0\r\n\r\n", chunks),
    ] {
        let server = FaultServer::answering(answer);
        let error = failure(&once(&server.url())).await;
        assert_eq!(kind(&error), expected, "{answer:?}: {error:?}");
    }
}

#[tokio::test]
async fn bytes_behind_a_body_never_reach_the_next_answer() {
    let server = FaultServer::start(|connection| {
        while connection.request().is_some() {
            connection.send(
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n\"EVIL\"",
            );
        }
    });
    let client = once(&server.url());
    for _ in 0..20 {
        // A connection that was spoilt is closed, or gives the right answer: never the other one.
        if let Ok(response) = client.res("x").get().send().await {
            assert_eq!(response.text().await.unwrap(), "{}");
        }
    }
}

#[tokio::test]
async fn b44_a_file_that_changes_while_it_is_sent_closes_the_connection() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let length = 64 << 20;
    file.as_file().set_len(length).unwrap();
    let path = file.path().to_owned();
    let server = FaultServer::start(move |connection| {
        connection.head();
        // The client is in the middle of it: the rest is gone.
        std::fs::File::options().write(true).open(&path).unwrap().set_len(1 << 20).unwrap();
        connection.hold();
    });
    let client = once(&server.url());
    let error = client.res("x").post().upload_file(file.path()).send().await.unwrap_err();
    assert_eq!(kind(&error), (ErrorKind::Body, "body.truncated", Outcome::MaybeProcessed), "{error:?}");
    assert!(error.to_string().contains("changed during the upload"), "{error}");
    assert!(server.requests().is_empty(), "no whole request came");
    let received = server.received();
    assert_eq!(received.len(), 1);
    assert!((received[0].len() as u64) < length, "nothing was padded");
}

#[tokio::test]
async fn a_stream_that_fails_is_the_callers_error() {
    let server = FaultServer::start(|connection| {
        connection.head();
        connection.hold();
    });
    let pieces = [Ok(bytes::Bytes::from_static(b"first")), Err(std::io::Error::other("the tape is torn"))];
    let part = Part::stream(futures_util::stream::iter(pieces), None);
    let error = once(&server.url()).res("x").post().upload(part).send().await.unwrap_err();
    assert_eq!(kind(&error), (ErrorKind::Body, "body.truncated", Outcome::MaybeProcessed), "{error:?}");
    assert!(error.to_string().contains("the tape is torn"), "{error}");
}

#[tokio::test]
async fn an_informational_answer_is_passed_over() {
    let server = FaultServer::answering(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1",
    );
    let response = once(&server.url()).res("x").get().send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (200, "1"));
}

#[tokio::test]
async fn a_proxy_gets_the_absolute_form() {
    let proxy = FaultServer::keeping("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\"proxied\"");
    let client = Client::builder("http://api.invalid/v1").proxy(proxy.url().as_str()).build().unwrap();
    let answer = client.res("people").item("a b").get().query("q", 1).await.unwrap();
    assert_eq!(answer, "proxied");
    let request = &proxy.requests()[0];
    assert_eq!(request.target, "http://api.invalid/v1/people/a%20b?q=1");
    assert_eq!(request.header("host"), Some("api.invalid"));
}

/// The variables of the environment are a process's own, so this test runs itself with and without them.
#[test]
fn a_proxy_of_the_environment_is_used_unless_it_is_turned_off() {
    const NAME: &str = "classification::a_proxy_of_the_environment_is_used_unless_it_is_turned_off";
    if let Ok(origin) = std::env::var("SUITE_ORIGIN") {
        let by_way_of = Client::builder(&origin).build().unwrap();
        let direct = Client::builder(&origin).proxy(None).build().unwrap();
        for (client, expected) in [(by_way_of, "\"proxy\""), (direct, "\"origin\"")] {
            let response = client.res("x").get().send_blocking().unwrap();
            assert_eq!(restwalk::block_on(response.text()).unwrap().unwrap(), expected);
        }
        return;
    }
    let proxy = FaultServer::keeping("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n\"proxy\"");
    let origin = FaultServer::keeping("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n\"origin\"");
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env("http_proxy", proxy.url())
        .env("SUITE_ORIGIN", origin.url())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    assert_eq!((proxy.requests().len(), origin.requests().len()), (1, 1));
}
