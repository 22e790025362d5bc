//! The loop of a bulk run: intents on the disk, then requests; ends on the disk, and results in order.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    io::{self, BufRead},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use restwalk::Outcome;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

use super::{
    journal::{End, Journal, Known, State, Store},
    record::{Record, Records},
    summary::{Fate, Summary},
    window::Window,
};
use crate::{
    exit,
    mistake::{Mistake, Result},
};

/// How long what is under way may take when the run is to end.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// What is done with each record.
pub(crate) trait Work {
    type Answer: Send + 'static;

    /// How many bytes an answer holds.
    fn size(answer: &Self::Answer) -> usize;

    /// Describes the call of a record; with the key of an earlier run, where it had one.
    fn plan(&mut self, record: &Record, key: Option<&str>) -> Result<Planned<Self::Answer>>;

    /// Prints an answer.
    fn print(&mut self, answer: Self::Answer) -> Result<()>;

    /// Shows how far the run is.
    fn progress(&mut self, summary: &Summary);
}

/// A call that is described and not yet sent.
pub(crate) struct Planned<A> {
    pub(crate) call: Pin<Box<dyn Future<Output = Done<A>> + Send>>,
    /// Whether it may be sent again when it may have arrived.
    pub(crate) again: bool,
    /// The idempotency key that it carries.
    pub(crate) key: Option<String>,
}

/// What a call came to.
pub(crate) struct Done<A> {
    pub(crate) end: End,
    /// Why it failed, where it did.
    pub(crate) why: String,
    /// What is to be printed.
    pub(crate) answer: Option<A>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) summary: Summary,
    /// What ended it before its records did; somebody's wish is none.
    pub(crate) broken: Option<Mistake>,
}

/// A run.
pub(crate) struct Run<'w, W: Work, S> {
    work: &'w mut W,
    journal: Journal<S>,
    tasks: JoinSet<(u64, Done<W::Answer>)>,
    /// What is under way, by its ticket.
    under_way: BTreeMap<u64, Sent>,
    results: Window<(Sent, Done<W::Answer>)>,
    summary: Summary,
    broken: Option<Mistake>,
    /// Whether a call broke down, so that nobody knows what it came to.
    lost: bool,
    /// When what is under way is given up; no record is taken any more.
    until: Option<Instant>,
}

/// A record that was sent.
#[derive(Debug, Clone, Copy)]
struct Sent {
    line: u64,
    again: bool,
}

/// A call that leaves once its intent is on the disk.
type Fresh<A> = (u64, Pin<Box<dyn Future<Output = Done<A>> + Send>>);

enum Event<A> {
    Stop,
    Late,
    /// A call broke down.
    Lost,
    Done(u64, Done<A>),
}

impl<'w, W: Work, S: Store> Run<'w, W, S> {
    /// A run that has `jobs` calls under way at most.
    pub(crate) fn new(work: &'w mut W, journal: Journal<S>, jobs: usize) -> Self {
        Self {
            work,
            journal,
            tasks: JoinSet::new(),
            under_way: BTreeMap::new(),
            results: Window::new(jobs),
            summary: Summary::default(),
            broken: None,
            lost: false,
            until: None,
        }
    }

    /// Sends each of `records`; once `stop` is there takes no more, and gives those under way a little time.
    pub(crate) async fn carry(mut self, mut records: Records<impl BufRead>, stop: impl Future<Output = ()>) -> Ended {
        if let Err(error) = self.all(&mut records, stop).await {
            let message = format!("the journal cannot be written: {error}");
            let told = Mistake { exit: exit::FAILED, ..Mistake::local("store.full", message) };
            self.broken = Some(Mistake { outcome: Outcome::MaybeProcessed, ..told });
        }
        for sent in self.under_way.into_values() {
            let why = "it was under way when the run ended";
            self.summary.count(sent.line, sent.unknown(exit::FAILED, why.into()));
        }
        Ended { summary: self.summary, broken: self.broken }
    }

    async fn all(&mut self, records: &mut Records<impl BufRead>, stop: impl Future<Output = ()>) -> io::Result<()> {
        let mut stop = pin!(stop);
        loop {
            let fresh = self.take(records)?;
            // One wait for the disk covers the intents of these and the ends of those before.
            self.journal.sync()?;
            for (ticket, call) in fresh {
                self.tasks.spawn(async move { (ticket, call.await) });
            }
            if self.tasks.is_empty() {
                return self.close();
            }
            match self.event(stop.as_mut()).await {
                Event::Stop => self.end_soon(),
                Event::Late => return self.close(),
                Event::Lost => {
                    self.lost = true;
                    self.end_soon();
                }
                Event::Done(ticket, done) => self.ended(ticket, done)?,
            }
            self.work.progress(&self.summary);
        }
    }

    /// Gives up what is under way, and finishes what waited for it.
    fn close(&mut self) -> io::Result<()> {
        self.tasks.abort_all();
        for (sent, done) in self.results.rest() {
            self.finish(sent, done)?;
        }
        if self.lost {
            let why = "a call broke down in restwalk itself, and the run with it";
            let told = Mistake { exit: exit::FAILED, ..Mistake::local("internal", why) };
            let told = told.hint("--resume JOURNAL goes on with what is left");
            self.broken.get_or_insert(Mistake { outcome: Outcome::MaybeProcessed, ..told });
        }
        self.journal.sync()
    }

