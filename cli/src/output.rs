//! What the command line prints, and how it stays harmless.

pub mod clean;
pub mod colour;
mod json;
