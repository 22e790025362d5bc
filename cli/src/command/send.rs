//! Sends a call, or shows what would be sent.

use std::time::Instant;

use restwalk::{
    Auth, Error, ErrorKind, Outcome, Response,
    http::{Method, Uri, header::CONTENT_TYPE},
};

use super::{Ended, download, pages, session};
use crate::{
    Stop,
    args::Options,
    ask,
    call::{self, Described},
    exit,
    io::Io,
    mistake::{Mistake, Result},
    output::{Meta, PrintError, Printer, Sent, head},
    progress::{self, Bar},
    settings::{Settings, is_checked, sends_credentials},
    words::Words,
};

/// Sends the call of `words`.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    let words = Words::parse(words)?;
    let settings = Settings::read(options, io)?;
    let ended = sent(&words, &settings, options, io);
    session::ended(ended, &settings, io)
}

fn sent(words: &Words, settings: &Settings, options: &Options, io: &mut Io<'_>) -> Ended {
    let mut described = call::describe(words, options, settings, io)?;
    let target = download::target(options, io)?;
    if options.print.curl {
        let line = described.call.to_curl()?;
        io.printer().text(&format!("{line}\n"))?;
        return Ok(exit::OK);
    }
    if options.print.offline {
        if options.print.show_secrets {
            sign(&mut described, settings, options, io)?;
        }
        request(&described, &mut io.printer())?;
        return Ok(exit::OK);
    }
    // A mistake is told before anybody is asked.
    pages::check(options, io.print.what)?;
    let uri = described.call.build()?.uri().clone();
    confirm(&described, 1, options, io)?;
    sign(&mut described, settings, options, io)?;
    let stop = io.stop.clone();
    let asked = Asked { method: described.method.clone(), label: described.label(), uri, begun: Instant::now(), stop };
    let bar = Bar::new(options.print.quiet, io).filter(|_| words.has_files());
    let mut printer = io.printer();
    warn(settings, options, &mut printer);
    let what = printer.settings().what;
    if what.request_head || what.request_body {
        request(&described, &mut printer)?;
    }
    if pages::wanted(options) {
        drop(printer);
        return pages::run(described.call, &asked.label, options, io);
    }
    if let Some(target) = target {
        drop(printer);
        return download::run(described.call, target, options, io);
    }
    if let Some(bar) = bar {
        drop(printer);
        return upload(described, &asked, &bar, options, io);
    }
    let response = asked.stop.wait(described.call.send_raw())?.map_err(|error| asked.failed(error))?;
    exchange(response, &asked, options, &mut printer)
}

/// Sends a call with files, and shows a person how far they are.
fn upload(described: Described, asked: &Asked, bar: &Bar, options: &Options, io: &mut Io<'_>) -> Ended {
    let noted = bar.clone();
    let call = described.call.on_progress(move |step| noted.set(step.sent, step.total));
    let response = progress::watch(Some(bar), call.send_raw(), io)?.map_err(|error| asked.failed(error))?;
    exchange(response, asked, options, &mut io.printer())
}

/// What was asked: its method and label for messages, since when, and what ends the wait.
struct Asked {
    method: Method,
    label: String,
    uri: Uri,
    begun: Instant,
    stop: Stop,
}

impl Asked {
    /// What `error` says, and of which server, where none has answered.
    fn failed(&self, error: Error) -> Mistake {
        let nobody = matches!(
            error.kind(),
            ErrorKind::Connect | ErrorKind::Tls | ErrorKind::Timeout | ErrorKind::Protocol | ErrorKind::Circuit
        );
        let mistake = Mistake::from(error);
        match head::host(&self.uri).filter(|_| nobody) {
            Some(host) => mistake.hint(format!("the server is {}://{host}", self.uri.scheme_str().unwrap_or_default())),
            None => mistake,
        }
    }
}

/// Asks for the password that is missing, if one goes along.
fn sign(described: &mut Described, settings: &Settings, options: &Options, io: &mut Io<'_>) -> Result<()> {
    if let Some(auth) = password(settings, options, io)? {
        described.call = described.call.clone().auth(auth);
    }
    Ok(())
}

/// The sign-in with the password that is missing, if one goes along.
pub(super) fn password(settings: &Settings, options: &Options, io: &mut Io<'_>) -> Result<Option<Auth>> {
    let user = settings.asks.as_ref().filter(|_| sends_credentials(options));
    user.map(|(kind, user)| Ok(kind.auth(user, ask::password(user, io)?))).transpose()
}

