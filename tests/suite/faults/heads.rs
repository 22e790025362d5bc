//! N06 to N19, N23 to N25, N30, N38: what comes before a body.

use restwalk::{ErrorKind, Outcome};

use super::{CLOSED, RESET, SILENT, broken, calls, kind, meet, outcome, row, scripts, stage::GOOD};
use crate::support::{self, fault::FaultServer};

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
async fn n15_interim_answers_without_end_meet_the_time_for_headers() {
    // They cannot be counted: hyper keeps them to itself.
    row("n15", SILENT).await;
}

#[tokio::test]
async fn n16_interim_answers_before_the_answer_are_passed_over() {
    for many in [1, 32, 33, 5_000] {
        let before = "HTTP/1.1 100 Continue\r\n\r\n".repeat(many);
        let server = FaultServer::keeping([before.as_bytes(), GOOD].concat());
        for call in calls(&support::network(&server.url())) {
            assert_eq!(outcome(call).await.unwrap(), "{}", "{many}");
        }
        assert_eq!(server.connections(), 1, "{many}");
    }
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
async fn n30_a_coding_that_is_not_chunked() {
    row("n30", broken("protocol.framing")).await;
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
