//! The same calls without `async`, for programs that have no runtime.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, ErrorKind, Result};

/// Runs `future` to its end on this thread.
///
/// One small runtime serves all threads that block, so that they share connections.
///
/// ```
/// # use restwalk::{Client, Value, block_on};
/// # let service = axum::Router::new().route("/people", axum::routing::get(|| async { "[1]" }));
/// let client = Client::local(service).build()?;
/// let response = client.res("people").get().send_blocking()?;
/// assert_eq!(response.status(), 200);
/// let people: Value = block_on(response.json())??;
/// assert_eq!(people[0], 1);
/// # Ok::<(), restwalk::Error>(())
/// ```
///
/// # Errors
/// `Request` when called inside a runtime, where it would stop the tasks that it waits for; use `.await` there.
pub fn block_on<F: Future>(future: F) -> Result<F::Output> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if Handle::try_current().is_ok() {
        let why = "a blocking call inside an async runtime would block it; use .await";
        return Err(Error::coded(ErrorKind::Request, "config", why));
    }
    let runtime = if let Some(runtime) = RUNTIME.get() {
        runtime
    } else {
        let built = Builder::new_current_thread().enable_all().build().map_err(|error| {
            Error::coded(ErrorKind::Request, "config", "no runtime for blocking calls").with_source(error)
        })?;
        RUNTIME.get_or_init(|| built)
    };
    Ok(runtime.block_on(async {
        // Between calls nobody watches the idle connections. The first turn hears what became of them since,
        // the second lets them act on it, so that none that has closed is used.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        future.await
    }))
}
