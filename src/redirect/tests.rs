use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::{error::ErrorKind, header, request::Base};

const A: &str = "https://a.example/x";

fn origin(url: &str) -> Origin {
    Base::exact(url).unwrap().origin().clone()
}

fn to(location: &str) -> HeaderMap {
    HeaderMap::from_iter([(LOCATION, HeaderValue::from_str(location).unwrap())])
}

/// A step from `from`, by GET and 302.
fn found(policy: &Redirect, trail: &mut Trail<'_>, from: &Uri, location: &str) -> Result<Option<Hop>, Error> {
    let (method, status, headers) = (&Method::GET, StatusCode::FOUND, &to(location));
    policy.follow(trail, &Answer { method, uri: from, replay: Replay::Always, status, headers })
}

/// One answer of `status` at `from` that points to `location`; `from` is home.
fn step(policy: &Redirect, method: &str, from: &str, status: u16, location: &str) -> Result<Option<Hop>, Error> {
    let (home, method) = (origin(from), method.parse().unwrap());
    let status = StatusCode::from_u16(status).unwrap();
    let (uri, headers) = (from.parse().unwrap(), to(location));
    let answer = Answer { method: &method, uri: &uri, replay: Replay::Always, status, headers: &headers };
    policy.follow(&mut Trail::new(&home), &answer)
}

/// The code of the error, else method, URL, whether with a body and whether at home, `-` where nothing follows.
fn told(result: Result<Option<Hop>, Error>) -> String {
    match result {
        Ok(Some(Hop { method, uri, body, home })) => {
            let (body, home) = (if body { "body" } else { "bare" }, if home { "home" } else { "away" });
            format!("{method} {uri} {body} {home}")
        }
        Ok(None) => "-".to_owned(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Redirect);
            error.code().strip_prefix("redirect.").unwrap().to_owned()
        }
    }
}

fn get(policy: &Redirect, from: &str, location: &str) -> String {
    told(step(policy, "GET", from, 302, location))
}

#[test]
fn r02_another_port_is_another_origin() {
    let policy = Redirect::default();
    for location in ["https://a.example:8443/y", "https://a.example:80/y", "//a.example:444"] {
        assert_eq!(get(&policy, A, location), "cross_origin", "{location}");
    }
    assert_eq!(get(&policy, A, "https://a.example:443/y"), "GET https://a.example/y body home");
    assert_eq!(get(&policy, "http://a.example:8080/x", "http://a.example/"), "cross_origin");
}

#[test]
fn r03_from_https_to_http_nothing_is_followed() {
    for policy in [Redirect::same_origin(), Redirect::any_origin(), Redirect::wipac()] {
        for (from, location) in [
            (A, "http://a.example/y"),
            (A, "http://a.example:443/y"),
            (A, "http:b.example/y"),
            ("https://a.example:8443/x", "http://a.example:8443/x"),
            ("https://127.0.0.1:8443/x", "http://127.0.0.1/"),
        ] {
            assert_eq!(get(&policy, from, location), "downgrade", "{location}");
            assert_eq!(told(step(&policy, "POST", from, 307, location)), "downgrade", "{location}");
        }
    }
}

#[test]
fn r04_to_https_of_the_same_host_reads_go_without_credentials() {
    let (policy, from) = (Redirect::default(), "http://a.example/x");
    assert_eq!(get(&policy, from, "https://a.example/x"), "GET https://a.example/x body away");
    assert_eq!(told(step(&policy, "HEAD", from, 308, "https://A.example:443/")), "HEAD https://a.example/ body away");
    assert_eq!(told(step(&policy, "POST", from, 303, "https://a.example/")), "GET https://a.example/ bare away");
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(told(step(&policy, method, from, 307, "https://a.example/x")), "cross_origin", "{method}");
    }
    for location in ["https://a.example:8443/", "https://a.example:80/", "https://b.example/", "https://a.example./"] {
        assert_eq!(get(&policy, from, location), "cross_origin", "{location}");
    }
    assert_eq!(get(&policy, "http://a.example:8080/x", "https://a.example/x"), "cross_origin");
    assert_eq!(get(&policy, "http://a.example:8080/x", "https://a.example:8080/x"), "cross_origin");

    // From there the way goes on within https, and never back.
    let home = origin(from);
    let mut trail = Trail::new(&home);
    let mut on = |from: &str, location: &str| told(found(&policy, &mut trail, &from.parse().unwrap(), location));
    assert_eq!(on(from, "https://a.example/y"), "GET https://a.example/y body away");
    assert_eq!(on("https://a.example/y", "/z"), "GET https://a.example/z body away");
    assert_eq!(on("https://a.example/z", from), "downgrade");
}

