//! The journal of a bulk run: what was begun and how it ended, on disk before anything is sent.
//!
//! Lines of JSON. The first one names the input, the command line and the place by their hashes. Then each record has an intent,
//! `{"line":7,"hash":"…","key":"…"}`, which is on the disk before its request leaves, and an end,
//! `{"line":7,"exit":0,"status":201,"outcome":"processed"}`. An intent without an end is in doubt.

use std::{
    collections::HashMap,
    fmt,
    io::{self, BufRead, Read as _},
};

use restwalk::Outcome;
use serde::{Deserialize, Serialize};

use crate::{
    exit,
    mistake::{Mistake, Result},
};

mod file;

pub(crate) use file::open;

/// The longest line of a journal, in bytes.
const LONGEST: u64 = 4 << 10;

/// What a journal is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The version of the journal's form.
    pub(crate) journal: u8,
    /// The hash of the input.
    pub(crate) input: String,
    /// The hash of the command line.
    pub(crate) command: String,
    /// The hash of where the calls go, as whom, and by which catalog.
    pub(crate) place: String,
}

impl Head {
    pub(crate) fn new(input: String, command: String, place: String) -> Self {
        Self { journal: 1, input, command, place }
    }
}

/// How a record ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// The exit code that its call would have alone.
    pub(crate) exit: u8,
    pub(crate) status: Option<u16>,
    pub(crate) outcome: Outcome,
}

impl End {
    /// Whether a server answered with a failure that another time may not have: a body that broke off, or a status
    /// that asks to come again.
    pub(crate) fn may_pass(self) -> bool {
        let refused = matches!(self.status, Some(400..=499)) && !matches!(self.status, Some(408 | 425 | 429));
        self.outcome == Outcome::Processed && self.exit != exit::OK && !refused
    }
}

/// What a journal knows of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// It ended for good.
    Ended(End),
    /// It was begun, and nobody knows whether it arrived.
    Doubt(Known),
    /// It was begun, and surely did not arrive.
    Open(Known),
}

/// A record by the hash of its text, and the idempotency key that it was sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) hash: String,
    pub(crate) key: Option<String>,
}

/// Where a journal is written.
pub(crate) trait Store {
    /// Writes `bytes` at the end.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns once all that was written is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// No journal at all.
impl Store for () {
    fn write(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A journal that is open: what it knew at the start, and where it goes on.
pub(crate) struct Journal<S> {
    states: HashMap<u64, State>,
    store: S,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    line: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exit: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<Told>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    NotSent,
    MaybeProcessed,
    Processed,
}

impl From<Outcome> for Told {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::NotSent => Self::NotSent,
            Outcome::Processed => Self::Processed,
            _ => Self::MaybeProcessed,
        }
    }
}

impl Journal<()> {
    /// A run without a journal.
    pub(crate) fn none() -> Self {
        Self { states: HashMap::new(), store: () }
    }
}

impl<S: Store> Journal<S> {
    /// What was known of the record in `line` when the run began.
    pub(crate) fn state(&self, line: u64) -> Option<&State> {
        self.states.get(&line)
    }

    /// Notes that a record is about to be sent, which [`Journal::sync`] must come before.
    pub(crate) fn intent(&mut self, line: u64, known: Known) -> io::Result<()> {
        self.entry(&Entry { line, hash: Some(known.hash), key: known.key, ..Entry::default() })
    }

    /// Notes how a record ended.
    pub(crate) fn end(&mut self, line: u64, end: End) -> io::Result<()> {
        let End { exit, status, outcome } = end;
        self.entry(&Entry { line, exit: Some(exit), status, outcome: Some(outcome.into()), ..Entry::default() })
    }

    /// Returns once all notes are on the disk.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.store.sync()
    }

    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        let line = line(entry)?;
        if line.len() as u64 >= LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "an entry would be too long to be read again"));
        }
        self.store.write(&line)
    }
}

