//! The lock of a record in Redis, which a living holder prolongs and a dead one leaves to the others.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use ::redis::Value;
use tokio::{task::AbortHandle, time::Instant};

use super::{
    Shared,
    script::{HOLD, LOCK},
    seal::Place,
};
use crate::{
    error::{Error, ErrorKind, Result},
    random::Random,
};

/// How long a lock is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a lock lives after its holder died; a living one prolongs it.
const LIFE: Duration = Duration::from_secs(10);

/// The lock in Redis; without one while it is away.
pub(super) struct Hold(Option<Holder>);

struct Holder {
    shared: Arc<Shared>,
    place: Arc<Place>,
    name: String,
    prolonging: AbortHandle,
}

impl Hold {
    /// Asks for the lock until it is given, or Redis is away for longer than `patience`.
    pub(super) async fn take(shared: &Arc<Shared>, place: &Arc<Place>, patience: Duration) -> Result<Self> {
        let name = format!("{}/{}", shared.name, shared.locks.fetch_add(1, Ordering::Relaxed));
        let (began, chance) = (Instant::now(), Random::default());
        let life = LIFE.as_millis().to_string();
        let pause = || tokio::time::sleep(Duration::from_millis(20).mul_f64(0.5 + chance.draw()));
        loop {
            match shared.run(&LOCK, place, &[name.as_bytes(), life.as_bytes()]).await?.as_deref() {
                None if began.elapsed() < patience => pause().await,
                None => return Ok(Self(None)),
                Some([Value::Int(1)]) => {
                    let (shared, place) = (Arc::clone(shared), Arc::clone(place));
                    let prolonging = prolong(Arc::clone(&shared), Arc::clone(&place), name.clone());
                    let prolonging = tokio::spawn(prolonging).abort_handle();
                    return Ok(Self(Some(Holder { shared, place, name, prolonging })));
                }
                Some(_) if began.elapsed() >= PATIENCE => {
                    let why = "another process has been renewing this token for 30 s; try again";
                    return Err(Error::coded(ErrorKind::Store, "store.locked", why));
                }
                Some(_) => pause().await,
            }
        }
    }
}

/// Keeps a lock for as long as its holder lives.
async fn prolong(shared: Arc<Shared>, place: Arc<Place>, name: String) {
    let life = LIFE.as_millis().to_string();
    loop {
        tokio::time::sleep(LIFE / 4).await;
        // A Redis that is away for a moment may have it still.
        let held = shared.run(&HOLD, &place, &[name.as_bytes(), life.as_bytes()]).await;
        if matches!(held.as_ref().map(Option::as_deref), Err(_) | Ok(Some([Value::Int(0)]))) {
            return;
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let Some(Holder { shared, place, name, prolonging }) = self.0.take() else { return };
        prolonging.abort();
        // Without a runtime it ends by itself.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { shared.run(&HOLD, &place, &[name.as_bytes(), b"0"]).await });
        }
    }
}
