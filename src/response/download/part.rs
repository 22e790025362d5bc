//! `NAME.part` and `NAME.part.json`: whose they are, and what becomes of them.
//!
//! Who has locked the first may write both. Neither is ever opened by way of a link.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::state::State;
use crate::{
    error::{Error, ErrorKind, Outcome, Result, quoted},
    response::save,
};

/// More than what is ever written beside a `.part`.
const LARGEST_STATE: u64 = 64 << 10;

/// The code of a name that is taken.
const EXISTS: &str = "store.exists";

/// The file while it is written, locked; removed when it is dropped unless it is to be kept.
pub(crate) struct Part {
    file: File,
    target: PathBuf,
    path: PathBuf,
    state: PathBuf,
    replace: bool,
    keep: bool,
    /// Who may read the file when it is whole.
    mode: u32,
}

impl Part {
    /// Takes the `.part` of `target`, which must not be there unless it may be replaced; gives what an earlier
    /// download left in it. Nothing on the disk is changed but that it is there. Blocks.
    pub(super) fn claim(target: &Path, replace: bool) -> Result<(Self, Option<(State, u64)>)> {
        let not_sent = |error: Error| error.with_outcome(Outcome::NotSent);
        let standing = look(target, replace).map_err(not_sent)?;
        let (path, state) = (beside(target, ".part")?, beside(target, ".part.json")?);
        let (file, fresh) = open(&path, &state, replace).map_err(not_sent)?;
        let known = if fresh { None } else { read(&state) };
        let found = file.metadata().map_err(|error| not_sent(save::failure(&path, error)))?;
        let mode = standing.as_ref().map(mode).or(known.as_ref().and_then(|known| known.mode)).unwrap_or(mode(&found));
        if fresh {
            permit(&file, mode & 0o600).map_err(|error| not_sent(save::failure(&path, error)))?;
        }
        let part = Self { file, target: target.to_owned(), path, state, replace, keep: !fresh, mode: mode & 0o666 };
        Ok((part, known.map(|known| (known, found.len()))))
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Whether it stays when it is dropped.
    pub(super) fn keep(&mut self, keep: bool) {
        self.keep = keep;
    }

    pub(super) fn rewind(&mut self) -> io::Result<()> {
        self.file.rewind()
    }

    /// Leaves the first `length` bytes and goes to their end.
    pub(super) fn cut(&mut self, length: u64) -> io::Result<()> {
        if self.file.metadata()?.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.file.set_len(length)?;
        self.file.seek(SeekFrom::Start(length)).map(drop)
    }

    /// Empties it and says what comes is of; before that byte of another version is gone.
    pub(super) fn describe(&mut self, mut state: State) -> io::Result<()> {
        self.cut(0)?;
        state.mode = Some(self.mode);
        let text = serde_json::to_vec(&state)?;
        let new = beside(&self.target, ".part.json~").map_err(io::Error::other)?;
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().write(true).create_new(true).open(&new)?;
        let written = permit(&file, 0o600).and_then(|()| file.write_all(&text));
        drop(file);
        written.and_then(|()| fs::rename(&new, &self.state)).inspect_err(|_| {
            // It failed already; this is tidying up.
            let _ = fs::remove_file(&new);
        })
    }

    /// Leaves it for another download, if it is to be kept and has anything; gives its path then.
    pub(super) fn leave(mut self) -> Option<PathBuf> {
        let some = self.file.metadata().is_ok_and(|found| found.len() > 0);
        // Bytes that may not be on the disk are not gone on with.
        self.keep &= some && self.file.sync_all().is_ok();
        self.keep.then(|| self.path.clone())
    }

    /// Leaves it behind a failure to write it, which is told.
    pub(super) fn fail(self, error: io::Error) -> Error {
        let error = save::failure(&self.path, error);
        if self.leave().is_some() { error.noted("; what came is kept") } else { error }
    }

    /// Puts it in its place. Where another file has come there meanwhile, it stays as it is.
    pub(super) fn finish(mut self) -> Result<()> {
        let kept = std::mem::replace(&mut self.keep, false);
        let told = |error| save::failure(&self.target, error);
        self.file.sync_all().map_err(told)?;
        permit(&self.file, self.mode).map_err(told)?;
        let placed = look(&self.target, self.replace).and_then(|_| self.place());
        if placed.as_ref().is_err_and(|error| error.code() == EXISTS) {
            self.keep = kept;
        }
        placed
    }

    fn place(&self) -> Result<()> {
        let told = |error| save::failure(&self.target, error);
        if self.replace {
            fs::rename(&self.path, &self.target).map_err(told)?;
        } else {
            match fs::hard_link(&self.path, &self.target) {
                Ok(()) => fs::remove_file(&self.path).map_err(told)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(exists(&self.target, "")),
                // Not every disk has links: then there is a moment in which another may come between.
                Err(_) => fs::rename(&self.path, &self.target).map_err(told)?,
            }
        }
        sync_folder(&self.target);
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.tidy();
        // Said, since a program that is being started just now has the file open too for a moment.
        let _ = self.file.unlock();
    }
}

impl Part {
    fn tidy(&self) {
        if self.keep {
            return;
        }
        // Where it has gone to its place, another may stand here by now, and have something written beside it.
        let (ours, free) = (is_at(&self.file, &self.path), fs::symlink_metadata(&self.path).is_err());
        // Nothing better can be done with a file that cannot be removed.
        if ours || free {
            let _ = fs::remove_file(&self.state);
        }
        if ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// `target` with `end` behind its name.
fn beside(target: &Path, end: &str) -> Result<PathBuf> {
    let name = target.file_name().ok_or_else(|| {
        let message = format!("{} names no file", quoted(&target.display().to_string()));
        Error::coded(ErrorKind::Store, "store.write", message)
    })?;
    let mut name = OsString::from(name);
    name.push(end);
    Ok(target.with_file_name(name))
}

/// Refuses a target that may not be written; gives what stands there.
fn look(target: &Path, replace: bool) -> Result<Option<Metadata>> {
    let why = match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(save::failure(target, error)),
        Ok(found) if found.is_file() && replace => return Ok(Some(found)),
        Ok(found) if found.is_file() => "; it is replaced only if that is said",
        Ok(found) if found.is_symlink() => "; it is a symbolic link, which is never written through",
        Ok(found) if found.is_dir() => "; it is a folder",
        Ok(_) => "; it is no regular file",
    };
    Err(exists(target, why))
}

fn exists(path: &Path, why: &str) -> Error {
    let message = format!("{} is there already{why}", quoted(&path.display().to_string()));
    Error::coded(ErrorKind::Store, EXISTS, message).with_outcome(Outcome::Processed)
}

fn locked(path: &Path) -> Error {
    let message = format!("{} is being written by another download", quoted(&path.display().to_string()));
    Error::coded(ErrorKind::Store, "store.locked", message)
}

/// Opens and locks the `.part`, whose mode is then still that of any new file; says whether it is new.
fn open(path: &Path, state: &Path, replace: bool) -> Result<(File, bool)> {
    let told = |error| save::failure(path, error);
    let created = OpenOptions::new().read(true).write(true).create_new(true).open(path);
    let (file, fresh) = match created {
        Ok(file) => (file, true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(path).map_err(told)?;
            if !found.is_file() || !has_one_name(&found) {
                return Err(exists(path, "; it is no file that a download left: remove it"));
            }
            (OpenOptions::new().read(true).write(true).open(path).map_err(told)?, false)
        }
        Err(error) => return Err(told(error)),
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Err(locked(path)),
        // A disk without locks has them for nobody.
        Ok(()) | Err(TryLockError::Error(_)) => {}
    }
    // Until it was locked its owner may have put it in its place, and someone else come.
    if !is_at(&file, path) {
        return Err(locked(path));
    }
    if fresh && fs::symlink_metadata(state).is_ok() && read(state).is_none() {
        let _ = fs::remove_file(path);
        return Err(exists(state, "; it is no file that a download left: remove it"));
    }
    let ours = fresh || replace || fs::symlink_metadata(state).is_ok() || file.metadata().is_ok_and(|it| it.len() == 0);
    if !ours {
        return Err(exists(path, " and nothing says what of: remove it"));
    }
    Ok((file, fresh))
}

/// What is written beside a `.part`, if it can be read and makes sense.
fn read(path: &Path) -> Option<State> {
    let file = fs::symlink_metadata(path).ok().filter(Metadata::is_file).and_then(|_| File::open(path).ok())?;
    is_at(&file, path).then_some(())?;
    let mut text = Vec::new();
    file.take(LARGEST_STATE).read_to_end(&mut text).ok()?;
    serde_json::from_slice::<State>(&text).ok().filter(State::is_sound)
}

/// Whether `path` is this very file, and no link to it.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(ours), Ok(theirs)) = (file.metadata(), fs::symlink_metadata(path)) else { return false };
    (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino())
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

/// Whether nothing else is changed by writing to it.
#[cfg(unix)]
fn has_one_name(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(found) == 1
}

#[cfg(not(unix))]
fn has_one_name(_: &Metadata) -> bool {
    true
}

/// The permissions to read and write.
#[cfg(unix)]
fn mode(found: &Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(found) & 0o666
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> u32 {
    0
}

#[cfg(unix)]
fn permit(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(mode & 0o666))
}

#[cfg(not(unix))]
fn permit(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

/// Writes a folder's new name to the disk, as far as that can be done.
fn sync_folder(target: &Path) {
    if cfg!(unix) {
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}
