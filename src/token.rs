//! Tokens: what is known of one, where it is kept, and by what it is found again.
//!
//! A [`TokenStore`] keeps a [`TokenRecord`] under a [`TokenKey`]. Whoever renews a token holds the
//! store's lock from reading the record to writing the next one, so that a refresh token is
//! redeemed once, by however many tasks and processes.

use std::{fmt, sync::Arc};

use crate::{
    body::BoxFuture,
    error::{Error, ErrorKind, Result},
};

mod file;
mod key;
#[cfg(feature = "keyring")]
mod keyring;
mod life;
mod memory;
mod record;

pub use key::TokenKey;
pub(crate) use life::{Freshness, Life, Margin};
pub use record::TokenRecord;

/// Where tokens are kept; clones share it, and so do the clients that are given one.
///
/// ```
/// use restwalk::TokenStore;
///
/// let tokens = TokenStore::memory();
/// assert_eq!(format!("{tokens:?}"), "TokenStore(memory)");
/// ```
#[derive(Clone)]
pub struct TokenStore(Arc<dyn TokenBackend>);

impl TokenStore {
    /// Keeps tokens in this process, and forgets them with it.
    pub fn memory() -> Self {
        Self::own(memory::Memory::default())
    }

    /// Keeps tokens in the file at `path`, which processes may share; its owner alone can read it.
    ///
    /// The file is JSON of at most 1 MiB, and names whose each token is. It is replaced whole or not at all, and its
    /// folder is made where there is none. What others could have written, and what no such file is, is refused with
    /// `store.permission` and what to do; a damaged file is set aside as `….corrupt-<time>`, and told of as
    /// `store.corrupt` once. Locks are files beside it, which stay; on a file system without locks nothing is kept.
    ///
    /// ```
    /// use restwalk::{TokenKey, TokenRecord, TokenStore};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # restwalk::block_on(async {
    /// let tokens = TokenStore::file(folder.path().join("restwalk/tokens.json"));
    /// let key = TokenKey::new([("endpoint", "https://id.example.com/token"), ("account", "ada")], []);
    /// let mut turn = tokens.lock(&key).await?;
    /// let mut record = turn.read().await?.unwrap_or_default();
    /// record.generation += 1;
    /// record.access_token = Some("s3cret".into());
    /// turn.write(&record).await?;
    /// assert_eq!(tokens.read(&key).await?.unwrap().generation, 1);
    /// # Ok::<(), restwalk::Error>(())
    /// # })??;
    /// # Ok::<(), restwalk::Error>(())
    /// ```
    pub fn file(path: impl Into<std::path::PathBuf>) -> Self {
        Self::own(file::FileStore::at(path.into()))
    }

    /// Keeps tokens in the keyring of the system, under the name `service`, for all programs of this user that use it.
    ///
    /// On Linux and the BSDs that is the Secret Service (GNOME Keyring, `KWallet`, `KeePassXC`), whose default collection
    /// is unlocked by asking the person; on macOS the keychain, on Windows the credential manager, which keeps no more
    /// than 2,560 bytes of a token. What it cannot do is told and never done in another way: `store.absent` where
    /// there is none, `store.locked` where nobody unlocks it for 30 s, `store.full` where a token is too large; each says
    /// that [`TokenStore::file`] is the way out. Processes are kept apart by lock files in `$XDG_RUNTIME_DIR/restwalk`,
    /// or else in `$XDG_STATE_HOME/restwalk`, or else in `~/.local/state/restwalk`.
    ///
    /// ```
    /// use restwalk::TokenStore;
    ///
    /// let tokens = TokenStore::keyring("my-program");
    /// assert_eq!(format!("{tokens:?}"), "TokenStore(keyring my-program)");
    /// ```
    #[cfg(feature = "keyring")]
    pub fn keyring(service: impl Into<String>) -> Self {
        Self::own(keyring::Keyring::of(service.into()))
    }

    /// Keeps tokens wherever `backend` does.
    pub fn own(backend: impl TokenBackend + 'static) -> Self {
        Self(Arc::new(backend))
    }

    /// What is kept under `key`, as it is at this moment.
    ///
    /// # Errors
    /// `Store` where the store cannot be read.
    pub async fn read(&self, key: &TokenKey) -> Result<Option<TokenRecord>> {
        self.0.read(key).await
    }

    /// Waits for the lock of `key`.
    ///
    /// # Errors
    /// `Store` with the code `store.locked` where another holds it for too long.
    pub async fn lock(&self, key: &TokenKey) -> Result<Box<dyn TokenLock>> {
        self.0.lock(key).await
    }
}

impl fmt::Debug for TokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenStore({:?})", self.0)
    }
}

/// The error of a write that comes too late.
pub(crate) fn outdated() -> Error {
    let why = "another has kept a newer token under the same key; read it and use that one";
    Error::coded(ErrorKind::Store, "store.outdated", why)
}

/// A place where tokens are kept.
///
/// A record is replaced whole or not at all. [`TokenRecord::generation`] counts what is written under a key:
/// a write whose generation is not above the kept one comes too late, and is refused with `store.outdated`.
pub trait TokenBackend: fmt::Debug + Send + Sync {
    /// What is kept under `key`; no lock is waited for.
    fn read<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<TokenRecord>>>;

    /// Waits for the lock of `key`, 30 s at most; then `store.locked`.
    fn lock<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Box<dyn TokenLock>>>;
}

/// The lock of one key, let go when it is dropped, or when its process ends.
pub trait TokenLock: Send + Sync {
    /// What is kept under the key.
    fn read(&mut self) -> BoxFuture<'_, Result<Option<TokenRecord>>>;

    /// Replaces what is kept under the key.
    fn write<'a>(&'a mut self, record: &'a TokenRecord) -> BoxFuture<'a, Result<()>>;
}
