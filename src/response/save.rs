//! A body into a file: beside it first, then moved into its place.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::ByteStream;
use crate::{
    error::{Error, ErrorKind, Outcome, Result, disk, quoted},
    random,
};

/// How many pieces may wait for the disk; each is as large as the transport's buffer, some hundred KiB.
pub(super) const WAITING: usize = 2;

/// How much is collected before it is written.
const BLOCK: usize = 256 << 10;

/// Writes `stream` to `path` and returns its length.
///
/// One blocking task writes; a stream that fails or is dropped leaves no file behind.
pub(super) async fn save(stream: ByteStream, path: &Path) -> Result<u64> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let target = path.to_owned();
    let writer = tokio::task::spawn_blocking(move || write(receiver, &target));
    let forwarded = forward(stream, sender, |_| Ok(())).await;
    // It is waited for even when the stream failed, so that its file is gone when the caller hears of it.
    let written = writer.await.map_err(|error| failure(path, io::Error::other(error)))?;
    forwarded?;
    written.map_err(|error| failure(path, error))
}

/// What a failure to write the file at `path` means.
pub(super) fn failure(path: &Path, error: io::Error) -> Error {
    let (code, hint) = match error.kind() {
        io::ErrorKind::NotFound => ("store.write", "; its folder does not exist"),
        io::ErrorKind::IsADirectory => ("store.write", "; it is a folder"),
        kind => disk(kind),
    };
    let message = format!("cannot write {}{hint}", quoted(&path.display().to_string()));
    Error::coded(ErrorKind::Store, code, message).with_outcome(Outcome::Processed).with_source(error)
}

/// Hands on what comes and `step` lets pass by its length, and the end mark behind a whole body only.
pub(super) async fn forward(
    mut stream: ByteStream,
    sender: mpsc::Sender<Option<Bytes>>,
    mut step: impl FnMut(u64) -> Result<()>,
) -> Result<()> {
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        step(chunk.len() as u64)?;
        // The writer has gone only when it failed, and says why itself.
        if sender.send(Some(chunk)).await.is_err() {
            return Ok(());
        }
    }
    let _ = sender.send(None).await;
    Ok(())
}

/// Writes what comes until the end mark; without one the file is taken back.
fn write(chunks: mpsc::Receiver<Option<Bytes>>, target: &Path) -> io::Result<u64> {
    let mut part = Part::create(target)?;
    let (written, whole) = pour(chunks, &mut part.file)?;
    if !whole {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "the download was given up"));
    }
    part.finish(target)?;
    Ok(written)
}

/// Writes what comes to `file` in large blocks; gives how much it was, and whether the end mark came.
pub(super) fn pour(mut chunks: mpsc::Receiver<Option<Bytes>>, file: &mut impl Write) -> io::Result<(u64, bool)> {
    let (mut written, mut whole) = (0, false);
    let mut block = Vec::with_capacity(BLOCK);
    while let Some(chunk) = chunks.blocking_recv() {
        let Some(chunk) = chunk else {
            whole = true;
            break;
        };
        written += chunk.len() as u64;
        if block.len() + chunk.len() > BLOCK {
            file.write_all(&block)?;
            block.clear();
        }
        if chunk.len() >= BLOCK {
            file.write_all(&chunk)?;
        } else {
            block.extend_from_slice(&chunk);
        }
    }
    file.write_all(&block)?;
    Ok((written, whole))
}

/// The file while it is written; removed unless it is finished.
struct Part {
    file: File,
    path: Option<PathBuf>,
}

impl Part {
    /// Makes a new file of a random name beside `target`.
    fn create(target: &Path) -> io::Result<Self> {
        let name = target.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no file name"))?;
        let mut part = std::ffi::OsString::from(".");
        part.push(name);
        part.push(format!(".{}.part", random::digits()?));
        let path = target.with_file_name(part);
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self { file, path: Some(path) })
    }

    fn finish(mut self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        if let Some(path) = &self.path {
            std::fs::rename(path, target)?;
        }
        self.path = None;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Nothing better can be done with a file that cannot be removed.
            let _ = std::fs::remove_file(path);
        }
    }
}
