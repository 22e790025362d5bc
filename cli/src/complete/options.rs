//! Options on a line that is being written: which are there, which may follow, and what they take.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, CommandFactory, Parser};
use restwalk::Catalog;

use super::{Candidate, files, path};
use crate::{args::Options, io::Io, source};

/// What the next word is.
#[derive(Debug)]
pub(super) enum Taken {
    /// The value of the option of this id.
    Value(String),
    /// An option, or a word that is none.
    Option,
    /// A word, for `--` stands before it.
    Word,
}

/// What stands before the cursor.
pub(super) struct Context {
    command: Command,
    pub(super) words: Vec<String>,
    pub(super) taken: Taken,
    /// The options that say where a call goes, as arguments.
    place: Vec<String>,
}

impl Context {
    /// Sorts the words before the cursor.
    pub(super) fn read(before: &[String]) -> Self {
        let mut context =
            Self { command: Options::command(), words: Vec::new(), taken: Taken::Option, place: Vec::new() };
        context.command.build();
        for word in before {
            match std::mem::replace(&mut context.taken, Taken::Option) {
                Taken::Value(id) => context.value(&id, word),
                Taken::Word => {
                    context.taken = Taken::Word;
                    context.words.push(word.clone());
                }
                Taken::Option if word == "--" => context.taken = Taken::Word,
                Taken::Option if word.starts_with("--") => context.long_option(word),
                Taken::Option if word.len() > 1 && word.starts_with('-') => context.short_options(&word[1..]),
                Taken::Option => context.words.push(word.clone()),
            }
        }
        context
    }

    fn long_option(&mut self, word: &str) {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        match (self.long(name).filter(|id| self.takes_value(id)), value) {
            (Some(id), Some(value)) => self.value(&id, value),
            (Some(id), None) => self.taken = Taken::Value(id),
            (None, _) => {}
        }
    }

    fn short_options(&mut self, letters: &str) {
        for (at, letter) in letters.char_indices() {
            let id = self.command.get_arguments().find(|arg| arg.get_short() == Some(letter)).map(id);
            let Some(id) = id.filter(|id| self.takes_value(id)) else { continue };
            let value = &letters[at + letter.len_utf8()..];
            if value.is_empty() {
                self.taken = Taken::Value(id);
            } else {
                self.value(&id, value);
            }
            return;
        }
    }

    /// The id of the option `--name`.
    pub(super) fn long(&self, name: &str) -> Option<String> {
        let name = name.strip_prefix("--")?;
        self.command.get_arguments().find(|arg| arg.get_long() == Some(name)).map(id)
    }

    fn argument(&self, id: &str) -> Option<&Arg> {
        self.command.get_arguments().find(|arg| arg.get_id() == id)
    }

    fn takes_value(&self, id: &str) -> bool {
        self.argument(id).is_some_and(|arg| matches!(arg.get_action(), ArgAction::Set | ArgAction::Append))
    }

    fn value(&mut self, id: &str, value: &str) {
        if matches!(id, "env" | "catalog" | "defaults") {
            self.place.push(format!("--{id}={value}"));
        }
    }

    /// The options that begin with `current`.
    pub(super) fn options(&self, current: &str) -> Vec<Candidate> {
        let mut found = Vec::new();
        for arg in self.command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set()) {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let names =
                [arg.get_long().map(|name| format!("--{name}")), arg.get_short().map(|name| format!("-{name}"))];
            let name = names.into_iter().flatten().find(|name| name.starts_with(current));
            found.extend(name.map(|name| Candidate::whole(name, help)));
        }
        found.sort();
        found
    }

    /// What the option `id` may be given; `before` is what stands before it in the same word.
    pub(super) fn values(&self, id: &str, before: &str, current: &str, io: &Io<'_>) -> Vec<Candidate> {
        let Some(arg) = self.argument(id) else { return Vec::new() };
        let possible: Vec<String> = match id {
            "env" => source::environments(io),
            "auth_type" => ["basic", "bearer"].map(str::to_owned).into(),
            "verify" => ["yes", "no"].map(str::to_owned).into(),
            "variables" => self.unfilled(),
            _ => arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect(),
        };
        let mut found: Vec<_> = possible
            .iter()
            .filter(|value| value.starts_with(current))
            .map(|value| {
                if value.ends_with('=') {
                    Candidate::open(format!("{before}{value}"), "variable")
                } else {
                    Candidate::whole(format!("{before}{value}"), "")
                }
            })
            .collect();
        let names = arg.get_value_names().unwrap_or_default();
        if names.iter().any(|name| name.contains("FILE")) {
            found.extend(files::candidates(before, current, io));
        } else if let ("auth" | "variables", Some(at)) = (id, current.find('@')) {
            found.extend(files::candidates(&format!("{before}{}", &current[..=at]), &current[at + 1..], io));
        }
        found
    }

    /// `name=` for each `{name}` among the words.
    fn unfilled(&self) -> Vec<String> {
        let parts = self.words.iter().flat_map(|word| word.split('/'));
        parts.filter_map(|part| Some(format!("{}=", part.strip_prefix('{')?.strip_suffix('}')?))).collect()
    }

    /// As much of the catalog of the line as a call of `path` needs; one that cannot be read knows nothing.
    pub(super) fn catalog(&self, path: &str, io: &Io<'_>) -> Catalog {
        self.catalog_of(path, io).0
    }

    /// The same, and the folder that it is in.
    pub(super) fn catalog_of(&self, path: &str, io: &Io<'_>) -> (Catalog, Option<PathBuf>) {
        let found = self.place().and_then(|options| source::catalog(&options, path, io).ok());
        found.unwrap_or_else(|| (Catalog::open(), None))
    }

    /// What may follow in a path.
    pub(super) fn path(&self, current: &str, io: &Io<'_>) -> Vec<Candidate> {
        let options = self.place();
        path::candidates(current, |walked| {
            options.and_then(|options| source::following(&options, walked, io).ok()).unwrap_or_default()
        })
    }

    /// The options that say where a call goes.
    fn place(&self) -> Option<Options> {
        Options::try_parse_from(std::iter::once("restwalk").chain(self.place.iter().map(String::as_str))).ok()
    }
}

fn id(arg: &Arg) -> String {
    arg.get_id().to_string()
}
