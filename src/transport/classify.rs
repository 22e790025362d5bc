//! What a failure of the network means: its kind, its code, and whether the server may have acted.

use std::{error::Error as StdError, io};

use crate::error::{Cause, Error, ErrorKind, Outcome};

/// A failure before the headers of an answer came.
pub(super) fn send(error: reqwest::Error) -> Error {
    let error = error.without_url();
    if error.is_builder() {
        return Error::new(ErrorKind::Request, "the request cannot be sent as it is").with_source(cause(&error));
    }
    let found = Found::look(&error);
    let told = if error.is_connect() { connect(&error, &found) } else { exchange(&error, &found) };
    match found.own {
        Some(own) => own_error(own),
        None => told.with_source(cause(&error)),
    }
}

/// A failure while the body of an answer is read.
pub(super) fn read(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let found = Found::look(&error);
    let message = match &found.io {
        Some(kind) => format!("the body broke off: {kind}"),
        None => "the body is cut short or badly framed".to_owned(),
    };
    Error::coded(ErrorKind::Body, "body.truncated", message).with_outcome(Outcome::Processed).with_source(cause(&error))
}

/// The chain under a reqwest error as text, its URL left out.
pub(super) fn cause(error: &(dyn StdError + 'static)) -> Cause {
    Cause::chain(error, &str::to_owned)
}

fn connect(error: &reqwest::Error, found: &Found<'_>) -> Error {
    if error.is_timeout() || found.io == Some(io::ErrorKind::TimedOut) {
        return Error::coded(ErrorKind::Timeout, "timeout.connect", "no connection in the time allowed");
    }
    if let Some(tls) = found.tls {
        let (code, message) = tls_code(tls);
        return Error::coded(ErrorKind::Tls, code, message);
    }
    if error.is_dns() {
        return Error::coded(ErrorKind::Connect, "dns", "the host name has no address");
    }
    match found.io {
        Some(io::ErrorKind::ConnectionRefused) => Error::new(ErrorKind::Connect, "the connection was refused"),
        _ => Error::new(ErrorKind::Connect, "no connection to the server"),
    }
}

fn exchange(error: &reqwest::Error, found: &Found<'_>) -> Error {
    if let Some(tls) = found.tls {
        let (code, message) = tls_code(tls);
        return Error::coded(ErrorKind::Tls, code, message).with_outcome(Outcome::MaybeProcessed);
    }
    let (kind, code, message) = match found.hyper {
        _ if error.is_timeout() => (ErrorKind::Timeout, "timeout.headers", "no answer in the time allowed"),
        // hyper's own question about this is for its server only.
        Some(hyper) if hyper.is_parse() && hyper.to_string().contains("too large") => {
            (ErrorKind::Protocol, "protocol.head_too_large", "the head of the answer is too large")
        }
        Some(hyper) if hyper.is_parse() => (ErrorKind::Protocol, "protocol.not_http", "the answer is not HTTP"),
        Some(hyper) if hyper.is_user() => (ErrorKind::Body, "body.truncated", "the body could not be sent whole"),
        _ if error.is_body() => (ErrorKind::Body, "body.truncated", "the body could not be sent whole"),
        _ => (ErrorKind::Protocol, "protocol.closed", "the connection closed before an answer came"),
    };
    Error::coded(kind, code, message).with_outcome(Outcome::MaybeProcessed)
}

/// A failure to read the caller's own file or stream, met on the way out.
fn own_error(error: &io::Error) -> Error {
    let message = format!("the body could not be sent whole: {error}");
    Error::coded(ErrorKind::Body, "body.truncated", message).with_outcome(Outcome::MaybeProcessed)
}

fn tls_code(error: &rustls::Error) -> (&'static str, &'static str) {
    use rustls::CertificateError as Bad;
    match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::Expired | Bad::ExpiredContext { .. } => ("tls.expired", "the server's certificate has expired"),
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                ("tls.not_yet_valid", "the server's certificate is not valid yet")
            }
            Bad::Revoked => ("tls.revoked", "the server's certificate is revoked"),
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                ("tls.wrong_host", "the server's certificate is for another host")
            }
            Bad::UnknownIssuer => (
                "tls.unknown_issuer",
                "the server's certificate has an unknown issuer; name its CA with .ca_certificate(..)",
            ),
            _ => ("tls.protocol", "the server's certificate is not accepted"),
        },
        _ => ("tls.protocol", "the TLS handshake failed"),
    }
}

/// What the chain of an error holds.
#[derive(Default)]
struct Found<'e> {
    io: Option<io::ErrorKind>,
    hyper: Option<&'e hyper::Error>,
    tls: Option<&'e rustls::Error>,
    own: Option<&'e io::Error>,
}

impl<'e> Found<'e> {
    /// Walks the chain; an `io::Error` hides what it wraps from `source`, so it is opened.
    fn look(error: &'e (dyn StdError + 'static)) -> Self {
        let mut found = Self::default();
        let mut next = Some(error);
        while let Some(error) = next {
            next = error.source();
            found.hyper = found.hyper.or_else(|| error.downcast_ref());
            found.tls = found.tls.or_else(|| error.downcast_ref());
            if let Some(io) = error.downcast_ref::<io::Error>() {
                found.io = found.io.or(Some(io.kind()));
                found.own = found.own.or_else(|| found.hyper.is_some_and(hyper::Error::is_user).then_some(io));
                if let Some(inner) = io.get_ref() {
                    next = Some(inner);
                }
            }
        }
        found
    }
}
