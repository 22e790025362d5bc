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

#[cfg(all(test, unix))]
mod tests;

use folder::shown;
use place::{Lock, Place, Unread};

/// How long a lock is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How soon another process's lock is tried again: at first, and by and by.
const SOON: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(8));

/// Keeps tokens in a file.
pub(super) struct FileStore(Result<Arc<Shared>, Fault>);

struct Shared {
    place: Place,
    /// Within this process tasks wait in line, which is held across a renewal on purpose; the last is the file's.
    lines: Vec<Line>,
}

type Line = Arc<Semaphore>;

/// A lock of the operating system, let go when it is dropped.
struct Locked(std::fs::File);

impl Drop for Locked {
    fn drop(&mut self) {
        // Said, since a program that is being started just now has the file open too for a moment.
        let _ = self.0.unlock();
    }
}

/// A lock, and the first place of its line, which goes to the next after the lock.
struct Turn {
    _lock: Locked,
    _first: OwnedSemaphorePermit,
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
        let lines = (0..=place::KEYS).map(|_| Line::new(Semaphore::new(1))).collect();
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
                let (store, wanted, turn) = (Arc::clone(self), key.clone(), self.turn(Lock::File).await?);
                let restored = self.blocking(move || (store.place.restore(&wanted), drop(turn))).await?;
                restored.0
            }
        }
    }

    /// Waits for a lock: in line in this process, then for other processes.
    async fn turn(self: &Arc<Self>, lock: Lock) -> Result<Turn> {
        let line = self.lines.get(lock.line()).cloned();
        let line = line.unwrap_or_else(|| Line::new(Semaphore::new(1)));
        let until = Instant::now() + PATIENCE;
        let first = tokio::time::timeout_at(until, line.acquire_owned()).await;
        let first = first.ok().and_then(Result::ok).ok_or_else(|| self.locked())?;
        // Whoever waits for the file's lock holds the turnstile, or a process with a long line would let nobody in.
        let turnstile = if lock == Lock::File { Some(self.locks(Lock::Turnstile, until).await?) } else { None };
        let lock = self.locks(lock, until).await?;
        drop(turnstile);
        Ok(Turn { _lock: lock, _first: first })
    }

    /// Tries a lock again and again: a thread that waits for one could not be stopped.
    async fn locks(self: &Arc<Self>, lock: Lock, until: Instant) -> Result<Locked> {
        let mut pause = SOON.0;
        loop {
            let store = Arc::clone(self);
            if let Some(file) = self.blocking(move || store.place.try_lock(lock)).await?? {
                return Ok(Locked(file));
            }
            if Instant::now() + pause > until {
                return Err(self.locked());
            }
            tokio::time::sleep(pause).await;
            // The file's lock is tried by one at a time, and never held for long.
            pause = if lock == Lock::File { SOON.0 } else { SOON.1.min(pause * 2) };
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
            let turn = Arc::new(store.turn(Lock::of(key)).await?);
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
            let (store, own, file) =
                (Arc::clone(&self.store), Arc::clone(&self.turn), self.store.turn(Lock::File).await?);
            let (key, record) = (self.key.clone(), record.clone());
            let job = move || (store.place.write(&key, &record), drop(file), drop(own));
            self.store.blocking(job).await?.0
        })
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(shared) => write!(f, "file {}", shown(&shared.place.path())),
            Err(_) => f.write_str("file"),
        }
    }
}
