//! What is printed, where, and that a terminal obeys none of it.

use std::{
    io::{self, Write},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, StatusCode, Version};
use restwalk_cli::output::{Format, Meta, PrintError, Printer, Sent, Settings, colour::Facts, jq::Filter, what::What};

const JSON: Option<&str> = Some("application/json");

fn terminal() -> Facts {
    Facts { stdout_terminal: true, stderr_terminal: true, columns: Some(60), ..Facts::default() }
}

fn plain_terminal() -> Facts {
    Facts { no_color: Some("1".into()), ..terminal() }
}

/// What `print` gives on standard output and standard error.
fn printed(
    settings: Settings,
    facts: &Facts,
    print: impl FnOnce(&mut Printer<'_>) -> Result<(), PrintError>,
) -> (Vec<u8>, Vec<u8>) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut printer = Printer::new(settings, facts, &mut out, &mut err);
    if let Err(error) = print(&mut printer) {
        printer.error(&error.to_string()).unwrap();
    }
    printer.finish().unwrap();
    drop(printer);
    (out, err)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn filter(code: &str) -> Filter {
    Filter::compile(code).unwrap()
}

/// A whole exchange, as the command line prints it.
fn exchange(printer: &mut Printer<'_>, body: &[u8]) -> Result<(), PrintError> {
    let (parts, ()) =
        http::Request::post("https://h/a").header("content-type", "application/json").body(()).unwrap().into_parts();
    printer.request(&parts, Sent::Bytes(b"{\"a\":1}"))?;
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    printer.head(Some(Version::HTTP_11), StatusCode::CREATED, &headers)?;
    printer.body(JSON, body)?;
    printer.meta(Meta { elapsed: Duration::from_millis(5), attempts: 1, ..Meta::default() })
}

#[test]
fn x02_standard_output_has_the_body_only() {
    for facts in [terminal(), Facts::default()] {
        let (out, err) = printed(Settings::default(), &facts, |printer| {
            printer.warn("mind")?;
            exchange(printer, b"[1]")
        });
        assert!(text(&out).contains('1') && !text(&out).contains("HTTP"), "{out:?}");
        assert!(text(&err).contains("mind") && !text(&out).contains("mind"));
    }
    let (out, _) = printed(Settings::default(), &Facts::default(), |printer| exchange(printer, b" [1,\x1b\xff] "));
    assert_eq!(out, b" [1,\x1b\xff] ", "a pipe gets the body as it came");
}

#[test]
fn x02_a_reader_that_has_gone_is_no_failure() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let all = || Settings { what: What::ALL, ..Settings::default() };
    let with = |format| Settings { format: Some(format), ..Settings::default() };
    for settings in [
        all(),
        Settings::default(),
        with(Format::Json),
        with(Format::Yaml),
        with(Format::Ndjson),
        with(Format::Table),
        with(Format::Raw),
        Settings { filter: Some(filter(".[]")), ..Settings::default() },
    ] {
        for facts in [terminal(), Facts::default()] {
            let (mut out, mut err) = (Gone, Vec::new());
            let mut printer = Printer::new(settings.clone(), &facts, &mut out, &mut err);
            let error = exchange(&mut printer, b"[1,2]").unwrap_err();
            assert!(matches!(error, PrintError::Closed), "{error:?} {settings:?}");
            assert_eq!(error.exit_code(), None);
        }
    }
}

#[test]
fn x04_there_is_no_ansi_where_there_should_be_none() {
    let all = || Settings { what: What::ALL, ..Settings::default() };
    let set = |value: &str| Some(value.to_owned());
    for facts in [
        Facts::default(),
        plain_terminal(),
        Facts { clicolor: set("0"), ..terminal() },
        Facts { term: set("dumb"), ..terminal() },
    ] {
        let (out, err) = printed(all(), &facts, |printer| {
            exchange(printer, b"{\"a\":[1,null]}")?;
            printer.warn("mind")?;
            printer.error("wrong")
        });
        assert!(!out.contains(&0x1b) && !err.contains(&0x1b), "{facts:?}: {}", text(&out));
    }
    let (out, err) = printed(all(), &terminal(), |printer| {
        printer.warn("mind")?;
        exchange(printer, b"1")
    });
    assert!(out.contains(&0x1b) && err.contains(&0x1b));
}

