//! The environments of one or more files, by name.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Environment, Trust,
    folders::{FILE, Variables, nearest},
    keep::{Readers, replace},
    keys, read,
    source::{Fingerprint, Source, content},
};
use crate::{
    catalog::strict::{Document, decode, schema, suggestion},
    error::{Error, ErrorKind, Result, printable, quoted},
};

/// Variables of the command line that hold secrets of its own.
const OURS: [&str; 2] = ["RESTWALK_TOKEN", "RESTWALK_PASSWORD"];

/// So many names are listed when another is given.
const SHOWN: usize = 12;

/// Environments by name, out of files called `restwalk.yaml`.
///
/// ```yaml
/// default: local
/// environments:
///   local:
///     base_url: http://localhost:8081
///     catalog: max                       # or resources.yaml, relative to this file
///     actor: ada
///     headers: { X-Team: blue }
///     auth: { bearer: "env:API_TOKEN" }
///     timeout: 10
///     retry: 3
///     limit: 10/s
/// ```
///
/// `auth` is one of `bearer: S`, `basic: {user: S, password: S}`, `api_key: {header: NAME, value: S}` or
/// `{query: NAME, value: S}`, `scheme: {name: NAME, value: S}` and `template: {headers: {NAME: '{token}'}, values:
/// {token: S}}`, where `S` says where a secret is: `env:NAME` in a variable, `file:PATH` in a file, of which one closing
/// line break is left out, `cmd:PROGRAM arguments` in what a program prints, which runs once and without a shell. A
/// secret may stand there itself, which gives a warning. Headers that hold credentials take the same.
///
/// ```
/// use restwalk::Environments;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let file = folder.path().join("restwalk.yaml");
/// # std::fs::write(&file, "default: local\nenvironments: {local: {base_url: 'http://localhost:8081', catalog: max}}").unwrap();
/// let environments = Environments::open(&file)?;
/// let local = environments.get(environments.default().unwrap_or("local"))?;
/// let client = local.client()?.build()?;
/// assert_eq!(client.res("people").url()?, "http://localhost:8081/people");
/// # Ok::<(), restwalk::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Environments {
    /// A name, and the file that says it.
    default: Option<(String, PathBuf)>,
    list: Vec<Environment>,
    prints: Vec<(PathBuf, Fingerprint)>,
}

