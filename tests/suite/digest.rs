//! HTTP Digest over the whole loop, against a server that spells the formulas out, and to which curl speaks too.

use restwalk::{Auth, Client, ErrorKind, Redirect};

use crate::support::{
    canary::find,
    digest::{DigestServer, PASSWORD, USER},
    script::{Script, answer},
};

fn auth() -> Auth {
    Auth::digest(USER, PASSWORD)
}

fn client(server: &DigestServer) -> Client {
    Client::local(server.router()).auth(auth()).build().unwrap()
}

fn log(server: &DigestServer) -> String {
    let line = |(status, count): (u16, Option<String>)| format!("{status} {}", count.as_deref().unwrap_or("-"));
    server.log().into_iter().map(line).collect::<Vec<_>>().join(", ")
}

const FIRST: &str = "00000001";

/// Every algorithm and quality that is known.
fn kinds() -> Vec<DigestServer> {
    let mut kinds = Vec::new();
    for algorithm in ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"] {
        for qop in [None, Some("auth"), Some("auth-int"), Some("auth-int, auth")] {
            for userhash in [false, true] {
                kinds.push(DigestServer { userhash, ..DigestServer::new(algorithm, qop) });
            }
        }
    }
    kinds
}

#[tokio::test]
async fn each_algorithm_and_quality_is_answered() {
    for server in kinds() {
        let client = client(&server);
        for _ in 0..2 {
            let call = client.res("dir").item("a b").post().query("q", "x&y=\"z\"").set("a", 1);
            call.send().await.unwrap_or_else(|error| panic!("{} {:?}: {error}", server.algorithm, server.qop));
        }
        let (counts, expected) = (log(&server), [[FIRST, "00000002"], ["", ""]][usize::from(server.qop.is_none())]);
        assert_eq!(counts, format!("401 -, 200 {}, 200 {}", expected[0], expected[1]));
    }
}

#[tokio::test]
async fn a_nonce_that_is_too_old_is_replaced_within_the_call() {
    let server = DigestServer { uses: 2, ..DigestServer::new("SHA-256", Some("auth")) };
    let client = client(&server);
    for _ in 0..4 {
        client.res("x").get().send().await.unwrap();
    }
    let round = "200 00000001, 200 00000002";
    assert_eq!(log(&server), format!("401 -, {round}, 401 00000003, {round}"));
}

#[tokio::test]
async fn a_wrong_password_is_tried_twice_in_a_call_at_most() {
    let server = DigestServer::new("SHA-256", Some("auth"));
    let wrong = Client::local(server.router()).auth(Auth::digest(USER, "CNRY wrong")).build().unwrap();
    for _ in 0..2 {
        let error = wrong.res("x").get().await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Status, "auth.denied"));
        assert_eq!(find(&format!("{error} {error:?} {wrong:?}"), &["CNRY wrong".to_owned()]), None);
    }
    assert_eq!(log(&server), format!("401 -, 401 {FIRST}, 401 00000002, 401 {FIRST}"));
}

#[tokio::test]
async fn a_server_that_forgets_its_nonces_is_answered_anew() {
    let server = DigestServer::new("MD5", Some("auth"));
    let client = client(&server);
    client.res("x").get().send().await.unwrap();
    server.restart();
    client.res("x").get().send().await.unwrap();
    assert_eq!(log(&server), format!("401 -, 200 {FIRST}, 401 00000002, 200 {FIRST}"));
}

#[tokio::test]
async fn clients_of_the_same_credentials_share_the_challenge() {
    let server = DigestServer::new("MD5", Some("auth"));
    let auth = auth();
    let one = Client::local(server.router()).auth(auth.clone()).build().unwrap();
    let two = Client::local(server.router()).build().unwrap();
    one.res("x").get().send().await.unwrap();
    two.with_auth(auth.clone()).res("x").get().send().await.unwrap();
    two.res("x").get().auth(auth).send().await.unwrap();
    assert_eq!(log(&server), format!("401 -, 200 {FIRST}, 200 00000002, 200 00000003"));
}

