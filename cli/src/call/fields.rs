//! Forms: fields and file parts.

use restwalk::{Call, Part};

use super::items::Reader;
use crate::{
    input,
    item::{Item, Value, What},
    mistake::{Mistake, Result},
    words::Words,
};

impl Reader<'_, '_> {
    /// Sends items as `application/x-www-form-urlencoded`.
    pub(super) fn form(&mut self, call: Call, words: &Words, base: Option<Vec<u8>>) -> Result<Call> {
        if let Some(bytes) = base.as_ref().filter(|_| !words.items.iter().any(Item::has_field)) {
            return Ok(call.body(bytes.clone(), "application/x-www-form-urlencoded"));
        }
        let fields = self.pairs(words, base.is_some())?;
        Ok(if fields.is_empty() { call } else { call.form(fields) })
    }

    /// Sends items as the fields of a multipart form, files among them.
    pub(super) fn fields(&mut self, mut call: Call, words: &Words, base: Option<Vec<u8>>) -> Result<Call> {
        for (name, value) in self.pairs(words, base.is_some())? {
            call = call.upload(Part::text(name, value));
        }
        words.items.iter().try_fold(call, |call, item| match item.what {
            What::File { .. } => self.file(call, item),
            _ => Ok(call),
        })
    }

    /// Adds a file part.
    pub(super) fn file(&mut self, call: Call, item: &Item) -> Result<Call> {
        let What::File { field, path, content_type, file_name } = &item.what else { return Ok(call) };
        let at = |mistake: Mistake| mistake.at(&item.text, item.spans.1.clone());
        let mut part = match &**path {
            "" => return Err(at(Mistake::usage("a file part names no file"))),
            "-" => Part::bytes(input::read(self.io).map_err(at)?),
            path => {
                let path = self.io.path(path);
                if let Err(error) = path.metadata() {
                    return Err(at(Mistake::usage(format!("the file cannot be read: {error}"))));
                }
                Part::file(path)
            }
        };
        part = part.named(field);
        if let Some(name) = file_name {
            part = part.file_name(name);
        }
        if let Some(mime) = content_type {
            part = part.content_type(mime);
        }
        Ok(call.upload(part))
    }

    /// The fields of a form, in their order.
    fn pairs(&mut self, words: &Words, base: bool) -> Result<Vec<(String, String)>> {
        if base {
            return Err(Mistake::usage("a form is made of items; it has no JSON to begin with"));
        }
        let mut pairs = Vec::new();
        for item in &words.items {
            match &item.what {
                What::Body { value: Value::Json(_) | Value::JsonFile(_), .. } => {
                    return Err(item.value_mistake("a form has no JSON").hint("write key=value"));
                }
                What::Body { name, value, .. } => pairs.push((name.clone(), self.text(item, value)?)),
                What::Unset { .. } => return Err(item.key_mistake("a form has no defaults to drop")),
                _ => {}
            }
        }
        Ok(pairs)
    }
}
