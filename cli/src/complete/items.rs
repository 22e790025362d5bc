//! Items: keys of the default body and of the schema, and the values that a schema allows.

use std::path::PathBuf;

use restwalk::{Catalog, http::Method};
use serde_json::Value;

use super::{Candidate, files, path};
use crate::{
    io::Io,
    item::{Keys, Step},
    typing::Schema,
};

/// How deep keys are listed.
const DEEPEST: usize = 8;

/// The most keys that are listed.
const MOST: usize = 1000;

/// What is known of the body of a call.
#[derive(Debug, Default)]
pub(super) struct Place {
    defaults: Value,
    schema: Option<Schema>,
}

impl Place {
    /// Looks up what a method of a path takes; `folder` is that of the catalog.
    pub(super) fn find(catalog: &Catalog, path: &str, method: Method, folder: Option<PathBuf>, io: &Io<'_>) -> Self {
        let Some(route) = path::route(catalog, path) else { return Self::default() };
        let defaults = route.default_body(&method).and_then(|text| serde_json::from_str(text).ok());
        let named = route.policy(&method).and_then(|policy| policy.schema());
        let schema = named.zip(folder).and_then(|(named, folder)| {
            Some(Schema(crate::input::schema(&io.path(&folder.join(named).to_string_lossy())).ok()?))
        });
        Self { defaults: defaults.unwrap_or_default(), schema }
    }
}

/// What an item that begins with `current` may be.
pub(super) fn candidates(place: &Place, current: &str, io: &Io<'_>) -> Vec<Candidate> {
    if let Some(named) = current.strip_prefix('@') {
        return files::candidates("@", named, io);
    }
    match separator(current) {
        Some((at, end)) if current[at..end].ends_with('@') => files::candidates(&current[..end], &current[end..], io),
        Some((at, end)) => values(place, &current[..at], &current[at..end], &current[end..]),
        None => keys(place, current),
    }
}

/// Where the separator of an item begins and ends.
fn separator(text: &str) -> Option<(usize, usize)> {
    let (mut open, mut escaped) = (false, false);
    for (at, char) in text.char_indices() {
        match char {
            _ if std::mem::take(&mut escaped) => {}
            '\\' => escaped = true,
            '[' => open = true,
            ']' => open = false,
            _ if open => {}
            '=' | ':' | '@' => {
                let known = [":=@", "==@", "=@", ":@", ":=", "==", "=", ":", "@"];
                let found = known.into_iter().find(|known| text[at..].starts_with(known));
                return found.map(|found| (at, at + found.len()));
            }
            _ => {}
        }
    }
    None
}

/// The values that a schema allows for `key`.
fn values(place: &Place, key: &str, separator: &str, current: &str) -> Vec<Candidate> {
    let Some(schema) = place.schema.as_ref().filter(|_| matches!(separator, "=" | ":=")) else { return Vec::new() };
    let steps = key.split('.').map(|name| Step::Name { text: name.to_owned(), literal: false });
    let Some(rule) = schema.at(&steps.collect::<Vec<_>>()) else { return Vec::new() };
    let allowed = rule.get("enum").and_then(Value::as_array).cloned().unwrap_or_else(|| {
        let is_flag = rule.get("type").is_some_and(|kind| kind == "boolean");
        if is_flag { vec![true.into(), false.into()] } else { Vec::new() }
    });
    let written = allowed.iter().map(|value| match value {
        Value::String(text) if separator == "=" => text.clone(),
        other => other.to_string(),
    });
    let help = about(rule);
    written
        .filter(|value| value.starts_with(current))
        .map(|value| Candidate::whole(format!("{key}{separator}{value}"), &*help))
        .collect()
}

