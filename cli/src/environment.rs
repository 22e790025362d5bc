//! Which environment a run works in, told from an option, the environment's variables and the files.

use std::path::{Path, PathBuf};

use restwalk::{Environment, Environments, Result, Secret};

use crate::{args::Options, io::Io};

/// What the environment's variables say; an empty one says nothing.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// `RESTWALK_ENV`: the name of an environment.
    pub env: Option<String>,
    /// `RESTWALK_BASE_URL`, in place of the environment's.
    pub base_url: Option<String>,
    /// `RESTWALK_CATALOG`, a file in place of the environment's.
    pub catalog: Option<String>,
    /// `RESTWALK_DEFAULTS`, a file in place of the environment's.
    pub defaults: Option<String>,
    /// `RESTWALK_ACTOR`, in place of the environment's.
    pub actor: Option<String>,
    /// `RESTWALK_TOKEN`, a bearer token in place of the environment's credentials.
    pub token: Option<Secret>,
    /// `RESTWALK_PASSWORD`, that of the user who signs in.
    pub password: Option<Secret>,
}

impl Given {
    /// Reads the variables that `variables` looks up.
    pub fn read(variables: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| variables(name).filter(|value| !value.is_empty());
        Self {
            env: get("RESTWALK_ENV"),
            base_url: get("RESTWALK_BASE_URL"),
            catalog: get("RESTWALK_CATALOG"),
            defaults: get("RESTWALK_DEFAULTS"),
            actor: get("RESTWALK_ACTOR"),
            token: get("RESTWALK_TOKEN").map(Secret::from),
            password: get("RESTWALK_PASSWORD").map(Secret::from),
        }
    }

    /// The name of the environment to work in: the option's, else the variable's, else the files' default.
    pub fn name<'a>(&'a self, option: Option<&'a str>, environments: &'a Environments) -> Option<&'a str> {
        option.or(self.env.as_deref()).or(environments.default())
    }

    /// The environment to work in; `None` where none is named.
    fn environment(&self, option: Option<&str>, environments: &Environments) -> Result<Option<Environment>> {
        self.name(option, environments).map(|name| environments.get(name).cloned()).transpose()
    }
}

/// The environment that options and variables choose.
///
/// A file of the project that nobody trusts is a mistake, unless the options say all the same where the call goes.
pub(crate) fn chosen(options: &Options, given: &Given, io: &Io<'_>) -> Result<Option<Environment>> {
    let name = options.place.env.as_deref();
    match around(io) {
        Err(error) if error.code() == "config.untrusted" && name.is_none() && options.place.base_url.is_some() => {
            given.environment(None, &Environments::user_by(lookup(io))?)
        }
        environments => given.environment(name, &environments?),
    }
}

/// The environments of the person and of the project that the run is in.
pub(crate) fn around(io: &Io<'_>) -> Result<Environments> {
    Environments::around(folder(io), lookup(io))
}

/// The folder that the run is in.
pub(crate) fn folder(io: &Io<'_>) -> PathBuf {
    if io.directory.as_os_str().is_empty() { Path::new(".").to_owned() } else { io.directory.clone() }
}

/// Looks up the run's variables.
pub(crate) fn lookup(io: &Io<'_>) -> impl Fn(&str) -> Option<String> + Send + Sync + 'static {
    let variables = io.variables.clone();
    move |name| variables.get(name).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Given {
        Given::read(|name| {
            let (_, value) = pairs.iter().find(|(known, _)| *known == name)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn the_option_goes_before_the_variable_and_that_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("restwalk.yaml");
        let text = "default: a\nenvironments: {a: {base_url: 'http://a'}, b: {base_url: 'http://b'}, c: {}}\n";
        std::fs::write(&file, text).unwrap();
        let environments = Environments::open(&file).unwrap();
        for (option, pairs, expected) in [
            (None, &[][..], Ok("a")),
            (None, &[("RESTWALK_ENV", "")], Ok("a")),
            (None, &[("RESTWALK_ENV", "b")], Ok("b")),
            (Some("c"), &[("RESTWALK_ENV", "b")], Ok("c")),
            (Some("d"), &[], Err("no environment \"d\"; there is a, b, c")),
        ] {
            let found = given(pairs).environment(option, &environments);
            let found = found.map(|found| found.unwrap().name().to_owned()).map_err(|error| error.to_string());
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{option:?} {pairs:?}");
        }
        let none = Environments::user_by(|_| None).unwrap();
        assert!(given(&[]).environment(None, &none).unwrap().is_none());
    }
}
