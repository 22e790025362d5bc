//! A client of OpenWeather: its key goes in the query and is shown nowhere, and an answer is good for half an hour.
//!
//! The service is in this process; without `.transport(..)`, and with a key of your own, the same client asks the real one.

use std::time::Duration;

use restwalk::{Auth, Cache, Catalog, Client, Limit, Local, Response, Result, Value};
use tokio::time::Instant;

#[path = "support/weather.rs"]
mod weather;

const CATALOG: &str = include_str!("support/weather.yaml");

async fn show(answer: Response) -> Result<()> {
    let from_cache = answer.from_cache();
    let now: Value = answer.json().await?;
    println!("London: {} °C, {}; from the cache {from_cache}", now["main"]["temp"], now["weather"][0]["description"]);
    Ok(())
}

// The clock goes on by itself when all wait, so that limits are kept and take no time.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<()> {
    let (service, record) = weather::service();
    let catalog = Catalog::from_yaml(CATALOG, "")?;
    let cache = Cache::memory();
    let client = Client::builder(catalog.base_url().unwrap_or_default())
        .transport(Local::new(service))
        .auth(Auth::api_key_query("appid", weather::KEY))
        // A route has its own limits in the catalog; these hold for all of them together.
        .limit(Limit::new().per_second(0.5).per_minute(60))
        .cache(&cache)
        .catalog(catalog)
        .build()?;
    let began = Instant::now();

    let current = client.res("weather").get().query("q", "London");
    show(current.clone().send().await?).await?;
    show(current.clone().send().await?).await?;
    let days: Value = client.res("forecast").get().query("q", "London").await?;
    println!("in a day: {} °C", days["list"][7]["main"]["temp"]);
    println!("{} requests in {} s", record.count(), began.elapsed().as_secs());

    // The key went along, and is in nothing that can be printed.
    assert!(record.all().iter().all(|sent| sent.target.ends_with(weather::KEY)));
    println!("{}", current.to_curl()?.rsplit(' ').next().unwrap_or_default());
    for kept in cache.entries(10).await? {
        println!("kept: {}", kept.url());
    }
    let error = client.res("weather").get().query("q", "Atlantis").await.unwrap_err();
    println!("{error}");

    // The service says nothing of how long its answers are good; the catalog does.
    tokio::time::sleep(Duration::from_secs(1_800)).await;
    show(current.send().await?).await
}
