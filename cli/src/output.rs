//! What the command line prints, and how it stays harmless.

pub mod clean;
pub mod colour;
mod failure;
pub mod jq;
mod json;
mod yaml;

pub use failure::PrintError;
