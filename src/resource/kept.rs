//! What a cache keeps for a call, looked at and changed by hand.

use bytes::Bytes;

use super::Call;
use crate::{cache::Cache, error::Result, response::Response};

impl Cache {
    /// The answer that is kept for `call`, fresh or stale; nothing is sent.
    ///
    /// # Errors
    /// Those of describing the call, and of whatever signs it in.
    ///
    /// ```
    /// # use restwalk::{Cache, Client};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
    /// let cache = Cache::memory();
    /// let call = Client::builder("https://api.example.com").build()?.res("people").get();
    /// assert!(cache.get(&call).await?.is_none());
    /// cache.set(&call, http::Response::builder().header("cache-control", "max-age=60").body("[1]".into()).unwrap()).await?;
    /// assert_eq!(cache.get(&call).await?.unwrap().text().await?, "[1]");
    /// cache.remove(&call).await?;
    /// assert!(cache.get(&call).await?.is_none());
    /// # Ok(()) }
    /// ```
    pub async fn get(&self, call: &Call) -> Result<Option<Response>> {
        call.client.kept(self, &call.request, &call.options).await
    }

    /// Keeps `answer` for `call`, if it may be kept; whether it was.
    ///
    /// # Errors
    /// As [`Cache::get`].
    pub async fn set(&self, call: &Call, answer: http::Response<Bytes>) -> Result<bool> {
        call.client.keep(self, &call.request, &call.options, answer).await
    }

    /// Forgets what is kept for `call`.
    ///
    /// # Errors
    /// As [`Cache::get`].
    pub async fn remove(&self, call: &Call) -> Result<()> {
        call.client.forget(self, &call.request, &call.options).await
    }
}
