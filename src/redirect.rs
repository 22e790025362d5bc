//! Where an answer points to, and whether it may be followed.