    /// Takes records while there is room, and notes their intents.
    fn take(&mut self, records: &mut Records<impl BufRead>) -> io::Result<Vec<Fresh<W::Answer>>> {
        let mut fresh = Vec::new();
        while self.until.is_none() && self.results.has_room() {
            match records.next() {
                Ok(Some(record)) => fresh.extend(self.begin(&record)?),
                Ok(None) => break,
                Err(mistake) => self.break_off(mistake),
            }
        }
        Ok(fresh)
    }

    /// Notes the intent of one record, unless it ended before or must not be sent again.
    fn begin(&mut self, record: &Record) -> io::Result<Option<Fresh<W::Answer>>> {
        let (line, hash) = (record.line, record.hash());
        let (known, in_doubt) = match self.journal.state(line) {
            Some(State::Ended(end)) => {
                let fate = match (end.exit, end.status) {
                    (exit::OK, _) => Fate::Ok,
                    (exit, Some(status)) => Fate::Failed(exit, format!("an earlier run got the status {status}")),
                    (exit, None) => Fate::Failed(exit, "an earlier run failed".into()),
                };
                self.summary.count_before(line, fate);
                return Ok(None);
            }
            Some(State::Doubt(known)) => (Some(known), true),
            Some(State::Open(known)) => (Some(known), false),
            None => (None, false),
        };
        if known.is_some_and(|known| known.hash != hash) {
            let why = format!("the journal has another record in line {line}");
            self.break_off(Mistake::local("store.corrupt", why));
            return Ok(None);
        }
        let planned = match self.work.plan(record, known.and_then(|known| known.key.as_deref())) {
            Ok(planned) => planned,
            Err(mistake) => {
                self.summary.count(line, Fate::Failed(mistake.exit, mistake.message));
                return Ok(None);
            }
        };
        if in_doubt && !planned.again {
            let why = "an earlier run sent it and read no answer; --retry-unsafe sends it again";
            self.summary.count(line, Fate::Doubt(exit::FAILED, why.into()));
            return Ok(None);
        }
        self.journal.intent(line, Known { hash, key: planned.key })?;
        let ticket = self.results.admit();
        self.under_way.insert(ticket, Sent { line, again: planned.again });
        Ok(Some((ticket, planned.call)))
    }

    /// Waits for whatever comes first.
    async fn event(&mut self, mut stop: Pin<&mut impl Future<Output = ()>>) -> Event<W::Answer> {
        let (tasks, until) = (&mut self.tasks, self.until);
        let next = poll_fn(|context| {
            if let Poll::Ready(Some(joined)) = tasks.poll_join_next(context) {
                return Poll::Ready(joined.map_or(Event::Lost, |(ticket, done)| Event::Done(ticket, done)));
            }
            match until {
                _ if tasks.is_empty() => Poll::Ready(Event::Late),
                None => stop.as_mut().poll(context).map(|()| Event::Stop),
                Some(_) => Poll::Pending,
            }
        });
        match until {
            Some(until) => timeout_at(until, next).await.unwrap_or(Event::Late),
            None => next.await,
        }
    }

    /// Keeps a result, and prints those whose turn it is.
    fn ended(&mut self, ticket: u64, done: Done<W::Answer>) -> io::Result<()> {
        let Some(sent) = self.under_way.remove(&ticket) else { return Ok(()) };
        // What must not be sent twice is over as soon as it was answered, printed or not.
        if !sent.again {
            self.journal.end(sent.line, done.end)?;
        }
        let size = done.answer.as_ref().map_or(0, W::size);
        self.results.put(ticket, (sent, done), size);
        while let Some((sent, done)) = self.results.next() {
            self.finish(sent, done)?;
        }
        Ok(())
    }

    /// Prints and counts a result.
    fn finish(&mut self, sent: Sent, done: Done<W::Answer>) -> io::Result<()> {
        let mut fate = match done.end {
            End { exit: exit::OK, .. } => Fate::Ok,
            End { exit, outcome: Outcome::MaybeProcessed, .. } => sent.unknown(exit, done.why),
            End { exit, .. } => Fate::Failed(exit, done.why),
        };
        if self.broken.is_none()
            && let Some(answer) = done.answer
            && let Err(mistake) = self.work.print(answer)
        {
            if mistake.is_of_one_answer() {
                fate = Fate::Failed(mistake.exit, mistake.message);
            } else {
                self.break_off(mistake);
            }
        }
        self.summary.count(sent.line, fate);
        // What nobody has read is asked for again by the run that goes on from here.
        let stands = sent.again && self.broken.is_none() && !done.end.may_pass();
        if stands { self.journal.end(sent.line, done.end) } else { Ok(()) }
    }

    fn break_off(&mut self, mistake: Mistake) {
        self.broken.get_or_insert(mistake);
        self.end_soon();
    }

    fn end_soon(&mut self) {
        self.until.get_or_insert_with(|| Instant::now() + GRACE);
    }
}

impl Sent {
    /// What is said of a record whose request may have arrived.
    fn unknown(self, exit: u8, why: String) -> Fate {
        if self.again { Fate::Failed(exit, why) } else { Fate::Doubt(exit, why) }
    }
}

#[cfg(test)]
mod tests;
