//! Walks any REST API from a shell.

use std::{env, io, io::IsTerminal, process::ExitCode};

use restwalk_cli::{Io, Stream, run};
use terminal_size::terminal_size;

fn main() -> ExitCode {
    let stdout = (io::stdout(), output(io::stdout().is_terminal()));
    let stderr = (io::stderr(), output(io::stderr().is_terminal()));
    let mut io = Io::new(stdout, stderr);
    io.stdin = (Box::new(io::stdin()), input());
    io.variables = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    io.columns = terminal_size().map(|(width, _)| width.0);
    ExitCode::from(run(env::args_os().skip(1), &mut io))
}

fn output(terminal: bool) -> Stream {
    if terminal { Stream::Terminal } else { Stream::Pipe }
}

/// What standard input is; a closed one was replaced by `/dev/null` before `main`.
#[cfg(unix)]
fn input() -> Stream {
    use std::{
        fs::File,
        os::{fd::AsFd, unix::fs::FileTypeExt},
    };

    if io::stdin().is_terminal() {
        return Stream::Terminal;
    }
    let kind = io::stdin().as_fd().try_clone_to_owned().and_then(|owned| File::from(owned).metadata());
    match kind.map(|metadata| metadata.file_type()) {
        Ok(kind) if kind.is_file() => Stream::File,
        Ok(kind) if kind.is_fifo() => Stream::Pipe,
        _ => Stream::Other,
    }
}

#[cfg(not(unix))]
fn input() -> Stream {
    if io::stdin().is_terminal() { Stream::Terminal } else { Stream::Pipe }
}
