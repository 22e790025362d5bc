//! D: what is done on the disk, and what is refused there.

use std::{
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
};

use tempfile::TempDir;

use super::{content::MOST, folder::Folder, *};
use crate::{TokenStore, secret::Secret};

mod damage;
mod guards;
mod locks;
mod saving;

/// A folder of one's own, with a store in it.
struct Home {
    folder: TempDir,
    tokens: TokenStore,
}

impl Home {
    fn new() -> Self {
        Self::of(tempfile::tempdir().unwrap())
    }

    /// In memory, where a disk that is waited for has nothing to do with the test.
    fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        Self::of(if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() })
    }

    fn of(folder: TempDir) -> Self {
        let tokens = TokenStore::file(folder.path().join("restwalk/tokens.json"));
        Self { folder, tokens }
    }

    fn folder(&self) -> PathBuf {
        self.folder.path().join("restwalk")
    }

    fn file(&self) -> PathBuf {
        self.folder().join("tokens.json")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// Writes `text` as the file, for its owner alone.
    fn put(&self, text: impl AsRef<[u8]>) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(self.folder()).unwrap();
        fs::write(self.file(), text).unwrap();
        mode(&self.file(), 0o600);
    }

    /// The names in the folder, but those of locks.
    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| !name.contains(".lock")).collect();
        names.sort_unstable();
        names
    }

    async fn save(&self, account: &str, generation: u64) -> Result<()> {
        save(&self.tokens, account, generation).await
    }

    async fn generation(&self, account: &str) -> Result<Option<u64>> {
        Ok(self.tokens.read(&key(account)).await?.map(|record| record.generation))
    }
}

async fn save(tokens: &TokenStore, account: &str, generation: u64) -> Result<()> {
    tokens.lock(&key(account)).await?.write(&record(generation)).await
}

fn key(account: &str) -> TokenKey {
    TokenKey::new([("account", account)], &[Secret::from("CNRY-key")])
}

fn record(generation: u64) -> TokenRecord {
    holding(generation, "CNRY-access")
}

fn holding(generation: u64, token: &str) -> TokenRecord {
    let mut record = TokenRecord::default();
    record.generation = generation;
    record.access_token = Some(Secret::from(token));
    record
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode_of(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// What was refused, with the code `code`; the text shows no token.
fn refused<T>(result: Result<T>, code: &str) -> String {
    let Err(error) = result else { panic!("not refused") };
    assert_eq!((error.kind(), error.code()), (ErrorKind::Store, code), "{error}");
    let said = format!("{error} {error:?}");
    assert!(!said.contains("CNRY"), "{said}");
    error.to_string()
}