#[test]
fn r05_whatever_its_spelling_a_header_stays_at_home() {
    let given: HeaderMap = ["authorization", "AUTHORIZATION", "X-Api-Key", "x-API-key", "Cookie"]
        .into_iter()
        .map(|name| header::header(name, "CNRY").unwrap())
        .collect();
    let hop = |home| Hop { method: Method::GET, uri: A.parse().unwrap(), body: true, home };
    assert!(hop(false).headers(&given).is_empty());
    assert_eq!(hop(true).headers(&given), given);
    assert_eq!(hop(true).headers(&given).len(), 5);
}

#[test]
fn r07_hosts_are_equal_but_for_their_case() {
    for location in [
        "https://xa.example/",
        "https://a.example.evil/",
        "https://a.example./",
        "https://b.a.example/",
        "https://example/",
    ] {
        assert_eq!(get(&Redirect::default(), A, location), "cross_origin", "{location}");
    }
    assert_eq!(get(&Redirect::default(), A, "https://A.EXAMPLE/y"), "GET https://a.example/y body home");
    assert_eq!(
        get(&Redirect::default(), "https://[::1]:8443/", "https://[0:0::1]:8443/y"),
        "GET https://[::1]:8443/y body home"
    );
}

#[test]
fn r06_home_is_where_the_caller_began() {
    let (home, policy) = (origin(A), Redirect::any_origin());
    let mut trail = Trail::new(&home);
    let mut from: Uri = A.parse().unwrap();
    let mut homes = Vec::new();
    for location in ["https://b.example/1", "/2", "https://c.example/", "//b.example/3", "https://a.example/back"] {
        let hop = found(&policy, &mut trail, &from, location).unwrap().unwrap();
        homes.push(hop.home);
        from = hop.uri;
    }
    assert_eq!(homes, [false, false, false, false, true]);
}

#[test]
fn r08_another_origin_gets_no_header_but_accept_and_user_agent() {
    let given: HeaderMap = [
        ("accept", "text/csv"),
        ("accept", "text/plain"),
        ("accept-language", "de"),
        ("user-agent", "me"),
        ("x-thing", "CNRY"),
        ("idempotency-key", "CNRY"),
        ("content-type", "CNRY"),
        ("referer", "CNRY"),
    ]
    .into_iter()
    .map(|(name, value)| header::header(name, value).unwrap())
    .collect();
    let carried = Hop { method: Method::GET, uri: A.parse().unwrap(), body: true, home: false }.headers(&given);
    let carried: Vec<_> = carried.iter().map(|(_, value)| value.to_str().unwrap()).collect();
    assert_eq!(carried, ["text/csv", "text/plain", "de", "me"]);
}

#[test]
fn r18_ten_hops_and_no_circle() {
    let walk = |policy: &Redirect, at: &dyn Fn(u16) -> String| {
        let home = origin(A);
        let mut trail = Trail::new(&home);
        let mut from: Uri = A.parse().unwrap();
        for asked in 1.. {
            match found(policy, &mut trail, &from, &at(asked)) {
                Ok(hop) => from = hop.unwrap().uri,
                Err(error) => return (error.code().to_owned(), asked),
            }
        }
        unreachable!()
    };
    let forever = |asked: u16| format!("/{asked}");
    assert_eq!(walk(&Redirect::default(), &forever), ("redirect.too_many".into(), 11));
    assert_eq!(walk(&Redirect::same_origin().limit(0), &forever), ("redirect.too_many".into(), 1));
    assert_eq!(walk(&Redirect::any_origin().limit(255), &forever), ("redirect.too_many".into(), 256));
    assert_eq!(walk(&Redirect::default(), &|_| "/x#again".into()), ("redirect.loop".into(), 1));
    assert_eq!(
        walk(&Redirect::default(), &|asked| ["/x", "/y"][usize::from(asked % 2)].into()),
        ("redirect.loop".into(), 2)
    );
    // What the WIPAC client does: 31 requests, whether the URL is new or not.
    for at in [&forever as &dyn Fn(u16) -> String, &|_| "/x".into()] {
        assert_eq!(walk(&Redirect::wipac(), at), ("redirect.too_many".into(), 31));
    }
}

#[test]
fn a_post_that_is_answered_at_its_own_url_is_no_circle() {
    assert_eq!(told(step(&Redirect::default(), "POST", A, 303, "/x")), "GET https://a.example/x bare home");
    let home = origin(A);
    let mut trail = Trail::new(&home);
    let (policy, from) = (Redirect::default(), A.parse().unwrap());
    assert_eq!(told(found(&policy, &mut trail, &from, "/y")), "GET https://a.example/y body home");
    assert_eq!(told(found(&policy, &mut trail, &from, "/y")), "loop");
    trail.forget();
    assert_eq!(told(found(&policy, &mut trail, &from, "/y")), "GET https://a.example/y body home");
}

