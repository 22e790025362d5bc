//! R30 to R36: listings page by page, and where a server may not lead.

use std::time::Duration;

use futures_util::StreamExt;
use restwalk::{Auth, Catalog, Client, ErrorKind, Outcome, Pages, Stop, Value, json};

use crate::support::{
    canary::{canary, find, printed},
    script::{Script, Seen, Step, answer},
};

/// A page with a link to the next one.
fn linked(next: &str) -> Step {
    answer(200).header("link", format!("<{next}>; rel=\"next\""))
}

/// The page that a request asks for, from 1.
fn page_of(seen: &Seen) -> usize {
    seen.url.split_once("page=").map_or(1, |(_, page)| page.split('&').next().unwrap().parse().unwrap())
}

/// A listing of so many pages, each an array of two numbers.
fn listing(pages: usize) -> Script {
    Script::by(move |seen| {
        let page = page_of(seen);
        let step = if page < pages { linked(&format!("?page={}", page + 1)) } else { answer(200) };
        step.body(json!([page * 2, page * 2 + 1]).to_string())
    })
}

fn pages(client: &Client) -> Pages {
    client.res("people").get().pages()
}

/// How many pages came, the code of the error that ended them, and why no more come.
async fn drain(pages: &mut Pages) -> (usize, Option<String>, Option<Stop>) {
    let (mut count, mut code) = (0, None);
    while let Some(page) = pages.next().await {
        match page {
            Ok(_) => count += 1,
            Err(error) => code = Some(error.code().to_owned()),
        }
    }
    assert!(pages.next().await.is_none(), "the end is the end");
    (count, code, pages.stopped())
}

#[tokio::test]
async fn r30_each_page_is_asked_as_the_first_but_for_its_url() {
    let script = Script::by(|seen| {
        match page_of(seen) {
        1 => answer(200)
            .header("link", "</v1/people>; rel=first, </v1/people?page=9&x=a,b;c>; rel=\"last prev\"")
            .header("link", "</other>; rel=next; anchor=\"/else\", <people?page=2&cursor=a,b;c%2F>; title=\"n, x\"; rel=\"up NEXT\""),
        _ => answer(200).header("link", "<people?page=1>; rel=prev"),
    }
    });
    let client =
        script.at("http://api.test/v1").header("x-client", "1").auth(Auth::bearer("CNRY-client")).build().unwrap();
    let call = client.res("people").get().query("limit", 1).header("x-call", "2").header("accept", "a/b");
    assert_eq!(drain(&mut call.pages()).await, (2, None, Some(Stop::LastPage)));
    assert_eq!(
        script.urls(),
        ["http://api.test/v1/people?limit=1", "http://api.test/v1/people?page=2&cursor=a,b;c%2F"]
    );
    let seen = script.seen();
    for name in ["x-client", "x-call", "accept", "authorization", "user-agent"] {
        assert!(seen[0].header(name).is_some());
        assert_eq!(seen[0].header(name), seen[1].header(name), "{name}");
    }
    assert!(seen.iter().all(|seen| seen.method == "GET" && seen.body.is_empty()));
}

#[tokio::test]
async fn r31_a_link_out_of_the_base_url_is_not_followed() {
    for next in [
        "https://evil.test/v1/people?CNRY",
        "//evil.test/v1/people?CNRY",
        r"\\evil.test\v1\people?CNRY",
        "https://api.test:8443/v1/people?CNRY",
        "http://api.test/v1/people?CNRY",
        "https://api.test.evil.test/v1/people?CNRY",
        "https://xapi.test/v1/people?CNRY",
        "https://CNRY:CNRY@api.test/v1/people",
        "../people?CNRY",
        "/v1/../admin?CNRY",
        "/v1/%2e%2e/admin?CNRY",
        "/v1/..%2fadmin?CNRY",
        "/v10/people?CNRY",
    ] {
        let script = Script::by(move |_| linked(next));
        let client = script.at("https://api.test/v1").build().unwrap();
        let mut pages = pages(&client);
        assert_eq!(pages.next().await.unwrap().unwrap().status(), 200);
        let error = pages.next().await.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Redirect, "redirect.cross_origin"), "{next}");
        assert_eq!(error.outcome(), Outcome::Processed);
        assert!(error.to_string().starts_with("GET /people: the link to http"), "{error}");
        assert!(!format!("{} {pages:?}", printed(&error)).contains("CNRY"), "{error}");
        assert_eq!((script.count(), pages.stopped(), pages.resume()), (1, Some(Stop::Failed), None), "{next}");
        assert!(pages.next().await.is_none());

        let response = client.res("people").get().send().await.unwrap();
        let error = client.follow(&response, "next").unwrap_err();
        assert_eq!(error.code(), "redirect.cross_origin", "{next}");
        assert!(!printed(&error).contains("CNRY"), "{error}");
    }
}

