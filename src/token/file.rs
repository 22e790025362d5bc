//! Tokens in a file that processes share.
//!
//! Two kinds of locks keep them apart, both of the operating system, which lets go of them with the process. The
//! lock of a key is held while its token is renewed, by way of the network; the lock of the file only while the file
//! is read and replaced. So a slow renewal keeps nobody from other tokens, and no token of another is lost.
//! There are 64 locks for keys, and a task holds one at a time, since two keys may share one.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::{TokenBackend, TokenKey, TokenLock, TokenRecord};
use crate::{
    body::BoxFuture,
    error::{Error, ErrorKind, Fault, Result},
};

mod content;
mod folder;
mod place;

#[cfg(test)]
mod tests;

use folder::shown;
use place::{Place, Unread};

/// How long a lock is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How soon another process's lock is tried again: at first, and at the most.
const SOON: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(8));

/// How many locks the keys of a file share: one for each key that is renewed at the same time, as a rule.
const LOCKS: u8 = 64;

/// Keeps tokens in a file.
pub(super) struct FileStore(Result<Arc<Shared>, Fault>);

struct Shared {
    place: Place,
    /// Within this process tasks wait in line, which is held across a renewal on purpose; the last is the file's.
    lines: Vec<Line>,
}

type Line = Arc<Semaphore>;

/// A lock of the operating system, let go when it is dropped.
struct Turn {
    file: std::fs::File,
    _first: OwnedSemaphorePermit,
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Said, since a program that is being started just now has the file open too for a moment.
        let _ = self.file.unlock();
    }
}

/// The lock of a key.
struct Held {
    store: Arc<Shared>,
    key: TokenKey,
    /// A write that nobody waits for any more holds it until it ends.
    turn: Arc<Turn>,
}

impl FileStore {
    pub(super) fn at(path: PathBuf) -> Self {
        let lines = (0..=LOCKS).map(|_| Line::new(Semaphore::new(1))).collect();
        Self(Place::at(&path).map(|place| Arc::new(Shared { place, lines })))
    }

    fn shared(&self) -> Result<&Arc<Shared>> {
        self.0.as_ref().map_err(|fault| fault.clone().into())
    }
}

impl Shared {
    async fn read(self: &Arc<Self>, key: &TokenKey) -> Result<Option<TokenRecord>> {
        let (store, wanted) = (Arc::clone(self), key.clone());
        match self.blocking(move || store.place.read(&wanted)).await? {
            Ok(found) => Ok(found),
            Err(Unread::Told(error)) => Err(error),
            Err(Unread::Damaged) => {
                let (store, wanted, turn) = (Arc::clone(self), key.clone(), self.turn(None).await?);
                let restored = self.blocking(move || (store.place.restore(&wanted), drop(turn))).await?;
                restored.0
            }
        }
    }

    /// Waits for the lock of that number, or for the one of the file: in line in this process, then for others.
    async fn turn(self: &Arc<Self>, number: Option<u8>) -> Result<Turn> {
        let line = self.lines.get(usize::from(number.unwrap_or(LOCKS))).cloned();
        let line = line.unwrap_or_else(|| Line::new(Semaphore::new(1)));
        let asked = Instant::now();
        let first = tokio::time::timeout(PATIENCE, line.acquire_owned()).await;
        let first = first.ok().and_then(Result::ok).ok_or_else(|| self.locked())?;
        let mut pause = SOON.0;
        loop {
            let store = Arc::clone(self);
            if let Some(file) = self.blocking(move || store.place.try_lock(number)).await?? {
                return Ok(Turn { file, _first: first });
            }
            if asked.elapsed() + pause > PATIENCE {
                return Err(self.locked());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SOON.1);
        }
    }

    /// Does `job` where it may block; it goes on when nobody waits for it any more.
    async fn blocking<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        tokio::task::spawn_blocking(job).await.map_err(|error| {
            let message = format!("{} was left, since the runtime ended", shown(&self.place.path()));
            Error::coded(ErrorKind::Store, "store.write", message).with_source(error)
        })
    }

    fn locked(&self) -> Error {
        let path = shown(&self.place.path());
        let why = format!("another has held a lock of {path} for 30 s; try again, or end a process that hangs");
        Error::coded(ErrorKind::Store, "store.locked", why)
    }
}

impl TokenBackend for FileStore {
    fn read<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<TokenRecord>>> {
        Box::pin(async move { self.shared()?.read(key).await })
    }

    fn lock<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Box<dyn TokenLock>>> {
        Box::pin(async move {
            let store = self.shared()?;
            let turn = Arc::new(store.turn(Some(number(key))).await?);
            Ok(Box::new(Held { store: Arc::clone(store), key: key.clone(), turn }) as _)
        })
    }
}

impl TokenLock for Held {
    fn read(&mut self) -> BoxFuture<'_, Result<Option<TokenRecord>>> {
        Box::pin(self.store.read(&self.key))
    }

    fn write<'a>(&'a mut self, record: &'a TokenRecord) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (store, own, file) = (Arc::clone(&self.store), Arc::clone(&self.turn), self.store.turn(None).await?);
            let (key, record) = (self.key.clone(), record.clone());
            let job = move || (store.place.write(&key, &record), drop(file), drop(own));
            self.store.blocking(job).await?.0
        })
    }
}

/// Which lock is that of `key`: the same in every process, whatever salt a file has.
fn number(key: &TokenKey) -> u8 {
    u8::from_str_radix(&key.id(b"")[..2], 16).unwrap_or_default() % LOCKS
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(shared) => write!(f, "file {}", shown(&shared.place.path())),
            Err(_) => f.write_str("file"),
        }
    }
}
