//! The short way to an answer that is kept in memory and fresh: nothing of the loop is set up for it.

use std::{mem, sync::Arc};

use tokio::time::Instant;

use super::{Client, Options, trace, whose::EVERYBODY};
use crate::{
    cache::{Moment, Wanted},
    request::{Planned, Request},
    response::{Response, Source},
};

impl Client {
    /// The answer to a plain call, whose `plan` it takes the URL from; `None` where the loop has to look.
    ///
    /// It gives nothing that the loop would not give: same key, same verdict.
    pub(super) fn fresh(
        &self,
        request: &Request,
        options: &Options,
        plan: &mut Planned<'_>,
        started: Instant,
    ) -> Option<Response> {
        let core = &*self.core;
        let cache = core.cache.as_ref()?;
        let caching = plan.policy.and_then(|policy| policy.cache).unwrap_or_default();
        let own = options.auth.is_some() || options.key.is_some() || plan.auth.is_some();
        if own || caching.off || !request.is_plain(plan) {
            return None;
        }
        let usual = core.usual?;
        let identity = if caching.shared { &EVERYBODY } else { &usual };
        let target = plan.uri.path_and_query()?.as_str();
        let now = Moment::now();
        // A URL that is written otherwise than the key is left to the loop.
        let wanted = Wanted { identity, origin: core.base.home(), target };
        let entry = cache.peek(&wanted, options.cache, &core.headers, now)?;
        let url = mem::take(&mut plan.uri);
        let mut exchange = self.exchange(plan, url, options, started);
        exchange.elapsed = now.at.saturating_duration_since(started);
        (exchange.status, exchange.source) = (Some(entry.status()), Source::Kept);
        let span = trace::call(&plan.method, &plan.label);
        let answer = Ok(entry.response(Arc::new(exchange), now));
        trace::ended(&span, &answer);
        answer.ok()
    }
}
