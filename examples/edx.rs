//! The session client of Open edX: tokens as `JWT`, one cache for all clients of a process, a time for token requests.
//!
//! The provider is a real one: `bash scripts/provider` installs it.

use std::time::Duration;

use provider::{Provider, SECRET};
use restwalk::{Client, Correlation, OAuth2, Result, TokenStore, Value};

#[path = "../tests/suite/support/provider.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod provider;

/// A client for one service; all of them share the tokens in `cache`.
fn client(provider: &Provider, cache: &TokenStore, service: &str) -> Result<Client> {
    let lms = OAuth2::edx(provider.url())
        .client("confidential-post", SECRET)
        .timeout(Duration::from_secs(5))
        .store(cache)
        .client_credentials();
    Client::builder(format!("{}/{service}", provider.resource()))
        .application("catalog-worker")
        .total_timeout(Duration::from_secs(10))
        .auth(lms)
        .build()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let provider = Provider::start();
    let cache = TokenStore::memory();
    let (courses, enrollments) = (client(&provider, &cache, "courses")?, client(&provider, &cache, "enrollments")?);

    // Two clients and four calls, one of them on behalf of a request that came in with an id: one token.
    for client in [&courses, &enrollments, &courses] {
        let answer: Value = client.res("v1").get().await?;
        println!("{} as {} by {}", answer["path"], answer["client"], answer["scheme"]);
    }
    let inbound = Correlation::new().request_id("a-fake-request-id")?;
    inbound.scope(async { courses.res("v1").get().send().await }).await?;
    println!("token requests: {}", provider.counts().arrived());

    // The token can be looked at, and given up.
    let token = courses.auth()?.token().await?;
    println!("a JSON Web Token: {}", token.expose().split('.').count() == 3);
    courses.auth()?.invalidate();
    courses.res("v1").get().send().await?;
    println!("token requests after it was given up: {}", provider.counts().arrived());
    Ok(())
}
