//! Why something could not be printed.

use std::{fmt, io};

use super::clean;

/// Why printing ended early.
#[derive(Debug)]
pub enum PrintError {
    /// The reader has gone, as `head` does when it has enough: no failure.
    Closed,
    /// Somebody interrupted it.
    Stopped,
    /// A sink failed: a full disk, say.
    Write(io::Error),
    /// The answer cannot be shown the way that was asked for; says what to do instead.
    Content(String),
}

impl PrintError {
    /// The exit code that it ends the program with; `None` where the answer's own stands.
    ///
    /// ```
    /// use restwalk_cli::output::PrintError;
    ///
    /// assert_eq!(PrintError::Closed.exit_code(), None);
    /// assert_eq!(PrintError::Stopped.exit_code(), Some(130));
    /// ```
    pub fn exit_code(&self) -> Option<u8> {
        match self {
            Self::Closed => None,
            Self::Stopped => Some(130),
            Self::Write(_) | Self::Content(_) => Some(1),
        }
    }
}

impl From<io::Error> for PrintError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ if clean::is_stop(&error) => Self::Stopped,
            _ => Self::Write(error),
        }
    }
}

impl fmt::Display for PrintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the reader of the output has gone"),
            Self::Stopped => f.write_str("interrupted"),
            Self::Write(_) => f.write_str("the output could not be written"),
            Self::Content(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for PrintError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Write(error) => Some(error),
            _ => None,
        }
    }
}
