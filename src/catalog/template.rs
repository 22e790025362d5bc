//! Route templates: `/people/{username}/activities`.

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
    template.split('/').filter(|segment| !segment.is_empty()).map(|segment| {
        match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => Part::Variable(name),
            None => Part::Literal(segment),
        }
    })
}

/// Accepts a template, or says what is wrong with it.
pub(super) fn check(template: &str) -> Result<(), String> {
    let Some(rest) = template.strip_prefix('/') else {
        return Err(format!("{} does not begin with /", quoted(template)));
    };
    if rest.is_empty() {
        return Ok(());
    }
    for segment in rest.split('/') {
        check_segment(segment).map_err(|why| format!("{}: {why}", quoted(template)))?;
    }
    if parts(template).count() > MOST {
        return Err(format!("it has more than {MOST} segments"));
    }
    for (index, part) in parts(template).enumerate() {
        if let Part::Variable(name) = part
            && parts(template).take(index).any(|earlier| earlier == part)
        {
            return Err(format!("{} has the variable {{{name}}} twice", quoted(template)));
        }
    }
    Ok(())
}

fn check_segment(segment: &str) -> Result<(), String> {
    if segment.is_empty() {
        return Err("a segment is empty: write no double and no closing /".to_owned());
    }
    if matches!(segment, "." | "..") {
        return Err(format!("{segment} would walk away from the route"));
    }
    if segment.contains(['{', '}']) {
        return check_variable(segment);
    }
    match segment.chars().find(|c| !(c.is_ascii_alphanumeric() || "-._~!$&'()*+,=:@".contains(*c))) {
        None => Ok(()),
        Some(c) if !c.is_ascii() => {
            Err(format!("{} has letters beyond ASCII, which look like others", quoted(segment)))
        }
        Some(c) => Err(format!("{} has the character {c:?}, which no literal segment may have", quoted(segment))),
    }
}

fn check_variable(segment: &str) -> Result<(), String> {
    if segment.matches('{').count() != 1 || segment.matches('}').count() != 1 {
        let balanced = segment.matches('{').count() == segment.matches('}').count();
        let why = if balanced { "a segment holds one variable" } else { "a brace has no partner" };
        return Err(format!("{}: {why}", quoted(segment)));
    }
    let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return Err(format!("{}: a variable fills its whole segment", quoted(segment)));
    };
    if is_variable_name(name) { Ok(()) } else { Err(format!("{{{name}}} is not a variable: {VARIABLE_NAME}")) }
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