#[test]
fn each_part_stands_apart() {
    let (out, _) = printed(Settings { what: What::ALL, ..Settings::default() }, &plain_terminal(), |printer| {
        exchange(printer, b"{\"b\":2}")
    });
    let expected = "POST /a HTTP/1.1\nhost: h\ncontent-type: application/json\n\n{\n    \"a\": 1\n}\n\n\
        HTTP/1.1 201 Created\ncontent-type: application/json\n\n{\n    \"b\": 2\n}\n\n\
        Elapsed time: 0.005s\nAttempts: 1\n";
    assert_eq!(text(&out), expected);
    let quiet = Settings { what: What::NONE, quiet: true, ..Settings::default() };
    let (out, err) = printed(quiet, &terminal(), |printer| {
        printer.warn("mind")?;
        exchange(printer, b"[]")
    });
    assert!(out.is_empty() && err.is_empty());
}

/// Text that does harm wherever a terminal obeys it, as a server may send it.
const EVIL: &str = "\u{1b}[2J\u{1b}]52;c;eA==\u{7}\r\u{8}\u{9b}1m\u{202e}\u{2066}\u{7f}\u{85}\u{90}q\u{9c}";

fn assert_harmless(name: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|_| panic!("{name}: raw bytes"));
    for c in text.chars() {
        let harm = (c < ' ' && c != '\n' && c != '\t')
            || ('\u{7f}'..='\u{9f}').contains(&c)
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
        assert!(!harm, "{name}: {c:?} in {text:?}");
    }
}

/// Every way to a sink, each with foreign text in all that it takes.
type Way = fn(&mut Printer<'_>) -> Result<(), PrintError>;

const WAYS: [(&str, Way); 16] = [
    ("request", |printer| {
        let value = HeaderValue::from_bytes(b"a\xc2\x9b\x9b\xe2\x80\xae").unwrap();
        let (parts, ()) = http::Request::get("http://h/a").header("x", value).body(()).unwrap().into_parts();
        printer.request(&parts, Sent::Bytes(EVIL.as_bytes()))
    }),
    ("head", |printer| {
        let mut headers = HeaderMap::new();
        headers.insert("x", HeaderValue::from_bytes(b"a\xc2\x9b\x9b\xe2\x80\xae\x85").unwrap());
        printer.head(None, StatusCode::OK, &headers)
    }),
    ("body", |printer| printer.body(Some("text/plain"), EVIL.as_bytes())),
    ("body in raw bytes", |printer| printer.body(Some("text/html"), b"some text \x9b2J and \x1b[2J \x85 more of it")),
    ("body of json", |printer| printer.body(JSON, json().as_bytes())),
    ("body that is no json", |printer| printer.body(JSON, EVIL.as_bytes())),
    ("body of another type", |printer| printer.body(Some(EVIL), b"\0\x1b")),
    ("chunk", |printer| {
        EVIL.as_bytes().chunks(1).try_for_each(|chunk| printer.chunk(Some("text/plain"), chunk))?;
        printer.end_body()
    }),
    ("item", |printer| printer.item(json().as_bytes())),
    ("meta", |printer| printer.meta(Meta::default())),
    ("text", |printer| printer.text(EVIL)),
    ("line", |printer| printer.line(&[(anstyle::Style::new(), EVIL), (anstyle::Style::new().bold(), EVIL)])),
    ("ask", |printer| printer.ask(EVIL)),
    ("tell", |printer| printer.tell(EVIL)),
    ("warn", |printer| printer.warn(EVIL)),
    ("error", |printer| printer.error(EVIL)),
];

fn json() -> String {
    let escaped = serde_json::to_string(EVIL).unwrap();
    let raw: String = EVIL.chars().filter(|c| *c >= ' ').collect();
    format!("[{{{escaped}:{escaped},\"b\":\"{raw}\"}}]")
}

#[test]
fn x23_every_way_to_a_terminal_is_clean() {
    let with = |format| Settings { what: What::ALL, format, ..Settings::default() };
    let filtered = |code| Settings { raw_strings: true, filter: Some(filter(code)), ..with(None) };
    let settings = [
        with(None),
        with(Some(Format::Json)),
        with(Some(Format::Yaml)),
        with(Some(Format::Ndjson)),
        with(Some(Format::Table)),
        with(Some(Format::Raw)),
        filtered("."),
        filtered(".[].b"),
        filtered(".[].b | error"),
        filtered(".[] | keys[]"),
        Settings { columns: vec![EVIL.to_owned()], ..with(Some(Format::Table)) },
    ];
    for settings in settings {
        for (name, way) in WAYS {
            let (out, err) = printed(settings.clone(), &plain_terminal(), way);
            assert!(!out.is_empty() || !err.is_empty(), "{name} prints nothing");
            assert_harmless(name, &out);
            assert_harmless(name, &err);
        }
    }
    assert_harmless("a filter's mistake", Filter::compile(EVIL).unwrap_err().as_bytes());
}

#[test]
fn x23_no_way_to_a_sink_is_left_out() {
    let source = [
        include_str!("../../src/output/printer.rs"),
        include_str!("../../src/output/printer/say.rs"),
        include_str!("../../src/output/printer/shapes.rs"),
    ]
    .concat();
    let methods: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub fn ")?.split('(').next())
        .filter(|name| !["new", "stopped_by", "settings", "wants_whole", "end_body", "finish"].contains(name))
        .collect();
    assert!(methods.len() > 10);
    for method in methods {
        assert!(WAYS.iter().any(|(name, _)| name.starts_with(method)), "{method} is in no way above");
    }
}

#[test]
fn x20_a_pipe_gets_the_bytes_and_a_terminal_their_escapes() {
    let body = b"\x1b[2J\r\x9b \xe2\x80\xae plain text enough to be shown";
    for format in [None, Some(Format::Raw)] {
        let settings = Settings { format, ..Settings::default() };
        let (out, _) = printed(settings.clone(), &Facts::default(), |printer| printer.body(None, body));
        assert_eq!(out, body);
        let (out, _) = printed(settings, &terminal(), |printer| printer.body(None, body));
        assert_eq!(text(&out), "\\x1b[2J\\r\\x9b \\u{202e} plain text enough to be shown\n");
    }
}

#[test]
fn x26_a_long_answer_can_be_interrupted() {
    for facts in [terminal(), Facts::default()] {
        for body in [&b"\"word\"".repeat(1 << 20)[..], &b"[1]"[..]] {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let mut printer = Printer::new(Settings::default(), &facts, &mut out, &mut err);
            printer.stopped_by(Arc::new(AtomicBool::new(true)));
            let error = printer.body(Some("text/plain"), body).unwrap_err();
            assert!(matches!(error, PrintError::Stopped) && error.exit_code() == Some(130), "{error:?}");
        }
    }
}

#[test]
fn x27_binary_is_refused_by_a_terminal_only() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    for format in [None, Some(Format::Raw)] {
        let settings = Settings { format, ..Settings::default() };
        let (out, err) = printed(settings.clone(), &plain_terminal(), |printer| printer.body(Some("image/png"), png));
        assert!(out.is_empty());
        let expected = "warning: 16 bytes of binary data (image/png) are not shown on a terminal; -o FILE saves them, \
            and a pipe gets them\n";
        assert_eq!(text(&err), expected);
        let (out, err) = printed(settings, &Facts::default(), |printer| printer.body(Some("image/png"), png));
        assert!(out == png && err.is_empty());
    }
    let (out, err) = printed(Settings::default(), &plain_terminal(), |printer| {
        png.chunks(3).try_for_each(|chunk| printer.chunk(Some("image/png"), chunk))?;
        printer.end_body()
    });
    assert!(out.is_empty() && text(&err).lines().count() == 1, "{err:?}");
}

