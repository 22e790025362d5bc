//! The folder and its files, which are their owner's alone.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::error::{
    Result,
    file::{failed, refused},
};

/// What was made untrue.
pub(super) const MARKS: &str = "marks";

/// The lock, and how much is kept.
pub(super) const ROOM: &str = "room";

/// A file while it is written; whoever holds the lock has it, so that there is never more than one.
pub(super) const PART: &str = "part";

/// A block of a disk, of which a file takes whole ones.
const BLOCK: u64 = 4096;

/// Where it is.
pub(super) struct Folder(pub(super) PathBuf);

/// A value's file.
pub(super) struct Found {
    pub(super) name: String,
    /// The bytes of the disk that it takes.
    pub(super) size: u64,
    pub(super) used: SystemTime,
}

/// The bytes of the disk that a file of `length` bytes takes.
pub(super) fn size(length: u64) -> u64 {
    length.checked_next_multiple_of(BLOCK).unwrap_or(length)
}

impl Folder {
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Whether there is one; what others could change is refused.
    pub(super) fn is_there(&self) -> Result<bool> {
        match fs::metadata(&self.0) {
            Ok(found) if found.is_dir() => trusted(&self.0, &found).map(|()| true),
            Ok(_) => Err(refused(&self.0, "is no folder; name one to keep answers in")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(&self.0, "opened", error)),
        }
    }

    /// Makes it where there is none.
    pub(super) fn make(&self) -> Result<()> {
        if self.is_there()? {
            return Ok(());
        }
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.0).map_err(|error| failed(&self.0, "made", error))?;
        self.is_there().map(|_| ())
    }

    /// Opens a file; `None` where there is none. What is no plain file is removed, and no link is followed.
    pub(super) fn open(&self, name: &str, options: &OpenOptions) -> Result<Option<(File, Metadata)>> {
        let path = self.file(name);
        let told = |error| failed(&path, "opened", error);
        // Only the owner can put another in its place between the two.
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(told(error)),
        };
        if !found.is_file() {
            return self.remove(name).map(|()| None);
        }
        match options.open(&path).and_then(|file| file.metadata().map(|found| (file, found))) {
            Ok(opened) => Ok(Some(opened)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(told(error)),
        }
    }

    /// Opens a file to read and write it, and makes it where there is none.
    pub(super) fn open_or_make(&self, name: &str) -> Result<File> {
        let mut options = private();
        options.read(true).create(true).truncate(false);
        if let Some((file, _)) = self.open(name, &options)? {
            return Ok(file);
        }
        options.open(self.file(name)).map_err(|error| failed(&self.file(name), "opened", error))
    }

    /// Puts what `write` writes in the place of a file: whole, or not at all. Whoever calls it holds the lock.
    pub(super) fn replace(&self, name: &str, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
        self.remove(PART)?;
        let (path, part) = (self.file(name), self.file(PART));
        let told = |error| failed(&path, "written", error);
        let mut file = private().create_new(true).open(&part).map_err(told)?;
        let placed = || match fs::rename(&part, &path) {
            // An empty folder in its place gives way.
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                fs::remove_dir(&path).and_then(|()| fs::rename(&part, &path))
            }
            other => other,
        };
        let written = write(&mut file).and_then(|()| placed());
        if written.is_err() {
            // Whoever writes next tries again.
            let _ = fs::remove_file(&part);
        }
        written.map_err(told)
    }

    /// Removes a file, or an empty folder in its place.
    pub(super) fn remove(&self, name: &str) -> Result<()> {
        let path = self.file(name);
        let removed = fs::remove_file(&path).or_else(|error| {
            let folder = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
            if folder { fs::remove_dir(&path) } else { Err(error) }
        });
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&path, "removed", error)),
            _ => Ok(()),
        }
    }

    /// The values' files, in no order; what else is there is nobody's business.
    pub(super) fn entries(&self) -> Result<impl Iterator<Item = Found>> {
        let entries = fs::read_dir(&self.0).map_err(|error| failed(&self.0, "read", error))?;
        Ok(entries.flatten().filter_map(|entry| {
            let name = entry.file_name().into_string().ok().filter(|name| is_id(name))?;
            // One that is gone meanwhile takes no room.
            let found = entry.metadata().ok().filter(Metadata::is_file)?;
            Some(Found { name, size: size(found.len()), used: found.modified().ok()? })
        }))
    }

    /// Makes sure that names are on the disk.
    pub(super) fn sync(&self) -> Result<()> {
        #[cfg(unix)]
        return match File::open(&self.0).and_then(|folder| folder.sync_all()) {
            // Not every file system can.
            Err(error) if !matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
                Err(failed(&self.0, "written", error))
            }
            _ => Ok(()),
        };
        #[cfg(not(unix))]
        Ok(())
    }
}

/// Whether `name` is that of a value.
fn is_id(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// How a file is opened to be written: one that is made is its owner's alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Refuses a folder in which another could put answers.
#[cfg(unix)]
fn trusted(path: &Path, found: &Metadata) -> Result<()> {
    use std::os::unix::fs::MetadataExt;

    crate::error::file::trusted(path, (found.uid(), found.mode()), "answers")
}

/// Whose a folder is, is left to its place.
#[cfg(not(unix))]
fn trusted(_path: &Path, _found: &Metadata) -> Result<()> {
    Ok(())
}
