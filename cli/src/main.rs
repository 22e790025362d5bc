//! Walks any REST API from a shell.

fn main() {}
