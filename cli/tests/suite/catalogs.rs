//! `catalog` and `doctor`, with a service in this process.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Response, StatusCode, header},
};
use restwalk::{Catalog, Local, Transport};
use restwalk_cli::{Io, Stream, run};
use tempfile::TempDir;

use crate::support::{Said, note};

/// What was asked: method, path, and whether there were credentials.
type Log = Arc<Mutex<Vec<String>>>;

/// A service of people, which remembers what it is asked.
fn service(log: &Log) -> Arc<dyn Transport> {
    let log = Arc::clone(log);
    let answer = move |request: Request| {
        let asked = format!("{} {}", request.method(), request.uri().path());
        let signed = if request.headers().contains_key(header::AUTHORIZATION) { " signed" } else { "" };
        log.lock().unwrap().push(format!("{asked}{signed}"));
        async move { answer(&asked) }
    };
    Arc::new(Local::new(Router::new().fallback(answer)))
}

fn answer(asked: &str) -> Response<Body> {
    let json = Response::builder().header("content-type", "application/json");
    let built = match asked {
        "GET /api/people" => json.header("link", "</api/people?page=2>; rel=next").body("[{}]".into()),
        "HEAD /api/people" => json.header("x-people-total", "3").body(Body::empty()),
        "OPTIONS /api/people" => json.status(204).header("allow", "GET, POST, TRACE").body(Body::empty()),
        "GET /api/people/ada" | "GET /api/people/bob" => json.header("allow", "GET,PUT , DELETE").body("{}".into()),
        "GET /api/jobs" => json.status(StatusCode::METHOD_NOT_ALLOWED).header("allow", "POST").body(Body::empty()),
        "GET /api/private" => json.status(401).body(Body::empty()),
        "GET /api/" => json.header("date", "Sun, 06 Nov 1994 08:49:37 GMT").body("{}".into()),
        _ => json.status(404).body("{}".into()),
    };
    built.unwrap()
}

#[test]
fn init_asks_for_a_password_before_it_asks_a_server() {
    let log = Log::default();
    let folder = tempfile::tempdir().unwrap();
    let said = said(folder.path(), "--base-url http://h/api -a ada catalog init people", b"", Some(service(&log)));
    assert!(said.exit == 7 && said.err.contains("a password is missing"), "{}", said.err);
    assert_eq!(*log.lock().unwrap(), [""; 0]);
}

