//! Bodies: default keys and the caller's, merged with their origins.

use std::sync::Arc;

/// Which separators in a top-level argument name open a nested object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Expand {
    /// None: names are sent as they are.
    Off,
    /// `a.b` becomes `{"a": {"b": …}}`.
    #[default]
    Dots,
    /// `a_b` and `a.b` become `{"a": {"b": …}}`.
    Underscore,
}

/// A default value as a catalog file gives it, each part with its line.
#[derive(Debug, Clone)]
pub(crate) enum Seed {
    /// Any value but an object, as JSON text.
    Leaf {
        json: String,
        line: u32,
    },
    Object {
        entries: Vec<(String, Seed)>,
        line: u32,
    },
}

/// A default body, compiled: keys escaped, leaves as JSON text, each with its line.
#[derive(Debug, Clone)]
pub struct Defaults {
    file: Arc<str>,
    seed: Seed,
}

impl Defaults {
    /// Compiles `seed`, which stands in `file`.
    pub(crate) fn new(file: Arc<str>, seed: Seed) -> Self {
        Self { file, seed }
    }
}
