//! A file replaced in one step, so that whoever reads it sees the old one or the new one.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use crate::random;

/// Who may read a file.
#[derive(Clone, Copy)]
pub(super) enum Readers {
    /// Its owner alone.
    Owner,
    /// Whoever could read it before; those of a new file its owner alone.
    AsBefore,
}

/// Puts `text` in the place of the file at `path`; its folder is made where there is none, for its owner alone.
pub(super) fn replace(path: &Path, text: &str, readers: Readers) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no folder"))?;
    make_private(folder)?;
    let beside = folder.join(format!(".restwalk.{}.part", random::digits()?));
    let written = write(&beside, text, path, readers).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // Nothing better can be done with a file that cannot be removed.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write(beside: &Path, text: &str, path: &Path, readers: Readers) -> io::Result<()> {
    let mut file = create_private(beside)?;
    file.write_all(text.as_bytes())?;
    match (readers, fs::metadata(path)) {
        (Readers::AsBefore, Ok(before)) => file.set_permissions(before.permissions())?,
        (Readers::Owner, _) | (Readers::AsBefore, Err(_)) => {}
    }
    file.sync_all()
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path)
}
