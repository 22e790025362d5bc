//! S: no secret in a message, a log, a line for the shell, or at another origin.

use std::collections::HashMap;

use restwalk::{Auth, Call, Client, ClientBuilder, Error, ErrorKind, Part, Response, Retry, Secret, Value, json};

#[cfg(feature = "http")]
use crate::support;
use crate::support::{
    canary::{canary, find, hex, printed},
    recorder::Recorder,
};

/// Every secret of [`secretive`] and [`call`].
fn canaries() -> Vec<String> {
    ["token", "key", "cookie", "header", "query", "body", "own", "proxy"].map(canary).into()
}

/// A client with a secret wherever one can be.
fn secretive(builder: ClientBuilder) -> ClientBuilder {
    let auth = Auth::headers([("Authorization", "Bearer {token}"), ("X-Oauth-Token", "{key}")])
        .with("token", canary("token"))
        .with("key", canary("key"));
    let builder = builder.retry(Retry::off());
    builder.auth(auth).header("Cookie", format!("session={}", canary("cookie"))).header("x-own", canary("header"))
}

/// A call with a secret wherever one can be.
fn call(client: &Client) -> Call {
    client.res("people").post().query("access_token", canary("query")).set("password", canary("body"))
}

/// Asserts that no secret stands in `text`.
fn clean(text: &str) {
    assert_eq!(find(text, &canaries()), None);
}

#[tokio::test]
async fn s01_nothing_prints_a_secret() {
    let recorder = Recorder::new(200, canary("token")).header("set-cookie", canary("cookie"));
    let builder = secretive(recorder.client("http://h/api?key=none"))
        .client_certificate(canary("key"))
        .proxy(format!("http://u:{}@h", canary("proxy")).as_str())
        .user_agent(canary("header"));
    clean(&format!("{:?}", Auth::bearer(canary("token"))));
    let builder = builder.user_agent("x/1");
    clean(&format!("{builder:?} {builder:#?}"));
    let client = builder.build().unwrap();
    clean(&format!("{client:?} {client:#?}"));
    let described = call(&client).header("Authorization", canary("own")).upload(Part::bytes(canary("body")));
    clean(&format!("{described:?} {described:#?}"));
    let response: Response = described.send().await.unwrap();
    clean(&format!("{response:?} {response:#?}"));
    let stream = response.stream();
    clean(&format!("{stream:?} {stream:#?}"));
    let secret = Secret::from(canary("token"));
    clean(&format!("{secret} {secret:?} {:#?}", Some(&secret)));
    let place = client.res("people").item("ada");
    clean(&format!("{place:?} {:?} {:?}", client.call("x"), client.catalog()));
    clean(&format!("{:?}", restwalk::Body::from(canary("body"))));
    clean(&format!("{:?}", restwalk::WireBody::full(canary("body"))));
}

#[tokio::test]
async fn s02_s03_errors_before_sending_print_no_secret() {
    let recorder = Recorder::new(200, "");
    let client = secretive(recorder.client("http://h")).build().unwrap();
    let errors = [
        (ErrorKind::Path, client.at(format!("http://u:{}@h/", canary("own"))).get().send().await.err()),
        (ErrorKind::Path, client.at(format!("ftp://h/?{}", canary("own"))).get().send().await.err()),
        (ErrorKind::Request, call(&client).header("x-own", format!("{}\n", canary("own"))).send().await.err()),
        (ErrorKind::Request, call(&client).query("q", json!({"deep": canary("own")})).send().await.err()),
        (ErrorKind::Request, call(&client).data(canary("own")).send().await.err()),
        (ErrorKind::Request, call(&client).set("n", f64::NAN).send().await.err()),
        (ErrorKind::Request, call(&client).json(canary("own")).send().await.err()),
        (ErrorKind::Request, client.res("x").post().json_patch(json!([{"op": canary("own")}])).send().await.err()),
        (ErrorKind::Auth, call(&client).auth(Auth::bearer(format!("{} x", canary("own")))).send().await.err()),
        (ErrorKind::Auth, call(&client).auth(Auth::basic(format!("{}:", canary("own")), "p")).send().await.err()),
    ];
    for (kind, error) in errors {
        let error = error.expect("a mistake is refused");
        assert_eq!(error.kind(), kind, "{error:?}");
        clean(&printed(&error));
    }
    assert_eq!(recorder.count(), 0);
}

