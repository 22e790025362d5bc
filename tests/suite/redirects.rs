//! R: where redirects lead over the whole loop, and what goes along.

use std::time::Duration;

use restwalk::{Auth, Client, ClientBuilder, Error, ErrorKind, Outcome, Part, Redirect};

use crate::support::{
    canary::{canary, find, printed},
    script::{Script, Seen, Step, answer},
};

/// Answers a request by the host and path of its URL: `(place, step)`.
fn hosts(steps: Vec<(&'static str, Step)>) -> Script {
    Script::by(move |seen| {
        let place = seen.url.split('?').next().unwrap();
        let found = steps.iter().find(|(known, _)| *known == place);
        found.map_or_else(|| answer(404), |(_, step)| step.clone())
    })
}

fn to(status: u16, location: &str) -> Step {
    answer(status).header("location", location)
}

/// Every way in which a caller can give a header.
fn laden(script: &Script, secrets: &[String; 6]) -> Client {
    let [bearer, client, key, ..] = secrets;
    script
        .at("http://a.test")
        .auth(Auth::bearer(bearer.as_str()))
        .header("x-client", client)
        .header("x-api-key", key)
        .redirect(Redirect::any_origin())
        .build()
        .unwrap()
}

fn secrets() -> [String; 6] {
    ["bearer", "client", "apikey", "call", "cookie", "idem"].map(canary)
}

fn call(client: &Client, secrets: &[String; 6]) -> restwalk::Call {
    let [.., call, cookie, idem] = secrets;
    client
        .res("start")
        .get()
        .header("x-call", call)
        .header("cookie", format!("sid={cookie}"))
        .idempotency_key(idem)
        .header("accept-language", "de")
}

fn carried(seen: &Seen) -> Vec<&str> {
    seen.headers.keys().map(|name| name.as_str()).collect()
}

#[tokio::test]
async fn r01_another_origin_is_not_followed_and_gets_nothing_where_it_is() {
    let script = hosts(vec![("http://a.test/start", to(302, "http://b.test/x?token=CNRY-query"))]);
    let error = script.at("http://a.test").build().unwrap().res("start").get().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Redirect, "redirect.cross_origin"));
    assert!(error.to_string().contains("http://b.test") && !error.to_string().contains("CNRY"), "{error}");
    assert_eq!((error.outcome(), error.status().unwrap().as_u16()), (Outcome::Processed, 302));
    assert_eq!(error.headers()["location"], "http://b.test/x?token=CNRY-query", "for whoever wants to go there");
    assert_eq!(script.count(), 1);

    let script = hosts(vec![("http://a.test/start", to(302, "http://b.test/x")), ("http://b.test/x", answer(200))]);
    let secrets = secrets();
    call(&laden(&script, &secrets), &secrets).await.unwrap();
    let seen = script.seen();
    let text = |seen: &Seen| format!("{:?}", seen.headers.iter().map(|(n, v)| (n, v.as_bytes())).collect::<Vec<_>>());
    for secret in &secrets {
        assert!(seen[0].headers.values().any(|value| value.to_str().unwrap().contains(secret.as_str())), "{secret}");
    }
    assert_eq!(find(&text(&seen[1]), &secrets), None);
    let mut names = carried(&seen[1]);
    names.sort_unstable();
    let encoding = names.contains(&"accept-encoding");
    names.retain(|name| *name != "accept-encoding");
    assert_eq!((names, encoding), (vec!["accept", "accept-language", "user-agent"], cfg!(feature = "gzip")));
}

#[tokio::test]
async fn r06_credentials_are_bound_to_their_origin_on_every_hop() {
    for (hops, with) in [
        (vec!["http://b.test/1", "http://b.test/2"], vec![true, false, false]),
        (vec!["http://b.test/1", "http://a.test/2"], vec![true, false, true]),
        (vec!["http://b.test/1", "http://c.test/2", "http://b.test/3"], vec![true, false, false, false]),
        (vec!["http://b.test/1", "http://a.test/2", "http://b.test/3"], vec![true, false, true, false]),
    ] {
        let mut steps = vec![("http://a.test/start", to(302, hops[0]))];
        for pair in hops.windows(2) {
            steps.push((pair[0], to(307, pair[1])));
        }
        steps.push((hops[hops.len() - 1], answer(200)));
        let (script, secrets) = (hosts(steps), secrets());
        call(&laden(&script, &secrets), &secrets).await.unwrap();
        let sent: Vec<_> = script.seen().iter().map(|seen| seen.header("authorization").is_some()).collect();
        let keys: Vec<_> = script.seen().iter().map(|seen| seen.header("x-api-key").is_some()).collect();
        assert_eq!((&sent, &keys), (&with, &with), "{hops:?}");
    }
}

