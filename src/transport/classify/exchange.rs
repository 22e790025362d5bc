//! What failed on a connection, before the headers of an answer came.

use std::io;

use super::{Answered, Found, refused, tls_code};
use crate::error::{Again, Error, ErrorKind, Outcome};

pub(super) fn meaning(error: &reqwest::Error, found: &Found<'_>, answered: &Answered) -> Error {
    let maybe = |kind, code, message: &str| Error::coded(kind, code, message).with_outcome(Outcome::MaybeProcessed);
    if found.unsent() {
        return Error::new(ErrorKind::Protocol, "the connection closed before the request was sent")
            .with_outcome(Outcome::NotSent);
    }
    if let Some(tls) = found.tls {
        let (code, message) = tls_code(tls);
        return maybe(ErrorKind::Tls, code, message);
    }
    if error.is_timeout() {
        return maybe(ErrorKind::Timeout, "timeout.headers", "no answer in the time allowed");
    }
    if let Some(h2) = found.h2 {
        return http2(h2);
    }
    if let Some(hyper) = found.hyper.filter(|hyper| hyper.is_parse()) {
        return unreadable(&hyper.to_string());
    }
    // hyper calls it the user's mistake as well when the runtime of its task has gone.
    let gone = found.hyper.is_some_and(|hyper| hyper.to_string().contains("dispatch task"));
    if !gone && (error.is_body() || found.hyper.is_some_and(hyper::Error::is_user)) {
        return maybe(ErrorKind::Body, "body.truncated", "the body could not be sent whole").with_again(Again::Never);
    }
    let reset = matches!(
        found.io.map(io::Error::kind),
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe)
    );
    let lost = if reset {
        maybe(ErrorKind::Protocol, "protocol.reset", "the connection was reset before an answer came")
    } else {
        maybe(ErrorKind::Protocol, "protocol.closed", "the connection closed before an answer came")
    };
    let stale = found.connection().is_some_and(|connection| answered.knows(&connection));
    lost.with_again(if stale { Again::Stale } else { Again::ByKind })
}

/// What hyper could not read, by the words that it has for it: it has no other way to say.
///
/// What is worded anew one day is only told less well.
fn unreadable(said: &str) -> Error {
    if said.contains("too large") {
        return refused("protocol.head_too_large", "the head of the answer, or the length that it gives, is too large");
    }
    if said.contains("content-length") || said.contains("transfer-encoding") {
        return refused("protocol.framing", "the answer's Content-Length or Transfer-Encoding cannot be read");
    }
    if said.contains("status") {
        return refused("protocol.status", "the answer's status cannot be read");
    }
    if said.contains("header") {
        return refused("protocol.header", "a header of the answer cannot be read");
    }
    refused("protocol.not_http", "the answer is not HTTP; where the server speaks TLS, the URL begins with https:")
}

/// What HTTP/2 says of a stream, or of all that are open.
fn http2(error: &h2::Error) -> Error {
    // A GOAWAY ends the streams that it counts as not begun, and no other.
    if error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM)) {
        return Error::coded(ErrorKind::Protocol, "protocol.refused", "the server did not take the request");
    }
    if error.is_remote() {
        let reason = error.reason().unwrap_or(h2::Reason::NO_ERROR);
        let message = format!("the server ended the stream before an answer came: {reason}");
        return Error::coded(ErrorKind::Protocol, "protocol.reset", message).with_outcome(Outcome::MaybeProcessed);
    }
    refused("protocol.http2", "the answer breaks HTTP/2, or its head is larger than 64 KiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hyper_says_is_told_as_finely_as_it_says_it() {
        for (said, code) in [
            ("message head is too large", "protocol.head_too_large"),
            ("invalid content-length parsed", "protocol.framing"),
            ("unexpected transfer-encoding parsed", "protocol.framing"),
            ("invalid HTTP status-code parsed", "protocol.status"),
            ("invalid HTTP header parsed", "protocol.header"),
            ("invalid HTTP version parsed", "protocol.not_http"),
            ("words of another day", "protocol.not_http"),
        ] {
            let error = unreadable(said);
            assert_eq!((error.code(), error.outcome()), (code, Outcome::MaybeProcessed));
            assert_eq!(error.again(), Again::Never);
        }
    }

    #[test]
    fn n46_a_reason_of_ours_is_never_taken_for_a_refusal() {
        // Nobody sent this one, so it cannot say that the request was not taken.
        let error = http2(&h2::Reason::REFUSED_STREAM.into());
        assert_eq!((error.code(), error.outcome()), ("protocol.http2", Outcome::MaybeProcessed));
    }
}
