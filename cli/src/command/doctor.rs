//! `doctor`: whether all that a call needs is there, and what to do where it is not.

use std::time::SystemTime;

use anstyle::Style;

use super::Ended;
use crate::{
    args::Options,
    environment::Given,
    exit,
    io::Io,
    mistake::{Mistake, Result},
    output::colour::{BAD, GOOD, NOTE},
};

mod network;
mod place;
mod sign_in;

/// How well something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Ok,
    Warn,
    Fail,
}

/// What was found, a line each.
#[derive(Debug, Default)]
struct Findings(Vec<(Level, &'static str, String)>);

impl Findings {
    fn add(&mut self, level: Level, what: &'static str, text: impl Into<String>) {
        self.0.push((level, what, text.into()));
    }

    fn ok(&mut self, what: &'static str, text: impl Into<String>) {
        self.add(Level::Ok, what, text);
    }

    fn warn(&mut self, what: &'static str, text: impl Into<String>) {
        self.add(Level::Warn, what, text);
    }

    /// A failure in one line, with what to do.
    fn fail(&mut self, what: &'static str, why: impl Into<Mistake>) {
        let Mistake { message, hint, .. } = why.into();
        let lines: Vec<&str> = message.lines().chain(hint.as_deref()).map(str::trim).collect();
        self.add(Level::Fail, what, lines.join("; "));
    }

    fn failed(&self) -> bool {
        self.0.iter().any(|(level, ..)| *level == Level::Fail)
    }
}

/// Looks at files, environment, catalog, secrets and certificates, and unless `--offline` says otherwise at the server.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    if let Some(word) = words.first() {
        return Err(Mistake::usage("doctor takes no words").at(word, 0..word.len()));
    }
    let mut findings = Findings::default();
    let given = Given::read(|name| io.variables.get(name).cloned());
    place::files(io, &mut findings);
    let settings = place::settings(options, &given, io, &mut findings);
    if let Some(settings) = settings {
        network::check(settings, options, io, SystemTime::now, &mut findings);
    }
    print(&findings, io)?;
    Ok(if findings.failed() { exit::FAILED } else { exit::OK })
}

fn print(findings: &Findings, io: &mut Io<'_>) -> Result<()> {
    let mut printer = io.printer();
    for (level, what, text) in &findings.0 {
        let (label, style) = match level {
            Level::Ok => ("ok  ", GOOD),
            Level::Warn => ("warn", NOTE),
            Level::Fail => ("fail", BAD),
        };
        printer.line(&[(style, label), (Style::new(), &format!("  {what:<12}  {}", text.replace('\n', " ")))])?;
    }
    Ok(printer.finish()?)
}
