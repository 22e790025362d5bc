//! What an error is about: its kind, whether the server may have acted, and whether sending again is of use.

/// What kind of thing went wrong; each line says what a caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A catalog file is wrong. Correct the file; the message has its line and column.
    Catalog,
    /// A path names no resource, an item cannot be one segment, or the method is not declared.
    Path,
    /// The request as described cannot be built. Nothing was sent.
    Request,
    /// Credentials are missing, malformed, or a token could not be had.
    Auth,
    /// No connection: refused, unreachable, or the name has no address.
    Connect,
    /// The peer's certificate or handshake was refused. Sending again will not help.
    Tls,
    /// A time limit passed. [`Error::outcome`](crate::Error::outcome) tells whether the server may have acted.
    Timeout,
    /// The peer broke HTTP, or closed the connection before answering.
    Protocol,
    /// A body could not be sent or read whole: cut short, too large, or badly encoded.
    Body,
    /// A redirect that is not followed.
    Redirect,
    /// The server answered with a status that is not a success.
    Status,
    /// The server asks to wait longer than this call may.
    RateLimited,
    /// The circuit breaker is open. Nothing was sent.
    Circuit,
    /// The call was cancelled.
    Cancelled,
    /// The answer is not of the expected form.
    Decode,
    /// A file or another store failed.
    Store,
}

/// Whether the server may have acted on the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// No byte of the request left this process, or the server did not take it (`REFUSED_STREAM`, 421): sending
    /// again is safe.
    NotSent,
    /// Some of it may have arrived and no final answer came.
    MaybeProcessed,
    /// A final answer came.
    Processed,
}

/// What a transport knows, beyond the kind, about sending again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Again {
    /// As the kind and the outcome say.
    #[default]
    ByKind,
    /// It would fail in the same way.
    Never,
    /// A connection that had stood idle was dead: a fresh one costs nothing.
    #[cfg_attr(not(any(test, feature = "http")), expect(dead_code, reason = "only the network has connections"))]
    Stale,
}

impl ErrorKind {
    /// The code of an error that has no closer one.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Catalog => "catalogue",
            Self::Path => "invalid_input.path",
            Self::Request => "invalid_input.request",
            Self::Auth => "auth.required",
            Self::Connect => "connect",
            Self::Tls => "tls.protocol",
            Self::Timeout => "timeout.headers",
            Self::Protocol => "protocol.closed",
            Self::Body => "body.truncated",
            Self::Redirect => "redirect.bad_location",
            Self::Status => "status",
            Self::RateLimited => "rate_limited",
            Self::Circuit => "circuit_open",
            Self::Cancelled => "cancelled",
            Self::Decode => "body.decode",
            Self::Store => "store.corrupt",
        }
    }
}
