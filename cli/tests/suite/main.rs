//! The tests of the command line: most call `run` with buffers.

mod bodies;
mod cache;
mod calls;
mod catalogs;
mod completion;
mod demo;
mod downloads;
mod each;
mod environments;
#[cfg(unix)]
mod examples;
mod messages;
mod pages;
mod printing;
#[cfg(unix)]
mod process;
mod sign_in;
#[cfg(unix)]
mod sign_in_real;
mod support;
#[cfg(unix)]
mod terminal;
