//! Walks any REST API from a shell.

#![forbid(unsafe_code)]

use std::{
    env,
    io::{self, IsTerminal},
    process::ExitCode,
};

use restwalk_cli::{Io, Stream, run};
use terminal_size::terminal_size;

mod process;

fn main() -> ExitCode {
    let stdout = (io::stdout(), output(io::stdout().is_terminal()));
    let stderr = (io::stderr(), output(io::stderr().is_terminal()));
    let mut io = Io::new(stdout, stderr);
    io.stdin = (Box::new(io::stdin()), process::input());
    io.variables = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    io.columns = terminal_size().map(|(width, _)| width.0);
    io.echo = process::echo();
    process::end_on_signals(io.stop.clone());
    ExitCode::from(run(env::args_os().skip(1), &mut io))
}

fn output(terminal: bool) -> Stream {
    if terminal { Stream::Terminal } else { Stream::Pipe }
}
