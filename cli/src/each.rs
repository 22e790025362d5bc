//! One call for each record of a file.

mod fill;
mod journal;
mod record;
mod summary;
mod window;
