//! `--each`: one call for every record of a file, all of them checked before the first is sent.

use std::{
    fs::File,
    io::{BufRead, BufReader, Seek},
    time::Duration,
};

use restwalk::{Outcome, block_on};
use sha1_smol::Sha1;

use super::{Ended, send};
use crate::{
    Stop,
    args::Options,
    each::{
        bulk::Bulk,
        engine::{self, Run},
        form::Form,
        journal::{self, Head, Journal},
        record::Records,
    },
    exit, input,
    io::{Io, Stream},
    mistake::{Mistake, Result},
    settings::Settings,
    words::Words,
};

/// Where records are read from, twice.
enum Source {
    File(File),
    Bytes(Vec<u8>),
}

impl Source {
    /// Opens what `--each` names; what can be read once only is kept, and bounded.
    fn open(named: &str, io: &mut Io<'_>) -> Result<Self> {
        if named != "-" {
            let cannot = |error| Mistake::usage(format!("the records {named:?} cannot be read: {error}"));
            let file = File::open(io.path(named)).map_err(cannot)?;
            if file.metadata().map_err(cannot)?.is_file() {
                return Ok(Self::File(file));
            }
        }
        Ok(Self::Bytes(input::bytes(io, named)?))
    }

    fn records(&mut self) -> Result<Records<Box<dyn BufRead + '_>>> {
        Ok(Records::new(match self {
            Self::Bytes(bytes) => Box::new(&**bytes),
            Self::File(file) => {
                let rewound = file.rewind();
                rewound.map_err(|error| Mistake::usage(format!("the records cannot be read again: {error}")))?;
                Box::new(BufReader::new(&*file))
            }
        }))
    }
}

/// Makes the call of `words` for each record.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    let named = options.many.each.as_deref().unwrap_or_default();
    let settings = Settings::read(options, io)?;
    let given = |name: &str| settings.given.iter().any(|one| one.name == name);
    let form = Form::new(Words::parse(words)?, options.data.as_deref(), given)?;
    let mut source = Source::open(named, io)?;
    // What is left of standard input belongs to no call.
    io.stdin.1 = if io.stdin.1 == Stream::Terminal { Stream::Terminal } else { Stream::Other };
    let mut bulk = Bulk { form, options: options.clone(), settings, io, auth: None, total: 0, drawn: None };
    let (input, shown) = check(&mut bulk, &mut source)?;
    if shown {
        return Ok(exit::OK);
    }
    bulk.auth = send::password(&bulk.settings, options, bulk.io)?;
    send::warn(&bulk.settings, &bulk.options, &mut bulk.io.printer());
    let wish = bulk.io.stop.clone();
    // A little more than the calls get, for what they came to.
    wish.wants(engine::GRACE + Duration::from_millis(500));
    let stop = async move { wish.stopped().await };
    let jobs = usize::from(options.many.jobs);
    let ended = match &options.many.resume {
        None => block_on(Run::new(&mut bulk, Journal::none(), jobs).carry(source.records()?, stop))?,
        Some(named) => {
            let path = bulk.io.path(named);
            let journal = journal::open(&path, &Head::new(input, command(words, options)))?;
            block_on(Run::new(&mut bulk, journal, jobs).carry(source.records()?, stop))?
        }
    };
    told(ended, bulk)
}

/// Describes the call of every record, so that the first mistake is told before anything is sent; with `--curl` and
/// `--offline` shows them, and no more. Gives the hash of the input.
fn check(bulk: &mut Bulk<'_, '_>, source: &mut Source) -> Result<(String, bool)> {
    let (curl, offline) = (bulk.options.print.curl, bulk.options.print.offline);
    let mut records = source.records()?;
    while let Some(record) = records.next()? {
        if bulk.io.stop.exit().is_some() {
            return Err(Mistake { outcome: Outcome::NotSent, ..Stop::mistake() });
        }
        let (described, _) = bulk.describe(&record)?;
        bulk.total += 1;
        if curl {
            let line = described.call.to_curl()?;
            bulk.io.printer().text(&format!("{line}\n"))?;
        } else if offline {
            send::request(&described, &mut bulk.io.printer())?;
        } else if bulk.total == 1 {
            send::confirm(&described, &bulk.options, bulk.io)?;
        }
    }
    Ok((records.hash(), curl || offline))
}

/// Tells what the run came to.
fn told(ended: engine::Ended, mut bulk: Bulk<'_, '_>) -> Ended {
    bulk.clear();
    let engine::Ended { summary, broken } = ended;
    let all = summary.all() == bulk.total;
    let as_json = bulk.options.print.error_format == "json";
    let mut printer = bulk.io.last_printer();
    if !summary.is_plain() || !all {
        let text = summary.text(bulk.total);
        if as_json {
            let exit = summary.exit().max(if all { exit::OK } else { exit::FAILED });
            let outcome = Outcome::MaybeProcessed;
            crate::tell(&Mistake { exit, outcome, ..Mistake::local("records", text) }, true, &mut printer);
        } else {
            let _ = printer.tell(&text);
        }
    }
    match broken {
        Some(mistake) if mistake.code == Mistake::SEEN => Ok(summary.exit()),
        Some(mistake) => Err(Mistake { exit: mistake.exit.max(summary.exit()), ..mistake }),
        None if !all => Ok(bulk.io.stop.exit().unwrap_or(exit::INTERRUPTED)),
        None => Ok(summary.exit()),
    }
}

/// The hash of what decides which calls are made; how they are signed, sent and printed may change from run to run.
fn command(words: &[String], options: &Options) -> String {
    let place = &options.place;
    let flags = [options.json, options.form, options.multipart, place.expand, place.no_defaults, place.no_schema];
    let named = [&options.data, &place.env, &place.base_url, &place.catalog, &place.defaults];
    let parts = (words, flags, named, &place.variables, place.no_catalog);
    let text = serde_json::to_vec(&parts).unwrap_or_default();
    Sha1::from(text).hexdigest()
}