fn line(of: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(of)?;
    line.push(b'\n');
    Ok(line)
}

/// What a journal says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    states: HashMap<u64, State>,
    /// How many bytes of it are whole lines; what follows was torn off by the end of a run.
    whole: u64,
}

impl Read {
    /// The journal that goes on in `store`, which holds nothing but whole lines; it begins one that is empty.
    pub(crate) fn go_on<S: Store>(self, mut store: S, head: &Head) -> io::Result<Journal<S>> {
        if self.whole == 0 {
            store.write(&line(head)?)?;
        }
        store.sync()?;
        Ok(Journal { states: self.states, store })
    }

    /// Reads a journal of `head`; an empty one, or one whose first line was torn, knows nothing.
    ///
    /// # Errors
    /// What is no journal, is one of another input or command line, or is damaged before its last line.
    pub(crate) fn new(mut from: impl BufRead, head: &Head) -> Result<Self> {
        let mut read = Self::default();
        for number in 1_u64.. {
            let mut bytes = Vec::new();
            let taken = (&mut from).take(LONGEST).read_until(b'\n', &mut bytes);
            taken.map_err(|error| corrupt(format!("cannot be read: {error}")))?;
            let Some(text) = bytes.strip_suffix(b"\n") else {
                return read.torn(&bytes, head);
            };
            if number == 1 {
                check(text, head)?;
            } else {
                let entry = serde_json::from_slice(text).ok().and_then(|entry| read.note(entry));
                entry.ok_or_else(|| corrupt(format!("is damaged in line {number}")))?;
            }
            read.whole += bytes.len() as u64;
        }
        Ok(read)
    }

    /// What is left of a last line.
    fn torn(self, bytes: &[u8], head: &Head) -> Result<Self> {
        let wanted = line(head).map_err(corrupt)?;
        let is_ours = self.whole > 0 || wanted.starts_with(bytes) || bytes.iter().all(|byte| *byte == 0);
        if bytes.len() as u64 >= LONGEST || !is_ours {
            return Err(foreign());
        }
        Ok(self)
    }

    fn note(&mut self, entry: Entry) -> Option<()> {
        let state = match entry {
            Entry { hash: Some(hash), key, exit: None, outcome: None, .. } => State::Doubt(Known { hash, key }),
            Entry { exit: Some(exit), status, outcome: Some(told), hash: None, line, .. } => {
                let begun = match self.states.get(&line)? {
                    State::Doubt(known) | State::Open(known) => known.clone(),
                    State::Ended(_) => return None,
                };
                match told {
                    Told::NotSent => State::Open(begun),
                    Told::MaybeProcessed => State::Doubt(begun),
                    Told::Processed => State::Ended(End { exit, status, outcome: Outcome::Processed }),
                }
            }
            _ => return None,
        };
        self.states.insert(entry.line, state);
        Some(())
    }
}

/// Refuses a journal of anything but `head`.
fn check(text: &[u8], head: &Head) -> Result<()> {
    let found: Head = serde_json::from_slice(text).map_err(|_| foreign())?;
    let other = |what: &str| {
        let wrong = Mistake::local("store.other", format!("the journal is of another {what}"));
        Err(wrong.hint("go on with all that it began with, or name a new journal"))
    };
    match found {
        found if found.journal != head.journal => Err(corrupt("was written by another version of restwalk")),
        found if found.input != head.input => other("input"),
        found if found.command != head.command => other("command line"),
        found if found.place != head.place => other("base URL, environment, actor or catalog"),
        _ => Ok(()),
    }
}

fn foreign() -> Mistake {
    corrupt("is no journal of restwalk, and is left as it is").hint("name a file that does not exist yet")
}

fn corrupt(why: impl fmt::Display) -> Mistake {
    Mistake::local("store.corrupt", format!("the file that --resume names {why}"))
}

#[cfg(test)]
mod tests;
