//! What an answer says of the server's limits: `Retry-After`, `RateLimit` and its older kin.
//!
//! What is malformed or absurd is passed over, never an error; nothing here can ask for more than an hour.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{AGE, DATE},
};

use super::{
    LONGEST_PAUSE,
    field::{members, whole},
};

/// Longer values of one header are not read.
const LONGEST_FIELD: usize = 8 << 10;

/// The three headers of one name; a server sends one set of them.
const OLDER: [[&str; 3]; 3] = [
    ["x-ratelimit-remaining", "x-ratelimit-reset", "x-ratelimit-limit"],
    ["x-rate-limit-remaining", "x-rate-limit-reset", "x-rate-limit-limit"],
    ["ratelimit-remaining", "ratelimit-reset", "ratelimit-limit"],
];

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hint {
    Nothing,
    /// Too many requests, and no word on how many would do.
    Refused,
    /// No call for so long.
    Pause(Duration),
    Left(Left),
}

/// So many calls are left for so long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    /// Stands for the partition keys that the server gave; 0 where it gave none.
    pub(super) partition: u64,
    pub(super) limit: Option<u64>,
    pub(super) remaining: u64,
    pub(super) reset: Duration,
    /// It is the policy that was told, not what is left of it.
    pub(super) stated: bool,
}

impl Hint {
    /// The first that says anything, of `Retry-After`, `RateLimit`, `RateLimit-Policy` and `X-RateLimit-*`.
    ///
    /// `retry_after` is what that header says. An answer that a cache kept says nothing of now.
    pub(crate) fn read(
        status: StatusCode,
        headers: &HeaderMap,
        wall: SystemTime,
        retry_after: Option<Duration>,
    ) -> Self {
        let refused = status == StatusCode::TOO_MANY_REQUESTS;
        // Most answers say nothing, and one look at their names is cheaper than asking for each.
        if !refused && retry_after.is_none() && !headers.keys().any(is_said) {
            return Self::Nothing;
        }
        if text(headers, AGE.as_str()).and_then(whole).is_some_and(|age| age > 0) {
            return Self::Nothing;
        }
        let busy = refused || status == StatusCode::SERVICE_UNAVAILABLE;
        if let Some(pause) = retry_after.filter(|pause| busy && !pause.is_zero()) {
            return Self::Pause(pause.min(LONGEST_PAUSE));
        }
        match standard(headers).or_else(|| older(status, headers, wall)) {
            // A refusal while something is left was for another reason.
            Some(left) if !refused || left.remaining == 0 => Self::Left(left),
            _ if refused => Self::Refused,
            _ => Self::Nothing,
        }
    }
}

/// Whether a header of this name may speak of limits.
fn is_said(name: &HeaderName) -> bool {
    ["ratelimit", "x-rate"].iter().any(|start| name.as_str().starts_with(start))
}

/// `RateLimit`, with the limits that `RateLimit-Policy` names, or the policy alone.
fn standard(headers: &HeaderMap) -> Option<Left> {
    let policies = joined(headers, "ratelimit-policy");
    let policies = || members(policies.as_deref().unwrap_or_default());
    if let Some(now) = joined(headers, "ratelimit") {
        if !now.contains('"') && now.contains("remaining=") {
            return dictionary(&now);
        }
        let policy = |name: &str, key: &str| policies().find(|policy| policy.name == name)?.whole(key);
        let read = members(&now).filter_map(|member| {
            let reset = member.whole("t").or_else(|| policy(member.name, "w"))?;
            left(member.whole("r")?, reset, policy(member.name, "q"))
        });
        if let Some(least) = least(read) {
            return Some(Left { partition: partition(members(&now).filter_map(|member| member.text("pk"))), ..least });
        }
    }
    let stated = policies().filter_map(|policy| {
        let quota = policy.whole("q")?;
        left(quota, policy.whole("w")?, Some(quota))
    });
    let partition = partition(policies().filter_map(|policy| policy.text("pk")));
    least(stated.filter(|left| left.remaining > 0)).map(|least| Left { partition, stated: true, ..least })
}

/// The form of earlier drafts: `limit=100, remaining=50, reset=5`.
fn dictionary(text: &str) -> Option<Left> {
    let part = |key| {
        let parts = text.split([',', ';']).take(16).filter_map(|part| part.split_once('='));
        parts.filter(|(name, _)| name.trim() == key).find_map(|(_, value)| whole(value.trim()))
    };
    left(part("remaining")?, part("reset")?, part("limit"))
}

/// `X-RateLimit-*`, for which there is no standard.
fn older(status: StatusCode, headers: &HeaderMap, wall: SystemTime) -> Option<Left> {
    OLDER.iter().find_map(|[remaining, reset, limit]| {
        let reset = until(text(headers, reset)?, || now(headers, wall))?;
        let refused = status == StatusCode::TOO_MANY_REQUESTS;
        let remaining = text(headers, remaining).and_then(whole).or(refused.then_some(0))?;
        left(remaining, reset, text(headers, limit).and_then(whole))
    })
}

/// How many seconds a reset is away: told so, or as a time in seconds or milliseconds since 1970, or as a date.
fn until(text: &str, now: impl FnOnce() -> Option<Duration>) -> Option<u64> {
    let Some(number) = number(text) else {
        let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        return date.checked_sub(now()?).map(whole_seconds);
    };
    let time = match number {
        0..=86_400 => return Some(number),
        1_000_000_000..=100_000_000_000 => Duration::from_secs(number),
        1_000_000_000_000..=100_000_000_000_000 => Duration::from_millis(number),
        _ => return None,
    };
    time.checked_sub(now()?).map(whole_seconds)
}

/// A number, of whose fraction nothing is kept but that it is there.
fn number(text: &str) -> Option<u64> {
    let (number, fraction) = text.split_once('.').map_or((text, None), |(number, rest)| (number, whole(rest)));
    whole(number)?.checked_add(u64::from(fraction.is_some_and(|fraction| fraction > 0)))
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

/// The time by the server's clock, else by ours.
fn now(headers: &HeaderMap, wall: SystemTime) -> Option<Duration> {
    let theirs = text(headers, DATE.as_str()).and_then(|date| httpdate::parse_http_date(date).ok());
    theirs.unwrap_or(wall).duration_since(UNIX_EPOCH).ok()
}

fn left(remaining: u64, reset: u64, limit: Option<u64>) -> Option<Left> {
    let reset = Duration::from_secs(reset).min(LONGEST_PAUSE);
    (!reset.is_zero()).then_some(Left { partition: 0, limit, remaining, reset, stated: false })
}

/// The one that holds back most: of those with nothing left the longest, else that with least left.
fn least(all: impl Iterator<Item = Left>) -> Option<Left> {
    all.min_by_key(|left| (left.remaining, std::cmp::Reverse(left.reset)))
}

fn partition<'a>(keys: impl Iterator<Item = &'a str>) -> u64 {
    let mut keys = keys.peekable();
    if keys.peek().is_none() {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    keys.for_each(|key| key.hash(&mut hasher));
    hasher.finish()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// All lines of one header as one; nothing where they are too long or no text.
fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut lines = headers.get_all(name).iter().peekable();
    lines.peek()?;
    let mut joined = String::new();
    for line in lines {
        if joined.len() + line.len() > LONGEST_FIELD {
            return None;
        }
        joined += line.to_str().ok()?;
        joined.push(',');
    }
    Some(joined)
}

#[cfg(test)]
mod tests;
