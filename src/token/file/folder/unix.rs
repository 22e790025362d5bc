//! The folder as a handle: whatever its path comes to mean meanwhile, nothing is written anywhere else.
//!
//! No link is followed but those above the folder, which whoever could change them could use to replace it anyway.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, TryLockError},
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::DirBuilderExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fchmod, fstat, fsync, openat, renameat, unlinkat},
    io::Errno,
    process::geteuid,
};
use zeroize::Zeroizing;

use super::{Parts, failed, for_shell, refused, unlockable};
use crate::error::{Result, file::trusted};

/// What a file is opened with: no link, nothing that another program would inherit, and a pipe is not waited for.
const CAREFULLY: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// The owner may read and write.
const OWNER: Mode = Mode::RUSR.union(Mode::WUSR);

/// What only the owner should be allowed, when others are.
const OTHERS: u32 = 0o077;
const OTHERS_WRITE: u32 = 0o022;

/// A folder that is its owner's to write, open.
pub(in crate::token::file) struct Folder {
    handle: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder at `path`; `None` where nothing is there.
    pub(in crate::token::file) fn open(path: &Path) -> Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = match openat(CWD, path, flags, Mode::empty()) {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::MLINK | Errno::NOTDIR) => {
                let linked = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
                let why = if linked { "is a symbolic link; name the folder that it points to" } else { "is no folder" };
                return Err(refused(path, why));
            }
            Err(error) => return Err(failed(path, "opened", error.into())),
        };
        let found = fstat(&handle).map_err(|error| failed(path, "read", error.into()))?;
        trusted(path, (found.st_uid, found.st_mode), "tokens")?;
        Ok(Some(Self { handle, path: path.to_owned() }))
    }

    /// The same; it is made where there is none, for its owner alone.
    pub(in crate::token::file) fn make(path: &Path) -> Result<Self> {
        if let Some(folder) = Self::open(path)? {
            return Ok(folder);
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| failed(path, "made", error))?;
        Self::open(path)?.ok_or_else(|| failed(path, "opened", io::ErrorKind::NotFound.into()))
    }

    /// What the file `name` holds, and no more than a byte over `most`; `None` where there is none.
    ///
    /// One that others can read is made its owner's alone, with a warning.
    pub(in crate::token::file) fn read(&self, name: &OsStr, most: usize) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let path = self.path.join(name);
        let opened = openat(&self.handle, name, OFlags::RDONLY | CAREFULLY, Mode::empty());
        let Some(handle) = known(&path, opened)? else { return Ok(None) };
        let found = self.examined(name, &handle)?;
        if found.st_mode & OTHERS != 0 {
            fchmod(&handle, OWNER).map_err(|error| failed(&path, "made private", error.into()))?;
            tracing::warn!("others could read {}; it is private now, but its tokens may be known", super::shown(&path));
        }
        let size = usize::try_from(found.st_size).unwrap_or(most).min(most);
        let mut text = Zeroizing::new(Vec::with_capacity(size + 1));
        let read = File::from(handle).take(most as u64 + 1).read_to_end(&mut text);
        read.map_err(|error| failed(&path, "read", error))?;
        Ok(Some(text))
    }

    /// Tries to lock the file `name`, which is made where there is none and stays; `None` while another holds it.
    pub(in crate::token::file) fn lock(&self, name: &OsStr) -> Result<Option<File>> {
        let path = self.path.join(name);
        let flags = OFlags::RDWR | OFlags::CREATE | CAREFULLY;
        let Some(handle) = known(&path, openat(&self.handle, name, flags, OWNER))? else { return Ok(None) };
        // Whoever can open it could hold it forever.
        if self.examined(name, &handle)?.st_mode & OTHERS != 0 {
            fchmod(&handle, OWNER).map_err(|error| failed(&path, "made private", error.into()))?;
        }
        let file = File::from(handle);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) if has_no_locks(&error) => return Err(unlockable(&path, error)),
            Err(TryLockError::Error(error)) => return Err(failed(&path, "locked", error)),
        }
        // Of a file that was removed meanwhile everyone has a lock.
        let found = fstat(&file).map_err(|error| failed(&path, "locked", error.into()))?;
        Ok((found.st_nlink > 0).then_some(file))
    }

    /// Puts `text` in the place of the file `name`: whole, or not at all. Whoever calls it holds the store's lock.
    pub(in crate::token::file) fn replace(&self, name: &OsStr, text: &[u8]) -> Result<()> {
        let told = |error| failed(&self.path.join(name), "written", error);
        let parts = Parts::of(name);
        self.tidy(&parts);
        let part = parts.next().map_err(told)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | CAREFULLY;
        let handle = openat(&self.handle, &part, flags, OWNER).map_err(|error| told(error.into()))?;
        let mut file = File::from(handle);
        let written = file.write_all(text).and_then(|()| file.sync_all());
        let placed = written.and_then(|()| Ok(renameat(&self.handle, &part, &self.handle, name)?));
        if placed.is_err() {
            // Nothing better can be done with a file that cannot be removed.
            let _ = unlinkat(&self.handle, &part, AtFlags::empty());
        }
        placed.and_then(|()| self.sync()).map_err(told)
    }

    /// Gives the file `name` another name, which is not in use.
    pub(in crate::token::file) fn rename(&self, name: &OsStr, to: &OsStr) -> Result<()> {
        let renamed = renameat(&self.handle, name, &self.handle, to).map_err(io::Error::from);
        renamed.and_then(|()| self.sync()).map_err(|error| failed(&self.path.join(name), "set aside", error))
    }

    /// Removes what a process left that was killed while it wrote.
    fn tidy(&self, parts: &Parts) {
        let Ok(entries) = Dir::read_from(&self.handle) else { return };
        for entry in entries.flatten().filter(|entry| parts.have(entry.file_name().to_bytes())) {
            // What stays is tried again by the next.
            let _ = unlinkat(&self.handle, entry.file_name(), AtFlags::empty());
        }
    }

    /// Makes sure that names are on the disk, where the file system can.
    fn sync(&self) -> io::Result<()> {
        match fsync(&self.handle) {
            Err(Errno::INVAL | Errno::NOTSUP | Errno::BADF) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses what is no plain file of one's own that only oneself can write.
    fn examined(&self, name: &OsStr, handle: impl AsFd) -> Result<Stat> {
        let path = self.path.join(name);
        let found = fstat(handle).map_err(|error| failed(&path, "read", error.into()))?;
        let fix;
        let why = if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            "is no regular file; remove it"
        } else if found.st_uid != geteuid().as_raw() {
            "belongs to somebody else; keep tokens in a file of your own"
        } else if found.st_nlink > 1 {
            "has a second name, by which tokens would be found; remove one"
        } else if found.st_mode & OTHERS_WRITE != 0 {
            fix = format!(
                "can be written by others, so it is not believed; remove it, or look through it and: chmod 600 {}",
                for_shell(&path)
            );
            &fix
        } else {
            return Ok(found);
        };
        Err(refused(&path, why))
    }
}

/// What was opened; `None` where there is nothing.
fn known(path: &Path, opened: rustix::io::Result<OwnedFd>) -> Result<Option<OwnedFd>> {
    match opened {
        Ok(handle) => Ok(Some(handle)),
        Err(Errno::NOENT) => Ok(None),
        Err(Errno::LOOP | Errno::MLINK) => Err(refused(path, "is a symbolic link, which is not followed; remove it")),
        Err(Errno::NXIO | Errno::ISDIR | Errno::NODEV) => Err(refused(path, "is no regular file; remove it")),
        Err(error) => Err(failed(path, "opened", error.into())),
    }
}

/// Whether `error` says that there are no locks there at all.
fn has_no_locks(error: &io::Error) -> bool {
    let none = [Errno::NOLCK, Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP];
    Errno::from_io_error(error).is_some_and(|errno| none.contains(&errno))
}
