//! What was made untrue: a table of marks of one size, whose random head names everything else in the folder.
//!
//! A place has its mark in one of 65,536 slots, by its hash. To make it untrue is to put a random number there, which
//! needs no lock and is never what stood there before; a stamp is a hash of the marks of a key's places. Two places
//! that share a slot are made untrue together. No mark is ever forgotten: a table that is lost or damaged is made
//! anew with another head, and what was kept under the old one is never found again.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
};

use sha2::{Digest, Sha256};

use super::folder::{Folder, MARKS};
use crate::{
    cache::CachePlace,
    error::{Result, file::failed},
    random,
};

const SALT: usize = 32;
const SLOTS: u64 = 1 << 16;
const LENGTH: u64 = SALT as u64 + SLOTS * 8;

/// The table, open.
pub(super) struct Marks<'a> {
    folder: &'a Folder,
    file: File,
    salt: [u8; SALT],
}

impl<'a> Marks<'a> {
    /// Opens it to be read; `None` where there is none that can be believed.
    pub(super) fn open(folder: &'a Folder) -> Result<Option<Self>> {
        Self::opened(folder, OpenOptions::new().read(true))
    }

    /// Opens it to be changed too.
    pub(super) fn open_to_change(folder: &'a Folder) -> Result<Option<Self>> {
        Self::opened(folder, OpenOptions::new().read(true).write(true))
    }

    fn opened(folder: &'a Folder, options: &OpenOptions) -> Result<Option<Self>> {
        let Some((mut file, found)) = folder.open(MARKS, options)? else { return Ok(None) };
        if found.len() != LENGTH {
            return Ok(None);
        }
        let mut salt = [0; SALT];
        file.read_exact(&mut salt).map_err(|error| failed(&folder.file(MARKS), "read", error))?;
        Ok(Some(Self { folder, file, salt }))
    }

    /// Puts a new one in the place of whatever is there. Whoever calls it holds the lock.
    pub(super) fn make(folder: &'a Folder) -> Result<Self> {
        let salt: [u8; SALT] = random::bytes()?;
        folder.replace(MARKS, |file| {
            file.write_all(&salt)?;
            file.set_len(LENGTH)?;
            file.sync_all()
        })?;
        // An old one that came back after a loss of power would call old answers true.
        folder.sync()?;
        let file = File::open(folder.file(MARKS)).map_err(|error| failed(&folder.file(MARKS), "opened", error))?;
        Ok(Self { folder, file, salt })
    }

    /// What the names of values are made with.
    pub(super) fn salt(&self) -> &[u8; SALT] {
        &self.salt
    }

    /// What tells whether `place` has become untrue.
    pub(super) fn stamp(&self, place: &CachePlace) -> Result<u64> {
        let mut hash = Sha256::new();
        hash.update(self.salt);
        for id in place.ids(&self.salt) {
            let mark = self.mark(slot(&id)).map_err(|error| failed(&self.folder.file(MARKS), "read", error))?;
            hash.update(mark);
        }
        let mut stamp = [0; 8];
        stamp.copy_from_slice(&hash.finalize()[..8]);
        Ok(u64::from_be_bytes(stamp))
    }

    /// Makes all that lies under `place` untrue, and waits until the disk has it.
    pub(super) fn change(&mut self, place: &CachePlace) -> Result<()> {
        let mark: [u8; 8] = random::bytes()?;
        let at = SeekFrom::Start(slot(&place.id(&self.salt)));
        let written = self.file.seek(at).and_then(|_| self.file.write_all(&mark)).and_then(|()| self.file.sync_data());
        written.map_err(|error| failed(&self.folder.file(MARKS), "written", error))
    }

    fn mark(&self, at: u64) -> io::Result<[u8; 8]> {
        let (mut file, mut mark) = (&self.file, [0; 8]);
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut mark)?;
        Ok(mark)
    }
}

/// Where the mark of the place stands that `id` names.
pub(super) fn slot(id: &str) -> u64 {
    let slot = id.get(..4).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default();
    SALT as u64 + slot * 8
}
