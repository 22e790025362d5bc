//! One token for all who need it: read without waiting, renewed once, by a task that no caller can stop.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use super::{flight, held::Held, source::Source, wire::Carrier};
use crate::{
    error::{Error, ErrorKind, Result},
    token::{Freshness, Margin, TokenKey, TokenStore},
};

/// How long nothing is asked for after a failure, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How long nothing is renewed in the background after nobody waited for a person.
const REST: Duration = Duration::from_secs(30);

/// How many refusals by the API a renewal follows, in which time; an API that refuses every token costs no more.
const REFUSALS: (usize, Duration) = (5, Duration::from_secs(30));

/// A token that is kept good, shared by all clients that were given the same credentials.
#[derive(Debug)]
pub(crate) struct Renewal {
    pub(super) source: Source,
    pub(super) key: TokenKey,
    pub(super) store: TokenStore,
    pub(super) margin: Margin,
    current: RwLock<Option<Arc<Held>>>,
    state: Mutex<State>,
    /// The store has not taken the token at hand yet; changed while `current` is locked for writing only.
    unsaved: AtomicBool,
    /// The token at hand is being offered to the store.
    saving: watch::Sender<bool>,
    /// How many wait for a renewal.
    waiting: watch::Sender<usize>,
}

/// One who waits for a renewal, counted while they do.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
    }
}

/// An offer to the store, over when it is dropped.
struct Saving(Arc<Renewal>);

impl Drop for Saving {
    fn drop(&mut self) {
        self.0.saving.send_replace(false);
    }
}

#[derive(Debug, Default)]
struct State {
    flight: Option<Flight>,
    /// Until when nothing is asked for, how often in turn it failed, and how.
    paused: Option<(Instant, u32, Arc<Failure>)>,
    /// Until when nothing is renewed that nobody waits for.
    resting: Option<Instant>,
    /// When the last refusals by the API were, which a renewal followed.
    refusals: VecDeque<Instant>,
}

type Landed = Result<Arc<Held>, Arc<Failure>>;
type Flight = watch::Receiver<Option<Landed>>;

/// A failure that many hear of.
#[derive(Debug)]
pub(super) struct Failure {
    kind: ErrorKind,
    code: &'static str,
    message: String,
    status: Option<http::StatusCode>,
    problem: Option<crate::Problem>,
}

impl Failure {
    fn of(error: &Error) -> Self {
        let (kind, code, status) = (error.kind(), error.code(), error.status());
        Self { kind, code, message: error.reason().to_owned(), status, problem: error.problem().cloned() }
    }

    fn told(&self) -> Error {
        let error = Error::coded(self.kind, self.code, self.message.clone());
        error.with_status(self.status).with_problem(self.problem.clone())
    }
}

impl Renewal {
    pub(super) fn new(source: Source, key: TokenKey, store: TokenStore, margin: Margin) -> Self {
        Self {
            source,
            key,
            store,
            margin,
            current: RwLock::default(),
            state: Mutex::default(),
            unsaved: AtomicBool::new(false),
            saving: watch::Sender::new(false),
            waiting: watch::Sender::new(0),
        }
    }

    /// The token at hand, whatever its age.
    pub(super) fn held(&self) -> Option<Arc<Held>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A token that is good: the one at hand, or the one that a renewal gives.
    ///
    /// # Errors
    /// `Auth` or `Store`: why there is none.
    pub(crate) async fn token(self: &Arc<Self>, carrier: impl FnOnce() -> Carrier) -> Result<Arc<Held>> {
        let Some(held) = self.held() else { return self.renewed(carrier(), None).await };
        if self.is_unsaved() {
            self.save(&held);
        }
        match held.freshness() {
            Freshness::Fresh => Ok(held),
            Freshness::Due => {
                if self.state().resting.is_none_or(|until| until <= Instant::now()) {
                    // Its failure is told when the token is over.
                    let _ = self.flight(carrier(), Some(&held));
                }
                Ok(held)
            }
            Freshness::Late => match self.renewed(carrier(), Some(&held)).await {
                Err(_) if held.freshness() != Freshness::Ended => Ok(held),
                renewed => renewed,
            },
            Freshness::Ended => self.renewed(carrier(), Some(&held)).await,
        }
    }

    /// Another token than `old`, which one renewal gives to all who wait for it.
    async fn renewed(self: &Arc<Self>, carrier: Carrier, old: Option<&Arc<Held>>) -> Result<Arc<Held>> {
        self.waiting.send_modify(|waiting| *waiting = waiting.saturating_add(1));
        let _counted = Waiting(&self.waiting);
        for _ in 0..3 {
            if let Some(held) = self.other(old) {
                return Ok(held);
            }
            let flight = self.flight(carrier.clone(), old).map_err(|failure| failure.told())?;
            // It ends without a word where its task died with a runtime or a panic, or while nobody waited for it:
            // then another is begun.
            let Some(mut flight) = flight else { continue };
            if let Ok(landed) = flight.wait_for(Option::is_some).await
                && let Some(landed) = landed.clone()
            {
                return landed.map_err(|failure| failure.told());
            }
        }
        Err(super::answer::failed("the task that renews the token ended without a word; try again"))
    }

