//! Walk any REST API by its paths, without generated code.

#![forbid(unsafe_code)]

mod error;
mod secret;
mod json;
mod body;
mod params;
mod query;
mod catalog;

pub use crate::catalog::{Catalog, MethodPolicy, Route};
pub use crate::error::{Error, ErrorKind, Outcome, Result};
