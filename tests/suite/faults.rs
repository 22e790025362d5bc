//! N: faults of the network, row by row: what each is called, whether the server may have acted, and what was sent.

use std::{
    net::SocketAddr,
    sync::{Mutex, mpsc},
};

use bytes::Bytes;
use restwalk::{Call, Client, Error, ErrorKind, Outcome, Retry};

use self::scripts::{Addresses, GOOD, PATIENCE, Script, here, secure, trusting};
use crate::support::{
    self,
    authority::{Authority, Claims, SERVER},
    fault::{BlackHole, FaultServer},
    h2_fault::{self, Http2},
    serve::closed_port,
    tls_fault,
};

mod scripts;

type Kind = (ErrorKind, &'static str, Outcome);

const CLOSED: Kind = (ErrorKind::Protocol, "protocol.closed", Outcome::MaybeProcessed);
const RESET: Kind = (ErrorKind::Protocol, "protocol.reset", Outcome::MaybeProcessed);
const REFUSED: Kind = (ErrorKind::Protocol, "protocol.refused", Outcome::NotSent);
const SILENT: Kind = (ErrorKind::Timeout, "timeout.headers", Outcome::MaybeProcessed);
const STALLED: Kind = (ErrorKind::Timeout, "timeout.idle", Outcome::Processed);
const CUT: Kind = (ErrorKind::Body, "body.truncated", Outcome::Processed);
const CHUNK: Kind = (ErrorKind::Protocol, "protocol.chunk", Outcome::Processed);
const UNREACHED: Kind = (ErrorKind::Connect, "connect", Outcome::NotSent);
const TIMED_OUT: Kind = (ErrorKind::Timeout, "timeout.connect", Outcome::NotSent);
const NAMELESS: Kind = (ErrorKind::Connect, "dns", Outcome::NotSent);
const PROXY: Kind = (ErrorKind::Connect, "proxy", Outcome::NotSent);

/// An answer that breaks HTTP.
const fn broken(code: &'static str) -> Kind {
    (ErrorKind::Protocol, code, Outcome::MaybeProcessed)
}

fn kind(error: &Error) -> Kind {
    (error.kind(), error.code(), error.outcome())
}

/// A GET and a POST of `/x`.
fn calls(client: &Client) -> [Call; 2] {
    [client.res("x").get(), client.res("x").post().set("a", 1)]
}

/// What one attempt of a call comes to, its body read.
async fn outcome(call: Call) -> Result<Bytes, Error> {
    call.retry(Retry::off()).send().await?.bytes().await
}

/// What a call that meets `script` comes to; `sent` requests came of it.
async fn meet(script: &Script, reused: bool, which: usize, sent: usize) -> Result<Bytes, Error> {
    let stage = script.stage(reused);
    let client = stage.builder().build().unwrap();
    if reused {
        assert_eq!(outcome(client.res("x").get()).await.unwrap(), "{}");
    }
    let before = stage.requests();
    let [get, post] = calls(&client);
    let met = outcome(if which == 0 { get } else { post }).await;
    assert_eq!(stage.requests() - before, sent, "requests of {}: {}", script.id, script.fault);
    met
}

/// Holds every script of a row against what it must come to: GET and POST, on a fresh and on a reused connection.
async fn row(id: &str, expected: Kind) {
    for script in scripts::of(id) {
        for (reused, which) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
            let error = meet(&script, reused, which, 1).await.expect_err(script.fault);
            assert_eq!(kind(&error), expected, "{}, reused: {reused}: {error:?}", script.fault);
            assert_eq!(error.attempts(), 1);
        }
    }
}

/// The same for scripts that nothing is sent to.
async fn unsent(id: &str, sent: usize, expected: Kind) {
    for script in scripts::of(id) {
        for which in [0, 1] {
            let error = meet(&script, false, which, sent).await.expect_err(script.fault);
            assert_eq!(kind(&error), expected, "{}: {error:?}", script.fault);
        }
    }
}

#[tokio::test]
async fn n01_a_refused_connection() {
    unsent("n01", 0, UNREACHED).await;
}

#[tokio::test]
async fn n02_a_connection_that_is_never_made() {
    let hole = BlackHole::at(SocketAddr::from(([127, 0, 0, 1], 0)));
    let client = support::builder(&format!("http://{}", hole.address)).connect_timeout(PATIENCE).build().unwrap();
    for call in calls(&client) {
        assert_eq!(kind(&outcome(call).await.unwrap_err()), TIMED_OUT);
    }
}

#[tokio::test]
async fn n03_a_resolver_that_gives_nothing() {
    let builder = || support::builder("http://api.invalid").connect_timeout(PATIENCE);
    for (addresses, expected) in [(Some(Vec::new()), NAMELESS), (None, TIMED_OUT)] {
        let client = builder().resolver(Addresses(addresses)).build().unwrap();
        for call in calls(&client) {
            assert_eq!(kind(&outcome(call).await.unwrap_err()), expected);
        }
    }
}