    /// Does `work` while anybody waits for what it gives; `None` where nobody does any more.
    pub(super) async fn while_waited_for<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut waiting = self.waiting.subscribe();
        let (mut work, mut deserted) = (pin!(work), pin!(waiting.wait_for(|waiting| *waiting == 0)));
        poll_fn(|context| match deserted.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => work.as_mut().poll(context).map(Some),
        })
        .await
    }

    /// The token at hand, where it is another than `old`.
    fn other(&self, old: Option<&Arc<Held>>) -> Option<Arc<Held>> {
        self.held().filter(|held| old.is_none_or(|old| !Arc::ptr_eq(held, old)))
    }

    /// Hears that the API refused `held`; whether there is another token now.
    ///
    /// # Errors
    /// `Auth` or `Store`: why there is none.
    pub(crate) async fn refused(self: &Arc<Self>, held: &Arc<Held>, carrier: impl FnOnce() -> Carrier) -> Result<bool> {
        if held.refuse() {
            let (mut state, now) = (self.state(), Instant::now());
            state.refusals.retain(|at| now.saturating_duration_since(*at) < REFUSALS.1);
            if state.refusals.len() >= REFUSALS.0 {
                held.accept();
                return Ok(false);
            }
            state.refusals.push_back(now);
        }
        self.renewed(carrier(), Some(held)).await.map(|_| true)
    }

    /// Waits until no renewal is under way, and nothing is being offered to the store.
    pub(super) async fn settled(&self) {
        let flight = self.state().flight.clone();
        if let Some(mut flight) = flight {
            // One whose task has died is over too.
            let _ = flight.wait_for(Option::is_some).await;
        }
        // Its sender is ours, and lives as long as we do.
        let _ = self.saving.subscribe().wait_for(|saving| !saving).await;
    }

    /// Gives the token at hand up, so that the next call gets another.
    pub(super) fn invalidate(&self) {
        self.held().iter().for_each(|held| {
            held.refuse();
        });
        self.state().paused = None;
    }

    /// Takes a token in as the one at hand; `unsaved` where the store has not taken it.
    pub(super) fn take(&self, held: Arc<Held>, unsaved: bool) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        self.unsaved.store(unsaved, Ordering::Release);
        *current = Some(held);
    }

    /// Notes that the store has `held`, or a later one.
    fn saved(&self, held: &Arc<Held>) {
        let current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, held)) {
            self.unsaved.store(false, Ordering::Release);
        }
    }

    /// Forgets everything, as after signing out.
    pub(super) fn forget(&self) {
        *self.state() = State::default();
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        self.unsaved.store(false, Ordering::Release);
        *current = None;
    }

    /// Whether the store lacks the token at hand.
    pub(super) fn is_unsaved(&self) -> bool {
        self.unsaved.load(Ordering::Acquire)
    }

    /// Offers the token at hand to the store once more, while the caller goes on.
    fn save(self: &Arc<Self>, held: &Arc<Held>) {
        // One offer at a time.
        if self.saving.send_if_modified(|saving| !std::mem::replace(saving, true)) {
            let (saving, held) = (Saving(Arc::clone(self)), Arc::clone(held));
            tokio::spawn(async move {
                if flight::save(&saving.0, &held).await {
                    saving.0.saved(&held);
                }
            });
        }
    }

    /// The renewal that is under way, or a new one; `None` where there is another token than `old` already, and the
    /// failure of the last one while it is too early for another.
    fn flight(self: &Arc<Self>, carrier: Carrier, old: Option<&Arc<Held>>) -> Result<Option<Flight>, Arc<Failure>> {
        let mut state = self.state();
        if self.other(old).is_some() {
            return Ok(None);
        }
        if let Some(flight) = &state.flight
            && flight.borrow().is_none()
            && flight.has_changed().is_ok()
        {
            return Ok(Some(flight.clone()));
        }
        if let Some((until, _, failure)) = &state.paused
            && *until > Instant::now()
        {
            return Err(Arc::clone(failure));
        }
        let (land, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        drop(state);
        let renewal = Arc::clone(self);
        tokio::spawn(async move {
            let flown = flight::fly(&renewal, carrier).await.map_err(|error| Arc::new(Failure::of(&error)));
            match flown.transpose() {
                Some(landed) => {
                    renewal.landed(&landed);
                    land.send_replace(Some(landed));
                }
                None => renewal.state().resting = Instant::now().checked_add(REST),
            }
        });
        Ok(Some(flight))
    }

    /// Takes in what a renewal came to.
    fn landed(&self, landed: &Landed) {
        let mut state = self.state();
        state.flight = None;
        state.paused = match landed {
            Ok(_) => None,
            Err(failure) => {
                let failures = state.paused.as_ref().map_or(1, |(_, failures, _)| failures.saturating_add(1));
                let pause = PAUSE.0.saturating_mul(1 << failures.saturating_sub(1).min(8)).min(PAUSE.1);
                Instant::now().checked_add(pause).map(|until| (until, failures, Arc::clone(failure)))
            }
        };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
