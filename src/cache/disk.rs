//! Answers in a folder that processes share.
//!
//! A value is a file whose name is hexadecimal digits; `marks` tells what was made untrue, and `room` is the lock of
//! whoever writes. Nothing is held open between two operations and nothing of the folder is remembered, so that what
//! another process does is seen at once. Reading takes no lock once there are marks.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;

use super::{Cache, CacheBackend, CacheKey, CachePlace, Kept};
use crate::{
    body::BoxFuture,
    error::{Result, file::shown},
};

mod entry;
mod folder;
mod line;
mod marks;
mod room;

#[cfg(all(test, unix))]
mod tests;

use folder::Folder;
use line::Line;
use marks::Marks;
use room::Room;

/// The most bytes that are kept where nothing else is said.
const CAPACITY: u64 = 256 << 20;

/// How long an operation may take, whoever else has the folder or the disk.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many threads read at the same time.
const READERS: usize = 16;

impl Cache {
    /// Keeps answers in the folder at `path`, where processes find each other's: 256 MiB of them, unless
    /// [`Cache::capacity`] says otherwise, by the blocks of 4 KiB that they take.
    ///
    /// The folder is made when the first call is looked up, for its owner alone. What is wrong with it, such as that
    /// others can write it, is told by one warning in the log: calls go on without a cache.
    ///
    /// ```
    /// let cache = restwalk::Cache::disk("/var/cache/weather");
    /// ```
    pub fn disk(path: impl Into<PathBuf>) -> Self {
        Self::own(Disk::at(&path.into()))
    }
}

/// Keeps answers in a folder.
struct Disk(Arc<Shared>);

/// What time it is.
type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

struct Shared {
    folder: Folder,
    capacity: AtomicU64,
    clock: Clock,
    patience: Duration,
    readers: Line,
    /// Of one thread, so that one alone tries the folder's lock.
    writers: Line,
    /// How many places could not be made untrue: everything is forgotten before anything else is given.
    owed: AtomicU64,
}

impl Disk {
    fn at(path: &Path) -> Self {
        Self::new(path, Arc::new(SystemTime::now), PATIENCE)
    }

    fn new(path: &Path, clock: Clock, patience: Duration) -> Self {
        // A program may change its folder later.
        let folder = Folder(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
        let (capacity, owed) = (AtomicU64::new(CAPACITY), AtomicU64::new(0));
        let (readers, writers) = (Line::of(READERS), Line::of(1));
        Self(Arc::new(Shared { folder, capacity, clock, patience, readers, writers, owed }))
    }

    /// Does `job` on a thread that may wait for the disk.
    async fn read<T: Send + 'static>(&self, job: impl FnOnce(&Shared) -> Result<T> + Send + 'static) -> Result<T> {
        let shared = Arc::clone(&self.0);
        self.0.readers.take(&self.0.folder, self.0.patience, move || job(&shared)).await
    }

    /// The same for what takes the folder's lock.
    async fn write<T: Send + 'static>(&self, job: impl FnOnce(&Shared) -> Result<T> + Send + 'static) -> Result<T> {
        let shared = Arc::clone(&self.0);
        self.0.writers.take(&self.0.folder, self.0.patience, move || job(&shared)).await
    }
}

/// What the threads do; all of it blocks.
impl Shared {
    fn capacity(&self) -> u64 {
        self.capacity.load(Ordering::Relaxed)
    }

    fn get(&self, key: &CacheKey) -> Result<Kept> {
        let marks = self.marks()?;
        let stamp = marks.stamp(&key.place())?;
        let value = entry::read(&self.folder, &key.id(marks.salt()), &marks, (self.clock)(), self.capacity())?;
        Ok(Kept { value, stamp })
    }

    fn set(&self, key: &CacheKey, value: &[u8], life: Duration) -> Result<()> {
        let kept = self.keep(key, value, life);
        if kept.is_err() {
            // What was to be replaced is not given either, if that can be helped.
            let _ = self.remove(key);
        }
        kept
    }

    fn keep(&self, key: &CacheKey, value: &[u8], life: Duration) -> Result<()> {
        self.folder.make()?;
        let (mut room, now) = (Room::lock(&self.folder, self.patience)?, (self.clock)());
        let marks = self.marks_under(&room)?;
        let name = key.id(marks.salt());
        let length = entry::HEAD.saturating_add(value.len() as u64);
        if !room.reserve(length, self.capacity(), now)? {
            return self.folder.remove(&name);
        }
        entry::write(&self.folder, &name, &marks, value, (now, life))
    }

    fn remove(&self, key: &CacheKey) -> Result<()> {
        self.known()?.map_or(Ok(()), |marks| self.folder.remove(&key.id(marks.salt())))
    }

