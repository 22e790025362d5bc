//! What the text of `key=value` is sent as: a string, or what the route's JSON Schema says of the key.

use serde_json::{Value, value::RawValue};

use crate::item::Step;

/// The JSON Schema of a body.
#[derive(Debug)]
pub(crate) struct Schema(pub(crate) Value);

/// The most references that are followed to one key.
const MOST_REFERENCES: usize = 32;

impl Schema {
    /// What `text` is at `steps`; the error says what is allowed there.
    pub(crate) fn convert(&self, steps: &[Step], text: &str) -> Result<Box<RawValue>, String> {
        let Some(rule) = self.at(steps) else { return Ok(string(text)) };
        let types = types(rule);
        let converted = types.iter().find_map(|kind| exactly(kind, text));
        let allowed = rule.get("enum").and_then(Value::as_array);
        let shown = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
        match (converted, allowed) {
            (Some(value), Some(allowed)) if !allowed.iter().any(|one| is(one, &value)) => {
                Err(format!("{text:?} is not one of {}", shown(allowed)))
            }
            (None, Some(allowed)) if types.is_empty() => {
                let named = |one: &&Value| one.as_str().map_or_else(|| one.to_string(), str::to_owned) == text;
                let one = allowed.iter().find(named);
                let one = one.ok_or_else(|| format!("{text:?} is not one of {}", shown(allowed)))?;
                serde_json::value::to_raw_value(one).map_err(|error| error.to_string())
            }
            (Some(value), _) => Ok(value),
            (None, _) if types.is_empty() => Ok(string(text)),
            (None, _) => Err(format!("{text:?} is no {}; := gives any JSON", types.join(" or "))),
        }
    }

    /// The rule for what stands at `steps`.
    pub(crate) fn at(&self, steps: &[Step]) -> Option<&Value> {
        let mut left = MOST_REFERENCES;
        let mut at = self.resolve(&self.0, &mut left)?;
        for step in steps {
            let next = match step {
                Step::Name { text, .. } => at.get("properties")?.get(text)?,
                Step::Index(_) | Step::Append => at.get("items")?,
            };
            at = self.resolve(next, &mut left)?;
        }
        Some(at)
    }

    /// Follows `$ref` within the document.
    fn resolve<'a>(&'a self, mut rule: &'a Value, left: &mut usize) -> Option<&'a Value> {
        while let Some(reference) = rule.get("$ref") {
            *left = left.checked_sub(1)?;
            rule = self.0.pointer(reference.as_str()?.strip_prefix('#')?)?;
        }
        Some(rule)
    }
}

/// The types that a rule allows, a string last: what is exactly another type is that type.
fn types(rule: &Value) -> Vec<&str> {
    let mut types: Vec<&str> = match rule.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    types.sort_by_key(|kind| *kind == "string");
    types
}

/// `text` as JSON of the type `kind`, if it is exactly that.
fn exactly(kind: &str, text: &str) -> Option<Box<RawValue>> {
    let number = |allowed: fn(&str) -> bool| {
        let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
        (plain && allowed(text)).then(|| serde_json::from_str(text).ok()).flatten()
    };
    match kind {
        "string" => Some(string(text)),
        "boolean" if matches!(text, "true" | "false") => serde_json::from_str(text).ok(),
        "null" if text == "null" => serde_json::from_str(text).ok(),
        "integer" => number(|text| !text.contains(['.', 'e', 'E'])),
        "number" => number(|_| true),
        _ => None,
    }
}

fn is(one: &Value, value: &RawValue) -> bool {
    serde_json::from_str::<Value>(value.get()).is_ok_and(|value| value == *one)
}

/// `text` as a JSON string.
pub(crate) fn string(text: &str) -> Box<RawValue> {
    let json = Value::from(text).to_string();
    RawValue::from_string(json).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn convert(keys: &str, text: &str) -> Result<String, String> {
        let schema = Schema(json!({
            "properties": {
                "amount": { "type": "string" },
                "count": { "type": "integer" },
                "ratio": { "type": "number" },
                "on": { "type": "boolean" },
                "either": { "type": ["string", "integer", "null"] },
                "kind": { "type": "string", "enum": ["note", "event"] },
                "size": { "enum": [1, 2, "large"] },
                "any": {},
                "owner": { "$ref": "#/$defs/person" },
                "tags": { "type": "array", "items": { "type": "integer" } },
                "loop": { "$ref": "#/properties/loop" }
            },
            "$defs": { "person": { "properties": { "age": { "type": "integer" } } } }
        }));
        let steps: Vec<_> = keys
            .split('.')
            .map(|name| match name {
                "[]" => Step::Append,
                name => Step::Name { text: name.into(), literal: false },
            })
            .collect();
        schema.convert(&steps, text).map(|raw| raw.get().to_owned())
    }

    #[test]
    fn a_text_is_what_the_schema_says_it_is() {
        for (key, text, expected) in [
            ("amount", "100000000000", r#""100000000000""#),
            ("count", "3", "3"),
            ("count", "-12345678901234567890123", "-12345678901234567890123"),
            ("ratio", "1.50", "1.50"),
            ("ratio", "1e3", "1e3"),
            ("on", "true", "true"),
            ("either", "7", "7"),
            ("either", "x", r#""x""#),
            ("either", "null", "null"),
            ("kind", "note", r#""note""#),
            ("size", "2", "2"),
            ("size", "large", r#""large""#),
            ("any", "1", r#""1""#),
            ("unknown", "1", r#""1""#),
            ("owner.age", "5", "5"),
            ("tags.[]", "5", "5"),
            ("loop", "5", r#""5""#),
        ] {
            assert_eq!(convert(key, text).as_deref(), Ok(expected), "{key}={text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_what_does() {
        for (key, text, expected) in [
            ("count", "3.0", r#""3.0" is no integer; := gives any JSON"#),
            ("count", "", r#""" is no integer; := gives any JSON"#),
            ("count", " 3", r#"" 3" is no integer; := gives any JSON"#),
            ("count", "007", r#""007" is no integer; := gives any JSON"#),
            ("ratio", "NaN", r#""NaN" is no number; := gives any JSON"#),
            ("on", "yes", r#""yes" is no boolean; := gives any JSON"#),
            ("kind", "nope", r#""nope" is not one of "note", "event""#),
            ("size", "3", r#""3" is not one of 1, 2, "large""#),
            ("tags", "3", r#""3" is no array; := gives any JSON"#),
        ] {
            assert_eq!(convert(key, text), Err(expected.into()), "{key}={text}");
        }
    }
}
