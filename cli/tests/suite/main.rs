//! The tests of the command line: most call `run` with buffers.

mod bodies;
mod calls;
mod demo;
mod downloads;
mod each;
mod environments;
mod messages;
mod pages;
mod printing;
mod support;
