//! Which files of projects a person has looked at and trusts.

use std::path::{Path, PathBuf};

use super::{
    Environments,
    folders::Variables,
    keep::{Readers, replace},
    source::{Fingerprint, content_of, opened},
};
use crate::error::{Error, ErrorKind, Result, printable};

/// The most files that are remembered; the oldest is forgotten first.
const MOST: usize = 1_000;

/// The files of projects that a person trusts, each by its place and its content.
///
/// A `restwalk.yaml` may name programs to run and where secrets go, so one that comes with a project is used only when
/// a person said so. What is kept is a SHA-256 over the place of the file, its content, and that of each catalog and
/// certificate that it names and of the programs and scripts beside it; a byte that changes ends the trust.
///
/// The store is a text file that only its owner can read: `restwalk/trusted` in `$XDG_STATE_HOME`, `~/.local/state`
/// or `%LOCALAPPDATA%`.
///
/// ```
/// use restwalk::{Environments, Trust};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let file = folder.path().join("restwalk.yaml");
/// # std::fs::write(&file, "environments: {local: {base_url: 'http://localhost:8081'}}").unwrap();
/// let trust = Trust::at(folder.path().join("trusted"));
/// let project = Environments::open(&file)?;
/// assert!(!trust.holds(&project)?);
/// trust.add(&project)?;
/// assert!(trust.holds(&project)?);
/// # Ok::<(), restwalk::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Trust {
    store: PathBuf,
}

impl Trust {
    /// The store at `path`, which need not exist yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { store: path.into() }
    }

    /// The store of the person whose process this is.
    ///
    /// # Errors
    /// `Request` where the environment does not say where such things are kept.
    pub fn user() -> Result<Self> {
        Self::of(&Variables::process())
    }

    /// The same, the environment's variables looked up by `variables`.
    ///
    /// # Errors
    /// As for [`Trust::user`].
    pub fn user_by(variables: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Result<Self> {
        Self::of(&Variables::new(variables))
    }

    pub(super) fn of(variables: &Variables) -> Result<Self> {
        Ok(Self::at(variables.state()?.join("trusted")))
    }

    /// Whether every file of `environments` is trusted as it was when it was read; the person's own always is.
    ///
    /// # Errors
    /// `Store` where the store cannot be read, or others can write it.
    pub fn holds(&self, environments: &Environments) -> Result<bool> {
        let lines = self.lines()?;
        let held = |(_, print): &(PathBuf, Fingerprint)| {
            let hex = print.hex();
            lines.iter().any(|line| line.split(' ').next() == Some(&hex))
        };
        Ok(environments.fingerprints().iter().all(held))
    }

    /// Trusts the files of `environments` as they were when they were read, in place of what they were before.
    ///
    /// # Errors
    /// As for [`Trust::holds`], and `Store` where the store cannot be written.
    pub fn add(&self, environments: &Environments) -> Result<()> {
        if environments.fingerprints().is_empty() {
            return Ok(());
        }
        let mut lines = self.lines()?;
        for (file, print) in environments.fingerprints() {
            let name = name(file);
            lines.retain(|line| line.split_once(' ').is_none_or(|(_, known)| known != name));
            lines.push(format!("{} {name}", print.hex()));
        }
        let first = lines.len().saturating_sub(MOST);
        let text: String = lines[first..].iter().map(|line| format!("{line}\n")).collect();
        replace(&self.store, &text, Readers::Owner).map_err(|error| self.failed("written", error))
    }

    /// Whether the file at `path` was trusted at some time, whatever it was then.
    pub(super) fn knew(&self, path: &Path) -> bool {
        let name = name(path);
        self.lines().is_ok_and(|lines| lines.iter().any(|line| line.split_once(' ').is_some_and(|(_, it)| it == name)))
    }

    /// The records, the oldest first; none where there is no store.
    fn lines(&self) -> Result<Vec<String>> {
        match std::fs::metadata(&self.store) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failed("read", error)),
            Ok(_) => {}
        }
        let file = opened(&self.store)?;
        if !is_own(&file.metadata().map_err(|error| self.failed("read", error))?) {
            let why = format!("others can write {}, so it is not believed; remove it, and trust anew", self.shown());
            return Err(Error::coded(ErrorKind::Store, "store.permission", why));
        }
        let text = content_of(&self.store, file)?;
        Ok(String::from_utf8_lossy(&text).lines().map(str::to_owned).collect())
    }

    fn shown(&self) -> String {
        printable(&self.store.display().to_string())
    }

    fn failed(&self, done: &str, error: std::io::Error) -> Error {
        let code = match error.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => "store.permission",
            std::io::ErrorKind::StorageFull => "store.full",
            _ => "store.write",
        };
        let why = format!("the list of what is trusted, {}, cannot be {done}", self.shown());
        Error::coded(ErrorKind::Store, code, why).with_source(error)
    }
}

/// A file as a record names it, for people and to find its older ones; the hash is what counts.
fn name(path: &Path) -> String {
    let place = path.canonicalize();
    place.as_deref().unwrap_or(path).display().to_string().escape_debug().to_string()
}

/// Whether nobody else can have written it.
#[cfg(unix)]
fn is_own(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    is_ours(metadata.uid(), metadata.mode(), rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn is_own(_: &std::fs::Metadata) -> bool {
    true
}

#[cfg(unix)]
fn is_ours(owner: u32, mode: u32, user: u32) -> bool {
    owner == user && mode & 0o022 == 0
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_believed_that_its_user_alone_can_write() {
        for (owner, mode, expected) in [
            (7, 0o100_600, true),
            (7, 0o100_644, true),
            (7, 0o100_620, false),
            (7, 0o100_602, false),
            (8, 0o100_600, false),
            (0, 0o100_600, false),
        ] {
            assert_eq!(is_ours(owner, mode, 7), expected, "{owner} {mode:o}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(is_own(&folder.path().metadata().unwrap()));
    }
}
