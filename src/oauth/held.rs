//! A token at hand.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

use super::wire::Granted;
use crate::{
    random::Random,
    secret::Secret,
    token::{Freshness, Life, Margin, TokenRecord},
};

/// The year 2020: no token of ours is older.
const NOT_BEFORE: u64 = 1_577_836_800_000;

/// An access token, how long it is good for, and what is kept of it.
#[derive(Debug)]
pub(crate) struct Held {
    value: Secret,
    pub(super) life: Life,
    pub(super) record: TokenRecord,
    /// The API refused it, or the caller gave it up.
    refused: AtomicBool,
}

impl Held {
    pub(crate) fn value(&self) -> &Secret {
        &self.value
    }

    /// What to do about it; one that was refused has ended.
    pub(super) fn freshness(&self) -> Freshness {
        if self.was_refused() {
            return Freshness::Ended;
        }
        self.life.freshness(Instant::now(), SystemTime::now())
    }

    /// Notes that it is of no use any more; whether that is new.
    pub(super) fn refuse(&self) -> bool {
        !self.refused.swap(true, Ordering::AcqRel)
    }

    /// Takes that back.
    pub(super) fn accept(&self) {
        self.refused.store(false, Ordering::Release);
    }

    pub(super) fn was_refused(&self) -> bool {
        self.refused.load(Ordering::Acquire)
    }

    /// What was granted, if anybody said.
    pub(crate) fn scope(&self) -> Option<&str> {
        self.record.scope.as_deref()
    }

    /// A token of the caller's own, which is kept nowhere.
    pub(super) fn own(value: Secret, life: Life) -> Self {
        Self { value, life, record: TokenRecord::default(), refused: AtomicBool::new(false) }
    }

    /// A token that was just granted, following on what was kept before; `asked` are the scopes asked for.
    pub(super) fn granted(granted: Granted, before: Option<&TokenRecord>, asked: Option<String>) -> Self {
        let Granted { answer, life, now: _ } = granted;
        let mut record = before.cloned().unwrap_or_default();
        record.generation = record.generation.saturating_add(1);
        record.reauth_required = false;
        record.access_token = Some(answer.access_token.clone());
        record.refresh_token = answer.refresh_token.or(record.refresh_token);
        record.id_token = answer.id_token.or(record.id_token);
        record.scope = answer.scope.or(record.scope).or(asked);
        record.issued_at = millis(life.wall());
        record.expires_at = life
            .lasts()
            .map(|lasts| record.issued_at.saturating_add(u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX)));
        Self { value: answer.access_token, life, record, refused: AtomicBool::new(false) }
    }

    /// The access token of a record, `None` where it has none.
    pub(super) fn kept(record: TokenRecord, margin: Margin) -> Option<Self> {
        let value = record.access_token.clone()?;
        // A clock that was never set says nothing of the token's age: it counts from now on.
        let issued = if record.issued_at < NOT_BEFORE { millis(SystemTime::now()) } else { record.issued_at };
        let issued = UNIX_EPOCH.checked_add(Duration::from_millis(issued))?;
        let lasts = record.expires_at.map(|end| Duration::from_millis(end.saturating_sub(record.issued_at)));
        let life = Life::new(Instant::now(), issued.min(SystemTime::now()), lasts, margin, Random::default().draw());
        Some(Self { value, life, record, refused: AtomicBool::new(false) })
    }
}

pub(super) fn millis(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(issued_at: u64, lasts: u64) -> Freshness {
        let json = format!(
            r#"{{"generation":1,"access_token":"a","issued_at":{issued_at},"expires_at":{}}}"#,
            issued_at.saturating_add(lasts * 1_000)
        );
        Held::kept(TokenRecord::from_json(&json).unwrap(), Margin::Standard).unwrap().freshness()
    }

    #[test]
    fn d23_a_token_that_was_saved_under_a_clock_that_was_never_set_is_still_good() {
        let now = millis(SystemTime::now());
        assert_eq!(kept(5_000, 3_600), Freshness::Fresh);
        assert_eq!(kept(5_000, 0), Freshness::Ended);
        assert_eq!(kept(now - 1_000, 3_600), Freshness::Fresh);
        assert_eq!(kept(now - 4_000_000, 3_600), Freshness::Ended);
        assert_eq!(kept(now + 4_000_000, 3_600), Freshness::Fresh, "a clock that was ahead");
        assert_eq!(kept(u64::MAX, 3_600), Freshness::Ended, "no time at all");
    }

    #[test]
    fn a_token_that_was_refused_has_ended() {
        let record = TokenRecord::from_json(r#"{"access_token":"a"}"#).unwrap();
        let held = Held::kept(record, Margin::Standard).unwrap();
        assert_eq!(held.freshness(), Freshness::Fresh);
        assert!(held.refuse() && !held.refuse());
        assert_eq!(held.freshness(), Freshness::Ended);
        held.accept();
        assert_eq!(held.freshness(), Freshness::Fresh);
    }
}
