//! What stands at a place in a body that was read whole, which stays to be read.

use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Response, decode};
use crate::error::{ErrorKind, Result, quoted};

impl Response {
    /// The text that the JSON pointer names; `None` for `null` and nothing.
    pub(crate) fn text_at(&self, pointer: &str) -> Result<Option<String>> {
        match self.value_at(pointer)? {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            _ => {
                let why = format!("what stands at {} is no text", quoted(pointer));
                Err(self.exchange.error(ErrorKind::Decode, "body.decode", why))
            }
        }
    }

    /// The array that the JSON pointer names; without a pointer it is the body.
    pub(crate) fn list_at<T: DeserializeOwned>(&self, pointer: &str) -> Result<Vec<T>> {
        if pointer.is_empty() {
            return self.decoded(self.body.buffered());
        }
        self.decoded(self.value_at(pointer)?.to_string().as_bytes())
    }

    fn value_at(&self, pointer: &str) -> Result<Value> {
        let mut body: Value = self.decoded(self.body.buffered())?;
        Ok(body.pointer_mut(pointer).map(Value::take).unwrap_or_default())
    }

    fn decoded<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T> {
        decode::json(body, self.headers.get(CONTENT_TYPE), &self.exchange.masks)
            .map_err(|why| self.exchange.error(ErrorKind::Decode, "body.decode", why))
    }
}
