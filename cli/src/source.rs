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
        let given = Given::read(environment::lookup(io));
        let demo = options.place.env.as_ref().or(given.env.as_ref()).is_some_and(|name| name == demo::NAME);
        let environment = if demo { None } else { environment::chosen(options, &given, io)? };
        Ok(Self { given, environment, demo })
    }
}

/// Where a catalog comes from.
pub(crate) enum Source {
    /// None: any path is allowed.
    Open,
    Embedded,
    Files(Files),
    /// An environment that has none in files of its own.
    Environment(Environment),
}

impl Source {
    pub(crate) fn of(
        options: &Options,
        given: &Given,
        environment: Option<&Environment>,
        demo: bool,
        io: &Io<'_>,
    ) -> Result<Self> {
        let place = &options.place;
        if place.no_catalog {
            return Ok(Self::Open);
        }
        let wall = SystemTime::now();
        if let Some(named) = place.catalog.as_ref().or(given.catalog.as_ref()) {
            let defaults = place.defaults.as_ref().or(given.defaults.as_ref()).map(|file| io.path(file));
            return Ok(Self::Files(Files { resources: io.path(named), defaults, wall }));
        }
        if place.defaults.is_some() {
            return Err(Mistake::usage("--defaults goes with --catalog"));
        }
        Ok(match environment {
            Some(environment) => match environment.catalog_files()? {
                Some((resources, defaults)) => Self::Files(Files { resources, defaults, wall }),
                None => Self::Environment(environment.clone()),
            },
            None if demo => Self::Embedded,
            None => Self::Open,
        })
    }

    /// As much of the catalog as a call of `path` needs, or all, and the folder that its schemas are relative to.
    pub(crate) fn catalog(&self, path: Option<&str>, io: &Io<'_>) -> Result<(Catalog, Option<PathBuf>)> {
        Ok(match self {
            Self::Open => (Catalog::open(), None),
            Self::Embedded => (Catalog::embedded(), None),
            Self::Environment(environment) => (environment.catalog()?, None),
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
    let Chosen { given, environment, demo } = Chosen::read(options, io)?;
    Source::of(options, &given, environment.as_ref(), demo, io)
}

/// The names of the environments, for completion; those of a project that nobody trusts are not among them.
pub(crate) fn environments(io: &Io<'_>) -> Vec<String> {
    let known = environment::around(io).or_else(|_| Environments::user_by(environment::lookup(io)));
    let known = known.iter().flat_map(Environments::names).map(str::to_owned);
    known.chain([demo::NAME.to_owned()]).collect()
}
