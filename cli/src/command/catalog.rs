//! `catalog`: check one, or make a first one.

use super::Ended;
use crate::{args::Options, io::Io, mistake::Mistake};

mod init;
mod lint;

/// Checks a catalog, or guesses one from calls.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    match words {
        [word, files @ ..] if word == "lint" && files.len() < 3 => lint::run(files, options, io),
        [word, paths @ ..] if word == "init" => init::run(paths, options, io),
        _ => Err(Mistake::usage("catalog takes lint [RESOURCES [DEFAULTS]], or init PATH…")),
    }
}
