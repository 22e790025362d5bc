//! The command line of restwalk, as a function that tests call with buffers.

pub mod command;
pub mod environment;
