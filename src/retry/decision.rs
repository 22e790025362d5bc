//! What follows from one failure: the table's answer, held against the attempts and the time of the call.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method, StatusCode};

use super::{
    Retry,
    table::{Condition, May},
};
use crate::error::Error;

/// The least time in which an attempt is worth beginning.
const SHORTEST: Duration = Duration::from_millis(100);

/// How far a request may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// To do it twice is to do it once: by its method, or since the catalog says so.
    Idempotent,
    /// The server knows it again by its idempotency key.
    Keyed,
    /// To do it twice may be to do two things.
    Bare,
}

impl Standing {
    /// By the method, by what the catalog says of it, and by a key that the server is known to heed.
    pub(crate) fn of(method: &Method, idempotent: Option<bool>, has_key: bool) -> Self {
        match idempotent {
            None | Some(true) if method.is_idempotent() => Self::Idempotent,
            _ if has_key => Self::Keyed,
            Some(true) => Self::Idempotent,
            _ => Self::Bare,
        }
    }
}

/// What one call has sent so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tries {
    /// Attempts, the free one excepted.
    attempts: u32,
    /// The one free repetition was made.
    freed: bool,
    /// The one repetition after a 421 or 425 was made.
    once: bool,
    /// The one repetition under credentials made anew was made.
    signed: bool,
}

impl Tries {
    /// The first attempt.
    pub(crate) fn first() -> Self {
        Self { attempts: 1, freed: false, once: false, signed: false }
    }

    /// Counts a repetition.
    pub(crate) fn again(&mut self, resend: Resend) {
        match resend.cost {
            Cost::Free => self.freed = true,
            _ => self.attempts = self.attempts.saturating_add(1),
        }
        self.once |= resend.once;
    }

    /// Counts the repetition under credentials made anew.
    pub(crate) fn signed_anew(&mut self) {
        self.signed = true;
    }

    pub(crate) fn was_signed_anew(self) -> bool {
        self.signed
    }

    /// How many times the request was sent, the free one and the one signed anew included.
    pub(crate) fn sent(self) -> u32 {
        self.attempts.saturating_add(self.freed.into()).saturating_add(self.signed.into())
    }
}

/// What came in place of a success; any answer may be given, and a good one is accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Failed<'a> {
    Error(&'a Error),
    Answer(StatusCode, &'a HeaderMap),
}

/// The moment of a decision: clocks and chance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The time of day, for a `Retry-After` that is a date.
    pub(crate) wall: SystemTime,
    /// What is left of the call's time.
    pub(crate) left: Option<Duration>,
    /// Chance, in [0, 1).
    pub(crate) draw: f64,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Take it as it is: it is no failure, or one that sending again would not cure, or not safely.
    Accept,
    /// Send again.
    Again(Resend),
    /// It may pass and may be sent again, but not by this call.
    Stop(Stop),
}

/// One repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resend {
    /// How long to wait first.
    pub(crate) after: Duration,
    /// What it takes from the budget.
    pub(crate) cost: Cost,
    /// It answers a 421 or 425, by another connection or later, and is made once.
    pub(crate) once: bool,
}

/// What a repetition takes from the budget of its origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    /// Nothing, and no attempt either: the connection was dead before.
    Free,
    /// 5: the server refused without doing the work.
    Throttled,
    /// 14.
    Transient,
}

/// Why a call ends though its failure may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// All attempts were made.
    Exhausted,
    /// The time that is left is too short for the wait and another attempt.
    Deadline,
    /// The server asks to wait longer than this call may.
    RateLimited(Duration),
}

impl Stop {
    /// What [`Error::gave_up`] says of it after `sent` attempts; who asked for one got it.
    pub(crate) fn gave_up(self, sent: u32) -> Option<&'static str> {
        match self {
            Self::Exhausted if sent == 1 => None,
            Self::Exhausted => Some("retry.exhausted"),
            Self::Deadline | Self::RateLimited(_) => Some("retry.deadline"),
        }
    }
}

impl Retry {
    /// Decides what follows from `failed`.
    pub(crate) fn decide(&self, failed: Failed<'_>, standing: Standing, tries: Tries, moment: Moment) -> Decision {
        let condition = self.condition(failed);
        let may = self.may(condition, standing);
        if may == May::No || may == May::Once && tries.once {
            return Decision::Accept;
        }
        let asked = match failed {
            Failed::Error(_) => None,
            Failed::Answer(_, headers) => self.asked(headers, moment.wall),
        };
        let throttled = match condition {
            Condition::Answered(429) => true,
            Condition::Answered(503) => asked.is_some(),
            _ => false,
        };
        let cost = match may {
            // Who asked for one attempt means it.
            May::Free if !tries.freed && self.attempts > 1 => Cost::Free,
            _ if tries.attempts >= self.attempts.into() => return Decision::Stop(Stop::Exhausted),
            _ if throttled => Cost::Throttled,
            _ => Cost::Transient,
        };
        let own = match cost {
            Cost::Free => Duration::ZERO,
            _ => self.backoff(tries.attempts, throttled, moment.draw),
        };
        match self.wait(own, asked, moment) {
            Ok(after) => Decision::Again(Resend { after, cost, once: may == May::Once }),
            Err(stop) => Decision::Stop(stop),
        }
    }

    /// The wait before the next attempt, if both fit into the time that is left.
    fn wait(
        &self,
        own: Duration,
        asked: Option<Duration>,
        Moment { left, draw, .. }: Moment,
    ) -> Result<Duration, Stop> {
        let most = left.map(|left| left.checked_sub(SHORTEST));
        let fits = |wait: Duration| most.is_none_or(|most| most.is_some_and(|most| wait <= most));
        let wait = match asked {
            Some(asked) if asked > self.max_retry_after || !fits(asked) => return Err(Stop::RateLimited(asked)),
            Some(asked) => self.no_sooner(asked, own, draw),
            None => own,
        };
        if fits(wait) { Ok(wait) } else { Err(Stop::Deadline) }
    }
}
