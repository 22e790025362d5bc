//! O32, O40 to O45: a person signs in by a browser of this machine, which talks to the listener over real sockets.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::Uri;
use restwalk::{Client, Error, ErrorKind, OAuth2, Result, SignIn};
use serde_json::{Value, json};

use crate::support::{
    canary::printed,
    script::{Script, Seen, Step, answer},
};

fn metadata() -> Value {
    json!({
        "issuer": "https://id.test",
        "authorization_endpoint": "https://id.test/authorize?audience=x",
        "token_endpoint": "https://id.test/token",
        "authorization_response_iss_parameter_supported": true,
    })
}

fn said(document: &Value) -> Step {
    answer(200).body(document.to_string())
}

fn granted() -> Value {
    json!({"access_token": "CNRY-at", "token_type": "Bearer", "expires_in": 60, "refresh_token": "CNRY-rt"})
}

fn server(token: Value) -> Script {
    serving(metadata(), token)
}

fn serving(metadata: Value, token: Value) -> Script {
    Script::by(move |seen| match seen.url.as_str() {
        "https://id.test/token" => said(&token),
        url if url.contains(".well-known") => said(&metadata),
        _ => answer(200),
    })
}

fn tool() -> OAuth2 {
    OAuth2::issuer("https://id.test").public_client("cid")
}

fn client(script: &Script, service: OAuth2) -> Client {
    script.builder().auth(service.stored()).build().unwrap()
}

fn form(seen: &Seen) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(&seen.body).into_owned().collect()
}

fn query(url: &str) -> BTreeMap<String, String> {
    let query = url.split_once('?').unwrap().1;
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// What a browser knows that was sent to a URL of the server.
struct Visit {
    query: BTreeMap<String, String>,
    back: Uri,
}

impl Visit {
    fn of(url: &str) -> Self {
        let query = query(url);
        let back = query["redirect_uri"].parse().unwrap();
        Self { query, back }
    }

    fn port(&self) -> u16 {
        self.back.port_u16().unwrap()
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port()))).unwrap()
    }

    /// Sends one request and gives the whole answer.
    fn send(&self, method: &str, target: &str, host: &str) -> String {
        let mut stream = self.connect();
        write!(stream, "{method} {target} HTTP/1.1\r\nhost: {host}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Comes back with these fields.
    fn back(&self, fields: &str) -> String {
        self.send("GET", &format!("{}?{fields}", self.back.path()), self.back.authority().unwrap().as_str())
    }

    fn good(&self) -> String {
        format!("code=CNRY-code&state={}&iss=https%3A%2F%2Fid.test", self.query["state"])
    }
}

/// Signs in with a browser that does `visit`, to its end.
async fn sign_in(script: &Script, service: OAuth2, visit: impl Fn(Visit) + Send + Sync + 'static) -> Result<()> {
    let (note, ended) = std::sync::mpsc::channel();
    let browser = SignIn::authorization_code(move |url| {
        note.send(false).unwrap();
        visit(Visit::of(url));
        note.send(true).unwrap();
        Ok(())
    });
    let session = client(script, service).auth()?;
    let signed_in = tokio::time::timeout(Duration::from_secs(20), session.sign_in(browser)).await;
    // It may still look at its page.
    let seen: Vec<_> = tokio::task::spawn_blocking(move || ended.iter().collect()).await.unwrap();
    assert!(seen.is_empty() || seen == [false, true], "the browser saw something wrong");
    signed_in.expect("the sign-in hangs")
}

#[tokio::test]
async fn o42_a_code_is_redeemed_by_the_one_that_began() {
    let script = server(granted());
    let asked = Arc::new(Mutex::new(String::new()));
    let note = Arc::clone(&asked);
    let auth = tool().scopes(["read"]).authorization_code(move |url| {
        *note.lock().unwrap() = url.to_owned();
        let visit = Visit::of(url);
        assert!(visit.back(&visit.good()).starts_with("HTTP/1.1 200"));
        Ok(())
    });
    let client = script.builder().auth(auth).build().unwrap();
    client.res("a").get().send().await.unwrap();
    let url = asked.lock().unwrap().clone();
    assert!(url.starts_with("https://id.test/authorize?audience=x&response_type=code&client_id=cid&"), "{url}");
    let (asked, sent) = (query(&url), form(&script.seen()[1]));
    assert_eq!((asked["code_challenge_method"].as_str(), asked["scope"].as_str()), ("S256", "read"));
    assert!(!asked.contains_key("nonce") && asked["redirect_uri"].ends_with("/callback"));
    let expected = [
        ("grant_type", "authorization_code"),
        ("code", "CNRY-code"),
        ("redirect_uri", &asked["redirect_uri"]),
        ("client_id", "cid"),
        ("code_verifier", &sent["code_verifier"]),
    ];
    assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    use sha2::Digest;
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(&sent["code_verifier"]));
    assert_eq!(challenge, asked["code_challenge"]);
    assert_eq!(script.seen()[2].header("authorization"), Some("Bearer CNRY-at"));
}

