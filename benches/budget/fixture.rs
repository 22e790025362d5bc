//! What is asked of every side: a catalog of any size, a six-segment path, a body, a token.

use std::fmt::Write;

use restwalk::{Catalog, Value, json};

pub const TOKEN: &str = "eyJhbGciOiJub25lIn0.bench.0123456789abcdef0123456789abcdef";

/// The items of the path; one needs escaping.
pub const ITEMS: [&str; 3] = ["acme", "user.name", "2026 report"];

/// The same path as it is sent.
pub const PATH: &str = "/group1/acme/kind2/user.name/leaves/2026%20report";

/// The two files of a catalog of `routes` resources, ten to a group, each with a default body.
pub fn files(routes: usize) -> (String, String) {
    let mut resources = String::from("api: bench\nexpand: dots\nresources:\n");
    let mut defaults = String::new();
    for n in 0..routes {
        let route = format!("/group{}/{{group}}/kind{}/{{kind}}/leaves/{{leaf}}", n / 10, n % 10);
        let operations = format!("{{ GET: {{ operation: get{n} }}, POST: {{ operation: add{n} }} }}");
        writeln!(resources, "  leaf{n}:\n    route: {route}\n    title: Leaf {n}\n    methods: {operations}").unwrap();
        let body = "{ object: { objectType: note, lang: en }, verb: post, visible: true }";
        writeln!(defaults, "{route}:\n  POST: {body}").unwrap();
    }
    (resources, defaults)
}

pub fn catalog(routes: usize) -> Catalog {
    let (resources, defaults) = files(routes);
    Catalog::from_yaml(&resources, &defaults).unwrap()
}

/// The default body as a value, for who merges by hand.
pub fn defaults() -> Value {
    json!({"object": {"objectType": "note", "lang": "en"}, "verb": "post", "visible": true})
}

/// A caller's body of 1 KiB: texts, two numbers, and an object that meets one of the defaults.
pub fn body() -> Value {
    let text = |n: usize| format!("field {n} holds a text of some forty-five letters");
    let mut body: Value =
        (0..14).map(|n| (format!("field{n}"), text(n).into())).collect::<serde_json::Map<_, _>>().into();
    body["object"] = json!({"content": text(14), "displayName": "A \"quoted\" name", "replies": 12});
    body["published"] = json!(1_795_000_000_000_u64);
    body["visible"] = json!(false);
    body
}

/// Merges `over` into `under` as a caller would by hand.
pub fn merge(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                merge(under.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

pub fn merged(over: &Value) -> Value {
    let mut merged = defaults();
    merge(&mut merged, over);
    merged
}
