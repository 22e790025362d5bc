//! The command line of restwalk, as a function that tests call with buffers.
//!
//! Arguments become [`args`] and words, words and options become a call of the library, and a command
//! sends or shows it. Only `main` touches the process: everything here goes through [`Io`].

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout))]

use std::ffi::OsString;

use clap::Parser;
use mistake::Mistake;
use output::Printer;

mod args;
mod body;
mod call;
mod command;
pub mod demo;
mod each;
mod environment;
mod exit;
mod input;
mod io;
mod item;
mod mistake;
mod name;
pub mod output;
mod place;
mod progress;
mod report;
mod settings;
mod typing;
mod words;

pub use io::{Io, Stream};

/// Runs the command line on `arguments`, the program's name left out, and gives its exit code.
///
/// 0 is success, 1 a transport that failed, 2 what was refused here with nothing sent, 3 a redirect that is not
/// followed, 4 and 5 a status of that class, 6 too many redirects, 7 a sign-in that is needed, 124 a timeout.
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
    let as_json = arguments.iter().any(|argument| argument == "--error-format=json")
        || arguments.windows(2).any(|pair| pair[0] == "--error-format" && pair[1] == "json");
    let told = |mistake: Mistake, io: &mut Io<'_>| {
        tell(&mistake, as_json, &mut io.printer());
        mistake.exit
    };
    if let Err(mistake) = args::check(&arguments) {
        return told(mistake, io);
    }
    let options = match args::Options::try_parse_from(std::iter::once(OsString::from("restwalk")).chain(arguments)) {
        Ok(options) => options,
        Err(error) => return usage(&error, as_json, io),
    };
    match command::run(&options, io) {
        Ok(exit) => exit,
        // Whoever reads has seen enough: `| head` is no failure.
        Err(mistake) if mistake.code == Mistake::SEEN => mistake.exit,
        Err(mistake) => told(mistake, io),
    }
}

/// Tells a mistake on standard error; there is nobody to tell that this failed.
fn tell(mistake: &Mistake, as_json: bool, printer: &mut Printer<'_>) {
    let told = if as_json { printer.tell(&report::json(mistake)) } else { printer.error(&report::text(mistake)) };
    let _ = told;
}

/// What the parser of options says: help and the version on standard output, a mistake on standard error.
fn usage(error: &clap::Error, as_json: bool, io: &mut Io<'_>) -> u8 {
    let text = error.render().to_string();
    if !error.use_stderr() {
        return match io.printer().text(&text) {
            Ok(()) => exit::OK,
            Err(error) => error.exit_code().unwrap_or(exit::OK),
        };
    }
    let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
    if as_json {
        let message = text.lines().next().unwrap_or_default();
        tell(&Mistake::usage(message), true, &mut io.printer());
    } else {
        let _ = io.printer().error(text);
    }
    exit::LOCAL
}
