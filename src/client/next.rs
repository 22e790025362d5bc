//! What the end of an attempt means for the call: an answer, another hop, another attempt, or an error.

use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use tokio::time::Instant;

use super::{
    place::Receipt,
    run::{Admission, Run},
};
use crate::{
    body::Replay,
    circuit::Verdict as Health,
    error::{Error, ErrorKind, Outcome, Result},
    redirect::{Answer, Hop},
    response::{Response, Verdict},
    retry::{Budget, Decision, Failed, Moment, Resend, Standing, Stop},
};

/// What the loop does next.
pub(super) enum Next {
    Done(Response),
    Follow(Hop, Response),
    /// Asks once more, without what was wrong in the request.
    Anew(Response),
    /// Signs the call anew, which the server refused with the credentials that it had.
    Sign(Response),
    /// Tries again after the time.
    Again(Duration, Failure),
    /// Gives up; an answer that came is told with the error.
    Fail(Error, Option<Response>),
}

/// What a call may end with after all, when it is not tried again.
pub(super) enum Failure {
    Error(Error),
    Answer(Box<Response>),
}

impl Failure {
    /// The same without a connection: what little there is of an answer's body is read.
    pub(super) async fn keep(self) -> Self {
        match self {
            // It asks for another connection, so this one is closed.
            Self::Answer(answer) if answer.status() == StatusCode::MISDIRECTED_REQUEST => {
                Self::Answer(Box::new(answer.without_body()))
            }
            Self::Answer(answer) => Self::Answer(Box::new(answer.kept().await)),
            error @ Self::Error(_) => error,
        }
    }
}

impl Run<'_> {
    /// Lets the origin's circuit and budget hear how the attempt went.
    pub(super) fn learn(&mut self, admission: Admission, tried: &Result<Response>) {
        if let Some(pass) = admission.pass {
            let verdict = match tried {
                Ok(response) => Health::of_answer(response.status()),
                Err(error) => Health::of_error(error),
            };
            pass.finish(Instant::now(), verdict, self.client.draw());
        }
        let good = tried.as_ref().is_ok_and(|response| Budget::is_good(response.status()));
        match self.receipt.take() {
            Some(receipt) if good => receipt.refund(),
            None if good && self.tries.sent() == 1 => self.place.budget.success(),
            _ => {}
        }
    }

    /// What an attempt's end means for the call.
    pub(super) fn judge(&mut self, tried: Result<Response>) -> Next {
        match tried {
            Err(error) => self.failed(error),
            Ok(response) if std::mem::take(&mut self.anew) => Next::Anew(response),
            Ok(response) => match self.hop(&response) {
                Ok(Some(hop)) => Next::Follow(hop, response),
                Ok(None) => self.answered(response),
                Err(error) => Next::Fail(error, Some(response)),
            },
        }
    }

    /// What an answer that was kept means for the call: it may send it elsewhere, and no failure is tried again.
    pub(super) fn kept(&mut self, response: Response) -> Next {
        match self.hop(&response) {
            Ok(Some(hop)) => Next::Follow(hop, response),
            Ok(None) => Next::Done(response),
            Err(error) => Next::Fail(error, Some(response)),
        }
    }

    /// What the call ends with when no further attempt is let in.
    pub(super) fn refused(&mut self, refusal: Error) -> Result<Response> {
        // What was paid for the attempt is given back.
        self.receipt = None;
        let why = Some(if refusal.kind() == ErrorKind::Circuit { "retry.circuit" } else { "retry.deadline" });
        let retry_after = refusal.retry_after();
        match self.last.take() {
            None => Err(refusal),
            Some(Failure::Error(error)) => Err(error.with_gave_up(why).with_retry_after(retry_after)),
            Some(Failure::Answer(answer)) => {
                let limited = refusal.kind() == ErrorKind::RateLimited;
                Ok(answer.judged(Verdict { retry_after, gave_up: why, limited, ..Verdict::default() }))
            }
        }
    }

    /// Where the answer sends the call, if anywhere.
    fn hop(&mut self, response: &Response) -> Result<Option<Hop>> {
        let answer = Answer {
            method: &self.plan.method,
            uri: &self.plan.uri,
            replay: self.plan.body.replay(),
            status: response.status(),
            headers: response.headers(),
        };
        self.client.core.redirect.follow(&mut self.trail, &answer)
    }

    fn failed(&mut self, error: Error) -> Next {
        let gave_up = match self.decide(Failed::Error(&error)) {
            Decision::Accept => None,
            Decision::Again(resend) => match self.again(resend) {
                Ok(()) => {
                    let lost = error.outcome() != Outcome::NotSent;
                    (self.acted, self.lost) = (self.acted || lost, self.lost || lost);
                    return Next::Again(resend.after, Failure::Error(error));
                }
                Err(why) => Some(why),
            },
            Decision::Stop(stop) => stop.gave_up(self.tries.sent()),
        };
        Next::Fail(error.with_gave_up(gave_up), None)
    }

    fn answered(&mut self, mut response: Response) -> Next {
        let status = response.status();
        if status.as_u16() < 400 {
            return Next::Done(response);
        }
        if status == StatusCode::UNAUTHORIZED && self.can_sign_anew() {
            return Next::Sign(response);
        }
        let retry_after = self.retry.asked(response.headers(), SystemTime::now());
        let misdirected = !self.acted && status == StatusCode::MISDIRECTED_REQUEST;
        let mut verdict = Verdict { retry_after, misdirected, ..Verdict::default() };
        match self.decide(Failed::Answer(status, response.headers())) {
            Decision::Accept => {}
            Decision::Again(resend) => match self.again(resend) {
                Ok(()) => {
                    let lost = !matches!(status.as_u16(), 421 | 425 | 429);
                    (self.acted, self.lost) = (self.acted || lost, self.lost || lost);
                    return Next::Again(resend.after, Failure::Answer(Box::new(response)));
                }
                Err(why) => verdict.gave_up = Some(why),
            },
            Decision::Stop(stop) => {
                verdict.gave_up = stop.gave_up(self.tries.sent());
                verdict.limited = matches!(stop, Stop::RateLimited(_));
            }
        }
        if self.lost && self.plan.method == Method::DELETE && matches!(status.as_u16(), 404 | 410) {
            verdict.ambiguous = true;
            response = response.without_body();
        }
        Next::Done(response.judged(verdict))
    }

    /// Whether this answer is to a request that was signed, and the first such one.
    fn can_sign_anew(&self) -> bool {
        !self.sent.is_empty() && !self.tries.was_signed_anew()
    }

    fn decide(&self, failed: Failed<'_>) -> Decision {
        let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        let moment = Moment { wall: SystemTime::now(), left, draw: self.client.draw() };
        self.retry.decide(failed, self.standing(), self.tries, moment)
    }

    /// How far the request may be repeated; what the catalog says of it holds for its own method only.
    fn standing(&self) -> Standing {
        let own = self.plan.policy.filter(|_| self.plan.method == self.request.method);
        Standing::of(&self.plan.method, own.and_then(|policy| policy.idempotent), self.key.is_some())
    }

    /// Takes what another attempt costs; the error says why there is none.
    fn again(&mut self, resend: Resend) -> Result<(), &'static str> {
        if self.plan.body.replay() == Replay::Once {
            return Err("retry.not_replayable");
        }
        if self.retry.is_budgeted() {
            self.receipt = Some(Receipt::take(&self.place, resend.cost).ok_or("retry.budget")?);
        }
        self.tries.again(resend);
        Ok(())
    }
}