#[test]
fn s02_errors_of_build_print_no_secret() {
    let userinfo = format!("https://ada:{}@h/", canary("own"));
    for builder in [
        Client::builder(userinfo.as_str()),
        Client::builder(format!("https://{}@h/", canary("own"))),
        Client::builder("https://h").header("x-own", format!("{}\r\nb: c", canary("own"))),
        Client::builder("https://h").auth(Auth::bearer(format!("{}\n", canary("own")))),
        Client::builder("https://h").auth(Auth::api_key_header("x", format!("{}\n", canary("own")))),
        Client::builder("https://h").auth(Auth::bearer(canary("own"))).header("Authorization", canary("own")),
    ] {
        clean(&printed(&builder.build().unwrap_err()));
    }
    #[cfg(feature = "http")]
    for proxy in [format!("http://u:{}@[::1", canary("own")), format!("http://u:{}@", canary("own"))] {
        clean(&printed(&Client::builder("https://h").proxy(proxy.as_str()).build().unwrap_err()));
    }
}

#[tokio::test]
async fn s03_a_foreign_cause_is_masked_through_its_whole_chain() {
    /// A failure as other libraries make them: it prints the URL and the header that it was given.
    #[derive(Debug, thiserror::Error)]
    #[error("error sending request for url (http://h/?key={0})")]
    struct Foreign(String, #[source] Box<dyn std::error::Error + Send + Sync>);

    #[derive(Debug)]
    struct Leaky;
    impl restwalk::Transport for Leaky {
        fn exchange(
            &self,
            _: http::Request<restwalk::WireBody>,
        ) -> restwalk::BoxFuture<'_, restwalk::Result<http::Response<restwalk::WireBody>>> {
            let cause = Foreign(canary("key"), canary("token").into());
            Box::pin(async { Err(Error::new(ErrorKind::Connect, canary("header")).with_source(cause)) })
        }
    }
    let builder = secretive(Client::builder("http://h").transport(Leaky)).header("X-Token-Two", canary("header"));
    let error = builder.build().unwrap().res("people").get().send().await.unwrap_err();
    clean(&printed(&error));
    assert!(printed(&error).contains("error sending request for url"), "{error:?}");
}

#[test]
fn s06_a_panic_over_an_error_prints_no_secret() {
    let client = secretive(Recorder::new(200, "").client("http://h")).build().unwrap();
    let call = call(&client).header("x-own", format!("{}\n", canary("own")));
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| call.build().unwrap())).unwrap_err();
    let message = panic.downcast_ref::<String>().expect("unwrap says what it found");
    clean(message);
    assert!(message.contains("x-own"), "{message}");
}

#[cfg(feature = "http")]
mod network {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use tracing_subscriber::util::SubscriberInitExt;

    use super::*;
    use crate::support::{
        authority::{Authority, Claims, SERVER},
        echo,
        fault::FaultServer,
        serve::{Server, closed_port},
    };

    /// The error of the call, its answer read as JSON numbers.
    async fn failure(client: &Client) -> Error {
        match call(client).send().await {
            Ok(response) => response.json::<Vec<u8>>().await.unwrap_err(),
            Err(error) => error,
        }
    }

    fn client(url: &str) -> Client {
        secretive(support::builder(url)).build().unwrap()
    }

