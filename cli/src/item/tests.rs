//! Tables of the item grammar, and the law that a written item parses to itself.

use proptest::prelude::*;

use super::*;

fn what(text: &str) -> What {
    Item::parse(1, text).unwrap_or_else(|mistake| panic!("{text}: {}", mistake.message)).what
}

fn name(text: &str) -> Step {
    Step::Name { text: text.into(), literal: false }
}

fn literal(text: &str) -> Step {
    Step::Name { text: text.into(), literal: true }
}

#[test]
fn the_leftmost_separator_wins_and_the_longest_first() {
    let text = |text: &str| Value::Text(text.into());
    for (item, key, expected) in [
        ("a=b", "a", text("b")),
        ("a=b=c", "a", text("b=c")),
        ("a=b:=c", "a", text("b:=c")),
        ("a=", "a", text("")),
        ("a= b ", "a", text(" b ")),
        ("a=x@y", "a", text("x@y")),
        ("a:=[1,2]", "a", Value::Json("[1,2]".into())),
        (r#"a:={"b":"c=d"}"#, "a", Value::Json(r#"{"b":"c=d"}"#.into())),
        ("a=@f.txt", "a", Value::TextFile("f.txt".into())),
        ("a:=@f.json", "a", Value::JsonFile("f.json".into())),
        (r"a\=b=c", "a=b", text("c")),
        (r"a\:b=c", "a:b", text("c")),
        (r"a\@b=c", "a@b", text("c")),
        (r"a\\=c", r"a\", text("c")),
        (r"path=c:\windows\", "path", text(r"c:\windows\")),
        ("a[b=c]=d", "a[b=c]", text("d")),
        ("a[b:c]=d", "a[b:c]", text("d")),
        ("é=ü", "é", text("ü")),
    ] {
        match what(item) {
            What::Body { name, value, .. } => assert_eq!((&*name, &value), (key, &expected), "{item}"),
            other => panic!("{item}: {other:?}"),
        }
    }
}

#[test]
fn query_headers_files_and_bases() {
    let text = |text: &str| Value::Text(text.into());
    let file = |field: &str, path: &str, mime: Option<&str>, name: Option<&str>| What::File {
        field: field.into(),
        path: path.into(),
        content_type: mime.map(Into::into),
        file_name: name.map(Into::into),
    };
    for (item, expected) in [
        ("a==b", What::Query { name: "a".into(), value: text("b") }),
        ("a==b=c", What::Query { name: "a".into(), value: text("b=c") }),
        ("a==", What::Query { name: "a".into(), value: text("") }),
        ("a==@f", What::Query { name: "a".into(), value: Value::TextFile("f".into()) }),
        ("filter[a]==b", What::Query { name: "filter[a]".into(), value: text("b") }),
        ("a.b==c", What::Query { name: "a.b".into(), value: text("c") }),
        ("a==!", What::UnsetQuery { name: "a".into() }),
        ("X-A:b", What::Header { name: "X-A".into(), value: text("b") }),
        ("X-A: b ", What::Header { name: "X-A".into(), value: text("b") }),
        ("X-A:b:c", What::Header { name: "X-A".into(), value: text("b:c") }),
        ("X-A:", What::UnsetHeader { name: "X-A".into() }),
        ("X-A;", What::Header { name: "X-A".into(), value: text("") }),
        ("X-A:@f", What::Header { name: "X-A".into(), value: Value::TextFile("f".into()) }),
        ("f@a.png", file("f", "a.png", None, None)),
        ("f@~/a b.png", file("f", "~/a b.png", None, None)),
        ("f@a;type=text/plain", file("f", "a", Some("text/plain"), None)),
        ("f@a;filename=b;type=x/y", file("f", "a", Some("x/y"), Some("b"))),
        (r"f@a\;type=b", file("f", "a;type=b", None, None)),
        ("f@a;b", file("f", "a;b", None, None)),
        ("@body.json", What::Base { path: "body.json".into() }),
        ("@-", What::Base { path: "-".into() }),
        ("a!", What::Unset { keys: Keys(vec![name("a")]) }),
        ("a.b!", What::Unset { keys: Keys(vec![name("a"), name("b")]) }),
    ] {
        assert_eq!(what(item), expected, "{item}");
    }
}

#[test]
fn keys_nest_by_dots_and_brackets() {
    for (key, expected) in [
        ("a", vec![name("a")]),
        ("a.b.c", vec![name("a"), name("b"), name("c")]),
        (r"a\.b", vec![literal("a.b")]),
        ("a[b][c]", vec![name("a"), literal("b"), literal("c")]),
        ("a[b.c]", vec![name("a"), literal("b.c")]),
        ("a[]", vec![name("a"), Step::Append]),
        ("a[0][10]", vec![name("a"), Step::Index(0), Step::Index(10)]),
        ("a[0].b", vec![name("a"), Step::Index(0), name("b")]),
        ("a.0", vec![name("a"), name("0")]),
        ("[]", vec![Step::Append]),
        ("[0][a]", vec![Step::Index(0), literal("a")]),
        (r"a\[b\]", vec![literal("a[b]")]),
        (r"a[\1]", vec![name("a"), literal("1")]),
        (r"a[\\1]", vec![name("a"), literal(r"\1")]),
        (r"a[\2012 x]", vec![name("a"), literal(r"\2012 x")]),
        ("a[-1]", vec![name("a"), literal("-1")]),
        ("_id", vec![name("_id")]),
    ] {
        match what(&format!("{key}=v")) {
            What::Body { keys, .. } => assert_eq!(keys.0, expected, "{key}"),
            other => panic!("{key}: {other:?}"),
        }
    }
}

#[test]
fn what_is_no_item_has_a_caret_and_a_way_out() {
    for (item, message, spot) in [
        ("x", r#""x" is no item"#, 0..1),
        ("!", r#""!" is no item"#, 0..1),
        ("a[b=c", "this bracket is not closed", 1..2),
        ("=x", "nothing stands before =", 0..0),
        (":x", "nothing stands before :", 0..0),
        ("==x", "nothing stands before ==", 0..0),
        ("a..b=c", "a name is missing here", 2..3),
        (".a=c", "a name is missing here", 0..1),
        ("a.=c", "a name is missing here", 1..2),
        ("a.b.!", "a name is missing here", 3..4),
        ("a.[0]=c", "a name is missing here", 2..3),
        ("a[b]c=d", "behind a bracket comes another one, or a dot", 4..5),
        (r"a[b]\[c]=d", "behind a bracket comes another one, or a dot", 4..6),
        ("é]=d", "no bracket is open here", 2..3),
        ("a[99999999999999999999]=d", "this index is too large", 2..3),
    ] {
        let mistake = Item::parse(1, item).unwrap_err();
        assert_eq!((&*mistake.message, mistake.exit), (message, 2), "{item}");
        assert_eq!(mistake.spot.unwrap(), (item.to_owned(), spot), "{item}");
    }
    assert!(Item::parse(1, &format!("{}=1", ["a"; 65].join("."))).is_err());
}

fn steps() -> impl Strategy<Value = Keys> {
    let text = || "[a-zéA_ =:@;.!-]{1,6}|[0-9]{1,3}|[\\[\\]\\\\.a]{1,5}";
    let step = prop_oneof![
        4 => "[a-zé_-]{1,6}".prop_map(|text| Step::Name { text, literal: false }),
        2 => text().prop_map(|text| Step::Name { text, literal: true }),
        1 => (0_usize..2000).prop_map(Step::Index),
        1 => Just(Step::Append),
    ];
    prop::collection::vec(step, 1..5).prop_map(Keys)
}

fn value() -> impl Strategy<Value = Value> {
    let text = || "[a-z0-9 é\\\\;\\[\\].!]{1,8}";
    prop_oneof![
        text().prop_map(Value::Text),
        text().prop_map(Value::Json),
        text().prop_map(Value::TextFile),
        text().prop_map(Value::JsonFile),
    ]
}

/// A value of a query or a header; `!` alone means to drop.
fn line() -> impl Strategy<Value = Value> {
    let text = || "[a-z0-9é;\\[\\].]{1,8}";
    prop_oneof![text().prop_map(Value::Text), text().prop_map(Value::TextFile)]
}

fn items() -> impl Strategy<Value = What> {
    let key = || "[a-z:=@;.\\\\é-]{1,6}";
    let file = (key(), "[a-z./ ;=]{1,8}", prop::option::of("[a-z/]{1,5}"), prop::option::of("[a-z. ]{1,5}"));
    prop_oneof![
        (steps(), value()).prop_map(|(keys, value)| What::Body { keys, name: String::new(), value }),
        steps().prop_map(|keys| What::Unset { keys }),
        (key(), line()).prop_map(|(name, value)| What::Query { name, value }),
        key().prop_map(|name| What::UnsetQuery { name }),
        (key(), line()).prop_map(|(name, value)| What::Header { name, value }),
        key().prop_map(|name| What::Header { name, value: Value::Text(String::new()) }),
        key().prop_map(|name| What::UnsetHeader { name }),
        "[a-z./-]{1,8}".prop_map(|path| What::Base { path }),
        file.prop_map(|(field, path, content_type, file_name)| What::File { field, path, content_type, file_name }),
    ]
}

proptest! {
    #[test]
    fn a_written_item_parses_to_itself(item in items()) {
        let written = item.to_string();
        let read = Item::parse(1, &written);
        let read = read.map_err(|mistake| TestCaseError::fail(format!("{written}: {}", mistake.message)))?;
        let read = match read.what {
            What::Body { keys, value, .. } => What::Body { keys, name: String::new(), value },
            what => what,
        };
        prop_assert_eq!(read, item, "{}", written);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}|[a=:@;.!\\[\\]\\\\é]{0,20}") {
        let whole = |spot: &Range<usize>| text.get(spot.clone()).is_some();
        match Item::parse(1, &text) {
            Ok(item) => prop_assert!(whole(&item.spans.0) && whole(&item.spans.1)),
            Err(mistake) => prop_assert!(mistake.spot.is_some_and(|(_, spot)| whole(&spot))),
        }
    }
}
