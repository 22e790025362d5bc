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

/// What `error` means, `done` being what cannot be done.
pub(crate) fn failed(path: &Path, done: &str, error: io::Error) -> Error {
    let (code, hint) = disk(error.kind());
    Error::coded(ErrorKind::Store, code, format!("{} cannot be {done}{hint}", shown(path))).with_source(error)
}