#[test]
fn r20_a_method_is_never_changed_silently() {
    let kept = |method: &str| format!("{method} https://a.example/y body home");
    let read = || "GET https://a.example/y bare home".to_owned();
    for method in ["GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"] {
        let safe = matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE");
        for status in [301, 302] {
            let strict = if safe { kept(method) } else { "rewrite".to_owned() };
            assert_eq!(told(step(&Redirect::default(), method, A, status, "/y")), strict, "{method} {status}");
            let lax = if safe { kept(method) } else { read() };
            for policy in [Redirect::default().rewrite(true), Redirect::wipac()] {
                assert_eq!(told(step(&policy, method, A, status, "/y")), lax, "{method} {status}");
            }
        }
        let seen = told(step(&Redirect::default(), method, A, 303, "/y"));
        assert_eq!(seen, if method == "HEAD" { "HEAD https://a.example/y bare home".into() } else { read() });
        for status in [307, 308] {
            assert_eq!(told(step(&Redirect::default(), method, A, status, "/y")), kept(method), "{status}");
        }
    }
    let error = step(&Redirect::default(), "POST", A, 302, "/y?CNRY").unwrap_err();
    assert_eq!(error.outcome(), Outcome::Processed);
    assert!(error.to_string().contains("Redirect::rewrite(true)") && !error.to_string().contains("CNRY"), "{error}");
}

#[test]
fn r20_without_a_body_nothing_describes_one() {
    let given: HeaderMap =
        [("content-type", "a/b"), ("content-language", "de"), ("digest", "x"), ("x-thing", "1"), ("accept", "*/*")]
            .into_iter()
            .map(|(name, value)| header::header(name, value).unwrap())
            .collect();
    let hop = |status| step(&Redirect::default(), "POST", A, status, "/y").unwrap().unwrap().headers(&given);
    assert_eq!(hop(303).keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-thing", "accept"]);
    assert_eq!(hop(307), given);
}

#[test]
fn r21_a_body_that_is_read_once_is_not_sent_twice() {
    let home = origin(A);
    let follow = |status: u16, location: &str, replay| {
        let status = StatusCode::from_u16(status).unwrap();
        let (uri, headers) = (A.parse().unwrap(), to(location));
        let answer = Answer { method: &Method::POST, uri: &uri, replay, status, headers: &headers };
        Redirect::default().follow(&mut Trail::new(&home), &answer)
    };
    for status in [307, 308] {
        for replay in [Replay::Always, Replay::Reopen] {
            assert_eq!(told(follow(status, "/y", replay)), "POST https://a.example/y body home");
        }
        let error = follow(status, "/y", Replay::Once).unwrap_err();
        assert_eq!((error.code(), error.outcome()), ("redirect.not_replayable", Outcome::MaybeProcessed));
        assert_eq!(told(follow(status, "//b.example/", Replay::Once)), "cross_origin");
    }
    assert_eq!(told(follow(303, "/y", Replay::Once)), "GET https://a.example/y bare home");
}

#[test]
fn r22_no_body_goes_to_another_origin() {
    for policy in [Redirect::default(), Redirect::any_origin(), Redirect::wipac()] {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            for status in [307, 308] {
                assert_eq!(told(step(&policy, method, A, status, "https://b.example/")), "cross_origin", "{method}");
            }
        }
    }
    assert_eq!(told(step(&Redirect::any_origin(), "GET", A, 307, "//b.example/")), "GET https://b.example/ body away");
    assert_eq!(told(step(&Redirect::any_origin(), "POST", A, 303, "//b.example/")), "GET https://b.example/ bare away");
}

#[test]
fn r01_another_origin_is_named_and_no_more_of_it() {
    let error = step(&Redirect::default(), "GET", A, 302, "https://CNRY@b.example:8443/CNRY?CNRY#CNRY").unwrap_err();
    assert_eq!((error.code(), error.outcome()), ("redirect.cross_origin", Outcome::Processed));
    assert!(error.to_string().contains("https://b.example:8443, another origin"), "{error}");
    assert!(!format!("{error} {error:?}").contains("CNRY"), "{error}");
}

