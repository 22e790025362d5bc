//! A value in its file: a seal, which is of this form and this folder's marks, until when it is kept, and its bytes.
//!
//! What a loss of power or a failing disk does to the bytes is not noticed here: whoever reads them checks them.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read, Write},
    time::{Duration, SystemTime},
};

use bytes::{Buf, Bytes};
use sha2::{Digest, Sha256};

use super::{folder::Folder, marks::Marks};
use crate::{
    cache::terms::millis,
    error::{Result, file::failed},
};

const SEAL: usize = 16;

/// The bytes before the value.
pub(super) const HEAD: u64 = SEAL as u64 + 8;

/// How late the note of a use may be.
const MINUTE: Duration = Duration::from_secs(60);

/// What a file is.
enum Look {
    Value(Bytes),
    /// Its time is over.
    Due,
    /// It is of another form, of marks that are gone, cut, or too large.
    Unfit,
}

/// The value in the file `name`, which counts as used now; a file that holds none is removed.
pub(super) fn read(
    folder: &Folder,
    name: &str,
    marks: &Marks<'_>,
    now: SystemTime,
    most: u64,
) -> Result<Option<Bytes>> {
    match open(folder, name, marks, now, most)? {
        Some((Look::Value(value), found)) => {
            touch(folder, name, &found, now);
            Ok(Some(value))
        }
        Some((Look::Unfit, _)) => folder.remove(name).map(|()| None),
        Some((Look::Due, _)) | None => Ok(None),
    }
}

/// The same, without a trace.
pub(super) fn look(
    folder: &Folder,
    name: &str,
    marks: &Marks<'_>,
    now: SystemTime,
    most: u64,
) -> Result<Option<Bytes>> {
    Ok(match open(folder, name, marks, now, most)? {
        Some((Look::Value(value), _)) => Some(value),
        _ => None,
    })
}

/// What the file `name` is, where there is one.
fn open(
    folder: &Folder,
    name: &str,
    marks: &Marks<'_>,
    now: SystemTime,
    most: u64,
) -> Result<Option<(Look, Metadata)>> {
    let Some((file, found)) = folder.open(name, OpenOptions::new().read(true))? else { return Ok(None) };
    let look = look_at(&file, &found, marks, now, most).map_err(|error| failed(&folder.file(name), "read", error))?;
    Ok(Some((look, found)))
}

/// Whether the file `name` holds nothing that could be given any more.
pub(super) fn is_over(folder: &Folder, name: &str, marks: &Marks<'_>, now: SystemTime) -> Result<bool> {
    let Some((file, _)) = folder.open(name, OpenOptions::new().read(true))? else { return Ok(true) };
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head).map_err(|error| failed(&folder.file(name), "read", error))?;
    Ok(!matches!(judged(head.into(), marks, now), Look::Value(_)))
}

/// Puts `value` in the file `name`, to be kept for `life` from `now` on. Whoever calls it holds the lock.
pub(super) fn write(
    folder: &Folder,
    name: &str,
    marks: &Marks<'_>,
    value: &[u8],
    (now, life): (SystemTime, Duration),
) -> Result<()> {
    let until = millis(now).saturating_add(u64::try_from(life.as_millis()).unwrap_or(u64::MAX));
    folder.replace(name, |file| {
        file.write_all(&seal(marks))?;
        file.write_all(&until.to_be_bytes())?;
        file.write_all(value)?;
        file.set_modified(now)
    })
}

fn look_at(file: &File, found: &Metadata, marks: &Marks<'_>, now: SystemTime, most: u64) -> io::Result<Look> {
    if found.len() > most.saturating_add(HEAD) {
        return Ok(Look::Unfit);
    }
    let length = usize::try_from(found.len()).unwrap_or_default();
    let mut bytes = Vec::with_capacity(length);
    file.take(found.len()).read_to_end(&mut bytes)?;
    Ok(if bytes.len() == length { judged(bytes.into(), marks, now) } else { Look::Unfit })
}

/// What a file is that holds `bytes`.
fn judged(mut bytes: Bytes, marks: &Marks<'_>, now: SystemTime) -> Look {
    if !bytes.starts_with(&seal(marks)) {
        return Look::Unfit;
    }
    bytes.advance(SEAL);
    match bytes.try_get_u64() {
        Ok(until) if until > millis(now) => Look::Value(bytes),
        Ok(_) => Look::Due,
        Err(_) => Look::Unfit,
    }
}

/// Notes that a value was used, once a minute; one that is not noted is forgotten too soon at worst.
fn touch(folder: &Folder, name: &str, found: &Metadata, now: SystemTime) {
    let noted = found.modified().unwrap_or(now);
    let apart = now.duration_since(noted).unwrap_or_else(|error| error.duration());
    if apart >= MINUTE {
        let file = OpenOptions::new().write(true).open(folder.file(name));
        let _ = file.and_then(|file| file.set_modified(now));
    }
}

/// What every file begins with that has this form and was written since the marks were made.
fn seal(marks: &Marks<'_>) -> [u8; SEAL] {
    let hash = Sha256::new_with_prefix("restwalk cache 1").chain_update(marks.salt()).finalize();
    let mut seal = [0; SEAL];
    seal.copy_from_slice(&hash[..SEAL]);
    seal
}
