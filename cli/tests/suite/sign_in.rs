//! `login`, `logout`, `whoami`, and calls that go by what they leave.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use restwalk::{Local, Transport};
use restwalk_cli::{Io, Stop, Stream, run};
use serde_json::{Value, json};
use tempfile::TempDir;

type Pairs = Vec<(String, String)>;

/// An answer of JSON.
struct Json(Value);

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        ([("content-type", "application/json")], self.0.to_string()).into_response()
    }
}

fn pairs(form: &str) -> Pairs {
    form_urlencoded::parse(form.as_bytes()).into_owned().collect()
}

/// An OAuth server, and the API behind it.
#[derive(Clone, Default)]
struct Service {
    /// What was asked of it: a path, and a form or the credentials.
    asked: Arc<Mutex<Vec<(String, String)>>>,
    /// The refresh tokens and access tokens that are good.
    good: Arc<Mutex<Vec<String>>>,
    /// Ends the run when a code is asked for.
    stop: Stop,
    /// What the server cannot do.
    broken: &'static str,
}

impl Service {
    fn note(&self, path: &str, what: String) {
        self.asked.lock().unwrap().push((path.to_owned(), what));
    }

    fn asked(&self, path: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(known, _)| known == path).map(|(_, what)| what.clone()).collect()
    }

    fn transport(&self) -> Arc<dyn Transport> {
        let router = Router::new()
            .route("/token", post(token))
            .route("/device", post(device))
            .route("/revoke", post(revoke))
            .route("/userinfo", get(userinfo))
            .route("/info", get(|| async { Json(json!({"max": {"oauth_server": "https://id.test"}})) }))
            .fallback(api)
            .with_state(self.clone());
        Arc::new(Local::new(router))
    }
}

fn refused(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error, "error_description": "no, CNRY-pass is wrong"})))
        .into_response()
}

async fn token(State(service): State<Service>, form: String) -> Response {
    let form = pairs(&form);
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value);
    let names: Vec<_> = form.iter().map(|(name, _)| name.as_str()).collect();
    service.note("/token", format!("{} {}", field("grant_type"), names.join(" ")));
    while service.broken == "slow" && service.asked("/people").len() < 2 {
        tokio::task::yield_now().await;
    }
    match field("grant_type") {
        _ if service.broken == "token" => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "password" if field("password") != "CNRY-pass" => return refused("invalid_grant"),
        "refresh_token" if !service.good.lock().unwrap().contains(&field("refresh_token").to_owned()) => {
            return refused("invalid_grant");
        }
        _ => {}
    }
    let number = service.asked("/token").len();
    let (access, refresh) = (format!("CNRY-access-{number}"), format!("CNRY-refresh-{number}"));
    service.good.lock().unwrap().extend([access.clone(), refresh.clone()]);
    let answer = json!({"access_token": access, "refresh_token": refresh, "token_type": "bearer", "expires_in": 3600, "scope": "people.read"});
    Json(answer).into_response()
}

async fn device(State(service): State<Service>) -> Json {
    service.note("/device", String::new());
    if service.broken == "patience" {
        service.stop.end(130);
    }
    Json(json!({
        "device_code": "CNRY-device", "user_code": "WDJB\u{1b}[2J-MJHT", "verification_uri": "https://id.test/activate",
        "verification_uri_complete": "https://id.test/activate?user_code=WDJB", "interval": 1, "expires_in": 600,
    }))
}

async fn revoke(State(service): State<Service>, form: String) -> StatusCode {
    let form = pairs(&form);
    let token = form.iter().find(|(name, _)| name == "token").map_or_else(String::new, |(_, value)| value.clone());
    service.good.lock().unwrap().retain(|good| *good != token);
    service.note("/revoke", token);
    if service.broken == "revoke" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}

async fn userinfo() -> Json {
    Json(json!({"sub": "4711", "preferred_username": "ada\u{1b}[2J"}))
}

async fn api(State(service): State<Service>, uri: Uri, headers: HeaderMap) -> StatusCode {
    let text = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let sent = ["authorization", "x-oauth-token", "x-oauth-username", "x-oauth-scope"].map(text);
    let token = sent[0].strip_prefix("Bearer ").unwrap_or(&sent[1]).to_owned();
    service.note(uri.path(), sent.join("|"));
    if service.good.lock().unwrap().contains(&token) { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED }
}

