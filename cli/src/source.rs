//! Which catalog a run has: that of options, of variables, of an environment, or the demo's.

use std::{path::PathBuf, time::SystemTime};

use restwalk::{Catalog, Environment, Environments, Following};

use crate::{
    args::Options,
    cache::Files,
    demo,
    environment::{self, Given},
    io::Io,
    mistake::{Mistake, Result},
};

/// What says where a run works: variables, and the environment that they or the options name.
pub(crate) struct Chosen {
    pub(crate) given: Given,
    pub(crate) environment: Option<Environment>,
    pub(crate) demo: bool,
}

impl Chosen {
    pub(crate) fn read(options: &Options, io: &Io<'_>) -> Result<Self> {
        let given = Given::read(|name| io.variables.get(name).cloned());
        let demo = options.place.env.as_ref().or(given.env.as_ref()).is_some_and(|name| name == demo::NAME);
        let environment = if demo { None } else { environment::chosen(options, &given, io)? };
        let environment = environment.map(Environment::with_lasting_cache);
        Ok(Self { given, environment, demo })
    }

    /// Where its catalog comes from.
    pub(crate) fn source(&self, options: &Options, io: &Io<'_>) -> Result<Source> {
        let (place, wall) = (&options.place, SystemTime::now());
        if place.no_catalog {
            return Ok(Source::Open);
        }
        if let Some(named) = place.catalog.as_ref().or(self.given.catalog.as_ref()) {
            let defaults = place.defaults.as_ref().or(self.given.defaults.as_ref()).map(|file| io.path(file));
            return Ok(Source::Files(Files { resources: io.path(named), defaults, wall }));
        }
        if place.defaults.is_some() {
            return Err(Mistake::usage("--defaults goes with --catalog"));
        }
        Ok(match &self.environment {
            Some(environment) => match environment.catalog_files() {
                Some((resources, defaults)) => Source::Files(Files { resources, defaults, wall }),
                None => Source::Environment(environment.clone()),
            },
            None if self.demo => Source::Embedded,
            None => Source::Open,
        })
    }
}

/// Where a catalog comes from.
pub(crate) enum Source {
    /// None: any path is allowed.
    Open,
    Embedded,
    Files(Files),
    /// An environment that has none in files, or in such as it must read itself: a project's.
    Environment(Environment),
}

impl Source {
    /// As much of the catalog as a call of `path` needs, or all, and the folder that its schemas are relative to.
    pub(crate) fn catalog(&self, path: Option<&str>, io: &Io<'_>) -> Result<(Catalog, Option<PathBuf>)> {
        Ok(match self {
            Self::Open => (Catalog::open(), None),
            Self::Embedded => (Catalog::embedded(), None),
            Self::Environment(environment) => {
                let folder = environment.catalog_file().and_then(|file| file.parent().map(PathBuf::from));
                (environment.catalog()?, folder)
            }
            Self::Files(files) => {
                let folder = files.resources.parent().map(PathBuf::from);
                (files.read(path, io, || load(files))?, folder)
            }
        })
    }

    /// What may follow a path.
    fn following(&self, path: &str, io: &Io<'_>) -> Result<Vec<Following>> {
        match self {
            Self::Files(files) => files.following(path, io, || load(files)),
            _ => Ok(self.catalog(None, io)?.0.following(path)),
        }
    }
}

fn load(files: &Files) -> Result<Catalog> {
    match &files.defaults {
        Some(defaults) => Ok(Catalog::from_files(&files.resources, defaults)?),
        None => Ok(Catalog::from_file(&files.resources)?),
    }
}

/// The catalog of a line that is being completed, as much as a call of `path` needs, and its folder.
pub(crate) fn catalog(options: &Options, path: &str, io: &Io<'_>) -> Result<(Catalog, Option<PathBuf>)> {
    source(options, io)?.catalog(Some(path), io)
}

/// What may follow a path in a line that is being completed.
pub(crate) fn following(options: &Options, path: &str, io: &Io<'_>) -> Result<Vec<Following>> {
    source(options, io)?.following(path, io)
}

fn source(options: &Options, io: &Io<'_>) -> Result<Source> {
    Chosen::read(options, io)?.source(options, io)
}

/// The names of the environments, for completion; those of a project that nobody trusts are not among them.
pub(crate) fn environments(io: &Io<'_>) -> Vec<String> {
    let known = environment::around(io).or_else(|_| Environments::user_by(environment::lookup(io)));
    let known = known.iter().flat_map(Environments::names).map(str::to_owned);
    known.chain([demo::NAME.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;
    use restwalk::Trust;

    use super::*;

    const TEXT: &str = "default: a\nenvironments: {a: {base_url: 'http://h', catalog: c/r.yaml}}\n";

    #[test]
    fn a_project_s_catalog_is_what_was_trusted_and_never_what_was_kept() {
        let home = tempfile::tempdir().unwrap();
        let (own, project) = (home.path().join(".config/restwalk"), home.path().join("work"));
        for folder in [&own, &project] {
            fs::create_dir_all(folder.join("c")).unwrap();
            fs::write(folder.join("restwalk.yaml"), TEXT).unwrap();
            fs::write(folder.join("c/r.yaml"), "resources: {a: {route: /a}}").unwrap();
        }
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io::buffers(&mut out, &mut err);
        io.variables.insert("HOME".into(), home.path().display().to_string());
        io.directory.clone_from(&project);
        let found = Environments::project(&project, environment::lookup(&io)).unwrap().unwrap();
        Trust::user_by(environment::lookup(&io)).unwrap().add(&found).unwrap();
        let options = Options::try_parse_from(["restwalk"]).unwrap();
        let source = source(&options, &io).unwrap();
        assert!(matches!(source, Source::Environment(_)), "files that are pinned are not read past their pins");
        assert_eq!(source.catalog(None, &io).unwrap().1, Some(project.join("c")), "schemas are beside the catalog");
        fs::write(project.join("c/r.yaml"), "resources: {b: {route: /b}}").unwrap();
        assert_eq!(source.catalog(Some("a"), &io).unwrap_err().code, "config.untrusted");
        assert_eq!(source.following("", &io).unwrap_err().code, "config.untrusted");

        io.directory = home.path().to_owned();
        assert!(matches!(super::source(&options, &io).unwrap(), Source::Files(..)), "one's own are kept");
    }
}
