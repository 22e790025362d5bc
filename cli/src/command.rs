//! What a run does: send a call, or one of the helper words.

use crate::{
    args::Options,
    complete, exit,
    io::Io,
    mistake::{Mistake, Result},
};

mod cache;
mod catalog;
mod demo;
mod doctor;
mod download;
mod each;
mod env;
mod explain;
mod help;
mod login;
mod logout;
mod ls;
pub(crate) mod pages;
mod routes;
mod send;
mod session;
mod whoami;

/// How a command ends: by an exit code, or by a mistake that is told.
pub(crate) type Ended = Result<u8>;

/// Does what `options` ask for.
pub(crate) fn run(options: &Options, io: &mut Io<'_>) -> Ended {
    io.print = options.print.settings()?;
    let words = options.words()?;
    if options.port.is_some() && !matches!(&words[..], [word, ..] if word == "demo") {
        return Err(Mistake::usage("--port goes with demo serve"));
    }
    if (options.send.browser || options.send.device) && !matches!(&words[..], [word, ..] if word == "login") {
        let option = if options.send.browser { "--browser" } else { "--device" };
        return Err(Mistake::usage(format!("{option} goes with login")));
    }
    match words.split_first() {
        Some((word, rest)) if word == "ls" => ls::run(rest, options, io),
        Some((word, rest)) if word == "help" => help::run(rest, options, io),
        Some((word, rest)) if word == "explain" => explain::run(rest, options, io),
        Some((word, rest)) if word == "cache" => cache::run(rest, options, io),
        Some((word, rest)) if word == "catalog" => catalog::run(rest, options, io),
        Some((word, rest)) if word == "doctor" => doctor::run(rest, options, io),
        Some((word, rest)) if word == "env" => env::run(rest, options, io),
        Some((word, rest)) if word == "demo" => demo::run(rest, options, io),
        Some((word, rest)) if word == "completions" => {
            io.printer().text(complete::script(rest)?)?;
            Ok(exit::OK)
        }
        Some((word, rest)) if word == "login" => login::run(rest, options, io),
        Some((word, rest)) if word == "logout" => logout::run(rest, options, io),
        Some((word, rest)) if word == "whoami" => whoami::run(rest, options, io),
        _ if options.many.each.is_some() => each::run(&words, options, io),
        _ => send::run(&words, options, io),
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
