//! Argument names: which separators in them open a nested object.

use std::borrow::Cow;

use smallvec::SmallVec;

/// Which separators in a top-level argument name open a nested object.
///
/// A doubled separator is one literal (`first__name` → `first_name`); leading and
/// trailing ones are literal (`_id`, `__typename`). Keys inside a value are never expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Expand {
    /// None: names are sent as they are.
    Off,
    /// `a.b` becomes `{"a": {"b": …}}`.
    #[default]
    Dots,
    /// `a_b` and `a.b` become `{"a": {"b": …}}`.
    Underscore,
}

impl Expand {
    fn separates(self, byte: u8) -> bool {
        match self {
            Self::Off => false,
            Self::Dots => byte == b'.',
            Self::Underscore => byte == b'.' || byte == b'_',
        }
    }

    /// Whether `name` holds a separator.
    pub(super) fn separates_in(self, name: &str) -> bool {
        name.bytes().any(|byte| self.separates(byte))
    }
}

/// The names that lead from the top of a body to where `name` points.
pub(super) fn split(name: &str, expand: Expand) -> SmallVec<[Cow<'_, str>; 4]> {
    let bytes = name.as_bytes();
    let inner = |byte: &u8| !expand.separates(*byte);
    let (Some(first), Some(last)) = (bytes.iter().position(inner), bytes.iter().rposition(inner)) else {
        return SmallVec::from_iter([Cow::Borrowed(name)]);
    };
    let mut parts = SmallVec::new();
    let mut start = 0;
    let mut part: Cow<'_, str> = Cow::Borrowed("");
    let mut at = first;
    while at < last {
        let byte = bytes[at];
        if !expand.separates(byte) {
            at += 1;
        } else if bytes.get(at + 1) == Some(&byte) {
            part.to_mut().push_str(&name[start..=at]);
            at += 2;
            start = at;
        } else {
            parts.push(join(part, &name[start..at]));
            part = Cow::Borrowed("");
            at += 1;
            start = at;
            // The next separator, of the other kind, is the first character of the next name.
            at += usize::from(expand.separates(bytes[at]));
        }
    }
    parts.push(join(part, &name[start..]));
    parts
}

fn join<'a>(part: Cow<'a, str>, rest: &'a str) -> Cow<'a, str> {
    if part.is_empty() { Cow::Borrowed(rest) } else { part + rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m12_names_expand_by_the_declared_separators() {
        use Expand::{Dots, Off, Underscore};
        for (name, expand, expected) in [
            ("object_content", Underscore, &["object", "content"][..]),
            ("object.content", Underscore, &["object", "content"]),
            ("object.content_type", Underscore, &["object", "content", "type"]),
            ("object_content", Dots, &["object_content"]),
            ("object.content", Dots, &["object", "content"]),
            ("a_b.c", Off, &["a_b.c"]),
            ("first__name", Underscore, &["first_name"]),
            ("a__b_c", Underscore, &["a_b", "c"]),
            ("a___b", Underscore, &["a_", "b"]),
            ("a____b", Underscore, &["a__b"]),
            ("a..b", Dots, &["a.b"]),
            ("a..b.c", Dots, &["a.b", "c"]),
            ("_id", Underscore, &["_id"]),
            ("__typename", Underscore, &["__typename"]),
            ("id_", Underscore, &["id_"]),
            ("_a_b_", Underscore, &["_a", "b_"]),
            ("a_.b", Underscore, &["a", ".b"]),
            ("a._b", Underscore, &["a", "_b"]),
            ("__", Underscore, &["__"]),
            ("", Underscore, &[""]),
            ("é_ü", Underscore, &["é", "ü"]),
            ("a_b_c_d_e", Underscore, &["a", "b", "c", "d", "e"]),
        ] {
            assert_eq!(split(name, expand).as_slice(), expected, "{name} {expand:?}");
        }
    }
}
