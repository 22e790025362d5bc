//! Items as arguments of a call: query, headers, and a body of JSON.

use restwalk::{Call, Item as Walked, http::Method};
use serde_json::value::RawValue;

use crate::{
    args::Options,
    body::{Body, Builder, Change, Source},
    input,
    io::Io,
    item::{Item, Value, What},
    mistake::{Mistake, Result},
    settings::Settings,
    typing::{Schema, string},
    words::Words,
};

/// What items are read with.
pub(super) struct Reader<'a, 'io> {
    pub(super) settings: &'a Settings,
    pub(super) options: &'a Options,
    pub(super) io: &'a mut Io<'io>,
    pub(super) place: &'a Walked,
    pub(super) method: &'a Method,
    pub(super) schema: Option<Schema>,
}

/// A call, the sources of its arguments, and the names that were dropped.
pub(super) type Applied = (Call, Vec<Source>, Vec<(Vec<String>, usize)>);

impl Reader<'_, '_> {
    /// Reads the JSON Schema of the body, where the catalog names one.
    pub(super) fn read_schema(&mut self) -> Result<()> {
        let policy = self.place.route().and_then(|route| route.policy(self.method));
        let named = policy.and_then(|policy| policy.schema()).filter(|_| !self.options.place.no_schema);
        let (Some(named), Some(folder)) = (named, &self.settings.folder) else { return Ok(()) };
        self.schema = Some(Schema(input::schema(&self.io.path(&folder.join(named).to_string_lossy()))?));
        Ok(())
    }

    /// Applies every item and the base of the body.
    pub(super) fn apply(mut self, mut call: Call, words: &Words, base: Option<Vec<u8>>) -> Result<Applied> {
        for item in &words.items {
            call = self.outside(call, item)?;
        }
        let files = words.items.iter().any(|item| matches!(item.what, What::File { .. }));
        let named = self.settings.catalog.json_part().is_some() && !self.options.form && !self.options.multipart;
        if self.options.multipart || (files && (self.options.form || !named)) {
            return Ok((self.fields(call, words, base)?, Vec::new(), Vec::new()));
        }
        if self.options.form {
            return Ok((self.form(call, words, base)?, Vec::new(), Vec::new()));
        }
        self.json(call, words, base, files)
    }

    /// Query and headers.
    fn outside(&mut self, call: Call, item: &Item) -> Result<Call> {
        Ok(match &item.what {
            What::Query { name, value } => call.query(name, self.line(item, value)?),
            What::UnsetQuery { name } => call.unset_query(name),
            What::Header { name, value } => call.header(name, self.line(item, value)?),
            What::UnsetHeader { name } => call.unset_header(name),
            _ => call,
        })
    }

    /// A text, or a file's without the line break at its end.
    fn line(&mut self, item: &Item, value: &Value) -> Result<String> {
        let text = self.text(item, value)?;
        if !matches!(value, Value::TextFile(_)) {
            return Ok(text);
        }
        Ok(text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line)).to_owned())
    }

    /// The text of a value: its own, or a file's.
    pub(super) fn text(&mut self, item: &Item, value: &Value) -> Result<String> {
        let (Value::TextFile(path) | Value::JsonFile(path)) = value else {
            let (Value::Text(text) | Value::Json(text) | Value::TextFile(text) | Value::JsonFile(text)) = value;
            return Ok(text.clone());
        };
        let at = |mistake: Mistake| mistake.at(&item.text, item.spans.1.clone());
        input::text(input::bytes(self.io, path).map_err(at)?, path).map_err(at)
    }

    /// The JSON of a value.
    fn raw(&mut self, item: &Item, value: &Value, body: &Builder<'_>) -> Result<Box<RawValue>> {
        let text = self.text(item, value)?;
        let What::Body { keys, .. } = &item.what else { return Ok(string(&text)) };
        match value {
            Value::Json(_) | Value::JsonFile(_) => serde_json::from_str(&text).map_err(|error| {
                let hint = "key=text sends text as it is; quote JSON for the shell: 'key:={\"a\": 1}'";
                item.value_mistake(format!("this is no JSON: {error}")).hint(hint)
            }),
            _ => match &self.schema {
                Some(schema) => schema.convert(&body.steps(keys), &text).map_err(|why| item.value_mistake(why)),
                None => Ok(string(&text)),
            },
        }
    }

    fn json(&mut self, mut call: Call, words: &Words, base: Option<Vec<u8>>, files: bool) -> Result<Applied> {
        let place = self.place;
        let (method, no_defaults) = (self.method.clone(), self.options.place.no_defaults);
        let mut body = Builder::new(self.settings.expand, move |names| {
            let defaults = Some(place.defaults(method.as_str()).ok()?).filter(|_| !no_defaults)?;
            let list = names.iter().try_fold(&defaults, |at, name| at.get(name)).filter(|list| list.is_array())?;
            serde_json::value::to_raw_value(list).ok()
        });
        if let Some(bytes) = base {
            match serde_json::from_slice::<Box<RawValue>>(&bytes) {
                Ok(base) => body.base(base),
                Err(_) if !patches(words) => {
                    return Ok((call.body(bytes, &content_type(words)), Vec::new(), Vec::new()));
                }
                Err(error) => return Err(Mistake::usage(format!("the base of the body is no JSON: {error}"))),
            }
        }
        let mut dropped = Vec::new();
        for item in &words.items {
            match &item.what {
                What::File { .. } => call = self.file(call, item)?,
                _ => dropped.extend(self.member(&mut body, item)?),
            }
        }
        if body.is_empty() && self.options.json && !files && !matches!(*self.method, Method::GET | Method::HEAD) {
            return Ok((call.json(serde_json::Map::new()), vec![Source::Base], dropped));
        }
        let (call, sources) = told(call, body.finish());
        Ok((call, sources, dropped))
    }

    /// Puts one item into the body; gives the names that it dropped.
    fn member(&mut self, body: &mut Builder<'_>, item: &Item) -> Result<Option<(Vec<String>, usize)>> {
        let source = Source::Item(item.number);
        match &item.what {
            What::Body { keys, value, .. } => {
                let value = self.raw(item, value, body)?;
                body.set(keys, value, source).map_err(|why| item.key_mistake(why))?;
                Ok(None)
            }
            What::Unset { keys } => {
                let names = body.unset(keys, source).map_err(|why| item.key_mistake(why))?;
                Ok(Some((names, item.number)))
            }
            _ => Ok(None),
        }
    }
}

/// Whether an item changes the body's base.
fn patches(words: &Words) -> bool {
    words.items.iter().any(|item| item.is_body() && !matches!(item.what, What::Base { .. }))
}

/// Tells the call what the body's items came to.
fn told(call: Call, body: Body) -> (Call, Vec<Source>) {
    let changes = match body {
        Body::Whole(whole) => return (call.data(whole), Vec::new()),
        Body::Changes(changes) => changes,
    };
    let sources = changes.iter().map(|(_, source)| *source).collect();
    let call = changes.into_iter().fold(call, |call, (change, _)| match change {
        Change::Set(names, value) => call.set_at(names, value),
        Change::Unset(names) => call.unset_at(names),
    });
    (call, sources)
}

/// The content type that a header item gives a body of bytes.
fn content_type(words: &Words) -> String {
    let given = words.items.iter().rev().find_map(|item| match &item.what {
        What::Header { name, value: Value::Text(text) } if name.eq_ignore_ascii_case("content-type") => Some(text),
        _ => None,
    });
    given.cloned().unwrap_or_else(|| "application/octet-stream".into())
}
