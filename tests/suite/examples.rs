//! Each example runs, and says what its committed text says; `RESTWALK_WRITE_OUTPUT=1` writes the texts anew.
//!
//! `cargo test` builds the examples; before `cargo test --test suite`, which does not, run `cargo build --examples`.

use std::{
    collections::BTreeSet,
    env::consts::EXE_SUFFIX,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use restwalk::{Auth, Catalog, Client, Value, json};

#[path = "../../examples/support/max.rs"]
mod max;

const NAMES: [&str; 9] =
    ["custom_transport", "edx", "in_process", "max", "max_login", "resilience", "tour", "upload", "wipac"];

/// No example to read, but a program that a suite of tests for caches talks to.
const ADAPTER: &str = "cache_adapter.rs";

/// The folder `examples` of the package.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The built example, beside the folder of this test's binary.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let path = profile.join("examples").join(format!("{name}{EXE_SUFFIX}"));
    assert!(path.is_file(), "{name} is not built; run `cargo build --examples` with the features of this test");
    path
}

#[test]
fn every_example_says_what_its_committed_text_says() {
    for name in NAMES {
        // What an example says depends on its source alone; some start a provider, which is found by the path.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let run = Command::new(binary(name)).env_clear().env("PATH", path).output().unwrap();
        let (said, complained) = (String::from_utf8(run.stdout).unwrap(), String::from_utf8_lossy(&run.stderr));
        assert!(run.status.success() && complained.is_empty(), "{name}: {}\n{complained}", run.status);
        let text = sources().join("output").join(name).with_extension("txt");
        if std::env::var_os("RESTWALK_WRITE_OUTPUT").is_some() {
            fs::write(&text, &said).unwrap();
        }
        let committed = fs::read_to_string(&text).unwrap_or_default().replace("\r\n", "\n");
        assert_eq!(said, committed, "{name} differs from {}", text.display());
    }
}

#[test]
fn every_example_is_run_and_fits_a_screen() {
    let files = fs::read_dir(sources()).unwrap().map(|entry| entry.unwrap().path());
    let is_one = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with(ADAPTER);
    let examples: Vec<_> = files.filter(is_one).collect();
    let names: BTreeSet<_> = examples.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(NAMES));
    for path in &examples {
        let lines = fs::read_to_string(path).unwrap().lines().count();
        assert!(lines <= 60, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_readme_shows_a_catalog_that_loads_and_files_that_are_there() {
    let readme = fs::read_to_string(sources().with_file_name("README.md")).unwrap();
    let yaml: Vec<_> = readme.split("```yaml\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    let [resources, defaults] = yaml[..] else { panic!("two YAML blocks") };
    let client = Client::local(axum::Router::new()).actor("ada");
    let client = client.catalog(Catalog::from_yaml(resources, defaults).unwrap()).build().unwrap();
    let posts = client.res("authors").item(":me").res("posts");
    assert_eq!(posts.path(), "/authors/ada/posts");
    assert_eq!(posts.defaults(&http::Method::POST).unwrap(), json!({"status": "draft"}));

    let links = readme.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let missing: Vec<_> = links.filter(|link| !sources().with_file_name(link).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn the_examples_server_answers_as_a_live_one() {
    let (service, record) = max::service();
    let client = Client::local(service).actor("Ada").auth(max::sign_in("token")).build().unwrap();
    // method, path, body; status, and what the answer holds
    for (method, path, body, status, part) in [
        ("GET", "nowhere", "", 404, "<html>"),
        ("DELETE", "people", "", 404, "<html>"),
        ("HEAD", "people/ada", "", 404, ""),
        ("POST", "people/Ada", "{}", 201, r#""username":"ada""#),
        ("POST", "people/ADA", "", 200, r#""username":"ada""#),
        ("POST", "people", r#"{"username":"Bob"}"#, 201, r#""username":"bob""#),
        ("PUT", "people/ada", r#"{"displayName":"A"}"#, 200, r#""displayName":"A""#),
        ("GET", "people/eve", "", 404, r#""error":"UnknownUserError""#),
        ("POST", "people/ada/activities", "{broken", 400, r#""error":"MissingField""#),
        ("POST", "people/ada/activities", "{}", 400, "object.content"),
        ("POST", "contexts", r#"{"url":"http://atenea.upc.edu"}"#, 201, "e6847aed3105e85ae603c56eb2790ce85e212997"),
        ("POST", "people/ada/subscriptions", r#"{"object":{"url":"http://atenea.upc.edu"}}"#, 201, "atenea"),
        ("POST", "people/ada/avatar", "no form", 400, ""),
        ("DELETE", "people/bob", "", 204, ""),
        ("GET", "people/bob", "", 404, "error_description"),
    ] {
        let call = client.path(path).method(method);
        let call = if body.is_empty() { call } else { call.body(body, "application/json") };
        let answer = call.send_raw().await.unwrap();
        let (code, text) = (answer.status(), answer.text().await.unwrap());
        assert!(code == status && text.contains(part), "{method} {path}: {code} {text}");
        assert_eq!((record.last().method.as_str(), record.last().text().as_str()), (method, body));
    }
    let overridden = client.path("people/ada").post().header("x-http-method-override", "DELETE").send().await.unwrap();
    assert_eq!(overridden.status(), 204);
    let unknown = client.path("people/ada").put().header("x-http-method-override", "GET").send_raw().await.unwrap();
    assert_eq!(unknown.status(), 404);
    let unsigned = client.with_auth(Auth::none()).path("people").get().send_raw().await.unwrap();
    assert_eq!(unsigned.status(), 401);
    assert_eq!(unsigned.json::<Value>().await.unwrap()["error"], "Unauthorized");
    assert!(client.with_auth(Auth::none()).path("info").get().send().await.unwrap().is_success());
}

#[tokio::test]
async fn the_examples_server_pages_as_a_live_one() {
    let (service, _) = max::service();
    let client = Client::local(service).actor("ada").auth(max::sign_in("token")).build().unwrap();
    client.path("people/ada").post().send().await.unwrap();
    let activities = client.path("people/ada/activities");
    let mut ids = Vec::new();
    for number in 0..12 {
        let made: Value = activities.post().set("object.content", number.to_string()).await.unwrap();
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    for (query, newest, length, more) in [
        ("", 11, 10, true),
        ("limit=3", 11, 3, true),
        ("limit=0", 11, 12, false),
        (&format!("before={}", ids[3]), 2, 3, false),
        (&format!("after={}", ids[3]), 11, 8, false),
        (&format!("after={}&before={}&limit=1", ids[3], ids[6]), 5, 1, true),
    ] {
        let answer = activities.get().query_raw(query).send().await.unwrap();
        assert_eq!(answer.headers().get("x-has-remaining-items").is_some_and(|value| value == "1"), more, "{query}");
        let page: Vec<Value> = answer.json().await.unwrap();
        assert_eq!((page.len(), page[0]["id"].as_str()), (length, Some(ids[newest].as_str())), "{query}");
    }
    let counted = activities.head().send().await.unwrap();
    assert_eq!(counted.headers()["x-totalitems"], "12");
}
