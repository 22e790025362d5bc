//! What a server asks of a Digest.

use super::hash::Algorithm;
use crate::header::challenge::Challenge;

/// The longest value of a challenge that is echoed, in bytes.
const LONGEST: usize = 4 << 10;

/// A challenge that can be answered.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) realm: String,
    pub(super) nonce: String,
    pub(super) opaque: Option<String>,
    pub(super) algorithm: Algorithm,
    /// The algorithm's name as the server has it, where it names one.
    pub(super) named: Option<String>,
    pub(super) quality: Quality,
    /// The last nonce is too old, and the password was not looked at.
    pub(super) stale: bool,
    /// The user is told as a hash.
    pub(super) userhash: bool,
}

/// What is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quality {
    /// As before RFC 2617: neither counted nor salted by the client.
    Old,
    /// The request line.
    Auth,
    /// The request line and the body.
    AuthInt,
}

impl Offer {
    /// The first that can be answered, and by MD5 only where nothing else can.
    pub(super) fn best(challenges: &[Challenge]) -> Option<Self> {
        let mut offers: Vec<_> = challenges.iter().filter_map(Self::of).collect();
        let better = offers.iter().position(|offer| !offer.algorithm.is_weak());
        (!offers.is_empty()).then(|| offers.swap_remove(better.unwrap_or_default()))
    }

    /// What `challenge` asks for; `None` for another scheme, or what is not known here.
    fn of(challenge: &Challenge) -> Option<Self> {
        let get = |name: &str| challenge.get(name);
        let long = ["realm", "nonce", "opaque"]
            .iter()
            .filter_map(|name| get(name))
            .any(|text| text.len() > LONGEST || text.chars().any(char::is_control));
        if !challenge.is("Digest") || long {
            return None;
        }
        let yes = |name: &str| get(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
        Some(Self {
            realm: get("realm")?.to_owned(),
            nonce: get("nonce")?.to_owned(),
            opaque: get("opaque").map(str::to_owned),
            algorithm: Algorithm::named(get("algorithm"))?,
            named: get("algorithm").map(str::to_owned),
            quality: quality(get("qop"))?,
            stale: yes("stale"),
            userhash: yes("userhash"),
        })
    }
}

/// The least that is offered: of a body that is not in memory, no hash can be told.
fn quality(offered: Option<&str>) -> Option<Quality> {
    let Some(offered) = offered else { return Some(Quality::Old) };
    let has = |name: &str| offered.split([',', ' ', '\t']).any(|one| one.eq_ignore_ascii_case(name));
    match () {
        () if has("auth") => Some(Quality::Auth),
        () if has("auth-int") => Some(Quality::AuthInt),
        () => None,
    }
}