/// A person's home, with environments, and the server that they are about.
struct Home {
    folder: TempDir,
    service: Service,
    variables: Vec<(String, String)>,
}

/// What a run said.
#[derive(Debug)]
struct Said {
    exit: u8,
    out: String,
    err: String,
}

const ID: &str = "token_url: 'https://id.test/token', device_url: 'https://id.test/device', \
                  authorization_url: 'https://id.test/authorize', revocation_url: 'https://id.test/revoke', \
                  userinfo_url: 'https://id.test/userinfo', client_id: cli";

impl Home {
    /// A home whose only environment signs in by `oauth2`.
    fn new(oauth2: &str) -> Self {
        Self::of(&format!(
            "default: e\nenvironments: {{e: {{base_url: 'https://api.test', auth: {{oauth2: {{{oauth2}}}}}}}}}"
        ))
    }

    fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join(".config/restwalk");
        fs::create_dir_all(&config).unwrap();
        fs::write(config.join("restwalk.yaml"), text).unwrap();
        Self { folder, service: Service::default(), variables: Vec::new() }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn tokens(&self) -> PathBuf {
        self.folder.path().join(".local/state/restwalk/tokens.json")
    }

    /// Runs `words` without a terminal.
    fn said(&self, words: &str) -> Said {
        self.typed(words, "", Stream::Other)
    }

    /// Runs `words`, and types lines, one at a time.
    fn typed(&self, words: &str, lines: &str, stream: Stream) -> Said {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io::buffers(&mut out, &mut err);
        if stream == Stream::Terminal {
            io.stderr.1 = stream;
            io.echo = Some(Box::new(|_| Ok(())));
        }
        io.stdin = (Box::new(Lines(lines.as_bytes())), stream);
        io.directory = self.folder.path().into();
        io.variables.insert("HOME".into(), self.folder.path().display().to_string());
        io.variables.extend(self.variables.iter().cloned());
        io.service = Some(self.service.transport());
        io.stop = self.service.stop.clone();
        let exit = run(words.split(' '), &mut io);
        drop(io);
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(&self.folder.path().display().to_string(), "HOME");
        Said { exit, out: text(out), err: text(err) }
    }
}

/// Gives one line a read, as a terminal does.
struct Lines<'a>(&'a [u8]);

impl Read for Lines<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.0.iter().position(|byte| *byte == b'\n').map_or(self.0.len(), |at| at + 1);
        let (line, rest) = self.0.split_at(length);
        into[..length].copy_from_slice(line);
        self.0 = rest;
        Ok(length)
    }
}

fn password() -> String {
    format!("{ID}, grant: password")
}

#[test]
fn m31_login_asks_for_what_is_missing_and_calls_go_by_what_it_leaves() {
    let home = Home::new(&password());
    let before = home.said("people");
    assert_eq!(before.exit, 7, "{before:?}");
    assert_eq!(before.err, "error: nobody is signed in; restwalk login signs in\n");
    assert!(home.service.asked("/token").is_empty(), "nobody is asked by a call");
    let said = home.typed("login", "ada\nCNRY-pass\n", Stream::Terminal);
    assert_eq!((said.exit, said.out.as_str()), (0, ""), "{said:?}");
    let kept = "HOME/.local/state/restwalk/tokens.json";
    assert_eq!(
        said.err,
        format!(
            "user: password of ada: \nsigned in to e as ada; kept in the file {kept}\n\
             calls act as ada where the environment says so: actor: ada\n"
        )
    );
    assert_eq!(home.service.asked("/token"), ["password grant_type username password client_id"]);
    for _ in 0..2 {
        assert_eq!(home.said("people").exit, 0);
    }
    assert_eq!(home.service.asked("/people"), ["Bearer CNRY-access-1|||"; 2]);
    assert_eq!(home.service.asked("/token").len(), 1);
}

#[test]
fn m30_m32_max_signs_in_where_its_server_says_by_its_own_form_and_headers() {
    let text = "default: max\nenvironments: {max: {base_url: 'https://max.test', catalog: max, actor: ada, \
                auth: {oauth2: {preset: max, trust: ['https://id.test']}}}}";
    let home = Home::of(text).with("RESTWALK_PASSWORD", "CNRY-pass");
    let said = home.said("login");
    assert_eq!((said.exit, said.err.lines().count()), (0, 1), "{said:?}");
    assert_eq!(home.service.asked("/token"), ["password grant_type username password scope bypass client_id"]);
    assert_eq!(home.said("people/:me").exit, 0);
    assert_eq!(home.service.asked("/people/ada"), ["|CNRY-access-1|ada|people.read"]);
    let offline = home.said("--offline people/:me");
    assert_eq!(offline.exit, 2, "where its OAuth server is, nobody is asked: {offline:?}");
}

