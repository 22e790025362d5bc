//! Walk any REST API by its paths, without generated code.

#![forbid(unsafe_code)]

mod body;
mod error;
mod json;
mod multipart;
mod params;
mod query;
mod secret;
