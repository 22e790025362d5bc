//! One renewal: read, decide, redeem, write, under the store's lock from beginning to end.

use std::{sync::Arc, time::SystemTime};

use tokio::time::Instant;

use super::{
    Settings,
    held::{Held, millis},
    id_token::{self, is_of_same},
    renewal::Renewal,
    source::{self, Grant, Source},
    whose,
    wire::{Carrier, Granted, Wire},
};
use crate::{
    error::{Error, ErrorKind, Result},
    random::Random,
    secret::Secret,
    token::{Freshness, Life, TokenLock, TokenRecord},
};

/// Gets a token from wherever this one comes from, and keeps it; `None` where nobody waits any more for a person who
/// was to sign in.
pub(super) async fn fly(renewal: &Renewal, carrier: Carrier) -> Result<Option<Arc<Held>>> {
    match &renewal.source {
        Source::Own(own) => {
            let (at, wall) = (Instant::now(), SystemTime::now());
            let token = own.token().await.inspect_err(|error| {
                tracing::warn!(error.r#type = error.code(), "acquiring an access token failed");
            })?;
            let lasts = crate::jwt::expiry(token.expose()).map(|exp| exp.saturating_sub(millis(wall) / 1_000));
            let life = Life::new(
                at,
                wall,
                lasts.map(std::time::Duration::from_secs),
                renewal.margin,
                Random::default().draw(),
            );
            let held = Arc::new(Held::own(token, life));
            renewal.take(Arc::clone(&held), false);
            Ok(Some(held))
        }
        Source::OAuth(settings, grant) => {
            let kept = renewal.store.read(&renewal.key).await?;
            if let Some(held) = adopted(renewal, kept.as_ref()) {
                return Ok(Some(held));
            }
            let wire = Wire { settings: Arc::clone(settings), carrier };
            match (Flight { renewal, wire, grant }.locked().await) {
                // Whoever holds the lock takes too long; what they left may do for a while.
                Err(error) if error.code() == "store.locked" => good(renewal, kept.as_ref()).map(Some).ok_or(error),
                landed => landed,
            }
        }
    }
}

/// What the store has, where it is newer than what is at hand, and good for a while.
fn adopted(renewal: &Renewal, kept: Option<&TokenRecord>) -> Option<Arc<Held>> {
    taken(renewal, kept, &[Freshness::Fresh, Freshness::Due])
}

/// What the store has, where it is newer than what is at hand, and good at all.
fn good(renewal: &Renewal, kept: Option<&TokenRecord>) -> Option<Arc<Held>> {
    taken(renewal, kept, &[Freshness::Fresh, Freshness::Due, Freshness::Late])
}

fn taken(renewal: &Renewal, kept: Option<&TokenRecord>, wanted: &[Freshness]) -> Option<Arc<Held>> {
    let kept = kept?;
    if renewal.held().is_some_and(|held| held.record.generation >= kept.generation) {
        return None;
    }
    let held = Held::kept(kept.clone(), renewal.margin)?;
    if !wanted.contains(&held.freshness()) {
        return None;
    }
    let held = Arc::new(held);
    renewal.take(Arc::clone(&held), false);
    Some(held)
}

struct Flight<'a> {
    renewal: &'a Renewal,
    wire: Wire,
    grant: &'a Grant,
}

