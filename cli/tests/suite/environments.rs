//! Environments: what of one reaches a server, and what stays where it is.

use std::fs;

use mockito::{Matcher, Server};
use restwalk_cli::{Io, run};
use tempfile::TempDir;

use crate::support::note;

/// A person's home whose restwalk.yaml is `text`.
fn home(text: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/restwalk");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("restwalk.yaml"), text).unwrap();
    home
}

/// Exit code and standard error of `words` in that home, with the variables.
fn said(home: &TempDir, words: &str, variables: &[(&str, &str)]) -> (u8, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io::buffers(&mut out, &mut err);
    io.directory = home.path().into();
    io.variables.insert("HOME".into(), home.path().display().to_string());
    io.variables.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let exit = run(words.split(' '), &mut io);
    drop(io);
    note(&[&out, &err]);
    (exit, String::from_utf8(err).unwrap())
}

const TOKEN: [(&str, &str); 1] = [("TOKEN", "CNRY-token")];

fn text(url: &str) -> String {
    format!(
        "default: here\nenvironments:\n  here:\n    base_url: {url}/api\n    catalog: max\n    actor: ada\n    \
         headers: {{X-Team: blue}}\n    variables: {{username: grace}}\n    auth: {{bearer: 'env:TOKEN'}}\n  \
         open: {{base_url: {url}}}\n"
    )
}

#[test]
fn an_environment_gives_all_that_a_call_needs() {
    let mut server = Server::new();
    let home = home(&text(&server.url()));
    let sent = |server: &mut Server, path: &str, token: Matcher, times| {
        let mock = server.mock("GET", path).match_header("x-team", "blue").match_header("authorization", token);
        mock.expect(times).create()
    };
    let token = || Matcher::Exact("Bearer CNRY-token".into());
    let grace = sent(&mut server, "/api/people/grace", token(), 1);
    let bob = sent(&mut server, "/api/people/bob", token(), 1);
    let me = sent(&mut server, "/api/people/ada", token(), 1);
    let none = sent(&mut server, "/api/people/eve", Matcher::Missing, 1);
    let other = sent(&mut server, "/api/people/own", Matcher::Exact("Bearer mine".into()), 1);
    assert_eq!(said(&home, "people/{username}", &TOKEN), (0, String::new()));
    assert_eq!(said(&home, "-e here people/{username} -P username=bob", &TOKEN).0, 0);
    assert_eq!(said(&home, "people/:me", &TOKEN).0, 0);
    assert_eq!(said(&home, "--no-auth people/eve", &[]).0, 0);
    assert_eq!(said(&home, "people/own", &[("RESTWALK_TOKEN", "mine")]).0, 0);
    for mock in [grace, bob, me, none, other] {
        mock.assert();
    }
}

#[test]
fn credentials_of_an_environment_stay_at_its_origin() {
    let (server, mut other) = (Server::new(), Server::new());
    let home = home(&text(&server.url()));
    let elsewhere = other.mock("GET", Matcher::Any).expect(0).create();
    for words in ["--base-url {} people/ada", "{}/people/ada"] {
        let (exit, err) = said(&home, &words.replace("{}", &other.url()), &TOKEN);
        assert!(matches!(exit, 2 | 7) && !err.contains("CNRY"), "{words}: {exit} {err}");
    }
    elsewhere.assert();
    let (exit, err) = said(&home, "people/ada", &[]);
    assert!(exit == 7 && err.contains("TOKEN"), "{exit} {err}");
}

#[test]
fn a_reference_in_any_header_is_looked_up_and_never_sent_as_it_stands() {
    let mut server = Server::new();
    let mock = server.mock("GET", "/x").match_header("x-team", "CNRY-token").create();
    let text = "environments: {e: {base_url: URL, headers: {X-Team: 'env:TOKEN'}}}";
    let home = home(&text.replace("URL", &server.url()));
    assert_eq!(said(&home, "-e e x", &TOKEN), (0, String::new()));
    assert_eq!(said(&home, "-e e x", &[]).0, 7);
    mock.assert();
}

#[test]
fn s04_a_key_of_the_query_is_masked_wherever_the_request_is_shown() {
    let mut server = Server::new();
    let mock = server.mock("GET", "/people?a=1&api+key=CNRY-token").expect(2).create();
    let text = "environments: {k: {base_url: URL, auth: {api_key: {query: api key, value: 'env:TOKEN'}}}}";
    let home = home(&text.replace("URL", &server.url()));
    for words in
        ["-e k --offline people a==1", "-e k -v people a==1", "-e k -p H people a==1", "-e k --curl people a==1"]
    {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io::buffers(&mut out, &mut err);
        io.directory = home.path().into();
        io.variables.insert("HOME".into(), home.path().display().to_string());
        io.variables.insert("TOKEN".into(), "CNRY-token".into());
        assert_eq!(run(words.split(' '), &mut io), 0, "{words}");
        drop(io);
        note(&[&out, &err]);
        let said = String::from_utf8([out, err].concat()).unwrap();
        assert!(!said.contains("CNRY") && said.contains("a=1"), "{words}: {said}");
        assert!(words.contains("--curl") || said.contains("GET /people?a=1&api+key=*** HTTP/1.1"), "{words}: {said}");
    }
    mock.assert();
}

#[test]
fn x14_no_file_of_the_folder_is_used_unasked() {
    let mut server = Server::new();
    let home = home(&text(&server.url()));
    fs::write(home.path().join(".env"), "TOKEN=CNRY-stray\nRESTWALK_BASE_URL=http://stray.test\n").unwrap();
    let project = home.path().join("project");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("restwalk.yaml"), "default: p\nenvironments: {p: {base_url: 'http://stray.test'}}\n")
        .unwrap();
    assert_eq!(said(&home, "people/ada", &[]).0, 7, "the variable is still missing");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io::buffers(&mut out, &mut err);
    io.directory = project;
    io.variables.insert("HOME".into(), home.path().display().to_string());
    assert_eq!(run(["people/ada"], &mut io), 2, "the project's file is not trusted");
    // Who says where the call goes need not trust it.
    let mock = server.mock("GET", "/x").create();
    assert_eq!(run(["--base-url", &server.url(), "--no-auth", "--no-catalog", "x"], &mut io), 0);
    mock.assert();
}
