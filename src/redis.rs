//! A Redis server that several processes share: what they hold together outlives each of them.
//!
//! It may be slow or gone at any time. An operation takes 100 ms at most, and after a failure
//! nothing is asked for a second, so that no call waits for it twice.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ::redis::{
    AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisError, RedisResult, Script, ScriptInvocation,
    aio::MultiplexedConnection,
};
use tokio::{sync::watch, time::Instant};

use crate::{
    error::{Error, ErrorKind, Result},
    secret::Secret,
};

mod cache;
mod limit;
mod seal;
#[cfg(feature = "oauth")]
mod token;

/// The longest that one operation takes, connecting included.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long a server that failed is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// A Redis server, connected to when it is first needed; clones share the connection.
///
/// ```
/// use restwalk::{Client, Limit, Redis};
///
/// let redis = Redis::url("redis://limiter:s3cret@cache.internal/0")?;
/// assert_eq!(format!("{redis:?}"), "Redis(***)");
/// // Every process that names "billing" holds these windows together.
/// let limit = Limit::new().per_second(50).shared(&redis, "billing").peers(4);
/// let client = Client::builder("https://api.example.com").limit(limit).build()?;
/// # Ok::<(), restwalk::Error>(())
/// ```
#[derive(Clone)]
pub struct Redis(Arc<Shared>);

struct Shared {
    client: Client,
    state: Mutex<State>,
}

type Connecting = watch::Receiver<Option<Option<MultiplexedConnection>>>;

#[derive(Default)]
enum State {
    #[default]
    Idle,
    /// A task of its own connects, so that no caller can stop it halfway.
    Connecting(Connecting),
    Connected(MultiplexedConnection),
    /// It failed and is left alone until then.
    Away(Instant),
}

impl Redis {
    /// The server at `url`: `redis://user:password@host:port/database`, or `redis+unix:///socket`.
    ///
    /// # Errors
    /// `Request` where `url` is none of Redis; it is not shown, since it may hold a password.
    pub fn url(url: impl Into<Secret>) -> Result<Self> {
        let client = Client::open(url.into().expose()).map_err(|_| {
            let why = "this is no URL of a Redis server; give one like redis://user:password@host:6379/0";
            Error::coded(ErrorKind::Request, "config", why)
        })?;
        Ok(Self(Arc::new(Shared { client, state: Mutex::default() })))
    }

    /// Runs `script`, which is loaded where the server does not know it; `None` while the server is away.
    pub(crate) async fn run<T: FromRedisValue>(&self, script: &Script, key: &str, args: &[u64]) -> Option<T> {
        let mut call = script.key(key);
        for argument in args {
            call.arg(*argument);
        }
        self.invoke(&call).await
    }

    /// Runs a script that has its keys and arguments; `None` while the server is away.
    pub(crate) async fn invoke<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Option<T> {
        let mut connection = self.connection().await?;
        let answer = patient(call.invoke_async(&mut connection)).await;
        self.heard(answer)
    }

    /// Runs commands, in one round trip; `None` while the server is away.
    pub(crate) async fn query<T: FromRedisValue>(&self, calls: &Pipeline) -> Option<T> {
        let mut connection = self.connection().await?;
        let answer = patient(calls.query_async(&mut connection)).await;
        self.heard(answer)
    }

    /// What an operation came to that was over in time, or was not.
    fn heard<T>(&self, answer: Option<RedisResult<T>>) -> Option<T> {
        match answer {
            Some(Ok(value)) => Some(value),
            Some(Err(error)) => self.lost(word(&error)),
            None => self.lost("timeout"),
        }
    }

    /// The connection, made anew where there is none; `None` while the server is left alone.
    async fn connection(&self) -> Option<MultiplexedConnection> {
        let mut connecting = match &mut *self.state() {
            State::Connected(connection) => return Some(connection.clone()),
            State::Away(until) if *until > Instant::now() => return None,
            State::Connecting(connecting) => connecting.clone(),
            state => {
                let connecting = self.connect();
                *state = State::Connecting(connecting.clone());
                connecting
            }
        };
        // The task ends in time by itself, but a runtime may end with it in it.
        let found = tokio::time::timeout(PATIENCE * 2, connecting.wait_for(Option::is_some)).await;
        match found {
            Ok(Ok(connection)) => connection.clone().flatten(),
            _ => self.lost("connect"),
        }
    }

    /// Begins to connect.
    fn connect(&self) -> Connecting {
        let (done, connecting) = watch::channel(None);
        let shared = self.clone();
        tokio::spawn(async move {
            // Ours is over before; theirs end what nobody waits for any more.
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(PATIENCE * 2))
                .set_response_timeout(Some(PATIENCE * 2));
            let attempt = shared.0.client.get_multiplexed_async_connection_with_config(&config);
            let found = match patient(attempt).await {
                Some(Ok(connection)) => {
                    *shared.state() = State::Connected(connection.clone());
                    Some(connection)
                }
                Some(Err(error)) => shared.lost(word(&error)),
                None => shared.lost("timeout"),
            };
            let _ = done.send(Some(found));
        });
        connecting
    }

    /// Leaves the server alone for a while, and says so once.
    fn lost<T>(&self, why: &str) -> Option<T> {
        let mut state = self.state();
        if !matches!(*state, State::Away(until) if until > Instant::now()) {
            let first = !matches!(*state, State::Away(_));
            *state = Instant::now().checked_add(PAUSE).map_or(State::Idle, State::Away);
            drop(state);
            if first {
                tracing::warn!(
                    error.r#type = why,
                    "Redis is away; until it is back this process goes on without what others share there"
                );
            }
        }
        None
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What comes of `work` in time.
///
/// A process that stood still finds the time over and the answer there, unread: so it is looked for once more.
async fn patient<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
        return Some(done);
    }
    for _ in 0..8 {
        tokio::task::yield_now().await;
        if let Ok(done) = tokio::time::timeout(Duration::ZERO, &mut work).await {
            return Some(done);
        }
    }
    None
}

/// What went wrong, in a word; the error's own text may hold what was sent.
fn word(error: &RedisError) -> &'static str {
    match error.kind() {
        _ if error.is_timeout() => "timeout",
        ::redis::ErrorKind::AuthenticationFailed => "auth",
        _ if error.is_io_error() => "connect",
        _ => "refused",
    }
}

/// A panic leaves it whole: its lock holds one step at a time, and is recovered.
impl std::panic::UnwindSafe for Redis {}
impl std::panic::RefUnwindSafe for Redis {}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis(***)")
    }
}
