//! The one place that prints: what of an exchange, in which shape, to which sink.

use std::{
    io::{self, Write},
    sync::{Arc, atomic::AtomicBool},
};

use http::{HeaderMap, StatusCode, Version, request};

use super::{
    Format, Meta, PrintError,
    body::{self, Kind},
    charset::{self, Charset},
    clean::{Manner, Sink},
    colour::Facts,
    head,
    jq::Filter,
    json,
    what::What,
};

mod say;
mod shapes;

/// What the options say of printing.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Which parts of an exchange.
    pub what: What,
    /// `--format`; without it a terminal gets JSON laid out, and a pipe the body's bytes.
    pub format: Option<Format>,
    /// `--columns`, for a table.
    pub columns: Vec<String>,
    /// `-J`.
    pub filter: Option<Filter>,
    /// `-r`: strings that a filter gives are printed without their quotes.
    pub raw_strings: bool,
    /// `--show-secrets`: credentials of a request are printed too.
    pub show_secrets: bool,
    /// `-q`: no warnings either.
    pub quiet: bool,
}

/// A request's body, as far as it can be shown.
#[derive(Clone, Copy, Debug)]
pub enum Sent<'a> {
    /// Its bytes; none means no body.
    Bytes(&'a [u8]),
    /// A stream that only sending reads, and its length if that is known.
    Stream(Option<u64>),
}

/// Prints exchanges to standard output, and what else is to be said to standard error.
///
/// Both are behind [`Clean`](super::clean::Clean), so nothing that a server says is obeyed by a terminal.
///
/// ```
/// use restwalk_cli::output::{Printer, Settings, colour::Facts};
///
/// let (mut out, mut err) = (Vec::new(), Vec::new());
/// let facts = Facts { stdout_terminal: true, no_color: Some("1".into()), ..Facts::default() };
/// let mut printer = Printer::new(Settings::default(), &facts, &mut out, &mut err);
/// printer.body(Some("application/json"), br#"{"a":1.10}"#)?;
/// printer.finish()?;
/// drop(printer);
/// assert_eq!(out, b"{\n    \"a\": 1.10\n}\n");
/// # Ok::<(), restwalk_cli::output::PrintError>(())
/// ```
pub struct Printer<'a> {
    settings: Settings,
    width: Option<usize>,
    out: Sink<'a>,
    err: Sink<'a>,
    stop: Option<Arc<AtomicBool>>,
    stream: Stream,
    charset: Charset,
    /// Whether an empty line comes before the next part.
    due: bool,
}

/// How far a body that comes in chunks has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Fresh,
    Shown,
    Refused,
}

impl<'a> Printer<'a> {
    /// A printer to both sinks.
    pub fn new(settings: Settings, facts: &Facts, out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        let manner = |terminal| Manner { terminal, colour: facts.colour(terminal) };
        Self {
            settings,
            width: facts.table_width(),
            out: Sink::new(out, manner(facts.stdout_terminal)),
            err: Sink::new(err, manner(facts.stderr_terminal)),
            stop: None,
            stream: Stream::Fresh,
            charset: Charset::of(None),
            due: false,
        }
    }

    /// Ends whatever is being printed with [`PrintError::Stopped`] once `stop` is true.
    pub fn stopped_by(&mut self, stop: Arc<AtomicBool>) {
        self.out.stopped_by(stop.clone());
        self.stop = Some(stop);
    }

    /// What is printed.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The request, if `H` or `B` are asked for.
    ///
    /// # Errors
    ///
    /// A sink fails, as with every method below.
    pub fn request(&mut self, parts: &request::Parts, sent: Sent<'_>) -> Result<(), PrintError> {
        let what = self.settings.what;
        if what.request_head {
            head::request(parts, self.settings.show_secrets, &mut self.out)?;
        }
        if what.request_body {
            let content_type = content_type(&parts.headers);
            match sent {
                Sent::Bytes(bytes) => self.plain(content_type.as_deref(), bytes)?,
                Sent::Stream(length) => {
                    let length = length.map_or("a stream".to_owned(), |length| format!("{length} bytes"));
                    writeln!(self.out, "({length}, read when they are sent)")?;
                }
            }
            if !self.out.at_start() {
                self.out.write_all(b"\n")?;
            }
            self.due = !matches!(sent, Sent::Bytes([]));
        }
        Ok(self.out.flush()?)
    }

