//! Bodies: what they are, by their media type and their bytes.

use super::{PrintError, clean, json::Json};

/// How much of a body is looked at to tell whether it is text, in bytes.
const LOOK: usize = 4096;

/// What a body can be shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One JSON document.
    Json,
    /// A JSON document a line.
    Lines,
    /// Anything else that can be read.
    Text,
    /// Nothing for a terminal.
    Binary,
}

impl Kind {
    /// What `body`, or its beginning, is.
    pub(crate) fn of(content_type: Option<&str>, body: &[u8]) -> Self {
        let media = media(content_type);
        match media.as_str() {
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => {
                return Self::Lines;
            }
            "application/json" | "text/json" => return Self::Json,
            media if media.ends_with("+json") => return Self::Json,
            _ => {}
        }
        let top = media.split('/').next().unwrap_or_default();
        let pictures = matches!(top, "image" | "audio" | "video" | "font") && !media.ends_with("+xml");
        if pictures || !is_text(body.get(..LOOK).unwrap_or(body)) {
            return Self::Binary;
        }
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        if media.is_empty() && matches!(first, Some(b'{' | b'[')) { Self::Json } else { Self::Text }
    }
}

fn media(content_type: Option<&str>) -> String {
    let media = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    media.trim().to_ascii_lowercase()
}

/// Whether hardly anything in it is no text; a NUL never is.
fn is_text(bytes: &[u8]) -> bool {
    if bytes.contains(&0) {
        return false;
    }
    let text = String::from_utf8_lossy(bytes);
    let odd = |c: &char| *c == char::REPLACEMENT_CHARACTER || (c.is_control() && !c.is_ascii_whitespace());
    text.chars().filter(odd).count() * 8 <= text.chars().count() + 8
}

/// The documents of a body; an empty body has none.
///
/// # Errors
///
/// The body is no JSON; says where, and what to do instead.
pub(crate) fn documents<'a>(content_type: Option<&str>, body: &'a [u8]) -> Result<Vec<Json<'a>>, PrintError> {
    let refused = |why: String| {
        let media = clean::line(&media(content_type));
        let named = if media.is_empty() { String::new() } else { format!(" ({media})") };
        PrintError::Content(format!("the answer{named} is no JSON: {why}; --format raw prints it as it came"))
    };
    let is_blank = |bytes: &[u8]| bytes.trim_ascii().is_empty();
    if is_blank(body) {
        return Ok(Vec::new());
    }
    if Kind::of(content_type, body) == Kind::Lines {
        let lines = body.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !is_blank(line));
        return lines
            .map(|(index, line)| Json::check(line).map_err(|why| refused(format!("{why}, in its line {}", index + 1))))
            .collect();
    }
    Ok(vec![Json::check(body).map_err(refused)?])
}

/// The documents as one: as they are where there is one, else a list of them.
pub(crate) fn joined(documents: &[Json<'_>]) -> String {
    if let [one] = documents {
        return one.text().to_owned();
    }
    let items: Vec<&str> = documents.iter().map(|document| document.text()).collect();
    format!("[{}]", items.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_body_is_known_by_its_type_or_its_bytes() {
        for (content_type, body, expected) in [
            (Some("application/json; charset=utf-8"), &b"x"[..], Kind::Json),
            (Some("Application/Problem+JSON"), b"{}", Kind::Json),
            (Some("application/x-ndjson"), b"{}", Kind::Lines),
            (None, b" [1]", Kind::Json),
            (Some("text/plain"), b"[1]", Kind::Text),
            (Some("text/html"), "<p>caf\u{e9}".as_bytes(), Kind::Text),
            (Some("text/html"), b"<p>caf\xe9 in latin-1", Kind::Text),
            (Some("application/octet-stream"), b"plain", Kind::Text),
            (Some("text/plain"), b"a\0b", Kind::Binary),
            (Some("image/png"), b"x", Kind::Binary),
            (Some("image/svg+xml"), b"<svg/>", Kind::Text),
            (None, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Kind::Binary),
            (None, &[0xff; 64], Kind::Binary),
            (None, b"", Kind::Text),
        ] {
            assert_eq!(Kind::of(content_type, body), expected, "{content_type:?} {body:?}");
        }
    }

    #[test]
    fn documents_are_checked_one_by_one() {
        let lines = Some("application/x-ndjson");
        let found = documents(lines, b"1\r\n\n{\"a\": 2}").unwrap();
        assert_eq!(joined(&found), "[1,{\"a\": 2}]");
        assert_eq!(joined(&documents(None, b" 1 ").unwrap()), "1");
        assert!(documents(None, b" \n").unwrap().is_empty());
        let error = documents(lines, b"1\n\nx").unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("--format raw"), "{error}");
        let error = documents(Some("text/html\u{9b}"), b"<p>").unwrap_err().to_string();
        assert!(error.starts_with("the answer (text/html\\u{9b}) is no JSON"), "{error}");
    }
}