impl Flight<'_> {
    /// The renewal from the moment on that nobody else renews this token.
    async fn locked(&self) -> Result<Option<Arc<Held>>> {
        let mut lock = self.renewal.store.lock(&self.renewal.key).await?;
        let kept = lock.read().await?;
        if let Some(held) = adopted(self.renewal, kept.as_ref()) {
            return Ok(Some(held));
        }
        // What the store could not take is newer than what it has.
        let ours = self.renewal.held().map(|held| held.record.clone());
        let newer = |ours: &TokenRecord| kept.as_ref().is_none_or(|kept| kept.generation < ours.generation);
        let known = ours.filter(newer).or(kept);
        match self.refreshed(&mut *lock, known.as_ref()).await? {
            Refreshed::Granted(granted) => {
                let (granted, mut before) = *granted;
                if let Some(before) = before.as_mut().filter(|_| self.grant.is_somebodys()) {
                    // Another version may have left none.
                    before.grant = before.grant.take().or_else(whose::grant);
                }
                self.kept(&mut *lock, granted, before.as_ref()).await.map(Some)
            }
            Refreshed::Adopted(held) => Ok(Some(held)),
            Refreshed::Nothing => self.begun(lock, known).await,
        }
    }

    /// Redeems the refresh token at hand, if there is one that may help.
    async fn refreshed(&self, lock: &mut dyn TokenLock, known: Option<&TokenRecord>) -> Result<Refreshed> {
        if !self.grant.is_personal() {
            return Ok(Refreshed::Nothing);
        }
        let mut known = known.cloned();
        // A second turn is for a refresh token that another process wrote while ours was refused.
        for _ in 0..2 {
            let Some(token) = refresh_token(known.as_ref(), self.grant) else { return Ok(Refreshed::Nothing) };
            let scope = known.as_ref().and_then(|known| known.scope.as_deref());
            let refusal = match source::refresh(&self.wire, &token, scope).await {
                Ok(granted) => {
                    let before = known.as_ref().and_then(|known| known.id_token.as_ref());
                    if is_of_same(before, granted.answer.id_token.as_ref()) {
                        return Ok(Refreshed::Granted(Box::new((granted, known))));
                    }
                    self.mark(lock, known, &token).await;
                    return Err(id_token::denied("speaks of somebody else than the one before"));
                }
                Err(error) if error.code() == "auth.reauth" => error,
                Err(error) => return Err(error),
            };
            let kept = lock.read().await?;
            if let Some(held) = adopted(self.renewal, kept.as_ref()) {
                return Ok(Refreshed::Adopted(held));
            }
            let other = refresh_token(kept.as_ref(), self.grant).filter(|other| other.expose() != token.expose());
            if other.is_none() {
                self.mark(lock, kept.or(known), &token).await;
                return if self.can_begin() { Ok(Refreshed::Nothing) } else { Err(refusal) };
            }
            known = kept;
        }
        Err(reauth())
    }

    /// Whether a token can be got without what an earlier sign-in left.
    fn can_begin(&self) -> bool {
        matches!(self.grant, Grant::ClientCredentials | Grant::Password(..) | Grant::Interactive(_))
    }

    /// Notes that the refresh token is of no use, and keeps everything else.
    async fn mark(&self, lock: &mut dyn TokenLock, kept: Option<TokenRecord>, token: &Secret) {
        let mut record = kept.unwrap_or_default();
        record.generation = record.generation.saturating_add(1);
        record.reauth_required = true;
        record.access_token = None;
        record.refresh_token.get_or_insert_with(|| token.clone());
        if let Err(error) = lock.write(&record).await {
            tracing::warn!(error.r#type = error.code(), "the store did not take that a new sign-in is needed");
        }
    }

    /// Signs in anew. A person's sign-in takes its time, so others are let in meanwhile.
    async fn begun(&self, mut lock: Box<dyn TokenLock>, known: Option<TokenRecord>) -> Result<Option<Arc<Held>>> {
        let granted = match self.grant {
            Grant::ClientCredentials => source::client_credentials(&self.wire).await?,
            Grant::Password(user, password) => source::password(&self.wire, user, password).await?,
            Grant::Interactive(person) => {
                drop(lock);
                let signed_in = self.renewal.while_waited_for(person.sign_in(&self.wire)).await;
                let Some(granted) = signed_in.transpose()? else { return Ok(None) };
                return begin(self.renewal, &self.wire.settings, granted, known, None).await.map(Some);
            }
            Grant::Refresh(_) | Grant::Stored if known.as_ref().is_some_and(|known| known.reauth_required) => {
                return Err(reauth());
            }
            Grant::Refresh(_) | Grant::Stored => {
                return Err(Error::coded(ErrorKind::Auth, "auth.required", "nobody is signed in; sign in first"));
            }
        };
        self.kept(&mut *lock, granted, known.map(TokenRecord::cleared).as_ref()).await.map(Some)
    }

    async fn kept(
        &self,
        lock: &mut dyn TokenLock,
        granted: Granted,
        before: Option<&TokenRecord>,
    ) -> Result<Arc<Held>> {
        keep(self.renewal, &self.wire.settings, Some(lock), granted, before).await
    }
}

