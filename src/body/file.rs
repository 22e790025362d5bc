//! A regular file as a body: read in large blocks, sent in exactly the announced length.
//!
//! One thread reads for each opening of a file longer than a block, at most two blocks ahead,
//! into buffers that are used again. It is a thread of its own because it waits for the network:
//! in the runtime's pool it would hold a place that name look-ups need, and would keep the
//! runtime from shutting down. It ends with the body.

use std::{
    fmt,
    fs::{File, Metadata},
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;

use super::{Body, BoxFuture, Replay, Source, WireBody, blocks::Blocks};
use crate::error::{BoxError, Error, ErrorKind, Result, printable};

/// The size of one block, in bytes.
const BLOCK: u64 = 256 * 1024;

impl Body {
    /// A regular file, opened anew for every attempt.
    ///
    /// # Errors
    /// There is no such file, it may not be looked at, or it is not a regular file.
    pub(crate) fn file(path: &Path) -> Result<Self> {
        let origin = Origin::Path(path.to_owned());
        let metadata = std::fs::metadata(path).map_err(|error| origin.unreadable(error))?;
        let length = origin.regular(&metadata)?.len();
        Ok(Self::source(FileSource { origin, length }))
    }

    /// The rest of an open regular file from byte `start` on, read by position: neither another
    /// opening nor the file's own cursor is disturbed.
    ///
    /// # Errors
    /// It is not a regular file.
    pub(crate) fn open_file(file: &Arc<File>, start: u64) -> Result<Self> {
        let origin = Origin::Open(file.clone(), start);
        let metadata = file.metadata().map_err(|error| origin.unreadable(error))?;
        let length = origin.regular(&metadata)?.len().saturating_sub(start);
        Ok(Self::source(FileSource { origin, length }))
    }
}

#[derive(Clone)]
enum Origin {
    Path(PathBuf),
    Open(Arc<File>, u64),
}

impl Origin {
    /// Passes a regular file only: a pipe or a device has no length, and opening one may wait for ever.
    fn regular<'a>(&self, metadata: &'a Metadata) -> Result<&'a Metadata> {
        let what = match metadata.file_type() {
            kind if kind.is_file() => return Ok(metadata),
            kind if kind.is_dir() => "is a directory; name a file in it",
            _ => "is not a regular file; open it yourself and upload it with Part::reader",
        };
        Err(Error::new(ErrorKind::Request, format!("{self} {what}")))
    }

    fn unreadable(&self, error: io::Error) -> Error {
        let what = match error.kind() {
            io::ErrorKind::NotFound => "does not exist; check the path",
            io::ErrorKind::PermissionDenied => "may not be read; check its permissions",
            _ => "cannot be read",
        };
        Error::new(ErrorKind::Request, format!("{self} {what}")).with_source(error)
    }

    /// Opens the file and checks that it is still the one that was announced.
    fn open(&self, length: u64) -> io::Result<Window> {
        let (file, start) = match self {
            Self::Path(path) => {
                let metadata = std::fs::metadata(path).map_err(|error| self.failed(&error))?;
                self.regular(&metadata).map_err(io::Error::other)?;
                (Arc::new(File::open(path).map_err(|error| self.failed(&error))?), 0)
            }
            Self::Open(file, start) => (file.clone(), *start),
        };
        let now = file.metadata().map_err(|error| self.failed(&error))?.len().saturating_sub(start);
        if now != length {
            return Err(self.changed(format_args!("from {length} to {now} bytes")));
        }
        Ok(Window { origin: self.clone(), file, start, length })
    }

    fn failed(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("{self} cannot be read: {error}"))
    }

    fn changed(&self, how: fmt::Arguments<'_>) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, format!("{self} changed during the upload: {how}"))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "the file \"{}\"", printable(&path.to_string_lossy())),
            Self::Open(..) => f.write_str("the open file"),
        }
    }
}

struct FileSource {
    origin: Origin,
    length: u64,
}

impl Source for FileSource {
    fn length(&self) -> Option<u64> {
        Some(self.length)
    }

    fn replay(&self) -> Replay {
        Replay::Reopen
    }

