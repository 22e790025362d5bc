//! A file of environments and those beside it, and what they hold when they are trusted.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::read::Said;
use crate::{
    catalog::strict::LONGEST,
    error::{Error, ErrorKind, Result, printable},
    secret::hex,
};

/// The largest file that is pinned: programs are larger than what is read of other files, in bytes.
const LARGEST: u64 = 64 << 20;

/// How much of a file is read at once, in bytes.
const BLOCK: usize = 64 << 10;

/// A SHA-256.
pub(super) type Hash = [u8; 32];

/// Where environments stand.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) file: PathBuf,
    /// The folder that paths in it begin at.
    pub(super) folder: PathBuf,
    /// What it held itself when it was read, where it must stay so.
    hash: Option<Hash>,
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
        Ok(Self { file, folder, hash: None, pins: HashMap::new() })
    }

    /// What messages call it.
    pub(super) fn shown(&self) -> String {
        printable(&self.file.display().to_string())
    }

    /// The hash of this file, which holds `bytes`, and of the files that it names by `said`; from now on they must
    /// stay as they are.
    ///
    /// Where the file is counts too, since programs and secrets may be named relative to it.
    ///
    /// # Errors
    /// The file has gone, or one that it names cannot be read.
    pub(super) fn pin(&mut self, bytes: &[u8], said: &Said) -> Result<Fingerprint> {
        for path in said.files.iter().map(|name| self.folder.join(name)) {
            let hash = if path.exists() { Some(digest(&path)?) } else { None };
            self.pins.insert(path, hash);
        }
        let words: Vec<_> = self.beside(said).map(|word| self.folder.join(word)).collect();
        for path in words {
            let hash = state(&path)?;
            self.pins.insert(path, hash);
        }
        self.hash = Some(Sha256::digest(bytes).into());
        self.fingerprint(bytes, said)
    }

    /// What programs' lines name beside this file, which comes with it; all else is the system's.
    fn beside<'a>(&'a self, said: &'a Said) -> impl Iterator<Item = &'a PathBuf> {
        said.words.iter().filter(|word| self.folder.join(word).starts_with(&self.folder))
    }

    /// The hash of this file, were it to hold `bytes`, and of the files that it names by `said` as they were.
    ///
    /// # Errors
    /// The file has gone.
    pub(super) fn fingerprint(&self, bytes: &[u8], said: &Said) -> Result<Fingerprint> {
        let place = self.file.canonicalize().map_err(|error| unreadable(&self.file, error))?;
        let mut whole = Sha256::new();
        add(&mut whole, place.as_os_str().as_encoded_bytes());
        add(&mut whole, bytes);
        for name in said.files.iter().chain(self.beside(said)) {
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
        match self.pins.get(&path) {
            Some(pinned) if *pinned != Some(Sha256::digest(&bytes).into()) => Err(self.changed(&path)),
            _ => Ok((printable(&path.display().to_string()), bytes)),
        }
    }

    /// Whether a file that this one names must stay as it is.
    pub(super) fn is_pinned(&self, name: &Path) -> bool {
        self.pins.contains_key(&self.folder.join(name))
    }

    /// Looks whether a program or its script, named by `word`, is still what was trusted.
    ///
    /// # Errors
    /// It is not, or cannot be read.
    pub(super) fn check(&self, word: &Path) -> Result<()> {
        let path = self.folder.join(word);
        match self.pins.get(&path) {
            Some(pinned) if *pinned != state(&path)? => Err(self.changed(&path)),
            _ => Ok(()),
        }
    }

    /// Looks whether `bytes` are still what this file held when it was read, where that counts.
    ///
    /// # Errors
    /// They are not.
    pub(super) fn check_own(&self, bytes: &[u8]) -> Result<()> {
        match self.hash {
            Some(hash) if hash != Hash::from(Sha256::digest(bytes)) => Err(self.changed(&self.file)),
            _ => Ok(()),
        }
    }

    /// The same, now that this file holds `bytes`.
    pub(super) fn holding(&self, bytes: &[u8]) -> Self {
        let hash = self.hash.map(|_| Sha256::digest(bytes).into());
        Self { hash, ..self.clone() }
    }

    fn changed(&self, path: &Path) -> Error {
        let (path, own) = (printable(&path.display().to_string()), self.shown());
        let why = format!("{path} has changed since {own} was read; start again");
        Error::coded(ErrorKind::Request, "config.untrusted", why)
    }
}

impl Fingerprint {
    /// 64 digits of hexadecimal.
    pub(super) fn hex(self) -> String {
        hex(&self.0)
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
    content_of(path, opened(path)?)
}

/// The bytes of the file that was opened at `path`.
///
/// # Errors
/// As for [`content`].
pub(super) fn content_of(path: &Path, file: File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    each_block((path, file), LONGEST as u64, |block| bytes.extend_from_slice(block))?;
    Ok(bytes)
}

/// The regular file at `path`.
///
/// # Errors
/// It is none, or cannot be read.
pub(super) fn opened(path: &Path) -> Result<File> {
    let unreadable = |error| unreadable(path, error);
    // A pipe that a stranger's file names would be waited for without end.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        let why = "it is no regular file";
        return Err(unreadable(std::io::Error::new(std::io::ErrorKind::InvalidInput, why)));
    }
    File::open(path).map_err(unreadable)
}

/// The hash of a file that may be a program.
///
/// # Errors
/// It cannot be read, or is longer than any that is pinned.
fn digest(path: &Path) -> Result<Hash> {
    let mut whole = Sha256::new();
    each_block((path, opened(path)?), LARGEST, |block| whole.update(block))?;
    Ok(whole.finalize().into())
}

/// The hash of what a word of a program's line names, where that is a file.
fn state(path: &Path) -> Result<Option<Hash>> {
    if path.is_file() { digest(path).map(Some) } else { Ok(None) }
}

/// Gives `take` a file block by block, of which there are at most `most` bytes.
fn each_block((path, file): (&Path, File), most: u64, mut take: impl FnMut(&[u8])) -> Result<()> {
    let mut reader = BufReader::with_capacity(BLOCK, file.take(most + 1));
    let mut read = 0;
    loop {
        let block = reader.fill_buf().map_err(|error| unreadable(path, error))?;
        let length = block.len();
        if length == 0 {
            return Ok(());
        }
        read += length as u64;
        if read > most {
            let why = format!("{}: the file has more than {most} bytes", printable(&path.display().to_string()));
            return Err(Error::coded(ErrorKind::Request, "config", why));
        }
        take(block);
        reader.consume(length);
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let why = format!("{}: cannot be read", printable(&path.display().to_string()));
    Error::coded(ErrorKind::Request, "config", why).with_source(error)
}
