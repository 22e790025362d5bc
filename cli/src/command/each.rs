//! `--each`: one call for every record of a file, all of them checked before the first is sent.

use std::{
    fs::File,
    io::{BufRead, BufReader, Seek},
    time::Duration,
};

use restwalk::{Outcome, block_on};
use sha1_smol::Sha1;

use super::{Ended, send, session};
use crate::{
    Stop,
    args::Options,
    each::{
        bulk::Bulk,
        engine::{self, Run},
        form::Form,
        journal::{self, Head, Journal},
        record::{Checked, Records},
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

    fn reader(&mut self) -> Result<Box<dyn BufRead + '_>> {
        Ok(match self {
            Self::Bytes(bytes) => Box::new(&**bytes),
            Self::File(file) => {
                let rewound = file.rewind();
                rewound.map_err(|error| Mistake::usage(format!("the records cannot be read again: {error}")))?;
                Box::new(BufReader::new(&*file))
            }
        })
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
    let checked = check(&mut bulk, &mut source)?;
    if options.print.curl || options.print.offline {
        return Ok(exit::OK);
    }
    bulk.auth = send::password(&bulk.settings, options, bulk.io)?;
    send::warn(&bulk.settings, &bulk.options, &mut bulk.io.printer());
    let wish = bulk.io.stop.clone();
    // A little more than the calls get, for what they came to.
    wish.wants(engine::GRACE + Duration::from_millis(500));
    let stop = async move { wish.stopped().await };
    let jobs = usize::from(options.many.jobs);
    let input = checked.hash.clone();
    let records = Records::again(source.reader()?, checked);
    let ended = match &options.many.resume {
        None => block_on(Run::new(&mut bulk, Journal::none(), jobs).carry(records, stop))?,
        Some(named) => {
            let head = Head::new(input, command(words, options), place(&bulk.settings, options));
            let journal = journal::open(&bulk.io.path(named), &head)?;
            block_on(Run::new(&mut bulk, journal, jobs).carry(records, stop))?
        }
    };
    let ended = told(ended, &mut bulk);
    session::ended(ended, &bulk.settings, bulk.io)
}

/// Describes the call of every record, so that the first mistake is told before anything is sent; with `--curl` and
/// `--offline` shows them, and no more.
fn check(bulk: &mut Bulk<'_, '_>, source: &mut Source) -> Result<Checked> {
    let (curl, offline) = (bulk.options.print.curl, bulk.options.print.offline);
    let mut records = Records::new(source.reader()?);
    let mut last = None;
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
        } else {
            last = Some(described);
        }
    }
    if let Some(described) = last {
        send::confirm(&described, bulk.total, &bulk.options, bulk.io)?;
    }
    Ok(records.checked())
}

/// Tells what the run came to.
fn told(ended: engine::Ended, bulk: &mut Bulk<'_, '_>) -> Ended {
    bulk.clear();
    let engine::Ended { summary, broken } = ended;
    let all = summary.all() == bulk.total;
    let exit = match &broken {
        Some(mistake) if mistake.code == Mistake::SEEN => summary.exit(),
        Some(mistake) => mistake.exit.max(summary.exit()),
        None if !all => bulk.io.stop.exit().unwrap_or(exit::INTERRUPTED),
        None => summary.exit(),
    };
    let as_json = bulk.options.print.error_format == "json";
    let mut printer = bulk.io.last_printer();
    if !summary.is_plain() || !all {
        let text = summary.text(bulk.total);
        if as_json {
            let outcome = Outcome::MaybeProcessed;
            crate::tell(&Mistake { exit, outcome, ..Mistake::local("records", text) }, true, &mut printer);
        } else {
            let _ = printer.tell(&text);
        }
    }
    match broken {
        Some(mistake) if mistake.code != Mistake::SEEN => Err(Mistake { exit, ..mistake }),
        _ => Ok(exit),
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

/// The hash of where the calls go, as whom, and by which catalog.
fn place(settings: &Settings, options: &Options) -> String {
    let (environment, actor) = settings.names();
    let catalog = settings.catalog.to_yaml().map_or_else(
        |_| settings.catalog.to_bytes().unwrap_or_default(),
        |(resources, defaults)| format!("{resources}\0{defaults}").into_bytes(),
    );
    let environment = environment.or(options.place.env.as_deref());
    let variables: Vec<_> = settings.given.iter().chain(&settings.known).map(|one| (&one.name, &one.value)).collect();
    let parts = (&settings.base_url, environment, actor, variables, Sha1::from(catalog).hexdigest());
    Sha1::from(serde_json::to_vec(&parts).unwrap_or_default()).hexdigest()
}
