//! The table, and what is counted of the things that should never happen.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// An answer that is wrong or another tenant's.
pub static CROSSED: Tally = Tally::new();
/// A request that came under another's name, or with another key.
pub static MISNAMED: Tally = Tally::new();
/// A secret that came where it does not belong.
pub static STRAYED: Tally = Tally::new();
/// A secret in an error, and one in a log line.
pub static TOLD: Tally = Tally::new();
pub static LOGGED: Tally = Tally::new();
/// A payment that was made a second time.
pub static DOUBLED: Tally = Tally::new();
/// An error whose outcome is not what the server knows.
pub static MISJUDGED: Tally = Tally::new();
/// A call that must succeed and did not, though the server was there.
pub static FAILED: Tally = Tally::new();
pub static PANICS: Tally = Tally::new();

/// Counts what should not happen, and keeps the first of it.
pub struct Tally(AtomicU64, OnceLock<String>);

impl Tally {
    const fn new() -> Self {
        Self(AtomicU64::new(0), OnceLock::new())
    }

    pub fn note(&self, what: impl FnOnce() -> String) {
        self.0.fetch_add(1, Relaxed);
        self.1.get_or_init(what);
    }

    pub fn count(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Prints the first of what was counted.
    pub fn show(&self) {
        if let Some(first) = self.1.get() {
            println!("    the first: {first}");
        }
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
        println!("{what:<66} {bound:>12} {:>12}  {}", measured.to_string(), if met { "met" } else { "MISSED" });
    }

    /// A figure that is no more than `most`; a `format` of its own says its unit.
    pub fn at_most(&mut self, what: &str, most: f64, unit: &str, measured: f64) {
        self.check(what, &format!("<= {most}{unit}"), format!("{measured:.3}{unit}"), measured <= most);
    }

    /// What must not have happened once.
    pub fn none(&mut self, what: &str, tally: &Tally) {
        self.check(what, "0", tally.count(), tally.count() == 0);
        tally.show();
    }
}