/// The keys that begin with `current`.
fn keys(place: &Place, current: &str) -> Vec<Candidate> {
    let mut found = Vec::new();
    defaults(&place.defaults, &mut Vec::new(), &mut found);
    if let Some(schema) = &place.schema {
        let known = found.len();
        properties(schema, &mut Vec::new(), &mut found);
        let (first, rest) = found.split_at(known);
        let names: Vec<_> = first.iter().map(|(key, ..)| key.clone()).collect();
        let new: Vec<_> = rest.iter().filter(|(key, ..)| !names.contains(key)).cloned().collect();
        found.truncate(known);
        // A schema converts `key=value` by itself.
        found.iter_mut().filter(|(key, ..)| has_rule(schema, key)).for_each(|(_, separator, _)| *separator = "=");
        found.extend(new);
    }
    found.sort();
    let mut list = Vec::new();
    for (key, separator, help) in found.into_iter().filter(|(key, ..)| key.starts_with(current)).take(MOST) {
        list.push(Candidate::open(format!("{key}{separator}"), &*help));
        if key == current && help.starts_with("default ") {
            list.push(Candidate::whole(format!("{key}!"), "drop the default"));
        }
    }
    list
}

/// A key, what stands behind it, and what it is.
type Key = (String, &'static str, String);

fn written(names: &[String]) -> String {
    Keys(names.iter().map(|name| Step::Name { text: name.clone(), literal: false }).collect()).to_string()
}

fn has_rule(schema: &Schema, key: &str) -> bool {
    let steps = key.split('.').map(|name| Step::Name { text: name.to_owned(), literal: false });
    schema.at(&steps.collect::<Vec<_>>()).is_some_and(|rule| rule.get("type").is_some_and(Value::is_string))
}

fn defaults(at: &Value, names: &mut Vec<String>, found: &mut Vec<Key>) {
    match at {
        Value::Object(members) if names.len() < DEEPEST => {
            for (name, value) in members {
                names.push(name.clone());
                defaults(value, names, found);
                names.pop();
            }
        }
        _ if names.is_empty() => {}
        Value::String(text) => found.push((written(names), "=", format!("default {text:?}"))),
        value => found.push((written(names), ":=", format!("default {value}"))),
    }
}

fn properties(schema: &Schema, names: &mut Vec<String>, found: &mut Vec<Key>) {
    let steps: Vec<_> = names.iter().map(|name| Step::Name { text: name.clone(), literal: false }).collect();
    let Some(rule) = schema.at(&steps).filter(|_| names.len() < DEEPEST && found.len() < MOST) else { return };
    match rule.get("properties").and_then(Value::as_object) {
        Some(members) => {
            for name in members.keys() {
                names.push(name.clone());
                properties(schema, names, found);
                names.pop();
            }
        }
        None if names.is_empty() => {}
        None => {
            let nested = rule.get("type").is_some_and(|kind| kind == "array" || kind == "object");
            found.push((written(names), if nested { ":=" } else { "=" }, about(rule)));
        }
    }
}

/// What a schema says of a value, in a line.
fn about(rule: &Value) -> String {
    let text = |name| rule.get(name).and_then(Value::as_str);
    text("description").or_else(|| text("title")).or_else(|| text("type")).unwrap_or("value").to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn place() -> Place {
        let schema = json!({"properties": {
            "kind": {"type": "string", "enum": ["note", "event"], "description": "What it is"},
            "count": {"type": "integer"},
            "on": {"type": "boolean"},
            "tags": {"type": "array"},
            "object": {"properties": {"content": {"type": "string"}}},
            "loop": {"$ref": "#"},
        }});
        let defaults = json!({"object": {"objectType": "note", "a.b": 1}, "visible": true, "count": 2});
        Place { defaults, schema: Some(Schema(schema)) }
    }

    fn texts(current: &str) -> String {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let io = Io::buffers(&mut out, &mut err);
        let found = candidates(&place(), current, &io);
        found.into_iter().map(|one| one.text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn keys_come_from_defaults_and_schema() {
        for (current, expected) in [
            ("k", "kind="),
            ("c", "count="),
            ("vis", "visible:="),
            ("visible", "visible:= visible!"),
            ("object.", r"object.a\.b:= object.content= object.objectType="),
            ("tag", "tags:="),
            ("zzz", ""),
        ] {
            assert_eq!(texts(current), expected, "{current}");
        }
    }

    #[test]
    fn values_come_from_the_schema() {
        for (current, expected) in [
            ("kind=", "kind=note kind=event"),
            ("kind=e", "kind=event"),
            ("kind:=", r#"kind:="note" kind:="event""#),
            ("on=", "on=true on=false"),
            ("kind==", ""),
            ("count=", ""),
            ("X-Kind:", ""),
        ] {
            assert_eq!(texts(current), expected, "{current}");
        }
    }
}
