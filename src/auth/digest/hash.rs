//! The hashes of Digest, in hexadecimal.

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

use crate::secret::hex;

/// A hash, and whether the session's nonces go into the password's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Algorithm {
    hash: Hash,
    pub(super) session: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Md5,
    Sha256,
    Sha512_256,
}

impl Algorithm {
    /// The algorithm of this name, in whatever case; MD5 for none.
    pub(super) fn named(name: Option<&str>) -> Option<Self> {
        let name = name.unwrap_or("MD5").to_ascii_uppercase();
        let (name, session) = name.strip_suffix("-SESS").map_or((name.as_str(), false), |name| (name, true));
        let hash = match name {
            "MD5" => Hash::Md5,
            "SHA-256" => Hash::Sha256,
            "SHA-512-256" => Hash::Sha512_256,
            _ => return None,
        };
        Some(Self { hash, session })
    }

    /// Whether there is a stronger one.
    pub(super) fn is_weak(self) -> bool {
        self.hash == Hash::Md5
    }

    /// The hash of `parts`, joined by colons.
    pub(super) fn of(self, parts: &[&str]) -> String {
        self.hash(parts.join(":").as_bytes())
    }

    pub(super) fn hash(self, bytes: &[u8]) -> String {
        match self.hash {
            Hash::Md5 => hex(&Md5::digest(bytes)),
            Hash::Sha256 => hex(&Sha256::digest(bytes)),
            Hash::Sha512_256 => hex(&Sha512_256::digest(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_algorithm_has_its_names() {
        for (name, expected) in [
            (None, Some((Hash::Md5, false))),
            (Some("MD5"), Some((Hash::Md5, false))),
            (Some("md5-sess"), Some((Hash::Md5, true))),
            (Some("SHA-256"), Some((Hash::Sha256, false))),
            (Some("SHA-256-sess"), Some((Hash::Sha256, true))),
            (Some("SHA-512-256"), Some((Hash::Sha512_256, false))),
            (Some("SHA-512-256-SESS"), Some((Hash::Sha512_256, true))),
            (Some("SHA-1"), None),
            (Some("-sess"), None),
            (Some(""), None),
        ] {
            let expected = expected.map(|(hash, session)| Algorithm { hash, session });
            assert_eq!(Algorithm::named(name), expected, "{name:?}");
        }
    }

    #[test]
    fn each_hash_is_the_one_that_is_known() {
        let of = |name| Algorithm::named(Some(name)).unwrap().of(&["a", "b"]);
        assert_eq!(of("MD5"), "d8160c9b3dc20d4e931aeb4f45262155");
        assert_eq!(of("SHA-256").len(), 64);
        let empty = Algorithm::named(Some("SHA-512-256")).unwrap().hash(b"");
        assert_eq!(empty, "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a");
    }
}
