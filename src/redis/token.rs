//! Tokens that are kept in Redis: sealed, renewed under one lock, and fenced against whoever comes late.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use ::redis::{Script, Value};
use sha1_smol::Sha1;

use super::{Redis, seal::Seal};
use crate::{
    body::BoxFuture,
    error::{Error, ErrorKind, Result},
    random,
    secret::Secret,
    token::{TokenBackend, TokenKey, TokenLock, TokenRecord, TokenStore, outdated},
};

mod hold;
mod script;
mod seal;

use hold::Hold;
use script::{LARGEST, READ, WRITE};
use seal::{Place, open, place, seal};

/// How long a process that knows nothing yet waits for a Redis that is away. What it would renew by is what the caller
/// gave it at the beginning, which another process may have redeemed long ago.
const COLD: Duration = Duration::from_secs(2);

/// The longest that a record is kept after it was written.
const LONGEST: Duration = Duration::from_secs(90 * 86_400);

impl TokenStore {
    /// Keeps tokens in `redis`, sealed, for all processes that are given the same `key`.
    ///
    /// The key is 32 random bytes, as base64 or hexadecimal digits; `openssl rand -base64 32` makes one. Records are
    /// sealed with it (AES-256-GCM-SIV), and named by hashes that nobody can make without it. One whose refresh token
    /// nobody used for 90 days is forgotten. One that was changed, moved or spoilt counts as none.
    ///
    /// An operation takes 100 ms at most. While Redis is away, each process goes by what it last knew and renews for
    /// itself, one that knows nothing yet after 2 s; a server that takes a refresh token once only may then ask for
    /// a new sign-in. Redis loses what it
    /// does not write to disk: give it a disk where signing in needs a person.
    ///
    /// ```
    /// use restwalk::{OAuth2, Redis, TokenStore};
    ///
    /// let redis = Redis::url("redis://tokens:s3cret@cache.internal/0")?;
    /// let store = TokenStore::redis(&redis, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")?;
    /// let service = OAuth2::token_url("https://id.example.com/token").client("billing", "s3cret").store(&store);
    /// # let _ = service;
    /// # Ok::<(), restwalk::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Request` where `key` is not 32 bytes. Reading and locking fail as `Store` with `store.corrupt` where the
    /// records were sealed with another key.
    pub fn redis(redis: &Redis, key: impl Into<Secret>) -> Result<Self> {
        let (redis, seal) = (redis.clone(), Seal::new(&key.into(), "tokens")?);
        let (name, locks) = (random::uuid()?, AtomicU64::new(0));
        let known = Mutex::default();
        Ok(Self::own(Kept(Arc::new(Shared { redis, seal, name, locks, turns: Self::memory(), known }))))
    }
}

#[derive(Clone)]
struct Kept(Arc<Shared>);

struct Shared {
    redis: Redis,
    seal: Seal,
    /// Tells this process from others, and `locks` one lock of it from the next.
    name: String,
    locks: AtomicU64,
    /// Whose turn it is in this process, so that one of it waits for the others.
    turns: TokenStore,
    /// What was last seen or written, for the time that Redis is away.
    known: Mutex<HashMap<TokenKey, TokenRecord>>,
}

/// What an answer of Redis comes to.
enum Found {
    Record(TokenRecord),
    None,
    /// Something that this key did not seal for this place, by its SHA-1.
    Spoilt(String),
}

impl Shared {
    /// Runs a script on a place; `None` while Redis is away.
    async fn run(&self, script: &Script, place: &Place, args: &[&[u8]]) -> Result<Option<Vec<Value>>> {
        let mut call = script.prepare_invoke();
        call.key(&place.record).key(&place.mark).key(&place.lock).arg(self.seal.mark());
        for arg in args {
            call.arg(*arg);
        }
        match self.redis.invoke::<Vec<Value>>(&call).await {
            Some(answer) if matches!(answer[..], [Value::Int(-1)]) => {
                let why = "the tokens in Redis were sealed with another key; give that key, or use another database";
                Err(Error::coded(ErrorKind::Store, "store.corrupt", why))
            }
            answer => Ok(answer),
        }
    }

    /// What Redis has; `None` while it is away.
    async fn fetch(&self, place: &Place) -> Result<Option<Found>> {
        let Some(answer) = self.run(&READ, place, &[LARGEST.to_string().as_bytes()]).await? else { return Ok(None) };
        let [Value::Int(1), Value::BulkString(generation), Value::BulkString(sealed)] = &answer[..] else {
            return Ok(Some(Found::None));
        };
        let generation = str::from_utf8(generation).ok().and_then(|digits| digits.parse().ok());
        if let Some(record) = generation.and_then(|generation| open(&self.seal, place, generation, sealed)) {
            return Ok(Some(Found::Record(record)));
        }
        tracing::warn!("a token in Redis does not open; it counts as none");
        Ok(Some(Found::Spoilt(Sha1::from(sealed).hexdigest())))
    }

