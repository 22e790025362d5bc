//! Failures of files and folders that something is kept in, told by their path.

use std::{io, path::Path};

use super::{Error, ErrorKind, disk, printable};

/// A path as it may be printed.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// A path as a shell takes it.
#[cfg(unix)]
pub(crate) fn for_shell(path: &Path) -> String {
    format!("'{}'", shown(path).replace('\'', r"'\''"))
}

/// Says why `path` is not used, and what helps.
pub(crate) fn refused(path: &Path, why: &str) -> Error {
    Error::coded(ErrorKind::Store, "store.permission", format!("{} {why}", shown(path)))
}

/// Refuses the folder at `path`, of this owner and mode, where another could put `kept` things in it.
#[cfg(unix)]
pub(crate) fn trusted(path: &Path, (owner, mode): (u32, u32), kept: &str) -> super::Result<()> {
    let own = owner == rustix::process::geteuid().as_raw();
    if !own && owner != 0 {
        return Err(refused(path, &format!("belongs to somebody else; keep {kept} in a folder of your own")));
    }
    if mode & 0o022 == 0 {
        return Ok(());
    }
    // One with the sticky bit is meant for all.
    if !own || mode & 0o1000 != 0 {
        return Err(refused(path, &format!("is a folder that all can write; keep {kept} in one of your own")));
    }
    let fix = for_shell(path);
    Err(refused(path, &format!("is a folder that others can write; allow it to yourself alone: chmod 700 {fix}")))
}

/// What `error` means, `done` being what cannot be done.
pub(crate) fn failed(path: &Path, done: &str, error: io::Error) -> Error {
    let (code, hint) = disk(error.kind());
    Error::coded(ErrorKind::Store, code, format!("{} cannot be {done}{hint}", shown(path))).with_source(error)
}
