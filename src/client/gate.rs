//! stub
use crate::{
    error::Result,
    limit::{Limiter, Permit},
};
use std::sync::Arc;
use tokio::time::Instant;
pub(super) async fn enter(_l: &Arc<Limiter>, _d: Option<Instant>) -> Result<Permit> {
    Ok(Permit)
}