    /// One failure of each kind that a network can bring about.
    async fn failures() -> Vec<Error> {
        let mut errors = vec![
            failure(&client(&format!("http://127.0.0.1:{}", closed_port()))).await,
            failure(&client("http://nothing.invalid")).await,
        ];
        for answer in [
            String::new(),
            "garbage\r\n\r\n".into(),
            format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(600 << 10)),
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".into(),
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nhalf".into(),
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".into(),
            format!("HTTP/1.1 302 Found\r\nLocation: http://h/?token={}\r\nContent-Length: 0\r\n\r\n", canary("query")),
            "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n".into(),
            "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n".into(),
        ] {
            let server = FaultServer::answering(answer);
            errors.push(failure(&client(&server.url())).await);
        }
        let silent = FaultServer::start(|connection| {
            connection.request();
            connection.hold();
        });
        let hurried = secretive(support::builder(&silent.url())).headers_timeout(Duration::from_millis(100));
        errors.push(failure(&hurried.build().unwrap()).await);
        let authority = Authority::new();
        let wrong = Server::tls(echo::router(), authority.config(&Claims { name: "example.com", ..SERVER }, None));
        errors.push(failure(&client(&wrong.url())).await);
        let proxy = format!("http://ada:{}@127.0.0.1:{}", canary("proxy"), closed_port());
        for origin in ["http://nothing.invalid", "https://nothing.invalid"] {
            let by_proxy = secretive(Client::builder(origin)).proxy(proxy.as_str()).build().unwrap();
            errors.push(failure(&by_proxy).await);
        }
        let refusing = FaultServer::answering("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
        let proxy = refusing.url().replace("http://", &format!("http://ada:{}@", canary("proxy")));
        let by_proxy = secretive(Client::builder("https://nothing.invalid")).proxy(proxy.as_str()).build().unwrap();
        errors.push(failure(&by_proxy).await);
        let saved = call(&support::local()).send().await.unwrap().save("/nowhere/at/all").await;
        errors.push(saved.unwrap_err());
        errors
    }

    #[tokio::test]
    async fn s02_s03_no_error_of_the_network_prints_a_secret() {
        use ErrorKind::{Body, Connect, Decode, Protocol, RateLimited, Redirect, Status, Store, Timeout, Tls};
        let errors = failures().await;
        for error in &errors {
            clean(&printed(error));
        }
        for kind in [Body, Connect, Decode, Protocol, RateLimited, Redirect, Status, Store, Timeout, Tls] {
            assert!(errors.iter().any(|error| error.kind() == kind), "no error was {kind:?}");
        }
    }

