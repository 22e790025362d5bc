#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod error;
mod secret;
mod json;
mod body;
mod params;
mod patch;
mod query;
mod catalog;
mod path;
mod multipart;
mod request;
mod response;
mod transport;
mod auth;
mod client;
mod blocking;
mod resource;

pub use auth::Auth;
pub use blocking::block_on;
pub use body::{Body, BoxFuture, Progress, Replay, WireBody};
pub use catalog::{Catalog, Route};
pub use client::{Client, ClientBuilder};
pub use error::{BoxError, Error, ErrorKind, Outcome, Problem, Result};
pub use multipart::Part;
pub use params::Expand;
pub use patch::diff;
pub use path::Segment;
pub use query::Style;
pub use request::UrlTemplate;
pub use resource::{Call, Collection, Item, Operation, Reply};
pub use response::{ByteStream, Lines, Response};
pub use secret::Secret;
pub use serde_json::{Value, json};
pub use transport::{Local, Transport};

pub mod explain {
    //! What a call would send, as data.

    pub use crate::{
        params::{Change, Entry, Origin},
        request::Explanation,
    };
}
