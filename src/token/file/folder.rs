//! What the file store does in its folder, and how failures there are told.

use std::{ffi::OsStr, io, path::Path};

use crate::error::{Error, ErrorKind, printable};

#[cfg(any(not(unix), test))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(super) use portable::Folder;
#[cfg(unix)]
pub(super) use unix::Folder;

/// How the name of a file begins and ends while it is written; random digits stand between.
const PART: (&str, &str) = (".restwalk.", ".part");

/// A random name for what is to become the file `name`, and how to tell one that was left over.
fn part_of(name: &OsStr) -> io::Result<String> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(format!("{}{:016x}{}", start_of(name), u64::from_ne_bytes(random), PART.1))
}

/// Whether `found` was left over when a process was killed that wrote the file `name`.
fn is_part_of(name: &OsStr, found: &[u8]) -> bool {
    let inner = found.strip_prefix(start_of(name).as_bytes()).and_then(|rest| rest.strip_suffix(PART.1.as_bytes()));
    inner.is_some_and(|digits| digits.len() == 16 && digits.iter().all(u8::is_ascii_hexdigit))
}

/// Other files of tokens in the same folder have parts of their own.
fn start_of(name: &OsStr) -> String {
    use sha2::Digest;
    let hash = sha2::Sha256::digest(name.as_encoded_bytes());
    format!("{}{:02x}{:02x}{:02x}{:02x}.", PART.0, hash[0], hash[1], hash[2], hash[3])
}

/// A path as it may be printed.
pub(super) fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// A path as a shell takes it.
#[cfg(unix)]
fn for_shell(path: &Path) -> String {
    format!("'{}'", shown(path).replace('\'', r"'\''"))
}

/// Says why `path` is not used, and what helps.
fn refused(path: &Path, why: &str) -> Error {
    Error::coded(ErrorKind::Store, "store.permission", format!("{} {why}", shown(path)))
}

/// What `error` means, `done` being what cannot be done.
pub(super) fn failed(path: &Path, done: &str, error: io::Error) -> Error {
    let (code, hint) = match error.kind() {
        io::ErrorKind::StorageFull => ("store.full", "; the disk is full"),
        io::ErrorKind::QuotaExceeded => ("store.full", "; the quota is used up"),
        io::ErrorKind::FileTooLarge => ("store.full", "; the file is larger than it may be there"),
        io::ErrorKind::PermissionDenied => ("store.permission", "; that is not permitted"),
        io::ErrorKind::ReadOnlyFilesystem => ("store.permission", "; the disk is read-only"),
        _ => ("store.write", ""),
    };
    Error::coded(ErrorKind::Store, code, format!("{} cannot be {done}{hint}", shown(path))).with_source(error)
}

/// Says that locks are not to be had at `path`.
fn unlockable(path: &Path, error: io::Error) -> Error {
    let why = "is on a file system without locks, where processes could lose each other's tokens; keep them on \
               another disk, in the keyring or in Redis";
    Error::coded(ErrorKind::Store, "store.no_locks", format!("{} {why}", shown(path))).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d07_the_name_of_a_part_is_random_and_its_own_file_s() {
        let (name, other) = (OsStr::new("tokens.json"), OsStr::new("tokens.jso"));
        let [one, two] = [part_of(name).unwrap(), part_of(name).unwrap()];
        assert_ne!(one, two);
        assert!(is_part_of(name, one.as_bytes()) && !is_part_of(other, one.as_bytes()));
        let kept = start_of(name) + "0123456789abcdez.part";
        for found in ["", "tokens.json", ".restwalk.0123456789abcdef.part", &one[1..], &one[..one.len() - 1], &kept] {
            assert!(!is_part_of(name, found.as_bytes()), "{found}");
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
