//! stub
#![allow(missing_docs)]
use http::{HeaderMap, StatusCode};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::time::Instant;
#[derive(Debug)]
pub(crate) struct Permit;
pub(crate) struct Limiter;
impl Limiter {
    pub(crate) fn learn(&self, _: Instant, _: SystemTime, _: StatusCode, _: &HeaderMap, _: Option<Duration>) {}
}
