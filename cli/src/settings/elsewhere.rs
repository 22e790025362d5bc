//! Environments whose places stand in documents, which are asked for before a call.

use restwalk::{Auth, Environment};

use super::{network, sends_credentials};
use crate::{args::Options, environment::Given, io::Io, mistake::Result, words};

/// Whether a run of `options` may ask a server at all.
pub(super) fn asks(options: &Options) -> bool {
    let words = options.words().unwrap_or_default();
    let silent = ["ls", "help", "explain", "env", "cache", "demo", "completions"];
    let is_silent = words
        .first()
        .is_some_and(|word| silent.contains(&&**word) && words::HELPERS.iter().any(|(known, ..)| known == word));
    !(is_silent || options.print.offline || options.print.curl)
}

/// The environment with its places found, as far as the run needs them.
pub(super) fn found(one: Environment, given: &Given, options: &Options, io: &Io<'_>) -> Result<Environment> {
    let base = options.place.base_url.as_ref().or(given.base_url.as_ref());
    let mut needed = base.into_iter().fold(one.clone(), Environment::with_base_url);
    if options.send.auth.is_some() && !words::is_sign_in(options)
        || given.token.is_some()
        || !sends_credentials(options)
    {
        needed = needed.with_auth(Auth::none());
    }
    if !needed.is_elsewhere() {
        return Ok(one);
    }
    let mut builder = network(needed.scout()?, options, io)?;
    if let Some(service) = &io.service {
        builder = builder.transport(service.clone());
    }
    let client = builder.build()?;
    Ok(io.stop.wait(needed.discover(&client))??)
}
