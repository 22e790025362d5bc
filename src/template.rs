//! Text with names in braces, filled.

/// `text` with each `{name}` replaced by what `value` gives for it.
///
/// The error is the first name that has no value. A brace that is never closed stands for itself.
pub(crate) fn fill<V: AsRef<str>>(text: &str, value: impl Fn(&str) -> Option<V>) -> Result<String, &str> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push_str(value(name).ok_or(name)?.as_ref());
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_once() {
        let value = |name: &str| (name != "none").then(|| format!("<{name}{{x}}>"));
        for (text, expected) in [
            ("", Ok("")),
            ("plain", Ok("plain")),
            ("a{b}c{d}", Ok("a<b{x}>c<d{x}>")),
            ("{a}{none}", Err("none")),
            ("{open", Ok("{open")),
            ("a}b", Ok("a}b")),
        ] {
            assert_eq!(fill(text, value).as_deref(), expected.as_ref().map(|text| *text), "{text}");
        }
    }
}