    #[tokio::test]
    async fn r12_a_proxy_learns_its_own_credentials_and_of_a_secure_call_the_host_only() {
        let proxy = FaultServer::keeping("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
        let url = proxy.url().replace("http://", &format!("http://ada:{}@", canary("proxy")));
        for origin in ["http://nothing.invalid", "https://nothing.invalid"] {
            failure(&secretive(Client::builder(origin)).proxy(url.as_str()).build().unwrap()).await;
        }
        let [plain, tunnel] = &proxy.requests()[..] else { panic!("two requests") };
        assert!(plain.target.starts_with("http://nothing.invalid/people?access_token="));
        assert_eq!((&tunnel.method[..], &tunnel.target[..]), ("CONNECT", "nothing.invalid:443"));
        let pair = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("ada:{}", canary("proxy")));
        for request in [plain, tunnel] {
            assert_eq!(request.header("proxy-authorization"), Some(format!("Basic {pair}").as_str()));
        }
        clean(&format!("{tunnel:?}"));
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The servers run on threads of their own, so that only the client's side is heard.
    #[tokio::test]
    async fn s04_no_log_of_any_crate_holds_a_secret() {
        let log = Log::default();
        let writer = log.clone();
        let heard = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .set_default();
        let plain = Server::plain(echo::router());
        let authority = Authority::new();
        let secure = Server::tls(echo::router(), authority.config(&SERVER, None));
        let trusting =
            secretive(support::builder(&secure.url())).ca_certificate(authority.pem.clone()).build().unwrap();
        for client in [client(&plain.url()), trusting] {
            call(&client).send().await.unwrap().bytes().await.unwrap();
            call(&client).auth(Auth::basic("ada", canary("own"))).await.unwrap();
            call(&client).auth(Auth::api_key_query("key", canary("own"))).await.unwrap();
            client.res("status").item(401).get().header("Authorization", canary("own")).send().await.unwrap_err();
        }
        failures().await;
        drop(heard);
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        for spoke in ["hyper_util", "h2", "rustls", "reqwest"] {
            assert!(log.contains(spoke), "{spoke} was not heard");
        }
        clean(&log);
    }

    #[tokio::test]
    async fn s22_a_call_leaves_nothing_behind_for_the_next() {
        let server = FaultServer::keeping("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        let client = support::network(&server.url());
        let plain = |client: &Client| client.res("plain").post();
        plain(&client).await.unwrap();
        for _ in 0..1_000 {
            let first = client.res("people").put().set("password", canary("body")).header("x-own", canary("header"));
            first.query("q", canary("query")).auth(Auth::bearer(canary("token"))).await.unwrap();
            plain(&client).await.unwrap();
        }
        let requests = server.requests();
        assert_eq!(requests.len(), 2_001);
        for pair in requests[1..].chunks(2) {
            assert_eq!((&pair[0].method[..], pair[0].header("authorization").is_some()), ("PUT", true));
            assert_eq!(pair[1], requests[0]);
        }
        clean(&format!("{:?}", requests[0]));
    }
}

#[test]
fn s05_a_line_for_the_shell_names_variables_in_place_of_secrets() {
    for auth in [
        Auth::bearer(canary("token")),
        Auth::basic("ada", canary("token")),
        Auth::api_key_header("X-Api", canary("token")),
        Auth::api_key_query("key", canary("token")),
        Auth::api_key_cookie("key", canary("token")),
        Auth::headers([("X-Oauth-Token", "{t}")]).with("t", canary("token")),
    ] {
        let client =
            Recorder::new(200, "").client("http://h").auth(auth).header("Cookie", canary("cookie")).build().unwrap();
        let line = client.res("x").post().set("a", 1).to_curl().unwrap();
        clean(&line);
        assert!(line.contains("\"$"), "{line}");
        let own = client.res("x").get().header("Authorization", canary("own")).to_curl().unwrap();
        clean(&own);
    }
}

#[tokio::test]
async fn s08_a_decode_error_shows_no_known_secret() {
    let token = canary("token");
    let html = format!("<html>{}{token}</html>", "x".repeat(180));
    for (kind, body) in [
        ("application/json", format!("{{\"access_token\":\"{token}\"}}")),
        ("application/json", format!("[\"{token}\"]")),
        ("application/json", format!("\"{token}\"")),
        ("application/json", format!("{{\"a\": {token}}}")),
        ("text/html", format!("<html>{token}</html>")),
        ("text/html", html),
        ("text/plain; charset=utf-8", format!("{token}\u{e9}")),
    ] {
        let recorder = Recorder::new(200, body).header("content-type", kind);
        let client = secretive(recorder.client("http://h")).build().unwrap();
        let error = client.res("x").get().send_as::<Vec<u8>>().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        let text = printed(&error);
        clean(&text);
        assert!(!text.contains("CNRY"), "not even a part of one: {text}");
        let error = client.res("x").get().send().await.unwrap().lines::<u8>().next().await.unwrap().unwrap_err();
        clean(&printed(&error));
    }
}

#[tokio::test]
async fn s09_a_secret_that_the_server_echoes_is_masked() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    for kind in ["token", "key", "cookie", "own"] {
        let secret = canary(kind);
        for echo in [secret.clone(), format!("Bearer {secret}"), BASE64_STANDARD.encode(&secret), hex(&secret)] {
            for body in [
                json!({"error": "invalid_token", "error_description": format!("no such token: {echo}")}),
                json!({"title": echo, "detail": format!("<{echo}>"), "type": format!("http://h/?t={echo}")}),
                json!({"detail": format!("{}{echo}", "x".repeat(250))}),
            ] {
                let recorder =
                    Recorder::new(401, body.to_string()).header("www-authenticate", format!("Bearer e=\"{echo}\""));
                let client = secretive(recorder.client("http://h")).build().unwrap();
                let call = client.res("x").get();
                let call = if kind == "own" { call.header("Authorization", format!("Bearer {secret}")) } else { call };
                let error = call.send().await.unwrap_err();
                let text = printed(&error) + &format!("{:?}", error.problem());
                clean(&text);
                assert!(!text.contains("CNRY"), "not even a part of one: {text}");
                assert_eq!(error.body().unwrap(), &body.to_string(), "the body stays as it came");
            }
        }
    }
}

/// Fails to compile where the type has the trait.
macro_rules! lacks {
    ($trait:path: $($type:ty),*) => {$({
        trait Ambiguous<A> { fn some() {} }
        impl<T: ?Sized> Ambiguous<()> for T {}
        struct Has;
        impl<T: ?Sized + $trait> Ambiguous<Has> for T {}
        let _ = <$type as Ambiguous<_>>::some;
    })*};
}

#[test]
fn s10_nothing_that_holds_a_secret_is_serialized() {
    lacks!(serde::Serialize: Secret, Auth, Client, ClientBuilder, Call, Response, Error, Part, restwalk::Body);
}

#[test]
fn s12_secrets_are_not_compared() {
    lacks!(PartialEq: Secret, Auth, Client, Call);
    lacks!(std::hash::Hash: Secret, Auth);
}

#[tokio::test]
async fn s14_what_a_server_says_is_escaped_and_cut() {
    let body = json!({"title": "a\u{1b}[2Jb\r\nc", "detail": format!("\u{202e}{}", "d".repeat(1_000))});
    let client = Recorder::new(400, body.to_string()).client("http://h").build().unwrap();
    let text = client.res("x").get().send().await.unwrap_err().to_string();
    assert!(text.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{text:?}");
    assert!(text.contains("a\\u{1b}[2Jb\\r\\nc") && text.contains("\\u{202e}ddd"), "{text}");
    assert!(text.chars().count() < 400, "{text}");
}

#[tokio::test]
async fn s30_a_header_value_cannot_break_its_line() {
    let recorder = Recorder::new(200, "{}");
    let client = recorder.client("http://h").build().unwrap();
    for bad in ["a\r\nb: c", "a\n", "a\0", "a\x7f", "\ra"] {
        let value = format!("{}{bad}", canary("own"));
        let errors = [
            client.res("x").get().header("x-thing", &value).send().await.unwrap_err(),
            recorder.client("http://h").header("x-thing", value.as_str()).build().unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "invalid_input.header"));
            assert!(error.to_string().contains("x-thing"), "{error}");
            clean(&printed(&error));
        }
    }
    assert_eq!(recorder.count(), 0);
}