#[tokio::test]
async fn r32_a_page_that_comes_again_is_an_error() {
    for (next, expected) in [
        (["/people", "/people"], 1),
        (["http://API.test:80/people#again", "/people"], 1),
        (["?page=2", "/people"], 2),
        (["?page=2", "?page=2"], 2),
    ] {
        let script = Script::by(move |seen| linked(next[page_of(seen) - 1]));
        let result = drain(&mut pages(&script.client())).await;
        assert_eq!(result, (expected, Some("redirect.loop".into()), Some(Stop::Failed)), "{next:?}");
        assert_eq!(script.count(), expected);
    }
}

#[tokio::test]
async fn r33_the_number_of_pages_is_bounded_and_what_came_is_kept() {
    let script = listing(1_000_000);
    let mut endless = pages(&script.client());
    assert_eq!(drain(&mut endless).await, (1_000, None, Some(Stop::MaxPages)));
    assert_eq!((script.count(), endless.resume().as_deref()), (1_000, Some("/people?page=1001")));

    let script = listing(3);
    let client = script.client();
    for (most, expected, asked) in [
        (2, (2, None, Some(Stop::MaxPages)), 2),
        (3, (3, None, Some(Stop::LastPage)), 5),
        (4, (3, None, Some(Stop::LastPage)), 8),
    ] {
        assert_eq!(drain(&mut pages(&client).max_pages(most)).await, expected, "{most}");
        assert_eq!(script.count(), asked);
    }
    let mut items = client.res("people").get().pages().max_pages(2).items::<u64>();
    let mut found = Vec::new();
    while let Some(item) = items.next().await {
        found.push(item.unwrap());
    }
    assert_eq!((found, items.pages().stopped()), (vec![2, 3, 4, 5], Some(Stop::MaxPages)));
}

#[tokio::test]
async fn r34_a_link_in_the_body_passes_the_same_gate() {
    let at_first = |next: Value| {
        Script::by(move |seen| match page_of(seen) {
            1 => answer(200).header("link", "</wrong>; rel=next").body(json!({"paging": {"next": next}}).to_string()),
            _ => answer(200),
        })
    };
    let ends = |pages: usize| (pages, None, Some(Stop::LastPage));
    let fails = |code: &str| (1, Some(code.to_owned()), Some(Stop::Failed));
    for (next, expected) in [
        (json!(null), ends(1)),
        (json!(""), ends(1)),
        (json!("?page=2"), ends(2)),
        (json!("people?page=2"), ends(2)),
        (json!("/people?page=2"), ends(2)),
        (json!("http://api.test/people?page=2"), ends(2)),
        (json!(2), fails("body.decode")),
        (json!(true), fails("body.decode")),
        (json!({"href": "?page=2"}), fails("body.decode")),
        (json!(["?page=2"]), fails("body.decode")),
        (json!("https://evil.test/?CNRY"), fails("redirect.cross_origin")),
        (json!("//evil.test/?CNRY"), fails("redirect.cross_origin")),
        (json!("/people"), fails("redirect.loop")),
        (json!("javascript:CNRY"), fails("redirect.bad_location")),
        (json!("/\r\n"), fails("redirect.bad_location")),
    ] {
        let script = at_first(next.clone());
        let mut pages = pages(&script.client()).next_at("/paging/next");
        assert_eq!(drain(&mut pages).await, expected, "{next}");
        assert_eq!(script.count(), expected.0, "{next}");
    }
    let script = Script::of([answer(200).body("no JSON CNRY")]);
    assert_eq!(drain(&mut pages(&script.client()).next_at("/next")).await, fails("body.decode"));
    let script = Script::of([answer(200).body("[1]"), answer(200)]);
    assert_eq!(drain(&mut pages(&script.client()).next_at("/next")).await, ends(1));
    let error = pages(&script.client()).next_at("next").next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("/paging/next"), "{error}");
    // The page itself can be read as any answer.
    let script = at_first(json!("?page=2"));
    let page = pages(&script.client()).next_at("/paging/next").next().await.unwrap().unwrap();
    assert_eq!(page.json::<Value>().await.unwrap()["paging"]["next"], "?page=2");
}