/// Runs `words` in `folder`, the home being a folder in it.
fn said(folder: &Path, words: &str, stdin: &[u8], service: Option<Arc<dyn Transport>>) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let stream = if stdin.is_empty() { Stream::Other } else { Stream::Pipe };
    let mut io = Io::buffers(&mut out, &mut err).with_stdin(stdin, stream);
    io.directory = folder.into();
    io.variables.insert("HOME".into(), folder.join("home").display().to_string());
    io.service = service;
    let exit = run(words.split(' '), &mut io);
    drop(io);
    note(&[&out, &err]);
    Said { exit, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

const AT: &str = "--base-url http://h.test/api";

#[test]
fn a_first_catalog_is_guessed_from_paths_that_are_only_read() {
    let (folder, log) = (folder(), Log::default());
    let words = format!(
        "{AT} -a ada:CNRY catalog init -o r.yaml people people/ada people/bob /people/zoe private jobs people/{{x}}/log"
    );
    let ran = said(folder.path(), &words, b"", Some(service(&log)));
    assert_eq!((ran.exit, &*ran.out), (0, ""), "{}", ran.err);
    let asked = log.lock().unwrap().clone();
    let safe = |line: &String| ["GET ", "HEAD ", "OPTIONS "].iter().any(|method| line.starts_with(method));
    assert!(asked.iter().all(|line| safe(line) && line.ends_with(" signed")), "{asked:?}");
    assert_eq!(asked.iter().filter(|line| line.starts_with("GET ")).count(), 6, "{asked:?}");
    assert!(ran.err.contains("warning: /people/zoe answered 404 Not Found, and is left out\n"), "{}", ran.err);
    assert!(ran.err.contains("6 paths came to 5 routes:\n"), "{}", ran.err);
    assert!(
        ran.err.contains("GET POST; pages by Link\n") && ran.err.contains("x-people-total counts\n"),
        "{}",
        ran.err
    );
    let text = fs::read_to_string(folder.path().join("r.yaml")).unwrap();
    for part in ["CNRY", "ada", "bob", "zoe"] {
        assert!(!text.contains(part), "no value of a variable is in the file: {text}");
    }
    let catalog = Catalog::from_yaml(&text, "").unwrap();
    let routes: Vec<_> = catalog.routes().map(|route| (route.template(), route.policies().count())).collect();
    assert_eq!(routes, [("/jobs", 1), ("/people", 2), ("/people/{x}", 3), ("/people/{x}/log", 1), ("/private", 1)]);
    assert_eq!((catalog.base_url(), catalog.count_header()), (Some("http://h.test/api"), "x-people-total"));
    assert_eq!(said(folder.path(), "catalog lint r.yaml", b"", None).err, "5 routes, 0 remarks\n");
    let known = said(folder.path(), "--catalog r.yaml --no-auth people/eve", b"", Some(service(&log)));
    assert_eq!(known.exit, 4, "a path of the guessed catalog is sent: {}", known.err);
}

#[test]
fn a_file_is_replaced_only_by_force_and_nothing_is_asked_before() {
    let (folder, log) = (folder(), Log::default());
    fs::write(folder.path().join("r.yaml"), "mine").unwrap();
    let ran = said(folder.path(), &format!("{AT} catalog init people -o r.yaml"), b"", Some(service(&log)));
    assert!(ran.exit == 2 && ran.err.contains("--force replaces it"), "{}", ran.err);
    assert!(log.lock().unwrap().is_empty());
    assert_eq!(fs::read_to_string(folder.path().join("r.yaml")).unwrap(), "mine");
    let ran = said(folder.path(), &format!("{AT} catalog init people -o r.yaml --force"), b"", Some(service(&log)));
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert!(fs::read_to_string(folder.path().join("r.yaml")).unwrap().contains("route: /people\n"));
}

#[test]
fn lines_of_a_log_and_har_files_are_learnt_from() {
    let (folder, log) = (folder(), Log::default());
    let lines = b"# mine\nPOST /api/people/ada/jobs\nGET /api/people/ada?x=1\nPUT http://h.test/api/people/bob\nhttp://o.test/x\n";
    let ran = said(folder.path(), &format!("{AT} -q catalog init"), lines, Some(service(&log)));
    assert_eq!((ran.exit, &*ran.err), (0, ""));
    let catalog = Catalog::from_yaml(&ran.out, "").unwrap();
    let routes: Vec<_> = catalog.routes().map(|route| (route.template(), route.policies().count())).collect();
    assert_eq!(routes, [("/people/{person}", 3), ("/people/{person}/jobs", 1)], "{}", ran.out);
    assert!(log.lock().unwrap().iter().all(|line| !line.starts_with('P')), "nothing unsafe is sent");
    let har = r#"{"log": {"entries": [{"request": {"method": "GET", "url": "http://h.test/api/people"}}]}}"#;
    fs::write(folder.path().join("calls.har"), har).unwrap();
    let ran = said(folder.path(), &format!("{AT} catalog init @calls.har"), b"", Some(service(&log)));
    assert!(ran.out.contains("GET: { paginate: link }\n"), "{} {}", ran.out, ran.err);
}

#[test]
fn what_cannot_be_learnt_from_is_a_mistake() {
    let folder = folder();
    let many: String = (0..1001).map(|number| format!("x{number}\n")).collect();
    for (words, stdin, part) in [
        ("catalog", "", "catalog takes lint"),
        ("catalog lint a b c", "", "catalog takes lint"),
        ("catalog init people", "", "give --base-url URL"),
        ("--base-url http://h catalog init", "", "there is no path to learn from"),
        ("--base-url http://h catalog init people/..", "", "cannot be a path item"),
        ("--base-url http://h catalog init people?x=1", "", "people x==1"),
        ("--base-url http://h catalog init @none", "", "cannot be read"),
        ("--base-url http://h catalog init", &many, "more than 1000 different paths"),
    ] {
        let ran = said(folder.path(), words, stdin.as_bytes(), None);
        assert!(ran.exit == 2 && ran.err.contains(part), "{words}: {} {}", ran.exit, ran.err);
    }
}

#[test]
fn a_catalog_is_checked_with_place_and_remarks() {
    let folder = folder();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("bad.yaml", "resources:\n  a: {rout: /a}\n");
    write("odd.yaml", "resources: {a: {route: /a, methods: {GET: {auth: off}, POST: }}}");
    write("defaults.yaml", "/a: {POST: {x: no}}");
    let ran = said(folder.path(), "catalog lint bad.yaml", b"", None);
    assert!(ran.exit == 2 && ran.err.contains("bad.yaml:2:7: resources.a.rout: unknown key"), "{}", ran.err);
    let ran = said(folder.path(), "catalog lint odd.yaml defaults.yaml", b"", None);
    assert_eq!((ran.exit, &*ran.err), (0, "1 routes, 2 remarks\n"));
    assert!(ran.out.contains("odd.yaml:1:") && ran.out.contains("defaults.yaml:1:"), "{}", ran.out);
    let ran = said(folder.path(), "--catalog odd.yaml catalog lint", b"", None);
    assert_eq!((ran.exit, ran.out.lines().count()), (0, 1), "{}", ran.out);
    let ran = said(folder.path(), "catalog lint", b"", None);
    assert!(ran.exit == 2 && ran.err.contains("there is no catalog to check"), "{}", ran.err);
}

/// The lines of `doctor` with the level and subject given.
fn lines<'a>(out: &'a str, start: &str) -> Vec<&'a str> {
    out.lines().filter(|line| line.starts_with(start)).collect()
}