impl Environments {
    /// Reads the file at `path`, and what it names of catalogs and certificates, which must then stay as they are.
    ///
    /// The caller names the file, so nobody is asked whether it is trusted. Variables are those of the process.
    ///
    /// # Errors
    /// `Request` with the code `config` where it cannot be read or departs from what it may hold; the message has
    /// file, line and column, and shows no value.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::read(path.as_ref(), &Variables::process(), true)
    }

    /// Reads the file of the person whose process this is: `restwalk/restwalk.yaml` in `$XDG_CONFIG_HOME`, `~/.config`
    /// or `%APPDATA%`. Where there is none, there are no environments.
    ///
    /// # Errors
    /// As for [`Environments::open`].
    pub fn user() -> Result<Self> {
        Self::of_user(&Variables::process())
    }

    /// The same, the environment's variables looked up by `variables`.
    ///
    /// # Errors
    /// As for [`Environments::open`].
    pub fn user_by(variables: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Result<Self> {
        Self::of_user(&Variables::new(variables))
    }

    /// Reads the file of the project that `folder` is in, whether it is trusted or not, so that a person can look at it.
    ///
    /// It is the nearest one in `folder` and above, up to the home folder; `None` where there is none.
    ///
    /// # Errors
    /// As for [`Environments::open`].
    pub fn project(
        folder: impl AsRef<Path>,
        variables: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Result<Option<Self>> {
        Self::of_project(folder.as_ref(), &Variables::new(variables))
    }

    /// The person's own environments, and those of the project that `folder` is in, where it is trusted.
    ///
    /// No other file is looked for, and no `.env` is read.
    ///
    /// # Errors
    /// `Request` with the code `config.untrusted` where the project's file is not trusted as it is now; and as for
    /// [`Environments::open`].
    ///
    /// ```
    /// use restwalk::Environments;
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let home = folder.path().to_str().unwrap().to_owned();
    /// # std::fs::write(folder.path().join("restwalk.yaml"), "environments: {local: {}}").unwrap();
    /// let error = Environments::around(folder.path(), move |name| (name == "HOME").then(|| home.clone())).unwrap_err();
    /// assert_eq!(error.code(), "config.untrusted");
    /// ```
    pub fn around(
        folder: impl AsRef<Path>,
        variables: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Result<Self> {
        let variables = Variables::new(variables);
        let user = Self::of_user(&variables)?;
        let Some(project) = Self::of_project(folder.as_ref(), &variables)? else { return Ok(user) };
        let trust = Trust::of(&variables)?;
        if trust.holds(&project)? {
            return Ok(user.merge(project));
        }
        Err(untrusted(&trust, &project))
    }

    fn of_user(variables: &Variables) -> Result<Self> {
        match variables.config().map(|folder| folder.join(FILE)).filter(|file| file.exists()) {
            Some(file) => Self::read(&file, variables, false),
            None => Ok(Self { default: None, list: Vec::new(), prints: Vec::new() }),
        }
    }

    fn of_project(folder: &Path, variables: &Variables) -> Result<Option<Self>> {
        let own = variables.config().map(|folder| folder.join(FILE));
        let found = nearest(folder, variables.home().as_deref()).filter(|file| Some(file) != own.as_ref());
        found.map(|file| Self::read(&file, variables, true)).transpose()
    }

    fn read(path: &Path, variables: &Variables, pinned: bool) -> Result<Self> {
        let mut source = Source::new(path)?;
        let bytes = content(&source.file)?;
        let said = read::read(&source.shown(), &bytes)?;
        let mut prints = Vec::new();
        if pinned {
            prints.push((source.file.clone(), source.pin(&bytes, &said)?));
        }
        let default = said.default.clone().map(|name| (name, source.file.clone()));
        let mut read = Self { default, list: read::environments(said, source, variables), prints };
        read.hide();
        Ok(read)
    }

    /// Keeps the variables that any of them names as a secret from the programs that they run.
    fn hide(&mut self) {
        let named = self.list.iter().flat_map(|one| one.settings.references()).filter_map(|secret| secret.variable());
        let hidden: Arc<[String]> = named.chain(OURS).map(str::to_owned).collect();
        self.list.iter_mut().for_each(|one| one.hidden = Arc::clone(&hidden));
    }

    /// These and `others`: one of the same name is taken whole from `others`, so that no credentials of the one go to
    /// the base URL of the other; and so is the default.
    #[must_use]
    pub fn merge(mut self, others: Self) -> Self {
        self.list.retain(|known| others.list.iter().all(|other| other.name != known.name));
        self.list.extend(others.list);
        self.default = others.default.or(self.default);
        self.prints.extend(others.prints);
        self.hide();
        self
    }

    /// The JSON Schema of the file.
    pub fn schema() -> serde_json::Value {
        schema("restwalk restwalk.yaml", &keys::FILE)
    }

    /// The names, in the order of the files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(Environment::name)
    }

    /// The name of the one that is used when none is named.
    pub fn default(&self) -> Option<&str> {
        self.default.as_ref().map(|(name, _)| name.as_str())
    }

    /// The environment `name`.
    ///
    /// # Errors
    /// `Request` where there is none, with the nearest name.
    pub fn get(&self, name: &str) -> Result<&Environment> {
        self.list.iter().find(|known| known.name() == name).ok_or_else(|| {
            let said = match (self.list.len(), suggestion(name, self.names())) {
                (0, _) => "; there are none".to_owned(),
                (1..=SHOWN, near) if near.is_empty() => {
                    format!("; there is {}", self.names().collect::<Vec<_>>().join(", "))
                }
                (_, near) => near,
            };
            Error::coded(ErrorKind::Request, "config", format!("no environment {}{said}", quoted(name)))
        })
    }

    /// Makes `name` the default of the file that it stands in, by one line there; comments and all else stay. Returns
    /// the environments as they then are.
    ///
    /// The file is then another one: what was trusted must be trusted again, by what is returned.
    ///
    /// # Errors
    /// `Request` where there is no such environment, or the file is not one key a line, and with the code
    /// `config.untrusted` where a project's file is no longer what was read; `Store` where it cannot be written.
    pub fn set_default(&self, name: &str) -> Result<Self> {
        let source = &*self.get(name)?.source;
        let (file, shown) = (&source.file, source.shown());
        let bytes = content(file)?;
        source.check_own(&bytes)?;
        let text = with_default(decode(&shown, &bytes)?, name);
        let said = read::read(&shown, text.as_bytes()).ok().filter(|said| said.default.as_deref() == Some(name));
        let said = said.ok_or_else(|| {
            let why = format!("{shown}: cannot be changed by a line of its own; write default: {name} there yourself");
            Error::coded(ErrorKind::Request, "config", why)
        })?;
        replace(file, &text, Readers::AsBefore).map_err(|error| {
            Error::coded(ErrorKind::Store, "store.write", format!("{shown}: cannot be written")).with_source(error)
        })?;
        let mut changed = self.clone();
        for (_, print) in changed.prints.iter_mut().filter(|(known, _)| known == file) {
            *print = source.fingerprint(text.as_bytes(), &said)?;
        }
        let source = Arc::new(source.holding(text.as_bytes()));
        for one in changed.list.iter_mut().filter(|one| one.source.file == *file) {
            one.source = Arc::clone(&source);
        }
        let kept = self.default.as_ref().filter(|(_, of)| of != file && self.is_project(of) && !self.is_project(file));
        changed.default = kept.cloned().or_else(|| Some((name.to_owned(), file.clone())));
        Ok(changed)
    }

    fn is_project(&self, file: &Path) -> bool {
        self.prints.iter().any(|(known, _)| known == file)
    }

    /// The files that were read with what they name, the person's own left out.
    pub(super) fn fingerprints(&self) -> &[(PathBuf, Fingerprint)] {
        &self.prints
    }
}

fn untrusted(trust: &Trust, project: &Environments) -> Error {
    let file = project.prints.first().map_or(Path::new(FILE), |(file, _)| file.as_path());
    let shown = printable(&file.display().to_string());
    let what =
        if trust.knew(file) { "or a file that it names has changed since it was trusted" } else { "is not trusted" };
    let why = format!("{shown} {what}, so nothing of it is used; read it, then run restwalk env trust");
    Error::coded(ErrorKind::Request, "config.untrusted", why)
}

/// `text` with the line `default: name`, in the place of such a line or before the first key.
fn with_default(text: &str, name: &str) -> String {
    let line = format!("default: {name}");
    let known = Document::discreet("", text).ok().and_then(|document| {
        let root = document.root()?;
        let (first, _) = root.pairs().next()?;
        let key = root.pairs().find(|(key, _)| key.text() == "default").map(|(key, _)| key.line());
        Some((key, first.line()))
    });
    let (key, first) = known.unwrap_or((None, 1));
    let mut lines: Vec<&str> = text.lines().collect();
    match key.map(|line| line.saturating_sub(1) as usize) {
        Some(at) if at < lines.len() => lines[at] = &line,
        _ => lines.insert((first.saturating_sub(1) as usize).min(lines.len()), &line),
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    lines.join(end) + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_one_line_and_all_else_stays() {
        for (before, after) in [
            ("", "default: b\n"),
            ("environments: {b: {}}\n", "default: b\nenvironments: {b: {}}\n"),
            ("# mine\n\nenvironments:\n  b: {}", "# mine\n\ndefault: b\nenvironments:\n  b: {}\n"),
            ("---\nenvironments: {}\n", "---\ndefault: b\nenvironments: {}\n"),
            ("environments: {}\ndefault: a # was\n# end\n", "environments: {}\ndefault: b\n# end\n"),
            ("default: a\r\nenvironments: {}\r\n", "default: b\r\nenvironments: {}\r\n"),
        ] {
            assert_eq!(with_default(before, "b"), after, "{before:?}");
        }
    }
}
