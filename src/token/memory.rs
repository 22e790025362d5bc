//! Tokens kept in this process.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::OwnedMutexGuard;

use super::{TokenBackend, TokenKey, TokenLock, TokenRecord};
use crate::{
    body::BoxFuture,
    error::{Error, ErrorKind, Result},
};

/// How long the lock of a key is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// One record, behind the lock of its key: held across a renewal on purpose, which is what it is for.
type Slot = Arc<tokio::sync::Mutex<()>>;

#[derive(Default)]
pub(super) struct Memory {
    known: Arc<Mutex<HashMap<TokenKey, (Slot, Option<TokenRecord>)>>>,
}

impl Memory {
    fn slot(&self, key: &TokenKey) -> Slot {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&known.entry(key.clone()).or_default().0)
    }
}

struct Held {
    known: Arc<Mutex<HashMap<TokenKey, (Slot, Option<TokenRecord>)>>>,
    key: TokenKey,
    _turn: OwnedMutexGuard<()>,
}

impl TokenBackend for Memory {
    fn read<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<TokenRecord>>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(key).and_then(|(_, record)| record.clone());
        Box::pin(std::future::ready(Ok(found)))
    }

    fn lock<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Box<dyn TokenLock>>> {
        Box::pin(async move {
            let turn = tokio::time::timeout(PATIENCE, self.slot(key).lock_owned());
            let turn = turn.await.map_err(|_| locked())?;
            Ok(Box::new(Held { known: Arc::clone(&self.known), key: key.clone(), _turn: turn }) as _)
        })
    }
}

fn locked() -> Error {
    Error::coded(ErrorKind::Store, "store.locked", "another task has been renewing this token for 30 s; try again")
}

impl TokenLock for Held {
    fn read(&mut self) -> BoxFuture<'_, Result<Option<TokenRecord>>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(&self.key).and_then(|(_, record)| record.clone());
        Box::pin(std::future::ready(Ok(found)))
    }

    fn write<'a>(&'a mut self, record: &'a TokenRecord) -> BoxFuture<'a, Result<()>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(self.key.clone()).or_default().1 = Some(record.clone());
        Box::pin(std::future::ready(Ok(())))
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory")
    }
}
