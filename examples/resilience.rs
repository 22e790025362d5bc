//! What a client does by itself when a server fails, and what its errors say.

use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use axum::{Router, http::StatusCode, response::Redirect, routing::any};
use restwalk::{Circuit, Client, Limit, Outcome, Result, Retry};

static ASKED: AtomicU32 = AtomicU32::new(0);

/// Fails twice, then answers.
async fn flaky() -> (StatusCode, &'static str) {
    match ASKED.fetch_add(1, Relaxed) {
        0 | 1 => (StatusCode::SERVICE_UNAVAILABLE, r#"{"message": "come back later"}"#),
        _ => (StatusCode::OK, r#"{"status": "paid"}"#),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let service = Router::new()
        .route("/orders", any(flaky))
        .route("/old", any(|| async { Redirect::temporary("/orders") }))
        .route("/away", any(|| async { Redirect::temporary("http://elsewhere.test/?secret=1") }));
    let client = Client::local(service)
        .retry(Retry::standard().base(Duration::from_millis(1)))
        .limit(Limit::new().per_second(1_000).burst(10).concurrency(8))
        .circuit(Circuit::standard())
        .build()?;

    // A POST is sent once: the server may have acted on it.
    let error = client.res("orders").post().set("item", 7).await.unwrap_err();
    println!("{error}; {:?}", error.outcome());
    assert_eq!((error.attempts(), error.outcome()), (1, Outcome::Processed));

    // Under a key that the server knows it by, it is tried again.
    ASKED.store(0, Relaxed);
    let paid = client.res("orders").post().set("item", 7).idempotency_key("order-7").send().await?;
    println!("{} after {} attempts", paid.status(), paid.attempts());

    // A redirect of the same origin is followed with the body; another origin gets nothing.
    let paid = client.res("old").put().set("item", 7).send().await?;
    println!("{} from {}", paid.status(), paid.url().path());
    let error = client.res("away").get().await.unwrap_err();
    println!("{}: {error}", error.code());
    Ok(())
}
