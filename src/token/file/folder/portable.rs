//! The folder by its path, with what every system has: whose it is, and who may read it, is left to its place.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{Parts, failed, refused, unlockable};
use crate::error::Result;

/// A folder.
pub(in crate::token::file) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Finds the folder at `path`; `None` where nothing is there.
    pub(in crate::token::file) fn open(path: &Path) -> Result<Option<Self>> {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => Ok(Some(Self { path: path.to_owned() })),
            Ok(_) => Err(refused(path, "is no folder, or a link to one; name the folder itself")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(path, "opened", error)),
        }
    }

    /// The same; it is made where there is none.
    pub(in crate::token::file) fn make(path: &Path) -> Result<Self> {
        if let Some(folder) = Self::open(path)? {
            return Ok(folder);
        }
        fs::create_dir_all(path).map_err(|error| failed(path, "made", error))?;
        Ok(Self { path: path.to_owned() })
    }

    /// What the file `name` holds, and no more than a byte over `most`; `None` where there is none.
    pub(in crate::token::file) fn read(&self, name: &OsStr, most: usize) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let path = self.path.join(name);
        let told = |error| failed(&path, "read", error);
        if !self.has(name)? {
            return Ok(None);
        }
        let file = File::open(&path).map_err(told)?;
        let mut text = Zeroizing::new(Vec::with_capacity(most + 1));
        file.take(most as u64 + 1).read_to_end(&mut text).map_err(told)?;
        Ok(Some(text))
    }

    /// Tries to lock the file `name`, which is made where there is none and stays; `None` while another holds it.
    pub(in crate::token::file) fn lock(&self, name: &OsStr) -> Result<Option<File>> {
        let path = self.path.join(name);
        self.has(name)?;
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| failed(&path, "opened", error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Err(unlockable(&path, error))
            }
            Err(TryLockError::Error(error)) => Err(failed(&path, "locked", error)),
        }
    }

    /// Puts `text` in the place of the file `name`: whole, or not at all. Whoever calls it holds the store's lock.
    pub(in crate::token::file) fn replace(&self, name: &OsStr, text: &[u8]) -> Result<()> {
        let told = |error| failed(&self.path.join(name), "written", error);
        let parts = Parts::of(name);
        self.tidy(&parts);
        let part = self.path.join(parts.next().map_err(told)?);
        let mut file = OpenOptions::new().write(true).create_new(true).open(&part).map_err(told)?;
        let written = file.write_all(text).and_then(|()| file.sync_all());
        drop(file);
        let placed = written.and_then(|()| fs::rename(&part, self.path.join(name)));
        if placed.is_err() {
            // Nothing better can be done with a file that cannot be removed.
            let _ = fs::remove_file(&part);
        }
        placed.map_err(told)
    }

    /// Gives the file `name` another name, which is not in use.
    pub(in crate::token::file) fn rename(&self, name: &OsStr, to: &OsStr) -> Result<()> {
        let path = self.path.join(name);
        fs::rename(&path, self.path.join(to)).map_err(|error| failed(&path, "set aside", error))
    }

    /// Removes what a process left that was killed while it wrote.
    fn tidy(&self, parts: &Parts) {
        let Ok(entries) = fs::read_dir(&self.path) else { return };
        for entry in entries.flatten().filter(|entry| parts.have(entry.file_name().as_encoded_bytes())) {
            // What stays is tried again by the next.
            let _ = fs::remove_file(entry.path());
        }
    }

    /// Whether there is a file `name`; what is none is refused.
    fn has(&self, name: &OsStr) -> Result<bool> {
        let path = self.path.join(name);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() => Ok(true),
            Ok(_) => Err(refused(&path, "is no regular file; remove it")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(&path, "opened", error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_as_where_folders_are_handles() {
        let top = tempfile::tempdir().unwrap();
        let (path, name) = (top.path().join("a/b"), OsStr::new("tokens.json"));
        assert!(Folder::open(&path).unwrap().is_none());
        let folder = Folder::make(&path).unwrap();
        assert!(folder.read(name, 9).unwrap().is_none());
        let left = Parts::of(name).next().unwrap();
        fs::write(path.join(&left), "x").unwrap();
        folder.replace(name, b"one").unwrap();
        folder.replace(name, b"another").unwrap();
        assert_eq!(folder.read(name, 9).unwrap().unwrap().as_slice(), b"another");
        assert_eq!(folder.read(name, 3).unwrap().unwrap().len(), 4);
        folder.rename(name, OsStr::new("aside")).unwrap();
        assert!(!path.join(name).exists() && path.join("aside").exists() && !path.join(left).exists());
    }

    #[test]
    fn a_lock_is_one_s_own_until_it_is_let_go() {
        let top = tempfile::tempdir().unwrap();
        let (folder, name) = (Folder::make(top.path()).unwrap(), OsStr::new("x.lock"));
        let held = folder.lock(name).unwrap().unwrap();
        assert!(folder.lock(name).unwrap().is_none());
        held.unlock().unwrap();
        assert!(folder.lock(name).unwrap().is_some());
    }

    #[test]
    fn what_is_no_plain_file_is_refused() {
        let top = tempfile::tempdir().unwrap();
        let folder = Folder::make(top.path()).unwrap();
        fs::create_dir(top.path().join("taken")).unwrap();
        let taken = OsStr::new("taken");
        assert_eq!(folder.read(taken, 9).unwrap_err().code(), "store.permission");
        assert_eq!(folder.lock(taken).unwrap_err().code(), "store.permission");
        assert_eq!(folder.replace(taken, b"x").unwrap_err().code(), "store.write");
        assert_eq!(fs::read_dir(top.path()).unwrap().count(), 1, "no part is left");
        fs::write(top.path().join("file"), "").unwrap();
        assert_eq!(Folder::make(&top.path().join("file")).map(|_| ()).unwrap_err().code(), "store.permission");
    }
}
