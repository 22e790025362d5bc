//! A form with files (`multipart/form-data`, RFC 7578) rendered as a body.
//!
//! What is sent, and why, as real servers read it: field and file names are raw UTF-8 with
//! `"`, CR and LF as `%22`, `%0D` and `%0A`, as browsers send them, never `filename*`, which
//! many servers ignore. Every file has a file name and a content type, and the JSON part has
//! neither: there are servers that take a field with a content type for a file.

use crate::{body::Body, error::Result};

mod name;
mod part;

pub use part::Part;

/// A form: a field of JSON, where there is one, and then the parts in their order.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    json: Option<(String, String)>,
    parts: Vec<Part>,
}

impl Form {
    /// A form of `parts`, with `json` (the name of the field and its text) before them.
    pub(crate) fn new(json: Option<(String, String)>, parts: Vec<Part>) -> Self {
        Self { json, parts }
    }

    /// Renders the form with `boundary` (see [`boundary`]): its body and its content type.
    ///
    /// The length is known where each part's is; files are looked at, not opened.
    ///
    /// # Errors
    /// A name or a content type that cannot be sent, or a file that cannot be uploaded.
    pub(crate) fn render(&self, boundary: &str) -> Result<(Body, String)> {
        let mut pieces = Vec::with_capacity(2 * self.parts.len() + 1);
        let mut text = String::new();
        if let Some((field, json)) = &self.json {
            let field = name::field(field)?;
            text = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{json}\r\n");
        }
        for part in &self.parts {
            let (head, body) = part.render()?;
            pieces.push(Body::from(format!("{text}--{boundary}\r\n{head}\r\n")));
            pieces.push(body);
            text = String::from("\r\n");
        }
        pieces.push(Body::from(format!("{text}--{boundary}--\r\n")));
        Ok((Body::chain(pieces), format!("multipart/form-data; boundary={boundary}")))
    }
}

/// The boundary made of 128 random bits, which no content holds but by a chance of 2⁻¹²⁸.
pub(crate) fn boundary(random: [u8; 16]) -> String {
    format!("restwalk-{:032x}", u128::from_be_bytes(random))
}
