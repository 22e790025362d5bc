//! A journal in a file: its owner's alone, locked while a run has it, and never overwritten.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, Seek, SeekFrom, Write},
    path::Path,
};

use super::{Head, Journal, Read, Store};
use crate::mistake::{Mistake, Result};

/// Opens the journal at `path`, or begins it; what a run that was ended left of a last line is cut off.
pub(crate) fn open(path: &Path, head: &Head) -> Result<Journal<Locked>> {
    let cannot = |error: io::Error| match error.kind() {
        io::ErrorKind::WouldBlock => {
            Mistake::local("store.locked", "the journal is in use by another run").hint("wait until that has ended")
        }
        _ => Mistake::local("store", format!("the journal cannot be used: {error}")),
    };
    let mut file = Locked(locked(path).map_err(cannot)?);
    if !file.0.metadata().map_err(cannot)?.is_file() {
        return Err(Mistake::local("store", "the file that --resume names is no regular file"));
    }
    let read = Read::new(BufReader::new(&file.0), head)?;
    file.0.set_len(read.whole).and_then(|()| file.0.seek(SeekFrom::Start(read.whole))).map_err(cannot)?;
    let journal = read.go_on(file, head).map_err(cannot)?;
    sync_folder(path).map_err(cannot)?;
    Ok(journal)
}

#[cfg(unix)]
fn locked(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::{FlockOperation, OFlags, flock};

    // A pipe that is named by mistake is not waited for, and a link is not followed.
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags)
        .open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

#[cfg(windows)]
fn locked(path: &Path) -> io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt;

    const IN_USE: i32 = 32;
    // What nobody else may open meanwhile needs no lock.
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).share_mode(0).open(path);
    opened.map_err(|error| match error.raw_os_error() {
        Some(IN_USE) => io::ErrorKind::WouldBlock.into(),
        _ => error,
    })
}

/// Makes the name of a new file last, which is kept apart from its content.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// A file that this run alone has open; its lock goes with it, even where a program that is being started has it too.
pub(crate) struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl Store for Locked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}
