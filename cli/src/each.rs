//! One call for each record of a file.

mod engine;
mod fill;
mod journal;
mod record;
mod summary;
mod window;