#[tokio::test]
async fn o41_what_is_no_answer_changes_nothing() {
    let script = server(granted());
    sign_in(&script, tool(), |visit| {
        let (path, host) = (visit.back.path().to_owned(), visit.back.authority().unwrap().to_string());
        let good = format!("{path}?{}", visit.good());
        for (method, target, host, status) in [
            ("GET", "/favicon.ico", host.as_str(), "404"),
            ("POST", good.as_str(), &host, "405"),
            ("GET", &good, "evil.test", "403"),
            ("GET", &format!("{path}?code=x&state=wrong"), &host, "400"),
            ("GET", &format!("{path}?code=x"), &host, "400"),
            ("GET", &format!("{path}?error=access_denied"), &host, "400"),
        ] {
            let answer = visit.send(method, target, host);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{method} {target}: {answer}");
        }
        // Neither half a request nor something else than HTTP holds the others up.
        let mut slow: Vec<_> = (0..8).map(|_| visit.connect()).collect();
        slow[0].write_all(b"GET /callback HTTP/1.1\r\nhost").unwrap();
        slow[1].write_all(&[0x16, 3, 1, 0, 5]).unwrap();
        let answer = visit.back(&visit.good());
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let head = answer.to_ascii_lowercase();
        assert!(head.contains("cache-control: no-store") && !answer.contains("CNRY"), "{answer}");
    })
    .await
    .unwrap();
    assert_eq!(script.urls().iter().filter(|url| url.ends_with("/token")).count(), 1);
}

#[tokio::test]
async fn o41_after_the_answer_nothing_listens() {
    let port = Arc::new(Mutex::new(0));
    let note = Arc::clone(&port);
    sign_in(&server(granted()), tool(), move |visit| {
        *note.lock().unwrap() = visit.port();
        visit.back(&visit.good());
    })
    .await
    .unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], *port.lock().unwrap()));
    assert!(TcpStream::connect(address).is_err());
}

#[tokio::test]
async fn o41_an_error_ends_the_sign_in_and_is_shown_escaped() {
    let script = server(granted());
    let error = sign_in(&script, tool(), |visit| {
        let state = &visit.query["state"];
        let page = visit.back(&format!(
            "error=access_denied&error_description=%1B%5B2J%3Cscript%3E&state={state}&iss=https%3A%2F%2Fid.test"
        ));
        assert!(!page.contains("script") && !page.contains('\u{1b}'), "{page}");
    })
    .await
    .unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "auth.denied"));
    let told = error.to_string();
    assert!(told.contains("access_denied") && !told.contains('\u{1b}'), "{told}");
    assert!(!script.urls().iter().any(|url| url.ends_with("/token")));
}

#[tokio::test]
async fn o32_an_answer_of_another_issuer_is_not_redeemed() {
    for iss in ["", "&iss=https%3A%2F%2Fevil.test"] {
        let script = server(granted());
        let error = sign_in(&script, tool(), move |visit| {
            visit.back(&format!("code=c&state={}{iss}", visit.query["state"]));
        });
        let error = error.await.unwrap_err();
        assert_eq!(error.code(), "auth.denied");
        assert!(error.to_string().contains("https://id.test"), "{error}");
        assert!(!script.urls().iter().any(|url| url.ends_with("/token")));
    }
}

#[tokio::test(start_paused = true)]
async fn o41_nobody_is_waited_for_longer_than_five_minutes() {
    let script = server(granted());
    let session = client(&script, tool()).auth().unwrap();
    let began = tokio::time::Instant::now();
    let error = session.sign_in(SignIn::authorization_code(|_| Ok(()))).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "auth.expired"));
    assert_eq!(began.elapsed().as_secs(), 300);
}

#[tokio::test]
async fn o45_where_no_browser_opens_the_device_flow_is_named() {
    let session = client(&server(granted()), tool()).auth().unwrap();
    let none = SignIn::authorization_code(|_| Err(Error::new(ErrorKind::Auth, "no browser at all")));
    let error = session.sign_in(none).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "auth.required"));
    assert!(error.to_string().contains("no browser at all") && error.to_string().contains("device"), "{error}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://127.0.0.1:{}/callback", taken.local_addr().unwrap().port());
    let script = server(granted());
    let error = sign_in(&script, tool().redirect_uri(uri), |_| panic!("nothing is opened")).await.unwrap_err();
    assert!(error.code() == "auth.required" && error.to_string().contains("device"), "{error}");
    assert_eq!(script.count(), 0);
}

#[tokio::test]
async fn o40_no_browser_is_sent_to_a_strange_place() {
    let long = format!("https://id.test/{}", "a".repeat(10 << 10));
    for bad in [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "$(x)",
        "https://id.test/\" --flag",
        "https://id.test/\u{1b}",
        "--flag",
        "http://id.test/authorize",
        "https://evil.test/authorize",
        &long,
    ] {
        let mut metadata = metadata();
        metadata["authorization_endpoint"] = bad.into();
        let opened = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&opened);
        let session = client(&serving(metadata, granted()), tool()).auth().unwrap();
        let browser = SignIn::authorization_code(move |url| {
            note.lock().unwrap().push(url.to_owned());
            Err(Error::new(ErrorKind::Auth, "enough"))
        });
        let error = session.sign_in(browser).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth, "{bad}");
        // What can be written so that it is harmless may be opened so.
        for url in opened.lock().unwrap().iter() {
            let own = url.strip_prefix("https://id.test/").is_some_and(|rest| !rest.contains(['"', ' ', '\u{1b}']));
            assert!(own, "{url}");
        }
    }
}

