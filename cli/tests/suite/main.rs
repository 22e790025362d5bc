//! The tests of the command line: most call `run` with buffers.

mod bodies;
mod calls;
mod completion;
mod messages;
mod printing;
mod support;
