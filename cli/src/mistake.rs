//! What ends a run: a stable code, an exit code, a sentence, the place in an argument, and a way out.

use std::ops::Range;

use restwalk::{Error, Outcome, http::StatusCode};

use crate::{exit, output::PrintError};

/// The result of a step of a run.
pub(crate) type Result<T, E = Mistake> = std::result::Result<T, E>;

/// Why a run ended.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub(crate) code: &'static str,
    pub(crate) exit: u8,
    pub(crate) message: String,
    /// The argument that is wrong, and which bytes of it.
    pub(crate) spot: Option<(String, Range<usize>)>,
    /// What to do next.
    pub(crate) hint: Option<String>,
    pub(crate) outcome: Outcome,
    pub(crate) status: Option<u16>,
}

impl Mistake {
    /// The code of the one end that nobody is told of: whoever reads standard output has gone, as `head` does.
    pub(crate) const SEEN: &str = "seen";

    /// The code of a run that somebody ended.
    pub(crate) const CANCELLED: &str = "cancelled";

    /// A mistake that was seen before anything was sent.
    pub(crate) fn local(code: &'static str, message: impl Into<String>) -> Self {
        let (spot, hint) = (None, None);
        Self { code, exit: exit::LOCAL, message: message.into(), spot, hint, outcome: Outcome::NotSent, status: None }
    }

    /// A mistake in how the command line is written.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::local("invalid_input.arguments", message)
    }

    /// An answer whose status is no success, of what messages call `asked`.
    pub(crate) fn answered(asked: &str, status: StatusCode) -> Self {
        let told = Self::local("status", format!("{asked} answered {status}").trim_start());
        Self { exit: exit::status(status), status: Some(status.as_u16()), outcome: Outcome::Processed, ..told }
    }

    /// Whether it is a mistake of one answer, such as a filter that does not fit it; others could still be printed.
    pub(crate) fn is_of_one_answer(&self) -> bool {
        self.code == "decode"
    }

    pub(crate) fn at(mut self, argument: &str, bytes: Range<usize>) -> Self {
        self.spot.get_or_insert_with(|| (argument.to_owned(), bytes));
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<PrintError> for Mistake {
    /// A reader that has gone has seen enough: that is [`Mistake::SEEN`], and no failure.
    fn from(error: PrintError) -> Self {
        let code = match &error {
            PrintError::Closed => Self::SEEN,
            PrintError::Stopped => Self::CANCELLED,
            PrintError::Write(_) => "store.full",
            PrintError::Content(_) => "decode",
        };
        let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
        let exit = error.exit_code().unwrap_or(exit::OK);
        Self { exit, ..Self::local(code, format!("{error}{cause}")) }
    }
}

impl From<Error> for Mistake {
    fn from(error: Error) -> Self {
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !message.contains(&cause_text) {
                message.push_str(&format!(": {cause_text}"));
            }
            source = cause.source();
        }
        Self {
            code: error.code(),
            exit: exit::code(&error),
            message,
            spot: None,
            hint: None,
            outcome: error.outcome(),
            status: error.status().map(|status| status.as_u16()),
        }
    }
}