#[test]
fn m31_a_bad_password_is_told_and_never_shown() {
    let home = Home::new(&password());
    for (words, lines) in [("login", "ada\nCNRY-bad\n"), ("login -a ada:CNRY-bad", ""), ("login -a ada", "CNRY-bad\n")]
    {
        let said = home.typed(words, lines, Stream::Terminal);
        assert_eq!(said.exit, 7, "{said:?}");
        assert!(said.err.contains("invalid_grant") && !said.err.contains("CNRY-bad"), "{said:?}");
        assert_eq!(said.err.contains("others on this machine can read"), words.contains(':'), "X10: {said:?}");
    }
    assert_eq!(home.said("people").exit, 7);
}

#[test]
fn x09_nobody_is_waited_for_where_nobody_is() {
    for (settings, words) in [(password(), "login"), (password(), "login -a ada"), (password(), "people")] {
        let home = Home::new(&settings);
        let said = home.said(&format!("--error-format=json {words}"));
        assert_eq!(said.exit, 7);
        assert!(said.err.contains("\"auth.required\""), "{said:?}");
        assert!(home.service.asked.lock().unwrap().is_empty());
    }
}

#[test]
fn x10_a_password_comes_from_a_file_a_pipe_or_a_variable() {
    let home = Home::new(&password());
    fs::write(home.folder.path().join("secret"), "ada:CNRY-pass\n").unwrap();
    for (words, stdin, stream) in
        [("login -a @secret", "", Stream::Other), ("login -a -", "ada:CNRY-pass\n", Stream::Pipe)]
    {
        let said = home.typed(words, stdin, stream);
        assert!(said.exit == 0 && !said.err.contains("warning") && !said.err.contains("CNRY"), "{said:?}");
    }
    let home = home.with("RESTWALK_PASSWORD", "CNRY-pass");
    assert_eq!(home.said("login -a ada").exit, 0);
}

#[test]
fn a_device_signs_in_by_a_code_in_plain_text() {
    let home = Home::new(&format!("{ID}, grant: device"));
    let said = home.said("login");
    assert_eq!(said.exit, 0, "{said:?}");
    let expected = "open https://id.test/activate\nand enter WDJB\\u{1b}[2J-MJHT\n\
                    or open https://id.test/activate?user_code=WDJB\nwithin 10 min\n";
    assert!(said.err.starts_with(expected) && !said.err.contains("CNRY"), "{said:?}");
    assert_eq!(home.said("people").exit, 0);
}

#[test]
fn o55_a_sign_in_that_is_ended_leaves_nothing() {
    let mut home = Home::new(&format!("{ID}, grant: device"));
    home.service.broken = "patience";
    let said = home.said("login");
    assert_eq!((said.exit, said.out.as_str()), (130, ""), "{said:?}");
    assert!(home.service.asked("/token").is_empty());
    home.service.stop = Stop::default();
    assert_eq!(home.said("people").exit, 7);
    let kept = fs::read_to_string(home.tokens()).unwrap_or_default();
    assert!(!kept.contains("access_token"), "{kept}");
}

