//! What is ours to say: listings on standard output, questions and news on standard error.

use std::io::Write;

use anstyle::Style;

use super::{PrintError, Printer};
use crate::output::colour::{BAD, NOTE};

impl Printer<'_> {
    /// Text of our own or of a catalogue on standard output, as it stands: a listing, an explanation.
    ///
    /// # Errors
    ///
    /// A sink fails.
    pub fn text(&mut self, text: &str) -> Result<(), PrintError> {
        self.out.write_all(text.as_bytes())?;
        Ok(self.out.flush()?)
    }

    /// One line of our own on standard output, each piece of it in its style where there is colour.
    ///
    /// # Errors
    ///
    /// A sink fails.
    pub fn line(&mut self, pieces: &[(Style, &str)]) -> Result<(), PrintError> {
        pieces.iter().try_for_each(|(style, text)| self.out.paint(*style, text.as_bytes()))?;
        self.out.write_all(b"\n")?;
        Ok(self.out.flush()?)
    }

    /// Asks a person on standard error; the answer stands on the same line.
    ///
    /// # Errors
    ///
    /// Standard error fails.
    pub fn ask(&mut self, question: &str) -> Result<(), PrintError> {
        self.out.flush()?;
        self.err.write_all(question.as_bytes())?;
        Ok(self.err.flush()?)
    }

    /// A line on standard error as it stands: what a program reads there.
    ///
    /// # Errors
    ///
    /// Standard error fails.
    pub fn tell(&mut self, line: &str) -> Result<(), PrintError> {
        self.out.flush()?;
        writeln!(self.err, "{line}")?;
        Ok(self.err.flush()?)
    }

    /// Tells standard error what may be wrong; `-q` silences it.
    ///
    /// # Errors
    ///
    /// Standard error fails.
    pub fn warn(&mut self, text: &str) -> Result<(), PrintError> {
        if self.settings.quiet {
            return Ok(());
        }
        self.say("warning", NOTE, text)
    }

    /// Tells standard error what went wrong.
    ///
    /// # Errors
    ///
    /// Standard error fails.
    pub fn error(&mut self, text: &str) -> Result<(), PrintError> {
        self.say("error", BAD, text)
    }

    fn say(&mut self, label: &str, style: Style, text: &str) -> Result<(), PrintError> {
        // What is to be said is said even where the output cannot be written.
        let flushed = self.out.flush();
        self.err.paint(style, label.as_bytes())?;
        writeln!(self.err, ": {text}")?;
        self.err.flush()?;
        Ok(flushed?)
    }
}
