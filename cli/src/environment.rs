//! Which environment a run works in, told from an option, the environment's variables and the files.

use restwalk::{Auth, Environment, Environments, Result, Secret};

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
        }
    }

    /// The name of the environment to work in: the option's, else the variable's, else the files' default.
    pub fn name<'a>(&'a self, option: Option<&'a str>, environments: &'a Environments) -> Option<&'a str> {
        option.or(self.env.as_deref()).or(environments.default())
    }

    /// The environment to work in, with the base URL and the token of the variables; `None` where none is named.
    ///
    /// Catalog, defaults and actor are left to the caller, who reads files and knows the options.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn environment(&self, option: Option<&str>, environments: &Environments) -> Result<Option<Environment>> {
        let Some(name) = self.name(option, environments) else { return Ok(None) };
        let mut environment = environments.get(name)?.clone();
        if let Some(url) = &self.base_url {
            environment = environment.with_base_url(url);
        }
        if let Some(token) = &self.token {
            environment = environment.with_auth(Auth::bearer(token.clone()));
        }
        Ok(Some(environment))
    }
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

    #[test]
    fn variables_stand_in_place_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("restwalk.yaml");
        std::fs::write(&file, "environments: {a: {base_url: 'http://a', auth: {bearer: 'env:MISSING'}}}\n").unwrap();
        let environments = Environments::open(&file).unwrap();
        let pairs = [("RESTWALK_BASE_URL", "http://b/x"), ("RESTWALK_TOKEN", "CNRY"), ("RESTWALK_ACTOR", "ada")];
        let given = given(&pairs);
        assert!(!format!("{given:?}").contains("CNRY"));
        let environment = given.environment(Some("a"), &environments).unwrap().unwrap();
        let client = environment.client().unwrap().build().unwrap();
        assert_eq!(client.res("p").url().unwrap(), "http://b/x/p");
        let without = Given { token: None, ..given };
        let error = without.environment(Some("a"), &environments).unwrap().unwrap().client().unwrap_err();
        assert_eq!(error.code(), "auth.required", "the file's own credentials stay at its own origin");
    }
}
