//! stub
#![allow(missing_docs)]
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use crate::error::Error;
#[derive(Debug, Clone)]
pub struct Circuit;
pub(crate) struct Breaker;
pub(crate) struct Pass;
pub(crate) enum Verdict { Success, Failure, Ignored }
impl Breaker { pub(crate) fn new(_: &Circuit) -> Self { Self } pub(crate) fn admit(self: &Arc<Self>, _n: Instant) -> Result<Pass, Duration> { Ok(Pass) } }
impl Pass { pub(crate) fn finish(self, _n: Instant, _v: Verdict, _d: f64) {} }
pub(crate) fn open(_: Duration) -> Error { Error::new(crate::error::ErrorKind::Circuit, "") }
