//! The task that writes: a body into its `.part`, and that into its place.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{
    digest::{Digests, Hashing},
    part::Part,
    state::State,
};
use crate::{
    error::{Error, ErrorKind, Result},
    response::save,
};

/// What is to be written.
pub(super) struct Job {
    pub(super) part: Part,
    /// What the bytes are of, where they are not those of an earlier download.
    pub(super) state: Option<State>,
    /// How many bytes stay of what is there.
    pub(super) offset: u64,
    /// How long the file must be, as far as it is known.
    pub(super) total: Option<u64>,
    pub(super) digests: Digests,
}

/// How it ended.
pub(super) enum End {
    /// The file is in its place, so long.
    Saved(u64),
    /// The body broke off behind so many bytes of the file; it is left at the path, if anywhere.
    Broken { received: u64, kept: Option<PathBuf> },
}

impl Job {
    /// Writes what comes up to the end mark; blocks.
    pub(super) fn write(mut self, chunks: mpsc::Receiver<Option<Bytes>>) -> Result<End> {
        let mut hashing = self.digests.hashing();
        let poured = self.pour(chunks, &mut hashing);
        let (written, whole) = match poured {
            Ok(poured) => poured,
            Err(error) => return Err(self.part.fail(error)),
        };
        let received = self.offset.saturating_add(written);
        if !whole || self.total.is_some_and(|total| total != received) {
            return Ok(End::Broken { received, kept: self.part.leave() });
        }
        if !self.digests.are_met(hashing) {
            self.part.keep(false);
            let message = "the file is not what its SHA-256 says, and was removed";
            return Err(Error::coded(ErrorKind::Decode, "body.decode", message));
        }
        self.part.finish()?;
        Ok(End::Saved(received))
    }

    fn pour(&mut self, chunks: mpsc::Receiver<Option<Bytes>>, hashing: &mut Hashing) -> io::Result<(u64, bool)> {
        if let Some(state) = self.state.take() {
            self.part.describe(state)?;
        }
        if hashing.wants_whole() {
            read(&mut self.part, self.offset, hashing)?;
        }
        self.part.cut(self.offset)?;
        save::pour(chunks, &mut Sink { part: &mut self.part, hashing })
    }
}

/// Hashes the first `length` bytes.
fn read(part: &mut Part, length: u64, hashing: &mut Hashing) -> io::Result<()> {
    part.rewind()?;
    let mut rest = part.file().take(length);
    let mut block = vec![0; 256 << 10];
    loop {
        match rest.read(&mut block)? {
            0 if rest.limit() > 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            0 => return Ok(()),
            count => hashing.earlier(&block[..count]),
        }
    }
}

/// The file, hashed as it is written.
struct Sink<'a> {
    part: &'a mut Part,
    hashing: &'a mut Hashing,
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.part.file().write(bytes)?;
        self.hashing.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