#[tokio::test]
async fn calls_side_by_side_all_come_through() {
    let server = DigestServer::new("SHA-256", Some("auth"));
    let client = client(&server);
    client.res("x").get().send().await.unwrap();
    let calls = (0..50).map(|n| client.res("x").item(n).get().into_future());
    let done = futures_util::future::join_all(calls).await;
    assert!(done.into_iter().all(|done: restwalk::Result<restwalk::Value>| done.is_ok()));
}

#[tokio::test]
async fn what_can_be_read_once_goes_out_with_the_next_call() {
    let server = DigestServer::new("SHA-256", Some("auth"));
    let client = client(&server);
    let upload = || {
        let pieces = [Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"x"))];
        client.res("x").post().upload(restwalk::Part::stream(futures_util::stream::iter(pieces), None))
    };
    assert_eq!(upload().send().await.unwrap_err().gave_up(), Some("retry.not_replayable"));
    upload().send().await.unwrap();
    let whole = DigestServer::new("SHA-256", Some("auth-int"));
    let client = Client::local(whole.router()).auth(auth()).build().unwrap();
    client.res("x").get().send().await.unwrap();
    let pieces = [Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"x"))];
    let part = restwalk::Part::stream(futures_util::stream::iter(pieces), None);
    let error = client.res("x").post().upload(part).send().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Auth && error.to_string().contains("auth-int"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn another_origin_is_not_answered_and_a_header_of_the_call_stands() {
    let challenge = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";
    let script = Script::by(move |seen| match seen.url.as_str() {
        "http://api.test/away" => answer(302).header("location", "http://other.test/"),
        _ => answer(401).header("www-authenticate", challenge),
    });
    let client = script.builder().auth(auth()).redirect(Redirect::any_origin()).build().unwrap();
    client.res("away").get().await.unwrap_err();
    client.at("http://other.test/").get().await.unwrap_err();
    assert_eq!(script.count(), 3, "no challenge of another origin is answered");
    client.res("x").get().header("authorization", "mine").await.unwrap_err();
    assert_eq!(script.count(), 4);
    client.res("x").get().await.unwrap_err();
    let sent: Vec<_> = script.seen()[3..].iter().map(|seen| seen.header("authorization").map(str::to_owned)).collect();
    assert_eq!((sent[0].as_deref(), sent[1].as_deref()), (Some("mine"), None));
    assert!(sent[2].as_deref().unwrap().starts_with("Digest username=\"Mufasa\", realm=\"r\""));
    let line = client.res("x").get().to_curl().unwrap();
    assert!(line.contains("$AUTHORIZATION"), "{line}");
}

#[test]
fn a_user_that_cannot_be_told_is_refused() {
    for user in ["a:b", "a\nb", "a\0"] {
        let error = Script::of([]).builder().auth(Auth::digest(user, PASSWORD)).build().unwrap_err();
        assert!(error.kind() == ErrorKind::Auth && !format!("{error:?}").contains("CNRY"));
    }
}

/// The server takes from curl what it takes from us, so the two agree.
#[cfg(feature = "http")]
#[tokio::test]
async fn curl_is_of_the_same_opinion() {
    use crate::support::{self, serve::Server};
    for (algorithm, qop) in [
        ("MD5", None),
        ("MD5", Some("auth")),
        ("MD5-sess", Some("auth")),
        ("SHA-256", Some("auth")),
        ("SHA-256-sess", Some("auth")),
    ] {
        let asked = DigestServer::new(algorithm, qop);
        let server = Server::plain(asked.router());
        let url = format!("{}/dir/a%20b?q=x%26y", server.url());
        let user = format!("{USER}:{PASSWORD}");
        let mut curl = std::process::Command::new("curl");
        let curl = curl.args(["--silent", "--fail", "--noproxy", "*", "--digest", "--user", &user, &url]).output();
        let curl = curl.expect("curl is missing: apt-get install -y curl");
        assert_eq!(String::from_utf8_lossy(&curl.stdout), "{\"in\":true}", "{algorithm} {qop:?}");
        let client = support::builder(&server.url()).auth(auth()).build().unwrap();
        client.res("dir").item("a b").get().query("q", "x&y").send().await.unwrap();
        let half = if qop.is_some() { format!("401 -, 200 {FIRST}") } else { "401 -, 200 ".to_owned() };
        assert_eq!(log(&asked), format!("{half}, {half}"), "{algorithm} {qop:?}");
    }
}