#[tokio::test]
async fn s31_a_token_cannot_break_its_line() {
    let recorder = Recorder::new(200, "{}");
    let client = recorder.client("http://h").build().unwrap();
    for bad in ["\n", " x", "\u{e9}", "\0", "\r\nx: y", "\u{7f}"] {
        let token = format!("{}{bad}", canary("own"));
        let errors = [
            client.res("x").get().auth(Auth::bearer(token.as_str())).send().await.unwrap_err(),
            recorder.client("http://h").auth(Auth::scheme("JWT", token.as_str())).build().unwrap_err(),
            client.with_auth(Auth::bearer(token.as_str())).res("x").get().send().await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Auth);
            clean(&printed(&error));
        }
    }
    assert_eq!(recorder.count(), 0);
}

#[tokio::test]
async fn s32_headers_that_frame_a_message_are_the_transports_own() {
    let recorder = Recorder::new(200, "{}");
    let client = recorder.client("http://h").build().unwrap();
    for name in ["x y", "x:", "", "Content-Length", "transfer-encoding", "Host", "Connection", "Upgrade", "TE", ":path"]
    {
        let error = client.res("x").post().header(name, "1").send().await.unwrap_err();
        assert_eq!(error.code(), "invalid_input.header", "{name}");
        assert_eq!(recorder.client("http://h").header(name, "1").build().unwrap_err().code(), "invalid_input.header");
    }
    assert_eq!(recorder.count(), 0);
    #[cfg(feature = "http")]
    {
        let server = support::fault::FaultServer::keeping("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let client = support::network(&server.url());
        client.res("x").post().set("a", 1).send().await.unwrap();
        let reader = Part::reader(&b"abc"[..], None);
        client.res("x").post().upload(reader).send().await.unwrap();
        for request in server.requests() {
            let named = |name: &str| request.headers.iter().filter(|(known, _)| known == name).count();
            assert_eq!((named("host"), named("content-length") + named("transfer-encoding")), (1, 1), "{request:?}");
        }
    }
}

#[test]
fn s33_two_sources_of_authorization_are_a_mistake_at_build() {
    for auth in [Auth::bearer("t0ken"), Auth::basic("u", "p"), Auth::api_key_header("authorization", "k")] {
        let error = Client::builder("http://h").auth(auth).header("AUTHORIZATION", "mine").build().unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "config"));
    }
}

