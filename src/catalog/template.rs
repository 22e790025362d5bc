//! Route templates: `/people/{username}/activities`.

use smallvec::SmallVec;

use crate::error::quoted;

/// One segment of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Literal(&'a str),
    Variable(&'a str),
}

/// The schema's pattern of a template; [`check`] is stricter, and says why.
pub(super) const PATTERN: &str = r"^(/|(/([A-Za-z0-9._~!$&'()*+,=:@-]+|\{[A-Za-z_][A-Za-z0-9_-]*\}))+)$";

/// The most segments that a path may have.
const MOST: usize = 64;

/// The segments of a template that [`check`] accepts.
pub(super) fn parts(template: &str) -> impl Iterator<Item = Part<'_>> {
    segments(template).filter(|segment| !segment.is_empty()).map(part)
}

fn part(segment: &str) -> Part<'_> {
    match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => Part::Variable(name),
        None => Part::Literal(segment),
    }
}

/// What stands behind each `/`. Segments are short: to compare bytes is faster than `split`.
fn segments(template: &str) -> impl Iterator<Item = &str> {
    let mut rest = template;
    std::iter::from_fn(move || {
        let behind = rest.strip_prefix('/')?;
        let end = behind.bytes().position(|byte| byte == b'/').unwrap_or(behind.len());
        let (segment, next) = behind.split_at(end);
        rest = next;
        Some(segment)
    })
}

/// Accepts a template, or says what is wrong with it.
pub(super) fn check(template: &str) -> Result<(), String> {
    if !template.starts_with('/') {
        return Err(format!("{} does not begin with /", quoted(template)));
    }
    if template == "/" {
        return Ok(());
    }
    let mut variables: SmallVec<[&str; 8]> = SmallVec::new();
    for (index, segment) in segments(template).enumerate() {
        check_segment(segment).map_err(|why| format!("{}: {why}", quoted(template)))?;
        if index == MOST {
            return Err(format!("it has more than {MOST} segments"));
        }
        if let Part::Variable(name) = part(segment) {
            if variables.contains(&name) {
                return Err(format!("{} has the variable {{{name}}} twice", quoted(template)));
            }
            variables.push(name);
        }
    }
    Ok(())
}

fn check_segment(segment: &str) -> Result<(), String> {
    if matches!(part(segment), Part::Variable(name) if is_variable_name(name)) {
        return Ok(());
    }
    match segment {
        "" => return Err("a segment is empty: write no double and no closing /".to_owned()),
        "." | ".." => return Err(format!("{segment} would walk away from the route")),
        _ if segment.bytes().all(is_literal) => return Ok(()),
        _ if segment.contains(['{', '}']) => return Err(bad_variable(segment)),
        _ => {}
    }
    if segment.is_ascii() {
        Err(format!("{} has a character that no literal segment may have", quoted(segment)))
    } else {
        Err(format!("{} has letters beyond ASCII, which look like others", quoted(segment)))
    }
}

fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b'='
                | b':'
                | b'@'
        )
}

fn bad_variable(segment: &str) -> String {
    let (opened, closed) = (segment.matches('{').count(), segment.matches('}').count());
    let said = quoted(segment);
    match part(segment) {
        _ if opened != closed => format!("{said}: a brace has no partner"),
        _ if opened > 1 => format!("{said}: a segment holds one variable"),
        Part::Literal(_) => format!("{said}: a variable fills its whole segment"),
        Part::Variable(_) => format!("{said} is not a variable: {VARIABLE_NAME}"),
    }
}

const VARIABLE_NAME: &str = "letters, digits, _ and -, the first a letter or _, and no operator";

pub(super) fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i15_a_segment_is_one_literal_or_one_variable() {
        for (template, why) in [
            ("/x/{a}{b}", "a segment holds one variable"),
            ("/x/{a}-{b}", "a segment holds one variable"),
            ("/x{a}", "fills its whole segment"),
            ("/{a}x", "fills its whole segment"),
            ("/{a", "no partner"),
            ("/a}", "no partner"),
            ("/}a{", "fills its whole segment"),
            ("/{a}/{a}", "{a} twice"),
            ("/{+a}", "no operator"),
            ("/{?a,b}", "no operator"),
            ("/{}", "not a variable"),
            ("/{1a}", "not a variable"),
            ("", "does not begin"),
            ("people", "does not begin"),
            ("/people/", "empty"),
            ("//people", "empty"),
        ] {
            let said = check(template).unwrap_err();
            assert!(said.contains(why), "{template}: {said}");
        }
    }

    #[test]
    fn i14_literal_segments_are_plain() {
        for template in
            ["/..", "/a/.", "/p\u{435}ople", "/a b", "/a%2Fb", "/a?b", "/a#b", "/a\\b", "/a;b", "/a\u{202e}b"]
        {
            assert!(check(template).is_err(), "{template}");
        }
        for template in ["/", "/people", "/v1.0/a-b/c_d/~e", "/people/{user-name}/@self", "/a:b"] {
            assert_eq!(check(template), Ok(()), "{template}");
        }
        assert!(check(&"/a".repeat(65)).is_err());
    }

    #[test]
    fn parts_stand_in_order() {
        let found: Vec<_> = parts("/people/{username}/x").collect();
        assert_eq!(found, [Part::Literal("people"), Part::Variable("username"), Part::Literal("x")]);
        assert_eq!(parts("/").count(), 0);
    }
}
