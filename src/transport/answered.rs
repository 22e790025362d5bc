//! Which connections have answered before, so that one found dead is known to have stood idle.

use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering},
};

use hyper_util::client::legacy::connect::HttpInfo;

/// How many connections are remembered; one too many takes another's place.
const SLOTS: usize = 256;

/// The connections that answered last, each by its two addresses.
///
/// The pool does not say whether a connection was used before. Its addresses do: they come with
/// every answer, and with the failure of a request that was handed to a connection. What is
/// forgotten, or takes the place of another, is only told less well.
pub(super) struct Answered([AtomicU64; SLOTS]);

impl Answered {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    /// Remembers that an answer came by this connection.
    pub(super) fn add(&self, connection: &HttpInfo) {
        let mark = mark(connection.local_addr(), connection.remote_addr());
        if let Some(slot) = self.slot(mark) {
            slot.store(mark, Ordering::Relaxed);
        }
    }

    /// Whether an answer came by this connection before.
    pub(super) fn knows(&self, connection: &HttpInfo) -> bool {
        let mark = mark(connection.local_addr(), connection.remote_addr());
        self.slot(mark).is_some_and(|slot| slot.load(Ordering::Relaxed) == mark)
    }

    fn slot(&self, mark: u64) -> Option<&AtomicU64> {
        self.0.get(mark as usize % SLOTS)
    }
}

/// A number for a pair of addresses; never 0, which marks an empty slot.
fn mark(local: SocketAddr, remote: SocketAddr) -> u64 {
    let fold = |mark: u64, value: u64| (mark ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let of = |mark, address: SocketAddr| {
        let bits = match address.ip() {
            IpAddr::V4(ip) => u128::from(ip.to_bits()),
            IpAddr::V6(ip) => ip.to_bits(),
        };
        fold(fold(fold(mark, bits as u64), (bits >> 64) as u64), u64::from(address.port()))
    };
    of(of(0, local), remote) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_of_addresses_has_a_mark_of_its_own() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let mut marks = Vec::new();
        for remote in ["127.0.0.1:80", "127.0.0.1:81", "10.0.0.1:80", "[::1]:80", "[::2]:80"] {
            for port in 40_000..40_500 {
                marks.push(mark(SocketAddr::new([127, 0, 0, 1].into(), port), address(remote)));
            }
        }
        let used: std::collections::HashSet<_> = marks.iter().map(|mark| *mark as usize % SLOTS).collect();
        assert!(used.len() > SLOTS / 3, "{} slots are used", used.len());
        let all = marks.len();
        marks.sort_unstable();
        marks.dedup();
        assert_eq!(marks.len(), all);
        assert!(!marks.contains(&0));
    }
}
