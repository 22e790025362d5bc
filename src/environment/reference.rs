//! A secret where it is named: in a variable, in a file, printed by a program, or there as it is.

use std::{
    fmt,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{
    command::{self, LONGEST, Surroundings},
    folders::Variables,
    source::Source,
};
use crate::{
    error::{Error, ErrorKind, Result, printable},
    secret::Secret,
};

/// How long a program may take to print a secret; a person may have to unlock a store first.
const PATIENCE: Duration = Duration::from_secs(30);

/// A secret that is looked up when it is needed.
#[derive(Clone)]
pub(super) struct Reference {
    origin: Origin,
    /// `file:line` of where it is named.
    place: String,
}

#[derive(Clone)]
enum Origin {
    Inline(Secret),
    Variable(String),
    File(PathBuf),
    /// Words, and what they printed once.
    Command(Vec<String>, Arc<Mutex<Option<Secret>>>),
}

/// How much is told of a secret's place.
#[derive(Clone, Copy)]
pub(super) enum Shown {
    /// Where it is, and no more: a program's arguments may be secrets.
    Place,
    /// Programs with their arguments: whoever is to trust them must see them.
    Whole,
}

/// What a reference is looked up in.
pub(super) struct Around<'a> {
    pub(super) variables: &'a Variables,
    /// The file that names it.
    pub(super) source: &'a Source,
    /// Variables that no program gets.
    pub(super) hidden: &'a [String],
}

impl Reference {
    /// Reads a text: `env:NAME`, `file:PATH`, `cmd:PROGRAM arguments`, or a secret.
    ///
    /// # Errors
    /// What stands behind `env:`, `file:` or `cmd:` is none of these.
    pub(super) fn parse(text: &str, place: String) -> Result<Self, &'static str> {
        let origin = if let Some(name) = text.strip_prefix("env:") {
            if !is_variable(name) {
                return Err("expected the name of a variable behind env:");
            }
            Origin::Variable(name.to_owned())
        } else if let Some(path) = text.strip_prefix("file:") {
            if path.trim().is_empty() {
                return Err("expected the path of a file behind file:");
            }
            Origin::File(PathBuf::from(path.trim()))
        } else if let Some(line) = text.strip_prefix("cmd:") {
            Origin::Command(command::split(line)?, Arc::default())
        } else {
            Origin::Inline(Secret::from(text))
        };
        Ok(Self { origin, place })
    }

    pub(super) fn is_inline(&self) -> bool {
        matches!(self.origin, Origin::Inline(_))
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The variable that it names.
    pub(super) fn variable(&self) -> Option<&str> {
        if let Origin::Variable(name) = &self.origin { Some(name) } else { None }
    }

    /// What may name a file in the line of its program: the arguments, and the program where it has a folder.
    pub(super) fn words(&self) -> impl Iterator<Item = &Path> {
        let words = if let Origin::Command(words, _) = &self.origin { &words[..] } else { &[] };
        let paths = words.iter().map(Path::new).enumerate();
        paths.filter(|(at, path)| *at > 0 || path.components().count() > 1).map(|(_, path)| path)
    }

    /// Where it is to be found, for people; a secret in plain text is not shown.
    pub(super) fn told(&self, shown: Shown) -> String {
        match (&self.origin, shown) {
            (Origin::Command(words, _), Shown::Whole) => format!("cmd:{}", line(words)),
            _ => format!("{self:?}"),
        }
    }

    /// The remark that others can read its file, where they can.
    pub(super) fn exposed(&self, around: &Around<'_>) -> Option<String> {
        let Origin::File(path) = &self.origin else { return None };
        let found = located(path, around);
        let place = &self.place;
        is_open_to_others(&found).then(|| {
            let path = printable(&path.display().to_string());
            format!("{place}: others can read the secret in {path}; run chmod 600 on it")
        })
    }

    /// The secret itself; a program runs once, and its answer is kept.
    ///
    /// # Errors
    /// `Auth` where it is not to be had; no message holds it.
    pub(super) fn resolve(&self, around: &Around<'_>) -> Result<Secret> {
        self.resolve_within(around, PATIENCE)
    }

    fn resolve_within(&self, around: &Around<'_>, patience: Duration) -> Result<Secret> {
        match &self.origin {
            Origin::Inline(secret) => Ok(secret.clone()),
            Origin::Variable(name) => around.variables.get(name).map(Secret::from).ok_or_else(|| {
                self.missing(format!("the variable {name} is not set or is empty; set it to the secret"))
            }),
            Origin::File(path) => {
                let shown = printable(&path.display().to_string());
                let bytes =
                    read(&located(path, around)).map_err(|why| self.missing(format!("the secret in {shown} {why}")))?;
                self.line(bytes, &format!("the secret in {shown}"))
            }
            Origin::Command(words, kept) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(secret) = &*kept {
                    return Ok(secret.clone());
                }
                self.words().try_for_each(|path| around.source.check(path))?;
                let program = printable(words.first().map_or("", String::as_str));
                let surroundings = Surroundings { folder: &around.source.folder, hidden: around.hidden, patience };
                let bytes = command::output(words, &surroundings)
                    .map_err(|why| self.missing(format!("the program {program} {why}")))?;
                let secret = self.line(bytes, &format!("the output of {program}"))?;
                *kept = Some(secret.clone());
                Ok(secret)
            }
        }
    }

    /// The text without one closing line break.
    fn line(&self, bytes: Vec<u8>, what: &str) -> Result<Secret> {
        let text = match String::from_utf8(bytes) {
            Ok(text) => Secret::from(text),
            Err(error) => {
                // What is no text may still be a secret.
                drop(zeroize::Zeroizing::new(error.into_bytes()));
                return Err(self.missing(format!("{what} is not UTF-8")));
            }
        };
        let line = text.expose();
        let line = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
        if line.is_empty() {
            return Err(self.missing(format!("{what} is empty")));
        }
        Ok(Secret::from(line))
    }

    fn missing(&self, why: String) -> Error {
        Error::coded(ErrorKind::Auth, "auth.required", format!("{}: {why}", self.place))
    }
}

/// Shows where it is to be found, and no more: a program's arguments may be secrets.
impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Inline(_) => f.write_str("in plain text"),
            Origin::Variable(name) => write!(f, "env:{name}"),
            Origin::File(path) => write!(f, "file:{}", path.display()),
            Origin::Command(words, _) => write!(f, "cmd:{}", words.first().map_or("", String::as_str)),
        }
    }
}

/// Words as a line of which nothing is hidden: a word that is not plain stands in quotes, its odd characters escaped.
fn line(words: &[String]) -> String {
    let is_plain = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=@%+,~".contains(&byte));
    let word = |word: &String| if !word.is_empty() && is_plain(word) { word.clone() } else { format!("{word:?}") };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// `~/` is the home folder; any other relative path begins at the file that names it.
pub(super) fn located(path: &Path, around: &Around<'_>) -> PathBuf {
    match (path.strip_prefix("~"), around.variables.home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => around.source.folder.join(path),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let told = |error: std::io::Error| format!("cannot be read: {error}");
    // Looked at first: to open a pipe would wait for whoever writes to it.
    if !std::fs::metadata(path).map_err(told)?.is_file() {
        return Err("cannot be read: it is no regular file".to_owned());
    }
    let file = File::open(path).map_err(told)?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > LONGEST { Err(format!("has more than {LONGEST} bytes")) } else { Ok(bytes) }
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}
