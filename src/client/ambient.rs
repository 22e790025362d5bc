//! A deadline that every call inside a piece of work keeps, however deep it is nested.

use tokio::time::Instant;

tokio::task_local! {
    /// When the work around must be over, if ever.
    static DEADLINE: Option<Instant>;
}

/// Runs `work` so that every call made in it is over by `deadline`, its body included.
///
/// A deadline inside another can only be earlier. It holds within the task, not in tasks that `work` spawns.
///
/// ```
/// # use restwalk::{Client, ErrorKind, until};
/// # use std::time::{Duration, Instant};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
/// # let service = axum::Router::new().route("/slow", axum::routing::get(std::future::pending::<&'static str>));
/// let client = Client::local(service).build()?;
/// let work = async { client.res("slow").get().timeout(Duration::from_secs(60)).await };
/// let error = until(Instant::now() + Duration::from_millis(5), work).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Timeout);
/// # Ok(()) }
/// ```
pub async fn until<F: Future>(deadline: std::time::Instant, work: F) -> F::Output {
    within(Some(deadline.into()), work).await
}

/// Runs `work` under the earlier of `deadline` and the one around.
pub(super) async fn within<F: Future>(deadline: Option<Instant>, work: F) -> F::Output {
    let deadline = [deadline, current()].into_iter().flatten().min();
    DEADLINE.scope(deadline, work).await
}

/// When the work around must be over.
pub(super) fn current() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok().flatten()
}
