//! The JSON Schemas of the two files, from the table that checks them.

use serde_json::{Map, Value, json};

use crate::catalog::keys::{Key, LONGEST_WAIT, SHORTEST_WAIT, Shape};

/// The schema of a whole file.
pub(crate) fn file(title: &str, shape: &Shape) -> Value {
    let mut schema = of(shape);
    if let Value::Object(schema) = &mut schema {
        schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        schema.insert("title".to_owned(), json!(title));
    }
    schema
}

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Nothing => json!({"type": "null"}),
        Shape::Flag => json!({"type": "boolean"}),
        // A text is read as it is written, so a number that stands there is one too.
        Shape::Text(rule) => json!({"type": ["string", "number", "boolean"], "pattern": rule.pattern}),
        Shape::Word(words) => json!({"enum": words}),
        Shape::Seconds => json!({"type": "number", "minimum": SHORTEST_WAIT, "maximum": LONGEST_WAIT}),
        Shape::Whole(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Shape::List(shape) => json!({"type": "array", "minItems": 1, "uniqueItems": true, "items": of(shape)}),
        Shape::Named(rule, shape) => {
            json!({"type": "object", "propertyNames": {"pattern": rule.pattern}, "additionalProperties": of(shape)})
        }
        Shape::Record(keys) => Value::Object(record(keys)),
        Shape::Some(keys) => {
            let mut schema = record(keys);
            schema.insert("minProperties".to_owned(), json!(1));
            Value::Object(schema)
        }
        Shape::Either(shapes) => json!({"anyOf": shapes.iter().map(of).collect::<Vec<_>>()}),
        Shape::Body => json!({"type": "object"}),
        Shape::Query => json!({"type": ["string", "number", "boolean", "array", "object"]}),
    }
}

fn record(keys: &[Key]) -> Map<String, Value> {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| {
            let mut schema = of(key.shape);
            if let Value::Object(schema) = &mut schema {
                schema.insert("description".to_owned(), json!(key.doc));
            }
            (key.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("additionalProperties".to_owned(), json!(false));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}
