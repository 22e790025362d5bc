//! The one integration binary.

mod layers; // the order of the modules
mod paths; // what may be a path, by every way in which one is given