#[test]
#[cfg(unix)]
fn x13_a_browser_is_started_with_the_address_alone() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::new(&format!("{ID}, client_secret: 'env:MINE', scopes: 'a b'"));
    let (script, seen) = (home.folder.path().join("browser"), home.folder.path().join("seen"));
    let text = format!("#!/bin/sh\n{{ echo \"$#\"; echo \"$1\"; env; }} > {0}.part; mv {0}.part {0}\n", seen.display());
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let home = home
        .with("BROWSER", &script.display().to_string())
        .with("PATH", &path)
        .with("MINE", "CNRY-mine")
        .with("RESTWALK_PASSWORD", "CNRY-password")
        .with("FOREIGN_TOKEN", "CNRY-foreign");
    let person = thread::spawn(move || {
        while !seen.exists() {
            thread::yield_now();
        }
        let seen = fs::read_to_string(seen).unwrap();
        let url: http::Uri = seen.lines().nth(1).unwrap().parse().unwrap();
        let pairs = pairs(url.query().unwrap());
        let one = |name: &str| pairs.iter().find(|(known, _)| known == name).unwrap().1.clone();
        let back: http::Uri = one("redirect_uri").parse().unwrap();
        let mut stream = TcpStream::connect(back.authority().unwrap().as_str()).unwrap();
        let line = format!(
            "GET {}?code=CNRY-code&state={} HTTP/1.1\r\nhost: {}\r\n\r\n",
            back.path(),
            one("state"),
            back.authority().unwrap()
        );
        stream.write_all(line.as_bytes()).unwrap();
        let mut answer = [0; 64];
        let _ = stream.read(&mut answer);
        (seen, String::from_utf8_lossy(&answer).into_owned())
    });
    let said = home.said("login");
    assert_eq!(said.exit, 0, "{said:?}");
    let (seen, answer) = person.join().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(seen.starts_with("1\nhttps://id.test/authorize?response_type=code&client_id=cli&"), "{seen}");
    assert!(!seen.contains("CNRY"), "{seen}");
    assert!(said.err.contains("sign in in the browser of this machine:\nhttps://id.test/authorize?"), "{said:?}");
    assert_eq!(home.service.asked("/token").len(), 1);
    assert_eq!(home.said("people").exit, 0);
}

