//! Tokens kept in this process.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{TokenBackend, TokenKey, TokenLock, TokenRecord};
use crate::{
    body::BoxFuture,
    error::{Error, ErrorKind, Result},
};

/// How long the lock of a key is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Memory {
    known: Known,
}

type Known = Arc<Mutex<HashMap<TokenKey, Slot>>>;

/// A record, and the one turn to renew it.
struct Slot {
    turn: Arc<Semaphore>,
    record: Option<TokenRecord>,
}

impl Default for Slot {
    fn default() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), record: None }
    }
}

struct Held {
    known: Known,
    key: TokenKey,
    _turn: OwnedSemaphorePermit,
}

fn kept(known: &Known, key: &TokenKey) -> Option<TokenRecord> {
    known.lock().unwrap_or_else(PoisonError::into_inner).get(key)?.record.clone()
}

impl TokenBackend for Memory {
    fn read<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<TokenRecord>>> {
        Box::pin(std::future::ready(Ok(kept(&self.known, key))))
    }

    fn lock<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Box<dyn TokenLock>>> {
        Box::pin(async move {
            let turn = {
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(&known.entry(key.clone()).or_default().turn)
            };
            let turn = tokio::time::timeout(PATIENCE, turn.acquire_owned()).await;
            let turn = turn.ok().and_then(Result::ok).ok_or_else(locked)?;
            Ok(Box::new(Held { known: Arc::clone(&self.known), key: key.clone(), _turn: turn }) as _)
        })
    }
}

fn locked() -> Error {
    Error::coded(ErrorKind::Store, "store.locked", "another task has been renewing this token for 30 s; try again")
}

impl TokenLock for Held {
    fn read(&mut self) -> BoxFuture<'_, Result<Option<TokenRecord>>> {
        Box::pin(std::future::ready(Ok(kept(&self.known, &self.key))))
    }

    fn write<'a>(&'a mut self, record: &'a TokenRecord) -> BoxFuture<'a, Result<()>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = known.entry(self.key.clone()).or_default();
        let written = match &slot.record {
            Some(kept) if kept.generation >= record.generation => Err(super::outdated()),
            _ => {
                slot.record = Some(record.clone());
                Ok(())
            }
        };
        Box::pin(std::future::ready(written))
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_writes_too_late_is_refused_and_who_waits_too_long_is_told() {
        let store = Memory::default();
        let key = TokenKey::new([("client", "svc")], []);
        let record = |generation: u64| {
            TokenRecord::from_json(&format!(r#"{{"generation":{generation},"access_token":"a{generation}"}}"#)).unwrap()
        };
        let mut lock = store.lock(&key).await.unwrap();
        lock.write(&record(2)).await.unwrap();
        for late in [1, 2] {
            assert_eq!(lock.write(&record(late)).await.unwrap_err().code(), "store.outdated");
        }
        assert_eq!(store.read(&key).await.unwrap().unwrap().generation, 2);
        assert_eq!(store.lock(&key).await.err().unwrap().code(), "store.locked");
        let other = TokenKey::new([("client", "other")], []);
        assert!(store.lock(&other).await.is_ok(), "each key has its own lock");
        drop(lock);
        assert!(store.lock(&key).await.is_ok());
    }
}