#[tokio::test]
async fn o44_a_redirect_uri_of_the_callers_own_is_sent_as_it_is_written() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let uri = format!("http://localhost:{free}/a/b");
    let script = server(granted());
    let expected = uri.clone();
    sign_in(&script, tool().redirect_uri(&uri), move |visit| {
        assert_eq!(visit.query["redirect_uri"], expected);
        visit.back(&visit.good());
    })
    .await
    .unwrap();
    assert_eq!(form(script.seen().last().unwrap())["redirect_uri"], uri);
}

/// A token of OpenID Connect for this sign-in, its claims changed by `change`.
fn id_token(nonce: &str, change: &Value) -> String {
    let mut claims = json!({"iss": "https://id.test", "aud": "cid", "sub": "ada", "exp": 9_999_999_999_u64});
    claims["nonce"] = nonce.into();
    claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
}

#[tokio::test]
async fn o32_an_id_token_answers_this_sign_in() {
    for (change, told) in [
        (json!({}), None),
        (json!({"iss": "https://evil.test"}), Some("https://evil.test")),
        (json!({"aud": "other"}), Some("another client")),
        (json!({"exp": 1}), Some("has ended")),
        (json!({"nonce": "other"}), Some("nonce")),
    ] {
        let nonce = Arc::new(Mutex::new(String::new()));
        let known = Arc::clone(&nonce);
        let change = change.clone();
        let script = Script::by(move |seen| match seen.url.as_str() {
            "https://id.test/token" => {
                let mut token = granted();
                token["id_token"] = id_token(&known.lock().unwrap(), &change).into();
                said(&token)
            }
            url if url.contains(".well-known") => said(&metadata()),
            _ => answer(200),
        });
        let session = client(&script, tool().scopes(["openid"])).auth().unwrap();
        let browser = SignIn::authorization_code(move |url| {
            let visit = Visit::of(url);
            nonce.lock().unwrap().clone_from(&visit.query["nonce"]);
            visit.back(&visit.good());
            Ok(())
        });
        match (session.sign_in(browser).await, told) {
            (Ok(()), None) => assert_eq!(session.claims().await.unwrap().unwrap()["sub"], "ada"),
            (Err(error), Some(told)) => {
                assert!(error.code() == "auth.denied" && error.to_string().contains(told), "{error}");
                assert!(!printed(&error).contains("CNRY"));
                assert_eq!(session.token().await.unwrap_err().code(), "auth.required", "nothing is kept");
            }
            (signed_in, told) => panic!("{signed_in:?} {told:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn o44_a_server_of_ones_own_ends_what_it_began() {
    let script = server(granted());
    let service = || tool().redirect_uri("https://app.test/signed-in");
    let session = client(&script, service()).auth().unwrap();
    let begun = session.authorize().await.unwrap();
    let asked = query(begun.url());
    assert_eq!(asked["redirect_uri"], "https://app.test/signed-in");
    let other = session.authorize().await.unwrap();
    let url = format!("https://app.test/signed-in?code=c&state={}&iss=https%3A%2F%2Fid.test", asked["state"]);
    let error = session.sign_in(SignIn::callback(other, url.as_str())).await.unwrap_err();
    assert_eq!(error.code(), "auth.denied", "the answer to another sign-in");
    session.sign_in(SignIn::callback(begun, url)).await.unwrap();
    assert_eq!(session.token().await.unwrap().expose(), "CNRY-at");
    assert_eq!(form(script.seen().last().unwrap())["redirect_uri"], "https://app.test/signed-in");

    let error = client(&script, tool()).auth().unwrap().authorize().await.unwrap_err();
    assert!(error.code() == "config" && error.to_string().contains(".redirect_uri("), "{error}");
    let session = client(&script, service()).auth().unwrap();
    let error = session.sign_in(SignIn::authorization_code(|_| Ok(()))).await.unwrap_err();
    assert!(error.to_string().contains("authorize"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_code_is_redeemed_once_whatever_becomes_of_it() {
    for token in [answer(503), Step::Fail(ErrorKind::Protocol, restwalk::Outcome::MaybeProcessed)] {
        let script =
            Script::by(move |seen| if seen.url.contains(".well-known") { said(&metadata()) } else { token.clone() });
        let session = client(&script, tool().redirect_uri("https://app.test/in")).auth().unwrap();
        let begun = session.authorize().await.unwrap();
        let url = format!("?code=CNRY-code&state={}&iss=https%3A%2F%2Fid.test", query(begun.url())["state"]);
        let error = session.sign_in(SignIn::callback(begun, url)).await.unwrap_err();
        assert_eq!(error.code(), "auth.refresh_failed");
        assert!(!printed(&error).contains("CNRY"));
        assert_eq!(script.count(), 2);
    }
}
