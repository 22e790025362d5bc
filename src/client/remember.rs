//! What the cache makes of an answer: it keeps it, gives what it has in its place, or forgets what it has.

use std::{mem, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header::CONTENT_LENGTH};
use tokio::time::Instant;

use super::{doubt::Doubt, recall::Recall, run::Run};
use crate::{
    body::WireBody,
    cache::{Came, Draft, Entry, Flight, Landing, Moment, Noted, Renewed, is_failure, is_unsafe},
    error::{Error, ErrorKind, Outcome, Result},
    response::{Response, Source, is_framed},
};

impl Run<'_> {
    /// Takes in an answer's head: what is kept takes the place of a 304, what is to be kept is copied on its way, and
    /// what the call may have changed is forgotten.
    pub(super) async fn remember(&mut self, answer: http::Response<WireBody>) -> Result<http::Response<WireBody>> {
        if is_unsafe(&self.plan.method) {
            if matches!(answer.status().as_u16(), 200..=399) {
                self.invalidate(answer.headers()).await;
                self.doubt.take().into_iter().for_each(Doubt::over);
            }
            return Ok(answer);
        }
        let Some(mut recall) = self.recall.take() else { return Ok(answer) };
        let answer = match (answer.status(), self.plan.method == Method::HEAD) {
            (StatusCode::NOT_MODIFIED, _) if !recall.asked.is_conditional() => {
                self.not_modified(&mut recall, answer).await
            }
            (_, true) => {
                recall.compare(answer.status(), answer.headers()).await;
                Ok(answer)
            }
            _ => Ok(recall.take_in(answer).await),
        };
        self.recall = Some(recall);
        answer
    }

    /// The answer that a 304 is about.
    async fn not_modified(
        &mut self,
        recall: &mut Recall<'_>,
        told: http::Response<WireBody>,
    ) -> Result<http::Response<WireBody>> {
        let Some(entry) = recall.entry.take().filter(|_| recall.validates) else {
            let why = "the server says that nothing has changed, and was not asked";
            return Err(
                Error::coded(ErrorKind::Protocol, "protocol.not_modified", why).with_outcome(Outcome::Processed)
            );
        };
        recall.validates = false;
        if !entry.is_meant(told.headers()) {
            // It is about another answer than the one that is kept, which is asked for in full.
            recall.cache.forget(&recall.key).await;
            self.anew = true;
            return Ok(told);
        }
        let now = Moment::now();
        let asked = (&*recall.headers, recall.is_signed);
        let Renewed { entry, kept } = entry.renewed(&recall.rules, asked, told.headers(), now);
        let kept = kept && !entry.varies_by(&recall.made);
        recall.cache.note(Noted::Validated);
        Arc::make_mut(&mut self.exchange).source = Source::Validated;
        let (answer, fresh) = (entry.whole(now), kept && entry.fresh_for(now).is_some());
        if kept {
            recall.cache.keep(&recall.key, recall.found.slot.as_ref(), Arc::new(entry)).await;
        } else {
            recall.cache.forget(&recall.key).await;
        }
        recall.land(if fresh { Landing::Kept } else { Landing::Missed });
        Ok(answer)
    }

    /// How long an answer on its way is that is read before it is handed out, since others wait for it.
    pub(super) fn is_awaited(&self, response: &Response) -> Option<u64> {
        let recall = self.recall.as_ref().filter(|recall| recall.filling)?;
        let length = response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse::<u64>().ok()?;
        let awaited = recall.flight.as_ref().is_some_and(Flight::is_awaited);
        (awaited && recall.rules.holds(length)).then_some(length)
    }

    /// Lets those who wait know that the answer was read whole.
    pub(super) fn landed(&mut self) {
        if let Some(recall) = &mut self.recall
            && recall.filling
        {
            recall.land(Landing::Kept);
        }
    }

    /// What the call ends with: a stale answer may stand in for a failure, and those who wait hear of it.
    pub(super) async fn ended(&mut self, answer: Result<Response>) -> Result<Response> {
        let lost = self.lost || matches!(&answer, Err(error) if error.outcome() == Outcome::MaybeProcessed);
        if self.doubt.is_some() && lost {
            self.invalidate(&HeaderMap::new()).await;
        }
        self.doubt.take().into_iter().for_each(Doubt::over);
        let Some(mut recall) = self.recall.take() else { return answer };
        let failed = match &answer {
            Ok(response) => is_failure(response.status()),
            Err(error) => may_pass(error.kind()),
        };
        let answer = match answer {
            Err(error) if !is_own(error.kind()) => {
                recall.land(Landing::Failed(Arc::new(self.exchange.dress(error.copy()))));
                Err(error)
            }
            Ok(response) if failed && recall.flight.as_ref().is_some_and(Flight::is_awaited) => {
                let response = response.kept().await;
                recall.land(Landing::Answered(Arc::new(response.copy())));
                Ok(response)
            }
            Ok(response) => {
                if !recall.filling {
                    recall.land(Landing::Missed);
                }
                Ok(response)
            }
            error => error,
        };
        match failed.then(|| recall.stand_in()).flatten() {
            Some(stale) => Ok(self.given(stale, Source::Stale)),
            None => answer,
        }
    }
}

