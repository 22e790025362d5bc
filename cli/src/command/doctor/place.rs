//! What can be told without a server: files, the environment, its catalog and its secrets.

use restwalk::{Environment, Environments, Trust};

use super::{Findings, sign_in};
use crate::{
    args::Options,
    demo,
    environment::{self, Given},
    io::Io,
    settings::Settings,
};

/// The files of environments: the person's own, and the project's.
pub(super) fn files(io: &Io<'_>, findings: &mut Findings) {
    match Environments::user_by(environment::lookup(io)) {
        Ok(own) if own.names().next().is_none() => findings.ok("files", "no restwalk.yaml of your own; none is needed"),
        Ok(own) => findings.ok("files", told(&own)),
        Err(error) => findings.fail("files", error),
    }
    let project = Environments::project(environment::folder(io), environment::lookup(io));
    match project {
        Ok(None) => {}
        Ok(Some(project)) => {
            let trusted = Trust::user_by(environment::lookup(io)).and_then(|trust| trust.holds(&project));
            match trusted {
                Ok(true) => findings.ok("files", format!("{}, trusted", told(&project))),
                Ok(false) => {
                    let why = "is not trusted and not used; restwalk env trust shows it, and trusts it";
                    findings.warn("files", format!("{}, {why}", told(&project)));
                }
                Err(error) => findings.fail("files", error),
            }
        }
        Err(error) => findings.fail("files", error),
    }
}

/// The file, and how many environments are in it.
fn told(environments: &Environments) -> String {
    let names: Vec<&str> = environments.names().collect();
    let first = names.first().and_then(|name| environments.get(name).ok());
    let file = first.map_or_else(|| "a restwalk.yaml".to_owned(), |one| one.file().display().to_string());
    format!("{file}: {}", if names.is_empty() { "no environment".to_owned() } else { names.join(", ") })
}

/// The settings of a call that signs in as nobody, if they can be read; and what they come to.
pub(super) fn settings(options: &Options, given: &Given, io: &mut Io<'_>, findings: &mut Findings) -> Option<Settings> {
    let named = options.place.env.as_ref().or(given.env.as_ref());
    if named.is_some_and(|name| name == demo::NAME) {
        findings.ok("environment", "demo, which is built in; restwalk demo serve answers it");
    } else {
        match environment::chosen(options, given, io) {
            Ok(None) => findings.ok("environment", "none is chosen; -e NAME chooses one, --base-url URL needs none"),
            Ok(Some(chosen)) => {
                findings.ok("environment", format!("{}, of {}", chosen.name(), chosen.file().display()));
                secrets(&chosen, options, given, findings);
                sign_in::check(&chosen, io, findings);
            }
            Err(error) => {
                findings.fail("environment", error);
                return None;
            }
        }
    }
    let mut nobody = options.clone();
    (nobody.send.auth, nobody.send.no_auth) = (None, true);
    match Settings::read(&nobody, io) {
        Ok(settings) => {
            catalog(&settings, findings);
            settings.warnings.iter().for_each(|warning| findings.warn("settings", warning));
            Some(settings)
        }
        Err(mistake) => {
            findings.fail("catalog", mistake);
            None
        }
    }
}

/// Whether the secrets of an environment are to be had; none is shown.
fn secrets(chosen: &Environment, options: &Options, given: &Given, findings: &mut Findings) {
    let summary = chosen.summary();
    let named = summary.iter().find(|(key, _)| *key == "auth").map_or("in its headers", |(_, value)| value);
    if options.send.no_auth {
        findings.ok("secrets", "none are wanted: --no-auth");
    } else if options.send.auth.is_some() {
        findings.ok("secrets", "given by -a, in place of the environment's");
    } else if given.token.is_some() {
        findings.ok("secrets", "RESTWALK_TOKEN, in place of the environment's");
    } else if !chosen.signs_in() {
        findings.ok("secrets", "the environment has none");
    } else {
        match chosen.client() {
            Ok(_) => findings.ok("secrets", format!("to be had: {named}")),
            Err(error) => findings.fail("secrets", error),
        }
    }
}

fn catalog(settings: &Settings, findings: &mut Findings) {
    let catalog = &settings.catalog;
    match catalog.lint().len() {
        _ if catalog.is_open() => findings.ok("catalog", "none: any path is allowed, and nothing is checked"),
        0 => findings.ok("catalog", format!("{}: {} routes", catalog.api(), catalog.routes().count())),
        remarks => {
            let shows = "restwalk catalog lint shows them";
            findings.warn("catalog", format!("{}: {remarks} remarks; {shows}", catalog.api()));
        }
    }
}
