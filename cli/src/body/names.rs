//! Names that split at underscores, where the API says so.

use restwalk::Expand;

use crate::item::{Keys, Step};

/// The steps of `keys`; with [`Expand::Underscore`] a name that is not literal splits at its underscores.
pub(super) fn expanded(keys: &Keys, expand: Expand) -> Vec<Step> {
    let split = |step: &Step| match step {
        Step::Name { text, literal: false } if expand == Expand::Underscore => {
            underscores(text).into_iter().map(|text| Step::Name { text, literal: true }).collect()
        }
        step => vec![step.clone()],
    };
    keys.0.iter().flat_map(split).collect()
}

/// The names before the first step into a list.
pub(super) fn leading(steps: &[Step]) -> Vec<String> {
    let name = |step: &Step| match step {
        Step::Name { text, .. } => Some(text.clone()),
        _ => None,
    };
    steps.iter().map_while(name).collect()
}

/// Splits at `_`, by the library's rule: a doubled one is one literal, leading and trailing ones are literal.
fn underscores(text: &str) -> Vec<String> {
    let inner = text.trim_matches('_');
    if inner.is_empty() {
        return vec![text.to_owned()];
    }
    let start = text.len() - text.trim_start_matches('_').len();
    let mut parts = vec![text[..start].to_owned()];
    let mut rest = inner.chars().peekable();
    while let Some(char) = rest.next() {
        let doubled = char == '_' && rest.next_if_eq(&'_').is_some();
        match parts.last_mut() {
            Some(part) if char != '_' || doubled => part.push(char),
            _ => parts.push(String::new()),
        }
    }
    if let Some(part) = parts.last_mut() {
        part.push_str(&text[start + inner.len()..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_as_the_library_splits_them() {
        for (text, expected) in [
            ("a_b", &["a", "b"][..]),
            ("object_content", &["object", "content"]),
            ("first__name", &["first_name"]),
            ("a___b", &["a_", "b"]),
            ("_id", &["_id"]),
            ("id_", &["id_"]),
            ("__typename", &["__typename"]),
            ("_a_b_", &["_a", "b_"]),
            ("__", &["__"]),
            ("é_ü", &["é", "ü"]),
        ] {
            assert_eq!(underscores(text), expected, "{text}");
        }
    }
}
