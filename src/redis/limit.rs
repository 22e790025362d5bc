//! A limit that is held in Redis: one script takes a turn in all windows at once, by the server's own clock.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use ::redis::Script;
use sha1_smol::Sha1;

use super::Redis;
use crate::{
    body::BoxFuture,
    limit::{Away, Limit, Pace, Store, Turn},
};

/// The generic cell rate algorithm over several windows.
///
/// ARGV holds the longest wait and then each window's interval and tolerance, in microseconds. It gives whether
/// the turn was taken, and the wait until it. The key lives no longer than it means something.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wait, windows = 0, (#ARGV - 1) / 2
local kept = redis.call('TYPE', KEYS[1])['ok']
if kept ~= 'hash' and kept ~= 'none' then redis.call('DEL', KEYS[1]) end
local next = {}
for window = 1, windows do
  next[window] = math.max(tonumber(redis.call('HGET', KEYS[1], window)) or 0, now)
  wait = math.max(wait, next[window] - ARGV[2 * window + 1] - now)
end
if wait > tonumber(ARGV[1]) then return {0, wait} end
local last = now
for window = 1, windows do
  next[window] = math.max(next[window], now + wait) + ARGV[2 * window]
  last = math.max(last, next[window])
  redis.call('HSET', KEYS[1], window, string.format('%.0f', next[window]))
end
redis.call('PEXPIRE', KEYS[1], math.ceil((last - now) / 1000) + 1000)
return {1, wait}",
    )
});

/// A year, in microseconds: numbers of the script stay exact.
const LONGEST: u64 = 31_536_000_000_000;

impl Limit {
    /// Holds the windows together with every process that names the same `name` for the same origin.
    ///
    /// Burst, concurrency and pauses that the server asks for stay this process's own. While Redis is away each
    /// process takes its part of the limit by itself, as [`Limit::peers`] says, and never more. Whoever has
    /// quotas of their own needs a name of their own: credentials do not tell them apart. A turn that is given up
    /// is not given back.
    pub fn shared(self, redis: &Redis, name: impl Into<String>) -> Self {
        self.kept_by(Arc::new(redis.clone()), name.into())
    }
}

impl Store for Redis {
    fn take<'a>(&'a self, key: &'a str, paces: &'a [Pace], longest: Duration) -> BoxFuture<'a, Result<Turn, Away>> {
        Box::pin(async move {
            let micros = |nanos: u64| nanos.div_ceil(1_000).min(LONGEST);
            let mut args = vec![u64::try_from(longest.as_micros()).unwrap_or(LONGEST).min(LONGEST)];
            args.extend(paces.iter().flat_map(|pace| [micros(pace.interval), micros(pace.tolerance)]));
            let (taken, wait): (u8, u64) = self.run(&TAKE, &place(key), &args).await.ok_or(Away)?;
            let wait = Duration::from_micros(wait.min(LONGEST));
            Ok(if taken == 1 { Turn::After(wait) } else { Turn::Late(wait) })
        })
    }
}

/// The key in Redis: hashed, so that no name can be taken for another, and in one slot of a cluster.
fn place(key: &str) -> String {
    format!("restwalk:limit:{{{}}}", Sha1::from(key).hexdigest())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn z03_no_name_can_be_taken_for_another() {
        let names = ["a", "a:b", "a\nb", "{a}", "a}b{c", "restwalk:limit:{a}", ""];
        let places: std::collections::HashSet<_> = names.iter().map(|name| place(name)).collect();
        assert_eq!(places.len(), names.len());
        for place in places {
            let hash = place.strip_prefix("restwalk:limit:{").unwrap().strip_suffix('}').unwrap();
            assert!(hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{place}");
        }
    }
}
