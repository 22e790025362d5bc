//! One record's call: described as a call of its own would be, sent, and printed in its turn.

use std::time::{Duration, Instant};

use restwalk::{
    Auth, Call, Error, ErrorKind, Outcome,
    http::{Method, StatusCode, header::CONTENT_TYPE},
};
use serde_json::value::RawValue;

use super::{
    engine::{Done, Planned, Work},
    form::{Filled, Form},
    journal::End,
    record::Record,
    summary::Summary,
};
use crate::{
    args::Options,
    call::{self, Described},
    command::pages,
    exit,
    io::{Io, Stream},
    mistake::{Mistake, Result},
    settings::Settings,
};

/// How often the progress is drawn.
const TICK: Duration = Duration::from_millis(100);

/// The calls of a run, and the world that they are described and printed in.
pub(crate) struct Bulk<'a, 'io> {
    pub(crate) form: Form,
    pub(crate) options: Options,
    pub(crate) settings: Settings,
    pub(crate) io: &'a mut Io<'io>,
    /// The sign-in whose password was asked for.
    pub(crate) auth: Option<Auth>,
    /// How many records there are.
    pub(crate) total: u64,
    /// When the progress was drawn last.
    pub(crate) drawn: Option<Instant>,
}

/// What a call answered.
pub(crate) enum Answer {
    /// A body, and its content type.
    Body(Option<String>, Vec<u8>),
    /// The items of a listing.
    Items(Vec<Box<RawValue>>),
}

impl Bulk<'_, '_> {
    /// Describes the call of one record; gives the key that the record has for it too.
    pub(crate) fn describe(&mut self, record: &Record) -> Result<(Described, Option<String>)> {
        let Filled { words, variables, data, key } = self.form.fill(record)?;
        let own = variables.len();
        self.settings.known.splice(0..0, variables);
        self.options.data = data;
        let described = call::describe(&words, &self.options, &self.settings, self.io);
        self.settings.known.drain(..own);
        let described = described.and_then(|mut described| {
            if let Some(key) = &key {
                described.call = described.call.idempotency_key(key);
            }
            described.call.build()?;
            Ok(described)
        });
        let named = |mistake: Mistake| {
            let message = format!("line {} of the records: {}", record.line, mistake.message);
            Mistake { message, ..mistake }
        };
        Ok((described.map_err(named)?, key))
    }

    /// Draws the progress, where a person sees it and no results.
    fn draw(&mut self, text: &str) {
        use std::io::Write;

        let columns = usize::from(self.io.columns.unwrap_or(80)).saturating_sub(1);
        let text: String = text.chars().take(columns).collect();
        let err = &mut self.io.stderr.0;
        // Nobody waits for a line that cannot be drawn.
        let _ = write!(err, "\r{text}\x1b[K").and_then(|()| err.flush());
    }

    /// Takes the progress away.
    pub(crate) fn clear(&mut self) {
        if self.drawn.take().is_some() {
            self.draw("");
        }
    }
}

impl Work for Bulk<'_, '_> {
    type Answer = Answer;

    fn size(answer: &Answer) -> usize {
        match answer {
            Answer::Body(_, bytes) => bytes.len(),
            Answer::Items(items) => items.iter().map(|item| item.get().len() + size_of_val(item)).sum(),
        }
    }

    fn plan(&mut self, record: &Record, key: Option<&str>) -> Result<Planned<Answer>> {
        let (described, own) = self.describe(record)?;
        let policy = described.policy();
        let idempotent = policy.map_or_else(|| described.method.is_idempotent(), |policy| policy.idempotent());
        let keyed = policy.is_some_and(|policy| policy.idempotency_key())
            && matches!(described.method, Method::POST | Method::PATCH);
        let key = match key.map(str::to_owned).or(own) {
            None if keyed => Some(minted()?),
            key => key,
        };
        let label = format!("{} {}", described.method, described.label());
        let paged = described.method == Method::GET && pages::wanted(&self.options);
        let mut call = described.call;
        if let Some(auth) = &self.auth {
            call = call.auth(auth.clone());
        }
        if let Some(key) = &key {
            call = call.idempotency_key(key);
        }
        let options = paged.then(|| self.options.clone());
        let again = idempotent || key.is_some() || self.options.send.retry_unsafe;
        Ok(Planned { call: Box::pin(done(call, label, options)), again, key })
    }

