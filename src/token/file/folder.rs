//! What the file store does in its folder, and how failures there are told.

use std::{ffi::OsStr, io, path::Path};

use sha2::Digest;

#[cfg(unix)]
use crate::error::file::for_shell;
use crate::{
    error::{Error, ErrorKind, file::refused},
    random,
    secret::hex,
};

#[cfg(any(not(unix), test))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(super) use portable::Folder;
#[cfg(unix)]
pub(super) use unix::Folder;

pub(super) use crate::error::file::{failed, shown};

/// The names of a file while it is written: of its own name a hash, of which no other file's parts are taken for its.
pub(super) struct Parts(String);

impl Parts {
    pub(super) fn of(name: &OsStr) -> Self {
        let hash = sha2::Sha256::digest(name.as_encoded_bytes());
        Self(format!(".restwalk.{}.", hex(&hash[..4])))
    }

    /// A random one.
    pub(super) fn next(&self) -> io::Result<String> {
        Ok(format!("{}{}.part", self.0, random::digits()?))
    }

    /// Whether `found` is one, left over when a process was killed.
    fn have(&self, found: &[u8]) -> bool {
        let inner = found.strip_prefix(self.0.as_bytes()).and_then(|rest| rest.strip_suffix(b".part"));
        inner.is_some_and(|digits| digits.len() == 16 && digits.iter().all(u8::is_ascii_hexdigit))
    }
}

/// Says that locks are not to be had at `path`.
fn unlockable(path: &Path, error: io::Error) -> Error {
    let why = "is on a file system without locks, where processes could lose each other's tokens; keep them on \
               another disk, in the keyring or in Redis";
    Error::coded(ErrorKind::Store, "store.no_locks", format!("{} {why}", shown(path))).with_source(error)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn d07_the_name_of_a_part_is_random_and_its_own_file_s() {
        let (parts, others) = (Parts::of("tokens.json".as_ref()), Parts::of("tokens.jso".as_ref()));
        let [one, two] = [parts.next().unwrap(), parts.next().unwrap()];
        assert_ne!(one, two);
        assert!(parts.have(one.as_bytes()) && !others.have(one.as_bytes()));
        let others = format!("{}0123456789abcdez.part", parts.0);
        for found in ["", "tokens.json", ".restwalk.0123456789abcdef.part", &one[1..], &one[..one.len() - 1], &others] {
            assert!(!parts.have(found.as_bytes()), "{found}");
        }
    }

    #[test]
    fn d11_every_failure_has_a_code() {
        for (number, code) in [
            (libc_number("ENOSPC"), "store.full"),
            (libc_number("EDQUOT"), "store.full"),
            (libc_number("EFBIG"), "store.full"),
            (libc_number("EROFS"), "store.permission"),
            (libc_number("EACCES"), "store.permission"),
            (libc_number("EPERM"), "store.permission"),
            (libc_number("EIO"), "store.write"),
            (libc_number("EMFILE"), "store.write"),
        ] {
            let error = failed(Path::new("/a\u{1b}b"), "written", number);
            assert_eq!((error.kind(), error.code()), (ErrorKind::Store, code));
            assert!(!error.to_string().contains('\u{1b}'), "{error}");
        }
    }

    /// The error of that name.
    fn libc_number(name: &str) -> io::Error {
        use rustix::io::Errno;
        let errno = match name {
            "ENOSPC" => Errno::NOSPC,
            "EDQUOT" => Errno::DQUOT,
            "EFBIG" => Errno::FBIG,
            "EROFS" => Errno::ROFS,
            "EACCES" => Errno::ACCESS,
            "EPERM" => Errno::PERM,
            "EIO" => Errno::IO,
            _ => Errno::MFILE,
        };
        errno.into()
    }
}
