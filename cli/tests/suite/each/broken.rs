//! What goes wrong in the middle of a run: at the server, in the file of records, and in the journal.

use std::fs;

use mockito::{Matcher, Server};
use restwalk_cli::{Io, Stream, run};

use super::Folder;
use crate::support::restwalk;

#[test]
fn what_asks_to_come_again_is_sent_again_and_what_was_refused_is_not() {
    for (method, extra, status, sent) in [
        ("GET", "", 503, 1),
        ("GET", "", 429, 1),
        ("GET", "", 408, 1),
        ("GET", "", 404, 0),
        ("POST", " Idempotency-Key:{id}", 500, 1),
        ("POST", " Idempotency-Key:{id}", 422, 0),
        ("POST", "", 500, 0),
    ] {
        let mut server = Server::new();
        let folder = Folder::new("{\"id\":1}\n");
        let words = format!("{method} x/{{id}} --retry 1 --resume J{extra}");
        let bad = server.mock(method, "/x/1").with_status(status).create();
        assert_ne!(folder.run(&server, &words).exit, 0);
        bad.remove();
        let good = server.mock(method, "/x/1").with_body("1").expect(sent).create();
        let said = folder.run(&server, &words);
        good.assert();
        assert_eq!(said.exit == 0, sent == 1, "{words} {status}: {}", said.err);
        assert_eq!(said.out, if sent == 1 { "1\n" } else { "" }, "{words} {status}");
    }
}

#[test]
fn a_journal_belongs_to_the_place_that_it_ran_against() {
    let (mut server, mut other) = (Server::new(), Server::new());
    server.mock("POST", "/x/1").create();
    let none = other.mock("POST", Matcher::Any).expect(0).create();
    let folder = Folder::new("{\"id\":1}\n");
    let catalog = folder.path("api.yaml");
    let write = |base: &str, methods: &str| {
        let text = format!(
            "api: x\nbase_url: {base}\nresources:\n  x:\n    route: /x/{{id}}\n    methods:\n      POST: {{ {methods} }}\n"
        );
        fs::write(&catalog, text).unwrap();
    };
    let (records, journal) = (folder.path("records.ndjson"), folder.path("journal"));
    let (records, journal, file) =
        (records.to_str().unwrap(), journal.to_str().unwrap(), catalog.to_str().unwrap().to_owned());
    let words = ["--catalog", &file, "--each", records, "post", "x/{id}", "--resume", journal];
    write(&server.url(), "");
    assert_eq!(restwalk(&words).exit, 0);
    assert_eq!(restwalk(&words).exit, 0, "the same place");
    let as_another = [&words[..], &["-a", "ada:pw"]].concat();
    for (base, methods, words) in [
        (other.url(), "", &words[..]),
        (server.url(), "idempotency_key: true", &words),
        (server.url(), "", &as_another),
    ] {
        write(&base, methods);
        let said = restwalk(words);
        assert_eq!(said.exit, 2, "{base} {methods}: {}", said.err);
        assert!(said.err.contains("the journal is of another base URL, environment, actor or catalog"), "{}", said.err);
    }
    none.assert();
}

#[test]
fn a_file_that_changes_during_the_run_ends_it_at_the_first_change() {
    let records = |changed: usize| -> String {
        let id = |line: usize| if line == changed { "9999".to_owned() } else { format!("{line:04}") };
        (1..=2000).map(|line| format!("{{\"id\":\"{}\"}}\n", id(line))).collect()
    };
    let before = records(0);
    for (after, sent) in [(records(1990), 1989), (format!("{before}{{\"id\":\"more\"}}\n"), 2000)] {
        let mut server = Server::new();
        let folder = Folder::new(&before);
        let path = folder.path("records.ndjson");
        let change = move |_: &mockito::Request| {
            fs::write(&path, &after).unwrap();
            b"1".to_vec()
        };
        let first = server.mock("POST", "/x/0001").with_body_from_request(change).expect(1).create();
        let others = server.mock("POST", Matcher::Any).with_body("1").expect(sent - 1).create();
        let said = folder.run(&server, "post x/{id} -n 1 --resume J --error-format json");
        assert_eq!(said.exit, 1, "{}", said.err);
        assert!(said.err.contains("\"invalid_input.changed\""), "{}", said.err);
        assert_eq!(said.out.lines().count(), sent);
        first.assert();
        others.assert();
        fs::write(folder.path("records.ndjson"), &before).unwrap();
        let said = folder.run(&server, "post x/{id} -n 1 --resume J");
        assert_eq!((said.exit, said.out.lines().count()), (0, 2000 - sent), "the journal goes on: {}", said.err);
    }
}

#[test]
fn a_key_that_is_too_long_is_told_before_anything_is_sent() {
    let mut server = Server::new();
    let none = server.mock("POST", Matcher::Any).expect(0).create();
    let folder = Folder::new(&format!("{{\"id\":1}}\n{{\"id\":\"{}\"}}\n", "k".repeat(5000)));
    let said = folder.run(&server, "post x Idempotency-Key:{id} --resume J");
    assert_eq!(said.exit, 2, "{}", said.err);
    assert!(said.err.contains("line 2 of the records") && said.err.contains("255 bytes"), "{}", said.err);
    none.assert();
}

#[test]
fn a_redirect_that_is_not_followed_is_no_listing() {
    for (body, words) in
        [("[1]", "x/{id} --ndjson"), ("[]", "x/{id} --all"), ("moved", "x/{id} --all"), ("moved", "x/{id}")]
    {
        let mut server = Server::new();
        server.mock("GET", "/x/1").with_status(302).with_header("location", "/y").with_body(body).create();
        let said = Folder::new("{\"id\":1}\n").run(&server, words);
        assert_eq!((said.exit, &*said.out), (3, ""), "{words}: {}", said.err);
        assert!(said.err.contains("line 1: GET") && said.err.contains("302"), "{}", said.err);
    }
}

#[test]
fn the_summary_names_the_exit_code_of_the_process() {
    let mut server = Server::new();
    let folder = Folder::new(&(1..=500).map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
    let records = folder.path("records.ndjson");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io::buffers(&mut out, &mut err);
    let stop = io.stop.clone();
    let end = move |_: &mockito::Request| {
        stop.end(143);
        b"1".to_vec()
    };
    server.mock("POST", Matcher::Any).with_body_from_request(end).create();
    let base = server.url();
    let words = ["--base-url", &base, "--each", records.to_str().unwrap(), "-n", "1", "post", "x/{id}"];
    let exit = run([&words[..], &["--error-format", "json"]].concat(), &mut io);
    drop(io);
    let err = String::from_utf8(err).unwrap();
    let told: serde_json::Value = serde_json::from_str(err.lines().next().unwrap()).unwrap();
    assert_eq!((exit, &told["error"]["exit"]), (143, &143.into()), "{err}");
}

#[test]
fn no_progress_is_drawn_on_a_terminal_that_cannot() {
    for (term, drawn) in [("dumb", false), ("xterm", true)] {
        let mut server = Server::new();
        server.mock("POST", "/x/1").create();
        let folder = Folder::new("{\"id\":1}\n");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io::new((&mut out, Stream::Pipe), (&mut err, Stream::Terminal));
        io.variables.insert("TERM".into(), term.into());
        let (base, records) = (server.url(), folder.path("records.ndjson"));
        let exit = run(["--base-url", &base, "--each", records.to_str().unwrap(), "post", "x/{id}"], &mut io);
        drop(io);
        assert_eq!((exit, err.contains(&b'\r')), (0, drawn), "{term}: {:?}", String::from_utf8_lossy(&err));
    }
}
