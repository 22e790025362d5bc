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

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        fs,
        io::{Seek, SeekFrom, Write},
    };

    use http_body_util::BodyExt;

    use super::*;

    /// Bytes that differ from block to block.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_le_bytes()[3]
        };
        (0..length).map(|_| next()).collect()
    }

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    async fn read(body: &Body) -> Bytes {
        body.open().await.unwrap().collect().await.unwrap().to_bytes()
    }

    /// What comes before the body ends with an error, and that error.
    async fn read_to_error(mut wire: WireBody) -> (Vec<u8>, String) {
        let mut got = Vec::new();
        loop {
            match wire.frame().await.expect("an error before the end") {
                Ok(frame) => got.extend_from_slice(frame.data_ref().unwrap()),
                Err(error) => return (got, error.to_string()),
            }
        }
    }

    const BLOCKS: usize = 8;

    fn long() -> Vec<u8> {
        noise(BLOCKS * BLOCK as usize)
    }

    #[tokio::test]
    async fn a_file_is_sent_whole_and_again_for_another_attempt() {
        let block = BLOCK as usize;
        for length in [0, 1, block - 1, block, block + 1, 3 * block, 3 * block + 7] {
            let content = noise(length);
            let file = file(&content);
            let body = Body::file(file.path()).unwrap();
            assert_eq!((body.length(), body.replay()), (Some(length as u64), Replay::Reopen));
            for _ in 0..2 {
                let wire = body.open().await.unwrap();
                assert_eq!(http_body::Body::size_hint(&wire).exact(), Some(length as u64));
                assert!(wire.collect().await.unwrap().to_bytes() == content, "{length}");
            }
        }
    }

    #[tokio::test]
    async fn an_open_file_is_sent_from_where_it_stood_by_openings_that_do_not_disturb_each_other() {
        let content = noise(3 * BLOCK as usize);
        let mut file = file(&content);
        file.as_file_mut().seek(SeekFrom::Start(5)).unwrap();
        let open = Arc::new(file.reopen().unwrap());
        let body = Body::open_file(&open, 5).unwrap();
        assert_eq!((body.length(), body.replay()), (Some(content.len() as u64 - 5), Replay::Reopen));
        let (one, two) = tokio::join!(read(&body), read(&body));
        assert!(one == content[5..] && two == content[5..]);
        #[cfg(unix)]
        assert_eq!((&*open).stream_position().unwrap(), 0, "its own cursor has not moved");
        assert_eq!(Body::open_file(&open, u64::MAX).unwrap().length(), Some(0), "beyond the end is nothing");
    }

    #[tokio::test]
    async fn b44_a_file_that_changed_before_it_is_opened_is_an_error() {
        for (length, changed) in [(10, 9), (10, 11), (0, 1), (10, 0)] {
            let file = file(&noise(length));
            let body = Body::file(file.path()).unwrap();
            fs::write(file.path(), noise(changed)).unwrap();
            let error = body.open().await.unwrap_err().to_string();
            assert!(error.contains(&format!("from {length} to {changed} bytes")), "{error}");
            assert!(error.contains(file.path().to_str().unwrap()), "{error}");
        }
    }

    #[tokio::test]
    async fn b44_a_file_that_vanishes_is_an_error_at_the_next_opening() {
        let content = long();
        let file = file(&content);
        let path = file.path().to_owned();
        let body = Body::file(&path).unwrap();
        let wire = body.open().await.unwrap();
        drop(file);
        #[cfg(unix)]
        assert!(wire.collect().await.unwrap().to_bytes() == content, "what is open is still whole");
        let error = body.open().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }

    #[tokio::test]
    async fn b44_a_file_that_shrinks_on_its_way_ends_with_an_error_and_no_padding() {
        let content = long();
        let file = file(&content);
        let mut wire = Body::file(file.path()).unwrap().open().await.unwrap();
        let first = wire.frame().await.unwrap().unwrap().into_data().unwrap();
        let cut = content.len() - 3;
        file.as_file().set_len(cut as u64).unwrap();
        let (rest, error) = read_to_error(wire).await;
        let got = [first.to_vec(), rest].concat();
        assert!(got == content[..(BLOCKS - 1) * BLOCK as usize], "whole blocks of the file and nothing else");
        assert!(error.contains(&format!("ended after {cut} of {} bytes", content.len())), "{error}");
    }

    #[tokio::test]
    async fn b44_a_file_that_grows_on_its_way_never_delivers_its_last_announced_byte() {
        let content = long();
        let mut file = file(&content);
        let mut wire = Body::file(file.path()).unwrap().open().await.unwrap();
        let first = wire.frame().await.unwrap().unwrap().into_data().unwrap();
        file.write_all(b"x").unwrap();
        let (rest, error) = read_to_error(wire).await;
        assert_eq!(first.len() + rest.len(), content.len() - BLOCK as usize);
        assert!(error.contains("longer than"), "{error}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn b49_only_a_regular_file_is_uploaded_and_nothing_waits() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("regular"), "content").unwrap();
        std::os::unix::fs::symlink(at("regular"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("nowhere"), at("dangling")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
        for (path, what) in [
            (folder.path().to_owned(), "is a directory"),
            (at("fifo"), "is not a regular file"),
            (PathBuf::from("/dev/zero"), "is not a regular file"),
            (at("missing"), "does not exist"),
            (at("dangling"), "does not exist"),
            (at("regular").join("x"), "cannot be read"),
        ] {
            let error = Body::file(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Request);
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
            assert!(error.to_string().contains(what), "{error}");
        }
        assert_eq!(read(&Body::file(&at("link")).unwrap()).await, "content");
        let body = Body::file(&at("regular")).unwrap();
        fs::rename(at("fifo"), at("regular")).unwrap();
        assert!(body.open().await.unwrap_err().to_string().contains("not a regular file"), "looked at again");
    }

    #[tokio::test]
    async fn b46_a_long_file_passes_through_a_few_buffers() {
        let content = noise(40 * BLOCK as usize);
        let file = file(&content);
        let mut wire = Body::file(file.path()).unwrap().open().await.unwrap();
        let (mut places, mut hash, mut held) = (BTreeSet::new(), sha1_smol::Sha1::new(), Vec::new());
        while let Some(frame) = wire.frame().await {
            let block = frame.unwrap().into_data().unwrap();
            hash.update(&block);
            places.insert(block.as_ptr() as usize);
            // A transport gathers blocks before it writes them.
            held.push(block);
            if held.len() == 2 {
                held.clear();
            }
        }
        assert_eq!(hash.digest(), sha1_smol::Sha1::from(&content).digest());
        assert!(places.len() <= 5, "{} buffers for 40 blocks", places.len());
    }

    #[test]
    fn b46_reading_waits_for_the_transport_and_ends_with_it() {
        let file = file(&long());
        let window = Origin::Path(file.path().to_owned()).open((BLOCKS as u64) * BLOCK).unwrap();
        let open = Arc::downgrade(&window.file);
        let (sender, mut receiver) = mpsc::channel(1);
        let reader = thread::spawn(move || window.pump(&sender));
        assert_eq!(receiver.blocking_recv().unwrap().unwrap().len() as u64, BLOCK);
        assert!(receiver.len() <= 1, "one block waits, and one is in the reader's hand");
        drop(receiver);
        reader.join().unwrap();
        assert!(open.upgrade().is_none(), "the file is closed");
    }

    #[test]
    fn a_runtime_can_end_while_a_body_is_half_read() {
        let file = file(&long());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut wire = runtime.block_on(Body::file(file.path()).unwrap().open()).unwrap();
        runtime.block_on(wire.frame()).unwrap().unwrap();
        drop(runtime);
        assert!(!http_body::Body::is_end_stream(&wire));
    }
}
