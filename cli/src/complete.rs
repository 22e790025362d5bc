//! Completion: what may stand where the cursor is, from the catalog, without a network and without a word of failure.
//!
//! The scripts of the shells call `restwalk __complete`; whatever is wrong, they are told nothing.

use std::{ffi::OsString, io};

use crate::{
    exit,
    io::Io,
    mistake::{Mistake, Result},
};

mod bash;
mod files;
mod items;
mod line;
mod options;
mod path;

/// The word that the scripts of the shells call.
pub(crate) const WORD: &str = "__complete";

/// What may stand in the place of a word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    /// The whole word, unquoted.
    text: String,
    /// What it is, in one line.
    help: String,
    /// Whether more of the same word may follow.
    open: bool,
    /// Whether it only says what stands here, and cannot be taken.
    only_help: bool,
}

impl Candidate {
    /// A whole word.
    fn whole(text: impl Into<String>, help: impl Into<String>) -> Self {
        Self { text: text.into(), help: help.into(), open: false, only_help: false }
    }

    /// The beginning of a word.
    fn open(text: impl Into<String>, help: impl Into<String>) -> Self {
        Self { open: true, ..Self::whole(text, help) }
    }

    /// A word of one's own choice, which `help` names.
    fn help(text: impl Into<String>, help: impl Into<String>) -> Self {
        Self { only_help: true, ..Self::open(text, help) }
    }
}

/// A command line that is being written: the words before the cursor, the one at it, and those behind.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) before: Vec<String>,
    pub(crate) current: String,
    pub(crate) after: Vec<String>,
}

/// Prints the script of a shell.
pub(crate) fn script(words: &[String]) -> Result<&'static str> {
    match words {
        [shell] if shell == "bash" => Ok(include_str!("complete/restwalk.bash")),
        [shell] if shell == "zsh" => Ok(include_str!("complete/restwalk.zsh")),
        [shell] if shell == "fish" => Ok(include_str!("complete/restwalk.fish")),
        _ => {
            Err(Mistake::usage("name one shell: bash, zsh or fish")
                .hint("source <(restwalk completions bash), for one"))
        }
    }
}

/// Answers a script: `bash LINE POINT BREAKS`, or `zsh|fish INDEX WORD…` with the index of the word at the cursor.
pub(crate) fn run(arguments: &[OsString], io: &mut Io<'_>) -> u8 {
    let words: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let text = match &words[..] {
        [shell, line, point, breaks] if shell == "bash" => bash::answer(line, point, breaks, io),
        [shell, index, words @ ..] if matches!(&**shell, "zsh" | "fish") => {
            let index = index.parse().unwrap_or(words.len()).min(words.len());
            let (before, rest) = words.split_at(index);
            let (current, after) = rest.split_first().map_or((String::new(), &[][..]), |(at, rest)| (at.clone(), rest));
            answer(shell, &Line { before: before.to_vec(), current, after: after.to_vec() }, io)
        }
        _ => String::new(),
    };
    // Nobody is there to be told.
    let _: io::Result<()> = io.stdout.0.write_all(text.as_bytes()).and_then(|()| io.stdout.0.flush());
    exit::OK
}

/// One line for each candidate: its kind, the word, and what it is, with tabs between.
fn answer(shell: &str, line: &Line, io: &mut Io<'_>) -> String {
    let mut text = String::new();
    for Candidate { text: word, help, open, only_help } in line::candidates(line, io) {
        match (shell, open, only_help) {
            // Fish can show nothing that it does not offer: what is there already is offered with its meaning.
            ("fish", _, true) if word != line.current || word.is_empty() => {}
            ("fish", ..) => text += &format!("{word}\t{help}\n"),
            (_, _, true) => text += &format!("help\t{word}\t{help}\n"),
            (_, true, _) => text += &format!("open\t{word}\t{help}\n"),
            (_, false, _) => text += &format!("word\t{word}\t{help}\n"),
        }
    }
    text
}