#[test]
fn filters_and_formats_go_together() {
    let body = br#"{"items":[{"id":1.10,"name":"a b"},{"id":12345678901234567890123,"name":"c"}]}"#;
    let table = [("-J", ".items[]", None), ("table", ".items[]", Some(Format::Table)), ("-r", ".items[].name", None)];
    let expected = [
        "{\"id\":1.10,\"name\":\"a b\"}\n{\"id\":12345678901234567890123,\"name\":\"c\"}\n",
        "id                       name\n1.10                     a b\n12345678901234567890123  c\n",
        "a b\nc\n",
    ];
    for ((name, code, format), expected) in table.into_iter().zip(expected) {
        let settings = Settings { filter: Some(filter(code)), format, raw_strings: true, ..Settings::default() };
        let (out, err) = printed(settings, &Facts::default(), |printer| printer.body(JSON, body));
        assert_eq!(text(&out), expected, "{name}: {}", text(&err));
    }
    let lines = Settings { format: Some(Format::Table), ..Settings::default() };
    let (out, _) = printed(lines, &Facts::default(), |printer| {
        printer.body(Some("application/x-ndjson"), b"{\"a\":1}\n{\"a\":2}\n")
    });
    assert_eq!(text(&out), "a\n1\n2\n");
    let yaml = Settings { format: Some(Format::Yaml), ..Settings::default() };
    let (out, err) = printed(yaml, &Facts::default(), |printer| printer.body(Some("text/html"), b"<p>"));
    assert!(out.is_empty() && text(&err).contains("--format raw"), "{}", text(&err));
    let (out, err) = printed(Settings { filter: Some(filter(".")), ..Settings::default() }, &terminal(), |printer| {
        printer.body(JSON, b"")
    });
    assert!(out.is_empty() && err.is_empty(), "an answer without a body prints nothing");
}
