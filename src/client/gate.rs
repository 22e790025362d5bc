//! Waiting for a turn: where the limits' decisions become waits, and what each call holds while it is sent.

use std::{
    collections::HashMap,
    future::poll_fn,
    hash::{BuildHasher, RandomState},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, Waker, ready},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    error::{Error, ErrorKind, Result},
    limit::{Away, Common, Limit, Limiter, Partition, Permit, Refused, Step, Ticket, Turn},
};

/// So many partitions are remembered.
const PARTITIONS: usize = 4_096;

/// The longest wait for a turn that another process keeps, where the call has no deadline.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Leave to send at once, or nothing; a limit that is shared is not asked, so it gives none.
pub(super) fn try_enter(limiter: &Arc<Limiter>) -> Option<Permit> {
    if limiter.common().is_some() { None } else { try_own(limiter) }
}

fn try_own(limiter: &Arc<Limiter>) -> Option<Permit> {
    limiter.take(Instant::now()).then(|| Permit::new(limiter, Instant::now))
}

/// Waits for leave to send.
///
/// # Errors
/// `RateLimited` at once where the wait would pass `deadline`, with the wait; `Timeout` with the code
/// `timeout.queue` where too many wait already, or no place becomes free in time. Nothing was sent.
pub(super) async fn enter(limiter: &Arc<Limiter>, deadline: Option<Instant>) -> Result<Permit> {
    let permit = own(limiter, deadline).await?;
    if let Some(common) = limiter.common() {
        Box::pin(shared(common, deadline)).await?;
    }
    Ok(permit)
}

/// Waits for the turn that a store outside of this process gives; while it is away, for one of this process's share.
async fn shared(common: &Common, deadline: Option<Instant>) -> Result<()> {
    let _place = common.wait().ok_or_else(|| refused(Refused::Full))?;
    let longest = deadline.map_or(LONGEST, |deadline| deadline.saturating_duration_since(Instant::now()));
    match common.take(longest).await {
        Ok(Turn::After(wait)) if wait.is_zero() => Ok(()),
        Ok(Turn::After(wait)) => {
            tokio::time::sleep(wait).await;
            Ok(())
        }
        Ok(Turn::Late(wait)) => Err(refused(Refused::Late(wait))),
        Err(Away) => own(&common.share, deadline).await.map(drop),
    }
}

async fn own(limiter: &Arc<Limiter>, deadline: Option<Instant>) -> Result<Permit> {
    if let Some(permit) = try_own(limiter) {
        return Ok(permit);
    }
    let ticket = limiter.join(Instant::now(), deadline).map_err(refused)?;
    // On the heap, so that calls which need not wait stay small.
    Box::pin(Waiting { limiter, ticket, deadline }.turn()).await?;
    Ok(Permit::new(limiter, Instant::now))
}

/// A place in the queue, left when this is dropped.
struct Waiting<'a> {
    limiter: &'a Limiter,
    ticket: Ticket,
    deadline: Option<Instant>,
}

impl Waiting<'_> {
    async fn turn(self) -> Result<()> {
        let mut timer = pin!(tokio::time::sleep_until(Instant::now()));
        poll_fn(|cx| {
            loop {
                let Some(until) = ready!(self.look(cx.waker()))? else { return Poll::Ready(Ok(())) };
                timer.as_mut().reset(until);
                ready!(timer.as_mut().poll(cx));
            }
        })
        .await
    }

    /// Nothing once it may go, else when to look again; pending where only a call helps.
    fn look(&self, waker: &Waker) -> Poll<Result<Option<Instant>>> {
        let now = Instant::now();
        match self.limiter.step(self.ticket, now, waker) {
            Step::Go => Poll::Ready(Ok(None)),
            Step::Until(due) if self.deadline.is_some_and(|deadline| deadline < due) => {
                Poll::Ready(Err(refused(Refused::Late(due.saturating_duration_since(now)))))
            }
            Step::Until(due) => Poll::Ready(Ok(Some(due))),
            Step::Room(_) if self.deadline.is_some_and(|deadline| deadline <= now) => {
                let why = "no place became free in the time of the call; see Limit::concurrency";
                Poll::Ready(Err(Error::coded(ErrorKind::Timeout, "timeout.queue", why)))
            }
            Step::Room(again) => match [again, self.deadline].into_iter().flatten().min() {
                Some(again) => Poll::Ready(Ok(Some(again))),
                None => Poll::Pending,
            },
        }
    }
}

impl Drop for Waiting<'_> {
    /// Does nothing once it went.
    fn drop(&mut self) {
        self.limiter.leave(self.ticket, Instant::now());
    }
}

fn refused(why: Refused) -> Error {
    match why {
        Refused::Full => {
            let why = "too many calls wait for the rate limit already; send fewer, or raise Limit::queue";
            Error::coded(ErrorKind::Timeout, "timeout.queue", why)
        }
        Refused::Late(wait) => {
            let why = format!("the rate limit lets it go in {:.1} s only, past its deadline", wait.as_secs_f64());
            Error::coded(ErrorKind::RateLimited, "rate_limited", why).with_retry_after(Some(wait))
        }
    }
}

/// The limiters of a client and its clones, one a partition.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    /// Two keys, since partitions are known by a hash of theirs alone.
    keys: [RandomState; 2],
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    limiters: HashMap<u128, (u64, Arc<Limiter>)>,
    uses: u64,
}

impl Partitions {
    /// The limiter of `partition`, made of `limit` where there is none yet.
    ///
    /// Where too many are known, the one that was not used for longest is forgotten; never one in use.
    pub(super) fn limiter(&self, partition: &Partition<'_>, limit: &Limit) -> Arc<Limiter> {
        let [one, two] = self.keys.each_ref().map(|key| u128::from(key.hash_one(partition)));
        let key = one << 64 | two;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.uses += 1;
        let now = known.uses;
        if let Some((used, limiter)) = known.limiters.get_mut(&key) {
            *used = now;
            return Arc::clone(limiter);
        }
        if known.limiters.len() >= PARTITIONS {
            known.forget_one();
        }
        let limiter = Arc::new(Limiter::at(limit, partition.origin));
        known.limiters.insert(key, (now, Arc::clone(&limiter)));
        limiter
    }
}

impl Known {
    fn forget_one(&mut self) {
        let idle = self.limiters.iter().filter(|(_, (_, limiter))| Arc::strong_count(limiter) == 1);
        if let Some(oldest) = idle.min_by_key(|(_, (used, _))| *used).map(|(key, _)| *key) {
            self.limiters.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests;
