//! A client of GitHub: routes, headers, limits and cache times are a file of data.
//!
//! The service is in this process; without `.transport(..)` the same client asks the real one, as does
//! `restwalk --catalog examples/support/github.yaml users/octocat`.

use restwalk::{Auth, Cache, Catalog, Client, Limit, Local, Result, Value};
use tokio::time::Instant;

#[path = "support/github.rs"]
mod github;

const CATALOG: &str = include_str!("support/github.yaml");

// The clock goes on by itself when all wait, so that limits are kept and take no time.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<()> {
    let (service, record) = github::service();
    let catalog = Catalog::from_yaml(CATALOG, "")?;
    let auth = std::env::var("GITHUB_TOKEN").map_or_else(|_| Auth::none(), Auth::bearer);
    let client = Client::builder(catalog.base_url().unwrap_or_default())
        .transport(Local::new(service))
        .auth(auth)
        // A route has its own limits in the catalog; these hold for all of them together.
        .limit(Limit::new().per_second(1).per_minute(60))
        .cache(&Cache::memory())
        .catalog(catalog)
        .build()?;
    let began = Instant::now();

    let octocat = client.res("users").item("octocat");
    let user: Value = octocat.get().await?;
    println!("{} has {} followers", user["name"].as_str().unwrap_or_default(), user["followers"]);
    println!("    asked again: from the cache {}", octocat.get().send().await?.from_cache());

    // The service fails once; it is asked again, in its turn.
    let answer = octocat.res("repos").get().send().await?;
    let attempts = answer.attempts();
    let repositories: Vec<Value> = answer.json().await?;
    println!("{} repositories after {attempts} attempts, {} the first", repositories.len(), repositories[0]["name"]);

    // The catalog says `sort=stars` and `order=desc`.
    let found: Value = client.path("search/repositories").get().query("q", "http").await?;
    let sent = record.last();
    println!("{sent}\n    {}\n    signed in: {}", sent.header("accept"), !sent.header("authorization").is_empty());
    println!("the first five of {}", found["total_count"]);
    for item in found["items"].as_array().into_iter().flatten().take(5) {
        println!("    {} {}", item["stargazers_count"], item["full_name"].as_str().unwrap_or_default());
    }
    println!("{} requests in {} s", record.count(), began.elapsed().as_secs());
    Ok(())
}
