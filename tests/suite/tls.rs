//! TLS: whose certificates are trusted, what a failure is called, and HTTP/2.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, extract::Request};
use rcgen::ExtendedKeyUsagePurpose;
use restwalk::{Client, ErrorKind, Outcome};
use tokio_rustls::rustls::ServerConfig;

use crate::support::{
    self,
    authority::{Authority, Claims, SERVER},
    serve::Server,
};

/// A server that tells the HTTP version, and how many requests reached it.
fn server(config: ServerConfig) -> (Server, Arc<AtomicUsize>) {
    let reached = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reached);
    let router = Router::new().fallback(move |request: Request| async move {
        count.fetch_add(1, Ordering::SeqCst);
        axum::Json(format!("{:?}", request.version()))
    });
    (Server::tls(router, config), reached)
}

fn trusting(server: &Server, authority: &Authority) -> Client {
    support::builder(&server.url()).ca_certificate(authority.pem.clone()).build().unwrap()
}

#[tokio::test]
async fn a_custom_authority_is_trusted_and_http2_is_spoken() {
    let authority = Authority::new();
    let (server, reached) = server(authority.config(&SERVER, None));
    let client = trusting(&server, &authority);
    assert_eq!(client.res("x").get().await.unwrap(), "HTTP/2.0");
    assert_eq!(client.res("x").post().set("a", 1).await.unwrap(), "HTTP/2.0");
    assert_eq!(client.res("x").post().await.unwrap(), "HTTP/2.0");
    assert_eq!(reached.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn http1_is_spoken_where_the_server_knows_nothing_else() {
    let authority = Authority::new();
    let mut config = authority.config(&SERVER, None);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let (server, _) = server(config);
    assert_eq!(trusting(&server, &authority).res("x").get().await.unwrap(), "HTTP/1.1");
}

#[tokio::test]
async fn every_behaviour_of_bodies_holds_over_http2() {
    let authority = Authority::new();
    let server = Server::tls(support::echo::router(), authority.config(&SERVER, None));
    let client = trusting(&server, &authority);
    let bytes = support::echo::pattern(1 << 20);
    let asked = client.res("x").put().body(bytes.clone(), "a/b").await.unwrap();
    assert_eq!(asked["sum"], support::echo::sum(&bytes));
    let got = client.res("bytes").item(1 << 20).get().send().await.unwrap().bytes().await.unwrap();
    assert!(got == bytes);
    let error = client.res("broken").get().send().await.unwrap().bytes().await.unwrap_err();
    assert_eq!((error.code(), error.outcome()), ("body.truncated", Outcome::Processed));
}

#[tokio::test]
async fn m28_a_certificate_that_is_not_right_is_refused_and_nothing_is_sent() {
    let authority = Authority::new();
    let wrong_host = Claims { name: "example.com", ..SERVER };
    let expired = Claims { years: (2020, 2021), ..SERVER };
    let early = Claims { years: (2090, 2100), ..SERVER };
    for (claims, code) in [(wrong_host, "tls.wrong_host"), (expired, "tls.expired"), (early, "tls.not_yet_valid")] {
        let (server, reached) = server(authority.config(&claims, None));
        let client = trusting(&server, &authority);
        let error = client.res("x").post().set("a", 1).send().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code(), error.outcome()),
            (ErrorKind::Tls, code, Outcome::NotSent),
            "{error:?}"
        );
        assert_eq!(reached.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn an_unknown_issuer_is_refused_by_name_and_nothing_is_sent() {
    let (theirs, ours) = (Authority::new(), Authority::new());
    let (server, reached) = server(theirs.config(&SERVER, None));
    for client in [trusting(&server, &ours), support::network(&server.url())] {
        let error = client.res("x").get().send().await.unwrap_err();
        let expected = (ErrorKind::Tls, "tls.unknown_issuer", Outcome::NotSent);
        assert_eq!((error.kind(), error.code(), error.outcome()), expected, "{error:?}");
        assert!(error.to_string().contains(".ca_certificate("), "{error}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_peer_that_speaks_no_tls_is_refused() {
    let server = support::fault::FaultServer::start(|connection| {
        connection.peek();
        connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        connection.finish();
    });
    let client = support::network(&server.url().replace("http:", "https:"));
    let error = client.res("secret").get().send().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Tls, Outcome::NotSent), "{error:?}");
    assert_eq!(error.code(), "tls.protocol");
    assert!(!String::from_utf8_lossy(&server.received().concat()).contains("secret"));
}

#[tokio::test]
async fn insecure_accepts_any_certificate() {
    let authority = Authority::new();
    for claims in [SERVER, Claims { name: "example.com", years: (2020, 2021), ..SERVER }] {
        let (server, reached) = server(authority.config(&claims, None));
        let client = support::builder(&server.url()).insecure(true).build().unwrap();
        assert_eq!(client.res("x").get().await.unwrap(), "HTTP/2.0");
        assert_eq!(reached.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_it_is_asked_for() {
    let (servers, clients, others) = (Authority::new(), Authority::new(), Authority::new());
    let (server, reached) = server(servers.config(&SERVER, Some(&clients)));
    let person = Claims { name: "ada", usage: ExtendedKeyUsagePurpose::ClientAuth, ..SERVER };
    let pem = |authority: &Authority| {
        let (certificate, key) = authority.issue(&person);
        certificate.pem() + &key.serialize_pem()
    };
    let builder = || support::builder(&server.url()).ca_certificate(servers.pem.clone());
    let known = builder().client_certificate(pem(&clients)).build().unwrap();
    assert_eq!(known.res("x").get().await.unwrap(), "HTTP/2.0");
    assert_eq!(reached.load(Ordering::SeqCst), 1);
    for refused in [builder(), builder().client_certificate(pem(&others))] {
        let error = refused.build().unwrap().res("x").get().send().await.unwrap_err();
        // With TLS 1.3 the client learns of it only after its own part of the handshake.
        assert!(matches!(error.kind(), ErrorKind::Tls | ErrorKind::Protocol), "{error:?}");
        assert_ne!(error.outcome(), Outcome::Processed);
    }
    assert_eq!(reached.load(Ordering::SeqCst), 1, "nobody else got in");
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_its_own_origin_alone() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let (home, _) = server(servers.config(&SERVER, None));
    let (away, reached) = server(servers.config(&SERVER, Some(&clients)));
    let (certificate, key) =
        clients.issue(&Claims { name: "ada", usage: ExtendedKeyUsagePurpose::ClientAuth, ..SERVER });
    let pem = certificate.pem() + &key.serialize_pem();
    let builder = |url: &str| support::builder(url).ca_certificate(servers.pem.clone()).client_certificate(pem.clone());
    let client = builder(&home.url()).build().unwrap();
    assert_eq!(client.res("x").get().await.unwrap(), "HTTP/2.0");
    client.at(format!("{}/x", away.url())).get().send().await.unwrap_err();
    assert_eq!(reached.load(Ordering::SeqCst), 0, "it was not shown there");
    assert_eq!(builder(&away.url()).build().unwrap().res("x").get().await.unwrap(), "HTTP/2.0");
}

#[test]
fn a_certificate_that_is_no_pem_is_the_error_of_build() {
    for builder in [
        Client::builder("https://h").ca_certificate("-----BEGIN CERTIFICATE-----\nCNRY\n-----END CERTIFICATE-----"),
        Client::builder("https://h").client_certificate("CNRY"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "config"));
        assert!(!support::canary::printed(&error).contains("CNRY"));
    }
}
