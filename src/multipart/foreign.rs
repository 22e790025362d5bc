//! What the parsers of real servers read from our forms: werkzeug (Flask), busboy (multer, Fastify) and formidable.
//!
//! `scripts/parsers` installs them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use serde::Deserialize;

use super::*;

const PARSERS: [&str; 3] = ["werkzeug", "busboy", "formidable"];

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    parts: Vec<Read>,
    error: Option<String>,
}

/// A part as a parser read it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Read {
    kind: String,
    #[serde(default)]
    name: Option<String>,
    filename: Option<String>,
    content_type: Option<String>,
    size: usize,
    sha1: String,
}

impl Read {
    fn new(kind: &str, name: &str, filename: Option<&str>, content_type: Option<&str>, content: &[u8]) -> Self {
        Self {
            kind: kind.into(),
            name: Some(name.into()),
            filename: filename.map(Into::into),
            content_type: content_type.map(Into::into),
            size: content.len(),
            sha1: sha1_smol::Sha1::from(content).hexdigest(),
        }
    }

    fn file(name: &str, filename: &str, content_type: &str, content: &[u8]) -> Self {
        Self::new("file", name, Some(filename), Some(content_type), content)
    }

    fn field(name: &str, content: &[u8]) -> Self {
        Self::new("field", name, None, None, content)
    }
}