    fn open(&self) -> BoxFuture<'_, io::Result<WireBody>> {
        Box::pin(async move {
            let (origin, length) = (self.origin.clone(), self.length);
            let opened = tokio::task::spawn_blocking(move || match origin.open(length)? {
                window if length <= BLOCK => {
                    let mut whole = Bytes::new();
                    window.read(|block| {
                        whole = block;
                        true
                    })?;
                    Ok(WireBody::full(whole))
                }
                window => Ok(WireBody::new(FileBody { reading: Reading::Ready(window), left: length })),
            });
            opened.await.map_err(io::Error::other)?
        })
    }
}

/// An open file, the part of it to send, and what it is called in an error.
struct Window {
    origin: Origin,
    file: Arc<File>,
    start: u64,
    length: u64,
}

impl Window {
    /// Gives the blocks one after another until `give` returns false.
    ///
    /// The last one is given only after the file was seen to end with it: the server must not
    /// take a changed file for a whole one.
    fn read(&self, mut give: impl FnMut(Bytes) -> bool) -> io::Result<()> {
        let mut blocks = Blocks::new(usize::try_from(self.length.clamp(1, BLOCK)).map_err(io::Error::other)?);
        let mut done = 0;
        loop {
            let mut block = blocks.take();
            let filled = self.fill(&mut block, done)?;
            done += filled as u64;
            if done == self.length && self.read_at(&mut [0], done)? > 0 {
                return Err(self.origin.changed(format_args!("it is longer than the {done} bytes announced")));
            }
            if !give(blocks.share(block, filled)) || done == self.length {
                return Ok(());
            }
        }
    }

    /// Fills the block, or as much of it as is left to send; `done` bytes were read before.
    fn fill(&self, block: &mut [u8], done: u64) -> io::Result<usize> {
        let left = usize::try_from(self.length - done).unwrap_or(usize::MAX);
        let wanted = left.min(block.len());
        let mut filled = 0;
        while let Some(free) = block.get_mut(filled..wanted).filter(|free| !free.is_empty()) {
            filled += match self.read_at(free, done + filled as u64)? {
                0 => {
                    let (end, length) = (done + filled as u64, self.length);
                    return Err(self.origin.changed(format_args!("it ended after {end} of {length} bytes")));
                }
                read => read,
            };
        }
        Ok(filled)
    }

    fn read_at(&self, space: &mut [u8], at: u64) -> io::Result<usize> {
        loop {
            match read_at(&self.file, space, self.start.saturating_add(at)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(|error| self.origin.failed(&error)),
            }
        }
    }

    /// Sends the blocks, and the error that ended them if one did; ends when nobody receives any more.
    fn pump(&self, frames: &mpsc::Sender<io::Result<Bytes>>) {
        if let Err(error) = self.read(|block| frames.blocking_send(Ok(block)).is_ok()) {
            // Where the receiver is gone, nobody is left to tell.
            let _ = frames.blocking_send(Err(error));
        }
    }
}

#[cfg(unix)]
fn read_at(file: &File, space: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, space, at)
}

#[cfg(windows)]
fn read_at(file: &File, space: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, space, at)
}

struct FileBody {
    reading: Reading,
    left: u64,
}

enum Reading {
    /// Nothing is read before the transport asks for it.
    Ready(Window),
    Running(mpsc::Receiver<io::Result<Bytes>>),
    Ended,
}

impl Reading {
    fn start(window: Window) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(1);
        thread::Builder::new().name("restwalk-upload".into()).spawn(move || window.pump(&sender))?;
        Ok(Self::Running(receiver))
    }
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            self.reading = match std::mem::replace(&mut self.reading, Reading::Ended) {
                Reading::Ended => return Poll::Ready(None),
                Reading::Ready(window) => Reading::start(window)?,
                Reading::Running(mut frames) => {
                    let Poll::Ready(received) = frames.poll_recv(cx) else {
                        self.reading = Reading::Running(frames);
                        return Poll::Pending;
                    };
                    let block = received.unwrap_or_else(|| Err(io::Error::other("reading the file stopped")))?;
                    self.left = self.left.saturating_sub(block.len() as u64);
                    if self.left > 0 {
                        self.reading = Reading::Running(frames);
                    }
                    return Poll::Ready(Some(Ok(Frame::data(block))));
                }
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
