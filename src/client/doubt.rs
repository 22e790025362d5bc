//! What a call may change, which is made untrue once it has, and where nobody knows.

use std::mem;

use http::{
    HeaderMap, Uri,
    header::{CONTENT_LOCATION, LOCATION},
};

use super::run::Run;
use crate::{
    cache::{Cache, CachePlace, is_unsafe},
    redirect::gate::resolve,
    request::Origin,
};

/// What a call may have changed whose answer has not come; made untrue where it never does.
pub(super) struct Doubt {
    cache: Cache,
    places: Vec<CachePlace>,
}

impl Doubt {
    /// Nothing was changed, or all of it is untrue already.
    pub(super) fn over(mut self) {
        self.places.clear();
    }
}

impl Drop for Doubt {
    fn drop(&mut self) {
        self.cache.invalidate_soon(mem::take(&mut self.places));
    }
}

impl Run<'_> {
    /// Notes what the request that goes out now may change.
    pub(super) fn doubt(&mut self) {
        let Some(cache) = self.client.core.cache.as_ref().filter(|_| is_unsafe(&self.plan.method)) else { return };
        if self.doubt.is_none() {
            self.doubt = Some(Doubt { cache: cache.clone(), places: self.places(&HeaderMap::new()) });
        }
    }

    /// Makes untrue what an unsafe call may have changed.
    pub(super) async fn invalidate(&mut self, told: &HeaderMap) {
        let Some(cache) = &self.client.core.cache else { return };
        for place in &self.places(told) {
            cache.invalidate(place).await;
        }
    }

    /// What an unsafe call may have changed: its own path, what the answer names of the same origin, what the catalog
    /// says that it affects, and all that lies under these.
    fn places(&self, told: &HeaderMap) -> Vec<CachePlace> {
        let own = Origin::of(&self.plan.uri);
        let named = [LOCATION, CONTENT_LOCATION].into_iter().filter_map(|name| {
            let there = resolve(&self.plan.uri, told.get(name)?.to_str().ok()?).ok()?;
            (Origin::of(&there) == own).then(|| CachePlace::of(&there)).flatten()
        });
        let affected = self.request.affected(&self.context, &self.plan);
        let affected = affected.iter().filter_map(|path| CachePlace::of(&at(&self.plan.uri, path)?));
        CachePlace::of(&self.plan.uri).into_iter().chain(named).chain(affected).collect()
    }
}

/// The URL of `path` at the origin of `uri`.
fn at(uri: &Uri, path: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse().ok()?);
    Uri::from_parts(parts).ok()
}