    fn print(&mut self, answer: Answer) -> Result<()> {
        let by_line = self.options.many.ndjson;
        let ends_lines = self.io.stdout.1 != Stream::Terminal;
        // A filter may run for ever, and is ended with the run.
        let endless = self.io.print.filter.is_some();
        let mut printer = if endless { self.io.printer() } else { self.io.last_printer() };
        if !printer.settings().what.body {
            return Ok(());
        }
        match answer {
            Answer::Items(items) if by_line || printer.settings().filter.is_some() => {
                for item in items {
                    printer.item(item.get().as_bytes())?;
                }
            }
            Answer::Items(items) => {
                let items: Vec<_> = items.iter().map(|item| item.get()).collect();
                printer.body(Some("application/json"), format!("[{}]\n", items.join(",")).as_bytes())?;
            }
            Answer::Body(_, bytes) if bytes.is_empty() => {}
            Answer::Body(_, bytes) if by_line => match serde_json::from_slice::<Vec<&RawValue>>(&bytes) {
                Ok(items) => items.into_iter().try_for_each(|item| printer.item(item.get().as_bytes()))?,
                Err(_) => printer.item(&bytes)?,
            },
            Answer::Body(content_type, bytes) => {
                printer.body(content_type.as_deref(), &bytes)?;
                let shaped = printer.settings().filter.is_some() || printer.settings().format.is_some();
                if ends_lines && !shaped && !bytes.ends_with(b"\n") {
                    printer.text("\n")?;
                }
            }
        }
        Ok(printer.finish()?)
    }

    fn progress(&mut self, summary: &Summary) {
        let seen = self.io.draws() && self.io.stdout.1 != Stream::Terminal;
        let due = self.drawn.is_none_or(|drawn| drawn.elapsed() >= TICK);
        if seen && due && !self.options.print.quiet {
            self.draw(&format!("{} of {}: {}", summary.all(), self.total, summary.counts()));
            self.drawn = Some(Instant::now());
        }
    }
}

/// Sends a call, and reads its answer whole.
async fn done(call: Call, label: String, paged: Option<Options>) -> Done<Answer> {
    match answered(call, paged).await {
        Ok((status, answer)) => {
            let exit = exit::status(status);
            let end = End { exit, status: Some(status.as_u16()), outcome: Outcome::Processed };
            let why = format!("{label} answered {status}");
            Done { end, why, answer: Some(answer).filter(|_| exit == exit::OK) }
        }
        Err(error) => {
            let status = error.status().map(|status| status.as_u16());
            // A body that breaks off says nothing against what its status said.
            let outcome = if status.is_some() { Outcome::Processed } else { error.outcome() };
            let end = End { exit: exit::code(&error), status, outcome };
            Done { end, why: format!("{label}: {}", Mistake::from(error).message), answer: None }
        }
    }
}

async fn answered(call: Call, paged: Option<Options>) -> restwalk::Result<(StatusCode, Answer)> {
    if let Some(options) = paged {
        let (mut items, mut found, mut size) = (pages::items(call, &options), Vec::new(), 0_usize);
        while let Some(item) = items.next().await {
            if let Some(status) = pages::redirect(&items) {
                return Ok((status, Answer::Items(Vec::new())));
            }
            let item = item?;
            size = size.saturating_add(item.get().len());
            if size > pages::LARGEST {
                let why = "the items of one record are more than 64 MiB; --max-items N asks for fewer";
                return Err(Error::new(ErrorKind::Body, why).with_outcome(Outcome::Processed));
            }
            found.push(item);
        }
        let status = pages::redirect(&items).unwrap_or(StatusCode::OK);
        return Ok((status, Answer::Items(found)));
    }
    let response = call.send().await?;
    let status = response.status();
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    Ok((status, Answer::Body(content_type, response.bytes().await?.to_vec())))
}

/// A key that no other call has: a random UUID, quoted as the header wants it.
fn minted() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Mistake::local("config", "the system gives no random numbers"))?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("\"{}-{}-{}-{}-{}\"", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}
