//! What a run does, one module a word.

pub mod env;
