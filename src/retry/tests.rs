//! The policy as a whole, by theme; here is what the themes share.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::*;
use crate::error::{Again, Error, Outcome};

mod load;
mod presets;
mod table;
mod waits;

const ALL: [Standing; 3] = [Standing::Idempotent, Standing::Keyed, Standing::Bare];

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn moment(draw: f64, left: Option<Duration>) -> Moment {
    Moment { wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600), left, draw }
}

/// An answer as a test writes it: a status, or one with a `Retry-After`.
#[derive(Clone, Copy, Debug)]
struct Says(u16, Option<&'static str>);

impl Says {
    fn headers(self) -> HeaderMap {
        let after = self.1.map(|value| (HeaderName::from_static("retry-after"), HeaderValue::from_static(value)));
        after.into_iter().collect()
    }
}

fn decide(retry: &Retry, says: Says, standing: Standing, tries: Tries, moment: Moment) -> Decision {
    let status = StatusCode::from_u16(says.0).unwrap();
    retry.decide(Failed::Answer(status, &says.headers()), standing, tries, moment)
}

/// What follows from the first attempt, the time being endless.
fn first(retry: &Retry, says: Says, standing: Standing) -> Decision {
    decide(retry, says, standing, Tries::first(), moment(0.5, None))
}

fn of_error(error: &Error, standing: Standing, tries: Tries) -> Decision {
    Retry::standard().decide(Failed::Error(error), standing, tries, moment(0.5, None))
}

/// Whether `failed` is sent again by an idempotent, a keyed and a bare request.
fn row(decided: impl Fn(Standing) -> Decision) -> [bool; 3] {
    ALL.map(|standing| matches!(decided(standing), Decision::Again(_)))
}

fn status_row(status: u16) -> [bool; 3] {
    row(|standing| first(&Retry::standard(), Says(status, None), standing))
}

fn error(kind: ErrorKind, code: &'static str, outcome: Outcome) -> Error {
    Error::coded(kind, code, "x").with_outcome(outcome)
}

fn error_row(error: &Error) -> [bool; 3] {
    row(|standing| of_error(error, standing, Tries::first()))
}

fn resend(decision: Decision) -> Resend {
    match decision {
        Decision::Again(resend) => resend,
        other => panic!("{other:?}"),
    }
}

/// Follows `retry` through `answers`: when each attempt was made, and how it ended.
fn play(retry: &Retry, answers: &[Says], method: &Method) -> (Vec<f64>, Decision) {
    let standing = Standing::of(method, None, false);
    let (mut tries, mut now, mut times) = (Tries::first(), Duration::ZERO, Vec::new());
    for says in answers.iter().cycle() {
        times.push(now.as_secs_f64());
        match decide(retry, *says, standing, tries, moment(0.5, None)) {
            Decision::Again(resend) => {
                now += resend.after;
                tries.again(resend);
            }
            end => return (times, end),
        }
    }
    unreachable!()
}

const NONE: [bool; 3] = [false, false, false];
const SAFE: [bool; 3] = [true, true, false];
const EVERY: [bool; 3] = [true, true, true];

fn wipac(retries: u8, factor: f64) -> Retry {
    Retry::wipac(Retries::Count(retries), Duration::from_secs(60), factor)
}
