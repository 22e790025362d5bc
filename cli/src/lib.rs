//! The command line of restwalk, as a function that tests call with buffers.
//!
//! Arguments become `args` and words, words and options become a call of the library, and a command
//! sends or shows it. Only `main` touches the process: everything here goes through [`Io`].

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout))]

use std::{ffi::OsString, io::Write};

use clap::Parser;
use mistake::{Mistake, Result};
use output::Printer;

mod answers;
mod args;
mod ask;
mod body;
mod cache;
mod call;
mod command;
mod complete;
pub mod demo;
mod each;
mod environment;
mod exit;
mod input;
mod io;
mod item;
mod learn;
mod mistake;
mod name;
pub mod output;
mod place;
mod progress;
#[cfg(test)]
mod reference;
mod report;
mod settings;
mod source;
mod stop;
mod typing;
mod words;

pub use io::{Echo, Io, Stream};
pub use stop::Stop;

/// Runs the command line on `arguments`, the program's name left out, and gives its exit code.
///
/// 0 is success, 1 a transport that failed, 2 what was refused here with nothing sent, 3 a redirect that is not
/// followed, 4 and 5 a status of that class, 6 too many redirects, 7 a sign-in that is needed, 124 a timeout, and
/// what [`Stop::end`] was given where it ended the run.
///
/// ```
/// use restwalk_cli::{Io, run};
///
/// let (mut out, mut err) = (Vec::new(), Vec::new());
/// let exit = run(["people/.."], &mut Io::buffers(&mut out, &mut err));
/// assert_eq!(exit, 2);
/// ```
pub fn run<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>, io: &mut Io<'_>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    if let Some((word, rest)) = arguments.split_first()
        && word == complete::WORD
    {
        return complete::run(rest, io);
    }
    let as_json = arguments.iter().any(|argument| argument == "--error-format=json")
        || arguments.windows(2).any(|pair| pair[0] == "--error-format" && pair[1] == "json");
    match done(arguments, as_json, io) {
        Ok(exit) => exit,
        // Whoever reads has seen enough: `| head` is no failure.
        Err(mistake) if mistake.code == Mistake::SEEN => mistake.exit,
        Err(mut mistake) => {
            if let Some(exit) = io.stop.exit().filter(|_| mistake.code == Mistake::CANCELLED) {
                mistake.exit = exit;
                // A terminal has shown `^C` on the line that is left here.
                let _ = io.stderr.0.write_all(if io.stderr.1 == Stream::Terminal { b"\n" } else { b"" });
            }
            tell(&mistake, as_json, &mut io.printer());
            mistake.exit
        }
    }
}

/// Reads the options, and does what they ask for.
fn done(arguments: Vec<OsString>, as_json: bool, io: &mut Io<'_>) -> Result<u8> {
    args::check(&arguments)?;
    match args::Options::try_parse_from(std::iter::once(OsString::from("restwalk")).chain(arguments)) {
        Ok(options) => command::run(&options, io),
        Err(error) => usage(&error, as_json, io),
    }
}

/// Tells a mistake on standard error; there is nobody to tell that this failed.
fn tell(mistake: &Mistake, as_json: bool, printer: &mut Printer<'_>) {
    let _ = if as_json { printer.tell(&report::json(mistake)) } else { printer.error(&report::text(mistake)) };
}

/// What the parser of options says: help and the version on standard output, a mistake on standard error.
fn usage(error: &clap::Error, as_json: bool, io: &mut Io<'_>) -> Result<u8> {
    let text = error.render().to_string();
    if !error.use_stderr() {
        io.printer().text(&text)?;
        return Ok(exit::OK);
    }
    let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
    if as_json {
        return Err(Mistake::usage(text.lines().next().unwrap_or_default()));
    }
    let _ = io.printer().error(text);
    Ok(exit::LOCAL)
}