#[test]
fn the_doctor_looks_at_everything_and_asks_once_without_credentials() {
    let (folder, log) = (folder(), Log::default());
    let config = folder.path().join("home/.config/restwalk");
    fs::create_dir_all(&config).unwrap();
    let text =
        "default: a\nenvironments:\n  a: {base_url: 'http://h.test/api', catalog: max, auth: {bearer: 'env:T'}}\n";
    fs::write(config.join("restwalk.yaml"), text).unwrap();
    let ran = said(folder.path(), "doctor", b"", Some(service(&log)));
    assert_eq!((ran.exit, &*ran.err), (1, ""), "{}", ran.out);
    assert!(lines(&ran.out, "fail  secrets")[0].contains("the variable T is not set"), "{}", ran.out);
    assert_eq!(*log.lock().unwrap(), ["GET /api/"], "once, and unsigned");
    for part in ["ok    files         ", "ok    environment   a, of ", "ok    catalog       max: 75 routes"] {
        assert_eq!(lines(&ran.out, part).len(), 1, "{part}: {}", ran.out);
    }
    assert!(lines(&ran.out, "ok    base URL      answers 200 OK in ").len() == 1, "{}", ran.out);
    assert!(lines(&ran.out, "warn  clock")[0].contains("ahead of the server's"), "{}", ran.out);
    let ran = said(folder.path(), "--no-auth --offline doctor", b"", Some(service(&log)));
    assert_eq!((ran.exit, log.lock().unwrap().len()), (0, 1), "{}", ran.out);
    assert!(lines(&ran.out, "ok    base URL").is_empty() && lines(&ran.out, "fail").is_empty(), "{}", ran.out);
}

#[test]
fn the_doctor_names_secrets_and_shows_none() {
    let folder = folder();
    let text = "environments:\n  a: {base_url: 'https://h.test', auth: {basic: {user: u, password: 'CNRY-inline'}}}\n";
    fs::write(folder.path().join("restwalk.yaml"), text).unwrap();
    let ran = said(folder.path(), "doctor --offline", b"", None);
    assert!(lines(&ran.out, "warn  files")[0].contains("restwalk env trust"), "{}", ran.out);
    assert_eq!(lines(&ran.out, "fail  environment").len(), 1, "{}", ran.out);
    assert_eq!(ran.exit, 1);
    said(folder.path(), "env trust -y", b"", None);
    let ran = said(folder.path(), "-e a doctor --offline", b"", None);
    assert_eq!(ran.exit, 0, "{}", ran.out);
    assert!(lines(&ran.out, "ok    secrets")[0].contains("to be had: basic, in plain text"), "{}", ran.out);
    assert!(lines(&ran.out, "warn  settings")[0].contains("is a secret in plain text"), "{}", ran.out);
    assert!(!ran.out.contains("CNRY"), "{}", ran.out);
}

#[test]
fn the_doctor_says_what_to_do_about_a_server_that_is_not_there() {
    let folder = folder();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = said(folder.path(), &format!("--base-url http://{closed} doctor"), b"", None);
    assert_eq!(ran.exit, 1);
    assert!(lines(&ran.out, "fail  base URL")[0].ends_with("; is the server there, and the URL right?"), "{}", ran.out);
    let ran = said(folder.path(), "doctor", b"", None);
    assert!(lines(&ran.out, "fail  base URL")[0].contains("give --base-url URL"), "{}", ran.out);
    assert_eq!(said(folder.path(), "doctor now", b"", None).exit, 2);
}

#[test]
fn help_alone_tells_the_words() {
    let ran = said(folder().path(), "help", b"", None);
    assert!(
        ran.exit == 0 && ran.out.contains("\nWords:\n  ls [PATH] ") && ran.out.contains("  doctor "),
        "{}",
        ran.out
    );
}
