//! One call for each record of a file.
//!
//! A [`form`](form::Form) is filled by each [`record`], the [`engine`] sends so many at once and prints what they
//! answer in the order of the records, and a [`journal`] knows which were begun and which have ended.

pub(crate) mod bulk;
pub(crate) mod engine;
mod fill;
pub(crate) mod form;
pub(crate) mod journal;
pub(crate) mod record;
mod summary;
mod window;
