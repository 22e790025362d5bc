//! What is no catalog, and how the message says so.

use super::*;
use crate::catalog::keys::{DEFAULTS, RESOURCES};

fn said(resources: &str) -> String {
    Catalog::from_yaml(resources, "").unwrap_err().to_string()
}

/// Each file under `refused` says in its first lines what is expected of the loader and of the schema.
#[test]
fn i06_i07_i13_i16_i18_each_bad_file_is_refused_with_place_and_reason() {
    let resources = jsonschema::validator_for(&Catalog::resources_schema()).unwrap();
    let defaults = jsonschema::validator_for(&Catalog::defaults_schema()).unwrap();
    let valid = fixture("valid.resources.yaml");
    let mut count = 0;
    for file in fs::read_dir(fixtures().join("refused")).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let stated = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).unwrap().trim().to_owned();
        let of_defaults = path.to_string_lossy().ends_with(".defaults.yaml");
        let loaded = if of_defaults { Catalog::from_yaml(&valid, &text) } else { Catalog::from_yaml(&text, "") };
        assert_eq!(loaded.unwrap_err().to_string(), stated("# expect:"), "{}", path.display());
        if !path.to_string_lossy().contains("duplicate_key") && !path.to_string_lossy().contains("infinity") {
            let schema = if of_defaults { &defaults } else { &resources };
            let accepted = schema.is_valid(&meaning(&text));
            assert_eq!(if accepted { "accepts" } else { "refuses" }, stated("# schema:"), "{}", path.display());
        }
        count += 1;
    }
    assert!(count > 70, "{count}");
}

#[test]
fn the_committed_schemas_are_those_of_the_table() {
    for (name, schema) in [("resources", Catalog::resources_schema()), ("defaults", Catalog::defaults_schema())] {
        let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "schema", &format!("{name}.schema.json")].iter().collect();
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("RESTWALK_WRITE_SCHEMA").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "{} is stale: run this test with RESTWALK_WRITE_SCHEMA=1", path.display());
    }
}

#[test]
fn the_shipped_files_fit_their_schemas() {
    let resources = jsonschema::validator_for(&Catalog::resources_schema()).unwrap();
    let defaults = jsonschema::validator_for(&Catalog::defaults_schema()).unwrap();
    for (schema, text) in [
        (&resources, include_str!("../../../resources.yaml")),
        (&resources, &*fixture("valid.resources.yaml")),
        (&defaults, include_str!("../../../defaults.yaml")),
        (&defaults, &*fixture("valid.defaults.yaml")),
    ] {
        if let Err(error) = schema.validate(&meaning(text)) {
            panic!("{}: {error}", error.instance_path());
        }
    }
}

#[test]
fn every_key_has_a_sentence() {
    fn walk(shape: &keys::Shape, count: &mut usize) {
        match shape {
            keys::Shape::Record(keys) | keys::Shape::Some(keys) => keys.iter().for_each(|key| {
                assert!(key.doc.ends_with('.') && key.doc.len() > 5, "{}", key.name);
                *count += 1;
                walk(key.shape, count);
            }),
            keys::Shape::List(shape) | keys::Shape::Named(_, shape) => walk(shape, count),
            keys::Shape::Either(shapes) => shapes.iter().for_each(|shape| walk(shape, count)),
            _ => {}
        }
    }
    let mut count = 0;
    walk(&RESOURCES, &mut count);
    walk(&DEFAULTS, &mut count);
    assert!(count > 100, "{count}");
}

