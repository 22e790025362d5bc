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

const NAMES: [&str; 12] = [
    "custom_transport",
    "edx",
    "github",
    "in_process",
    "max",
    "max_login",
    "posts",
    "resilience",
    "tour",
    "upload",
    "weather",
    "wipac",
];

/// A program that answers what it is asked, and how many lines it may have.
const ADAPTER: (&str, usize) = ("cache_adapter", 120);

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

/// What an example says, which depends on its source and `variables` alone; some start a provider, found by the path.
fn said(name: &str, variables: &[(&str, &str)]) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let run =
        Command::new(binary(name)).env_clear().env("PATH", path).envs(variables.iter().copied()).output().unwrap();
    let complained = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && complained.is_empty(), "{name}: {}\n{complained}", run.status);
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn every_example_says_what_its_committed_text_says() {
    for name in NAMES {
        let said = said(name, &[]);
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
    let examples: Vec<_> = files.filter(|path| path.extension().is_some_and(|kind| kind == "rs")).collect();
    let names: BTreeSet<_> = examples.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, NAMES.into_iter().chain([ADAPTER.0]).collect());
    for path in &examples {
        let lines = fs::read_to_string(path).unwrap().lines().count();
        let most = if path.ends_with(format!("{}.rs", ADAPTER.0)) { ADAPTER.1 } else { 60 };
        assert!(lines <= most, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_catalogs_of_the_examples_load_from_their_files() {
    for (name, base) in [
        ("github", "https://api.github.com"),
        ("posts", "https://jsonplaceholder.typicode.com"),
        ("weather", "https://api.openweathermap.org/data/2.5"),
    ] {
        let file = sources().join("support").join(name).with_extension("yaml");
        assert_eq!(Catalog::from_file(file).unwrap().base_url(), Some(base));
    }
}

#[test]
fn t11_a_client_of_github_is_a_catalog_and_a_limit() {
    let unsigned = said("github", &[]);
    let lines: Vec<_> = unsigned.lines().map(str::trim).collect();
    for line in [
        "The Octocat has 20412 followers",
        "3 repositories after 2 attempts, \"Hello-World\" the first",
        "GET /search/repositories?sort=stars&order=desc&q=http",
        "application/vnd.github.v3+json",
        "signed in: false",
        // One request a second: the fourth goes after three.
        "4 requests in 3 s",
    ] {
        assert!(lines.contains(&line), "{line} is not in\n{unsigned}");
    }
    let top = lines.iter().skip_while(|line| !line.starts_with("the first five")).skip(1).take(5);
    let stars: Vec<u32> = top.map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
    assert!(stars.len() == 5 && stars.is_sorted_by(|one, next| one > next), "{stars:?}");

    let signed = said("github", &[("GITHUB_TOKEN", "ghp_of_this_test")]);
    assert_eq!(signed, unsigned.replace("signed in: false", "signed in: true"));
}

#[test]
fn t12_a_client_of_the_weather_keeps_half_an_hour_and_shows_no_key() {
    let said = said("weather", &[]);
    let from_cache: Vec<_> = said.lines().filter_map(|line| line.split_once("from the cache ")).collect();
    let [("London: 12.0 °C, \"scattered clouds\"; ", "false"), (again, "true"), (later, "false")] = from_cache[..]
    else {
        panic!("{said}");
    };
    assert_eq!(again, later);
    // One request in two seconds.
    assert!(said.contains("\n2 requests in 2 s\n"), "{said}");
    // The example holds it against what its service got; here it is read from that service's source.
    let service = fs::read_to_string(sources().join("support/weather.rs")).unwrap();
    let key = service.split_once("KEY: &str = \"").unwrap().1.split('"').next().unwrap();
    assert!(key.len() == 32 && said.contains("appid='\"$APPID\"") && !said.contains(key), "{said}");
}

#[test]
fn t13_a_first_try_reads_twice_and_adds_two_a_second() {
    let said = said("posts", &[]);
    let lines: Vec<_> = said.lines().collect();
    let read = |line: &str, from: &str| {
        let time = line.strip_prefix(&format!("GET /posts/1: 200 OK, from_cache {from}, ")).unwrap();
        time.strip_suffix(" ms").unwrap().parse::<u32>().unwrap()
    };
    assert!(read(lines[1], "true") < read(lines[0], "false"));
    assert_eq!(lines[2], "POST /posts: 201 Created, id 101, 2 attempts");
    assert_eq!(lines[4], "two more: 201 Created, 201 Created, 1000 ms");
    read(lines[5], "false");
}

/// Two that ask for the same at once are one request, and one that cannot be answered fails as a gateway would.
#[cfg(feature = "http")]
#[test]
fn the_adapter_answers_each_line_through_one_cache() {
    use std::{
        io::Write,
        process::Stdio,
        sync::atomic::{AtomicU32, Ordering::Relaxed},
    };

    use crate::support::serve::{Server, closed_port};

    static ASKED: AtomicU32 = AtomicU32::new(0);
    let answer = async || ([("cache-control", "max-age=60")], ASKED.fetch_add(1, Relaxed).to_string());
    let server = Server::plain(axum::Router::new().route("/n", axum::routing::get(answer)));
    let (here, nowhere) = (format!("{}/n", server.url()), format!("http://127.0.0.1:{}/n", closed_port()));
    let mut adapter =
        Command::new(binary(ADAPTER.0)).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut questions = adapter.stdin.take().unwrap();
    for (id, url) in [(1, &here), (2, &here), (3, &nowhere)] {
        writeln!(questions, "{}", json!({ "id": id, "method": "GET", "url": url, "headers": [] })).unwrap();
    }
    drop(questions);
    let said = String::from_utf8(adapter.wait_with_output().unwrap().stdout).unwrap();
    let mut answers: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    answers.sort_by_key(|answer| answer["id"].as_u64());
    let told: Vec<_> = answers.iter().map(|answer| (&answer["status"], &answer["body"])).collect();
    let (found, body, failed, empty) = (json!(200), json!("0"), json!(502), json!(""));
    assert_eq!(told, [(&found, &body), (&found, &body), (&failed, &empty)]);
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
