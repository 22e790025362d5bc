//! Bodies: bases and patches, standard input, forms, files, schemas.

use mockito::Matcher;
use restwalk_cli::Stream;

use crate::support::{Said, fed, max, restwalk};

/// The body of a request that is shown in the MAX catalog.
fn body(words: &str) -> String {
    shown(&restwalk(&max(&format!("--offline -p B --base-url http://h.example {words}"))))
}

fn shown(said: &Said) -> String {
    assert_eq!(said.exit, 0, "{}", said.err);
    said.out.trim_end_matches('\n').to_owned()
}

#[test]
fn defaults_then_base_then_items() {
    for (words, expected) in [
        ("post people/a/activities", r#"{"object":{"objectType":"note"}}"#),
        ("post people/a/activities --no-defaults", "{}"),
        ("post people/a/activities object.objectType!", r#"{"object":{}}"#),
        ("post people/a/activities object!", "{}"),
        ("post people/a/activities object.objectType:=null", r#"{"object":{"objectType":null}}"#),
        (
            r#"post people/a/activities --data {"object":{"content":"x"},"a_b":1} object.content=y"#,
            r#"{"object":{"objectType":"note","content":"y"},"a_b":1}"#,
        ),
        ("post people/a/activities a[]=1 a[]=2", r#"{"object":{"objectType":"note"},"a":["1","2"]}"#),
        ("post people/a/activities []:=1", "[1]"),
        (r"put people/a a\.b=1", r#"{"a.b":"1"}"#),
        ("put people/a a_b=1", r#"{"a":{"b":"1"}}"#),
        ("put people/a a[b_c]=1", r#"{"a":{"b_c":"1"}}"#),
        ("put people/a n:=1.10 m:=12345678901234567890123", r#"{"n":1.10,"m":12345678901234567890123}"#),
    ] {
        assert_eq!(body(words), expected, "{words}");
    }
}

#[test]
fn underscores_nest_where_it_is_said() {
    let open = |words: &str| {
        let words = format!("--offline -p B --base-url http://h.example {words}");
        shown(&restwalk(&words.split(' ').collect::<Vec<_>>()))
    };
    assert_eq!(open("post x a_b=1"), r#"{"a_b":"1"}"#);
    assert_eq!(open("-U post x a_b=1"), r#"{"a":{"b":"1"}}"#);
}

#[test]
fn standard_input_is_the_base() {
    for (items, stdin, stream, expected) in [
        ("post x @- b:=2", &b"{\"a\":1}"[..], Stream::Pipe, r#"{"a":1,"b":2}"#),
        ("x @- b:=2", b"{\"a\":1}", Stream::File, r#"{"a":1,"b":2}"#),
        ("post x", b"{\"a\":1}", Stream::Pipe, r#"{"a":1}"#),
        ("put x", b"[1, 2.50]", Stream::File, "[1, 2.50]"),
        ("post x", b"no json", Stream::Pipe, "no json"),
        ("post x", b"", Stream::Pipe, ""),
        ("post x a=1", b"unread", Stream::Pipe, r#"{"a":"1"}"#),
        ("post x", b"unread", Stream::Terminal, ""),
        ("post x", b"unread", Stream::Other, ""),
        ("x", b"unread", Stream::Pipe, ""),
    ] {
        let words = format!("--offline --base-url http://h.example {items}");
        let shown = shown(&fed(&words.split(' ').collect::<Vec<_>>(), stdin, stream));
        let body = shown.split_once("\n\n").map_or("", |(_, body)| body);
        assert_eq!(body, expected, "{items}: {shown}");
        let method = match items {
            "x" => "GET ",
            "put x" => "PUT ",
            _ => "POST ",
        };
        assert!(shown.starts_with(method), "{items}: {shown}");
    }
    let form = ["--offline", "-p", "B", "-f", "--base-url", "http://h.example", "post", "x"];
    assert_eq!(shown(&fed(&form, b"a=1&b=2", Stream::Pipe)), "a=1&b=2");
    let said = fed(&["--base-url", "http://h.example", "post", "x", "@-"], b"", Stream::Terminal);
    assert_eq!(said.exit, 2);
}

#[test]
fn forms_have_their_fields_as_they_were_named() {
    assert_eq!(body("-f post people a=1 b[c]=2 d.e=3"), "a=1&b%5Bc%5D=2&d.e=3");
    let said = restwalk(&max("-f post people a:=1 --base-url http://h.example"));
    assert!(said.exit == 2 && said.err.contains("a form has no JSON"), "{}", said.err);
}

#[test]
fn a_file_makes_the_request_multipart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cv.txt");
    std::fs::write(&file, "my life").unwrap();
    let file = file.to_str().unwrap();
    let mut server = mockito::Server::new();
    let base = server.url();
    let contents = |parts: &[&str]| Matcher::AllOf(parts.iter().map(|part| Matcher::Regex((*part).into())).collect());
    let named = server
        .mock("POST", "/people/ada/avatar")
        .match_body(contents(&[
            r#"name="json_data"\r\n\r\n\{"a":\{"b":"1"\}\}"#,
            r#"name="doc"; filename="x.md"\r\nContent-Type: text/markdown\r\n\r\nmy life"#,
        ]))
        .create();
    let item = format!("doc@{file};type=text/markdown;filename=x.md");
    let said = restwalk(&[&max("--base-url")[..], &[&base, "post", "people/ada/avatar", &item, "a.b=1"]].concat());
    assert_eq!(said.exit, 0, "{}", said.err);
    named.assert();
    let plain = server
        .mock("POST", "/uploads")
        .match_body(contents(&[r#"name="meta.lang"\r\n\r\nca"#, r#"filename="cv.txt""#]))
        .expect(2)
        .create();
    let item = format!("doc@{file}");
    assert_eq!(restwalk(&["--base-url", &base, "uploads", &item, "meta.lang=ca"]).exit, 0);
    assert_eq!(restwalk(&["-f", "--base-url", &base, "uploads", &item, "meta.lang=ca"]).exit, 0);
    plain.assert();
    let said = restwalk(&["--base-url", &base, "uploads", "doc@/no/such/file"]);
    assert!(said.exit == 2 && said.err.contains("^^^^"), "{}", said.err);
}

#[test]
fn a_schema_types_the_text_of_items() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "resources.yaml",
        "api: a\nresources:\n  orders:\n    route: /orders\n    methods:\n      POST: { schema: order.json }\n",
    );
    let properties = r#""count":{"type":"integer"},"kind":{"enum":["big","small"]},"amount":{"type":"string"}"#;
    write("order.json", &format!(r#"{{"properties":{{{properties}}}}}"#));
    let catalog = folder.path().join("resources.yaml");
    let run = |items: &str| {
        let words = format!("--offline -p B --catalog {} --base-url http://h.example {items}", catalog.display());
        restwalk(&words.split(' ').collect::<Vec<_>>())
    };
    let said = run("orders count=3 kind=big amount=100000000000 other=1");
    assert_eq!(shown(&said), r#"{"count":3,"kind":"big","amount":"100000000000","other":"1"}"#);
    assert_eq!(shown(&run("--no-schema orders count=3")), r#"{"count":"3"}"#);
    let said = run("orders count=three");
    assert_eq!(said.exit, 2);
    assert!(said.err.contains("count=three\n        ^^^^^"), "{}", said.err);
    assert!(run("orders kind=huge").err.contains(r#"is not one of "big", "small""#));
}
