//! What a request brings: a JSON value, a file, or both.

use axum::body::Bytes;
use axum::{
    body::Body,
    extract::{
        FromRequest, Multipart,
        multipart::{Field, MultipartError},
    },
};
use http::{Request, header};
use serde_json::{Map, Value, json};

use super::problem::Problem;

/// The most bytes of one body.
pub(super) const LARGEST: usize = 16 << 20;

/// What a request brings.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Content {
    pub(super) value: Value,
    pub(super) file: Option<File>,
}

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: Option<String>,
    /// Its content type.
    pub(super) kind: String,
    pub(super) bytes: Bytes,
}

impl Content {
    /// Reads a body by its content type: JSON, a form, a form with files, or else a file.
    pub(super) async fn read(request: Request<Body>) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let essence = kind.as_deref().map(essence).unwrap_or_default();
        if essence == "multipart/form-data" {
            return Self::form(request).await;
        }
        let refused = |rejection: axum::extract::rejection::BytesRejection| refused(rejection.status().as_u16());
        let bytes = Bytes::from_request(request, &()).await.map_err(refused)?;
        if bytes.is_empty() && !essence.starts_with("image/") {
            return Ok(Self::default());
        }
        if is_json(&essence) {
            return Ok(Self { value: json(&bytes)?, file: None });
        }
        if essence == "application/x-www-form-urlencoded" {
            let mut members = Map::new();
            for (name, value) in form_urlencoded::parse(&bytes) {
                put(&mut members, &name, value.into_owned().into());
            }
            return Ok(Self { value: members.into(), file: None });
        }
        let kind = kind.unwrap_or_else(|| "application/octet-stream".to_owned());
        Ok(Self { value: Value::Null, file: Some(File { name: None, kind, bytes }) })
    }

    /// Reads a form with files: a field that is a JSON object is merged, any other is a text; the first file is kept.
    async fn form(request: Request<Body>) -> Result<Self, Problem> {
        let form = Multipart::from_request(request, &()).await;
        let mut form = form.map_err(|rejection| refused(rejection.status().as_u16()))?;
        let broken = |error: MultipartError| refused(error.status().as_u16());
        let (mut members, mut kept) = (Map::new(), None);
        while let Some(field) = form.next_field().await.map_err(broken)? {
            let (name, kind) = (field.name().unwrap_or_default().to_owned(), field.content_type().map(str::to_owned));
            let file_name = field.file_name().map(str::to_owned);
            let bytes = field_bytes(field).await?;
            match (file_name, kind) {
                (Some(file_name), kind) => {
                    let kind = kind.unwrap_or_else(|| "application/octet-stream".to_owned());
                    let file = File { name: Some(file_name), kind, bytes };
                    put(&mut members, &name, file.about());
                    kept.get_or_insert(file);
                }
                (None, _) => match serde_json::from_slice(&bytes) {
                    Ok(Value::Object(more)) => members.extend(more),
                    _ => put(&mut members, &name, String::from_utf8_lossy(&bytes).into_owned().into()),
                },
            }
        }
        Ok(Self { value: members.into(), file: kept })
    }

    /// How many bytes it takes, near enough.
    pub(super) fn size(&self) -> usize {
        size(&self.value).saturating_add(self.file.as_ref().map_or(0, |file| file.bytes.len()))
    }
}

impl File {
    /// Its name, type and size.
    pub(super) fn about(&self) -> Value {
        json!({ "filename": self.name, "type": self.kind, "size": self.bytes.len() })
    }
}

async fn field_bytes(field: Field<'_>) -> Result<Bytes, Problem> {
    field.bytes().await.map_err(|error| refused(error.status().as_u16()))
}

fn refused(status: u16) -> Problem {
    match status {
        413 => Problem::new(413, "TooLarge", format!("a body has at most {} MiB", LARGEST >> 20)),
        _ => Problem::new(400, "BadBody", "the body broke off or is not what its Content-Type says"),
    }
}

fn json(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes).map_err(|error| Problem::new(400, "BadJson", error.to_string()))
}

/// A content type without its parameters.
pub(super) fn essence(kind: &str) -> String {
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence.ends_with("+json")
}

/// Adds a member; one that is there becomes an array.
fn put(members: &mut Map<String, Value>, name: &str, value: Value) {
    match members.get_mut(name) {
        None => {
            members.insert(name.to_owned(), value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = json!([first.take(), value]),
    }
}

fn size(value: &Value) -> usize {
    const EACH: usize = 16;
    let inner = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(size).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + size(value)).sum(),
    };
    EACH + inner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_one_name_become_an_array() {
        let mut members = Map::new();
        for value in ["a", "b", "c"] {
            put(&mut members, "tags", value.into());
        }
        assert_eq!(Value::from(members), json!({ "tags": ["a", "b", "c"] }));
    }

    #[test]
    fn a_content_type_is_known_without_its_parameters() {
        for (kind, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("text/plain", false),
        ] {
            assert_eq!(is_json(&essence(kind)), expected, "{kind}");
        }
    }
}
