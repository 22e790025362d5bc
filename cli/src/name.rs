//! The name of a downloaded file: what the server or the URL says, made harmless. Pure.

use std::borrow::Cow;

use crate::output::clean::is_plain;

/// The longest name, in bytes; there is room for `.part.json` behind it.
const LONGEST: usize = 200;

/// Names that Windows takes for devices.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The name for an answer with this `Content-Disposition`, to a request for the path of this URL.
///
/// It is one name without a folder, begins with neither `.` nor `-`, and is `download` where nothing is left.
pub(crate) fn of(disposition: Option<&[u8]>, url_path: &str) -> String {
    let said = disposition.and_then(|value| {
        let value = match std::str::from_utf8(value) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(latin1(value)),
        };
        let parameters = parameters(&value);
        let find = |name: &str| parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let extended = find("filename*").and_then(|(_, value)| extended(value)).and_then(|name| safe(&name));
        extended.or_else(|| safe(&find("filename")?.1))
    });
    let asked = || {
        let last = url_path.split('/').rfind(|part| !part.is_empty())?;
        safe(&String::from_utf8_lossy(&decoded(last)?))
    };
    said.or_else(asked).unwrap_or_else(|| "download".to_owned())
}

/// `text` as the name of a file in one folder; `None` where nothing is left of it.
fn safe(text: &str) -> Option<String> {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = |char: char| match char {
        ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
        char => char,
    };
    let name: String = last.chars().filter(|char| is_plain(*char)).map(plain).collect();
    // Windows drops what is at the end here.
    let name = name.trim().trim_end_matches(['.', ' ']);
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = |prefix| {
        stem.strip_prefix(prefix).is_some_and(|rest: &str| {
            let mut chars = rest.chars();
            matches!(chars.next(), Some('0'..='9' | '¹' | '²' | '³')) && chars.next().is_none()
        })
    };
    let device = DEVICES.contains(&&*stem) || numbered("com") || numbered("lpt");
    let mark = if device || name.starts_with(['.', '-']) { "_" } else { "" };
    (!name.is_empty()).then(|| shortened(&format!("{mark}{name}")))
}

/// A long name cut before its ending.
fn shortened(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let ending = name.rfind('.').map(|at| &name[at..]).filter(|ending| ending.len() <= 16).unwrap_or_default();
    let mut end = LONGEST - ending.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", name[..end].trim_end_matches(['.', ' ']))
}

/// The parameters behind the first `;`, their values without quotes.
fn parameters(value: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, after)) = rest.split_once('=') {
        // A parameter without a value is passed over.
        let name = name.rsplit(';').next().unwrap_or_default().trim();
        let after = after.trim_start();
        let text;
        (text, rest) = if let Some(quoted) = after.strip_prefix('"') {
            unquoted(quoted)
        } else {
            let end = after.find(';').unwrap_or(after.len());
            (after[..end].trim().to_owned(), &after[end..])
        };
        found.push((name, text));
    }
    found
}

/// What stands before the closing quote, and what behind it.
fn unquoted(text: &str) -> (String, &str) {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (out, &text[at + 1..]),
            // Only these two are ever escaped; a path of Windows is not.
            '\\' if text[at + 1..].starts_with(['"', '\\']) => out.extend(chars.next().map(|(_, char)| char)),
            char => out.push(char),
        }
    }
    (out, "")
}

/// `UTF-8''a%20b` (RFC 8187); `None` for another charset, or what is not of it.
fn extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let bytes = decoded(rest.split_once('\'')?.1)?;
    match () {
        () if charset.eq_ignore_ascii_case("utf-8") => String::from_utf8(bytes).ok(),
        () if charset.eq_ignore_ascii_case("iso-8859-1") => Some(latin1(&bytes)),
        () => None,
    }
}

