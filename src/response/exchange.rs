//! What the reader of an answer must know of the call that it answers.

use std::{sync::Arc, time::Duration};

use http::{Method, StatusCode};
use tokio::time::Instant;

use crate::{
    error::{Error, ErrorKind, Outcome},
    secret::Masks,
};

/// What reading a body needs to know of the call that it answers.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    pub(crate) url: http::Uri,
    pub(crate) route: Option<Arc<str>>,
    pub(crate) masks: Arc<Masks>,
    pub(crate) limit: u64,
    /// How long the server may be silent before its answer.
    pub(crate) silence: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    /// How many bytes must come in which time.
    pub(crate) pace: Option<(u64, Duration)>,
    /// When the call must be over, however its body is read.
    pub(crate) deadline: Option<Instant>,
    /// When a body that is read whole must be there; a stream may take longer, as long as it moves.
    pub(crate) whole: Option<Instant>,
    /// The time for reading a body whole, where nothing of the above bounds it.
    pub(crate) total: Option<Duration>,
    pub(crate) elapsed: Duration,
    pub(crate) attempts: u32,
    /// The status of the attempt's answer, once it is there.
    pub(crate) status: Option<StatusCode>,
    pub(crate) verdict: Verdict,
    pub(crate) source: Source,
}

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Source {
    #[default]
    Server,
    /// The cache, and the server says that it still holds.
    Validated,
    Kept,
    /// The cache, and it is stale.
    Stale,
}

/// What the loop found about a final answer, for whoever judges its status.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Verdict {
    /// How long the server asks to wait.
    pub(crate) retry_after: Option<Duration>,
    /// Why an answer that may pass was not asked for again.
    pub(crate) gave_up: Option<&'static str>,
    /// The server asks for a longer wait than the call may take.
    pub(crate) limited: bool,
    /// A DELETE that may have succeeded before found nothing to delete.
    pub(crate) ambiguous: bool,
    /// The server, which is not the one meant, never acted on it: 421.
    pub(crate) misdirected: bool,
}

impl Exchange {
    /// An error about the body of an answer that has come.
    pub(crate) fn error(&self, kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Error {
        self.dress(Error::coded(kind, code, message).with_outcome(Outcome::Processed))
    }

    /// Adds what was asked, and masks every known secret: each error of a call passes here.
    pub(crate) fn dress(&self, error: Error) -> Error {
        let clean = |text: &str| self.masks.apply(text);
        error.masked(&clean).with_status(self.status).with_call(&self.method, self.route.as_ref(), self.attempts)
    }

    /// When a body that is read whole must be there.
    pub(super) fn whole_by(&self) -> Option<Instant> {
        let whole = self.whole.or_else(|| Instant::now().checked_add(self.total?));
        [self.deadline, whole].into_iter().flatten().min()
    }
}