    /// Writes a record; whether what is kept was older. Nothing is told while Redis is away.
    async fn store(&self, place: &Place, record: &TokenRecord, spoilt: &str) -> Result<bool> {
        let sealed = seal(&self.seal, place, record)?;
        if sealed.len() > LARGEST {
            let why = format!("a token record of {} bytes is larger than the {LARGEST} that are kept", sealed.len());
            return Err(Error::coded(ErrorKind::Store, "store.full", why));
        }
        let numbers = [LARGEST as u128, record.generation.into(), life(record).as_millis(), LONGEST.as_millis()];
        let [largest, generation, life, longest] = numbers.map(|number| number.to_string().into_bytes());
        let answer =
            self.run(&WRITE, place, &[&largest, &generation, &sealed, &life, &longest, spoilt.as_bytes()]).await?;
        Ok(!matches!(answer.as_deref(), Some([Value::Int(0)])))
    }

    /// Whether a record was ever seen here.
    fn knows(&self, key: &TokenKey) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    /// The newer of what Redis has and what is known here, where it lost something or was away.
    fn newest(&self, key: &TokenKey, found: Option<TokenRecord>) -> Newest {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match (found, known.get(key)) {
            (found, Some(ours)) if found.as_ref().is_none_or(|found| found.generation < ours.generation) => {
                Newest::Ours(ours.clone())
            }
            (Some(found), _) => {
                known.insert(key.clone(), found.clone());
                Newest::Theirs(Some(found))
            }
            (None, _) => Newest::Theirs(None),
        }
    }
}

enum Newest {
    Ours(TokenRecord),
    Theirs(Option<TokenRecord>),
}

/// How long a record is kept: until its access token ends where that is all it holds.
fn life(record: &TokenRecord) -> Duration {
    const LEAST: Duration = Duration::from_secs(3_600);
    match (&record.refresh_token, record.expires_at) {
        (None, Some(end)) => Duration::from_millis(end.saturating_sub(record.issued_at)).clamp(LEAST, LONGEST),
        _ => LONGEST,
    }
}

impl TokenBackend for Kept {
    fn read<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<TokenRecord>>> {
        Box::pin(async move {
            let found = match self.0.fetch(&place(&self.0.seal, key)).await? {
                Some(Found::Record(record)) => Some(record),
                _ => None,
            };
            Ok(match self.0.newest(key, found) {
                Newest::Ours(record) => Some(record),
                Newest::Theirs(record) => record,
            })
        })
    }

    fn lock<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Box<dyn TokenLock>>> {
        Box::pin(async move {
            let turn = self.0.turns.lock(key).await?;
            let (shared, place) = (Arc::clone(&self.0), Arc::new(place(&self.0.seal, key)));
            let patience = if shared.knows(key) { Duration::ZERO } else { COLD };
            let hold = Hold::take(&shared, &place, patience).await?;
            let lock = Lock { shared, place, key: key.clone(), spoilt: String::new(), _hold: hold, _turn: turn };
            Ok(Box::new(lock) as _)
        })
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redis")
    }
}

struct Lock {
    shared: Arc<Shared>,
    place: Arc<Place>,
    key: TokenKey,
    /// What stood there and did not open, which a write may replace whatever generation it says it has.
    spoilt: String,
    /// Let go before the turn, so that the next one here finds it free.
    _hold: Hold,
    _turn: Box<dyn TokenLock>,
}

impl TokenLock for Lock {
    fn read(&mut self) -> BoxFuture<'_, Result<Option<TokenRecord>>> {
        Box::pin(async move {
            let found = match self.shared.fetch(&self.place).await? {
                Some(Found::Record(record)) => Some(record),
                Some(Found::Spoilt(what)) => {
                    self.spoilt = what;
                    None
                }
                _ => None,
            };
            match self.shared.newest(&self.key, found) {
                Newest::Theirs(record) => Ok(record),
                Newest::Ours(record) => {
                    // Redis was away, or lost it: the others are to have it too.
                    self.shared.store(&self.place, &record, &self.spoilt).await?;
                    Ok(Some(record))
                }
            }
        })
    }

    fn write<'a>(&'a mut self, record: &'a TokenRecord) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if !self.shared.store(&self.place, record, &self.spoilt).await? {
                return Err(outdated());
            }
            let mut known = self.shared.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(self.key.clone(), record.clone());
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn z12_every_record_has_an_end() {
        let record = |text: &str| TokenRecord::from_json(text).unwrap();
        for (text, seconds) in [
            (r#"{"access_token":"a"}"#, LONGEST.as_secs()),
            (r#"{"access_token":"a","issued_at":1000,"expires_at":7201000}"#, 7_200),
            (r#"{"access_token":"a","issued_at":1000,"expires_at":2000}"#, 3_600),
            (r#"{"access_token":"a","issued_at":2000,"expires_at":1000}"#, 3_600),
            (r#"{"access_token":"a","issued_at":0,"expires_at":18446744073709551615}"#, LONGEST.as_secs()),
            (r#"{"access_token":"a","refresh_token":"r","issued_at":0,"expires_at":1}"#, LONGEST.as_secs()),
        ] {
            assert_eq!(life(&record(text)).as_secs(), seconds, "{text}");
        }
    }
}
