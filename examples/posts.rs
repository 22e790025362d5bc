//! A first try of a client: a post is read, read again out of the cache, and others are added, two a second.
//!
//! The service is in this process; without `.transport(..)` the same client asks the real one.

use std::time::Duration;

use restwalk::{Cache, Catalog, Client, Local, Response, Result, Value};
use tokio::time::Instant;

#[path = "support/posts.rs"]
mod posts;

const CATALOG: &str = include_str!("support/posts.yaml");
const DEFAULTS: &str = "/posts: { POST: { userId: 1 } }";

/// Prints an answer, and gives how long it took and what it says.
async fn show(what: &str, answer: Response) -> Result<(Duration, String)> {
    let time = answer.elapsed();
    println!("{what}: {}, from_cache {}, {} ms", answer.status(), answer.from_cache(), time.as_millis());
    Ok((time, answer.text().await?))
}

// The clock goes on by itself when all wait, so that times do not vary, and limits are kept and take none.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<()> {
    let (service, record) = posts::service();
    let catalog = Catalog::from_yaml(CATALOG, DEFAULTS)?;
    let client = Client::builder(catalog.base_url().unwrap_or_default())
        .transport(Local::new(service))
        .cache(&Cache::memory())
        .catalog(catalog)
        .build()?;
    let all = client.res("posts");

    // What is kept is what was read to its end.
    let first = all.item(1).get();
    let (asked, text) = show("GET /posts/1", first.clone().send().await?).await?;
    let (again, same) = show("GET /posts/1", first.clone().send().await?).await?;
    assert!(again < asked && same == text);

    // The service is busy at first, and says when to ask again.
    let made = all.post().set("title", "A title").send().await?;
    let (status, attempts) = (made.status(), made.attempts());
    println!("POST /posts: {status}, id {}, {attempts} attempts", made.json::<Value>().await?["id"]);
    println!("    {}", record.last().text());
    let began = Instant::now();
    let (second, third) = (all.post().set("title", "B").send(), all.post().set("title", "C").send());
    let (second, third) = tokio::join!(second, third);
    println!("two more: {}, {}, {} ms", second?.status(), third?.status(), began.elapsed().as_millis());

    // What was added may have changed what lies under /posts.
    show("GET /posts/1", first.send().await?).await?;
    println!("{} requests", record.count());
    Ok(())
}
