//! A mistake in a filter, shown with a caret under its place.

use crate::output::clean;

/// How deep a filter may nest; its compiler goes one call deeper a bracket.
const DEEPEST: usize = 200;

/// Refuses a filter that is longer than `longest`, or nests deeper than any that a person writes.
pub(super) fn bounded(code: &str, longest: usize) -> Result<(), String> {
    if code.len() > longest {
        return Err(format!("the filter is longer than {longest} bytes"));
    }
    let mut depth = 0_usize;
    for byte in code.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Err(format!("the filter nests deeper than {DEEPEST} levels"));
        }
    }
    Ok(())
}

/// The message, the line of `code` that holds `part`, and a caret under it.
pub(super) fn point(code: &str, part: &str, why: &str) -> String {
    let Some(at) = offset(code, part) else { return format!("the filter does not compile: {why}") };
    let (before, after) = code.split_at(at);
    let begin = before.rfind('\n').map_or(0, |end| end + 1);
    let lead = before.get(begin..).unwrap_or_default();
    let rest = after.lines().next().unwrap_or_default();
    let carets = clean::width(&clean::line(part.lines().next().unwrap_or_default())).max(1);
    let space = clean::width(&clean::line(lead));
    let (lead, rest) = (clean::line(lead), clean::line(rest));
    format!("the filter does not compile: {why}\n  {lead}{rest}\n  {}{}", " ".repeat(space), "^".repeat(carets))
}

/// Where `part` begins in `code`, if it is a piece of it.
fn offset(code: &str, part: &str) -> Option<usize> {
    let at = part.as_ptr().addr().checked_sub(code.as_ptr().addr())?;
    (at + part.len() <= code.len() && code.is_char_boundary(at)).then_some(at)
}