#[tokio::test]
async fn s34_a_header_section_is_bounded() {
    let recorder = Recorder::new(200, "{}");
    let client = recorder.client("http://h").build().unwrap();
    let many = (0..101).fold(client.res("x").get(), |call, n| call.header(format!("x-{n}"), "1"));
    let large = client.res("x").get().header("x", "v".repeat(1 << 20));
    for call in [many, large] {
        assert_eq!(call.send().await.unwrap_err().code(), "invalid_input.header");
    }
    assert_eq!(recorder.count(), 0);
}

#[tokio::test]
async fn s35_the_client_tells_its_name_and_version_only() {
    let recorder = Recorder::new(200, "{}");
    recorder.client("http://h").build().unwrap().res("x").get().send().await.unwrap();
    assert_eq!(recorder.last().header("user-agent"), Some(concat!("restwalk/", env!("CARGO_PKG_VERSION"))));
    let mut names: Vec<_> = recorder.last().headers.keys().map(ToString::to_string).collect();
    names.sort_unstable();
    names.retain(|name| name != "accept-encoding");
    assert_eq!(names, ["accept", "user-agent"]);
}

#[tokio::test]
async fn s36_two_tenants_never_meet() {
    let recorder = Recorder::new(200, "{}");
    let base = recorder.client("http://h").build().unwrap();
    let tenants =
        ["one", "two"].map(|name| (name, base.with_auth(Auth::bearer(format!("{name}-{}", canary("token"))))));
    let calls = (0..2_000).map(|n| {
        let (name, client) = &tenants[n % 2];
        let call = client.res("tenants").item(*name).get();
        async move { call.await.unwrap() }
    });
    futures_util::future::join_all(calls).await;
    let mut seen: HashMap<(String, String), usize> = HashMap::new();
    for sent in recorder.all() {
        *seen.entry((sent.target.clone(), sent.header("authorization").unwrap().to_owned())).or_default() += 1;
    }
    let expected = ["one", "two"]
        .map(|name| ((format!("/tenants/{name}"), format!("Bearer {name}-{}", canary("token"))), 1_000_usize));
    assert_eq!(seen, HashMap::from(expected));
}

