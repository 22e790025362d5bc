//! Patches: JSON Patch (RFC 6902), JSON Merge Patch (RFC 7396), and what changed between two documents.

use serde_json::Value;

use crate::error::Fault;

/// The content type of a JSON Patch.
pub(crate) const JSON_PATCH: &str = "application/json-patch+json";

/// The content type of a JSON Merge Patch.
pub(crate) const MERGE_PATCH: &str = "application/merge-patch+json";

/// The JSON Patch (RFC 6902) that turns `from` into `to`, as its JSON.
///
/// ```
/// use serde_json::json;
///
/// let changed = restwalk::diff(&json!({"a": 1, "b": 2}), &json!({"a": 1, "b": 3}));
/// assert_eq!(changed, json!([{"op": "replace", "path": "/b", "value": 3}]));
/// ```
pub fn diff(from: &Value, to: &Value) -> Value {
    serde_json::to_value(json_patch::diff(from, to)).unwrap_or_default()
}

/// Refuses text that is not a list of RFC 6902 operations; the message quotes none of its values.
pub(crate) fn check(json: &str) -> Result<(), Fault> {
    serde_json::from_str::<json_patch::Patch>(json).map(|_| ()).map_err(|error| {
        Fault::request(format!(
            "not a JSON Patch (RFC 6902) at column {}: it is a list of objects, each with an \"op\" (add, remove, \
             replace, move, copy or test), a \"path\" that begins with /, and the \"value\" or \"from\" of that op",
            error.column()
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_is_checked_before_it_is_sent() {
        assert!(check(r#"[{"op":"add","path":"/a","value":1},{"op":"test","path":"/b","value":null}]"#).is_ok());
        for bad in
            ["{}", r#"[{"op":"put","path":"/a"}]"#, r#"[{"op":"add","path":"a","value":1}]"#, r#"[{"op":"add"}]"#]
        {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        /// Applying what changed to the first document gives the second.
        #[test]
        fn a_difference_applied_is_the_second_document(a in 0..50_u8, b in 0..50_u8) {
            let document = |n: u8| json!({"n": n % 5, "list": vec![n; usize::from(n % 4)], "deep": {"k": n / 10}});
            let (mut from, to) = (document(a), document(b));
            let patch: json_patch::Patch = serde_json::from_value(diff(&from, &to)).unwrap();
            json_patch::patch(&mut from, &patch).unwrap();
            proptest::prop_assert_eq!(from, to);
        }
    }
}
