//! R11 to R17: proxies of the environment, and what else in it is left alone.
//!
//! The variables of the environment are a process's own, so each test runs itself again with those that it is
//! about; `SUITE_…` tell the inner run what to ask.

use std::env;

use restwalk::{Client, ErrorKind, Outcome, Response, Result, block_on};

use crate::support::{
    again,
    authority::{Authority, SERVER},
    canary::{canary, find, printed},
    echo,
    fault::FaultServer,
    serve::{Server, closed_port},
};

const PROXIED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\"proxied\"";

/// What the outer run gave the inner one; `None` in the outer run.
fn inner(variable: &str) -> Option<String> {
    env::var(variable).ok()
}

fn get(url: &str) -> Result<Response> {
    let client = Client::builder(url);
    let client = match inner("SUITE_CA") {
        Some(pem) => client.ca_certificate(pem),
        None => client,
    };
    client.build()?.res("x").get().send_blocking()
}

/// `url` with a user and a secret of this kind in it.
fn with_user(url: &str, kind: &str) -> String {
    url.replace("://", &format!("://{kind}:{}@", canary(kind)))
}

/// The header by which `kind` signs in at its proxy.
fn pair(kind: &str) -> String {
    let pair = format!("{kind}:{}", canary(kind));
    format!("Basic {}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pair))
}

/// A proxy that makes the tunnels it is asked for.
fn tunnelling() -> FaultServer {
    FaultServer::start(|connection| {
        if let Some(request) = connection.request() {
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n");
            connection.tunnel(&request.target);
        }
    })
}

#[test]
fn r12_r13_each_proxy_learns_its_own_credentials_and_the_origin_none() {
    if let (Some(plain), Some(secure)) = (inner("SUITE_PLAIN"), inner("SUITE_SECURE")) {
        let client = Client::builder(plain).ca_certificate(inner("SUITE_CA").unwrap()).build().unwrap();
        for _ in 0..2 {
            let by_proxy = client.res("x").get().send_blocking().unwrap();
            assert_eq!(block_on(by_proxy.text()).unwrap().unwrap(), "\"proxied\"");
            let through = client.at(format!("{secure}/x")).get().send_blocking().unwrap();
            println!("the origin heard {}", block_on(through.text()).unwrap().unwrap());
        }
        return;
    }
    let authority = Authority::new();
    let secure = Server::tls(echo::router(), authority.config(&SERVER, None));
    let plain = FaultServer::keeping(PROXIED);
    let (forward, tunnel) = (FaultServer::keeping(PROXIED), tunnelling());
    let said = again(
        "proxies::r12_r13_each_proxy_learns_its_own_credentials_and_the_origin_none",
        &[
            ("SUITE_PLAIN", &plain.url()),
            ("SUITE_SECURE", &secure.url()),
            ("SUITE_CA", &authority.pem),
            ("http_proxy", &with_user(&forward.url(), "forward")),
            ("HTTPS_PROXY", &with_user(&tunnel.url(), "tunnel")),
        ],
    );
    assert!(plain.received().is_empty(), "the origin was asked directly");
    assert_eq!(said.matches("the origin heard {").count(), 2, "{said}");
    assert!(!said.to_lowercase().contains("proxy-auth"), "{said}");

    let forwarded = forward.requests();
    assert_eq!(forwarded.len(), 2);
    for request in &forwarded {
        assert!(request.target.starts_with(&plain.url()), "{request:?}");
        assert_eq!(request.header("proxy-authorization"), Some(&*pair("forward")));
    }
    let tunnelled = tunnel.requests();
    assert!(!tunnelled.is_empty());
    for request in &tunnelled {
        assert_eq!(request.method, "CONNECT");
        assert_eq!(request.header("proxy-authorization"), Some(&*pair("tunnel")));
    }
    assert_eq!(find(&format!("{forwarded:?}"), &[canary("tunnel")]), None);
    assert_eq!(find(&format!("{tunnelled:?}"), &[canary("forward")]), None);
}

#[test]
fn r13_where_the_proxy_cannot_be_reached_nothing_goes_another_way() {
    if let Some(origin) = inner("SUITE_ORIGIN") {
        let error = get(&origin).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connect | ErrorKind::Tls), "{error:?}");
        assert_eq!(error.outcome(), Outcome::NotSent, "{error:?}");
        println!("{}", printed(&error));
        return;
    }
    let authority = Authority::new();
    let secure = Server::tls(echo::router(), authority.config(&SERVER, None));
    let other = FaultServer::keeping(PROXIED);
    // It speaks no TLS, and takes no credentials without it.
    let cleartext = FaultServer::start(|connection| {
        connection.peek();
        connection.send(b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n");
        connection.finish();
    });
    let closed = closed_port();
    for proxy in [
        format!("http://127.0.0.1:{closed}"),
        format!("https://127.0.0.1:{closed}"),
        cleartext.url().replace("http:", "https:"),
    ] {
        let said = again(
            "proxies::r13_where_the_proxy_cannot_be_reached_nothing_goes_another_way",
            &[
                ("SUITE_ORIGIN", &secure.url()),
                ("SUITE_CA", &authority.pem),
                ("https_proxy", &with_user(&proxy, "proxy")),
                ("http_proxy", &other.url()),
            ],
        );
        assert_eq!(find(&said, &[canary("proxy")]), None);
    }
    assert!(other.received().is_empty());
    let heard = cleartext.received();
    assert!(!heard.is_empty() && heard.iter().all(|bytes| bytes.first() == Some(&22)), "no TLS: {heard:?}");
    assert_eq!(find(&String::from_utf8_lossy(&heard.concat()), &[canary("proxy"), pair("proxy")]), None);
}