#[tokio::test]
async fn n06_a_connection_that_closes_without_an_answer() {
    row("n06", CLOSED).await;
}

#[tokio::test]
async fn n06_a_connection_that_closes_at_once() {
    let server = FaultServer::start(|_| {});
    for call in calls(&support::network(&server.url())) {
        let error = outcome(call).await.unwrap_err();
        // Whether the request was on its way by then is a matter of luck; the error knows.
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error:?}");
        assert!(["protocol.closed", "protocol.reset"].contains(&error.code()), "{error:?}");
        assert_ne!(error.outcome(), Outcome::Processed);
        if error.outcome() == Outcome::NotSent {
            assert!(error.to_string().contains("before the request was sent"), "{error}");
        }
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn n07_a_reset_with_the_request_unread() {
    row("n07", RESET).await;
}

#[tokio::test]
async fn n08_a_reset_with_the_request_read() {
    row("n08", RESET).await;
}

#[tokio::test]
async fn n09_half_a_head() {
    row("n09", CLOSED).await;
}

#[tokio::test]
async fn n10_what_is_no_http() {
    row("n10", broken("protocol.not_http")).await;
    let error = meet(&scripts::of("n10")[1], false, 0, 1).await.unwrap_err();
    assert!(error.to_string().contains("https:"), "{error}");
}

#[tokio::test]
async fn n11_a_status_that_is_none() {
    row("n11", broken("protocol.status")).await;
}

#[tokio::test]
async fn n12_a_status_without_a_name_goes_by_its_class() {
    for (status, refused) in [(299, false), (399, false), (499, true), (599, true), (999, true)] {
        let server = FaultServer::answering(format!("HTTP/1.1 {status} Odd\r\nContent-Length: 2\r\n\r\n{{}}"));
        let answer = support::network(&server.url()).res("x").get().send().await;
        match answer {
            Ok(response) => assert_eq!((response.status().as_u16(), refused), (status, false)),
            Err(error) => {
                assert_eq!(kind(&error), (ErrorKind::Status, "status", Outcome::Processed));
                assert_eq!((error.status().unwrap().as_u16(), refused), (status, true));
            }
        }
    }
}

#[tokio::test]
async fn n13_silence() {
    row("n13", SILENT).await;
}

#[tokio::test]
async fn n14_a_head_that_drips() {
    row("n14", SILENT).await;
}

#[tokio::test]
async fn n17_another_protocol() {
    row("n17", broken("protocol.upgrade")).await;
}

#[tokio::test]
async fn n18_a_head_that_is_too_large() {
    row("n18", broken("protocol.head_too_large")).await;
}

#[tokio::test]
async fn n19_a_header_that_is_none() {
    row("n19", broken("protocol.header")).await;
}

#[tokio::test]
async fn n20_a_body_cut_short() {
    row("n20", CUT).await;
}

#[tokio::test]
async fn n21_a_body_cut_short_by_a_reset() {
    row("n21", CUT).await;
}

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
async fn n23_a_length_that_is_none() {
    row("n23", broken("protocol.framing")).await;
}

#[tokio::test]
async fn n23_a_length_said_twice_is_a_length() {
    for lines in ["Content-Length: 3, 3", "Content-Length: 3\r\nContent-Length: 3"] {
        let server = FaultServer::answering(format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n123"));
        assert_eq!(outcome(support::network(&server.url()).res("x").get()).await.unwrap(), "123");
    }
}

#[tokio::test]
async fn n24_a_length_beyond_all_bounds() {
    row("n24", (ErrorKind::Body, "body.too_large", Outcome::Processed)).await;
    // The two largest numbers are marks of hyper's own, and it takes them for a head that is too large.
    row("n24 past", broken("protocol.head_too_large")).await;
}

#[tokio::test]
async fn n25_two_framings() {
    row("n25", broken("protocol.framing")).await;
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
async fn n30_a_coding_that_is_not_chunked() {
    row("n30", broken("protocol.framing")).await;
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
async fn n34_a_body_that_stops() {
    row("n34", STALLED).await;
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
async fn n38_an_answer_byte_by_byte() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"a\":\"whole\"}".replace("12", "13"),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{\"a\":\"\r\n7\r\nwhole\"}\r\n0\r\n\r\n".to_owned(),
    ] {
        let server = FaultServer::start(move |connection| {
            while connection.request().is_some() {
                connection.slices(answer.as_bytes(), 1);
            }
        });
        let client = support::network(&server.url());
        for call in calls(&client) {
            assert_eq!(outcome(call).await.unwrap(), "{\"a\":\"whole\"}");
        }
    }
}

#[tokio::test]
async fn n40_a_certificate_that_has_expired() {
    let authority = Authority::new();
    let server = secure(&authority, &Claims { years: (2020, 2021), ..SERVER });
    refused_by_name(&server, "127.0.0.1", &authority, "tls.expired").await;
}

#[tokio::test]
async fn n41_a_certificate_of_another_host() {
    let authority = Authority::new();
    for (name, host, good) in [
        ("127.0.0.1", "127.0.0.1", true),
        ("localhost", "127.0.0.1", false),
        ("127.0.0.2", "127.0.0.1", false),
        ("127.0.0.1", "api.example.com", false),
        ("api.example.com", "api.example.com", true),
        ("api.example.com", "API.Example.com", true),
        ("api.example.com", "api.example.com.evil.example", false),
        ("*.example.com", "api.example.com", true),
        ("*.example.com", "v1.api.example.com", false),
        ("*.example.com", "example.com", false),
        ("xn--bcher-kva.example", "b\u{fc}cher.example", true),
        ("xn--bcher-kva.example", "bucher.example", false),
    ] {
        let server = secure(&authority, &Claims { name, ..SERVER });
        if good {
            let client = trusting(&server, host, &authority).build().unwrap();
            assert_eq!(outcome(client.res("x").get()).await.unwrap(), "{}", "{name} for {host}");
        } else {
            refused_by_name(&server, host, &authority, "tls.wrong_host").await;
        }
    }
}

#[tokio::test]
async fn n42_a_certificate_that_nobody_vouches_for() {
    let (theirs, ours) = (Authority::new(), Authority::new());
    refused_by_name(&secure(&theirs, &SERVER), "127.0.0.1", &ours, "tls.unknown_issuer").await;
    let early = secure(&ours, &Claims { years: (2090, 2100), ..SERVER });
    refused_by_name(&early, "127.0.0.1", &ours, "tls.not_yet_valid").await;
}

/// A handshake that must fail by `code`, and nothing said to the server.
async fn refused_by_name(server: &FaultServer, host: &str, authority: &Authority, code: &'static str) {
    let client = trusting(server, host, authority).build().unwrap();
    for call in calls(&client) {
        let error = outcome(call).await.unwrap_err();
        assert_eq!(kind(&error), (ErrorKind::Tls, code, Outcome::NotSent), "{host}: {error:?}");
    }
    assert_eq!(server.connections(), 2, "{host}");
    assert!(server.received().concat().is_empty(), "{host}");
}

#[tokio::test]
async fn n43_a_handshake_that_fails() {
    unsent("n43", 0, (ErrorKind::Tls, "tls.protocol", Outcome::NotSent)).await;
    unsent("n43 stall", 0, TIMED_OUT).await;
    unsent("n43 lost", 0, UNREACHED).await;
}

#[tokio::test]
async fn n43_tls_1_2_is_spoken_and_a_protocol_that_nobody_knows_is_not() {
    let authority = Authority::new();
    let old = FaultServer::tls(tls_fault::old(&authority), |connection| {
        connection.request();
        connection.send(GOOD);
    });
    let client = trusting(&old, "127.0.0.1", &authority).build().unwrap();
    assert_eq!(outcome(client.res("x").get()).await.unwrap(), "{}");

    let other = FaultServer::tls(tls_fault::speaking(&authority, &SERVER, &[b"smtp"]), |_| {});
    refused_by_name(&other, "127.0.0.1", &authority, "tls.protocol").await;
}

#[tokio::test]
async fn n44_an_end_that_tls_does_not_vouch_for() {
    row("n44", CUT).await;
    let authority = Authority::new();
    let server = FaultServer::tls(tls_fault::http1(&authority, &SERVER), |connection| {
        connection.request();
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n{\"whole\":1}");
        connection.notify();
    });
    let client = trusting(&server, "127.0.0.1", &authority).build().unwrap();
    assert_eq!(outcome(client.res("x").get()).await.unwrap(), "{\"whole\":1}");
}

#[tokio::test]
async fn n45_a_server_that_goes_away() {
    row("n45", REFUSED).await;
    row("n45 begun", CLOSED).await;
}

#[tokio::test]
async fn n45_a_server_that_goes_away_before_it_was_asked() {
    let authority = Authority::new();
    let server = FaultServer::tls(tls_fault::speaking(&authority, &SERVER, &[b"h2"]), |connection| {
        if let Some(mut peer) = Http2::open(connection, &[]) {
            peer.go_away(0, h2_fault::NO_ERROR);
            peer.hold();
        }
    });
    for call in calls(&trusting(&server, "127.0.0.1", &authority).build().unwrap()) {
        let error = outcome(call).await.unwrap_err();
        // The request was refused, or never left: which of them is a matter of luck.
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Protocol, Outcome::NotSent), "{error:?}");
    }
}

#[tokio::test]
async fn n46_a_stream_that_is_reset() {
    row("n46 refused", REFUSED).await;
    row("n46", RESET).await;
}

#[tokio::test]
async fn n47_floods_over_http2() {
    row("n47 head", broken("protocol.http2")).await;
    row("n47 silence", SILENT).await;
    row("n47 body", CUT).await;
}

#[tokio::test]
async fn n47_a_server_that_takes_no_stream() {
    let authority = Authority::new();
    let server = FaultServer::tls(tls_fault::speaking(&authority, &SERVER, &[b"h2"]), |connection| {
        if let Some(mut peer) = Http2::open(connection, &[(h2_fault::MAX_CONCURRENT_STREAMS, 0)]) {
            peer.request();
        }
    });
    let client = trusting(&server, "127.0.0.1", &authority).headers_timeout(PATIENCE * 4).build().unwrap();
    // The first goes out before the server has said so.
    for call in [client.res("x").get(), client.res("x").post().set("a", 1), client.res("x").get()] {
        let error = outcome(call).await.unwrap_err();
        assert_ne!(error.outcome(), Outcome::Processed, "{error:?}");
    }
    assert!(h2_fault::requests(&server) <= 3);
}

#[tokio::test]
async fn n48_a_head_over_http2_that_is_too_large() {
    row("n48", broken("protocol.http2")).await;
}

#[tokio::test]
async fn n52_an_answer_of_many_addresses_is_cut() {
    let server = FaultServer::keeping(GOOD);
    let alive = SocketAddr::from(([127, 0, 0, 1], server.port()));
    let dead = SocketAddr::from(([127, 0, 0, 1], closed_port()));
    let with = |dead_ones: usize| {
        let mut addresses = vec![dead; dead_ones];
        addresses.resize(1_000, alive);
        support::builder("http://many.invalid").resolver(Addresses(Some(addresses))).build().unwrap()
    };
    assert_eq!(outcome(with(63).res("x").get()).await.unwrap(), "{}");
    assert_eq!(kind(&outcome(with(64).res("x").get()).await.unwrap_err()), UNREACHED);
    let none = support::builder("http://none.invalid").resolver(Addresses(Some(Vec::new()))).build().unwrap();
    let error = outcome(none.res("x").get()).await.unwrap_err();
    assert_eq!(kind(&error), NAMELESS);
    let odd = support::builder("http://a_b-.c.invalid").resolver(here()).build().unwrap();
    assert_eq!(kind(&outcome(odd.res("x").get()).await.unwrap_err()).1, "connect", "the name is the resolver's matter");
}

#[tokio::test]
async fn n53_a_proxy_that_gives_no_connection() {
    unsent("n53", 1, PROXY).await;
    unsent("n53 stall", 1, TIMED_OUT).await;
    let gone = format!("http://127.0.0.1:{}", closed_port());
    for url in ["http://api.invalid", "https://api.invalid"] {
        let client = Client::builder(url).proxy(gone.as_str()).build().unwrap();
        for call in calls(&client) {
            assert_eq!(kind(&outcome(call).await.unwrap_err()), PROXY, "{url}");
        }
    }
    let error = meet(&scripts::of("n53")[0], false, 0, 1).await.unwrap_err();
    assert!(error.to_string().contains("asks for credentials"), "{error}");
}

/// The limit on open files is a process's own, so this test runs itself with a low one.
#[cfg(unix)]
#[test]
fn n54_no_file_is_left_to_open() {
    const NAME: &str = "faults::n54_no_file_is_left_to_open";
    if let Ok(origin) = std::env::var("SUITE_ORIGIN") {
        return starve(&origin);
    }
    let origin = FaultServer::keeping(GOOD);
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env("SUITE_ORIGIN", origin.url())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
}

#[cfg(unix)]
fn starve(origin: &str) {
    use nix::sys::resource::{Resource, setrlimit};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = support::network(origin);
    setrlimit(Resource::RLIMIT_NOFILE, 64, 64).unwrap();
    runtime.block_on(async {
        let calls: Vec<_> = (0..1_000).map(|_| tokio::spawn(outcome(client.res("x").get()))).collect();
        let mut starved = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(body) => assert_eq!(body, "{}"),
                Err(error) => {
                    assert_eq!(kind(&error), UNREACHED, "{error:?}");
                    assert!(error.to_string().contains("too many files are open"), "{error}");
                    starved += 1;
                }
            }
        }
        assert!((1..1_000).contains(&starved), "{starved} of 1000 calls found no file");
        assert_eq!(outcome(client.res("x").get()).await.unwrap(), "{}", "it recovers");
    });
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
