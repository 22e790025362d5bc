//! `whoami`: as whom calls go, until when, and where that is kept. No secret is told.

use std::time::Duration;

use restwalk::{ErrorKind, Session, Value};

use super::{
    Ended,
    session::{self, Signed},
};
use crate::{
    args::Options,
    exit,
    io::Io,
    mistake::{Mistake, Result},
    output::clean,
    settings::Settings,
};

/// Tells the sign-in of the environment, renewed if it has to be; with `--offline` what is kept of it.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    if words.is_empty()
        && let Some(ended) = other(options, io)?
    {
        return Ok(ended);
    }
    let signed = Signed::open("whoami", words, options, io)?;
    let stop = io.stop.clone();
    let offline = options.print.offline;
    let told = stop.wait(told(&signed.session, offline))??;
    let summary = signed.environment.summary();
    let auth = summary.iter().find(|(key, _)| *key == "auth").map(|(_, value)| value.clone());
    let account = told.account.or_else(|| signed.environment.username().map(str::to_owned));
    let lines = [
        ("environment", Some(signed.environment.name().to_owned())),
        ("account", account),
        ("actor", signed.settings.names().1.map(str::to_owned)),
        ("auth", auth),
        ("scopes", told.scope.map(|scope| scope.chars().map(plain).collect())),
        ("token", Some(told.ends.map_or_else(|| "lasts until the server refuses it".to_owned(), ends))),
        ("store", Some(signed.store()?)),
    ];
    let text: String = lines.into_iter().filter_map(|(key, value)| Some(format!("{key}: {}\n", value?))).collect();
    let mut printer = io.printer();
    printer.text(&text)?;
    printer.finish()?;
    drop(printer);
    session::ended(Ok(exit::OK), &signed.settings, io)
}

/// Credentials that are no OAuth 2.0: what the file says of them, or that there are none.
fn other(options: &Options, io: &mut Io<'_>) -> Result<Option<u8>> {
    let settings = Settings::read(options, io)?;
    let Some(environment) = settings.environment() else { return Ok(None) };
    if environment.token_store()?.is_some() {
        return Ok(None);
    }
    if !environment.signs_in() {
        let name = environment.name();
        let wrong = Mistake::local("auth.required", format!("the environment {name} has no credentials"));
        return Err(Mistake { exit: exit::SIGN_IN, ..wrong });
    }
    let summary = environment.summary();
    let said = summary.iter().filter(|(key, _)| matches!(*key, "actor" | "auth" | "headers"));
    let said: String = said.map(|(key, value)| format!("{key}: {value}\n")).collect();
    let text = format!("environment: {}\n{said}", environment.name());
    io.printer().text(&text)?;
    Ok(Some(exit::OK))
}

/// What is known of a session.
struct Told {
    account: Option<String>,
    scope: Option<String>,
    ends: Option<Duration>,
}

async fn told(session: &Session, offline: bool) -> restwalk::Result<Told> {
    if !offline {
        session.token().await?;
    }
    let (scope, ends, claims) = (session.scope().await?, session.expires_in().await?, session.claims().await?);
    if offline && scope.is_none() && ends.is_none() && claims.is_none() {
        return Err(restwalk::Error::new(ErrorKind::Auth, "nobody is signed in, as far as the store knows"));
    }
    // A provider that does not tell is none the worse; the ID token may say it.
    let asked = if offline { None } else { session.user_info().await.ok() };
    let account = asked.as_ref().and_then(named).or_else(|| claims.as_ref().and_then(named));
    Ok(Told { account, scope, ends })
}

/// The name by which a person knows themselves, of the claims that have one.
fn named(claims: &Value) -> Option<String> {
    ["preferred_username", "username", "email", "name", "sub"]
        .iter()
        .find_map(|name| claims.get(name)?.as_str().filter(|text| !text.is_empty()))
        .map(|text| text.chars().map(plain).collect())
}

/// A character as it is, or by its number where it would do more than stand there.
fn plain(char: char) -> String {
    if clean::is_plain(char) { char.to_string() } else { char.escape_unicode().to_string() }
}

fn ends(left: Duration) -> String {
    match left.as_secs() {
        0 => "has ended".to_owned(),
        seconds @ 1..=119 => format!("ends in {seconds} s"),
        seconds @ 120..=7199 => format!("ends in {} min", seconds / 60),
        seconds => format!("ends in {} h", seconds / 3600),
    }
}