/// Three pages, of which the third fails as often as `failures` says.
fn failing(failures: usize) -> Script {
    let left = std::sync::atomic::AtomicUsize::new(failures);
    let good = listing(3);
    Script::by(move |seen| {
        let less = |left: usize| left.checked_sub(1);
        let order = std::sync::atomic::Ordering::SeqCst;
        let fails = page_of(seen) == 3 && left.fetch_update(order, order, less).is_ok();
        if fails { answer(503) } else { good.choose(seen) }
    })
}

#[tokio::test(start_paused = true)]
async fn r35_a_page_that_fails_is_asked_again_and_costs_no_other() {
    let script = failing(1);
    let items: Vec<_> = script.client().res("people").get().items::<u64>().collect().await;
    assert_eq!(items.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
    assert_eq!(script.count(), 4);

    let script = failing(3);
    let client = script.client();
    let mut items = client.res("people").get().items::<u64>();
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    while let Some(item) = items.next().await {
        item.map_or_else(|error| errors.push(error), |item| found.push(item));
    }
    assert_eq!((found, script.count()), (vec![2, 3, 4, 5], 5));
    assert_eq!((errors.len(), errors[0].kind(), errors[0].attempts()), (1, ErrorKind::Status, 3));
    assert_eq!((items.pages().stopped(), items.next().await.is_none()), (Some(Stop::Failed), true));
    let token = items.pages().resume().unwrap();
    assert_eq!(token, "/people?page=3");
    let rest = client.res("people").get().query("limit", 5).pages().resume_from(&token);
    let rest: Vec<_> = rest.items::<u64>().collect().await;
    assert_eq!(rest.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [6, 7]);
    assert_eq!(script.urls().last().unwrap(), "http://api.test/people?page=3");
}

#[tokio::test]
async fn r35_a_token_passes_the_gate_too() {
    let script = listing(1);
    let client = script.at("http://api.test/v1").build().unwrap();
    for token in
        ["//evil.test/v1/x?CNRY", "https://evil.test/v1/x?CNRY", "/v2/x?CNRY", "/v1/../x?CNRY", "http://u@api.test/v1"]
    {
        let mut pages = pages(&client).resume_from(token);
        let error = pages.next().await.unwrap().unwrap_err();
        assert_eq!((error.code(), error.outcome()), ("redirect.cross_origin", Outcome::NotSent), "{token}");
        assert!(!printed(&error).contains("CNRY"));
        assert!(pages.next().await.is_none());
    }
    assert_eq!(pages(&client).resume_from("").next().await.unwrap().unwrap_err().code(), "redirect.bad_location");
    assert_eq!(script.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn r36_what_the_next_url_holds_is_never_printed() {
    let key = canary("key");
    let echo = |seen: &Seen| seen.url.split_once("api_key=").map(|(_, key)| key.to_owned()).unwrap_or_default();
    for bad in [
        answer(500),
        answer(404).body("{\"error\":\"no\"}"),
        Step::Fail(ErrorKind::Connect, Outcome::NotSent),
        Step::Hang,
    ] {
        let script = Script::by(move |seen| match page_of(seen) {
            1 => linked(&format!("?page=2&api_key={}&token={}", echo(seen), canary("token"))),
            _ => bad.clone(),
        });
        let client = script.builder().auth(Auth::api_key_query("api_key", key.clone())).build().unwrap();
        let mut pages = pages(&client);
        pages.next().await.unwrap().unwrap();
        let error = pages.next().await.unwrap().unwrap_err();
        let shown = format!("{} {pages:?} {pages:#?}", printed(&error));
        assert_eq!(find(&shown, &[canary("token"), key.clone()]), None);
        // The key that the server echoed is attached once, and is no part of the token.
        let asked = script.urls().pop().unwrap();
        assert_eq!(asked, format!("http://api.test/people?page=2&token={}&api_key={key}", canary("token")));
        assert_eq!(pages.resume().unwrap(), format!("/people?page=2&token={}", canary("token")));
    }
}

#[tokio::test]
async fn only_a_listing_whose_next_page_can_be_found_is_asked() {
    let resources = "
api: x
resources:
  linked: {route: /linked, methods: {GET: {paginate: link}, POST: {}}}
  counted: {route: /counted, methods: {GET: {paginate: offset}}}
";
    let script = listing(2);
    let client = script.builder().catalog(Catalog::from_yaml(resources, "{}").unwrap()).build().unwrap();
    for call in
        [client.res("linked").post(), client.res("unknown").get(), client.res("counted").get().query("offset", "x")]
    {
        let mut pages = call.pages();
        let error = pages.next().await.unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Request | ErrorKind::Path), "{error}");
        assert_eq!((error.outcome(), pages.stopped()), (Outcome::NotSent, Some(Stop::Failed)));
    }
    assert_eq!(script.count(), 0);
    assert_eq!(drain(&mut client.res("linked").get().pages()).await.0, 2);
    assert_eq!(drain(&mut client.res("counted").get().pages().next_at("/next")).await.0, 1);
    // A further page belongs to its route, as the error's text says.
    let script = Script::by(|seen| if page_of(seen) == 1 { linked("?page=2") } else { answer(404) });
    let client = script.builder().catalog(Catalog::from_yaml(resources, "{}").unwrap()).build().unwrap();
    let mut pages = client.res("linked").get().pages();
    pages.next().await.unwrap().unwrap();
    assert_eq!(pages.next().await.unwrap().unwrap_err().to_string(), "GET /linked answered 404 Not Found");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_no_longer_waited_for_is_there_for_the_next_call() {
    let script = Script::by(|_| answer(200).after(Duration::from_secs(5)));
    let mut pages = pages(&script.client());
    for _ in 0..3 {
        assert!(tokio::time::timeout(Duration::from_secs(1), pages.next()).await.is_err());
    }
    assert_eq!(pages.next().await.unwrap().unwrap().status(), 200);
    assert_eq!(script.count(), 1);
}

#[tokio::test]
async fn items_stand_where_the_body_says_and_a_wrong_page_ends_them() {
    let script = Script::by(|seen| match page_of(seen) {
        1 => linked("?page=2").body(r#"{"data":{"items":["a","b"]}}"#),
        2 => linked("?page=3").body(r#"{"data":{"items":["c",4,"e"]}}"#),
        _ => answer(200),
    });
    let items = script.client().res("people").get().items::<String>().items_at("/data/items");
    let told: Vec<_> = items.map(|item| item.map_err(|error| error.code())).collect().await;
    assert_eq!(told, [Ok("a".to_owned()), Ok("b".to_owned()), Ok("c".to_owned()), Err("body.decode")]);
    assert_eq!(script.count(), 2);
    let script = Script::of([answer(200).body("{}")]);
    let error = script.client().res("people").get().items::<Value>().next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn a_link_of_any_relation_is_followed_once() {
    let script = Script::by(|seen| match &*seen.url {
        "http://api.test/v1/people" => answer(200).header("link", "<people/ada?x=1>; rel=\"first Author\""),
        _ => answer(200).body("\"Ada\""),
    });
    let client = script.at("http://api.test/v1").auth(Auth::bearer("tok")).build().unwrap();
    let people = client.res("people").get().send().await.unwrap();
    assert!(client.follow(&people, "next").unwrap().is_none());
    assert_eq!(client.follow(&people, "author").unwrap().unwrap().await.unwrap(), "Ada");
    let seen = script.seen();
    assert_eq!(
        (&*seen[1].url, seen[1].header("authorization")),
        ("http://api.test/v1/people/ada?x=1", Some("Bearer tok"))
    );
}
