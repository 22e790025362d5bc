//! Foreign text made fit to print: escaped, bounded, and free of the types it came from.

use std::{error::Error as StdError, fmt};

/// The longest piece of foreign text that goes into a message, in characters.
const LONGEST: usize = 256;

/// Escapes control characters, C1 and bidirectional marks, and cuts at 256 characters.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST));
    let mut chars = text.trim().chars();
    for c in chars.by_ref().take(LONGEST) {
        if is_safe(c) { out.push(c) } else { out.extend(c.escape_default()) }
    }
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

/// The same between double quotes, for a value that a person typed.
pub(crate) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(64).collect();
    let cut = if short.len() < text.len() { "…" } else { "" };
    let escaped: String =
        short.chars().flat_map(|c| if is_safe(c) { vec![c] } else { c.escape_default().collect() }).collect();
    format!("\"{escaped}{cut}\"")
}

fn is_safe(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// One layer of a foreign error chain, kept as text only, and cut when it is printed.
///
/// A foreign error's `Debug` may print URLs and headers, so the value itself is not kept.
pub(crate) struct Cause {
    text: String,
    source: Option<Box<Cause>>,
}

impl Cause {
    /// Copies the chain under `error`, each layer's text passed through `clean`.
    pub(crate) fn chain(error: &(dyn StdError + 'static), clean: &dyn Fn(&str) -> String) -> Self {
        Self {
            text: clean(&error.to_string()),
            source: error.source().map(|source| Box::new(Self::chain(source, clean))),
        }
    }

    /// Passes the text of each layer through `clean`.
    pub(crate) fn masked(self, clean: &dyn Fn(&str) -> String) -> Self {
        Self { text: clean(&self.text), source: self.source.map(|source| Box::new(source.masked(clean))) }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.text))
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", printable(&self.text))?;
        self.source.as_ref().map_or(Ok(()), |source| write!(f, ", caused by {source:?}"))
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s14_foreign_text_is_escaped_and_bounded() {
        for (given, expected) in [
            ("plain", "plain"),
            (" é ", "é"),
            ("a\x1b[2Jb", "a\\u{1b}[2Jb"),
            ("a\nb\r", "a\\nb"),
            ("\u{202e}x\u{9b}", "\\u{202e}x\\u{9b}"),
        ] {
            assert_eq!(printable(given), expected);
        }
        assert_eq!(printable(&"x".repeat(1000)).chars().count(), LONGEST + 1);
        assert_eq!(quoted("a\tb"), "\"a\\tb\"");
    }
}