#[test]
fn r23_a_redirect_without_one_good_location_is_an_error() {
    let home = origin(A);
    let follow = |policy: &Redirect, locations: &[&[u8]]| {
        let mut headers = HeaderMap::new();
        for location in locations {
            headers.append(LOCATION, HeaderValue::from_bytes(location).unwrap());
        }
        let (method, status, uri) = (&Method::GET, StatusCode::FOUND, &A.parse().unwrap());
        let answer = Answer { method, uri, replay: Replay::Always, status, headers: &headers };
        told(policy.follow(&mut Trail::new(&home), &answer))
    };
    let long = vec![b'x'; 100 << 10];
    let bad: [&[&[u8]]; 9] = [
        &[b""],
        &[b"/y", b"/z"],
        &[b"http://[::1"],
        &[b"file:///etc/passwd"],
        &[b"data:,x"],
        &[b"javascript:x"],
        &[&long],
        &[b"/a\tb"],
        &[b"/\xc3\xa9"],
    ];
    for locations in bad {
        for policy in [Redirect::default(), Redirect::any_origin(), Redirect::wipac()] {
            assert_eq!(follow(&policy, locations), "bad_location", "{locations:?}");
        }
        assert_eq!(follow(&Redirect::off(), locations), "-");
    }
    assert_eq!(follow(&Redirect::default(), &[]), "bad_location");
    assert_eq!(follow(&Redirect::default(), &[b"/y", b"/y"]), "GET https://a.example/y body home");
    // W31: for the WIPAC client it is a success.
    assert_eq!(follow(&Redirect::wipac(), &[]), "-");
}

#[test]
fn r24_what_looks_relative_is_judged_by_where_it_leads() {
    for location in [
        "//evil.example/",
        r"\\evil.example\x",
        r"/\evil.example",
        "https://a.example@evil.example/",
        " //evil.example",
    ] {
        assert_eq!(get(&Redirect::default(), A, location), "cross_origin", "{location}");
    }
    assert_eq!(get(&Redirect::default(), A, "http:evil.example"), "downgrade");
    assert_eq!(get(&Redirect::default(), A, "//user:pw@a.example/y"), "GET https://a.example/y body home");
}

#[test]
fn w31_the_wipac_client_follows_as_it_always_did_but_takes_nothing_along() {
    for (method, status, location, expected) in [
        ("POST", 301, "/y", "GET https://a.example/y bare home"),
        ("PUT", 302, "/y", "GET https://a.example/y bare home"),
        ("DELETE", 302, "/y", "GET https://a.example/y bare home"),
        ("HEAD", 302, "/y", "HEAD https://a.example/y body home"),
        ("POST", 303, "/y", "GET https://a.example/y bare home"),
        ("POST", 307, "/y", "POST https://a.example/y body home"),
        ("PUT", 308, "/y", "PUT https://a.example/y body home"),
        ("GET", 302, "/x", "GET https://a.example/x body home"),
        ("GET", 302, "//b.example/", "GET https://b.example/ body away"),
        ("POST", 302, "https://a.example:8443/", "GET https://a.example:8443/ bare away"),
        // These it would do too, with the body and without encryption.
        ("POST", 307, "//b.example/", "cross_origin"),
        ("GET", 302, "http://a.example/", "downgrade"),
    ] {
        assert_eq!(told(step(&Redirect::wipac(), method, A, status, location)), expected, "{method} {status}");
    }
}

#[test]
fn r25_other_statuses_point_nowhere() {
    for status in [200, 201, 202, 300, 304, 305, 306, 309, 399, 401, 503] {
        assert_eq!(told(step(&Redirect::any_origin(), "GET", A, status, "/y")), "-", "{status}");
    }
    assert_eq!(told(step(&Redirect::off(), "GET", A, 302, "//evil.example/")), "-");
}

proptest! {
    /// Whatever a server says, the default never leaves the origin, and no policy leaves https.
    #[test]
    fn a_law_no_location_leads_astray(
        location in prop_oneof![
            "[ -~]{0,40}",
            "[hH]?[tT]{0,2}[pP]?[sS]?:?[/\\\\@. ]{0,4}(a|b|[.]){1,3}[.]?(example|evil)?[:@/\\\\?#%2ef0-9]{0,12}",
        ],
        method in prop_oneof![Just("GET"), Just("POST"), Just("DELETE")],
        status in prop_oneof![Just(301_u16), Just(303), Just(307)],
    ) {
        let here = url::Url::parse(A).unwrap().origin();
        let ends = |policy: &Redirect| step(policy, method, A, status, &location).ok().flatten();
        if let Some(hop) = ends(&Redirect::default().rewrite(true)) {
            let url = url::Url::parse(&hop.uri.to_string()).unwrap();
            prop_assert_eq!(url.origin(), here.clone());
            prop_assert_eq!(url.as_str(), hop.uri.to_string());
            prop_assert!(hop.home && url.username().is_empty() && url.password().is_none());
        }
        if let Some(hop) = ends(&Redirect::wipac()) {
            let url = url::Url::parse(&hop.uri.to_string()).unwrap();
            prop_assert_eq!(url.scheme(), "https");
            prop_assert_eq!(hop.home, url.origin() == here);
            prop_assert!(hop.home || (hop.method == Method::GET));
        }
    }
}
