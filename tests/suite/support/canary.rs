//! Secrets that are easy to find, and the places where none may be.

use std::error::Error as StdError;

use base64::{Engine, prelude::BASE64_STANDARD};

/// A secret of this kind, 24 characters long.
pub fn canary(kind: &str) -> String {
    super::traces::keep();
    format!("CNRY-{kind:-<10}-7f3a9c2e").chars().take(24).collect()
}

/// Where in `text` a canary stands, as it is or coded.
pub fn find<'a>(text: &str, canaries: impl IntoIterator<Item = &'a String>) -> Option<String> {
    for canary in canaries {
        for spelling in [canary.clone(), BASE64_STANDARD.encode(canary), hex(canary)] {
            if let Some(at) = text.find(&spelling) {
                let from = text[..at].char_indices().rev().nth(80).map_or(0, |(from, _)| from);
                return Some(format!("{canary} in …{}", &text[from..at + spelling.len()]));
            }
        }
    }
    None
}

/// The bytes of `text` as hexadecimal digits.
pub fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Everything that printing an error can show: itself, its causes, in every format.
pub fn printed(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        text += &[format!("{error}"), format!("{error:?}"), format!("{error:#?}"), format!("{error:#}")].join("\n");
        next = error.source();
    }
    text
}
