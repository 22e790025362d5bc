//! What stands at a place in a body that was read whole, which stays to be read.

use std::borrow::Cow;

use http::{StatusCode, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;

use super::{Response, decode};
use crate::{
    error::{Error, ErrorKind, Result, quoted},
    json::{self, Members, pointer},
    secret::Masks,
};

impl Response {
    /// The text that the JSON pointer names; `None` for `null` and nothing.
    pub(crate) fn text_at(&self, place: &str) -> Result<Option<Cow<'_, str>>> {
        match self.scalar_at(place)? {
            Some(text) if !text.starts_with('"') => {
                Err(self.misfit(format!("what stands at {} is no text", quoted(place))))
            }
            text => Ok(text.and_then(json::as_string)),
        }
    }

    /// The text or the digits of the number that the JSON pointer names; `None` for `null` and nothing.
    pub(crate) fn token_at(&self, place: &str) -> Result<Option<Cow<'_, str>>> {
        Ok(self.scalar_at(place)?.map(|found| json::as_string(found).unwrap_or(Cow::Borrowed(found))))
    }

    fn scalar_at(&self, place: &str) -> Result<Option<&str>> {
        let Ok(found) = pointer::find(self.json_text()?, place) else { return Ok(None) };
        match found.as_bytes().first() {
            Some(b'n') => Ok(None),
            Some(b'"' | b'-' | b'0'..=b'9') => Ok(Some(found)),
            _ => {
                let what = pointer::describe(found);
                Err(self.misfit(format!("what stands at {} is {what}, and no text", quoted(place))))
            }
        }
    }

    /// The JSON text of the array that the JSON pointer names; without a pointer it is the body.
    ///
    /// An answer that has no content by its status has no elements.
    pub(crate) fn array_at(&self, place: &str) -> Result<&str> {
        if self.status == StatusCode::NO_CONTENT {
            return Ok("[]");
        }
        let told = "; say where the array stands by .items_at(..), or `items` in the catalog";
        let named = |place: &str| if place.is_empty() { "the body".to_owned() } else { quoted(place) };
        match pointer::find(self.json_text()?, place) {
            Ok(found) if found.starts_with('[') => Ok(found),
            Ok(found) => {
                let what = pointer::describe(found);
                Err(self.misfit(format!("{} is {what}, and no array{told}", named(place))))
            }
            Err((reached, there)) => {
                let (what, place) = (pointer::describe(there), quoted(place));
                Err(self.misfit(format!("nothing stands at {place}: {} is {what}{told}", named(reached))))
            }
        }
    }

    /// The elements of the array that the JSON pointer names.
    pub(crate) fn list_at(&self, place: &str) -> Result<List> {
        let text: Box<str> = self.array_at(place)?.into();
        let (at, len) = (Members::of(&text).position(), Members::of(&text).count());
        Ok(List { text, at, len, given: 0 })
    }

    fn json_text(&self) -> Result<&str> {
        decode::raw(self.body.buffered(), self.headers().get(CONTENT_TYPE), &self.exchange.masks)
            .map_err(|why| self.misfit(why))
    }

    pub(crate) fn misfit(&self, why: String) -> Error {
        self.exchange.error(ErrorKind::Decode, "body.decode", why)
    }
}

/// The elements of an array, decoded one by one from the text that came.
#[derive(Default)]
pub(crate) struct List {
    text: Box<str>,
    /// Where the next element is looked for.
    at: usize,
    len: usize,
    given: usize,
}

impl List {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many were taken.
    pub(crate) fn given(&self) -> usize {
        self.given
    }

    pub(crate) fn left(&self) -> usize {
        self.len - self.given
    }

    /// Passes over `count` elements, or all that there are.
    pub(crate) fn skip(&mut self, count: usize) {
        (0..count).all(|_| self.advance().is_some());
    }

    /// Decodes the next element, which is not taken where it does not fit; the error is a sentence.
    ///
    /// Behind the last element the text is let go.
    pub(crate) fn next<T: DeserializeOwned>(&mut self, masks: &Masks) -> Option<Result<T, String>> {
        let before = self.at;
        let Some(element) = self.advance() else {
            self.text = Box::default();
            return None;
        };
        let decoded = decode::json(element.as_bytes(), None, masks);
        if decoded.is_err() {
            (self.at, self.given) = (before, self.given - 1);
        }
        Some(decoded.map_err(|why| format!("the element {} of this page: {why}", self.given)))
    }

    fn advance(&mut self) -> Option<&str> {
        let mut members = Members::resume(&self.text, self.at);
        let (_, element) = members.next()?;
        self.at = members.position();
        self.given += 1;
        Some(element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_passed_over_and_counted() {
        let text: Box<str> = r#"[ 1, {"a": [2, "]"]} ,3 ]"#.into();
        let mut list = List { at: Members::of(&text).position(), text, len: 3, given: 0 };
        list.skip(1);
        assert_eq!(list.advance(), Some(r#"{"a": [2, "]"]}"#));
        assert_eq!((list.len(), list.given(), list.left()), (3, 2, 1));
        list.skip(usize::MAX);
        assert_eq!((list.given(), list.left(), list.advance()), (3, 0, None));
        // The next page finds the memory free.
        assert!(list.next::<u8>(&Masks::default()).is_none() && list.text.is_empty());
        assert!(list.next::<u8>(&Masks::default()).is_none());
        assert_eq!((list.len(), list.given(), list.left()), (3, 3, 0));
    }
}