#[tokio::test]
async fn p25_an_absolute_url_of_another_origin_gets_nothing_of_the_callers() {
    let recorder = Recorder::new(200, "{}");
    let builder = secretive(recorder.client("http://home.example/api")).user_agent(format!("agent {}", canary("own")));
    let client = builder.build().unwrap();
    for url in [
        "https://home.example/x",
        "http://home.example:8080/x",
        "http://home.example./x",
        "http://away.example/x?a=1",
        "http://home.example.evil/x",
        "http://xhome.example/x",
    ] {
        client.at(url).get().send().await.unwrap();
        let sent = recorder.last();
        assert_eq!(sent.url, url);
        clean(&format!("{sent:?}"));
        let mut names: Vec<_> = sent.headers.keys().map(ToString::to_string).collect();
        names.retain(|name| name != "accept-encoding");
        names.sort_unstable();
        assert_eq!(names, ["accept", "user-agent"], "{url}");
        client.at(url).res("deeper").post().set("a", 1).send().await.unwrap();
        clean(&format!("{:?}", recorder.last()));
    }
    for url in ["http://home.example/x", "http://HOME.example:80/x?a=1", "http://home.example/api/x%2Fy"] {
        client.at(url).get().send().await.unwrap();
        let sent = recorder.last();
        assert_eq!(sent.header("authorization"), Some(format!("Bearer {}", canary("token")).as_str()));
        assert_eq!(sent.header("x-own"), Some(canary("header").as_str()));
    }
    let key = recorder.client("http://home.example").auth(Auth::api_key_query("key", canary("own"))).build().unwrap();
    key.at("http://away.example/x?a=1").get().send().await.unwrap();
    assert_eq!(recorder.last().target, "/x?a=1");
    key.at("http://home.example/x?a=1").get().send().await.unwrap();
    assert_eq!(recorder.last().target, format!("/x?a=1&key={}", canary("own")));
    let chosen = client.at("http://away.example/x").get().auth(Auth::bearer("chosen"));
    let sent: Value = chosen.await.unwrap();
    assert_eq!((sent, recorder.last().header("authorization")), (json!({}), Some("Bearer chosen")));
}

#[tokio::test]
async fn the_url_of_an_answer_holds_no_credential() {
    let recorder = Recorder::new(200, "{}");
    let client = recorder.client("http://h").auth(Auth::api_key_query("key", canary("own"))).build().unwrap();
    let response = client.res("x").get().query("a", 1).send().await.unwrap();
    assert_eq!(response.url(), "http://h/x?a=1");
    assert!(recorder.last().target.ends_with(&canary("own")));
}

#[tokio::test(start_paused = true)]
async fn s20_a_key_in_a_cookie_stands_beside_the_jar_and_stays_at_home() {
    use crate::support::script::{Script, answer};
    let script = Script::by(|seen| match seen.url.as_str() {
        "http://api.test/set" => {
            answer(200).header("set-cookie", "seen=1; Path=/").header("set-cookie", "key=theirs; Path=/")
        }
        "http://api.test/away" => answer(302).header("location", "http://other.test/"),
        "http://api.test/echo" => answer(400).body(format!("{{\"detail\":\"{}\"}}", seen.header("cookie").unwrap())),
        _ => answer(200),
    });
    let auth = Auth::api_key_cookie("key", canary("token"));
    let builder = script.builder().auth(auth).cookies(true).redirect(restwalk::Redirect::any_origin());
    let client = builder.build().unwrap();
    client.res("set").get().send().await.unwrap();
    client.res("x").get().send().await.unwrap();
    client.res("x").get().header("Cookie", "own=1").send().await.unwrap();
    client.res("x").get().header("Cookie", "key=own").send().await.unwrap();
    client.res("x").get().auth(Auth::api_key_cookie("other", "k")).send().await.unwrap();
    client.res("away").get().send().await.unwrap();
    client.at("http://third.test/").get().send().await.unwrap();
    let key = format!("key={}", canary("token"));
    let sent: Vec<_> = script.seen().iter().map(|seen| seen.header("cookie").unwrap_or_default().to_owned()).collect();
    assert_eq!(
        sent,
        [
            key.clone(),
            format!("seen=1; {key}"),
            format!("own=1; {key}"),
            "key=own".to_owned(),
            "other=k".to_owned(),
            format!("seen=1; {key}"),
            String::new(),
            String::new()
        ]
    );
    let error = client.res("echo").get().await.unwrap_err();
    let line = client.res("x").get().to_curl().unwrap();
    clean(&format!("{error} {error:?} {client:?} {line} {:?}", client.res("x").get().build_signed().unwrap()));
    assert!(error.to_string().contains("***") && line.contains("$COOKIE"), "{error} {line}");
}
