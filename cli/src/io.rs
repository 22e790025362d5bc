//! What a run reads and writes, given from outside, so that tests run it on buffers.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Read, Write},
    path::{Path, PathBuf},
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
    /// The width of the terminal, where there is one.
    pub columns: Option<u16>,
}

impl<'a> Io<'a> {
    /// Buffers for a test: nothing to read, no variables, pipes on both sides.
    pub fn buffers(stdout: &'a mut Vec<u8>, stderr: &'a mut Vec<u8>) -> Self {
        Self {
            stdin: (Box::new(io::empty()), Stream::Other),
            stdout: (Box::new(stdout), Stream::Pipe),
            stderr: (Box::new(stderr), Stream::Pipe),
            variables: BTreeMap::new(),
            directory: PathBuf::from("."),
            columns: None,
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
        let Self { stdin, stdout, stderr, variables, directory, columns } = self;
        f.debug_struct("Io")
            .field("stdin", &stdin.1)
            .field("stdout", &stdout.1)
            .field("stderr", &stderr.1)
            .field("variables", &format_args!("{} (not shown)", variables.len()))
            .field("directory", directory)
            .field("columns", columns)
            .finish()
    }
}
