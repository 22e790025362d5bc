//! `login`: lets a person sign in to an environment, by the way that fits, and keeps what that gives.

use std::{future::poll_fn, pin::pin, task::Poll};

use restwalk::{DevicePrompt, Secret, SignIn};
use tokio::sync::mpsc::unbounded_channel;

use super::{
    Ended,
    session::{self, Signed},
};
use crate::{
    args::Options,
    ask,
    environment::Given,
    exit,
    io::{Io, Stream},
    mistake::{Mistake, Result},
    settings::credentials,
};

mod browser;
mod way;

use way::Way;

/// Signs in, whatever is kept of an earlier time.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    let signed = Signed::open("login", words, options, io)?;
    let name = signed.environment.name().to_owned();
    let Some(grant) = signed.environment.grant() else {
        let wrong = Mistake::usage(format!("the environment {name} signs in by itself; nobody has to log in"));
        return Err(wrong.hint("restwalk whoami tells as whom"));
    };
    let way = Way::choose(grant, options, &io.variables);
    if options.send.auth.is_some() && way != Way::Password {
        return Err(Mistake::usage("-a goes with the grant password: a browser asks itself who signs in"));
    }
    let user = match way {
        Way::Password => by_password(&signed, options, io)?,
        Way::Browser | Way::Device => {
            elsewhere(&signed, way, io)?;
            None
        }
    };
    if !signed.session.is_saved() {
        return session::ended(Ok(exit::OK), &signed.settings, io);
    }
    let store = signed.store()?;
    let mut printer = io.last_printer();
    let whom = user.as_ref().map_or_else(String::new, |user| format!(" as {user}"));
    printer.tell(&format!("signed in to {name}{whom}; kept in {store}"))?;
    if let Some(user) = user.filter(|_| signed.settings.names().1.is_none() && signed.environment.username().is_none())
    {
        printer.tell(&format!("calls act as {user} where the environment says so: actor: {user}"))?;
    }
    Ok(exit::OK)
}

/// Signs in by name and password, asking for what is missing; gives the name.
fn by_password(signed: &Signed, options: &Options, io: &mut Io<'_>) -> Result<Option<String>> {
    let mut warnings = Vec::new();
    let given = credentials::given(options, io, &mut warnings)?;
    for warning in &warnings {
        io.printer().warn(warning)?;
    }
    let (user, password) = match given {
        Some(credentials::Given::User(_, user, password)) => (Some(user), password),
        Some(credentials::Given::Token(..)) => {
            return Err(Mistake::usage("-A is for calls; login takes a name and a password"));
        }
        None => (None, None),
    };
    let known = || signed.environment.username().or(signed.settings.names().1).map(str::to_owned);
    let user = match user.or_else(known) {
        Some(user) => user,
        None => ask::name(io)?,
    };
    let from_variable = || Given::read(|name| io.variables.get(name).cloned()).password;
    let password: Secret = match password.or_else(from_variable) {
        Some(password) => password,
        None => ask::password(&user, io)?,
    };
    let stop = io.stop.clone();
    stop.wait(signed.session.sign_in(SignIn::password(user.as_str(), password)))??;
    Ok(Some(user))
}

/// What a sign-in that takes its time wants a person to see.
enum Seen {
    Code(Box<DevicePrompt>),
    Address(String),
}

/// Signs in by a browser here or anywhere, and shows meanwhile what a person needs.
fn elsewhere(signed: &Signed, way: Way, io: &mut Io<'_>) -> Result<()> {
    let (show, mut shown) = unbounded_channel();
    let how = if way == Way::Device {
        SignIn::device(move |prompt| {
            // Who is gone sees nothing.
            let _ = show.send(Seen::Code(Box::new(prompt.clone())));
            Ok(())
        })
    } else {
        SignIn::authorization_code(move |url| {
            let _ = show.send(Seen::Address(url.to_owned()));
            Ok(())
        })
    };
    let stop = io.stop.clone();
    let mut signing = pin!(signed.session.sign_in(how));
    loop {
        let step = stop.wait(poll_fn(|context| match shown.poll_recv(context) {
            Poll::Ready(Some(seen)) => Poll::Ready(Err(seen)),
            _ => signing.as_mut().poll(context).map(Ok),
        }))?;
        match step {
            Ok(signed) => return Ok(signed?),
            Err(Seen::Code(prompt)) => code(&prompt, io)?,
            Err(Seen::Address(url)) => address(&url, signed, io)?,
        }
    }
}

/// Shows a code: with its QR code on a terminal, in plain lines elsewhere.
fn code(prompt: &DevicePrompt, io: &mut Io<'_>) -> Result<()> {
    let text = if io.stderr.1 == Stream::Terminal {
        prompt.to_string()
    } else {
        let minutes = prompt.expires_in.as_secs().div_ceil(60);
        let whole = prompt.verification_uri_complete.as_ref().map(|url| format!("\nor open {url}"));
        let (uri, code) = (&prompt.verification_uri, &prompt.user_code);
        format!("open {uri}\nand enter {code}{}\nwithin {minutes} min", whole.unwrap_or_default())
    };
    Ok(io.printer().tell(text.trim_end())?)
}

/// Opens a browser, and shows the address in any case.
fn address(url: &str, signed: &Signed, io: &mut Io<'_>) -> Result<()> {
    let hidden: Vec<&str> = signed.environment.secret_variables().collect();
    let opened = browser::open(url, &io.variables, &hidden);
    let mut printer = io.printer();
    if let Err(why) = opened {
        printer.warn(&format!("no browser could be started: {why}; --device needs none here"))?;
    }
    Ok(printer.tell(&format!("sign in in the browser of this machine:\n{url}"))?)
}
