//! What a run reads and writes, given from outside, so that tests run it on buffers.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use restwalk::Transport;

use crate::{
    Stop,
    output::{Printer, Settings, colour::Facts},
};

/// What a standard stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// A person sits there.
    Terminal,
    /// Another program.
    Pipe,
    /// A regular file.
    File,
    /// Anything else: `/dev/null`, a socket, or nothing at all. It is never read.
    Other,
}

/// Switches the echo of a terminal.
pub type Echo<'a> = Box<dyn FnMut(bool) -> io::Result<()> + 'a>;

/// The world around a run: streams, environment and directory.
pub struct Io<'a> {
    /// Standard input, and what it is.
    pub stdin: (Box<dyn Read + 'a>, Stream),
    /// Standard output, for bodies alone.
    pub stdout: (Box<dyn Write + 'a>, Stream),
    /// Standard error, for everything else.
    pub stderr: (Box<dyn Write + 'a>, Stream),
    /// The environment's variables that are UTF-8.
    pub variables: BTreeMap<String, String>,
    /// The directory that relative paths begin in; an empty one is that of the process.
    pub directory: PathBuf,
    /// The width of the terminal, where there is one; else `COLUMNS` says it.
    pub columns: Option<u16>,
    /// What answers in place of the network: for tests, and for the tour.
    pub service: Option<Arc<dyn Transport>>,
    /// Switches whether the terminal of standard input shows what is typed; without it no password is asked for.
    pub echo: Option<Echo<'a>>,
    /// Ends the run early.
    pub stop: Stop,
    /// What the options say of printing.
    pub(crate) print: Settings,
}

impl<'a> Io<'a> {
    /// Streams to write to, and what they are; nothing to read, no variables, and the process's directory.
    pub fn new(stdout: (impl Write + 'a, Stream), stderr: (impl Write + 'a, Stream)) -> Self {
        Self {
            stdin: (Box::new(io::empty()), Stream::Other),
            stdout: (Box::new(stdout.0), stdout.1),
            stderr: (Box::new(stderr.0), stderr.1),
            variables: BTreeMap::new(),
            directory: PathBuf::new(),
            columns: None,
            service: None,
            echo: None,
            stop: Stop::default(),
            print: Settings::default(),
        }
    }

    /// Buffers for a test: nothing to read, no variables, pipes on both sides.
    pub fn buffers(stdout: &'a mut Vec<u8>, stderr: &'a mut Vec<u8>) -> Self {
        Self::new((stdout, Stream::Pipe), (stderr, Stream::Pipe))
    }

    /// What prints, the way that the options ask for; a run may have one after another.
    pub(crate) fn printer(&mut self) -> Printer<'_> {
        let facts = self.facts();
        let stop = self.stop.flag();
        let mut printer = Printer::new(self.print.clone(), &facts, &mut self.stdout.0, &mut self.stderr.0);
        printer.stopped_by(stop);
        printer
    }

    /// What prints even when the run is to end: what a server has done already is said.
    pub(crate) fn last_printer(&mut self) -> Printer<'_> {
        let facts = self.facts();
        Printer::new(self.print.clone(), &facts, &mut self.stdout.0, &mut self.stderr.0)
    }

    /// Whether a line that is drawn over and over is seen: on a terminal that can.
    pub(crate) fn draws(&self) -> bool {
        self.stderr.1 == Stream::Terminal && self.variables.get("TERM").is_none_or(|term| term != "dumb")
    }

    /// What decides on colour and width.
    fn facts(&self) -> Facts {
        let variable = |name: &str| self.variables.get(name).cloned();
        let said = || self.variables.get("COLUMNS")?.parse().ok();
        Facts {
            stdout_terminal: self.stdout.1 == Stream::Terminal,
            stderr_terminal: self.stderr.1 == Stream::Terminal,
            columns: self.columns.map(usize::from).or_else(said),
            no_color: variable("NO_COLOR"),
            clicolor: variable("CLICOLOR"),
            clicolor_force: variable("CLICOLOR_FORCE"),
            term: variable("TERM"),
        }
    }

    /// Gives standard input `bytes`, as `stream` would.
    #[must_use]
    pub fn with_stdin(mut self, bytes: &'a [u8], stream: Stream) -> Self {
        self.stdin = (Box::new(bytes), stream);
        self
    }

    /// A file that an argument names: relative to the directory, `~/` being the home.
    pub(crate) fn path(&self, named: &str) -> PathBuf {
        match (named.strip_prefix("~/"), self.variables.get("HOME")) {
            (Some(rest), Some(home)) => Path::new(home).join(rest),
            _ => self.directory.join(named),
        }
    }
}

impl fmt::Debug for Io<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stdin, stdout, stderr, variables, directory, columns, service, echo: _, stop, print } = self;
        f.debug_struct("Io")
            .field("stdin", &stdin.1)
            .field("stdout", &stdout.1)
            .field("stderr", &stderr.1)
            .field("variables", &format_args!("{} (not shown)", variables.len()))
            .field("directory", directory)
            .field("columns", columns)
            .field("service", &service.is_some())
            .field("stop", stop)
            .field("print", &print.what)
            .finish_non_exhaustive()
    }
}
