//! Who waits for whom.

use std::{sync::Mutex, task::Poll};

use super::*;

/// Polls once.
async fn poll<T>(future: &mut BoxFuture<'_, T>) -> Poll<T> {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

/// A thread for what blocks that does nothing until it is told.
struct Busy(std::sync::mpsc::Sender<()>);

impl Busy {
    /// Takes the thread after everything that waits for it.
    async fn begun() -> Self {
        let (busy, begun) = Self::queued();
        begun.await.unwrap();
        busy
    }

    fn queued() -> (Self, tokio::sync::oneshot::Receiver<()>) {
        let (say, begun) = tokio::sync::oneshot::channel();
        let (free, freed) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || {
            say.send(()).unwrap();
            freed.recv().unwrap();
        });
        (Self(free), begun)
    }

    /// Lets go of the thread for what waits now, and takes it again.
    async fn again(self) -> Self {
        let (busy, begun) = Self::queued();
        self.0.send(()).unwrap();
        begun.await.unwrap();
        busy
    }
}

/// Two accounts whose locks are not the same.
fn two() -> (TokenKey, TokenKey) {
    let bob = (0..1_000).map(|number| key(&format!("bob{number}"))).find(|bob| Lock::of(bob) != Lock::of(&key("ada")));
    (key("ada"), bob.unwrap())
}

#[tokio::test]
async fn o18_another_account_is_not_waited_for() {
    let home = Home::new();
    let (ada, bob) = two();
    let other = TokenStore::file(home.file());
    let mut held = home.tokens.lock(&ada).await.unwrap();
    for tokens in [&home.tokens, &other] {
        let mut free = tokens.lock(&bob).await.unwrap();
        let generation = free.read().await.unwrap().map_or(1, |record| record.generation + 1);
        free.write(&record(generation)).await.unwrap();
    }
    held.write(&record(1)).await.unwrap();
    assert_eq!(other.read(&ada).await.unwrap().unwrap().generation, 1);
    assert_eq!(home.tokens.read(&bob).await.unwrap().unwrap().generation, 2);
}

/// Each store has locks of its own, as two processes have.
#[tokio::test(start_paused = true)]
async fn o12_a_lock_is_waited_for_30_seconds() {
    let home = Home::new();
    let stores = [home.tokens.clone(), TokenStore::file(home.file())];
    let held = home.tokens.lock(&key("ada")).await.unwrap();
    for tokens in &stores {
        let asked = Instant::now();
        let Err(error) = tokens.lock(&key("ada")).await else { panic!("two hold it") };
        assert_eq!(error.code(), "store.locked");
        let waited = asked.elapsed();
        assert!(waited > Duration::from_secs(29) && waited <= Duration::from_secs(30), "{waited:?}");
    }
    drop(held);
    for tokens in &stores {
        let asked = Instant::now();
        drop(tokens.lock(&key("ada")).await.unwrap());
        assert_eq!(asked.elapsed(), Duration::ZERO);
    }
}

#[tokio::test]
async fn o18_one_that_waits_comes_as_soon_as_it_may() {
    let home = Home::new();
    let order = Arc::new(Mutex::new(Vec::new()));
    let held = home.tokens.lock(&key("ada")).await.unwrap();
    let waiting: Vec<_> = [home.tokens.clone(), TokenStore::file(home.file())]
        .into_iter()
        .map(|tokens| {
            let order = Arc::clone(&order);
            tokio::spawn(async move {
                let turn = tokens.lock(&key("ada")).await.unwrap();
                order.lock().unwrap().push("in");
                tokio::task::yield_now().await;
                order.lock().unwrap().push("out");
                drop(turn);
            })
        })
        .collect();
    tokio::task::yield_now().await;
    assert!(order.lock().unwrap().is_empty());
    drop(held);
    for waiter in waiting {
        waiter.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), ["in", "out", "in", "out"]);
}

/// Whoever was to write it has gone while it waits for the disk, which is one thread here that something else holds.
#[test]
fn o11_a_write_that_nobody_waits_for_keeps_its_lock() {
    let home = Home::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().max_blocking_threads(1).build().unwrap();
    let last = runtime.block_on(async {
        let mut held = home.tokens.lock(&key("ada")).await.unwrap();
        let next = record(1);
        let mut write = held.write(&next);
        // The one thread is kept busy, but for one step of the write at a time.
        let mut busy = Busy::begun().await;
        for what in ["the turnstile", "the file's lock"] {
            assert!(poll(&mut write).await.is_pending(), "it waits for {what}");
            busy = busy.again().await;
        }
        assert!(poll(&mut write).await.is_pending(), "it waits for the disk");
        drop(write);
        drop(held);
        busy
    });
    let place = Place::at(&home.file()).unwrap();
    for lock in [Lock::File, Lock::of(&key("ada"))] {
        assert!(place.try_lock(lock).unwrap().is_none(), "{lock:?}");
    }
    last.0.send(()).unwrap();
    // The one thread takes its work in turn; a runtime that ends would drop what has not begun.
    runtime.block_on(async { tokio::task::spawn_blocking(|| ()).await.unwrap() });
    drop(runtime);
    assert!(place.try_lock(Lock::of(&key("ada"))).unwrap().is_some());
    assert_eq!(place.restore(&key("ada")).unwrap().unwrap().generation, 1);
}

#[tokio::test]
async fn d14_a_lock_that_was_removed_is_no_lock() {
    let home = Home::new();
    let held = home.tokens.lock(&key("ada")).await.unwrap();
    fs::remove_dir_all(home.folder()).unwrap();
    home.save("bob", 1).await.unwrap();
    drop(held);
    home.save("ada", 1).await.unwrap();
    let folder = Folder::open(&home.folder()).unwrap().unwrap();
    let first = folder.lock("x.lock".as_ref()).unwrap().unwrap();
    assert!(folder.lock("x.lock".as_ref()).unwrap().is_none());
    first.unlock().unwrap();
    assert!(folder.lock("x.lock".as_ref()).unwrap().is_some());
}

#[tokio::test]
async fn d14_no_more_than_64_locks_stand_beside_a_file() {
    let home = Home::in_memory();
    for account in 0..1_000 {
        drop(home.tokens.lock(&key(&account.to_string())).await.unwrap());
    }
    let found = fs::read_dir(home.folder()).unwrap().count();
    assert_eq!(found, 64);
}

/// A renewal that its task gives up lets go of the lock.
#[tokio::test]
async fn o05_a_lock_ends_with_its_task() {
    let home = Home::new();
    let tokens = home.tokens.clone();
    let (say, hear) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        let _turn = tokens.lock(&key("ada")).await.unwrap();
        say.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    hear.await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    home.save("ada", 1).await.unwrap();
}
