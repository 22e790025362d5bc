//! Threads that may wait for the disk: so many at a time, and none for long.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Semaphore, time::Instant};

use super::folder::Folder;
use crate::error::{Error, ErrorKind, Result, file::shown};

/// How long nothing more is asked of a disk that did not answer.
const REST: Duration = Duration::from_secs(10);

/// Those who do the same, in line.
pub(super) struct Line {
    turns: Arc<Semaphore>,
    rests: Mutex<Option<Instant>>,
}

impl Line {
    /// One where `most` go at the same time.
    pub(super) fn of(most: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(most)), rests: Mutex::new(None) }
    }

    /// Does `job` in its turn; it goes on when nobody waits for it any more.
    ///
    /// # Errors
    /// `store.slow` where it is not done within `patience`, and at once for 10 s after that.
    pub(super) async fn take<T: Send + 'static>(
        &self,
        folder: &Folder,
        patience: Duration,
        job: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let told = |why: &str| Error::coded(ErrorKind::Store, "store.slow", format!("{} {why}", shown(&folder.0)));
        let rests = *self.rests.lock().unwrap_or_else(PoisonError::into_inner);
        if rests.is_some_and(|until| Instant::now() < until) {
            return Err(told("did not answer a while ago, and is left alone for 10 s"));
        }
        let turns = Arc::clone(&self.turns);
        let work = async {
            let turn = turns.acquire_owned().await.map_err(|error| told("is not in use").with_source(error))?;
            let job = move || {
                let done = job();
                drop(turn);
                done
            };
            let done = tokio::task::spawn_blocking(job).await;
            done.map_err(|error| told("was left, since the runtime ended").with_source(error))?
        };
        if let Ok(done) = tokio::time::timeout(patience, work).await {
            return done;
        }
        *self.rests.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now().checked_add(REST);
        Err(told("did not answer in time"))
    }

    /// Those who go, for tests that keep them all.
    #[cfg(test)]
    pub(super) fn turns(&self) -> &Arc<Semaphore> {
        &self.turns
    }
}
