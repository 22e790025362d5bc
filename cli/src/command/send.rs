//! Sends a call, or shows what would be sent.

use std::io::{BufRead, BufReader, Write};

use restwalk::Outcome;

use super::{Ended, download, warn};
use crate::{
    args::Options,
    call::{self, Described},
    exit,
    io::{Io, Stream},
    mistake::{Mistake, Result},
    print::{self, Parts},
    progress::{self, Bar},
    settings::Settings,
    words::Words,
};

/// Sends the call of `words`.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    let words = Words::parse(words)?;
    let mut settings = Settings::read(options, io)?;
    let parts = Parts::of(&options.print)?;
    let described = call::describe(&words, options, &settings, io)?;
    let target = download::target(options, io)?;
    if options.print.curl {
        let line = described.call.to_curl()?;
        return Ok(print::write(format!("{line}\n").as_bytes(), io).map(|()| exit::OK));
    }
    if options.print.offline || parts.request_head || parts.request_body {
        let request = described.call.build_signed()?;
        if let Err(error) = print::request(&request, parts, options.print.show_secrets, io) {
            return Ok(Err(error));
        }
    }
    if options.print.offline {
        return Ok(Ok(exit::OK));
    }
    // A mistake is told before anybody is asked.
    described.call.build()?;
    confirm(&described, options, io)?;
    if matches!(&*options.send.verify, "no" | "false") {
        settings.warnings.push("the server's certificate is not checked: anyone on the way can read and answer".into());
    }
    warn(&settings.warnings, io);
    let bar = Bar::new(options.print.quiet, io).filter(|_| words.has_files());
    let described = match bar.clone() {
        Some(bar) => described.reporting(move |step| bar.set(step.sent, step.total)),
        None => described,
    };
    match target {
        Some(target) => download::run(described.call, target, options, io),
        None => exchange(described, parts, (options, bar.as_ref()), io),
    }
}

/// Sends the call and prints the answer.
fn exchange(described: Described, parts: Parts, (options, bar): (&Options, Option<&Bar>), io: &mut Io<'_>) -> Ended {
    let (method, label) = (described.method.clone(), described.label());
    let response = progress::watch(bar, described.call.send_raw(), io)??;
    let exit = exit::status(response.status());
    if exit != exit::OK {
        let message = format!("{method} {label} answered {}", response.status());
        let status = Some(response.status().as_u16());
        let told = Mistake { exit, status, outcome: Outcome::Processed, ..Mistake::local("status", message) };
        crate::tell(&told, options.print.error_format == "json", io);
    }
    if let Err(error) = print::head(&response, parts, io) {
        return Ok(Err(error));
    }
    Ok(print::body(response, parts, io)?.map(|()| exit))
}

/// Asks a person before a dangerous call; without one, `-y` must have been given.
fn confirm(described: &Described, options: &Options, io: &mut Io<'_>) -> Result<()> {
    if options.send.yes || !described.policy().is_some_and(|policy| policy.confirm()) {
        return Ok(());
    }
    let what = format!("{} {}", described.method, described.label());
    let refused =
        || Mistake::local("invalid_input.confirm", format!("{what} asks for confirmation")).hint("-y says yes");
    if io.stdin.1 != Stream::Terminal || io.stderr.1 != Stream::Terminal {
        return Err(refused());
    }
    let path = print::safe(&described.place.path());
    let asked = write!(io.stderr.0, "{} {path}: are you sure? [y/N] ", described.method);
    let mut answer = String::new();
    let read = asked
        .and_then(|()| io.stderr.0.flush())
        .and_then(|()| BufReader::new(std::io::Read::take(&mut io.stdin.0, 64)).read_line(&mut answer));
    match read {
        Ok(_) if matches!(answer.trim(), "y" | "Y" | "yes") => Ok(()),
        _ => Err(refused()),
    }
}
