//! One call for each record: what arrives, what is printed in which order, and what a journal keeps.

use std::{fs, path::PathBuf};

use mockito::{Matcher, Server};
use restwalk_cli::Stream;
use tempfile::TempDir;

use crate::support::{Said, fed, restwalk};

mod broken;
mod kills;

/// A folder with `records.ndjson` in it.
struct Folder(TempDir);

impl Folder {
    fn new(records: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.path("records.ndjson"), records).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `text` for each of the records, at `server`; `J` is the journal.
    fn run(&self, server: &Server, text: &str) -> Said {
        let (base, records, journal) = (server.url(), self.path("records.ndjson"), self.path("journal"));
        let mut words = vec!["--base-url", &base, "--each", records.to_str().unwrap()];
        words.extend(text.split(' ').map(|word| if word == "J" { journal.to_str().unwrap() } else { word }));
        restwalk(&words)
    }
}

#[test]
fn results_come_in_the_order_of_the_records() {
    let mut server = Server::new();
    let mut records = String::new();
    for id in 1..=20 {
        let body = format!("[{{\"hash\":{id}00000000000000000000}},{{\"hash\":0}}]");
        server.mock("GET", &*format!("/people/u{id}/subscriptions")).with_body(body).expect(1).create();
        records += &format!("{{\"user\":{{\"name\":\"u{id}\"}}}}\n\n");
    }
    let folder = Folder::new(&records);
    let said = folder.run(&server, "people/{user.name}/subscriptions -n 8 --ndjson -J .hash");
    let expected: String = (1..=20).map(|id| format!("{id}00000000000000000000\n0\n")).collect();
    assert_eq!((said.exit, &*said.out, &*said.err), (0, &*expected, ""));
    let said = folder.run(&server, "people/{user.name}/subscriptions --max-items 1");
    let expected: String = (1..=20).map(|id| format!("[{{\"hash\":{id}00000000000000000000}}]\n")).collect();
    assert_eq!((said.exit, said.out), (0, expected), "{}", said.err);
}