    /// The status and headers of an answer, if `h` is asked for; its version where that is known.
    ///
    /// # Errors
    ///
    /// A sink fails.
    pub fn head(
        &mut self,
        version: Option<Version>,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<(), PrintError> {
        self.stream = Stream::Fresh;
        if self.settings.what.head {
            self.set_apart()?;
            head::answer(version, status, headers, &mut self.out)?;
        }
        Ok(self.out.flush()?)
    }

    /// Whether the answer's body must be whole before it can be printed; else [`Printer::chunk`] takes it as it comes.
    pub fn wants_whole(&self, content_type: Option<&str>) -> bool {
        let laid_out = self.out.manner().terminal && Kind::of(content_type, b"") == Kind::Json;
        let shaped = self.settings.format.map_or(laid_out, |format| format != Format::Raw);
        self.settings.what.body && (self.settings.filter.is_some() || shaped)
    }

    /// The answer's body, if `b` is asked for: filtered, in its format, or as it came.
    ///
    /// # Errors
    ///
    /// A sink fails, or the body is not what a filter or a format needs.
    pub fn body(&mut self, content_type: Option<&str>, bytes: &[u8]) -> Result<(), PrintError> {
        if !self.settings.what.body {
            return Ok(());
        }
        self.set_apart()?;
        if let Some(filter) = self.settings.filter.clone() {
            let text = charset::decoded(content_type, bytes);
            let documents = body::documents(content_type, &text)?;
            return self.filtered(&filter, &documents);
        }
        match self.settings.format {
            None | Some(Format::Raw) => self.plain(content_type, bytes)?,
            Some(format) => {
                let text = charset::decoded(content_type, bytes);
                let documents = body::documents(content_type, &text)?;
                if !documents.is_empty() {
                    self.shaped(format, &body::joined(&documents))?;
                }
            }
        }
        Ok(self.out.flush()?)
    }

    /// The next piece of a body that is printed as it comes; [`Printer::end_body`] follows the last.
    ///
    /// # Errors
    ///
    /// A sink fails.
    pub fn chunk(&mut self, content_type: Option<&str>, bytes: &[u8]) -> Result<(), PrintError> {
        if !self.settings.what.body || bytes.is_empty() {
            return Ok(());
        }
        if self.stream == Stream::Fresh {
            self.set_apart()?;
            self.charset = Charset::of(content_type.filter(|_| self.out.manner().terminal));
        }
        let text = self.charset.next(bytes, false);
        if self.stream == Stream::Fresh {
            let refused = self.out.manner().terminal && Kind::of(content_type, &text) == Kind::Binary;
            self.stream = if refused { Stream::Refused } else { Stream::Shown };
            if refused {
                self.refuse_binary(content_type, None)?;
            }
        }
        if self.stream == Stream::Shown {
            self.out.pass(&text)?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// The end of a body that was printed as it came.
    ///
    /// # Errors
    ///
    /// A sink fails.
    pub fn end_body(&mut self) -> Result<(), PrintError> {
        if std::mem::replace(&mut self.stream, Stream::Fresh) == Stream::Shown {
            let left = self.charset.next(b"", true);
            self.out.pass(&left)?;
        }
        self.end_line()
    }

    /// One item of many, as a line of JSON or as the lines that the filter gives.
    ///
    /// # Errors
    ///
    /// A sink fails, the item is no JSON, or the filter fails.
    pub fn item(&mut self, bytes: &[u8]) -> Result<(), PrintError> {
        let documents = body::documents(Some("application/json"), bytes)?;
        match self.settings.filter.clone() {
            Some(filter) => self.filtered(&filter, &documents)?,
            None => documents.into_iter().try_for_each(|item| json::compact(item, &mut self.out))?,
        }
        Ok(self.out.flush()?)
    }

    /// How the exchange went, if `m` is asked for.
    ///
    /// # Errors
    ///
    /// A sink fails.
    pub fn meta(&mut self, meta: Meta) -> Result<(), PrintError> {
        if self.settings.what.meta {
            let with_others = self.settings.what != What { meta: true, ..What::NONE };
            if !self.out.at_start() {
                self.out.write_all(b"\n")?;
            }
            self.due |= with_others && self.settings.what.body;
            self.set_apart()?;
            head::meta(meta, &mut self.out)?;
        }
        Ok(self.out.flush()?)
    }

    /// Shows what is left, and flushes both sinks.
    ///
    /// # Errors
    ///
    /// A sink fails.
    pub fn finish(&mut self) -> Result<(), PrintError> {
        self.out.finish()?;
        Ok(self.err.finish()?)
    }

    /// Ends a line that a terminal would leave its prompt on.
    fn end_line(&mut self) -> Result<(), PrintError> {
        if self.out.manner().terminal && !self.out.at_start() {
            self.out.write_all(b"\n")?;
        }
        Ok(self.out.flush()?)
    }

    /// The empty line that is due between two parts.
    fn set_apart(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.due) { self.out.write_all(b"\n") } else { Ok(()) }
    }
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    headers.get(http::header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