impl Recall<'_> {
    /// The stale answer that may stand in for a failure.
    pub(super) fn stand_in(&self) -> Option<http::Response<WireBody>> {
        let now = Moment::now();
        let stale = self.found.entry(&self.headers).filter(|entry| entry.stands_in(&self.asked, now))?;
        let stale = stale.answer(&self.headers, now)?;
        self.cache.note(Noted::Stale);
        Some(stale)
    }

    fn land(&mut self, landing: Landing) {
        if let Some(flight) = self.flight.take() {
            flight.land(landing, Instant::now());
        }
    }

    /// Sees to it that an answer is kept, or to it that what it replaces is not.
    pub(super) async fn take_in(&mut self, answer: http::Response<WireBody>) -> http::Response<WireBody> {
        let now = Moment::now();
        if !mem::replace(&mut self.counted, true) {
            self.cache.note(Noted::Miss);
        }
        let status = answer.status();
        let Some(draft) = self.draft(&answer, now) else {
            if is_for_now(status) || status == StatusCode::NOT_MODIFIED {
                return answer;
            }
            // Who is refused may be let in once the call is signed anew.
            if status != StatusCode::UNAUTHORIZED {
                self.land(Landing::Alone);
            }
            if self.found.entry(&self.headers).is_some() {
                self.cache.forget(&self.key).await;
            }
            return answer;
        };
        self.filling = draft.is_fresh(now);
        let (parts, body) = answer.into_parts();
        let body = if status == StatusCode::NO_CONTENT { WireBody::empty() } else { body };
        let body = match body.into_bytes() {
            Ok(bytes) => {
                let body = Bytes::copy_from_slice(&bytes);
                self.kept = self.cache.keep_whole(&self.key, self.found.slot.as_ref(), draft, body).await;
                WireBody::full(bytes)
            }
            Err(body) => self.cache.filled(body, draft, &self.found, &self.key),
        };
        http::Response::from_parts(parts, body)
    }

    /// What is to be kept of an answer.
    fn draft(&self, answer: &http::Response<WireBody>, now: Moment) -> Option<Draft> {
        let came = Came {
            asked: &self.headers,
            signed: self.is_signed,
            status: answer.status(),
            version: answer.version(),
            headers: answer.headers(),
        };
        let framed = is_framed(answer.version(), answer.headers(), answer.body());
        let draft = self.rules.draft(&came, now, self.found.stamp).filter(|_| framed);
        draft.filter(|draft| !draft.varies_by(&self.made))
    }

    /// Forgets what is kept where a HEAD says that it has changed.
    async fn compare(&mut self, status: StatusCode, told: &HeaderMap) {
        let changed = |entry: &Arc<Entry>| status != entry.status() || entry.differs(told);
        if status.is_success() && self.found.entry(&self.headers).is_some_and(changed) {
            self.cache.forget(&self.key).await;
        }
    }
}

/// Whether an answer of this status says nothing of the next one: the call failed, or is to be sent again later.
fn is_for_now(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 408 | 421 | 425 | 429)
}

/// Whether such a failure lets a stale answer stand in.
fn may_pass(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Connect
            | ErrorKind::Tls
            | ErrorKind::Timeout
            | ErrorKind::Protocol
            | ErrorKind::Body
            | ErrorKind::Circuit
    )
}

/// Whether such a failure is about this call, and says nothing to others.
fn is_own(kind: ErrorKind) -> bool {
    !matches!(kind, ErrorKind::Connect | ErrorKind::Tls | ErrorKind::Protocol | ErrorKind::Body | ErrorKind::Circuit)
}
