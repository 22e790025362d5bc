//! What a failure of the network means: its kind, its code, and whether the server may have acted.

use std::{error::Error as StdError, io};

use hyper_util::client::legacy::{
    self,
    connect::{HttpConnector, HttpInfo, proxy::Tunnel},
};
use tower_service::Service;

use super::answered::Answered;
use crate::error::{Again, Cause, Error, ErrorKind, Outcome};

mod connect;
mod exchange;

/// What hyper-util says of a proxy; it has no public name.
type TunnelError = <Tunnel<HttpConnector> as Service<http::Uri>>::Error;

/// What a failure's meaning depends on, beside the failure.
pub(super) struct Around<'a> {
    /// Every connection goes by way of the proxy that the settings name.
    pub(super) by_proxy: bool,
    pub(super) answered: &'a Answered,
}

/// A failure before the headers of an answer came.
pub(super) fn send(error: reqwest::Error, around: &Around<'_>) -> Error {
    let error = error.without_url();
    if error.is_builder() {
        return Error::new(ErrorKind::Request, "the request cannot be sent as it is").with_source(cause(&error));
    }
    let found = Found::look(&error);
    if let Some(own) = found.own {
        return own_error(own);
    }
    let told = if error.is_connect() {
        connect::meaning(&error, &found, around.by_proxy)
    } else {
        exchange::meaning(&error, &found, around.answered)
    };
    told.with_source(cause(&error))
}

/// A failure while the body of an answer is read.
pub(super) fn read(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let found = Found::look(&error);
    let told = match found.io.map(io::Error::kind) {
        _ if found.tls.is_some() => truncated("the body broke off: the TLS connection was damaged"),
        // What hyper says of chunks is of these kinds, and nothing else that it says of bodies.
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            Error::coded(ErrorKind::Protocol, "protocol.chunk", "the body's chunks are badly framed")
        }
        Some(kind) => truncated(format!("the body broke off: {kind}")),
        None => truncated("the body broke off"),
    };
    told.with_outcome(Outcome::Processed).with_source(cause(&error))
}

fn truncated(message: impl Into<String>) -> Error {
    Error::coded(ErrorKind::Body, "body.truncated", message)
}

/// An answer that breaks HTTP in a way that it would break it again.
pub(super) fn refused(code: &'static str, message: impl Into<String>) -> Error {
    Error::coded(ErrorKind::Protocol, code, message).with_outcome(Outcome::MaybeProcessed).with_again(Again::Never)
}

/// The chain under a reqwest error as text, its URL left out.
pub(super) fn cause(error: &(dyn StdError + 'static)) -> Cause {
    Cause::chain(error, &str::to_owned)
}

/// A failure to read the caller's own file or stream, met on the way out.
fn own_error(error: &io::Error) -> Error {
    let message = format!("the body could not be sent whole: {error}");
    let error = Error::coded(ErrorKind::Body, "body.truncated", message).with_outcome(Outcome::MaybeProcessed);
    error.with_again(Again::Never)
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
    io: Option<&'e io::Error>,
    client: Option<&'e legacy::Error>,
    hyper: Option<&'e hyper::Error>,
    h2: Option<&'e h2::Error>,
    tls: Option<&'e rustls::Error>,
    tunnel: Option<&'e TunnelError>,
    /// The number that the operating system gave.
    system: Option<i32>,
    own: Option<&'e io::Error>,
}

impl<'e> Found<'e> {
    /// Walks the chain; an `io::Error` hides what it wraps from `source`, so it is opened.
    fn look(error: &'e (dyn StdError + 'static)) -> Self {
        let mut found = Self::default();
        let mut next = Some(error);
        while let Some(error) = next {
            next = error.source();
            found.client = found.client.or_else(|| error.downcast_ref());
            found.hyper = found.hyper.or_else(|| error.downcast_ref());
            found.h2 = found.h2.or_else(|| error.downcast_ref());
            found.tls = found.tls.or_else(|| error.downcast_ref());
            found.tunnel = found.tunnel.or_else(|| error.downcast_ref());
            if let Some(io) = error.downcast_ref::<io::Error>() {
                found.io = found.io.or(Some(io));
                found.system = found.system.or(io.raw_os_error());
                found.own = found.own.or_else(|| found.hyper.is_some_and(hyper::Error::is_user).then_some(io));
                if let Some(inner) = io.get_ref() {
                    next = Some(inner);
                }
            }
        }
        found
    }

    /// Whether the request was never given to a connection, or given back by it unread.
    fn unsent(&self) -> bool {
        self.client.is_some_and(|client| client.connect_info().is_none())
            || self.hyper.is_some_and(hyper::Error::is_canceled)
    }

    /// The connection on which it failed.
    fn connection(&self) -> Option<HttpInfo> {
        let mut known = http::Extensions::new();
        self.client?.connect_info()?.get_extras(&mut known);
        known.remove()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Empty;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::{
        io::AsyncReadExt,
        net::{TcpListener, TcpStream},
    };

    use super::*;

    /// The failure of a request on a connection that the server closes behind `reads` reads.
    async fn closed_after(reads: usize) -> legacy::Error {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for _ in 0..reads {
                assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            }
        });
        let connector = tower::service_fn(move |_: http::Uri| {
            Box::pin(async move {
                let stream = TcpStream::connect(address).await?;
                if reads == 0 {
                    // The end is there before the connection is.
                    stream.peek(&mut [0]).await?;
                }
                io::Result::Ok(TokioIo::new(stream))
            })
        });
        let client = legacy::Client::builder(TokioExecutor::new()).build(connector);
        let request = http::Request::get("http://h/x").body(Empty::<bytes::Bytes>::new()).unwrap();
        client.request(request).await.unwrap_err()
    }

    #[tokio::test]
    async fn n06_a_request_that_no_connection_took_is_known() {
        assert!(Found::look(&closed_after(0).await).unsent());
        assert!(!Found::look(&closed_after(1).await).unsent());
    }
}
