//! Chance that is the same in every run of one seed.

/// A sequence of numbers that look random: splitmix64.
pub struct Chance(u64);

impl Chance {
    /// The sequence for one `subject` of a run.
    pub fn of(seed: u64, subject: u64) -> Self {
        Self(seed ^ subject.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
