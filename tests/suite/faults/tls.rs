//! N40 to N44: TLS that does not come about, and one that ends without saying so.

use restwalk::{ErrorKind, Outcome};

use super::{
    CUT, TIMED_OUT, UNREACHED, calls, kind, outcome, row,
    stage::{GOOD, secure, trusting},
    unsent,
};
use crate::support::{
    authority::{Authority, Claims, SERVER},
    fault::FaultServer,
    tls_fault,
};

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