#[test]
fn i01_aliases_are_refused_at_once() {
    let bomb: String = (1..9).fold("a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n".to_owned(), |text, n| {
        format!("{text}a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(","))
    });
    let (nine, five) = (said(&bomb), said(&bomb.lines().take(5).collect::<Vec<_>>().join("\n")));
    for message in [nine, five, said("a: &a [*a]\n"), said("a: *nobody\n"), said("a: &a x\n"), said("&a a: x\n")] {
        assert!(message.starts_with("resources.yaml:1:"), "{message}");
        assert!(message.ends_with("anchors and aliases (`&name`, `*name`) are not read; write the value out"));
    }
}

#[test]
fn i02_nesting_is_bounded_also_on_a_small_stack() {
    let block = |deep: usize| (0..deep).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>();
    let flow = |deep: usize| format!("{}x{}", "{a: ".repeat(deep), "}".repeat(deep));
    assert!(said(&block(32)).contains("unknown key"));
    assert!(said(&flow(32)).contains("unknown key"));
    let small = std::thread::Builder::new().stack_size(512 << 10);
    let refused = small.spawn(move || {
        let deep = [
            block(33),
            flow(33),
            "[".repeat(20_000),
            format!("a: {}", "[".repeat(20_000)),
            format!("a: {}", " [\n".repeat(20_000)),
            "{a: ".repeat(20_000),
            "- ".repeat(20_000),
            block(2_000),
        ];
        deep.map(|text| said(&text))
    });
    for message in refused.unwrap().join().unwrap() {
        assert!(message.starts_with("resources.yaml:"), "{message}");
        assert!(message.ends_with("maps and lists stand more than 32 deep in each other"), "{message}");
    }
    assert!(said(&"? ".repeat(20_000)).contains("a key must be text"));
}

#[test]
fn i03_long_files_are_refused() {
    let long = format!("{}\nresources: {{}}\n", "#".repeat(4 << 20));
    assert_eq!(said(&long), "resources.yaml: the file has 4194319 bytes; at most 4194304 are read");
    let marks = format!("resources: [{}]", "[],".repeat(300_000));
    assert_eq!(said(&marks), "resources.yaml: the file has more than 524288 commas and opening brackets");
    let folder = tempfile::tempdir().unwrap();
    let (resources, defaults) = (folder.path().join("r.yaml"), folder.path().join("d.yaml"));
    fs::write(&resources, &long).unwrap();
    fs::write(&defaults, "").unwrap();
    let message = Catalog::from_files(&resources, &defaults).unwrap_err().to_string();
    assert!(message.contains("r.yaml: the file has") && message.ends_with("at most 4194304 are read"), "{message}");
}

#[test]
fn i03_files_of_just_the_greatest_length_are_read() {
    let file = "resources: {a: {route: /a}}\n#";
    for filler in [",".repeat((1 << 19) - 2), "#".repeat((4 << 20) - file.len())] {
        assert_eq!(Catalog::from_yaml(&format!("{file}{filler}"), "").unwrap().routes().count(), 1);
    }
    assert!(said(&format!("{file}{}", ",".repeat((1 << 19) - 1))).contains("more than 524288 commas"));
}

#[test]
fn a_limit_is_a_whole_number_of_calls_in_a_known_time() {
    let load = |limit: &str| {
        let text = format!("resources: {{a: {{route: /a, methods: {{GET: {{limit: {limit}}}}}}}}}");
        Catalog::from_yaml(&text, "").map_err(|error| error.to_string())
    };
    for (text, count, seconds) in [("1/s", 1, 1), ("20/min", 20, 60), ("999999999/h", 999_999_999, 3600)] {
        let catalog = load(text).unwrap();
        let limit = catalog.routes().next().unwrap().policy(&Method::GET).unwrap().limits[0];
        assert_eq!((limit.count, limit.per.as_secs(), &*limit.to_string()), (count, seconds, text));
    }
    for bad in ["0/s", "01/s", "+1/s", "1000000000/s", "1/d", "10", "/s", "a/s", "1/"] {
        let message = load(bad).unwrap_err();
        assert!(message.contains("expected a limit such as 10/s, 60/min or 1000/h: found"), "{message}");
    }
    for (neither, found) in [("", "nothing"), ("{a: b}", "a map")] {
        let message = load(neither).unwrap_err();
        assert!(message.contains(" or a list") && message.ends_with(&format!("found {found}")), "{message}");
    }
}

#[test]
fn a_base_url_is_plain_http() {
    let load = |url: &str| Catalog::from_yaml(&format!("base_url: '{url}'\nresources: {{a: {{route: /a}}}}"), "");
    for good in ["http://h", "https://h.example:8443/api/v1/", "HTTP://[::1]"] {
        assert_eq!(load(good).unwrap().base_url(), Some(good));
    }
    for bad in [
        "ftp://h",
        "file:///h",
        "data:h",
        "h.example",
        "/h",
        "http:",
        "http://",
        "http://u@h",
        "http://h?q",
        "http://h#f",
        "http://h/a b",
        "http:\\\\h",
        " http://h",
    ] {
        let message = load(bad).unwrap_err().to_string();
        assert!(message.contains("an http or https URL without credentials, query and fragment"), "{message}");
    }
}

#[test]
fn i04_duplicate_keys_are_refused_with_both_positions() {
    for (text, expected) in [
        ("a: 1\nb: 2\na: 3\n", "3:1: a: the key \"a\" stands twice; the first is at resources.yaml:1:1"),
        ("a: {b: 1, \"b\": 2}\n", "1:11: a.b: the key \"b\" stands twice; the first is at resources.yaml:1:5"),
        ("- {b: 1, 'b': 2}\n", "1:10: 0.b: the key \"b\" stands twice; the first is at resources.yaml:1:4"),
    ] {
        assert_eq!(said(text), format!("resources.yaml:{expected}"));
    }
    let wide: String = (0..100).map(|n| format!("k{n}: 1\n")).collect();
    let message = said(&format!("{wide}k77: 2\n"));
    assert_eq!(message, "resources.yaml:101:1: k77: the key \"k77\" stands twice; the first is at resources.yaml:78:1");
}

#[test]
fn i08_tags_are_refused() {
    for text in
        ["a: !!python/object/apply:os.system [x]\n", "a: !Foo x\n", "a: !include x\n", "a: !!str x\n", "a: ! x\n"]
    {
        let message = said(text);
        assert_eq!(message, "resources.yaml:1:4: a: tags (`!name`) are not read; a catalog is plain data", "{text}");
    }
}

#[test]
fn i09_only_one_document_of_plain_utf8_is_read() {
    let empty = "resources.yaml:1:1: the file is empty; expected a map with the key \"resources\"";
    for (text, expected) in [
        ("", empty),
        ("# only\n# comments\n", empty),
        ("---\n...\n", empty),
        ("\u{feff}", empty),
        ("resources: {}\n---\na: b\n", "resources.yaml:2:1: a second document begins here; a file holds one"),
        (
            "resources:\n\ta: {route: /a}\n",
            "resources.yaml:2:2: not YAML: tabs disallowed within this context (block indentation)",
        ),
        (
            "a: b\nc: d\0\n",
            "resources.yaml:2:5: the character U+0000 is not text; write it escaped; if the file is UTF-16, save it as UTF-8",
        ),
        ("a: é\u{1b}\n", "resources.yaml:1:5: the character U+001B is not text; write it escaped"),
        ("a: [b\n", "resources.yaml:2:1: not YAML: while parsing a flow sequence, expected ',' or ']'"),
        (": x\n", "resources.yaml:1:1: a key is missing"),
        ("{}: x\n", "resources.yaml:1:1: a key must be text, not a map or a list"),
    ] {
        assert_eq!(said(text), expected);
    }
    for text in [
        "\u{feff}resources: {a: {route: /a}}",
        "resources:\r\n  a:\r\n    route: /a\r\n",
        "--- \nresources: {a: {route: /a}}\n...\n",
    ] {
        assert_eq!(Catalog::from_yaml(text, "\u{feff}# nothing\r\n").unwrap().routes().count(), 1, "{text:?}");
    }
    assert!(said("\u{feff}resources: {a: b}").starts_with("resources.yaml:1:16: resources.a:"));
    assert!(said("resources:\r\n  a:\r\n    rout: /a\r\n").starts_with("resources.yaml:3:5: resources.a.rout:"));
}

#[test]
fn i09_files_that_are_no_utf8_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let load = |resources: &[u8]| {
        fs::write(path("resources.yaml"), resources).unwrap();
        fs::write(path("defaults.yaml"), "").unwrap();
        Catalog::from_files(path("resources.yaml"), path("defaults.yaml"))
    };
    let utf16: Vec<u8> = "\u{feff}resources: {}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(
        load(&utf16).unwrap_err().to_string().ends_with("resources.yaml:1:1: the file is UTF-16; save it as UTF-8")
    );
    let error = load(b"a: b\nc: \xffd\n").unwrap_err();
    assert!(error.to_string().ends_with("resources.yaml:2:4: not UTF-8 text"), "{error}");
    assert_eq!(load(b"resources: {a: {route: /a}}").unwrap().routes().count(), 1);
    let error = Catalog::from_files(path("absent.yaml"), path("defaults.yaml")).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Catalog, "catalogue"));
    assert!(error.to_string().ends_with("absent.yaml: cannot be read"));
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn i10_merge_keys_are_refused() {
    for text in ["<<: {a: b}\n", "resources:\n  a:\n    <<: {route: /a}\n"] {
        assert!(said(text).ends_with("<<: the merge key `<<` is not read; write the keys out"), "{text}");
    }
}

