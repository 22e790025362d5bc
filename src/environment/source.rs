//! A file of environments and those beside it, and what they hold when they are trusted.

use std::{
    collections::HashMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{
    catalog::strict::LONGEST,
    error::{Error, ErrorKind, Result, printable},
};

/// A SHA-256.
pub(super) type Hash = [u8; 32];

/// Where environments stand.
pub(super) struct Source {
    pub(super) file: PathBuf,
    /// The folder that paths in it begin at.
    pub(super) folder: PathBuf,
    /// What the files that it names held when it was trusted; `None` for one that was not there.
    pins: HashMap<PathBuf, Option<Hash>>,
}

/// A file of environments with all that it names, as one hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint(Hash);

impl Source {
    /// The file at `path`, which may be relative to the folder that the process is in.
    ///
    /// # Errors
    /// There is no such folder.
    pub(super) fn new(path: &Path) -> Result<Self> {
        let file = std::path::absolute(path).map_err(|error| unreadable(path, error))?;
        let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
        Ok(Self { file, folder, pins: HashMap::new() })
    }

    /// What messages call it.
    pub(super) fn shown(&self) -> String {
        printable(&self.file.display().to_string())
    }

    /// The hash of this file, which holds `bytes`, and of `files`, which it names; from now on they must stay as
    /// they are.
    ///
    /// Where the file is counts too, since programs and secrets may be named relative to it.
    ///
    /// # Errors
    /// The file has gone, or one that it names cannot be read.
    pub(super) fn pin(&mut self, bytes: &[u8], files: &[PathBuf]) -> Result<Fingerprint> {
        for name in files {
            let path = self.folder.join(name);
            let hash = if path.exists() { Some(Sha256::digest(content(&path)?).into()) } else { None };
            self.pins.insert(path, hash);
        }
        self.fingerprint(bytes, files)
    }

    /// The hash of this file, were it to hold `bytes`, and of `files` as they were.
    ///
    /// # Errors
    /// The file has gone.
    pub(super) fn fingerprint(&self, bytes: &[u8], files: &[PathBuf]) -> Result<Fingerprint> {
        let place = self.file.canonicalize().map_err(|error| unreadable(&self.file, error))?;
        let mut whole = Sha256::new();
        add(&mut whole, place.as_os_str().as_encoded_bytes());
        add(&mut whole, bytes);
        for name in files {
            let pinned = self.pins.get(&self.folder.join(name)).and_then(Option::as_ref);
            add(&mut whole, name.as_os_str().as_encoded_bytes());
            add(&mut whole, pinned.map_or(&[][..], |hash| &hash[..]));
        }
        Ok(Fingerprint(whole.finalize().into()))
    }

    /// The bytes of a file that this one names, at most 4 MiB.
    ///
    /// # Errors
    /// It cannot be read, or is no longer what was trusted.
    pub(super) fn read(&self, name: &Path) -> Result<(String, Vec<u8>)> {
        let path = self.folder.join(name);
        let bytes = content(&path)?;
        let shown = printable(&path.display().to_string());
        match self.pins.get(&path) {
            Some(pinned) if *pinned != Some(Sha256::digest(&bytes).into()) => {
                let why = format!("{shown} has changed since {} was read; start again", self.shown());
                Err(Error::coded(ErrorKind::Request, "config.untrusted", why))
            }
            _ => Ok((shown, bytes)),
        }
    }
}

impl Fingerprint {
    /// 64 digits of hexadecimal.
    pub(super) fn hex(self) -> String {
        self.0.iter().fold(String::with_capacity(64), |hex, byte| hex + &format!("{byte:02x}"))
    }
}

/// Adds `part` behind its length, so that no two lists of parts are the same bytes.
fn add(whole: &mut Sha256, part: &[u8]) {
    whole.update((part.len() as u64).to_le_bytes());
    whole.update(part);
}

/// The bytes of a file of at most 4 MiB.
///
/// # Errors
/// It cannot be read, or is longer.
pub(super) fn content(path: &Path) -> Result<Vec<u8>> {
    let most = LONGEST as u64;
    let mut bytes = Vec::new();
    // A pipe that a stranger's file names would be waited for without end.
    if !std::fs::metadata(path).map_err(|error| unreadable(path, error))?.is_file() {
        let why = "it is no regular file";
        return Err(unreadable(path, std::io::Error::new(std::io::ErrorKind::InvalidInput, why)));
    }
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.map_err(|error| unreadable(path, error))?;
    if bytes.len() as u64 > most {
        let why = format!("{}: the file has more than {most} bytes", printable(&path.display().to_string()));
        return Err(Error::coded(ErrorKind::Request, "config", why));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let why = format!("{}: cannot be read", printable(&path.display().to_string()));
    Error::coded(ErrorKind::Request, "config", why).with_source(error)
}
