//! stub
#![allow(missing_docs)]
use std::time::{Duration, SystemTime};
use http::{HeaderMap, Method, StatusCode};
use crate::error::{Error, Fault};
#[derive(Debug, Clone, PartialEq)]
pub struct Retry { n: u8 }
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cost { Free, Throttling, Transient }
pub(crate) enum Standing { Idempotent, Keyed, Bare }
impl Standing { pub(crate) fn of(_m: &Method, _i: Option<bool>, _k: bool) -> Self { Self::Idempotent } }
#[derive(Default)]
pub(crate) struct Tries { pub attempts: u32, pub freed: bool, pub once: bool }
impl Tries { pub(crate) fn note(&mut self, _c: Cost) {} }
pub(crate) enum Failed<'a> { Error(&'a Error), Answer(StatusCode, &'a HeaderMap) }
pub(crate) enum Decision { Accept, Again { after: Duration, cost: Cost }, Stop(Stop) }
pub(crate) enum Stop { Exhausted, Deadline, RateLimited(Duration) }
impl Stop { pub(crate) fn code(&self) -> Option<&'static str> { None } }
impl Retry {
    pub fn standard() -> Self { Self { n: 3 } } pub fn off() -> Self { Self { n: 1 } }
    pub fn attempts(self, n: u8) -> Self { Self { n } }
    pub fn base(self, _: Duration) -> Self { self } pub fn cap(self, _: Duration) -> Self { self }
    pub fn factor(self, _: f64) -> Self { self } pub fn budget(self, _: bool) -> Self { self }
    pub(crate) fn check(&self) -> Result<(), Fault> { Ok(()) }
    pub(crate) fn decide(&self, _f: Failed<'_>, _s: Standing, _t: &Tries, _d: f64, _w: SystemTime, _l: Option<Duration>) -> Decision { Decision::Accept }
}
pub(crate) struct Budget;
impl Budget { pub(crate) fn new() -> Self { Self } pub(crate) fn take(&self, _: Cost) -> bool { true } pub(crate) fn give_back(&self, _: Cost) {} pub(crate) fn success(&self) {} }
pub(crate) fn retry_after(_: &HeaderMap, _: SystemTime) -> Option<Duration> { None }
