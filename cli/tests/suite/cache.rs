//! Answers that are kept between runs: where that is said, for whom, and until what.

use std::{fs, path::PathBuf};

use mockito::{Matcher, Mock, Server, ServerGuard};
use restwalk_cli::{Io, run};
use tempfile::TempDir;

use crate::support::note;

/// A server, and a person's home that names it in an environment.
struct Place {
    home: TempDir,
    server: ServerGuard,
}

impl Place {
    /// `settings` are lines of the environment, `URL` standing for the server.
    fn new(settings: &str) -> Self {
        let place = Self { home: tempfile::tempdir().unwrap(), server: Server::new() };
        let text = format!("default: here\nenvironments:\n  here:\n    base_url: URL\n    {settings}\n");
        let folder = place.home.path().join(".config/restwalk");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("restwalk.yaml"), text.replace("URL", &place.server.url())).unwrap();
        fs::write(folder.join("r.yaml"), CATALOG).unwrap();
        place
    }

    /// An answer that says that it is fresh for a minute, and how often it has to be asked for.
    fn fresh(&mut self, path: &str, times: usize) -> Mock {
        let mock = self.server.mock("GET", path).with_header("cache-control", "max-age=60");
        mock.with_header("content-type", "application/json").with_body("[1]").expect(times).create()
    }

    fn kept(&self) -> PathBuf {
        self.home.path().join(".cache/restwalk/http")
    }

    /// What `words` print, where they end well.
    fn said(&self, words: &str) -> String {
        let (exit, out, err) = self.ended(words);
        assert_eq!((exit, &*err), (0, ""), "{words}: {out}");
        out
    }

    fn ended(&self, words: &str) -> (u8, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io::buffers(&mut out, &mut err);
        io.directory = self.home.path().into();
        io.variables.insert("HOME".into(), self.home.path().display().to_string());
        let exit = run(words.split(' '), &mut io);
        drop(io);
        note(&[&out, &err]);
        (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }
}

const CATALOG: &str = "
resources:
  kept: { route: /kept, methods: { GET: { cache: 60 }, POST: } }
  one: { route: '/kept/{id}', methods: { GET: { cache: { ttl: 60 } }, PUT: { affects: ['/other/{id}'] } } }
  never: { route: /never, methods: { GET: { cache: off } } }
  plain: { route: /plain, methods: [GET] }
  other: { route: '/other/{id}', methods: { GET: { cache: 60 } } }
";

#[test]
fn nothing_is_kept_unless_somebody_says_so() {
    let mut place = Place::new("");
    let asked = place.fresh("/a", 3);
    for words in ["a", "--no-cache a", "-m a"] {
        assert!(!place.said(words).contains("From cache"));
    }
    asked.assert();
    assert!(!place.kept().exists());
    assert_eq!((place.said("cache ls"), place.said("cache ls --json")), (String::new(), "[]".to_owned()));
    assert_eq!(place.said("cache clear"), "forgotten: the answers of 0 URLs, and 0 catalogs\n");
    assert!(!place.kept().exists());
}

#[test]
fn an_environment_says_that_answers_are_kept() {
    let mut place = Place::new("cache: true");
    let asked = place.fresh("/a", 2);
    assert_eq!(place.said("a"), "[1]");
    fs::write(place.home.path().join("names"), "{\"name\": \"a\"}\n").unwrap();
    for words in ["a", "-b a", "--all a", "--each names {name}"] {
        assert_eq!(place.said(words).split_whitespace().collect::<String>(), "[1]", "{words}");
    }
    assert!(place.said("-m a").contains("Attempts: 0\nFrom cache: yes\n"));
    assert_eq!(place.said("--refresh -m a").matches("From cache").count(), 0);
    assert!(place.said("-m a").contains("From cache: yes\n"));
    asked.assert();
    let plain = place.fresh("/b", 2);
    for _ in 0..2 {
        assert_eq!(place.said("--no-cache b"), "[1]");
    }
    plain.assert();
}

#[test]
fn an_option_says_so_for_one_run() {
    for settings in ["", "cache: off"] {
        let mut place = Place::new(settings);
        let asked = place.fresh("/a", 2);
        for words in ["--cache a", "--cache a", "a"] {
            assert_eq!(place.said(words), "[1]", "{words}");
        }
        asked.assert();
    }
    let (exit, _, err) = Place::new("").ended("--cache --no-cache a");
    assert!(exit == 2 && err.contains("cannot be used with"), "{err}");
}

