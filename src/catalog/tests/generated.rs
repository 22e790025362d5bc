//! Generated catalogs and documents.

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner},
};
use serde_json::json;

use super::*;

/// Runs `test` on generated values, the same ones each time.
pub(in crate::catalog) fn each<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value) -> TestCaseResult) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    if let Err(error) = runner.run(&strategy, test) {
        panic!("{error}");
    }
}

/// Texts that YAML readers get wrong.
fn tricky() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "no",
        "on",
        "010",
        "1_000",
        "1.10",
        "12:30",
        "1e3",
        "~",
        "null",
        "true",
        "",
        " x ",
        "- a",
        "a: b",
        "#c",
        "é\u{1f600}",
        "a\nb\n",
        "'",
        "\"",
        "{a}",
        "[b",
        "*c",
        "&d",
        "!e",
        "%f",
        "@g",
        "`h`",
        "0x1F",
        "+1",
        "?",
        "=",
        "|",
        ">",
        ".inf",
        "18446744073709551616",
        "\u{feff}x",
        "\t",
        "y",
        "0o7",
        "-",
        "---",
        "...",
    ];
    prop_oneof![prop::sample::select(WORDS).prop_map(str::to_owned), "[a-z]{1,6}", "[ -~é日\u{1f600}]{0,8}"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has finite numbers", |number| number.is_finite()).prop_map(Value::from),
        tricky().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((tricky(), inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn body() -> impl Strategy<Value = Value> {
    prop::collection::vec((tricky(), value()), 0..4).prop_map(|entries| Value::Object(entries.into_iter().collect()))
}

fn text() -> impl Strategy<Value = String> {
    tricky().prop_filter("a text says something", |text| !text.trim().is_empty())
}

fn choice(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::sample::select(words).prop_map(Value::from)
}

/// A map with some of these keys.
fn some(keys: Vec<(&'static str, BoxedStrategy<Value>)>) -> impl Strategy<Value = Value> {
    let entries: Vec<_> = keys
        .into_iter()
        .map(|(key, value)| prop::option::weighted(0.3, value.prop_map(move |value| (key, value))))
        .collect();
    entries.prop_map(|entries| entries.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// A word, or a map whose keys go together.
fn paginate() -> impl Strategy<Value = Value> {
    let pointer = || prop::sample::select(&["/id", "/a~1b/0", "/ü/x", "/"][..]).prop_map(Value::from).boxed();
    let map = |by: &'static [&'static str], keys: Vec<(&'static str, BoxedStrategy<Value>)>| {
        (choice(by), pointer(), some(keys)).prop_map(|(by, at, mut map)| {
            if by != "page" && by != "offset" && by != "link" {
                map["at"] = at;
            }
            map["by"] = by;
            map
        })
    };
    let counted = || {
        vec![
            ("items", pointer()),
            ("query", choice(&["q", "page[number]", "no", "010"]).boxed()),
            ("size", (1..1000).prop_map(Value::from).boxed()),
        ]
    };
    let paged = [counted(), vec![("first", (0..3).prop_map(Value::from).boxed())]].concat();
    prop_oneof![
        choice(&["link", "page", "offset", "before", "after"]),
        map(&["link", "next"], vec![("items", pointer())]),
        map(&["cursor"], vec![("query", text().prop_map(Value::from).boxed())]),
        map(&["page"], paged),
        map(&["offset", "before", "after"], counted()),
        map(&["offset"], counted()).prop_map(|mut map| {
            map["size"] = json!(10);
            map["limit"] = json!("per page");
            map
        }),
    ]
}

fn policy(number: usize, method: &'static str) -> impl Strategy<Value = Value> {
    let texts = prop::collection::vec((text(), text()), 1..3);
    let mut keys = vec![
        ("operation", Just(json!([format!("op{number}{method}"), format!("{method}.{number}")])).boxed()),
        (
            "query",
            texts
                .prop_map(|entries| entries.into_iter().collect::<std::collections::BTreeMap<_, _>>())
                .prop_map(|map| json!(map))
                .boxed(),
        ),
        ("headers", "[!-~]( ?[!-~]){0,8}".prop_map(|value| json!({"x-note": value})).boxed()),
        ("query_style", choice(&["repeat", "comma", "brackets", "deep_object"]).boxed()),
        ("actor", choice(&["none"]).boxed()),
        ("auth", choice(&["none", "admin"]).boxed()),
        ("idempotent", any::<bool>().prop_map(Value::from).boxed()),
        ("timeout", (1..100_000_u32).prop_map(|millis| json!(f64::from(millis) / 1000.0)).boxed()),
        ("retry", prop_oneof![(1..=5).prop_map(Value::from), Just(json!("off"))].boxed()),
        ("limit", choice(&["10/s", "60/min", "1000/h"]).boxed()),
        ("paginate", paginate().boxed()),
        ("danger", choice(&["confirm"]).boxed()),
        ("schema", choice(&["a.json", "b/c.json"]).boxed()),
        ("deprecated", any::<bool>().prop_map(Value::from).boxed()),
    ];
    if method == "GET" {
        let map = (prop::option::of(1..1000), any::<bool>()).prop_map(|(ttl, shared)| match ttl {
            Some(ttl) => json!({"ttl": ttl, "shared": shared}),
            None => json!({"shared": shared}),
        });
        keys.push(("cache", prop_oneof![(1..1000).prop_map(Value::from), Just(json!("off")), map].boxed()));
    }
    if method == "POST" {
        keys.push(("cache", choice(&["off"]).boxed()));
        keys.push(("affects", Just(json!(["/r0/{id}"])).boxed()));
        keys.push(("idempotency_key", any::<bool>().prop_map(Value::from).boxed()));
        keys.push(("body", body().boxed()));
    }
    some(keys).prop_map(move |mut policy| {
        if policy.get("operation").is_none() {
            policy.as_object_mut().unwrap().remove("body");
        }
        policy
    })
}

/// The texts of a catalog of up to four resources.
pub(in crate::catalog) fn catalog() -> impl Strategy<Value = (Value, Value)> {
    let settings = some(vec![
        ("api", choice(&["a", "no", "010"]).boxed()),
        ("base_url", choice(&["http://localhost:8080", "https://h.example/a/b/"]).boxed()),
        ("expand", choice(&["off", "dots", "underscore"]).boxed()),
        ("json_part", text().prop_map(Value::from).boxed()),
        ("count_header", choice(&["X-Count", "x-n"]).boxed()),
        ("empty_body", choice(&["object", "none"]).boxed()),
        ("error_message", text().prop_map(Value::from).boxed()),
        ("query_style", choice(&["repeat", "comma"]).boxed()),
    ]);
    let variable = some(vec![
        ("aliases", text().prop_map(|alias| json!({alias: "actor"})).boxed()),
        ("adapt", choice(&["sha1"]).boxed()),
        ("slash", choice(&["refuse", "encode", "split"]).boxed()),
        ("percent", choice(&["refuse", "encode"]).boxed()),
        ("blank", choice(&["refuse", "encode"]).boxed()),
        ("fallback", choice(&["actor"]).boxed()),
        ("param", choice(&["url"]).boxed()),
    ]);
    let resource = |number: usize| {
        let about = some(vec![
            ("title", text().prop_map(Value::from).boxed()),
            ("category", text().prop_map(Value::from).boxed()),
            ("upload", any::<bool>().prop_map(Value::from).boxed()),
            ("deprecated", any::<bool>().prop_map(Value::from).boxed()),
            ("actor", choice(&["none"]).boxed()),
            ("auth", choice(&["none", "admin", "off"]).boxed()),
        ]);
        let methods = prop::option::of((policy(number, "GET"), policy(number, "POST")));
        (about, methods, prop::option::of(body())).prop_map(|(about, methods, body)| (about, methods, body))
    };
    let resources = (1..5_usize).prop_flat_map(move |count| (0..count).map(resource).collect::<Vec<_>>());
    (settings, variable, resources).prop_map(|(mut file, variable, resources)| {
        let (mut routes, mut defaults) = (serde_json::Map::new(), serde_json::Map::new());
        for (number, (mut resource, methods, body)) in resources.into_iter().enumerate() {
            let route = format!("/r{number}/{{id}}");
            resource["route"] = json!(route);
            if let Some((get, post)) = methods {
                resource["methods"] = json!({"GET": get, "POST": post});
            }
            routes.insert(format!("r{number}"), resource);
            defaults.extend(body.map(|body| (route, json!({"POST": body}))));
        }
        file["variables"] = json!({"id": variable});
        file["resources"] = Value::Object(routes);
        (file, Value::Object(defaults))
    })
}

pub(in crate::catalog) fn assert_same(left: &Catalog, right: &Catalog) {
    let (left, right) = (&left.0, &right.0);
    assert_eq!((&left.api, &left.base_url, &left.settings), (&right.api, &right.base_url, &right.settings));
    assert_eq!(left.variables, right.variables);
    assert_eq!(left.routes, right.routes);
    assert_eq!(left.operations, right.operations);
}

#[test]
fn i19_a_written_catalog_loads_as_the_same() {
    let resources_schema = jsonschema::validator_for(&Catalog::resources_schema()).unwrap();
    each(1_000, catalog(), |(resources, defaults)| {
        assert!(resources_schema.is_valid(&resources), "{resources}");
        let first = Catalog::from_yaml(&resources.to_string(), &defaults.to_string())
            .unwrap_or_else(|error| panic!("{error}\n{resources}\n{defaults}"));
        let (resources, defaults) = first.to_yaml().unwrap();
        let second = Catalog::from_yaml(&resources, &defaults)
            .unwrap_or_else(|error| panic!("{error}\n{resources}\n{defaults}"));
        assert_same(&first, &second);
        Ok(())
    });
    for shipped in [Catalog::embedded(), full()] {
        let (resources, defaults) = shipped.to_yaml().unwrap();
        assert_same(&shipped, &Catalog::from_yaml(&resources, &defaults).unwrap());
    }
}

#[test]
fn i19_what_the_writer_cannot_write_is_an_error() {
    let digits = "9".repeat(40);
    let catalog = Catalog::from_yaml("resources: {a: {route: /a}}", &format!("/a: {{POST: {{n: {digits}}}}}")).unwrap();
    assert_eq!(catalog.routes().next().unwrap().presets[0].1.json(), format!(r#"{{"n":{digits}}}"#));
    let error = catalog.to_yaml().unwrap_err();
    assert!(error.to_string().contains("more than 128 bits"), "{error}");
    let catalog = Catalog::from_yaml("resources: {a: {route: /a, title: \"x\\u2028y\"}}", "").unwrap();
    assert_eq!(catalog.routes().next().unwrap().title(), Some("x\u{2028}y"));
    let error = catalog.to_yaml().unwrap_err();
    assert!(error.to_string().contains("line break beyond CR and LF"), "{error}");
}

#[test]
fn i05_scalars_mean_what_they_mean_to_the_yaml_crate() {
    let table = "no yes on off NO y 010 -010 +010 00 0 -0 +0 1_000 1.10 1. .5 . -.5 +.5 12:30 1e3 1E3 1e-3 1e400 -1e400 1e .e3 \
        ~ null Null NULL nULL true True TRUE tRUE false False 1 -1 +1 ++1 +-1 --1 18446744073709551615 \
        -9223372036854775808 0x1F 0X1F -0x1F +0x1F 0x 0x+1 0xG 0o17 -0o17 0o8 0b101 0b2 -0b1 1.0 -0.0 1.5e3 inf nan \
        Infinity .infx 2024-01-01 1,000 0.1 00.1 0_1 _1 1_ 1a e1 0e0 0e1 -0e1 123456789.123456789";
    for text in table.split_whitespace() {
        let theirs: Value = serde_yaml::from_str(text).unwrap();
        assert_eq!(meaning(text), theirs, "{text}");
        let theirs: Value = serde_yaml::from_str(&format!("k: {text}")).unwrap();
        assert_eq!(meaning(&format!("k: {text}")), theirs, "{text}");
    }
    for text in [".inf", "-.INF", "+.Inf", ".nan", ".NaN"] {
        let document = Document::parse("t", text).unwrap();
        let refused = preset::write_json(document.root().unwrap(), &mut String::new(), &mut Vec::new());
        assert!(refused.unwrap_err().to_string().contains("JSON has no infinity"), "{text}");
    }
    for (text, json) in [
        ("18446744073709551616", "18446744073709551616"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("+123456789012345678901234567890", "123456789012345678901234567890"),
        ("0xFFFFFFFFFFFFFFFFFFFF", "1208925819614629174706175"),
    ] {
        assert_eq!(scalar::Scalar::of(text), scalar::Scalar::Number(json.to_owned()));
    }
}

#[test]
fn documents_mean_what_they_mean_to_the_yaml_crate() {
    each(500, value(), |value| {
        for yaml in [value.to_string(), serde_yaml::to_string(&value).unwrap()] {
            let theirs: Value = serde_yaml::from_str(&yaml).unwrap();
            let ours = Document::parse("t", &yaml);
            assert!(ours.is_ok(), "{} in {yaml}", ours.err().unwrap());
            assert_eq!(meaning(&yaml), theirs, "{yaml}");
        }
        Ok(())
    });
}

/// A small catalog with most keys, to be damaged.
const SAMPLE: &str = "api: x\nvariables:\n  id: {adapt: sha1, aliases: {':me': actor}}\nresources:\n  a:\n    route: /a/{id}\n    \
    methods:\n      GET: {operation: getA, limit: [10/s, 60/min], retry: off, query: {a: [1, 'b']}}\n      POST:\n        \
    timeout: 2.5\n        headers: {X-A: \"b\"}\n  b: {route: /b, methods: [GET, PUT]} # end\n";

#[test]
fn i20_damaged_files_never_panic_and_never_hang() {
    const PIECES: &[&str] = &[
        ":", "- ", "\n", "  ", "\t", "{", "}", "[", "]", ",", "'", "\"", "#", "&a", "*a", "!t", "|", ">", "? ", "%",
        "---\n", "...\n", "<<", "\u{feff}", "\0", "é", "{id}", "/", "~", "1e9", "0x", "\r", "\\", "{a}{b}", "\u{85}",
        "\u{2028}", "|2\n", "\"\\x4\"",
    ];
    let piece = prop_oneof![
        prop::sample::select(PIECES).prop_map(str::to_owned),
        "\\PC{1,4}",
        prop::sample::select(SAMPLE.split('\n').collect::<Vec<_>>()).prop_map(|line| format!("{line}\n")),
    ];
    let edit = (any::<prop::sample::Index>(), 0..12_usize, piece);
    let damaged = prop::collection::vec(edit, 1..6).prop_map(|edits| {
        edits.into_iter().fold(SAMPLE.to_owned(), |text, (at, removed, piece)| {
            let chars: Vec<char> = text.chars().collect();
            let at = at.index(chars.len() + 1);
            let rest = chars.iter().skip(at + removed);
            chars[..at].iter().copied().chain(piece.chars()).chain(rest.copied()).collect()
        })
    });
    let soup = prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat());
    each(10_000, prop_oneof![4 => damaged, 1 => soup, 1 => "\\PC{0,64}"], |text| {
        let begun = std::time::Instant::now();
        for (resources, defaults) in [(&*text, ""), (SAMPLE, &*text)] {
            if let Err(error) = Catalog::from_yaml(resources, defaults) {
                assert_eq!(error.kind(), ErrorKind::Catalog);
                assert!(error.to_string().contains(".yaml:"), "{error}");
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(1), "{text:?}");
        Ok(())
    });
}
