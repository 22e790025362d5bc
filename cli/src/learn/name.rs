//! What segments look like, and names made of them.

/// The prefix of a name that nothing else gives.
const NAMELESS: &str = "id";

/// The longest name of a route, in bytes.
const LONGEST: usize = 80;

/// The name in `{name}`, where it is one that a route can have.
pub(super) fn braced(segment: &str) -> Option<&str> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    let first = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    (first && name.bytes().all(is_name)).then_some(name)
}

/// Whether a segment looks like an identifier: a number, a UUID, 16 hex digits or more.
pub(super) fn is_identifier(segment: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let uuid = || {
        let lengths: Vec<usize> = segment.split('-').map(str::len).collect();
        lengths == [8, 4, 4, 4, 12] && segment.split('-').all(hex)
    };
    !segment.is_empty() && (digits(segment) || (segment.len() >= 16 && hex(segment)) || uuid())
}

/// Whether a route can hold the segment as it stands.
pub(super) fn is_literal(segment: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte);
    !segment.is_empty() && !matches!(segment, "." | "..") && segment.bytes().all(plain)
}

/// Whether a segment is the version of an API, such as v1 or v2.0.
pub(super) fn is_version(segment: &str) -> bool {
    let number = segment.strip_prefix(['v', 'V']).unwrap_or_default();
    number.starts_with(|first: char| first.is_ascii_digit())
        && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The name of the variable behind `literal`: its singular.
pub(super) fn of_item(literal: Option<&str>) -> String {
    let name = plain(&singular(literal.unwrap_or_default()));
    match name.as_bytes().first() {
        None => NAMELESS.to_owned(),
        Some(first) if first.is_ascii_alphabetic() || *first == b'_' => name,
        Some(_) => format!("_{name}"),
    }
}

/// `base`, or the first of `base_2`, `base_3` … that is not taken.
pub(super) fn free(base: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2_u64..).map(|number| format!("{base}_{number}"));
    std::iter::once(base.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

/// The name of a route from its parts: literals, and variables in place of the literals before them.
pub(super) fn of_route(template: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut literal = false;
    for segment in template.split('/').filter(|segment| !segment.is_empty()) {
        let variable = braced(segment);
        if variable.is_some() && literal {
            words.pop();
        }
        literal = variable.is_none();
        words.push(plain(variable.unwrap_or(segment)));
    }
    let mut name = words.join("_");
    name.truncate(LONGEST);
    match name.trim_matches('_') {
        "" => "root".to_owned(),
        name => name.to_owned(),
    }
}

/// Letters, digits, `-` and `_`; each other byte becomes `_`.
fn plain(text: &str) -> String {
    text.bytes().map(|byte| if is_name(byte) { char::from(byte) } else { '_' }).collect()
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// The singular of an English plural, as far as rules go.
fn singular(plural: &str) -> String {
    const IRREGULAR: [(&str, &str); 7] = [
        ("people", "person"),
        ("children", "child"),
        ("men", "man"),
        ("women", "woman"),
        ("indices", "index"),
        ("series", "series"),
        ("news", "news"),
    ];
    if let Some((_, one)) = IRREGULAR.iter().find(|(many, _)| *many == plural) {
        return (*one).to_owned();
    }
    let ends = |endings: &[&str]| endings.iter().any(|ending| plural.len() > ending.len() && plural.ends_with(ending));
    match plural {
        _ if ends(&["ies"]) => format!("{}y", &plural[..plural.len() - 3]),
        _ if ends(&["sses", "shes", "ches", "xes", "zes", "uses"]) => plural[..plural.len() - 2].to_owned(),
        _ if ends(&["ss", "us", "is"]) || !ends(&["s"]) => plural.to_owned(),
        _ => plural[..plural.len() - 1].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_the_singular_of_what_is_before_it() {
        for (literal, expected) in [
            ("people", "person"),
            ("activities", "activity"),
            ("contexts", "context"),
            ("classes", "class"),
            ("boxes", "box"),
            ("statuses", "status"),
            ("status", "status"),
            ("address", "address"),
            ("news", "news"),
            ("s", "s"),
            ("user-keys", "user-key"),
            ("a.b", "a_b"),
            ("2024", "_2024"),
            ("@self", "_self"),
            ("", "id"),
        ] {
            assert_eq!(of_item(Some(literal)), expected, "{literal}");
        }
        assert_eq!(of_item(None), "id");
    }

    #[test]
    fn identifiers_are_known_by_their_look() {
        for (segment, expected) in [
            ("42", true),
            ("0123456789abcdef", true),
            ("0123456789abcde", false),
            ("550e8400-e29b-41d4-a716-446655440000", true),
            ("550e8400-e29b-41d4-a716-44665544000g", false),
            ("ada", false),
            ("v1", false),
            ("deadbeef", false),
            ("", false),
            ("\u{661}", false),
        ] {
            assert_eq!(is_identifier(segment), expected, "{segment}");
        }
        for (segment, expected) in [("v1", true), ("V2.0", true), ("v", false), ("vip", false), ("1", false)] {
            assert_eq!(is_version(segment), expected, "{segment}");
        }
    }

    #[test]
    fn a_route_is_named_after_its_parts() {
        for (template, expected) in [
            ("/", "root"),
            ("/people", "people"),
            ("/people/{person}", "person"),
            ("/people/{person}/activities", "person_activities"),
            ("/people/{person}/activities/{activity}", "person_activity"),
            ("/{id}/{id_2}", "id_id_2"),
            ("/~", "root"),
            ("/a.b/@self", "a_b__self"),
        ] {
            assert_eq!(of_route(template), expected, "{template}");
        }
        assert_eq!(free("a", |name| ["a", "a_2"].contains(&name)), "a_3");
    }
}