#[test]
fn whoami_tells_the_account_and_no_secret() {
    let home = Home::new(&format!("{}, username: ada, scopes: people.read", password()))
        .with("RESTWALK_PASSWORD", "CNRY-pass");
    for words in ["whoami", "whoami --offline"] {
        let nobody = home.said(words);
        assert!(nobody.exit == 7 && nobody.out.is_empty(), "{nobody:?}");
    }
    assert_eq!(home.said("login").exit, 0);
    let said = home.said("whoami");
    assert_eq!(said.exit, 0, "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines[..2], ["environment: e", "account: ada\\u{1b}[2J"], "{said:?}");
    assert!(lines[2].starts_with("auth: OAuth 2.0 by password, token_url https://id.test/token, "), "{said:?}");
    assert_eq!(
        lines[3..],
        ["scopes: people.read", "token: ends in 59 min", "store: the file HOME/.local/state/restwalk/tokens.json"]
    );
    let offline = home.said("whoami --offline");
    assert!(offline.out.contains("account: ada\n") && offline.exit == 0, "{offline:?}");
    assert!(!format!("{said:?}{offline:?}").contains("CNRY"));
    let stranger = home.said("whoami -e demo");
    assert_eq!(stranger.exit, 2, "{stranger:?}");
}

#[test]
fn o34_logout_forgets_here_and_revokes_there_or_warns() {
    for (broken, warned) in [("", false), ("revoke", true)] {
        let mut home = Home::new(&password()).with("RESTWALK_PASSWORD", "CNRY-pass");
        home.service.broken = broken;
        assert_eq!(home.said("login -a ada").exit, 0);
        let said = home.said("logout");
        assert_eq!((said.exit, said.out.as_str()), (0, ""), "{said:?}");
        assert!(said.err.ends_with("signed out of e\n") && !said.err.contains("CNRY"), "{said:?}");
        assert_eq!(
            said.err.contains("the refresh token is forgotten here, and the server may still accept it"),
            warned
        );
        assert_eq!(home.service.asked("/revoke"), ["CNRY-refresh-1", "CNRY-access-1"]);
        assert!(!fs::read_to_string(home.tokens()).unwrap().contains("CNRY"));
        assert_eq!(home.said("people").exit, 7);
        assert_eq!(home.said("logout").exit, 0, "twice is as good as once");
    }
}

#[test]
fn x01_a_sign_in_that_fails_has_its_exit_code() {
    let mut home = Home::new(&format!("{ID}, grant: client_credentials, client_secret: 'env:S'")).with("S", "CNRY-s");
    home.service.broken = "token";
    let said = home.said("people");
    assert!(said.exit == 1 && !said.err.contains("CNRY"), "a server that cannot be asked: {said:?}");
    let said = home.said("login");
    assert!(said.exit == 2 && said.err.contains("nobody has to log in"), "{said:?}");
    home.service.broken = "";
    assert_eq!(home.said("people").exit, 0);
    let home = Home::new(&password()).with("RESTWALK_PASSWORD", "CNRY-pass");
    assert_eq!(home.said("login -a ada").exit, 0);
    home.service.good.lock().unwrap().clear();
    let said = home.said("people");
    assert_eq!(said.exit, 7, "{said:?}");
    assert!(said.err.contains("restwalk login signs in again"), "{said:?}");
}

#[test]
fn o23_a_renewal_in_the_background_is_waited_for_before_the_run_ends() {
    let mut home = Home::new(&password()).with("RESTWALK_PASSWORD", "CNRY-pass");
    assert_eq!(home.said("login -a ada").exit, 0);
    // The hour is nearly over: the token is still good, and another is got meanwhile.
    let mut kept: Value = serde_json::from_str(&fs::read_to_string(home.tokens()).unwrap()).unwrap();
    age(&mut kept, 3_500_000);
    fs::write(home.tokens(), kept.to_string()).unwrap();
    home.service.broken = "slow";
    fs::write(home.folder.path().join("records"), "{}\n{}\n").unwrap();
    let said = home.said("--each records -n 1 people");
    assert_eq!(said.exit, 0, "{said:?}");
    assert_eq!(home.service.asked("/people"), ["Bearer CNRY-access-1|||"; 2], "nobody waits for it");
    let kept = fs::read_to_string(home.tokens()).unwrap();
    assert!(kept.contains("CNRY-refresh-2") && !kept.contains("CNRY-refresh-1"), "and none is lost");
}

/// Makes all times in a file of tokens so many milliseconds earlier.
fn age(value: &mut Value, millis: u64) {
    match value {
        Value::Object(map) => map.iter_mut().for_each(|(name, value)| match value.as_u64() {
            Some(time) if matches!(&**name, "issued_at" | "expires_at") => *value = json!(time - millis),
            _ => age(value, millis),
        }),
        Value::Array(list) => list.iter_mut().for_each(|value| age(value, millis)),
        _ => {}
    }
}

#[test]
fn words_of_a_sign_in_say_what_they_need() {
    let plain = Home::of("default: e\nenvironments: {e: {base_url: 'https://api.test', auth: {bearer: 'env:T'}}}");
    for (words, exit, part) in [
        ("login", 2, "the environment e does not sign in by OAuth 2.0"),
        ("logout", 2, "the environment e does not sign in by OAuth 2.0"),
        ("login more", 2, "login takes no words; -e NAME names the environment"),
        ("login -e demo", 2, "login is about an environment, and none is chosen"),
        ("login --no-auth", 2, "login sends credentials, which these options keep back"),
        ("--browser people", 2, "--browser goes with login"),
        ("--device people", 2, "--device goes with login"),
        ("login --browser --device", 2, "cannot be used with"),
        ("-A ntlm -a ada people", 2, "-A ntlm is a sign-in that restwalk does not know"),
        ("-A oauth2 -a ada people", 2, "OAuth 2.0 is described in restwalk.yaml"),
    ] {
        let said = plain.said(words);
        assert!(said.exit == exit && said.err.contains(part), "{words}: {said:?}");
    }
    let said = plain.said("whoami");
    assert_eq!((said.exit, said.out.as_str()), (0, "environment: e\nauth: Bearer, env:T\n"), "{said:?}");
    let device = Home::new(&format!("{ID}, grant: device"));
    assert!(device.said("login -a ada").err.contains("-a goes with the grant password"));
}

#[test]
fn x10_a_kind_of_sign_in_is_named_by_its_type() {
    let home = Home::of("environments: {}");
    fs::write(home.folder.path().join("t"), "tok\n").unwrap();
    for (kind, expected) in [("bearer", "Bearer tok|||"), ("jwt", "JWT tok|||"), ("Custom", "Custom tok|||")] {
        let said = home.said(&format!("--base-url https://api.test -A {kind} -a @t {kind}"));
        assert_eq!(home.service.asked(&format!("/{kind}")), [expected], "{said:?}");
    }
    let said = home.with("RESTWALK_PASSWORD", "CNRY-pass");
    let ran = said.said("--base-url https://api.test -a ada basic");
    assert_eq!(said.service.asked("/basic"), ["Basic YWRhOkNOUlktcGFzcw==|||"], "{ran:?}");
}
