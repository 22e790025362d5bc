//! Tables of the item grammar, and the law that a written item parses to itself.
