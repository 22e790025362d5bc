//! A QR code in text, two rows of it in a line, light where the terminal prints.

use std::fmt;

use qrcodegen::{QrCode, QrCodeEcc};

/// The light frame around a code, in modules.
const QUIET: i32 = 2;
/// The columns that text and code share at most, and the least for the text.
const WIDTH: (usize, usize) = (78, 30);

/// The lines of a code for `text`; `None` where it is too long for one.
pub(super) fn lines(text: &str) -> Option<Vec<String>> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let all = -QUIET..code.size() + QUIET;
    let half = |x: i32, y: i32| match (code.get_module(x, y), code.get_module(x, y + 1)) {
        (false, false) => '█',
        (false, true) => '▀',
        (true, false) => '▄',
        (true, true) => ' ',
    };
    Some(all.clone().step_by(2).map(|y| all.clone().map(|x| half(x, y)).collect()).collect())
}

/// Writes `text` with `code` to its right, or below it where both are too wide.
pub(super) fn beside(f: &mut fmt::Formatter<'_>, text: &[String], code: &[String]) -> fmt::Result {
    let columns = |line: &String| line.chars().count();
    let left = text.iter().map(columns).max().unwrap_or_default().max(WIDTH.1);
    if 2 + left + code.iter().map(columns).max().unwrap_or_default() >= WIDTH.0 {
        return write!(f, "{}\n\n{}", text.join("\n"), code.join("\n"));
    }
    let above = code.len().saturating_sub(text.len()) / 2;
    for row in 0..code.len().max(above + text.len()) {
        let words = row.checked_sub(above).and_then(|row| text.get(row)).map_or("", String::as_str);
        let picture = code.get(row).map_or("", String::as_str);
        let end = if row == 0 { "" } else { "\n" };
        write!(f, "{end}{words:left$}  {picture}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The corner marks that every QR code has, which a reader looks for first.
    #[test]
    fn w72_a_code_has_its_three_corners_and_a_light_frame() {
        let lines = lines("https://id.test/device?user_code=WDJB-MJHT").unwrap();
        let rows: Vec<Vec<bool>> = lines
            .iter()
            .flat_map(|line| {
                let upper = line.chars().map(|c| "▄ ".contains(c)).collect();
                [upper, line.chars().map(|c| "▀ ".contains(c)).collect()]
            })
            .collect();
        let wide = rows[0].len();
        assert!(rows[0].iter().chain(&rows[1]).all(|dark| !dark), "the frame is light");
        for (x, y) in [(2, 2), (wide - 9, 2), (2, wide - 9)] {
            for at in 0..7 {
                assert!(rows[y][x + at] && rows[y + 6][x + at] && rows[y + at][x] && rows[y + at][x + 6]);
            }
            assert!(!rows[y + 1][x + 1] && rows[y + 3][x + 3]);
        }
        assert!(super::lines(&"x".repeat(3_000)).is_none());
    }
}
