//! One file of tokens: read, set aside where it is damaged, and written. All of it blocks.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    content::{Content, Kept, MOST, Unfit},
    folder::{Folder, failed, shown},
};
use crate::{
    error::{Error, ErrorKind, Fault, Result},
    random,
    token::{TokenKey, TokenRecord, outdated},
};

/// The most bytes that are added to the name of the file, so that every file beside it can have one.
const LONGEST_END: usize = 32;

/// Where a file of tokens is.
#[derive(Debug)]
pub(super) struct Place {
    folder: PathBuf,
    name: OsString,
}

/// How many locks the keys of a file share: one for each key that is renewed at the same time, as a rule.
pub(super) const KEYS: u8 = 64;

/// A lock, which is a file beside the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// Of a key, while it is renewed.
    Key(u8),
    /// Of the file, while it is read and replaced.
    File,
    /// Of the next who is to lock the file.
    Turnstile,
}

impl Lock {
    /// The lock of `key`: the same in every process, whatever salt a file has.
    pub(super) fn of(key: &TokenKey) -> Self {
        Self::Key(u8::from_str_radix(&key.id(b"")[..2], 16).unwrap_or_default() % KEYS)
    }

    /// The line in which tasks of one process wait for it.
    pub(super) fn line(self) -> usize {
        if let Self::Key(number) = self { usize::from(number) } else { usize::from(KEYS) }
    }

    fn end(self) -> String {
        match self {
            Self::Key(number) => format!(".lock.{number:02}"),
            Self::File => ".lock".to_owned(),
            Self::Turnstile => ".lock.next".to_owned(),
        }
    }
}

/// Why nothing was read.
pub(super) enum Unread {
    /// It stays as it is.
    Told(Error),
    /// It is damaged: whoever holds the lock may put it right.
    Damaged,
}

impl From<Error> for Unread {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

impl Place {
    /// The file at `path`, which need not exist yet.
    pub(super) fn at(path: &Path) -> Result<Self, Fault> {
        // A program may change its folder later.
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let told = |why: &str| Fault::new(ErrorKind::Request, "config", format!("{} {why}", shown(path)));
        let (Some(folder), Some(name)) = (whole.parent(), path.file_name()) else {
            return Err(told("names no file to keep tokens in"));
        };
        if name.len() + LONGEST_END > 255 {
            return Err(told("has too long a name; 223 bytes are the most, since other files stand beside it"));
        }
        Ok(Self { folder: folder.to_owned(), name: name.to_owned() })
    }

    /// What is kept under `key`. No lock is needed: a file that is being replaced is the old one or the new one.
    pub(super) fn read(&self, key: &TokenKey) -> Result<Option<TokenRecord>, Unread> {
        let Some(folder) = Folder::open(&self.folder)? else { return Ok(None) };
        let Some(text) = folder.read(&self.name, MOST)? else { return Ok(None) };
        let content = match Content::parse(&text) {
            Ok(content) => content,
            Err(Unfit::Newer(version)) => return Err(self.newer(version).into()),
            Err(Unfit::Broken(_)) => return Err(Unread::Damaged),
        };
        content.kept(&content.id(key)).map(|kept| kept.record).map_err(|_| Unread::Damaged)
    }

    /// The same under the store's lock: what is damaged is set aside, and told of.
    pub(super) fn restore(&self, key: &TokenKey) -> Result<Option<TokenRecord>> {
        let Some(folder) = Folder::open(&self.folder)? else { return Ok(None) };
        let Some(text) = folder.read(&self.name, MOST)? else { return Ok(None) };
        let content = match Content::parse(&text) {
            Ok(content) => content,
            Err(Unfit::Newer(version)) => return Err(self.newer(version)),
            Err(Unfit::Broken(why)) => return Err(self.set_aside(&folder, &why)?),
        };
        let id = content.id(key);
        match content.kept(&id) {
            Ok(kept) => Ok(kept.record),
            Err(error) => {
                let told = self.copy_aside(&folder, &text, &error)?;
                folder.replace(&self.name, content.with(&id, None).as_bytes())?;
                Err(told)
            }
        }
    }

