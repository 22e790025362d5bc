//! Leave to send, which is given back.

use std::sync::Arc;

use tokio::time::Instant;

use super::Limiter;

/// Leave to send one request under a [`Limit`](super::Limit); its place is given back when this is dropped.
#[derive(Debug)]
#[must_use = "dropping it gives the place back"]
pub struct Permit {
    limiter: Arc<Limiter>,
    /// Tells when it is given back.
    clock: fn() -> Instant,
}

impl Permit {
    pub(crate) fn new(limiter: &Arc<Limiter>, clock: fn() -> Instant) -> Self {
        Self { limiter: Arc::clone(limiter), clock }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.finish(self.clock);
    }
}
