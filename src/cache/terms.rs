//! How long an answer is fresh, and what it allows afterwards (RFC 9111, section 4.2; RFC 5861; RFC 8246).

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, StatusCode,
    header::{DATE, EXPIRES, LAST_MODIFIED},
};
use tokio::time::Instant;

use super::{
    Rules,
    control::{Control, LONGEST},
    date::{age, date},
};

/// An answer that nothing was found is fresh for no longer.
const NOT_FOUND: Duration = Duration::from_secs(60);

/// A guess at a time of freshness is no longer than a day.
const GUESS: Duration = Duration::from_secs(86_400);

/// A moment, by the clock that never jumps and by the one on the wall.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) at: Instant,
    pub(crate) wall: SystemTime,
}

impl Moment {
    /// This moment.
    pub(crate) fn now() -> Self {
        Self { at: Instant::now(), wall: SystemTime::now() }
    }
}

/// The time since 1970 in milliseconds.
pub(super) fn millis(wall: SystemTime) -> u64 {
    let since = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What an answer allows, once and for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Fresh as long as it is younger.
    pub(super) lifetime: Duration,
    /// To be validated before each use.
    pub(super) no_cache: bool,
    /// To be validated once it is stale, come what may.
    pub(super) must_revalidate: bool,
    /// The server never changes it while it is fresh.
    pub(super) immutable: bool,
    /// How stale it may be while it is renewed, and where it cannot be.
    pub(super) while_revalidate: Duration,
    pub(super) if_error: Duration,
    /// Its age when it came.
    pub(super) age: Duration,
}

impl Terms {
    /// Reads those of an answer that came at `now`.
    pub(super) fn read(rules: &Rules, status: StatusCode, headers: &HeaderMap, control: &Control, now: Moment) -> Self {
        let said = explicit(rules, headers, control, now.wall);
        let mut lifetime = match (said, rules.ttl) {
            // The last moment counts too: it is over when it is older than that.
            (_, Some(ttl)) if status.is_success() => ttl.saturating_add(Duration::from_nanos(1)),
            (Some(said), _) => said,
            (None, _) => guess(rules, status, headers, control, now.wall).unwrap_or_default(),
        };
        let missing = matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE);
        if missing {
            lifetime = lifetime.min(NOT_FOUND);
        }
        let stale = |said: Option<Duration>| said.filter(|_| !missing).unwrap_or_default();
        let overridden = rules.ttl.is_some() && status.is_success();
        let apparent = date(headers, DATE).and_then(|date| now.wall.duration_since(date).ok()).unwrap_or_default();
        Self {
            lifetime: lifetime.min(LONGEST),
            no_cache: control.no_cache && !overridden,
            must_revalidate: control.must_revalidate || rules.shared && control.shared_max_age.is_some(),
            immutable: control.immutable,
            while_revalidate: stale(control.stale_while_revalidate),
            if_error: stale(control.stale_if_error),
            age: if overridden { Duration::ZERO } else { age(headers).max(apparent).min(LONGEST) },
        }
    }
}

/// The lifetime that the answer itself says.
pub(super) fn explicit(rules: &Rules, headers: &HeaderMap, control: &Control, wall: SystemTime) -> Option<Duration> {
    let shared = control.shared_max_age.filter(|_| rules.shared);
    shared.or(control.max_age).or_else(|| {
        headers.get(EXPIRES)?;
        let began = date(headers, DATE).unwrap_or(wall);
        Some(date(headers, EXPIRES).and_then(|end| end.duration_since(began).ok()).unwrap_or_default())
    })
}

/// A tenth of the time that it has not changed for, where the rules allow such guesses.
pub(super) fn guess(
    rules: &Rules,
    status: StatusCode,
    headers: &HeaderMap,
    control: &Control,
    wall: SystemTime,
) -> Option<Duration> {
    let usual = matches!(status.as_u16(), 200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501);
    if !rules.heuristics || !(usual || control.public) {
        return None;
    }
    let began = date(headers, DATE).unwrap_or(wall);
    let since = began.duration_since(date(headers, LAST_MODIFIED)?).ok()?;
    Some((since / 10).min(GUESS))
}
