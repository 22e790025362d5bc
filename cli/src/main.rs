//! Walks any REST API from a shell.

use std::{env, io, io::IsTerminal, process::ExitCode};

use restwalk_cli::{Io, Stream, run};

fn main() -> ExitCode {
    let mut io = Io {
        stdin: (Box::new(io::stdin()), input()),
        stdout: (Box::new(io::stdout()), output(io::stdout().is_terminal())),
        stderr: (Box::new(io::stderr()), output(io::stderr().is_terminal())),
        variables: env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        directory: std::path::PathBuf::new(),
        columns: env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()),
    };
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
