//! What a request tells of the work that it is part of, and of the program that sends it.

use restwalk::{Auth, Client, ClientBuilder, Correlation, ErrorKind, Redirect, http::HeaderMap};

use crate::support::script::{Script, Seen, Step, answer};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn inbound(pairs: &[(&'static str, &str)]) -> Correlation {
    let headers: HeaderMap =
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    Correlation::from_headers(&headers)
}

/// What one call sends for `builder`, inside `correlation`.
async fn sent(correlation: Correlation, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Seen {
    let script = Script::of([answer(200)]);
    let client = change(script.builder()).build().unwrap();
    correlation.scope(async { client.res("x").get().send().await.unwrap() }).await;
    script.seen().remove(0)
}

#[tokio::test(start_paused = true)]
async fn e8_the_id_of_the_inbound_request_goes_out() {
    let seen = sent(inbound(&[("X-Request-ID", "a-fake-request-id")]), |it| it).await;
    assert_eq!(seen.header("x-request-id"), Some("a-fake-request-id"));
    for without in [inbound(&[]), inbound(&[("x-request-id", "")]), Correlation::new()] {
        assert_eq!(sent(without, |it| it).await.header("x-request-id"), None);
    }
    let script = Script::of([answer(200)]);
    script.client().res("x").get().send().await.unwrap();
    assert_eq!(script.seen()[0].header("x-request-id"), None);
}

#[tokio::test(start_paused = true)]
async fn e8_the_callers_own_header_wins_in_any_spelling() {
    let script = Script::of([answer(200)]);
    let client = script.client();
    for (name, value, expected) in [
        ("X-Request-ID", "mine", "mine"),
        ("x-request-id", "low", "low"),
        ("X-REQUEST-ID", "LOUD", "LOUD"),
        ("x-request-id", "", "a-fake-request-id"),
    ] {
        let call = client.res("x").get().header(name, value);
        inbound(&[("x-request-id", "a-fake-request-id")]).scope(async { call.send().await.unwrap() }).await;
        let seen = script.seen().pop().unwrap();
        assert_eq!(seen.header("x-request-id"), Some(expected), "{name}: {value}");
        assert_eq!(seen.headers.get_all("x-request-id").iter().count(), 1);
    }
    let seen = sent(inbound(&[("x-request-id", "a")]), |it| it.header("x-request-ID", "the client's")).await;
    assert_eq!(seen.header("x-request-id"), Some("the client's"));
}

#[tokio::test(start_paused = true)]
async fn e8_the_header_has_the_name_that_is_chosen() {
    let seen = sent(inbound(&[("x-request-id", "a")]), |it| it.request_id_header("X-Correlation-ID")).await;
    assert_eq!((seen.header("x-correlation-id"), seen.header("x-request-id")), (Some("a"), None));
    for bad in ["", "x y", "Host", "Authorization", "cookie", "X-Api-Key"] {
        let error = Client::builder("http://h").request_id_header(bad).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request, "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn e22_an_id_is_made_up_only_where_it_is_asked_for() {
    let script = Script::of([answer(503), answer(200)]);
    let client = script.builder().make_request_id(true).build().unwrap();
    client.res("x").get().send().await.unwrap();
    client.res("x").get().send().await.unwrap();
    let ids: Vec<_> = script.seen().iter().map(|seen| seen.header("x-request-id").unwrap().to_owned()).collect();
    assert_eq!((ids[0].len(), ids.len()), (36, 3));
    assert_eq!(ids[0], ids[1], "the same in every attempt");
    assert_ne!(ids[1], ids[2], "another in another call");
    let seen = sent(inbound(&[("x-request-id", "around")]), |it| it.make_request_id(true)).await;
    assert_eq!(seen.header("x-request-id"), Some("around"));
}

#[tokio::test(start_paused = true)]
async fn y42_the_trace_is_the_same_and_the_span_is_new() {
    let script = Script::of([answer(503), answer(503), answer(200)]);
    let client = script.builder().make_spans(true).build().unwrap();
    let around = inbound(&[("traceparent", PARENT), ("tracestate", "a=1")]);
    around.clone().scope(async { client.res("x").get().send().await.unwrap() }).await;
    let parents: Vec<_> = script.seen().iter().map(|seen| seen.header("traceparent").unwrap().to_owned()).collect();
    assert_eq!(parents.len(), 3);
    for (at, parent) in parents.iter().enumerate() {
        assert_eq!((&parent[..36], &parent[52..]), (&PARENT[..36], "-01"), "{parent}");
        assert_ne!(parent, PARENT);
        assert!(!parents[..at].contains(parent), "each attempt is a span of its own");
    }
    assert!(script.seen().iter().all(|seen| seen.header("tracestate") == Some("a=1")));
    // Where no span is made, what is around is passed on as it stands.
    let script = Script::of([answer(503), answer(200)]);
    around.scope(async { script.client().res("x").get().send().await.unwrap() }).await;
    assert!(script.seen().iter().all(|seen| seen.header("traceparent") == Some(PARENT)));
}

#[tokio::test(start_paused = true)]
async fn y42_a_trace_begins_with_the_call() {
    let script = Script::of([answer(503), answer(200)]);
    let client = script.builder().make_spans(true).build().unwrap();
    client.res("x").get().send().await.unwrap();
    client.res("x").get().send().await.unwrap();
    let parents: Vec<_> = script.seen().iter().map(|seen| seen.header("traceparent").unwrap().to_owned()).collect();
    assert_eq!(parents[0][..36], parents[1][..36]);
    assert_ne!(parents[0], parents[1]);
    assert_ne!(parents[1][..36], parents[2][..36]);
}

#[tokio::test(start_paused = true)]
async fn x14_calls_side_by_side_carry_their_own() {
    let script = Script::by(|seen| answer(200).after(std::time::Duration::from_millis(seen.url.len() as u64 % 7)));
    let client = script.builder().make_spans(true).build().unwrap();
    let calls = (0..200).map(|n| {
        let call = client.res("x").item(n).get();
        inbound(&[("x-request-id", &format!("id-{n}"))]).scope(async { call.send().await.unwrap() })
    });
    futures_util::future::join_all(calls).await;
    let seen = script.seen();
    assert_eq!(seen.len(), 200);
    for seen in seen {
        let n = seen.url.rsplit('/').next().unwrap();
        assert_eq!(seen.header("x-request-id"), Some(format!("id-{n}").as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn r08_another_origin_hears_nothing_of_the_work() {
    let around =
        inbound(&[("x-request-id", "a"), ("traceparent", PARENT), ("tracestate", "a=1")]).baggage("b=1").unwrap();
    let names = ["x-request-id", "traceparent", "tracestate", "baggage"];
    let script = Script::by(|seen| match seen.url.as_str() {
        "http://api.test/away" => answer(302).header("location", "http://other.test/"),
        "http://api.test/stay" => answer(302).header("location", "/there"),
        _ => answer(200),
    });
    let builder = script.builder().redirect(Redirect::any_origin()).make_spans(true).make_request_id(true);
    let client = builder.build().unwrap();
    let calls = async {
        for call in [client.res("away").get(), client.res("stay").get(), client.at("http://third.test/").get()] {
            call.send().await.unwrap();
        }
        client.at("http://api.test/home").get().send().await.unwrap();
    };
    Box::pin(around.scope(calls)).await;
    for seen in script.seen() {
        let carries = names.map(|name| seen.headers.contains_key(name));
        assert_eq!(carries, [seen.url.starts_with("http://api.test/"); 4], "{}", seen.url);
    }
}

#[tokio::test(start_paused = true)]
async fn s07_a_span_that_is_made_is_told_to_the_subscriber() {
    use crate::spans::traced;
    let script = Script::of([Step::Answer(200, Vec::new(), "{}".into())]);
    let client = script.builder().make_spans(true).build().unwrap();
    let (lines, _) = traced(client.res("x").get()).await;
    let sent = script.seen()[0].header("traceparent").unwrap().to_owned();
    assert!(lines[1].contains(&format!("traceparent={sent}")), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn e9_the_user_agent_names_library_and_application() {
    let library = concat!("restwalk/", env!("CARGO_PKG_VERSION"));
    let both = format!("{library} svc/1.2");
    let cases: [(&str, &str, &str); 5] = [
        ("", "", library),
        ("", "svc/1.2", &both),
        ("own/3 (x)", "svc/1.2", "own/3 (x) svc/1.2"),
        ("own/3", "", "own/3"),
        ("", "unknown_client_name", &format!("{library} unknown_client_name")),
    ];
    for (agent, application, expected) in cases {
        let seen = sent(Correlation::new(), |it| it.user_agent(agent).application(application)).await;
        assert_eq!(seen.header("user-agent"), Some(expected));
    }
}

#[test]
fn e20_a_name_with_a_control_character_is_refused_and_not_shown() {
    for bad in ["CNRY\r\nX: y", "CNRY\n", "CNRY\0", "CNRY\u{7f}"] {
        for builder in [Client::builder("http://h").application(bad), Client::builder("http://h").user_agent(bad)] {
            let error = builder.build().unwrap_err();
            assert_eq!(error.code(), "invalid_input.header");
            assert!(error.to_string().contains("user-agent") && !error.to_string().contains("CNRY"), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn e9_one_authorization_goes_out_in_the_scheme_that_is_asked() {
    for (auth, expected) in [(Auth::bearer("abc123"), "Bearer abc123"), (Auth::scheme("JWT", "tok"), "JWT tok")] {
        let seen = sent(Correlation::new(), |it| it.auth(auth)).await;
        assert_eq!(seen.headers.get_all("authorization").iter().collect::<Vec<_>>(), [expected]);
    }
    let script = Script::of([answer(200)]);
    let client = script.builder().auth(Auth::scheme("JWT", "T")).build().unwrap();
    client.res("x").get().auth(Auth::basic("u", "p")).send().await.unwrap();
    client.res("x").get().header("Authorization", "Bearer zz").send().await.unwrap();
    let sent: Vec<_> = script.seen().iter().map(|seen| seen.header("authorization").unwrap().to_owned()).collect();
    // A header of the call's own stands; the older client wrote over it.
    assert_eq!(sent, ["Basic dTpw", "Bearer zz"]);
}
