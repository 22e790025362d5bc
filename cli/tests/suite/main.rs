//! The tests of the command line: most call `run` with buffers.

mod printing;
