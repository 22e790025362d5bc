//! Tables of M10–M16, and the laws of the merge.

use serde_json::{Value, json};

use super::*;

/// Compiles `value` as if each key stood on a line of its own.
fn defaults(value: &Value) -> Defaults {
    fn seed(value: &Value, line: &mut u32) -> Seed {
        *line += 1;
        let here = *line;
        match value {
            Value::Object(members) => Seed::Object {
                entries: members.iter().map(|(key, value)| (key.clone(), seed(value, line))).collect(),
                line: here,
            },
            leaf => Seed::Leaf { json: leaf.to_string(), line: here },
        }
    }
    Defaults::new("defaults.yaml".into(), seed(value, &mut 0))
}

fn set(name: &str, value: Value) -> Argument {
    Argument::Set { name: name.into(), json: value.to_string() }
}

fn body(defaults: Option<&Defaults>, arguments: &[Argument]) -> Result<String, String> {
    merge(defaults, arguments, Expand::Underscore).map(|merged| String::from_utf8(merged.to_vec()).unwrap())
}

fn note() -> Defaults {
    defaults(&json!({"object": {"objectType": "note"}}))
}

#[test]
fn m11_arguments_merge_deeply_over_defaults() {
    let note = note();
    for (arguments, expected) in [
        (vec![set("generator", json!("Twitter"))], r#"{"object":{"objectType":"note"},"generator":"Twitter"}"#),
        (
            vec![set("generator", json!("Twitter")), set("object_content", json!("Hello world"))],
            r#"{"object":{"objectType":"note","content":"Hello world"},"generator":"Twitter"}"#,
        ),
        (vec![set("object.content", json!("x"))], r#"{"object":{"objectType":"note","content":"x"}}"#),
        (vec![set("object_objectType", json!("image"))], r#"{"object":{"objectType":"image"}}"#),
        (vec![set("object", json!("plain"))], r#"{"object":"plain"}"#),
        (vec![set("contexts", json!([{"url": "u"}]))], r#"{"object":{"objectType":"note"},"contexts":[{"url":"u"}]}"#),
        (
            vec![Argument::Json(r#"{"object":{"content":"a","tags":["x"]}}"#.into()), set("object_tags", json!([]))],
            r#"{"object":{"objectType":"note","content":"a","tags":[]}}"#,
        ),
        (vec![], r#"{"object":{"objectType":"note"}}"#),
    ] {
        assert_eq!(body(Some(&note), &arguments).unwrap(), expected);
    }
    assert_eq!(body(None, &[set("displayName", json!("User Name"))]).unwrap(), r#"{"displayName":"User Name"}"#);
}

#[test]
fn m12_two_arguments_that_exclude_each_other_are_named() {
    for arguments in [
        vec![set("a", json!(1)), set("a_b", json!(2))],
        vec![set("a_b", json!(2)), set("a", json!(1))],
        vec![Argument::Json(r#"{"a":1,"a_b":2}"#.into())],
        vec![set("a", json!(null)), set("a_b", json!(2))],
    ] {
        let error = body(None, &arguments).unwrap_err();
        assert!(error.contains("\"a\"") && error.contains("\"a_b\""), "{error}");
    }
    for (arguments, expected) in [
        (vec![set("a", json!({"x": 1})), set("a_b", json!(2))], r#"{"a":{"x":1,"b":2}}"#),
        (vec![set("a_b", json!(2)), set("a", json!({"x": 1}))], r#"{"a":{"b":2,"x":1}}"#),
        (vec![set("a_b", json!(1)), set("a_b", json!(2))], r#"{"a":{"b":2}}"#),
        (vec![set("a", json!(1)), set("a", json!({"b": 2}))], r#"{"a":{"b":2}}"#),
    ] {
        assert_eq!(body(None, &arguments).unwrap(), expected);
    }
    // A default is no argument: it gives way.
    assert_eq!(body(Some(&defaults(&json!({"a": 1}))), &[set("a_b", json!(2))]).unwrap(), r#"{"a":{"b":2}}"#);
}

#[test]
fn m12_keys_inside_a_value_are_never_expanded() {
    let arguments = [Argument::Json(r#"{"x_y":{"p_q":1}}"#.into())];
    assert_eq!(body(None, &arguments).unwrap(), r#"{"x":{"y":{"p_q":1}}}"#);
}

#[test]
fn m14_null_is_sent_and_unset_removes() {
    let note = note();
    let unset = |name: &str| Argument::Unset(name.into());
    for (arguments, expected) in [
        (vec![set("object_objectType", json!(null))], r#"{"object":{"objectType":null}}"#),
        (vec![unset("object.objectType")], r#"{"object":{}}"#),
        (vec![unset("object")], "{}"),
        (vec![unset("object_objectType")], r#"{"object":{"objectType":"note"}}"#),
        (vec![unset("nothing.here")], r#"{"object":{"objectType":"note"}}"#),
        (vec![unset("object"), set("object_content", json!("x"))], r#"{"object":{"content":"x"}}"#),
        (vec![Argument::Json(r#"{"a":{"b":1,"c":2}}"#.into()), unset("a.b"), unset("object")], r#"{"a":{"c":2}}"#),
    ] {
        assert_eq!(body(Some(&note), &arguments).unwrap(), expected);
    }
    assert!(merge(Some(&note), &[unset("object")], Expand::Dots).unwrap().is_empty());
}

#[test]
fn a_default_that_gives_way_to_an_object_is_told() {
    let defaults = defaults(&json!({"a": 1, "object": {"x": 1}}));
    for (arguments, told) in [
        (vec![set("a_b", json!(2))], "/a"),
        (vec![Argument::Unset("object".into()), set("object_y", json!(2))], "/object"),
    ] {
        let entries = merge(Some(&defaults), &arguments, Expand::Underscore).unwrap().entries();
        let dropped: Vec<_> = entries.iter().filter(|entry| entry.change == Change::Dropped).collect();
        assert_eq!(dropped.iter().map(|entry| entry.pointer.as_str()).collect::<Vec<_>>(), [told], "{entries:?}");
    }
}

#[test]
fn m12_a_name_with_an_escape_expands_like_any_other() {
    for (arguments, expected) in [
        (vec![set("a\"b_c", json!(1))], r#"{"a\"b":{"c":1}}"#),
        (vec![Argument::Json(r#"{"a\"b_c":1}"#.into())], r#"{"a\"b":{"c":1}}"#),
        (vec![Argument::Json(r#"{"a\u005fb":1}"#.into())], r#"{"a":{"b":1}}"#),
        (vec![Argument::Json(r#"{"\u0061":1}"#.into()), set("a", json!(2))], r#"{"a":2}"#),
    ] {
        assert_eq!(body(None, &arguments).unwrap(), expected);
    }
}

#[test]
fn only_an_object_is_merged() {
    for text in ["[1]", "1", "null", "\"a\""] {
        let error = body(None, &[Argument::Json(text.into())]).unwrap_err();
        assert!(error.contains(".data("), "{error}");
    }
}

#[test]
fn names_and_values_pass_through_exactly() {
    let arguments = [
        Argument::Json(r#"{"a\"b":1,"n":340282366920938463463374607431768211455,"d":1.10}"#.into()),
        set("q\"x", json!("é\n")),
    ];
    assert_eq!(
        merge(None, &arguments, Expand::Off).map(|merged| String::from_utf8(merged.to_vec()).unwrap()).unwrap(),
        "{\"a\\\"b\":1,\"n\":340282366920938463463374607431768211455,\"d\":1.10,\"q\\\"x\":\"é\\n\"}"
    );
    let raw = [Argument::Json(r#"{ "object" : { "object\u0054ype" : 1 } }"#.into())];
    assert_eq!(body(Some(&note()), &raw).unwrap(), r#"{"object":{"objectType":1}}"#);
}

#[test]
fn a_name_nests_at_most_so_deep() {
    let name = vec!["a"; 65].join(".");
    assert!(body(None, &[set(&name, json!(1))]).unwrap_err().contains("deeper than 64"));
}

#[test]
fn every_key_tells_where_it_came_from() {
    let defaults = defaults(&json!({"keep": 1, "object": {"objectType": "note", "old": true}}));
    let arguments = [
        set("object_objectType", json!("image")),
        Argument::Json(r#"{"new":{"x":1,"y":[2]}}"#.into()),
        Argument::Unset("object.old".into()),
    ];
    let entries = merge(Some(&defaults), &arguments, Expand::Underscore).unwrap().entries();
    let lines: Vec<_> = entries
        .iter()
        .map(|entry| {
            let was = entry.was.as_ref().map(|(text, origin)| format!("{text} {origin}"));
            format!("{:?} {} {:?} {} {was:?}", entry.change, entry.pointer, entry.value, entry.origin)
        })
        .collect();
    assert_eq!(
        lines,
        [
            r#"Kept /keep Some("1") defaults.yaml:2 None"#,
            r#"Replaced /object/objectType Some("\"image\"") argument 1 Some("\"note\" defaults.yaml:4")"#,
            r#"Dropped /object/old None defaults.yaml:5 Some("true defaults.yaml:5")"#,
            r#"Added /new/x Some("1") argument 2 None"#,
            r#"Added /new/y Some("[2]") argument 2 None"#,
        ]
    );
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(10_000))]

    /// The text merge equals the plain recursive merge of values.
    #[test]
    fn the_merge_equals_a_merge_of_values(base in object(), over in object()) {
        fn plain(base: &mut Value, over: &Value) {
            match (base, over) {
                (Value::Object(base), Value::Object(over)) => {
                    for (key, value) in over {
                        plain(base.entry(key.clone()).or_insert(Value::Null), value);
                    }
                }
                (base, over) => *base = over.clone(),
            }
        }
        let mut expected = base.clone();
        plain(&mut expected, &over);
        let defaults = defaults(&base);
        let arguments = [Argument::Json(over.to_string())];
        let merged = merge(Some(&defaults), &arguments, Expand::Off).unwrap();
        let found: Value = serde_json::from_slice(&merged.to_vec()).unwrap();
        proptest::prop_assert_eq!(&found, &expected);
        // Merging the same again changes nothing, and the entries rebuild the body's leaves.
        let twice = [arguments[0].clone(), arguments[0].clone()];
        let again: Value = serde_json::from_slice(&merge(Some(&defaults), &twice, Expand::Off).unwrap().to_vec()).unwrap();
        proptest::prop_assert_eq!(&again, &expected);
        for entry in merged.entries() {
            if let Some(value) = entry.value {
                let value: Value = serde_json::from_str(&value).unwrap();
                proptest::prop_assert_eq!(found.pointer(&entry.pointer), Some(&value));
            }
        }
    }
}

/// Any object, with few names so that two of them often meet.
fn object() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~é\"\\\\]{0,6}".prop_map(Value::from),
    ];
    let key = "[ab\"\\\\/~._]{0,2}";
    let value = leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map(key, value, 0..4).prop_map(|map| Value::Object(map.into_iter().collect()))
}

#[test]
fn a_body_is_written_into_a_buffer_of_its_size() {
    let note = note();
    for arguments in [vec![], vec![set("object_content", json!("x")), set("a", json!({})), set("b.c", json!([1]))]] {
        for defaults in [None, Some(&note)] {
            let body = merge(defaults, &arguments, Expand::Underscore).unwrap().to_vec();
            assert_eq!(body.len(), body.capacity());
        }
    }
}

#[test]
fn wide_objects_are_indexed_until_they_are_replaced() {
    let object = |value: usize| Value::Object((0..10_000).map(|n| (format!("k{n}"), json!(value + n))).collect());
    let (first, second) = (object(0), object(1));
    let json = |value: &Value| Argument::Json(value.to_string());
    let twice = [json(&first), json(&second)];
    let merged = merge(None, &twice, Expand::Dots).unwrap();
    assert!(merged.wide.contains_key(&ROOT));
    assert_eq!(serde_json::from_slice::<Value>(&merged.to_vec()).unwrap(), second);

    let nested =
        [json(&json!({"a": first})), json(&json!({"a": second})), set("a", json!(1)), set("a", json!({"k5": 2}))];
    for (length, expected) in [(2, json!({"a": second})), (3, json!({"a": 1})), (4, json!({"a": {"k5": 2}}))] {
        let body = body(None, &nested[..length]).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
    }
    let again =
        [json(&json!({"a": first})), json(&json!({"a": second})), Argument::Unset("a".into()), set("a.k5", json!(2))];
    assert_eq!(body(None, &again).unwrap(), r#"{"a":{"k5":2}}"#);
}

#[test]
fn a_default_body_is_compiled_to_its_text() {
    let body = json!({"a": {"b": 1, "c": [2]}, "d\"": "e", "f": {}});
    assert_eq!(defaults(&body).text(), body.to_string());
    assert_eq!(defaults(&json!({})).text(), "{}");
}

#[test]
fn the_deepest_name_is_set() {
    let name = vec!["a"; 64].join(".");
    let expected = (0..64).fold(json!(1), |inner, _| json!({"a": inner}));
    let found: Value = serde_json::from_str(&body(None, &[set(&name, json!(1))]).unwrap()).unwrap();
    assert_eq!(found, expected);
}

#[test]
fn objects_are_indexed_when_they_have_more_than_a_few_keys() {
    for (count, indexed) in [(FEW + 1, false), (FEW + 2, true)] {
        let object: Value = (0..count).map(|n| (format!("k{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
        let arguments = [Argument::Json(object.to_string())];
        assert_eq!(merge(None, &arguments, Expand::Off).unwrap().wide.contains_key(&ROOT), indexed, "{count}");
    }
}

#[test]
fn a_name_that_leads_through_an_object_owns_it() {
    let object = defaults(&json!({"a": {"x": 1}}));
    let (way, value) = (|name: &str| set(name, json!(2)), set("a", json!(1)));
    for (base, arguments, first) in [
        (Some(&object), vec![way("a_b"), value.clone()], "a_b"),
        (None, vec![set("a", json!({"x": 1})), way("a_b"), value.clone()], "a_b"),
        (None, vec![way("a_b"), way("a_c"), value.clone()], "a_b"),
    ] {
        let error = body(base, &arguments).unwrap_err();
        assert!(error.contains(&format!("{first:?} and \"a\" exclude")), "{error}");
    }
    assert_eq!(body(Some(&object), &[value]).unwrap(), r#"{"a":1}"#);
}

#[test]
fn what_replaces_a_value_of_another_kind_is_told_so() {
    let entries = |base: Value, over: Value| {
        let (defaults, arguments) = (defaults(&base), [set("a", over)]);
        let merged = merge(Some(&defaults), &arguments, Expand::Underscore).unwrap();
        let entries = merged.entries();
        assert_eq!(entries.len(), 1, "{entries:?}");
        let [entry] = <[Entry; 1]>::try_from(entries).unwrap();
        (entry.change, entry.pointer, entry.value.unwrap(), entry.was.map(|(text, origin)| format!("{text} {origin}")))
    };
    let replaced = |value: &str, was: &str| (Change::Replaced, "/a".to_owned(), value.to_owned(), Some(was.to_owned()));
    assert_eq!(entries(json!({"a": 1}), json!({"b": 2})), replaced(r#"{"b":2}"#, "1 defaults.yaml:2"));
    assert_eq!(entries(json!({"a": {"b": 2}}), json!(1)), replaced("1", r#"{"b":2} defaults.yaml:2"#));
    assert_eq!(entries(json!({"a": [1]}), json!([])), replaced("[]", "[1] defaults.yaml:2"));
}

#[test]
fn two_objects_under_one_name_are_merged() {
    let arguments = [set("a", json!({"x": 1, "y": {"p": 1}})), set("a", json!({"b": 2, "y": {"q": 2}}))];
    assert_eq!(body(None, &arguments).unwrap(), r#"{"a":{"x":1,"y":{"p":1,"q":2},"b":2}}"#);
    for (arguments, empty) in [(&arguments[..], false), (&[], true), (&[Argument::Json("{}".into())], true)] {
        assert_eq!(merge(None, arguments, Expand::Dots).unwrap().is_empty(), empty);
    }
}

#[test]
fn names_given_one_by_one_are_literal() {
    let at = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let arguments = [
        Argument::SetAt { names: at(&["a.b", "c_d"]), json: "1".into() },
        Argument::SetAt { names: at(&["a.b", "\"e"]), json: "2".into() },
        Argument::SetAt { names: at(&["x"]), json: "3".into() },
        Argument::UnsetAt(at(&["a.b", "c_d"])),
    ];
    let merged = merge(None, &arguments, Expand::Underscore).map(|merged| merged.to_vec());
    assert_eq!(String::from_utf8(merged.unwrap()).unwrap(), r#"{"a.b":{"\"e":2},"x":3}"#);
}
