//! What things are called, and how their members change.

use serde_json::{Map, Value};

use super::{
    Inner,
    problem::Problem,
    routes::{Known, Variables, decode},
};

impl Inner {
    /// The id that a body chooses for itself: its own variable, `id` or `url`, as the catalog would send it.
    pub(super) fn chosen(&self, items: &Known, scope: &Variables, value: &Value) -> Option<String> {
        let own = items.own_variable()?;
        let collection = items.path(scope, None);
        [own, "id", "url"].into_iter().find_map(|name| {
            let text = value.get(name).or_else(|| value.get("object")?.get(name))?;
            let text = text.as_str().map(str::to_owned).or_else(|| text.as_u64().map(|number| number.to_string()))?;
            let url = self.walker.path(collection.trim_start_matches('/')).item(text.as_str()).url().ok()?;
            decode(url.rsplit('/').next()?).ok()
        })
    }
}

/// An object with its `id`; nothing at all is an empty one.
pub(super) fn named(value: Value, id: &str) -> Result<Value, Problem> {
    let mut value = if value.is_null() { Value::Object(Map::new()) } else { value };
    if !value.is_object() {
        return Err(Problem::new(422, "NoObject", "a thing is a JSON object"));
    }
    if let Value::Object(members) = &mut value {
        members.insert("id".to_owned(), id.into());
    }
    Ok(value)
}

/// Adds a member that is not there.
pub(super) fn member(value: &mut Value, name: &str, text: String) {
    if let Value::Object(members) = value {
        members.entry(name).or_insert_with(|| text.into());
    }
}

/// The id of a member of an array that is put.
pub(super) fn id(value: &Value) -> Result<String, Problem> {
    let id = value.as_str().or_else(|| value.get("id")?.as_str()).filter(|id| !id.is_empty());
    let why = || Problem::new(422, "NoId", "each member is a text, or an object with a text as its id");
    id.map(str::to_owned).ok_or_else(why)
}

/// Merges `patch` into `value` (RFC 7396).
pub(super) fn merge(value: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *value = patch;
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(members) = value else { return };
    for (name, patch) in patch {
        if patch.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), patch);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_merges_as_rfc_7396_says() {
        for (value, patch, expected) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
            (json!({"a": 1}), json!(["c"]), json!(["c"])),
        ] {
            let mut merged = value.clone();
            merge(&mut merged, patch.clone());
            assert_eq!(merged, expected, "{value} {patch}");
        }
    }
}
