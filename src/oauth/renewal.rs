//! One token for all who need it: read without waiting, renewed once, by a task that no caller can stop.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::{sync::watch, time::Instant};

use super::{flight, held::Held, source::Source, wire::Carrier};
use crate::{
    error::{Error, ErrorKind, Result},
    secret::Secret,
    token::{Freshness, Margin, TokenKey, TokenStore},
};

/// How long nothing is asked for after a failure, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// A token that is kept good, shared by all clients that were given the same credentials.
#[derive(Debug)]
pub(crate) struct Renewal {
    pub(super) source: Source,
    pub(super) key: TokenKey,
    pub(super) store: TokenStore,
    pub(super) margin: Margin,
    current: RwLock<Option<Arc<Held>>>,
    state: Mutex<State>,
    /// The store has not taken the token at hand yet.
    unsaved: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    flight: Option<Flight>,
    /// Until when nothing is asked for, how often in turn it failed, and how.
    paused: Option<(Instant, u32, Arc<Failure>)>,
    /// The access token that the server refused last.
    refused: Option<Secret>,
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
        match held.life.freshness(self.margin, Instant::now(), SystemTime::now()) {
            Freshness::Fresh => Ok(held),
            Freshness::Due => {
                // Its failure is told when the token is over.
                let _ = self.flight(carrier());
                Ok(held)
            }
            Freshness::Late => match self.renewed(carrier(), Some(&held)).await {
                Err(_) if self.is_good(&held) => Ok(held),
                renewed => renewed,
            },
            Freshness::Ended => self.renewed(carrier(), Some(&held)).await,
        }
    }

    /// Whether a token that is late is better than none.
    fn is_good(&self, held: &Held) -> bool {
        held.life.freshness(self.margin, Instant::now(), SystemTime::now()) != Freshness::Ended
            && self.state().refused.as_ref().is_none_or(|refused| refused.expose() != held.value().expose())
    }

    /// Another token than `old`, which one renewal gives to all who wait for it.
    async fn renewed(self: &Arc<Self>, carrier: Carrier, old: Option<&Arc<Held>>) -> Result<Arc<Held>> {
        for _ in 0..2 {
            // It may have landed meanwhile.
            if let Some(held) = self.held().filter(|held| old.is_none_or(|old| !Arc::ptr_eq(held, old))) {
                return Ok(held);
            }
            let mut flight = self.flight(carrier.clone()).map_err(|failure| failure.told())?;
            // It ends without a word where its task died with a runtime or a panic: then another is begun.
            if let Ok(landed) = flight.wait_for(Option::is_some).await
                && let Some(landed) = landed.clone()
            {
                return landed.map_err(|failure| failure.told());
            }
        }
        Err(super::answer::failed("the task that renews the token ended without a word; try again"))
    }

    /// Hears that the server refused `token`; whether there is another one now.
    ///
    /// # Errors
    /// `Auth` or `Store`: why there is none.
    pub(crate) async fn refused(self: &Arc<Self>, token: &Secret, carrier: impl FnOnce() -> Carrier) -> Result<()> {
        let held = self.held();
        if held.as_ref().is_some_and(|held| held.value().expose() != token.expose()) {
            return Ok(());
        }
        self.state().refused = Some(token.clone());
        self.renewed(carrier(), held.as_ref()).await.map(|_| ())
    }

    /// Forgets the token at hand, so that the next call gets another.
    pub(super) fn invalidate(&self) {
        let held = self.current.write().unwrap_or_else(PoisonError::into_inner).take();
        let mut state = self.state();
        state.paused = None;
        state.refused = held.map(|held| held.value().clone()).or(state.refused.take());
    }

    /// Whether the server refused this token, or the caller gave it up.
    pub(super) fn was_refused(&self, token: &Secret) -> bool {
        self.state().refused.as_ref().is_some_and(|refused| refused.expose() == token.expose())
    }

    /// Takes a token in as the one at hand; `unsaved` where the store has not taken it.
    pub(super) fn take(&self, held: Arc<Held>, unsaved: bool) {
        self.unsaved.store(unsaved, Ordering::Release);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }

    /// Forgets everything, as after signing out.
    pub(super) fn forget(&self) {
        *self.state() = State::default();
        self.unsaved.store(false, Ordering::Release);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether the store lacks the token at hand.
    pub(super) fn is_unsaved(&self) -> bool {
        self.unsaved.load(Ordering::Acquire)
    }

    /// Offers the token at hand to the store once more, while the caller goes on.
    fn save(self: &Arc<Self>, held: &Arc<Held>) {
        // One offer at a time: whoever finds the mark gone lets it be.
        if self.unsaved.swap(false, Ordering::AcqRel) {
            let (renewal, held) = (Arc::clone(self), Arc::clone(held));
            tokio::spawn(async move {
                let saved = flight::save(&renewal, &held).await;
                renewal.unsaved.fetch_or(!saved, Ordering::AcqRel);
            });
        }
    }

    /// The renewal that is under way, or a new one; the failure of the last one while it is too early for another.
    fn flight(self: &Arc<Self>, carrier: Carrier) -> Result<Flight, Arc<Failure>> {
        let mut state = self.state();
        if let Some(flight) = &state.flight
            && flight.borrow().is_none()
            && flight.has_changed().is_ok()
        {
            return Ok(flight.clone());
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
            let landed = flight::fly(&renewal, carrier).await.map_err(|error| Arc::new(Failure::of(&error)));
            renewal.landed(&landed);
            land.send_replace(Some(landed));
        });
        Ok(flight)
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
