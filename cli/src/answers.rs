//! Answers of earlier runs: whether a call may be given them, and where they are.
//!
//! A run keeps answers only where an option, its environment or the route's entry in the catalog says so. A call that
//! changes something makes untrue what was kept before, whatever is said of keeping.

use std::path::PathBuf;

use restwalk::{Cache, CacheMode, Call, Catalog, Environment, MethodPolicy};

use crate::{args::Options, cache, io::Io, mistake::Result};

/// What the options say of the answers that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Use,
    Refresh,
    Never,
}

fn wish(options: &Options) -> Option<Wish> {
    let send = &options.send;
    let wishes = [(send.cache, Wish::Use), (send.refresh, Wish::Refresh), (send.no_cache, Wish::Never)];
    wishes.into_iter().find(|(said, _)| *said).map(|(_, wish)| wish)
}

/// The cache of the calls in `environment`, or of those without one.
///
/// # Errors
/// The environment wants them in the person's folder, and there is none.
pub(crate) fn cache(
    environment: Option<&Environment>,
    catalog: &Catalog,
    options: &Options,
    io: &Io<'_>,
) -> Result<Option<Cache>> {
    if let Some(environment) = environment
        && let Some(cache) = environment.cache()?
    {
        return Ok(Some(cache));
    }
    let Some(folder) = folder(io) else { return Ok(None) };
    // Without one of these nothing is kept: then there may still be something to make untrue.
    let mut policies = catalog.routes().flat_map(restwalk::Route::policies);
    let keeps = folder.is_dir()
        || matches!(wish(options), Some(Wish::Use | Wish::Refresh))
        || policies.any(|policy| policy.cached() == Some(true));
    Ok(keeps.then(|| Cache::disk(folder)))
}

/// Where answers are kept unless an environment says otherwise; nowhere without a home.
pub(crate) fn folder(io: &Io<'_>) -> Option<PathBuf> {
    Some(cache::folder(io)?.join("http"))
}

/// `call`, and how it uses what is kept; what it makes untrue is forgotten in any case.
pub(crate) fn moded(
    call: Call,
    policy: Option<&MethodPolicy>,
    environment: Option<&Environment>,
    options: &Options,
) -> Call {
    let said = environment.and_then(Environment::keeps_answers).or(policy.and_then(MethodPolicy::cached));
    match wish(options) {
        Some(Wish::Refresh) => call.cache(CacheMode::Reload),
        Some(Wish::Never) => call.cache(CacheMode::NoStore),
        None if said != Some(true) => call.cache(CacheMode::NoStore),
        Some(Wish::Use) | None => call,
    }
}