#[tokio::test]
async fn r08_at_home_everything_goes_along_and_the_key_of_the_url_once() {
    let script = hosts(vec![("http://a.test/start", to(307, "/next?appid=CNRY")), ("http://a.test/next", answer(200))]);
    let secrets = secrets();
    let client = laden(&script, &secrets).with_auth(Auth::api_key_query("appid", "CNRY"));
    call(&client, &secrets).await.unwrap();
    let seen = script.seen();
    assert_eq!(script.urls(), ["http://a.test/start?appid=CNRY", "http://a.test/next?appid=CNRY"]);
    let mut names = [carried(&seen[0]), carried(&seen[1])];
    for names in &mut names {
        names.sort_unstable();
    }
    assert_eq!(names[0], names[1]);

    let away = hosts(vec![("http://a.test/start", to(302, "http://b.test/x")), ("http://b.test/x", answer(200))]);
    call(&laden(&away, &secrets).with_auth(Auth::api_key_query("appid", "CNRY")), &secrets).await.unwrap();
    assert_eq!(away.urls()[1], "http://b.test/x");
    // A server that echoes the key does not send it elsewhere, and no answer's URL shows it.
    let echo = hosts(vec![
        ("http://a.test/start", to(302, "http://b.test/x?appid=CNRY&a=1")),
        ("http://b.test/x", answer(200)),
    ]);
    let client = laden(&echo, &secrets).with_auth(Auth::api_key_query("appid", "CNRY"));
    let response = call(&client, &secrets).send().await.unwrap();
    assert_eq!((echo.urls()[1].as_str(), response.url().query()), ("http://b.test/x?a=1", Some("a=1")));
}

#[tokio::test]
async fn r09_no_hop_says_where_it_comes_from() {
    let script = hosts(vec![("http://a.test/start", to(302, "/next")), ("http://a.test/next", answer(200))]);
    script.at("http://a.test").build().unwrap().res("start").get().query("q", "CNRY").await.unwrap();
    assert!(script.seen().iter().all(|seen| seen.header("referer").is_none()));
    assert_eq!(script.urls()[1], "http://a.test/next");
}