/// Keeps what a new sign-in gave in place of what was `known`, and what is there now; at hand where the store gives no
/// lock for it. `initial` is the refresh token that it was got by, good for more where it brought no other.
pub(super) async fn begin(
    renewal: &Renewal,
    settings: &Settings,
    granted: Granted,
    known: Option<TokenRecord>,
    initial: Option<&Secret>,
) -> Result<Arc<Held>> {
    let place = async {
        let mut lock = renewal.store.lock(&renewal.key).await?;
        let kept = readable(lock.read().await)?;
        Ok::<_, Error>((lock, kept))
    };
    let (mut lock, kept) = match place.await {
        Ok((lock, kept)) => (Some(lock), kept),
        Err(error) => {
            tracing::warn!(error.r#type = error.code(), "the store could not be asked to take a token");
            (None, None)
        }
    };
    let held = renewal.held().map(|held| held.record.clone());
    let mut before = newest(newest(held, kept), known).unwrap_or_default().cleared();
    before.refresh_token = initial.cloned();
    before.grant = whose::grant();
    let lock = lock.as_mut().map(|lock| &mut **lock as &mut dyn TokenLock);
    keep(renewal, settings, lock, granted, Some(&before)).await
}

/// The later of two records of one sign-in.
pub(super) fn newest(one: Option<TokenRecord>, other: Option<TokenRecord>) -> Option<TokenRecord> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if one.generation >= other.generation { one } else { other }),
        (one, other) => one.or(other),
    }
}

/// What the store has; what it has and cannot be read is replaced.
pub(super) fn readable(kept: Result<Option<TokenRecord>>) -> Result<Option<TokenRecord>> {
    match kept {
        Err(error) if error.code() == "store.corrupt" => Ok(None),
        kept => kept,
    }
}

/// Keeps a token that was just granted: in the store where it gave its lock, and in any case at hand.
async fn keep(
    renewal: &Renewal,
    settings: &Settings,
    lock: Option<&mut dyn TokenLock>,
    granted: Granted,
    before: Option<&TokenRecord>,
) -> Result<Arc<Held>> {
    settings.compare(granted.answer.scope.as_deref());
    let held = Arc::new(Held::granted(granted, before, settings.scope()));
    let Some(lock) = lock else {
        renewal.take(Arc::clone(&held), true);
        return Ok(held);
    };
    let unsaved = match lock.write(&held.record).await {
        Ok(()) => false,
        // Who wrote meanwhile held the lock after us, and has the newer token.
        Err(error) if error.code() == "store.outdated" => {
            return match lock.read().await?.and_then(|kept| Held::kept(kept, renewal.margin)) {
                Some(newer) => {
                    let newer = Arc::new(newer);
                    renewal.take(Arc::clone(&newer), false);
                    Ok(newer)
                }
                None => Err(error),
            };
        }
        Err(error) => {
            tracing::warn!(error.r#type = error.code(), "the store did not take a token; it is kept in memory");
            true
        }
    };
    renewal.take(Arc::clone(&held), unsaved);
    Ok(held)
}

enum Refreshed {
    /// A token, and what was known before it.
    Granted(Box<(Granted, Option<TokenRecord>)>),
    /// Another process had renewed it.
    Adopted(Arc<Held>),
    /// There is nothing to redeem.
    Nothing,
}

/// The refresh token to redeem: the kept one, unless it was refused; else the one that the caller gave, unless it was
/// signed out.
fn refresh_token(known: Option<&TokenRecord>, grant: &Grant) -> Option<Secret> {
    match known {
        Some(known) if known.reauth_required => None,
        Some(TokenRecord { refresh_token: Some(token), .. }) => Some(token.clone()),
        Some(TokenRecord { access_token: None, .. }) => None,
        _ => grant.initial().cloned(),
    }
}

fn reauth() -> Error {
    Error::coded(ErrorKind::Auth, "auth.reauth", "the refresh token is no longer accepted; sign in again")
}

/// Writes a token that the store could not take before; whether it has it now, or a newer one.
pub(super) async fn save(renewal: &Renewal, held: &Held) -> bool {
    let saving = async {
        let mut lock = renewal.store.lock(&renewal.key).await?;
        match lock.read().await? {
            Some(kept) if kept.generation >= held.record.generation => Ok(()),
            _ => lock.write(&held.record).await,
        }
    };
    saving.await.is_ok()
}