/// Prints the request as it is sent, its credentials masked unless they are to be shown.
pub(super) fn request(described: &Described, printer: &mut Printer<'_>) -> Result<()> {
    let (mut parts, body) = described.call.build_signed()?.into_parts();
    if let Some(name) = described.call.secret_query()?.filter(|_| !printer.settings().show_secrets) {
        parts.uri = masked(&parts.uri, &name);
    }
    let sent = match body.as_bytes() {
        Some(bytes) => Sent::Bytes(bytes),
        None if body.is_empty() => Sent::Bytes(b""),
        None => Sent::Stream(body.length()),
    };
    Ok(printer.request(&parts, sent)?)
}

/// `uri` with `***` in place of the value of a query parameter.
fn masked(uri: &Uri, name: &str) -> Uri {
    let query = uri.query().unwrap_or_default();
    let pairs = query.split('&').map(|pair| match form_urlencoded::parse(pair.as_bytes()).next() {
        Some((known, _)) if known == name => format!("{}=***", pair.split('=').next().unwrap_or_default()),
        _ => pair.to_owned(),
    });
    let target = format!("{}?{}", uri.path(), pairs.collect::<Vec<_>>().join("&"));
    let mut parts = uri.clone().into_parts();
    // Of a URI and three stars another can always be made; were it not so, nothing is shown.
    parts.path_and_query = target.parse().ok();
    Uri::from_parts(parts).unwrap_or_default()
}

/// Prints the answer, and tells of a status that is no success.
fn exchange(response: Response, asked: &Asked, options: &Options, printer: &mut Printer<'_>) -> Ended {
    let exit = exit::status(response.status());
    if exit != exit::OK {
        let told = Mistake::answered(&format!("{} {}", asked.method, asked.label), response.status());
        crate::tell(&told, options.print.error_format == "json", printer);
    }
    match answer(response, asked, printer) {
        Ok(()) => Ok(exit),
        Err(mistake) if mistake.code == Mistake::SEEN => Ok(exit),
        Err(mistake) if exit != exit::OK && mistake.exit == exit::FAILED => Err(Mistake { exit, ..mistake }),
        Err(mistake) => Err(mistake),
    }
}

/// Prints an answer: whole where its shape needs that, else as it comes.
fn answer(response: Response, Asked { begun, stop, .. }: &Asked, printer: &mut Printer<'_>) -> Result<()> {
    let (attempts, from_cache, stale) = (response.attempts(), response.from_cache(), response.is_stale());
    printer.head(Some(response.version()), response.status(), response.headers()).map_err(processed)?;
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let content_type = content_type.as_deref();
    if printer.wants_whole(content_type) {
        let body = stop.wait(response.bytes())??;
        printer.body(content_type, &body).map_err(processed)?;
    } else if printer.settings().what.body {
        let mut stream = response.stream();
        while let Some(chunk) = stop.wait(stream.next())? {
            printer.chunk(content_type, &chunk?).map_err(processed)?;
        }
        printer.end_body().map_err(processed)?;
    }
    printer.meta(Meta { elapsed: begun.elapsed(), attempts, from_cache, stale }).map_err(processed)?;
    printer.finish().map_err(processed)
}

/// A failure to print what a server has answered.
fn processed(error: PrintError) -> Mistake {
    Mistake { outcome: Outcome::Processed, ..error.into() }
}

/// Asks a person before a dangerous call; without one, `-y` must have been given.
pub(super) fn confirm(described: &Described, calls: u64, options: &Options, io: &mut Io<'_>) -> Result<()> {
    if options.send.yes || !described.policy().is_some_and(|policy| policy.confirm()) {
        return Ok(());
    }
    let what = format!("{} {}", described.method, described.label());
    let refused =
        || Mistake::local("invalid_input.confirm", format!("{what} asks for confirmation")).hint("-y says yes");
    let question = if calls == 1 {
        format!("{} {}: are you sure?", described.method, described.place.path())
    } else {
        format!("{calls} calls, {what}: are you sure?")
    };
    if ask::is_somebody(io) && ask::yes(&question, io)? { Ok(()) } else { Err(refused()) }
}

/// Tells a person what they should know before a call is sent. Who cannot hear it is not kept from the answer.
pub(super) fn warn(settings: &Settings, options: &Options, printer: &mut Printer<'_>) {
    if !is_checked(options) {
        // -q does not silence this one.
        let _ = printer.tell(&unchecked(settings, options));
    }
    for warning in &settings.warnings {
        let _ = printer.warn(warning);
    }
}

/// What `--verify no` comes to.
pub(super) fn unchecked(settings: &Settings, options: &Options) -> String {
    let kept = match &options.send {
        _ if !settings.signs_in => "",
        send if send.insecure_send_auth => ", the credentials too",
        _ => "; the credentials are kept back, and --insecure-send-auth sends them",
    };
    format!("warning: the server's certificate is not checked: anyone on the way can read and answer{kept}")
}
