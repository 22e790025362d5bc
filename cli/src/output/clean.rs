//! The one sanitiser: what a server or a catalogue says is shown on a terminal, and never obeyed.
//!
//! Control characters, C1, bytes that are no UTF-8 and marks that turn the direction of text become visible
//! escapes (`\x1b`, `\u{202e}`). Every sink is a [`Clean`], so no piece of text has to be remembered by itself.

use std::{
    fmt,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anstyle::Style;

mod characters;

pub(crate) use characters::is_plain;
use characters::misleads;
pub use characters::{cell, line, width};

/// The longest line that a terminal is given, in bytes; what follows is counted.
const LINE: u64 = 64 * 1024;

/// How much is written between two looks at whether to stop, in bytes.
const PIECE: usize = 8 * 1024;

/// How a sink treats what is written to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Whether it is a terminal: foreign text is escaped, and lines are bounded.
    pub terminal: bool,
    /// Whether [`Clean::paint`] colours; a coloured sink escapes foreign text too.
    pub colour: bool,
}

/// A writer that makes foreign text harmless where it goes to a terminal.
///
/// Text may come in chunks cut anywhere. It is buffered: flush it where somebody waits for it, and end it
/// with [`Clean::finish`], which shows what the last chunk has left unfinished too.
///
/// ```
/// use restwalk_cli::output::clean::{Clean, Manner};
/// use std::io::Write;
///
/// let mut shown = Vec::new();
/// let mut out = Clean::new(&mut shown, Manner { terminal: true, colour: false });
/// out.write_all(b"a\x1b[2Jb\n")?;
/// out.finish()?;
/// assert_eq!(shown, b"a\\x1b[2Jb\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Clean<W> {
    inner: W,
    manner: Manner,
    stop: Option<Arc<AtomicBool>>,
    /// The beginning of a character whose other bytes are still to come.
    cut: Vec<u8>,
    /// A CR waits for what follows it.
    carriage: bool,
    /// Bytes of the current line so far.
    line: u64,
    /// What is ready for the inner writer.
    ready: Vec<u8>,
    /// Whether the last byte written ended a line.
    at_start: bool,
}

/// Standard output or standard error, as the rest of the command line writes to it.
pub type Sink<'a> = Clean<&'a mut dyn Write>;

impl<W: Write> Clean<W> {
    /// A writer before `inner`.
    pub fn new(inner: W, manner: Manner) -> Self {
        let (cut, ready) = (Vec::new(), Vec::new());
        Self { inner, manner, stop: None, cut, carriage: false, line: 0, ready, at_start: true }
    }

    /// Ends every later write with an error that [`is_stop`] knows, once `stop` is true.
    pub fn stopped_by(&mut self, stop: Arc<AtomicBool>) {
        self.stop = Some(stop);
    }

    /// How it treats what is written.
    pub fn manner(&self) -> Manner {
        self.manner
    }

    /// Whether nothing stands on the current line.
    pub fn at_start(&self) -> bool {
        self.at_start
    }

    /// Writes foreign text in a style of our own, where there is colour.
    ///
    /// # Errors
    ///
    /// What the inner writer says.
    pub fn paint(&mut self, style: Style, text: &[u8]) -> io::Result<()> {
        if !self.manner.colour || style == Style::new() {
            return self.write_all(text);
        }
        self.settle()?;
        self.own(format_args!("{}", style.render()))?;
        self.write_all(text)?;
        self.settle()?;
        self.own(format_args!("{}", style.render_reset()))
    }

    /// Writes the bytes as they are, but to a terminal as [`Write`] does.
    ///
    /// # Errors
    ///
    /// What the inner writer says.
    pub fn pass(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.manner.terminal { self.write_all(bytes) } else { self.verbatim(bytes) }
    }

    /// Shows what was left unfinished, and flushes.
    ///
    /// # Errors
    ///
    /// What the inner writer says.
    pub fn finish(&mut self) -> io::Result<()> {
        self.settle()?;
        self.hidden()?;
        self.hand_over()?;
        self.inner.flush()
    }

    /// Writes what is ours, past the sanitiser.
    fn own(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.ready.write_fmt(text)
    }