    /// Where there are no marks, nothing that is kept can be given.
    fn invalidate(&self, place: &CachePlace) -> Result<()> {
        if !self.folder.is_there()? {
            return Ok(());
        }
        Marks::open_to_change(&self.folder)?.map_or(Ok(()), |mut marks| marks.change(place))
    }

    /// The marks go first: without them nothing is given, whatever becomes of the rest.
    fn clear(&self) -> Result<()> {
        if !self.folder.is_there()? {
            return Ok(());
        }
        let mut room = Room::lock(&self.folder, self.patience)?;
        self.folder.remove(folder::MARKS)?;
        self.folder.remove(folder::PART)?;
        for found in self.folder.entries()? {
            self.folder.remove(&found.name)?;
        }
        room.note(0, (self.clock)())?;
        self.folder.sync()
    }

    fn purge(&self) -> Result<u64> {
        if !self.folder.is_there()? {
            return Ok(0);
        }
        let (mut room, now) = (Room::lock(&self.folder, self.patience)?, (self.clock)());
        let marks = self.marks_under(&room)?;
        let (mut gone, mut held) = (0, 0_u64);
        for found in self.folder.entries()? {
            if entry::is_over(&self.folder, &found.name, &marks, now)? {
                self.folder.remove(&found.name)?;
                gone += 1;
            } else {
                held = held.saturating_add(found.size);
            }
        }
        room.note(held, now)?;
        Ok(gone)
    }

    fn list(&self, most: usize) -> Result<Vec<Bytes>> {
        let (Some(marks), now) = (self.known()?, (self.clock)()) else { return Ok(Vec::new()) };
        let mut values = Vec::new();
        for found in self.folder.entries()? {
            if values.len() >= most {
                break;
            }
            values.extend(entry::look(&self.folder, &found.name, &marks, now, self.capacity())?);
        }
        Ok(values)
    }

    fn usage(&self) -> Result<(u64, u64)> {
        if !self.folder.is_there()? {
            return Ok((0, 0));
        }
        let sum = |(count, bytes): (u64, u64), found: folder::Found| (count + 1, bytes.saturating_add(found.size));
        Ok(self.folder.entries()?.fold((0, 0), sum))
    }

    /// The marks, where there are any.
    fn known(&self) -> Result<Option<Marks<'_>>> {
        if self.folder.is_there()? { Marks::open(&self.folder) } else { Ok(None) }
    }

    /// The marks; made where there are none, and anew where something is owed.
    fn marks(&self) -> Result<Marks<'_>> {
        if self.owed.load(Ordering::SeqCst) == 0
            && let Some(marks) = self.known()?
        {
            return Ok(marks);
        }
        self.folder.make()?;
        self.marks_under(&Room::lock(&self.folder, self.patience)?)
    }

    fn marks_under(&self, _lock: &Room<'_>) -> Result<Marks<'_>> {
        let owed = self.owed.load(Ordering::SeqCst);
        if owed == 0
            && let Some(marks) = Marks::open(&self.folder)?
        {
            return Ok(marks);
        }
        let marks = Marks::make(&self.folder)?;
        self.owed.fetch_sub(owed, Ordering::SeqCst);
        Ok(marks)
    }
}

/// A place that is to be made untrue; owed if that ends in any other way than well.
struct Owed<'a>(Option<&'a AtomicU64>);

impl Owed<'_> {
    fn paid(mut self) {
        self.0 = None;
    }
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        if let Some(owed) = self.0 {
            owed.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl CacheBackend for Disk {
    fn get<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Result<Kept>> {
        let key = key.clone();
        Box::pin(self.read(move |shared| shared.get(&key)))
    }

    fn set<'a>(&'a self, key: &'a CacheKey, value: Bytes, life: Duration) -> BoxFuture<'a, Result<()>> {
        let key = key.clone();
        Box::pin(self.write(move |shared| shared.set(&key, &value, life)))
    }

    fn remove<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Result<()>> {
        let key = key.clone();
        Box::pin(self.read(move |shared| shared.remove(&key)))
    }

    fn invalidate<'a>(&'a self, place: &'a CachePlace) -> BoxFuture<'a, Result<()>> {
        let (place, owed) = (place.clone(), Owed(Some(&self.0.owed)));
        Box::pin(async move {
            self.read(move |shared| shared.invalidate(&place)).await?;
            owed.paid();
            Ok(())
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.write(Shared::clear))
    }

    fn purge_expired(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(self.write(Shared::purge))
    }

    fn list(&self, most: usize) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        Box::pin(self.read(move |shared| shared.list(most)))
    }

    fn set_capacity(&self, bytes: u64) {
        self.0.capacity.store(bytes, Ordering::Relaxed);
    }

    fn usage(&self) -> BoxFuture<'_, Result<(u64, u64)>> {
        Box::pin(self.read(Shared::usage))
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "folder {}, {} bytes at most", shown(&self.0.folder.0), self.0.capacity())
    }
}