#[test]
fn a_record_fills_the_body_and_keeps_its_digits() {
    let mut server = Server::new();
    let body = r#"{"name":"a=b\"","n":100000000000000000000001,"tags":["x"],"text":"<100000000000000000000001>"}"#;
    let mock = server.mock("POST", "/things/a%20b").match_query(Matcher::UrlEncoded("q".into(), "a b".into()));
    let mock = mock.match_body(Matcher::Exact(body.into())).with_body("{}").expect(1).create();
    let folder = Folder::new(r#"{"id":"a b","name":"a=b\"","n":100000000000000000000001,"tags":["x"]}"#);
    let said = folder.run(&server, "post things/{id} name={name} n:={n} tags:={tags} text:=\"<{n}>\" q=={id}");
    assert_eq!((said.exit, &*said.out, &*said.err), (0, "{}\n", ""));
    mock.assert();
    let whole = server.mock("PUT", "/things/a%20b").match_body(Matcher::Regex(r#"^\{"id":"a b".*\}$"#.into())).create();
    assert_eq!(folder.run(&server, "put things/{id} --data {.}").exit, 0);
    whole.assert();
}

#[test]
fn the_first_mistake_is_told_with_its_line_and_nothing_is_sent() {
    let mut server = Server::new();
    let none = server.mock("POST", Matcher::Any).expect(0).create();
    for (records, words, expected) in [
        ("{\"id\":1}\n\n{\"di\":2}\n", "post x/{id}", "line 3 of the records has no \"id\"; it has di"),
        ("{\"id\":1}\n{\"id\":\"..\"}\n", "post x/{id}", "line 2 of the records: \"..\" cannot be a path item"),
        ("{\"id\":1}\n{\"id\":null}\n", "post x a={id}", "line 2 of the records has null as \"id\""),
        ("{\"id\":1}\n{id}\n", "post x/{id}", "line 2 of the records is no JSON"),
        ("{\"id\":1}\n", "post x/{id} -n 65", "65 is not in 1..=64"),
        ("{\"id\":1}\n", "post x/{id} -d", "cannot be used with"),
    ] {
        let said = Folder::new(records).run(&server, words);
        assert_eq!((said.exit, &*said.out), (2, ""), "{words}: {}", said.err);
        assert!(said.err.contains(expected), "{words}: {}", said.err);
    }
    none.assert();
}

#[test]
fn failures_are_counted_and_the_worst_is_the_exit_code() {
    let mut server = Server::new();
    for (id, status) in [(1, 200), (2, 404), (3, 500), (4, 201)] {
        server.mock("POST", &*format!("/x/{id}")).with_status(status).with_body(format!("{id}")).create();
    }
    let folder = Folder::new("{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4}\n");
    let said = folder.run(&server, "post x/{id} --retry 1");
    assert_eq!((said.exit, &*said.out), (5, "1\n4\n"), "{}", said.err);
    let lines: Vec<_> = said.err.lines().collect();
    assert_eq!(lines[0], "4 records: 2 ok, 2 failed");
    assert!(lines[1].starts_with("  line 2: POST /x/2") && lines[1].contains("404"), "{}", said.err);
    assert!(lines[2].starts_with("  line 3: POST /x/3") && lines[2].contains("500"), "{}", said.err);
    let json = folder.run(&server, "post x/{id} --retry 1 --error-format json");
    let told: serde_json::Value = serde_json::from_str(&json.err).unwrap();
    assert_eq!(told["error"]["exit"], 5);
}

#[test]
fn a_journal_skips_what_ended_and_belongs_to_one_input_and_command() {
    let mut server = Server::new();
    let ok = server.mock("POST", "/x/1").with_status(201).expect(1).create();
    let bad = server.mock("POST", "/x/2").with_status(400).expect(1).create();
    let folder = Folder::new("{\"id\":1}\n{\"id\":2}\n");
    assert_eq!(folder.run(&server, "post x/{id} --resume J").exit, 4);
    let again = folder.run(&server, "post x/{id} --resume J -n 2 --timeout 9");
    assert_eq!(again.exit, 4);
    assert!(again.err.starts_with("2 records: 1 ok, 1 failed, 2 ended before\n"), "{}", again.err);
    ok.assert();
    bad.assert();
    for (words, expected) in [
        ("post x/{id} a=1 --resume J", "the journal is of another command line"),
        ("put x/{id} --resume J", "the journal is of another command line"),
    ] {
        let said = folder.run(&server, words);
        assert_eq!(said.exit, 2);
        assert!(said.err.contains(expected), "{}", said.err);
    }
    fs::write(folder.path("records.ndjson"), "{\"id\":1}\n{\"id\":3}\n").unwrap();
    let said = folder.run(&server, "post x/{id} --resume J");
    assert!(said.exit == 2 && said.err.contains("the journal is of another input"), "{}", said.err);
    fs::write(folder.path("journal"), "my notes\n").unwrap();
    assert_eq!(folder.run(&server, "post x/{id} --resume J").exit, 2);
    assert_eq!(fs::read_to_string(folder.path("journal")).unwrap(), "my notes\n");
}

#[test]
fn a_key_of_the_journal_is_used_again_and_one_of_the_catalog_is_made_up() {
    let mut server = Server::new();
    let folder = Folder::new("{\"id\":1}\n");
    let catalog = "api: x\nresources:\n  x:\n    route: /x/{id}\n    methods:\n      POST: { idempotency_key: true }\n";
    fs::write(folder.path("api.yaml"), catalog).unwrap();
    let file = folder.path("api.yaml");
    let words = format!("--catalog {} post x/{{id}} --resume J --retry 1", file.display());
    let _gone = server.mock("POST", "/x/1").with_status(200).create();
    assert_eq!(folder.run(&server, &words).exit, 0);
    let text = fs::read_to_string(folder.path("journal")).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let key = lines[1]["key"].as_str().unwrap();
    assert!(key.len() == 38 && key.starts_with('"'), "{key}");
    // As a run leaves it that dies before it reads the answer.
    fs::write(folder.path("journal"), text.lines().take(2).map(|line| format!("{line}\n")).collect::<String>())
        .unwrap();
    let again = server.mock("POST", "/x/1").match_header("idempotency-key", key).expect(1).create();
    let said = folder.run(&server, &words);
    assert_eq!((said.exit, &*said.err), (0, ""));
    again.assert();
}

#[test]
fn what_is_in_doubt_is_told_and_only_sent_again_where_that_is_harmless() {
    for (method, extra, sent, exit) in [
        ("POST", "", 0, 1),
        ("POST", " --retry-unsafe", 1, 0),
        ("PUT", "", 1, 0),
        ("POST", " Idempotency-Key:{id}", 1, 0),
    ] {
        let mut server = Server::new();
        let folder = Folder::new("{\"id\":1}\n");
        let words = format!("{method} x/{{id}} --resume J{extra}");
        let _first = server.mock(method, "/x/1").create();
        assert_eq!(folder.run(&server, &words).exit, 0);
        let text = fs::read_to_string(folder.path("journal")).unwrap();
        let begun: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
        fs::write(folder.path("journal"), format!("{begun}{{\"line\":1,\"ex")).unwrap();
        let mock = server.mock(method, "/x/1").expect(sent).create();
        let said = folder.run(&server, &words);
        mock.assert();
        assert_eq!(said.exit, exit, "{words}: {}", said.err);
        assert_eq!(said.err.contains("line 1: in doubt: an earlier run sent it"), exit == 1, "{}", said.err);
    }
}

#[test]
fn records_come_from_standard_input_and_offline_shows_each_request() {
    let mut server = Server::new();
    let mock = server.mock("DELETE", "/x/1").expect(1).create();
    let base = server.url();
    let said = fed(&["--base-url", &base, "--each", "-", "delete", "x/{id}"], b"{\"id\":1}", Stream::Pipe);
    assert_eq!((said.exit, &*said.err), (0, ""));
    mock.assert();
    let folder = Folder::new("{\"id\":1}\n{\"id\":2}\n");
    let said = folder.run(&server, "post x/{id} a={id} --curl");
    assert_eq!(said.out.lines().count(), 2, "{}", said.out);
    assert!(said.out.contains("/x/2"), "{}", said.out);
    let empty = Folder::new("\n").run(&server, "post x/{id}");
    assert_eq!((empty.exit, &*empty.out, &*empty.err), (0, "", ""));
}
