//! A body into a file that may be gone on with when it breaks off.
//!
//! Beside the target stand two files while it is written: `NAME.part`, locked, and `NAME.part.json`, which says
//! what the bytes are of. The judgement of answers is in `range`, that of digests in `digest`; neither does I/O.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use http::{Method, Uri};

use super::{Response, save};
use crate::error::{Error, ErrorKind, Fault, Outcome, Result};

mod digest;
mod part;
mod range;
mod saving;
mod state;
mod write;

use part::Part;
pub(crate) use saving::{Saving, Taken};

type OnReceived = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// Where a body goes and on what terms, for [`Call::download`](crate::Call::download) and [`Response::download`].
///
/// The file appears whole or not at all; what stands there already is refused unless [`Download::replace`] says
/// otherwise, and a symbolic link or a folder always is. Until then the bytes are in `NAME.part`, which only its
/// owner can read. When the download breaks off, that file is kept if the server said by which version of the
/// body it may be gone on with: see [`Download::resume`].
///
/// ```
/// # use restwalk::{Client, Download};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
/// # let service = axum::Router::new().route("/exports/7", axum::routing::get(|| async { "a,b\n1,2\n" }));
/// # let client = Client::local(service).build()?;
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("export.csv");
/// let saved = client.res("exports").item(7).get().download(Download::to(&path).resume()).await?;
/// assert_eq!((saved.length(), saved.resumed_from()), (8, 0));
/// assert_eq!(std::fs::read_to_string(saved.path()).unwrap(), "a,b\n1,2\n");
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a download does nothing until a call or an answer is given it"]
pub struct Download {
    target: PathBuf,
    resume: bool,
    replace: bool,
    keep: bool,
    sha256: Option<Result<[u8; 32], Fault>>,
    report: Option<OnReceived>,
}

impl Download {
    /// A download to `path`.
    pub fn to(path: impl Into<PathBuf>) -> Self {
        Self { target: path.into(), resume: false, replace: false, keep: true, sha256: None, report: None }
    }

    /// Goes on with what an earlier download of the same URL left in `NAME.part`, and begins anew where that cannot be.
    ///
    /// Bytes are joined only under the same strong `ETag`, or a `Last-Modified` that is as good, by `If-Range`.
    pub fn resume(mut self) -> Self {
        self.resume = true;
        self
    }

    /// Puts the file in the place of one that stands there, whose permissions it takes.
    pub fn replace(mut self) -> Self {
        self.replace = true;
        self
    }

    /// Leaves nothing behind when the download breaks off.
    pub fn discard(mut self) -> Self {
        self.keep = false;
        self
    }

    /// Expects the whole file to have this SHA-256, given as 64 hexadecimal digits.
    pub fn sha256(mut self, hex: &str) -> Self {
        let wrong = || Fault::request("a SHA-256 is written as 64 hexadecimal digits");
        self.sha256 = Some(digest::from_hex(hex).ok_or_else(wrong));
        self
    }

    /// Reports after each piece how many bytes of the file are there, and of how many where that is known.
    pub fn on_progress(mut self, report: impl Fn(u64, Option<u64>) + Send + Sync + 'static) -> Self {
        self.report = Some(Arc::new(report));
        self
    }

    /// Takes the target and its `.part`, so that a refusal comes before anything is sent.
    pub(crate) async fn begin(self, method: &Method, url: &Uri) -> Result<Saving> {
        let sha256 = self.sha256.clone().transpose()?;
        let (ranges, url) = (*method == Method::GET, state::url(url));
        let lost = |error| save::failure(&self.target, std::io::Error::other(error));
        let (target, replace) = (self.target.clone(), self.replace);
        let claimed = tokio::task::spawn_blocking(move || Part::claim(&target, replace)).await.map_err(lost)?;
        let (mut part, kept) = claimed?;
        let kept = kept.filter(|(state, length)| {
            self.resume && ranges && *length > 0 && state.validator().is_some() && state.is_of(&url)
        });
        if kept.is_none() {
            part.keep(false);
        }
        Ok(Saving { settings: self, part, kept, url, ranges, sha256 })
    }
}

impl Response {
    /// Writes the body to a file, given by its path or as a [`Download`]; the answer to a call that asked for no part.
    ///
    /// Use [`Call::download`](crate::Call::download) where the path is known before: it can go on with what an earlier
    /// download left, refuses a path before anything is sent, and asks for no content coding.
    ///
    /// # Errors
    /// As [`Response::stream`]; `Store` where the file may not or cannot be written, `Decode` where the body is not
    /// what its SHA-256 says.
    pub async fn download(self, to: impl Into<Download>) -> Result<Downloaded> {
        let exchange = Arc::clone(&self.exchange);
        let processed = |error: Error| exchange.dress(error.with_outcome(Outcome::Processed));
        let saving = to.into().begin(&exchange.method, &exchange.url).await.map_err(processed)?;
        match saving.take(Ok(self)).await? {
            Taken::Done(downloaded) => Ok(downloaded),
            Taken::Again(_) => Err(exchange.error(ErrorKind::Protocol, "protocol.range", "it sent a part of the body")),
        }
    }
}

impl From<&str> for Download {
    fn from(path: &str) -> Self {
        Self::to(path)
    }
}

impl From<&Path> for Download {
    fn from(path: &Path) -> Self {
        Self::to(path)
    }
}

impl From<PathBuf> for Download {
    fn from(path: PathBuf) -> Self {
        Self::to(path)
    }
}

impl From<&PathBuf> for Download {
    fn from(path: &PathBuf) -> Self {
        Self::to(path)
    }
}

/// Names every field, so that a new one is looked at before it is printed.
impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, resume, replace, keep, sha256: _, report: _ } = self;
        f.debug_struct("Download")
            .field("target", target)
            .field("resume", resume)
            .field("replace", replace)
            .field("keep", keep)
            .finish_non_exhaustive()
    }
}

/// A file that was downloaded whole.
#[derive(Debug, Clone)]
pub struct Downloaded {
    path: PathBuf,
    length: u64,
    resumed_from: u64,
    unverified_length: bool,
}

impl Downloaded {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How long it is, in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// How many of its bytes an earlier download had brought.
    pub fn resumed_from(&self) -> u64 {
        self.resumed_from
    }

    /// Whether nothing told where the body ends but the end of the connection, and no digest what it is: it may be cut.
    pub fn unverified_length(&self) -> bool {
        self.unverified_length
    }
}
