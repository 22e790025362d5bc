//! Answers that are kept in Redis: sealed, found in one round trip, and made untrue for all at once.
//!
//! Everything of one origin stands in one slot of a cluster: a hash of marks, and each value under a name of its own.
//! A mark is a random number that an invalidation of a place leaves. The epoch, a random number too, is there as
//! long as no mark of the origin was forgotten. A stamp is made of the epoch and of the marks that a key lies under,
//! so that no stamp comes back, whatever Redis forgets.

use std::{fmt, time::Duration};

use ::redis::{Value, pipe};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{Redis, seal::Seal};
use crate::{
    body::BoxFuture,
    cache::{Cache, CacheBackend, CacheKey, CachePlace, Kept},
    error::{Error, ErrorKind, Result},
    random,
    secret::{Secret, hex},
};

mod pending;
mod script;

use pending::Pending;
use script::{INVALIDATE, LARGEST, READ, WRITE};

/// The longest that a value is kept.
const LONGEST: Duration = Duration::from_secs(90 * 86_400);

/// How long marks are kept after something was written beside them: longer than any value.
const MARKS: Duration = Duration::from_secs(91 * 86_400);

/// How many places of one origin are marked before its marks are forgotten, and all of it is untrue.
const MOST: usize = 10_000;

/// So many names are looked at in one step of going through all.
const STEP: usize = 1_000;

impl Cache {
    /// Keeps answers in `redis`, sealed, for all processes that are given the same `key`.
    ///
    /// The key is 32 random bytes, as base64 or hexadecimal digits; `openssl rand -base64 32` makes one. Answers are
    /// sealed with it (AES-256-GCM-SIV), and named by hashes that nobody can make without it. What was changed, moved or
    /// spoilt counts as none, and so does what is larger than 8 MiB. Everything ends by itself, after 90 days at most;
    /// how much is kept is the server's own setting (`maxmemory` with a policy that evicts).
    ///
    /// An operation takes 100 ms at most, and after a failure nothing is asked for 1 s. While Redis is away, nothing is
    /// kept. What a call makes untrue meanwhile is told to Redis before anything of the origin is taken from it again;
    /// other processes do not know it until then. A server that goes back to an older state, by a snapshot or a failover,
    /// goes back to what was true then.
    ///
    /// ```
    /// use restwalk::{Cache, Client, Redis};
    ///
    /// let redis = Redis::url("redis://cache:s3cret@cache.internal/0")?;
    /// let cache = Cache::redis(&redis, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")?;
    /// let client = Client::builder("https://api.example.com").cache(&cache).build()?;
    /// # Ok::<(), restwalk::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Request` where `key` is not 32 bytes.
    pub fn redis(redis: &Redis, key: impl Into<Secret>) -> Result<Self> {
        let (redis, seal) = (redis.clone(), Seal::new(&key.into(), "answers")?);
        let prefix = format!("restwalk:cache:{}:", seal.mark());
        Ok(Self::own(Answers { redis, seal, prefix, pending: Pending::default() }))
    }
}

struct Answers {
    redis: Redis,
    seal: Seal,
    /// What all its names begin with.
    prefix: String,
    /// What Redis was not told yet.
    pending: Pending,
}

impl Answers {
    /// The name of an origin's marks.
    fn marks(&self, origin: &str) -> String {
        format!("{}{{{origin}}}:marks", self.prefix)
    }

    /// The names of the marks and of the value.
    fn names(&self, key: &CacheKey, origin: &str) -> (String, String) {
        (self.marks(origin), format!("{}{{{origin}}}:{}", self.prefix, key.id(self.seal.salt())))
    }

    /// Tells Redis what was made untrue on an origin and could not be told before. Until it has heard of it, nothing is
    /// taken from it and nothing kept in it.
    async fn settle(&self, origin: &str) -> Result<()> {
        if self.pending.is_lost() {
            let why =
                "too many places became untrue while Redis was away; nothing is taken from it until it is cleared";
            return Err(Error::coded(ErrorKind::Store, "store.outdated", why));
        }
        let Some(due) = self.pending.due(origin) else { return Ok(()) };
        let mut call = INVALIDATE.prepare_invoke();
        call.key(self.marks(origin)).arg(number()?).arg(number()?).arg(millis(MARKS)).arg(MOST);
        for place in &due.places {
            call.arg(place);
        }
        self.redis.invoke::<i64>(&call).await.ok_or_else(away)?;
        self.pending.done(origin, &due);
        Ok(())
    }

    async fn read(&self, key: &CacheKey) -> Result<Kept> {
        let place = key.place();
        let origin = place.origin(self.seal.salt());
        self.settle(&origin).await?;
        let (marks, name) = self.names(key, &origin);
        let mut call = READ.prepare_invoke();
        call.key(marks).key(&name).arg(number()?).arg(millis(MARKS)).arg(LARGEST);
        for place in place.ids(self.seal.salt()) {
            call.arg(place);
        }
        let answer: Vec<Value> = self.redis.invoke(&call).await.ok_or_else(away)?;
        let [Value::BulkString(stamp), value] = &answer[..] else { return Err(away()) };
        Ok(Kept { value: self.opened(&name, value), stamp: stamped(stamp) })
    }