#[test]
fn r14_an_origin_that_asks_for_a_proxys_credentials_gets_none() {
    if let Some(origin) = inner("SUITE_ORIGIN") {
        let error = get(&origin).unwrap_err();
        assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Status, 407));
        return;
    }
    let origin = FaultServer::keeping("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n");
    let proxy = FaultServer::keeping(PROXIED);
    again(
        "proxies::r14_an_origin_that_asks_for_a_proxys_credentials_gets_none",
        &[
            ("SUITE_ORIGIN", &origin.url()),
            ("ALL_PROXY", &with_user(&proxy.url(), "proxy")),
            ("NO_PROXY", "example.com, 127.0.0.0/8"),
        ],
    );
    assert!(proxy.received().is_empty());
    let [request] = &origin.requests()[..] else { panic!("one request") };
    assert_eq!(request.header("proxy-authorization"), None);
}

#[test]
fn r16_a_web_servers_own_variable_is_no_proxy() {
    if let Some(origin) = inner("SUITE_ORIGIN") {
        get(&origin).unwrap();
        return;
    }
    let (origin, proxy) = (FaultServer::keeping(PROXIED), FaultServer::keeping(PROXIED));
    let name = "proxies::r16_a_web_servers_own_variable_is_no_proxy";
    let variables = [("SUITE_ORIGIN", &*origin.url()), ("HTTP_PROXY", &*proxy.url()), ("REQUEST_METHOD", "GET")];
    again(name, &variables);
    assert_eq!((origin.requests().len(), proxy.requests().len()), (1, 0));
    again(name, &variables[..2]);
    assert_eq!((origin.requests().len(), proxy.requests().len()), (1, 1));
}

#[test]
fn r17_a_password_in_the_environment_is_never_told() {
    if let Some(origin) = inner("SUITE_ORIGIN") {
        let client = Client::builder(&origin).build().unwrap();
        println!("{client:?} {client:#?} {:?}", Client::builder(&origin));
        println!("{}", printed(&client.res("x").get().send_blocking().unwrap_err()));
        return;
    }
    // It says what it was asked with, in each form that it could know.
    let echo = format!("{{\"error\":\"{} {}\"}}", canary("proxy"), pair("proxy"));
    let echo = FaultServer::keeping(format!("HTTP/1.1 502 No\r\nContent-Length: {}\r\n\r\n{echo}", echo.len()));
    let refusing = FaultServer::answering("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
    for proxy in [echo.url(), refusing.url(), format!("http://127.0.0.1:{}", closed_port())] {
        for origin in ["http://h.invalid", "https://h.invalid"] {
            let name = "proxies::r17_a_password_in_the_environment_is_never_told";
            let said = again(name, &[("SUITE_ORIGIN", origin), ("ALL_PROXY", &with_user(&proxy, "proxy"))]);
            assert!(said.contains("Error {"), "{said}");
            assert_eq!(find(&said, &[canary("proxy"), pair("proxy").replace("Basic ", "")]), None);
        }
    }
    assert!(!echo.requests().is_empty());
}

/// Other libraries take a user and a password out of this file, and put them in the place of the caller's.
#[test]
fn r11_netrc_is_not_read() {
    if let Some(origin) = inner("SUITE_ORIGIN") {
        let signed = Client::builder(&origin).auth(restwalk::Auth::bearer("mine")).build().unwrap();
        signed.res("signed").get().send_blocking().unwrap();
        get(&origin).unwrap();
        return;
    }
    let origin = FaultServer::keeping(PROXIED);
    let home = tempfile::tempdir().unwrap();
    let entries =
        format!("machine 127.0.0.1 login ada password {0}\ndefault login ada password {0}\n", canary("netrc"));
    for name in [".netrc", "_netrc"] {
        std::fs::write(home.path().join(name), &entries).unwrap();
    }
    let (folder, file) = (home.path().to_str().unwrap(), home.path().join(".netrc"));
    let file = file.to_str().unwrap();
    again("proxies::r11_netrc_is_not_read", &[("SUITE_ORIGIN", &origin.url()), ("NETRC", file), ("HOME", folder)]);
    let heard = origin.requests();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0].header("authorization"), Some("Bearer mine"));
    assert_eq!(heard[1].header("authorization"), None);

    // One who does read it sends what is in it, so the file is right.
    let reader = std::process::Command::new("curl")
        .args(["-s", "--noproxy", "*", "--netrc-file", file, &origin.url()])
        .output()
        .unwrap();
    assert!(reader.status.success(), "{reader:?}");
    assert!(origin.requests()[2].header("authorization").unwrap().starts_with("Basic "));
}
