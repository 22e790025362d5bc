#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_debug_implementations, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout))]

mod auth;
mod blocking;
mod body;
mod cache;
mod catalog;
mod circuit;
mod client;
mod cookie;
mod correlation;
mod discover;
#[cfg(feature = "environment")]
mod environment;
mod error;
mod header;
mod json;
mod jwt;
mod limit;
mod multipart;
#[cfg(feature = "oauth")]
mod oauth;
mod params;
mod patch;
mod path;
mod query;
mod random;
mod redirect;
#[cfg(feature = "redis")]
mod redis;
mod request;
mod resource;
mod response;
mod retry;
mod secret;
mod template;
#[cfg(feature = "oauth")]
mod token;
mod transport;

pub use auth::{Auth, Sign};
pub use blocking::block_on;
pub use body::{Body, BoxFuture, Progress, Replay, WireBody};
pub use cache::{Cache, CacheBackend, CacheEntry, CacheKey, CacheMode, CachePlace, CacheStats, Kept};
pub use catalog::{Catalog, Following, MethodPolicy, Paginate, Route};
pub use circuit::Circuit;
pub use client::{Attempt, Client, ClientBuilder, until};
pub use correlation::Correlation;
pub use discover::Discover;
#[cfg(feature = "environment")]
pub use environment::{Environment, Environments, Trust};
pub use http;

pub use error::{BoxError, Error, ErrorKind, Outcome, Problem, Result};
#[cfg(feature = "jwt")]
pub use jwt::{JwkSource, JwtAlgorithm, JwtChecker, JwtIssuer, JwtKey, JwtKeys, JwtSigner};
pub use limit::{Limit, Permit, Quota};
pub use multipart::Part;
#[cfg(feature = "oauth")]
pub use oauth::{
    Authorization, DevicePrompt, Logout, OAuth2, Registered, Registration, Session, SignIn, Token, TokenSource,
};
pub use params::Expand;
pub use patch::diff;
pub use path::Segment;
pub use query::Style;
pub use redirect::Redirect;
#[cfg(feature = "redis")]
pub use redis::Redis;
pub use request::UrlTemplate;
pub use resource::{Call, Collection, Item, Items, Operation, Pages, Reply, Stop};
pub use response::{ByteStream, Download, Downloaded, Lines, Link, Response};
pub use retry::{Retries, Retry};
pub use secret::Secret;
pub use serde_json::{Value, json};
#[cfg(feature = "oauth")]
pub use token::{TokenBackend, TokenKey, TokenLock, TokenRecord, TokenStore};
pub use transport::{Local, Resolve, Transport};

pub mod explain {
    //! What a call would send, as data.

    pub use crate::{
        params::{Change, Entry, Origin},
        request::Explanation,
    };
}

/// Runs the examples of the guide.
#[cfg(doctest)]
#[doc = include_str!("../docs/reliability.md")]
mod reliability {}

/// Runs the examples about answers that are kept.
#[cfg(doctest)]
#[doc = include_str!("../docs/caching.md")]
mod caching {}

/// Runs the examples about listings.
#[cfg(doctest)]
#[doc = include_str!("../docs/pages.md")]
mod pages {}
