//! The table, and what is kept of each thing that should never happen.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// Counts what should not happen, and keeps the first of it.
#[derive(Default)]
pub struct Tally {
    count: AtomicU64,
    first: OnceLock<String>,
}

impl Tally {
    pub const fn new() -> Self {
        Self { count: AtomicU64::new(0), first: OnceLock::new() }
    }

    pub fn note(&self, what: impl FnOnce() -> String) {
        self.count.fetch_add(1, Relaxed);
        self.first.get_or_init(what);
    }

    pub fn first(&self) -> &str {
        self.first.get().map_or("", String::as_str)
    }

    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }
}

/// The report so far.
#[derive(Default)]
pub struct Report {
    pub missed: u32,
}

impl Report {
    /// One line: what is measured, its bound, what it is, and whether that is met.
    pub fn check(&mut self, what: &str, bound: &str, measured: impl ToString, met: bool) {
        self.missed += u32::from(!met);
        println!("{what:<66} {bound:>14} {:>14}  {}", measured.to_string(), if met { "met" } else { "MISSED" });
    }

    /// What must not have happened once.
    pub fn none(&mut self, what: &str, tally: &Tally) {
        self.check(what, "0", tally.count(), tally.count() == 0);
        if tally.count() > 0 {
            println!("    the first: {}", tally.first());
        }
    }
}