    /// Replaces what is kept under `key`, under the store's lock; what is kept already is not written again.
    pub(super) fn write(&self, key: &TokenKey, record: &TokenRecord) -> Result<()> {
        let folder = Folder::make(&self.folder)?;
        let text = folder.read(&self.name, MOST)?;
        let content = match text.as_ref().map(|text| Content::parse(text)) {
            None => Content::fresh(salt(&self.path())?),
            Some(Ok(content)) => content,
            Some(Err(Unfit::Newer(version))) => return Err(self.newer(version)),
            Some(Err(Unfit::Broken(why))) => {
                let told = self.set_aside(&folder, &why)?;
                tracing::warn!("{told}");
                Content::fresh(salt(&self.path())?)
            }
        };
        let id = content.id(key);
        let kept = match (content.kept(&id), &text) {
            (Ok(kept), _) => kept,
            (Err(error), text) => {
                let text = text.as_ref().map_or(&[][..], |text| text);
                let told = self.copy_aside(&folder, text, &error)?;
                tracing::warn!("{told}");
                Kept::default()
            }
        };
        if kept.is(record) {
            return Ok(());
        }
        if kept.record.as_ref().is_some_and(|kept| kept.generation >= record.generation) {
            return Err(outdated());
        }
        let text = content.with(&id, Some(&kept.entry(key, record)));
        if text.len() > MOST {
            let why = format!("{} would be longer than 1 MiB; keep some tokens in another file", shown(&self.path()));
            return Err(Error::coded(ErrorKind::Store, "store.full", why));
        }
        folder.replace(&self.name, text.as_bytes())
    }

    /// Tries to take a lock; `None` while another holds it.
    pub(super) fn try_lock(&self, lock: Lock) -> Result<Option<File>> {
        Folder::make(&self.folder)?.lock(&self.beside(&lock.end()))
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// Gives a damaged file another name; says so.
    fn set_aside(&self, folder: &Folder, why: &str) -> Result<Error> {
        let aside = self.aside();
        folder.rename(&self.name, &aside)?;
        Ok(self.corrupt(why, "it is now", &aside))
    }

    /// Keeps a copy of a file of which one record is damaged; says so.
    fn copy_aside(&self, folder: &Folder, text: &[u8], error: &Error) -> Result<Error> {
        let aside = self.aside();
        folder.replace(&aside, text)?;
        Ok(self.corrupt(&format!("is damaged: {error}"), "it was copied to", &aside))
    }

    fn corrupt(&self, why: &str, what: &str, aside: &OsStr) -> Error {
        let (path, aside) = (shown(&self.path()), shown(&self.folder.join(aside)));
        Error::coded(ErrorKind::Store, "store.corrupt", format!("{path} {why}; {what} {aside}: sign in again"))
    }

    /// A file that a later version wrote is no use to this one, and stays as it is for that one.
    fn newer(&self, version: u64) -> Error {
        let why = "this program reads version 1; update it, or keep its tokens in another file";
        let message = format!("{} is of version {version}, and {why}", shown(&self.path()));
        Error::coded(ErrorKind::Store, "store.corrupt", message)
    }

    /// A name that tells when it was given.
    fn aside(&self) -> OsString {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.beside(&format!(".corrupt-{}", now.as_millis()))
    }

    fn beside(&self, end: &str) -> OsString {
        let mut name = self.name.clone();
        name.push(end);
        name
    }
}

/// Random digits, so that names in one file tell nothing of those in another.
fn salt(path: &Path) -> Result<String> {
    let digits = || random::digits().map_err(|error| failed(path, "written", error));
    Ok(digits()? + &digits()?)
}
