//! Buffers that are filled again once everyone else has let go of them.

use bytes::{Bytes, BytesMut};

/// How many buffers are remembered: one being filled, one waiting, and what a transport gathers before it writes.
const KEPT: usize = 5;

/// A ring of buffers of one size.
///
/// A handle to each buffer that was given out stays here; when it is the only one left,
/// the buffer is free. Nothing is allocated or zeroed for a buffer that comes back.
pub(super) struct Blocks {
    size: usize,
    kept: Vec<Bytes>,
}

impl Blocks {
    pub(super) fn new(size: usize) -> Self {
        Self { size, kept: Vec::with_capacity(KEPT) }
    }

    /// A buffer of `size` bytes with anything in it: a free one, else a new one.
    pub(super) fn take(&mut self) -> BytesMut {
        match self.kept.iter().position(Bytes::is_unique) {
            Some(free) => self.kept.swap_remove(free).into(),
            None => fresh(self.size),
        }
    }

    /// The first `filled` bytes of `block`, to be given away.
    pub(super) fn share(&mut self, block: BytesMut, filled: usize) -> Bytes {
        let whole = block.freeze();
        let given = whole.slice(..filled.min(whole.len()));
        if self.kept.len() == KEPT {
            // Its holders keep more than the ring has: the oldest is theirs alone.
            self.kept.remove(0);
        }
        self.kept.push(whole);
        given
    }
}

fn fresh(size: usize) -> BytesMut {
    let mut block = BytesMut::zeroed(size);
    // Splitting makes it a counted buffer now; otherwise each sharing would allocate a counter.
    drop(block.split_off(size));
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_back_when_it_is_dropped_and_not_before() {
        let mut blocks = Blocks::new(8);
        let (first, second) = (blocks.take(), blocks.take());
        let (one, two) = (first.as_ptr(), second.as_ptr());
        let first = blocks.share(first, 3);
        let second = blocks.share(second, 8);
        assert_eq!((first.len(), second.len()), (3, 8));
        drop(first);
        assert_eq!((blocks.take().as_ptr(), blocks.kept.len()), (one, 1));
        let other = blocks.take();
        assert!(other.as_ptr() != two && other.len() == 8, "a block in use is not handed out");
        drop(second);
        assert_eq!(blocks.take().as_ptr(), two);
    }

    #[test]
    fn a_holder_of_many_blocks_makes_the_ring_no_longer() {
        let mut blocks = Blocks::new(4);
        let held: Vec<Bytes> = (0..50u8)
            .map(|n| {
                let mut block = blocks.take();
                block.fill(n);
                blocks.share(block, 4)
            })
            .collect();
        assert_eq!(blocks.kept.len(), KEPT);
        assert!(held.iter().zip(0u8..).all(|(block, n)| block.iter().all(|byte| *byte == n)));
    }
}
