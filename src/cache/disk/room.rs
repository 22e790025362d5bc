//! The lock of the folder, and how much may be kept in it.
//!
//! How much is kept stands in the file that is locked, and is counted up before a value is written: whoever is killed
//! leaves a number that is too high, never one that is too low. Nothing counts it down, for when it comes to the
//! capacity the files themselves are counted, and those least recently used removed until a tenth is free; once a day
//! they are counted anyway, lest a number that a loss of power brought back be believed for long.

use std::{
    fs::{File, TryLockError},
    io::{self, Read, Seek, Write},
    time::{Duration, Instant, SystemTime},
};

use super::folder::{Folder, ROOM, size};
use crate::{
    cache::terms::millis,
    error::{
        Error, ErrorKind, Result,
        file::{failed, shown},
    },
};

/// How soon another process's lock is tried again.
const SOON: Duration = Duration::from_micros(200);

/// How long a number is believed, in milliseconds.
const DAY: u64 = 24 * 60 * 60 * 1000;

/// The folder, while nobody else writes in it.
pub(super) struct Room<'a> {
    folder: &'a Folder,
    file: File,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        // Said, since a program that is being started just now has the file open too for a moment.
        let _ = self.file.unlock();
    }
}

impl<'a> Room<'a> {
    /// Locks the folder, which is there; tried again and again, since a thread that waits could not be stopped.
    pub(super) fn lock(folder: &'a Folder, patience: Duration) -> Result<Self> {
        let (file, began) = (folder.open_or_make(ROOM)?, Instant::now());
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { folder, file }),
                Err(TryLockError::WouldBlock) if began.elapsed() < patience => std::thread::sleep(SOON),
                Err(TryLockError::WouldBlock) => {
                    let why = format!("another process keeps {} locked; end one that hangs", shown(&folder.0));
                    return Err(Error::coded(ErrorKind::Store, "store.locked", why));
                }
                Err(TryLockError::Error(error)) => return Err(failed(&folder.file(ROOM), "locked", error)),
            }
        }
    }

    /// Makes room for one more file of `length` bytes; `false` where it could never have enough.
    pub(super) fn reserve(&mut self, length: u64, capacity: u64, now: SystemTime) -> Result<bool> {
        let (more, time) = (size(length), millis(now));
        let Some(rest) = capacity.checked_sub(more) else { return Ok(false) };
        let (held, counted) = match self.noted() {
            Some((held, at)) if held <= rest && at <= time && time - at < DAY => (held, at),
            _ => (self.shrink(rest.min(capacity / 10 * 9))?, time),
        };
        self.write(held.saturating_add(more), counted)?;
        Ok(true)
    }

    /// Notes how much was counted.
    pub(super) fn note(&mut self, held: u64, now: SystemTime) -> Result<()> {
        self.write(held, millis(now))
    }

    /// Removes the files that were used longest ago until no more than `most` bytes are left; says how many are.
    fn shrink(&self, most: u64) -> Result<u64> {
        let mut files: Vec<_> = self.folder.entries()?.collect();
        let mut held = files.iter().fold(0_u64, |held, file| held.saturating_add(file.size));
        files.sort_unstable_by_key(|file| file.used);
        for file in files {
            if held <= most {
                break;
            }
            self.folder.remove(&file.name)?;
            held = held.saturating_sub(file.size);
        }
        Ok(held)
    }

    /// How much is kept at most, and when it was counted; `None` where that is not known.
    fn noted(&mut self) -> Option<(u64, u64)> {
        let mut text = [0; 16];
        self.file.rewind().and_then(|()| self.file.read_exact(&mut text)).ok()?;
        let (held, counted) = text.split_at(8);
        Some((u64::from_be_bytes(held.try_into().ok()?), u64::from_be_bytes(counted.try_into().ok()?)))
    }

    fn write(&mut self, held: u64, counted: u64) -> Result<()> {
        let text = [held.to_be_bytes(), counted.to_be_bytes()].concat();
        let written: io::Result<()> = self.file.rewind().and_then(|()| self.file.write_all(&text));
        written.map_err(|error| failed(&self.folder.file(ROOM), "written", error))
    }
}
