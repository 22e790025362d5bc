//! The cache under attack: answers of others, untrue answers, wrong bodies, crowds, and what stores do.

mod crowds;
mod stores;
mod untrue;
mod whole;
mod whose;

use restwalk::{Call, Response};

use crate::support::script::{Step, answer};

/// An answer that is fresh for 15 minutes.
fn lasting(body: impl Into<bytes::Bytes>) -> Step {
    answer(200).header("cache-control", "max-age=900").body(body)
}

/// Sends a call and reads what it brings; whether that came from the cache.
async fn told(call: Call) -> (String, bool) {
    let answer: Response = call.send_raw().await.unwrap();
    let from_cache = answer.from_cache();
    (answer.text().await.unwrap(), from_cache)
}