#[test]
fn i13_no_secret_of_a_refused_file_is_printed() {
    for name in ["header_secret", "header_token", "query_secret"] {
        let message = said(&fixture(&format!("refused/{name}.resources.yaml")));
        assert!(message.contains("secrets do not belong in a catalog") && !message.contains("CNRY"), "{message}");
    }
    for (name, secret) in [
        ("authorization", true),
        ("X-API-Key", true),
        ("access_token", true),
        ("X-Oauth-Token", true),
        ("client_secret", true),
        ("Accept", false),
        ("sort_key", false),
    ] {
        assert_eq!(crate::header::is_secret(name), secret, "{name}");
    }
}

#[test]
fn i18_settings_of_the_client_are_named_as_such() {
    for key in ["insecure", "proxy", "token_url", "Auth", "ca_certificate"] {
        for text in [format!("{key}: x\nresources: {{}}\n"), format!("resources: {{a: {{route: /a, {key}: x}}}}\n")] {
            assert!(said(&text).contains("belongs to the client, never to a catalog"), "{text}");
        }
    }
    // A route may name credentials that the client has, and nothing else of them.
    assert!(said("auth: x\nresources: {}\n").contains("belongs to the client"));
    assert!(said("resources: {a: {route: /a, auth: {bearer: x}}}\n").contains("expected a name"));
}

#[test]
fn i16_two_of_one_route_or_operation_are_refused_with_both_places() {
    for (resources, places) in [
        ("resources:\n  a: {route: /x}\n  b: {route: /x}\n", ["resources.yaml:3:", "resources.yaml:2:"]),
        ("resources:\n  a: {route: '/x/{a}'}\n  b: {route: '/x/{b}/y'}\n", ["resources.yaml:3:", "resources.yaml:2:"]),
        (
            "resources:\n  a: {route: /a, methods: {GET: {operation: o}}}\n  b: {route: /b, methods: {GET: {operation: o}}}\n",
            ["resources.yaml:3:", "resources.yaml:2:"],
        ),
    ] {
        let message = Catalog::from_yaml(resources, "").unwrap_err().to_string();
        assert!(places.iter().all(|place| message.contains(place)), "{message}");
    }
}
