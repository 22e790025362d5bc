//! A call whose answer goes into a file.

use super::Call;
use crate::{
    client::Reading,
    error::Result,
    response::{Download, Downloaded, Taken},
};

impl Call {
    /// Sends the call and writes its answer to a file, given by its path or as a [`Download`].
    ///
    /// It asks for no content coding. A body that breaks off is not asked for again by itself: what came is
    /// kept for [`Download::resume`], and the error says where.
    ///
    /// # Errors
    /// As [`Call::send`]; `Store` where the file may not or cannot be written, before anything is sent where that
    /// can be known; `Body` and `Timeout` where the body breaks off; `Decode` where it is not what its SHA-256 says.
    pub async fn download(self, to: impl Into<Download>) -> Result<Downloaded> {
        let request = self.build()?;
        let mut saving = to.into().begin(request.method(), request.uri()).await?;
        loop {
            let mut call = self.clone();
            for (name, value) in saving.headers() {
                call = call.header(name, value);
            }
            let answer = call.client.send(&call.request, &call.options, Reading::Later).await;
            match saving.take(answer).await? {
                Taken::Done(downloaded) => return Ok(downloaded),
                Taken::Again(from_the_start) => saving = *from_the_start,
            }
        }
    }
}
