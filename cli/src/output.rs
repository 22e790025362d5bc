//! What the command line prints, and how it stays harmless.
//!
//! A [`Printer`] writes an exchange to standard output in the shape that was asked for, and warnings to standard
//! error. Both go through [`clean`], the only way to a terminal.

mod body;
mod charset;
pub mod clean;
pub mod colour;
mod failure;
mod format;
pub(crate) mod head;
pub mod jq;
mod json;
mod printer;
mod table;
pub mod what;
mod yaml;

pub use failure::PrintError;
pub use format::Format;
pub use head::Meta;
pub use printer::{Printer, Sent, Settings};