    fn verbatim(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(PIECE) {
            if self.ready.len() + piece.len() > PIECE {
                self.hand_over()?;
            }
            self.ready.extend_from_slice(piece);
        }
        self.at_start = bytes.last().map_or(self.at_start, |byte| *byte == b'\n');
        Ok(())
    }

    /// Escapes what cannot be finished any more: a lone CR, a cut character.
    fn settle(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.carriage) {
            self.escape(format_args!("\\r"))?;
        }
        for byte in std::mem::take(&mut self.cut) {
            self.escape(format_args!("\\x{byte:02x}"))?;
        }
        Ok(())
    }

    fn hand_over(&mut self) -> io::Result<()> {
        if self.ready.is_empty() {
            return Ok(());
        }
        self.look()?;
        let written = self.inner.write_all(&self.ready);
        self.ready.clear();
        written
    }

    fn look(&self) -> io::Result<()> {
        match &self.stop {
            Some(stop) if stop.load(Ordering::Relaxed) => Err(io::Error::other(Stopped)),
            _ => Ok(()),
        }
    }

    fn text(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let piece;
            (piece, bytes) = bytes.split_at(bytes.len().min(PIECE));
            self.look()?;
            self.piece(piece)?;
        }
        Ok(())
    }

    fn piece(&mut self, piece: &[u8]) -> io::Result<()> {
        let mut whole = std::mem::take(&mut self.cut);
        whole.extend_from_slice(piece);
        let mut rest = whole.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => return self.characters(text),
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    self.characters(&String::from_utf8_lossy(good))?;
                    let Some(length) = error.error_len() else {
                        self.cut = bad.to_vec();
                        return Ok(());
                    };
                    let (wrong, after) = bad.split_at(length);
                    self.carry()?;
                    for byte in wrong {
                        self.escape(format_args!("\\x{byte:02x}"))?;
                    }
                    rest = after;
                }
            }
        }
    }

    fn characters(&mut self, text: &str) -> io::Result<()> {
        for c in text.chars() {
            if self.carriage && c != '\n' {
                self.carry()?;
            }
            match c {
                '\n' => self.end_line()?,
                '\r' => self.carriage = true,
                '\t' => self.put(c)?,
                c if c.is_ascii_control() => self.escape(format_args!("\\x{:02x}", u32::from(c)))?,
                c if c.is_control() || misleads(c) => self.escape(format_args!("{}", c.escape_unicode()))?,
                c => self.put(c)?,
            }
        }
        Ok(())
    }

    /// A CR that no LF followed.
    fn carry(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.carriage) { self.escape(format_args!("\\r")) } else { Ok(()) }
    }

    fn escape(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        text.to_string().chars().try_for_each(|c| self.put(c))
    }

    fn put(&mut self, c: char) -> io::Result<()> {
        self.line += c.len_utf8() as u64;
        self.at_start = false;
        if self.line > LINE {
            return Ok(());
        }
        self.ready.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        if self.line == LINE || self.ready.len() >= PIECE { self.hand_over() } else { Ok(()) }
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.carriage = false;
        self.hidden()?;
        self.ready.push(b'\n');
        (self.line, self.at_start) = (0, true);
        if self.ready.len() >= PIECE { self.hand_over() } else { Ok(()) }
    }

    /// Says how much of the line was too much.
    fn hidden(&mut self) -> io::Result<()> {
        let hidden = self.line.saturating_sub(LINE);
        if hidden == 0 {
            return Ok(());
        }
        self.line = LINE;
        write!(self.ready, "… ({hidden} bytes of this line are not shown; a pipe or -o FILE gets them)")
    }
}

impl<W: Write> Write for Clean<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.manner.terminal || self.manner.colour {
            self.text(bytes)?;
        } else {
            self.verbatim(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_over()?;
        self.inner.flush()
    }
}

/// Why a write ended early: somebody asked for it.
#[derive(Debug)]
struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Stopped {}

/// Whether a write ended because it was told to.
pub fn is_stop(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|source| source.is::<Stopped>())
}

#[cfg(test)]
mod tests;
