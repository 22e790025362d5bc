//! What a run does: send a call, or one of the helper words.

use std::io::{self, Write};

use crate::{
    args::Options,
    complete, exit,
    io::Io,
    mistake::{Mistake, Result},
    print,
};

mod explain;
mod help;
mod ls;
mod routes;
mod send;

/// How a command ends: an exit code, or standard output that cannot be written.
pub(crate) type Ended = Result<io::Result<u8>>;

/// Words of restwalk that are no path.
const LATER: [&str; 7] = ["login", "logout", "whoami", "catalog", "env", "demo", "doctor"];

/// The words of restwalk, and what each does, for completion.
pub(crate) const WORDS: [(&str, &str); 4] = [
    ("ls", "list what follows a path"),
    ("help", "how to call, or what a route offers"),
    ("explain", "show the merged request, and send nothing"),
    ("completions", "print the completion script of a shell"),
];

/// Does what `options` ask for.
pub(crate) fn run(options: &Options, io: &mut Io<'_>) -> Ended {
    let words = options.words()?;
    match words.split_first() {
        Some((word, rest)) if word == "ls" => ls::run(rest, options, io),
        Some((word, rest)) if word == "help" => help::run(rest, options, io),
        Some((word, rest)) if word == "explain" => explain::run(rest, options, io),
        Some((word, rest)) if word == "completions" => {
            Ok(print::write(complete::script(rest)?.as_bytes(), io).map(|()| exit::OK))
        }
        Some((word, _)) if LATER.contains(&&**word) => {
            let wrong = Mistake::usage(format!("{word:?} is a word of restwalk that it does not know yet"));
            Err(wrong.hint(format!("a path is written /{word} or ./{word}")))
        }
        _ => send::run(&words, options, io),
    }
}

/// Tells a person what they should know, on standard error.
pub(crate) fn warn(warnings: &[String], io: &mut Io<'_>) {
    for warning in warnings {
        // Who cannot hear a warning is not kept from the answer.
        let _ = writeln!(io.stderr.0, "warning: {}", crate::print::safe(warning));
    }
}

/// The one path of a word that takes at most one.
fn only_path(words: &[String]) -> Result<&str> {
    match words {
        [] => Ok(""),
        [path] => Ok(path.strip_prefix("./").unwrap_or(path)),
        [_, second, ..] => Err(Mistake::usage("one path is enough").at(second, 0..second.len())),
    }
}