/// Percent-decoded once; `None` where a `%` is not followed by two hexadecimal digits.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        out.push(if byte == b'%' { (digit()? << 4 | digit()?) as u8 } else { byte });
    }
    Some(out)
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn x30_a_name_stays_in_its_folder_and_is_harmless() {
        for (given, expected) in [
            ("report.csv", "report.csv"),
            ("a b é 日本.txt", "a b é 日本.txt"),
            ("../../.bashrc", "_.bashrc"),
            (r"..\..\x", "x"),
            ("/etc/x", "x"),
            (r"C:\x", "x"),
            ("~/.ssh/x", "x"),
            ("-rf", "_-rf"),
            (".env", "_.env"),
            (".", "download"),
            ("..", "download"),
            ("", "download"),
            ("  ", "download"),
            ("a/", "download"),
            ("a\0b", "ab"),
            ("a\r\nb\t\x1b[2J", "ab[2J"),
            ("exe.\u{202e}gpj", "exe.gpj"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("com1", "_com1"),
            ("com10", "com10"),
            ("a:b", "a_b"),
            ("a?*<>|b", "a_____b"),
            ("a. . .", "a"),
            ("...a", "_...a"),
        ] {
            assert_eq!(safe(given).unwrap_or("download".into()), expected, "{given:?}");
        }
        assert_eq!(safe(&"a".repeat(300)).unwrap(), "a".repeat(200));
        assert_eq!(safe(&format!("{}.tar.gz", "é".repeat(300))).unwrap(), format!("{}.gz", "é".repeat(98)));
    }

    #[test]
    fn x31_the_header_is_read_in_both_forms() {
        for (header, expected) in [
            (r#"attachment; filename="a b.csv""#, "a b.csv"),
            ("attachment; filename=a.csv", "a.csv"),
            ("attachment;FILENAME = a.csv ; size=3", "a.csv"),
            (r#"attachment; filename="a \"b\" \\ c""#, "c"),
            (r#"attachment; filename="C:\new\x""#, "x"),
            (r#"attachment; filename="a;b=c.txt"; x=y"#, "a;b=c.txt"),
            (r#"attachment; filename="open"#, "open"),
            ("attachment; filename*=UTF-8''%e2%82%ac.txt", "€.txt"),
            ("attachment; filename*=iso-8859-1'en'%A3.txt", "£.txt"),
            (r#"attachment; filename="plain"; filename*=UTF-8''better"#, "better"),
            (r#"attachment; filename*=UTF-8''better; filename="plain""#, "better"),
            ("attachment; filename*=UTF-8''..%2f..%2fx", "x"),
            ("attachment; filename*=UTF-8''%2e%2e; filename=plain", "plain"),
            ("attachment; filename*=UTF-8''%ff; filename=plain", "plain"),
            ("attachment; filename*=UTF-8''%f; filename=plain", "plain"),
            ("attachment; filename*=x-y''a; filename=plain", "plain"),
            ("attachment; filename*=better; filename=plain", "plain"),
            ("attachment; filename=%2e%2e%2fx", "%2e%2e%2fx"),
            ("attachment; x; filename=a", "a"),
            ("attachment; filename=", "asked"),
            (r#"attachment; filename="..""#, "asked"),
            ("filename=a", "asked"),
            ("attachment", "asked"),
            ("", "asked"),
        ] {
            assert_eq!(of(Some(header.as_bytes()), "/some/asked"), expected, "{header}");
        }
        assert_eq!(of(Some(b"attachment; filename=\"\xe9.txt\""), "/"), "é.txt");
        assert_eq!(of(Some("attachment; filename=\"é.txt\"".as_bytes()), "/"), "é.txt");
    }

    #[test]
    fn x32_without_a_header_the_path_of_the_url_names_it() {
        for (path, expected) in [
            ("/files/big.iso", "big.iso"),
            ("/files/a%20b", "a b"),
            ("/files/", "files"),
            ("/%2e%2e%2fx", "x"),
            ("/a%2Fb", "b"),
            ("/%00", "download"),
            ("/%zz", "download"),
            ("/", "download"),
            ("", "download"),
        ] {
            assert_eq!(of(None, path), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn x30_whatever_is_said_one_plain_name_comes_of_it(said in any::<Vec<u8>>(), text in "\\PC*", path in "\\PC*") {
            let quoted = format!("attachment; filename=\"{text}\"; filename*=UTF-8''{path}");
            for header in [said.as_slice(), quoted.as_bytes()] {
                let name = of(Some(header), &path);
                prop_assert!(!name.is_empty() && name.len() <= LONGEST + 1);
                prop_assert!(!name.contains(['/', '\\', '\0', ':']) && !name.starts_with(['.', '-']));
                let one = std::path::Path::new(&name).components().collect::<Vec<_>>();
                prop_assert!(matches!(one[..], [std::path::Component::Normal(_)]));
            }
        }
    }
}
