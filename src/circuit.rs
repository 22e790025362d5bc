//! When an origin that fails is left alone for a while.