#[test]
fn a_catalog_says_so_for_its_routes() {
    let mut place = Place::new("catalog: r.yaml");
    let mut body = |path: &str, times| {
        let mock = place.server.mock("GET", path).with_header("cache-control", "max-age=60");
        mock.with_body("1").expect(times).create()
    };
    let asked = [body("/kept", 1), body("/plain", 2), body("/never", 2)];
    for path in ["kept", "plain", "never"] {
        for _ in 0..2 {
            assert_eq!(place.said(path), "1", "{path}");
        }
    }
    asked.iter().for_each(Mock::assert);
    let mut off = Place::new("catalog: r.yaml\n    cache: off");
    let asked = off.server.mock("GET", "/kept").expect(2).create();
    for _ in 0..2 {
        off.said("kept");
    }
    asked.assert();
}

#[test]
fn c09_a_call_that_changes_something_makes_untrue_what_earlier_runs_kept() {
    let mut place = Place::new("catalog: r.yaml");
    let asked = ["/kept", "/kept/1", "/kept/2", "/other/1", "/other/2"].map(|path| {
        let times = if path.ends_with('2') { 1 } else { 2 };
        place.server.mock("GET", path).with_body("1").expect(times).create()
    });
    place.server.mock("PUT", "/kept/1").create();
    let read = |place: &Place| {
        for path in ["kept", "kept/1", "kept/2", "other/1", "other/2"] {
            assert_eq!(place.said(path), "1", "{path}");
        }
    };
    read(&place);
    place.said("put kept/1 a=1");
    // What lies above is another resource, which the catalog would have to name.
    for path in ["kept/1", "kept/2", "other/1", "other/2"] {
        assert_eq!(place.said(path), "1", "{path}");
    }
    place.server.mock("POST", "/kept").create();
    place.said("--no-cache post kept a=1");
    place.said("kept");
    asked.iter().for_each(Mock::assert);
}

#[test]
fn c01_an_answer_is_given_again_to_whom_it_was_for() {
    let mut place = Place::new("cache: 60");
    let mut of = |token: &str, body: &str| {
        let token = Matcher::Exact(format!("Bearer {token}"));
        place.server.mock("GET", "/me").match_header("authorization", token).with_body(body).expect(1).create()
    };
    let asked = [of("one", "first"), of("two", "second")];
    for _ in 0..2 {
        for (token, body) in [("one", "first"), ("two", "second")] {
            let (_, out, _) = place.ended(&format!("-A bearer -a {token} me"));
            assert_eq!(out, body);
        }
    }
    asked.iter().for_each(Mock::assert);
}

#[test]
fn what_is_kept_is_listed_without_secrets_and_forgotten() {
    let mut place =
        Place::new("cache: true\n    catalog: r.yaml\n    auth: { api_key: { query: key, value: CNRY-key } }");
    let asked = place.server.mock("GET", "/kept").match_query(Matcher::Any).with_body("12345").expect(2).create();
    let get = |place: &Place| place.ended("kept q==1 access_token==CNRY-q").1;
    assert_eq!((get(&place), get(&place)), ("12345".to_owned(), "12345".to_owned()));
    let listed = place.ended("cache ls").1;
    let url = format!("{}/kept?q=1&access_token=***\n", place.server.url());
    assert!(listed.starts_with("200  ") && listed.contains("  fresh for ") && listed.ends_with(&url), "{listed}");
    assert!(!listed.contains("CNRY"), "{listed}");
    let json: serde_json::Value = serde_json::from_str(&place.ended("cache ls --json").1).unwrap();
    assert_eq!((&json[0]["url"], &json[0]["status"]), (&url.trim_end().into(), &200.into()));
    assert!(json[0]["fresh_for"].as_u64() > Some(30) && json[0]["bytes"].as_u64() >= Some(5), "{json}");
    assert_eq!(place.ended("cache ls -J .[].status").1, "200\n");
    let cleared = place.ended("cache clear").1;
    assert_eq!(cleared, "forgotten: the answers of 1 URL, and 0 catalogs\n");
    assert_eq!(place.ended("cache ls").1, "");
    get(&place);
    asked.assert();
    let (exit, _, err) = place.ended("cache");
    assert!(exit == 2 && err.contains("cache takes ls or clear"), "{err}");
}

#[test]
fn an_environment_has_a_folder_of_its_own() {
    let mut place = Place::new("cache: { disk: mine, ttl: 60 }");
    let asked = place.server.mock("GET", "/a").with_body("1").expect(1).create();
    for _ in 0..2 {
        assert_eq!(place.said("a"), "1");
    }
    asked.assert();
    let folder = place.home.path().join(".config/restwalk/mine");
    assert!(folder.is_dir() && !place.kept().exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
    assert!(place.said("cache ls").ends_with("/a\n"));
    assert_eq!(place.said("cache clear"), "forgotten: the answers of 1 URL, and 0 catalogs\n");
}