#[tokio::test(start_paused = true)]
async fn r19_the_deadline_covers_all_hops() {
    let script = Script::by(|seen| {
        let n: u32 = seen.url.rsplit('/').next().unwrap().parse().unwrap_or(0);
        to(302, &format!("/{}", n + 1)).after(Duration::from_millis(700))
    });
    let began = tokio::time::Instant::now();
    let error = script.client().res("0").get().timeout(Duration::from_secs(2)).await.unwrap_err();
    assert_eq!((error.code(), script.count()), ("timeout.total", 3));
    assert!((2_000..2_100).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn r20_a_post_becomes_a_get_by_303_only() {
    let steps = |status| vec![("http://a.test/start", to(status, "/next")), ("http://a.test/next", answer(200))];
    let post = |client: ClientBuilder| client.build().unwrap().res("start").post().set("a", 1).idempotency_key("k");
    let script = hosts(steps(303));
    let response = post(script.at("http://a.test")).send().await.unwrap();
    assert_eq!((response.url().path(), response.attempts()), ("/next", 1));
    let last = script.seen().pop().unwrap();
    assert_eq!((last.method.as_str(), last.body.len()), ("GET", 0));
    assert_eq!((last.header("content-type"), last.header("idempotency-key")), (None, None));
    for status in [301, 302] {
        let script = hosts(steps(status));
        let error = post(script.at("http://a.test")).await.unwrap_err();
        assert_eq!((error.code(), script.count()), ("redirect.rewrite", 1));
        let script = hosts(steps(status));
        post(script.at("http://a.test").redirect(Redirect::same_origin().rewrite(true))).await.unwrap();
        assert_eq!(script.seen()[1].method, "GET");
    }
}

#[tokio::test]
async fn r20_what_a_hop_left_behind_stays_there() {
    let script = hosts(vec![
        ("http://a.test/start", to(303, "/b")),
        ("http://a.test/b", to(302, "/c")),
        ("http://a.test/c", answer(200)),
    ]);
    let start = script.at("http://a.test").build().unwrap().res("start");
    start.post().set("a", 1).header("content-language", "de").await.unwrap();
    assert!(script.seen()[1..].iter().all(|seen| carried(seen).iter().all(|name| !name.starts_with("content-"))));
}

#[tokio::test]
async fn r08_a_key_in_the_base_url_goes_to_no_other_origin() {
    let script = hosts(vec![
        ("http://a.test/start", to(302, "http://b.test/x?api_key=CNRY-key&a=1")),
        ("http://b.test/x", answer(400).body(r#"{"message":"you are CNRY-call"}"#)),
    ]);
    let client = script.at("http://a.test?api_key=CNRY-key").redirect(Redirect::any_origin()).build().unwrap();
    let error = client.res("start").get().auth(Auth::bearer("CNRY-call")).await.unwrap_err();
    assert_eq!(script.urls(), ["http://a.test/start?api_key=CNRY-key", "http://b.test/x?a=1"]);
    assert!(!printed(&error).contains("CNRY"), "{}", printed(&error));
}

#[tokio::test]
async fn r21_a_body_is_sent_again_as_it_was_or_not_at_all() {
    for status in [307, 308] {
        let steps = || vec![("http://a.test/start", to(status, "/next")), ("http://a.test/next", answer(200))];
        let script = hosts(steps());
        let start = script.at("http://a.test").build().unwrap().res("start");
        start.post().set("a", 1).idempotency_key("k").await.unwrap();
        let seen = script.seen();
        assert_eq!((seen[1].method.as_str(), &seen[1].body), ("POST", &seen[0].body));
        assert_eq!(seen[1].headers, seen[0].headers);

        let script = hosts(steps());
        let stream = Part::stream(once(), None);
        let start = script.at("http://a.test").build().unwrap().res("start");
        let error = start.post().upload(stream).await.unwrap_err();
        assert_eq!((error.code(), error.outcome()), ("redirect.not_replayable", Outcome::MaybeProcessed));
        assert_eq!(script.count(), 1);
    }
}

#[tokio::test]
async fn r22_no_body_goes_to_another_origin() {
    for policy in [Redirect::same_origin(), Redirect::any_origin(), Redirect::wipac()] {
        let script = hosts(vec![("http://a.test/start", to(307, "http://b.test/x")), ("http://b.test/x", answer(200))]);
        let client = script.at("http://a.test").redirect(policy).build().unwrap();
        let error = client.res("start").post().set("a", 1).await.unwrap_err();
        assert_eq!((error.code(), script.count()), ("redirect.cross_origin", 1));
    }
}

#[tokio::test]
async fn r23_a_redirect_is_never_an_answer_unless_redirects_are_off() {
    for status in [301, 302, 303, 307, 308] {
        let script = Script::of([answer(status)]);
        let error = script.client().res("x").get().send().await.unwrap_err();
        assert_eq!((error.code(), error.status().unwrap().as_u16()), ("redirect.bad_location", status));
        let script = Script::of([to(status, "/y")]);
        let client = script.builder().redirect(Redirect::off()).build().unwrap();
        assert_eq!(client.res("x").get().send().await.unwrap().status().as_u16(), status);
    }
}

#[cfg(feature = "http")]
#[tokio::test]
async fn r26_the_body_of_a_redirect_is_read_no_further_than_is_worth_it() {
    use crate::support::{fault::FaultServer, network};
    let server = FaultServer::start(|connection| {
        while let Some(asked) = connection.request() {
            if asked.target == "/start" {
                let body = 1_u64 << 30;
                connection.send(
                    format!("HTTP/1.1 302 Found\r\nlocation: /next\r\ncontent-length: {body}\r\n\r\n").as_bytes(),
                );
                let mut sent = 0;
                while sent < body && connection.try_send(&[b'x'; 64 << 10]) {
                    sent += 64 << 10;
                }
                assert!(sent < 64 << 20, "{sent} bytes were taken");
                return;
            }
            connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        }
    });
    let found = network(&server.url()).res("start").get().await.unwrap();
    assert_eq!(found, restwalk::json!({}));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn r36_no_message_shows_where_a_redirect_leads() {
    for location in
        ["http://b.test/CNRY?CNRY=CNRY#CNRY", "http://CNRY:CNRY@b.test/", "ftp://b.test/CNRY", "//b.test/CNRY"]
    {
        let script = Script::of([to(302, location)]);
        let error: Error = script.client().res("x").get().await.unwrap_err();
        assert!(!printed(&error).contains("CNRY"), "{location}: {}", printed(&error));
    }
}

#[tokio::test]
async fn r10_a_cookie_goes_back_to_the_origin_that_set_it() {
    let script = Script::by(|seen| {
        let cookies = |step: Step, name: &str| step.header("set-cookie", format!("{name}=CNRY-{name}; Path=/"));
        match seen.url.as_str() {
            "http://a.test/start" => cookies(to(302, "http://b.test/x"), "a"),
            "http://b.test/x" => cookies(to(302, "http://a.test/end"), "b"),
            // It points to itself until its cookie comes back.
            "http://a.test/self" if seen.header("cookie").is_none_or(|all| !all.contains("self")) => {
                cookies(to(302, "/self"), "self")
            }
            _ => answer(200),
        }
    });
    let client = script.at("http://a.test").redirect(Redirect::any_origin()).cookies(true).build().unwrap();
    client.res("start").get().await.unwrap();
    client.res("self").get().await.unwrap();
    client.with_auth(Auth::bearer("other")).res("end").get().await.unwrap();
    client.res("end").get().auth(Auth::bearer("own")).await.unwrap();
    client.res("end").get().header("cookie", "mine=1").await.unwrap();
    let cookies: Vec<_> = script.seen().iter().map(|seen| seen.header("cookie").unwrap_or("-").to_owned()).collect();
    let (a, with_self) = ("a=CNRY-a", "a=CNRY-a; self=CNRY-self");
    assert_eq!(cookies, ["-", "-", a, a, with_self, "-", "-", "mine=1"]);
    let off = Script::by(|_| answer(200).header("set-cookie", "a=1"));
    let plain = off.client();
    for _ in 0..2 {
        plain.res("x").get().await.unwrap();
    }
    // Another actor has a jar of its own.
    client.with_actor("bob").res("end").get().await.unwrap();
    assert_eq!(script.seen().pop().unwrap().header("cookie"), None);
    assert!(off.seen().iter().all(|seen| seen.header("cookie").is_none()), "off by default");
}

#[tokio::test]
async fn v_w4_the_wipac_preset_follows_as_requests_does() {
    let script = Script::by(|_| to(302, "/again"));
    let client = script.builder().redirect(Redirect::wipac()).build().unwrap();
    assert_eq!(client.res("x").get().await.unwrap_err().code(), "redirect.too_many");
    assert_eq!(script.count(), 31);
    for method in ["POST", "PUT", "DELETE"] {
        let script = hosts(vec![
            ("http://api.test/x", to(302, "/y")),
            ("http://api.test/y", to(302, "http://b.test/z")),
            ("http://b.test/z", answer(200)),
        ]);
        let client = script.builder().redirect(Redirect::wipac()).auth(Auth::bearer("tok")).build().unwrap();
        client.res("x").method(method).await.unwrap();
        let seen = script.seen();
        let sent: Vec<_> =
            seen.iter().map(|seen| (seen.method.as_str(), seen.header("authorization").is_some())).collect();
        assert_eq!(sent, [(method, true), ("GET", true), ("GET", false)]);
    }
    // A redirect without a Location is an answer (V-W3).
    let script = Script::of([answer(301)]);
    let client = script.builder().redirect(Redirect::wipac()).build().unwrap();
    assert_eq!(client.res("x").get().send().await.unwrap().status(), 301);
}

/// A body that can be read once only.
fn once() -> impl futures_util::Stream<Item = Result<bytes::Bytes, std::io::Error>> + Send {
    futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"hello"))])
}
