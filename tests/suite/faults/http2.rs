//! N45 to N48: HTTP/2 that ends streams, goes on and on, or not at all.

use restwalk::{ErrorKind, Outcome};

use super::{
    CLOSED, CUT, REFUSED, RESET, SILENT, broken, calls, outcome, row,
    stage::{PATIENCE, trusting},
};
use crate::support::{
    authority::{Authority, SERVER},
    fault::FaultServer,
    h2_fault::{self, Http2},
    tls_fault,
};

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
    assert!(h2_fault::requests(&server).iter().sum::<usize>() <= 3);
}

#[tokio::test]
async fn n48_a_head_over_http2_that_is_too_large() {
    row("n48", broken("protocol.http2")).await;
}
