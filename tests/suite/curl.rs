//! X41: the `curl` line sends what the call sends, byte for byte but for the boundary of a form.

use std::process::Command;

use restwalk::{Auth, Call, Part, json};

use crate::support::{
    self,
    fault::{FaultServer, Heard},
};

/// Text that a shell, curl and a form would each like to read in their own way.
const NASTY: &str = "it's \"quoted\" $(id) `id` ${HOME} \\n\n\ttab ; & | < > * ? ~ # ! % é 日本 \u{1f600} @x";

/// Runs `line` in a POSIX shell with `variables`.
fn shell(line: &str, variables: &[(&str, &str)]) {
    let curl = Command::new("curl").arg("--version").output();
    assert!(curl.is_ok(), "curl is missing: apt-get install -y curl");
    let run =
        Command::new("sh").arg("-c").arg(line).envs(variables.iter().copied()).env("no_proxy", "*").output().unwrap();
    assert!(run.status.success(), "{line}\n{}", String::from_utf8_lossy(&run.stderr));
}

/// What is sent, made comparable: headers sorted, the boundary of a form given one name.
fn normal(heard: &Heard) -> Heard {
    let mut heard = heard.clone();
    let boundary =
        heard.header("content-type").and_then(|kind| kind.split_once("boundary=")).map(|(_, text)| text.to_owned());
    if let Some(boundary) = boundary {
        let text = String::from_utf8(heard.body.clone()).unwrap();
        heard.body = text.replace(&boundary, "BOUNDARY").into_bytes();
        for (name, value) in &mut heard.headers {
            *value = value.replace(&boundary, "BOUNDARY");
            if name == "content-length" {
                *value = heard.body.len().to_string();
            }
        }
    }
    heard.headers.sort();
    heard
}

/// Sends the call both ways and compares what arrived.
async fn same(describe: impl Fn(&restwalk::Client) -> Call, variables: &[(&str, &str)]) {
    same_of(support::builder, describe, variables).await;
}

async fn same_of(
    builder: impl Fn(&str) -> restwalk::ClientBuilder,
    describe: impl Fn(&restwalk::Client) -> Call,
    variables: &[(&str, &str)],
) {
    let server = FaultServer::keeping("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let client = builder(&server.url()).build().unwrap();
    let line = describe(&client).to_curl().unwrap();
    for (_, secret) in variables {
        assert!(!line.contains(secret), "{line}");
    }
    shell(&line, variables);
    describe(&client).send().await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2, "{line}");
    let (by_curl, by_us) = (normal(&requests[0]), normal(&requests[1]));
    assert_eq!(show(&by_curl), show(&by_us), "{line}");
    assert_eq!(by_curl, by_us, "{line}");
}

fn show(heard: &Heard) -> String {
    let headers: Vec<_> = heard.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("{} {}\n{}\n\n{}", heard.method, heard.target, headers.join("\n"), String::from_utf8_lossy(&heard.body))
}

#[tokio::test]
async fn x41_a_get_with_a_query() {
    same(|client| client.res("people").item("a b$(id)'").get().query("q", NASTY).query("[x]{1,2}", [1, 2]), &[]).await;
}

#[tokio::test]
async fn x41_a_post_of_nasty_json() {
    same(|client| client.res("x").post().set("text", NASTY).set("é", [1]), &[]).await;
    same(|client| client.res("x").put().data("@/etc/hostname"), &[]).await;
    same(|client| client.res("x").post().body("@/etc/hostname", "text/plain"), &[]).await;
}

#[tokio::test]
async fn x41_a_body_of_any_bytes() {
    let bytes: Vec<u8> = (0..=255).chain(*b"\0\r\n%s\\101").collect();
    same(move |client| client.res("x").put().body(bytes.clone(), "application/octet-stream"), &[]).await;
}

#[tokio::test]
async fn x41_a_form() {
    same(|client| client.res("x").post().form(json!({"a": NASTY, "b": [1, 2]})), &[]).await;
}

#[tokio::test]
async fn x41_an_upload_with_quotes_in_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it's \"q\" $(id);,=.txt");
    std::fs::write(&path, "the file's content\n").unwrap();
    let named = move |client: &restwalk::Client| {
        client.res("x").post().set("text", NASTY).upload_file(&path).upload(
            Part::bytes("a \"text\" <part> @x;type=y").named("a \"field\"; x, y").file_name("it's; \"b\\\" é.txt"),
        )
    };
    same(named, &[]).await;
    let files = |client: &restwalk::Client| {
        let odd = Part::bytes("@/etc/hostname").content_type("text/csv; charset=utf-8");
        let note = Part::text("note", format!("<@{NASTY};type=x"));
        client.res("x").post().upload(odd).upload(Part::bytes("</etc/hostname")).upload(note)
    };
    same(files, &[]).await;
}

#[tokio::test]
async fn x41_methods_without_a_body() {
    same(|client| client.res("x").head(), &[]).await;
    same(|client| client.res("x").delete(), &[]).await;
    same(|client| client.res("x").options(), &[]).await;
    same(|client| client.res("x").method("PURGE"), &[]).await;
}

#[tokio::test]
async fn x41_an_empty_post() {
    same(|client| client.res("x").post(), &[]).await;
    same(|client| client.res("x").put(), &[]).await;
    same(|client| client.res("x").post().body("", "text/plain"), &[]).await;
    same(|client| client.res("x").delete().data(json!({"a": 1})), &[]).await;
}

#[tokio::test]
async fn x41_headers_are_the_calls_own() {
    same(|client| client.res("x").get().header("accept", "text/csv").header("x-many", "1").header("x-many", "2"), &[])
        .await;
    same(|client| client.res("x").get().header("x-empty", "").header("x-nasty", "it's $(id) \"é\"; `x`"), &[]).await;
}

#[tokio::test]
async fn x41_credentials_stand_as_variables() {
    let bearer = [("AUTHORIZATION", "Bearer CNRY'$(id)")];
    same_of(|url| support::builder(url).auth(Auth::bearer("CNRY'$(id)")), |client| client.res("x").get(), &bearer)
        .await;
    let key = [("API_KEY", "CNRY-key.1")];
    let by_query = |url: &str| support::builder(url).auth(Auth::api_key_query("api-key", "CNRY-key.1"));
    same_of(by_query, |client| client.res("x").get().query("q", 1), &key).await;
    same_of(by_query, |client| client.res("x").get(), &key).await;
    let own = [("COOKIE", "CNRY=1")];
    same(|client| client.res("x").get().header("Cookie", "CNRY=1"), &own).await;
    let max = [("X_OAUTH_TOKEN", "CNRY"), ("X_OAUTH_SCOPE", "CNRY-scope")];
    let templates = |url: &str| {
        let auth = Auth::headers([("X-Oauth-Token", "{t}"), ("X-Oauth-Scope", "{s}")]);
        support::builder(url).auth(auth.with("t", "CNRY").with("s", "CNRY-scope"))
    };
    same_of(templates, |client| client.res("x").post().set("a", 1), &max).await;
}

#[test]
fn x41_what_a_line_cannot_hold_is_refused() {
    let client = support::local();
    let stream = Part::stream(futures_util::stream::empty::<Result<bytes::Bytes, std::io::Error>>(), None);
    for part in [stream, Part::bytes([0xff, 0xfe].to_vec()), Part::bytes("x").named("a=b")] {
        let error = client.res("x").post().upload(part).to_curl().unwrap_err();
        assert_eq!(error.code(), "invalid_input.request", "{error}");
    }
}