/// The answers of one parser to `bodies`, each a content type and the bytes.
fn ask(parser: &str, bodies: &[(String, Bytes)]) -> Vec<Vec<Read>> {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = (0..bodies.len()).map(|n| folder.path().join(n.to_string())).collect();
    for (file, (content_type, body)) in files.iter().zip(bodies) {
        fs::write(file, [content_type.as_bytes(), b"\n", body].concat()).unwrap();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = root.join("target/parsers");
    let (program, script) = match parser {
        "werkzeug" => (home.join("venv/bin/python"), "werkzeug_parts.py".to_owned()),
        node => ("node".into(), format!("{node}_parts.cjs")),
    };
    let output = Command::new(program)
        .arg(root.join("tests/parsers").join(script))
        .args(&files)
        .env("NODE_PATH", home.join("node_modules"))
        .output()
        .unwrap_or_else(|error| panic!("{parser}: {error}; install the parsers with scripts/parsers"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{parser} failed; install the parsers with scripts/parsers\n{errors}");
    let answers: Vec<Answer> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), bodies.len(), "{parser}: {errors}");
    answers
        .into_iter()
        .map(|answer| {
            assert_eq!(answer.error, None, "{parser}");
            answer.parts
        })
        .collect()
}

async fn rendered(form: Form) -> (String, Bytes) {
    let (body, content_type) = form.render(&boundary([7; 16])).unwrap();
    (content_type, body.open().await.unwrap().collect().await.unwrap().to_bytes())
}

/// A form of our own, and what each parser is to read.
async fn check(cases: Vec<(Form, [Vec<Read>; 3])>) {
    let (mut bodies, mut expected) = (Vec::new(), Vec::new());
    for (form, reads) in cases {
        bodies.push(rendered(form).await);
        expected.push(reads);
    }
    for (n, parser) in PARSERS.into_iter().enumerate() {
        for (case, (read, expected)) in ask(parser, &bodies).into_iter().zip(&expected).enumerate() {
            assert_eq!(read, expected[n], "{parser}, case {case}: {:?}", bodies[case]);
        }
    }
}

/// The same for all three.
fn all(reads: Vec<Read>) -> [Vec<Read>; 3] {
    [reads.clone(), reads.clone(), reads]
}

/// A field and a file name as given, and as werkzeug, busboy and formidable read them.
type Named<'a> = (&'a str, &'a str, [(&'a str, &'a str); 3]);

#[tokio::test]
async fn b40_b41_names_as_three_servers_read_them() {
    let long = |end: &str| "n".repeat(255 - end.len()) + end;
    let (given, cut) = ("n".repeat(300) + ".txt", long(".txt"));
    let same = |name, filename| [(name, filename); 3];
    let table: [Named; 19] = [
        ("file", "a.txt", same("file", "a.txt")),
        (
            "na\"me\r\nX: y",
            "a.txt",
            [("na\"me%0D%0AX: y", "a.txt"), ("na%22me%0D%0AX: y", "a.txt"), ("na%22me%0D%0AX: y", "a.txt")],
        ),
        ("a%22b", "a.txt", [("a\"b", "a.txt"), ("a%22b", "a.txt"), ("a%22b", "a.txt")]),
        ("naïve €", "naïve €.txt", same("naïve €", "naïve €.txt")),
        ("up[]", "a=b;c.txt", same("up[]", "a=b;c.txt")),
        ("a; b=c", "'a''b'.txt", same("a; b=c", "'a''b'.txt")),
        // formidable looks for the file name in the field name too.
        (
            "a; filename=b; c",
            "a.txt",
            [("a; filename=b; c", "a.txt"), ("a; filename=b; c", "a.txt"), ("a; filename=b; c", "b")],
        ),
        ("file", "a\";name=\"b", [("file", "a\";name=\"b"), ("file", "a%22;name=%22b"), ("file", "a\";name=\"b")]),
        ("file", "\r\nEvil: 1", same("file", "%0D%0AEvil: 1")),
        ("file", "../../x", same("file", "x")),
        ("file", "C:\\x", same("file", "x")),
        ("file", "..", same("file", "file")),
        ("file", "", same("file", "file")),
        ("file", "é", same("file", "é")),
        ("file", "日本😀.png", same("file", "日本😀.png")),
        ("file", "UTF-8''x.txt", same("file", "UTF-8''x.txt")),
        ("file", " a b ", same("file", " a b ")),
        ("file", &given, same("file", &cut)),
        // formidable reads a numeric entity of four digits.
        ("file", "a&#8364;", [("file", "a&#8364;"), ("file", "a&#8364;"), ("file", "a€")]),
    ];
    let case = |(field, file, read): Named| {
        let part = Part::bytes("content").named(field).file_name(file).content_type("text/x");
        let read = read.map(|(name, filename)| vec![Read::file(name, filename, "text/x", b"content")]);
        (Form::new(None, vec![part]), read)
    };
    check(table.into_iter().map(case).collect()).await;
}

#[tokio::test]
async fn b45_m22_forms_as_three_servers_read_them() {
    let json = || Some(("json_data".to_owned(), r#"{"text":"naïve\r\n"}"#.to_owned()));
    let field = || Read::field("json_data", r#"{"text":"naïve\r\n"}"#.as_bytes());
    let near = format!("\r\n--{}", &boundary([7; 16])[..30]);
    let text = |content: &str| Part::bytes(content.to_owned()).file_name("a.txt");
    let read = |content: &str| Read::file("file", "a.txt", "text/plain", content.as_bytes());
    let streamed = Part::reader(std::io::Cursor::new(near.clone()), None).named("ID").file_name("a.png");
    check(vec![
        (Form::new(None, Vec::new()), all(Vec::new())),
        (Form::new(json(), Vec::new()), all(vec![field()])),
        (Form::new(None, vec![text("")]), all(vec![read("")])),
        (Form::new(None, vec![text("one"), text("two")]), all(vec![read("one"), read("two")])),
        (
            Form::new(json(), vec![text(&near), streamed]),
            all(vec![field(), read(&near), Read::file("ID", "a.png", "image/png", near.as_bytes())]),
        ),
    ])
    .await;
}

/// One part as we would not send it.
fn raw(head: &str) -> (String, Bytes) {
    let body = format!("--B\r\nContent-Disposition: form-data; {head}\r\n\r\n{{}}\r\n--B--\r\n");
    ("multipart/form-data; boundary=B".into(), body.into())
}

/// Why the JSON part has no content type, and why a field name has no backslash and is not empty.
#[test]
fn m22_b40_what_is_not_sent_is_what_servers_disagree_on() {
    let bodies = [
        raw("name=\"json_data\"\r\nContent-Type: application/json"),
        raw("name=\"a\\\"; filename=\"x\"\r\nContent-Type: text/x"),
        raw("name=\"a\\b\"; filename=\"x\"\r\nContent-Type: text/x"),
        raw("name=\"\"; filename=\"x\"\r\nContent-Type: text/x"),
    ];
    let [werkzeug, busboy, formidable] = PARSERS.map(|parser| {
        let short =
            |read: Read| (read.kind, read.name.unwrap_or("(none)".into()), read.filename.unwrap_or("(none)".into()));
        ask(parser, &bodies).into_iter().map(|parts| parts.into_iter().map(short).next()).collect::<Vec<_>>()
    });
    let read = |kind: &str, name: &str, filename: &str| Some((kind.to_owned(), name.to_owned(), filename.to_owned()));
    assert_eq!(
        werkzeug,
        [
            read("field", "json_data", "(none)"),
            read("field", "a\"; filename=", "(none)"),
            read("file", "ab", "x"),
            read("file", "", "x"),
        ]
    );
    assert_eq!(
        busboy,
        [read("field", "json_data", "(none)"), None, read("file", "a\\b", "x"), read("file", "(none)", "x")]
    );
    assert_eq!(
        formidable,
        [
            read("file", "json_data", "(none)"),
            read("file", "a\\", "x"),
            read("file", "a\\b", "x"),
            read("file", "", "x"),
        ]
    );
}