    /// The value that was sealed for this name.
    fn opened(&self, name: &str, value: &Value) -> Option<Bytes> {
        let Value::BulkString(sealed) = value else { return None };
        let value = self.seal.open(name.as_bytes(), sealed);
        if value.is_none() {
            tracing::warn!("an answer in Redis does not open; it counts as none");
        }
        value.map(|mut value| Bytes::from(std::mem::take(&mut *value)))
    }

    async fn write(&self, key: &CacheKey, value: Bytes, life: Duration) -> Result<()> {
        let origin = key.place().origin(self.seal.salt());
        self.settle(&origin).await?;
        let (marks, name) = self.names(key, &origin);
        let sealed = if value.len() < LARGEST { self.seal.seal(name.as_bytes(), value.into()) } else { None };
        let Some(sealed) = sealed.filter(|sealed| sealed.len() <= LARGEST) else {
            // What is there is older, and not to be given in its place.
            return self.delete(&[name]).await;
        };
        let mut call = WRITE.prepare_invoke();
        call.key(marks).key(name).arg(sealed).arg(millis(life.min(LONGEST))).arg(millis(MARKS));
        self.redis.invoke::<i64>(&call).await.map(drop).ok_or_else(away)
    }

    async fn delete(&self, names: &[String]) -> Result<()> {
        let mut calls = pipe();
        for name in names {
            calls.cmd("UNLINK").arg(name).ignore();
        }
        self.redis.query::<()>(&calls).await.ok_or_else(away)
    }

    /// Some of the names here, of values alone or of everything, and where to go on; `None` at the end.
    async fn step(&self, cursor: u64, values: bool) -> Result<(Vec<String>, Option<u64>)> {
        let mut call = pipe();
        call.cmd("SCAN").arg(cursor).arg("MATCH").arg(format!("{}*", self.prefix)).arg("COUNT").arg(STEP);
        if values {
            call.arg("TYPE").arg("string");
        }
        let mut found: Vec<(u64, Vec<String>)> = self.redis.query(&call).await.ok_or_else(away)?;
        let (next, names) = found.pop().ok_or_else(away)?;
        Ok((names, (next != 0).then_some(next)))
    }

    async fn wipe(&self) -> Result<()> {
        let (before, mut at) = (self.pending.all(), Some(0));
        while let Some(cursor) = at {
            let (names, next) = self.step(cursor, false).await?;
            if !names.is_empty() {
                self.delete(&names).await?;
            }
            at = next;
        }
        self.pending.forget(&before);
        Ok(())
    }

    async fn some(&self, most: usize) -> Result<Vec<Bytes>> {
        let (mut kept, mut at) = (Vec::new(), Some(0));
        while let Some(cursor) = at {
            let (names, next) = self.step(cursor, true).await?;
            for name in names {
                if kept.len() >= most {
                    return Ok(kept);
                }
                let mut call = pipe();
                call.cmd("GETRANGE").arg(&name).arg(0).arg(LARGEST);
                let found: Vec<Value> = self.redis.query(&call).await.ok_or_else(away)?;
                kept.extend(found.first().and_then(|value| self.opened(&name, value)));
            }
            at = next;
        }
        Ok(kept)
    }

    async fn sizes(&self) -> Result<(u64, u64)> {
        let (mut count, mut bytes, mut at) = (0_u64, 0_u64, Some(0));
        while let Some(cursor) = at {
            let (names, next) = self.step(cursor, true).await?;
            let mut calls = pipe();
            for name in &names {
                calls.cmd("STRLEN").arg(name);
            }
            let sizes: Vec<u64> =
                if names.is_empty() { Vec::new() } else { self.redis.query(&calls).await.ok_or_else(away)? };
            // One that has ended meanwhile has none.
            for size in sizes.into_iter().filter(|size| *size > 0) {
                (count, bytes) = (count.saturating_add(1), bytes.saturating_add(size));
            }
            at = next;
        }
        Ok((count, bytes))
    }
}

impl CacheBackend for Answers {
    fn get<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Result<Kept>> {
        Box::pin(self.read(key))
    }

    fn set<'a>(&'a self, key: &'a CacheKey, value: Bytes, life: Duration) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.write(key, value, life))
    }

    fn remove<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Result<()>> {
        let (_, name) = self.names(key, &key.place().origin(self.seal.salt()));
        Box::pin(async move { self.delete(&[name]).await })
    }

    fn invalidate<'a>(&'a self, place: &'a CachePlace) -> BoxFuture<'a, Result<()>> {
        // Noted first: whoever stops waiting for it leaves it to the next one.
        let origin = place.origin(self.seal.salt());
        self.pending.note(&origin, place.id(self.seal.salt()));
        Box::pin(async move { self.settle(&origin).await })
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.wipe())
    }

    fn list(&self, most: usize) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        Box::pin(self.some(most))
    }

    fn usage(&self) -> BoxFuture<'_, Result<(u64, u64)>> {
        Box::pin(self.sizes())
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redis")
    }
}

/// The number that the marks come to; never 0, which stands for nothing known.
fn stamped(marks: &[u8]) -> u64 {
    let hash = Sha256::digest(marks);
    hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)).max(1)
}

/// A random number for an epoch or a mark.
fn number() -> Result<String> {
    Ok(hex(&random::bytes::<16>()?))
}

/// A time for Redis, which takes none that is zero.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}

fn away() -> Error {
    Error::coded(ErrorKind::Store, "store.absent", "Redis is away")
}

#[cfg(test)]
mod tests;
