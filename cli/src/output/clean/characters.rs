//! Which characters are shown by their numbers, and text for one line or one cell.

use unicode_width::UnicodeWidthChar;

/// Whether `c` shows text otherwise than it stands, or hides it.
pub(super) fn misleads(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether `c` shows only itself, on the line it stands on.
pub(crate) fn is_plain(c: char) -> bool {
    !c.is_control() && !misleads(c) && !hides(c)
}

/// Whether `c` takes no place of its own, so that two cells which differ by it look alike.
fn hides(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}')
}

/// Text for one line: line breaks and tabs are escaped too.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' | '\r' => out.extend(c.escape_default()),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if c.is_control() || misleads(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Text for a cell of a table: as [`line()`], and characters without width are escaped.
pub fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in line(text).chars() {
        if hides(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// The columns of a terminal that `text` takes.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}
