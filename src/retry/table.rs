//! The table of what may be sent again.

use http::{StatusCode, header::RETRY_AFTER};

use super::{Failed, Retry, Standing};
use crate::error::{Again, Error, ErrorKind, Outcome};

/// What happened, in the words of the table.
#[derive(Clone, Copy)]
pub(super) enum Condition {
    /// Nothing was sent, for a reason that may pass: refused, no answer to the handshake, an ailing resolver; or a
    /// server of HTTP/2 did not take it.
    NotSent,
    /// A connection that had stood idle was dead.
    Stale(Outcome),
    /// It was sent, and its answer was lost: closed, reset, silent, cut short.
    Lost,
    /// An answer with a status that may pass.
    Answered(u16),
    /// It would happen again, or is no failure.
    Lasting,
}

/// Whether it may be sent again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum May {
    No,
    Yes,
    /// Once in the call.
    Once,
    /// Yes, and once in the call for nothing.
    Free,
}

impl Retry {
    /// The table: what may be sent again, by what happened and how far the request may be repeated.
    #[expect(clippy::match_same_arms, reason = "a line for each row of the table")]
    pub(super) fn may(&self, condition: Condition, standing: Standing) -> May {
        use Condition::{Answered, Lasting, Lost, NotSent, Stale};
        use Standing::{Bare, Idempotent, Keyed};

        let standing = if self.any_method && standing == Bare { Idempotent } else { standing };
        match (condition, standing) {
            (NotSent, _) => May::Yes,
            (Stale(_), Idempotent) => May::Free,
            (Stale(Outcome::NotSent), _) => May::Yes,
            (Stale(_) | Lost, Idempotent | Keyed) => May::Yes,
            (Answered(429), _) => May::Yes,
            (Answered(408 | 413 | 502 | 503 | 504), Idempotent | Keyed) => May::Yes,
            (Answered(500), Idempotent) => May::Yes,
            (Answered(500), Keyed) if self.keyed_500 => May::Yes,
            (Answered(409), Keyed) => May::Yes,
            (Answered(421), _) => May::Once,
            (Answered(425), Idempotent | Keyed) => May::Once,
            (Stale(_) | Lost | Answered(_) | Lasting, _) => May::No,
        }
    }

    pub(super) fn condition(&self, failed: Failed<'_>) -> Condition {
        match failed {
            Failed::Error(error) => condition_of(error),
            // Too large a body will be so again, unless the server says when not.
            Failed::Answer(StatusCode::PAYLOAD_TOO_LARGE, headers) if !headers.contains_key(RETRY_AFTER) => {
                Condition::Lasting
            }
            Failed::Answer(status, _) if self.statuses.contains(&status.as_u16()) => {
                Condition::Answered(status.as_u16())
            }
            Failed::Answer(..) => Condition::Lasting,
        }
    }
}

/// What befell an exchange that had no answer, or not the whole of it.
fn condition_of(error: &Error) -> Condition {
    match (error.again(), error.kind(), error.code(), error.outcome()) {
        (Again::Stale, .., outcome) => Condition::Stale(outcome),
        (Again::Never, ..)
        // The time of the call itself, and a queue on this side.
        | (_, ErrorKind::Timeout, "timeout.total" | "timeout.queue", _)
        // A body of this side that could not even be opened.
        | (_, ErrorKind::Body, _, Outcome::NotSent) => Condition::Lasting,
        (_, ErrorKind::Connect | ErrorKind::Timeout, _, Outcome::NotSent)
        | (_, ErrorKind::Protocol, "protocol.closed" | "protocol.reset" | "protocol.refused", Outcome::NotSent) => {
            Condition::NotSent
        }
        (_, ErrorKind::Connect | ErrorKind::Timeout, ..)
        | (_, ErrorKind::Protocol, "protocol.closed" | "protocol.reset" | "protocol.chunk", _)
        | (_, ErrorKind::Body, "body.truncated", _) => Condition::Lost,
        _ => Condition::Lasting,
    }
}
