//! R30 to R36: every way in which a next page is found, over a server in process.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, extract::Query, routing::get};
use futures_util::StreamExt;
use proptest::prelude::*;
use restwalk::{Call, Catalog, Client, ErrorKind, Items, Outcome, Paginate, Result, Stop, Value, json};
use serde_json::value::RawValue;

use crate::support::{
    canary::printed,
    script::{Script, answer},
};

type Params = std::collections::HashMap<String, String>;

/// A server that lists `ids` in every way that there is, at most `size` a page.
fn server(ids: Vec<u64>, size: usize) -> Router {
    let number = |params: &Params, name: &str| params.get(name).map(|text| text.parse::<usize>().unwrap());
    let ids = Arc::new(ids);
    let by = move |from: fn(&Params, &[u64], usize) -> usize, body: fn(Value, Option<usize>) -> Value| {
        let ids = Arc::clone(&ids);
        get(move |Query(params): Query<Params>| async move {
            let size = number(&params, "limit").unwrap_or(size).min(size);
            let from = from(&params, &ids, size).min(ids.len());
            let to = (from + size).min(ids.len());
            let page: Vec<_> = ids[from..to].iter().map(|id| json!({"id": id})).collect();
            let next = (to < ids.len()).then_some(to);
            let link = next.map_or(String::new(), |next| format!("<?from={next}>; rel=next"));
            ([("link", link)], body(Value::from(page), next).to_string())
        })
    };
    fn from(params: &Params, _: &[u64], _: usize) -> usize {
        params.get("from").map_or(0, |text| text.trim_start_matches("c ").parse().unwrap())
    }
    fn page(params: &Params, _: &[u64], size: usize) -> usize {
        params.get("page").map_or(0, |text| (text.parse::<usize>().unwrap() - 1) * size)
    }
    fn id(params: &Params, ids: &[u64], _: usize) -> usize {
        let id = params.get("before").or(params.get("after"));
        id.map_or(0, |id| ids.iter().position(|known| known.to_string() == *id).unwrap() + 1)
    }
    Router::new()
        .route("/link", by(from, |page, _| page))
        .route(
            "/next",
            by(from, |page, next| json!({"data": page, "next": next.map(|next| format!("/next?from={next}"))})),
        )
        .route("/cursor", by(from, |page, next| json!({"data": page, "to": next.map(|next| format!("c {next}"))})))
        .route("/number", by(from, |page, next| json!({"data": page, "to": next})))
        .route("/page", by(page, |page, _| page))
        .route("/offset", by(from, |page, _| page))
        .route("/before", by(id, |page, _| page))
        .route("/after", by(id, |page, _| page))
}

/// The same server's listings, as a catalog.
fn catalog(size: usize) -> Catalog {
    let resources = "
resources:
  link: { route: /link, methods: { GET: { paginate: link } } }
  next: { route: /next, methods: { GET: { paginate: { by: next, at: /next, items: /data } } } }
  cursor: { route: /cursor, methods: { GET: { paginate: { by: cursor, at: /to, query: from, items: /data } } } }
  number: { route: /number, methods: { GET: { paginate: { by: cursor, at: /to, query: from, items: /data } } } }
  page: { route: /page, methods: { GET: { paginate: { by: page, size: SIZE, limit: limit } } } }
  offset: { route: /offset, methods: { GET: { paginate: { by: offset, query: from } } } }
  before: { route: /before, methods: { GET: { paginate: before } } }
  after: { route: /after, methods: { GET: { paginate: { by: after, at: /id, size: SIZE } } } }
";
    Catalog::from_yaml(&resources.replace("SIZE", &size.to_string()), "").unwrap()
}

async fn ids(items: Items<Value>) -> Result<Vec<u64>> {
    let items: Vec<Result<Value>> = items.collect().await;
    items.into_iter().map(|item| item.map(|item| item["id"].as_u64().unwrap())).collect()
}

/// Every listing of the server, by the catalog and by the call.
fn listings(client: &Client, size: u64) -> Vec<(String, Items<Value>)> {
    let by_catalog = ["link", "next", "cursor", "number", "page", "offset", "before", "after"];
    let by_call = [
        ("next", Paginate::next("/next").items_at("/data")),
        ("cursor", Paginate::cursor("/to").query("from").items_at("/data")),
        ("page", Paginate::page()),
        ("page", Paginate::page().first(1).size(size)),
        ("offset", Paginate::offset().query("from")),
        ("offset", Paginate::offset().query("from").limit("limit", size)),
        ("before", Paginate::before().limit("limit", size)),
        ("after", Paginate::after().id_at("/id")),
    ];
    let declared = by_catalog.map(|name| (name.to_owned(), client.res(name).get().items()));
    let told = by_call.map(|(name, by)| (format!("{by:?}"), client.res(name).get().pages().by(by).items()));
    declared.into_iter().chain(told).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However long the list and the pages are, each element comes once and in order.
    #[test]
    fn r30_a_law_every_listing_gives_each_element_once_and_in_order(
        wanted in proptest::collection::btree_set(any::<u64>(), 0..30).prop_map(Vec::from_iter).prop_shuffle(),
        size in 1..9_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = Client::local(server(wanted.clone(), size)).catalog(catalog(size)).build().unwrap();
            for (name, items) in listings(&client, size as u64) {
                prop_assert_eq!(&ids(items).await.unwrap(), &wanted, "{}", name);
            }
            Ok(())
        })?;
    }

    /// Wherever a listing is left, by the number of elements or of pages, its token leads to all that is missing.
    #[test]
    fn r35_a_law_a_listing_that_is_left_goes_on_where_it_was(
        count in 1..30_u64, size in 1..9_usize, most in 1..30_usize, pages in 1..5_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let wanted: Vec<u64> = (0..count).rev().collect();
            let client = Client::local(server(wanted.clone(), size)).catalog(catalog(size)).build().unwrap();
            for name in ["link", "next", "cursor", "page", "offset", "before"] {
                let call = || client.res(name).get().pages();
                let mut items = call().max_pages(pages).items::<Value>().max_items(most);
                let mut found = Vec::new();
                while let Some(item) = items.next().await {
                    found.push(item.unwrap()["id"].as_u64().unwrap());
                }
                if let Some(token) = items.resume() {
                    prop_assert!(matches!(items.stopped(), Some(Stop::MaxItems | Stop::MaxPages)), "{}", name);
                    found.extend(ids(call().resume_from(&token).items()).await.unwrap());
                } else {
                    prop_assert_eq!(items.stopped(), Some(Stop::LastPage));
                }
                prop_assert_eq!(&found, &wanted, "{}", name);
            }
            Ok(())
        })?;
    }
}

/// What a listing of `pages` asks for, in which the n-th request gets the n-th page, the rest `[]`.
async fn asked(call: impl FnOnce(&Client) -> Call, by: Paginate, pages: &[&str]) -> (Vec<String>, Vec<String>) {
    let (bodies, count) = (pages.iter().map(|page| (*page).to_owned()).collect::<Vec<_>>(), AtomicUsize::new(0));
    let script = Script::by(move |_| {
        let body = bodies.get(count.fetch_add(1, Ordering::SeqCst)).cloned();
        answer(200).body(body.unwrap_or("[]".to_owned()))
    });
    let items: Vec<_> = call(&script.client()).pages().by(by).items::<Box<RawValue>>().collect().await;
    let urls = script.urls().into_iter().map(|url| url.trim_start_matches("http://api.test").to_owned()).collect();
    (
        urls,
        items.into_iter().map(|item| item.map_or_else(|error| error.to_string(), |raw| raw.get().to_owned())).collect(),
    )
}

#[tokio::test]
async fn r30_each_way_asks_for_what_it_says() {
    let plain = |client: &Client| client.res("p").get();
    let (page, offset) = (Paginate::page(), Paginate::offset());
    for (by, pages, expected) in [
        (page.clone(), &["[1]", "[2]"][..], &["/p", "/p?page=2", "/p?page=3"][..]),
        (page.clone().first(0).query("p[n]"), &["[1]"], &["/p", "/p?p%5Bn%5D=1"]),
        (page.clone().limit("n", 2), &["[1,2]", "[3]"], &["/p?n=2", "/p?n=2&page=2"]),
        (page.clone().size(2), &["[1,2]", "[3,4]"], &["/p", "/p?page=2", "/p?page=3"]),
        (offset.clone(), &["[1,2]", "[3]", "[4]"], &["/p", "/p?offset=2", "/p?offset=3", "/p?offset=4"]),
        (offset.clone().limit("limit", 2), &["[1,2]", "[3]"], &["/p?limit=2", "/p?limit=2&offset=2"]),
        (Paginate::before().id_at(""), &["[9,8]", "[\"a b\"]"], &["/p", "/p?before=8", "/p?before=a+b"]),
        (
            Paginate::after(),
            &[r#"[{"id":1},{"id":123456789012345678901234567890}]"#],
            &["/p", "/p?after=123456789012345678901234567890"],
        ),
        (
            Paginate::cursor("/c").items_at("/i"),
            &[r#"{"i":[1],"c":"x&y=é"}"#, r#"{"i":[2],"c":1e2}"#, r#"{"i":[3],"c":""}"#],
            &["/p", "/p?cursor=x%26y%3D%C3%A9", "/p?cursor=1e2"],
        ),
        (Paginate::cursor("/c").items_at("/i"), &[r#"{"i":[1],"c":null}"#], &["/p"]),
        (Paginate::cursor("/c/d").items_at("/i"), &[r#"{"i":[1]}"#], &["/p"]),
    ] {
        assert_eq!(asked(plain, by.clone(), pages).await.0, expected, "{by:?}");
    }
    // What the call itself says goes first.
    for (by, query, expected) in [
        (page.clone(), &[("page", 7)][..], &["/p?page=7", "/p?page=8"][..]),
        (offset.clone(), &[("offset", 5)], &["/p?offset=5", "/p?offset=6"]),
        (page.clone().limit("n", 9), &[("n", 1)], &["/p?n=1", "/p?n=1&page=2"]),
        (page.clone().limit("n", 9), &[("n", 5)], &["/p?n=5"]),
        (page.limit("n", 9), &[("n", 100)], &["/p?n=100"]),
    ] {
        let call = |client: &Client| query.iter().fold(plain(client), |call, (name, n)| call.query(*name, n));
        assert_eq!(asked(call, by.clone(), &["[1]"]).await.0, expected, "{by:?}");
    }
}

#[tokio::test]
async fn r30_every_digit_of_an_element_survives() {
    let long = "[123456789012345678901234567890, 1.10, {\"a\":\"]\", \"b\": [1e400]}, \"\\u00e9\"]";
    let (_, items) = asked(|client| client.res("p").get(), Paginate::link(), &[long]).await;
    assert_eq!(items, ["123456789012345678901234567890", "1.10", "{\"a\":\"]\", \"b\": [1e400]}", "\"\\u00e9\""]);
}

#[tokio::test]
async fn r32_a_page_or_cursor_that_comes_again_is_an_error() {
    for (by, body) in [
        (Paginate::cursor("/c").items_at("/i"), r#"{"i":[1],"c":7}"#),
        (Paginate::before(), r#"[{"id":1}]"#),
        (Paginate::page(), r#"[{"id":1}]"#),
        (Paginate::offset(), "[[1]]"),
    ] {
        let script = Script::by(move |_| answer(200).body(body));
        let mut items = script.client().res("p").get().pages().by(by.clone()).items::<Value>();
        let mut codes = Vec::new();
        while let Some(item) = items.next().await {
            codes.push(item.map_or_else(|error| error.code(), |_| "ok"));
        }
        assert_eq!((codes, script.count()), (vec!["ok", "ok", "redirect.loop"], 2), "{by:?}");
        assert_eq!(items.stopped(), Some(Stop::Failed));
    }
    // Two pages of numbers may well be the same.
    assert_eq!(asked(|client| client.res("p").get(), Paginate::page(), &["[1]", "[1]"]).await.1, ["1", "1"]);
}

#[tokio::test]
async fn r33_the_number_of_elements_is_bounded_and_no_page_asked_for_in_vain() {
    for (most, expected, requests, stop, token) in [
        (1, 1, 1, Stop::MaxItems, Some("/offset#1")),
        (2, 2, 1, Stop::MaxItems, Some("/offset?from=2")),
        (3, 3, 2, Stop::MaxItems, Some("/offset?from=2#1")),
        (5, 5, 3, Stop::MaxItems, Some("/offset?from=5")),
        (6, 5, 4, Stop::LastPage, None),
    ] {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let router = server((0..5).collect(), 2).layer(axum::middleware::from_fn(
            move |request, next: axum::middleware::Next| {
                counter.fetch_add(1, Ordering::SeqCst);
                next.run(request)
            },
        ));
        let client = Client::local(router).catalog(catalog(2)).build().unwrap();
        let mut items = client.res("offset").get().items::<Value>().max_items(most);
        let mut found = 0;
        while let Some(item) = items.next().await {
            item.unwrap();
            found += 1;
        }
        assert_eq!((found, count.load(Ordering::SeqCst), items.stopped()), (expected, requests, Some(stop)), "{most}");
        assert_eq!(items.resume().as_deref(), token, "{most}");
        assert!(items.next().await.is_none());
    }
}

#[tokio::test]
async fn r33_nothing_to_ask_for_is_an_error_before_anything_is_sent() {
    let script = Script::of([answer(200).body("[]")]);
    let pages = || script.client().res("p").get().pages();
    for (items, said) in [
        (pages().max_pages(0).items::<Value>(), "max_pages(0)"),
        (pages().items().max_items(0), "max_items(0)"),
        (pages().by(Paginate::cursor("c")).items(), "\"c\" is no JSON pointer"),
        (pages().items().items_at("people"), "\"people\" is no JSON pointer"),
        (pages().by(Paginate::page().size(0)).items(), "0 elements"),
        (script.client().res("p").get().query("page", "x").pages().by(Paginate::page()).items(), "\"page\""),
        (pages().resume_from("/p#x").items(), "number of elements"),
    ] {
        let mut items = items;
        let error = items.next().await.unwrap().unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome(), items.stopped()),
            (ErrorKind::Request, Outcome::NotSent, Some(Stop::Failed))
        );
        assert!(error.to_string().contains(said), "{error}");
        assert!(items.next().await.is_none());
    }
    assert_eq!(script.count(), 0);
}

#[tokio::test]
async fn r34_a_place_that_holds_no_array_is_told_with_its_neighbours() {
    for (place, body, said) in [
        (
            "",
            r#"{"people": [], "next": null}"#,
            r#"the body is an object with the members "people", "next", and no array"#,
        ),
        ("", "", "the body is null, and no array"),
        ("", "7", "the body is a number, and no array"),
        ("/data", r#"{"data": {"rows": []}}"#, r#""/data" is an object with the member "rows", and no array"#),
        (
            "/data/items",
            r#"{"data": {"rows": [], "n": 1}}"#,
            r#"nothing stands at "/data/items": "/data" is an object with the members "rows", "n""#,
        ),
        ("/itms", r#"{"items": []}"#, r#"nothing stands at "/itms": the body is an object with the member "items""#),
        ("/a/b", r#"{"a": "CNRY"}"#, r#"nothing stands at "/a/b": "/a" is a text"#),
    ] {
        for by in [Paginate::link(), Paginate::page()] {
            let script = Script::of([answer(200).body(body)]);
            let mut items = script.client().res("p").get().pages().by(by).items::<Value>().items_at(place);
            let error = items.next().await.unwrap().unwrap_err();
            assert_eq!((error.code(), items.stopped()), ("body.decode", Some(Stop::Failed)));
            let text = error.to_string();
            assert!(text.starts_with("GET /p: ") && text.contains(said) && text.contains(".items_at(..)"), "{text}");
            assert!(!printed(&error).contains("CNRY"));
            assert_eq!(items.resume().as_deref(), Some("/p"));
        }
    }
}

#[tokio::test]
async fn r34_an_answer_without_content_has_no_elements() {
    for by in [Paginate::link(), Paginate::page(), Paginate::before(), Paginate::cursor("/c").items_at("/i")] {
        let script = Script::of([answer(204).body("")]);
        let items = script.client().res("p").get().pages().by(by).items::<Value>();
        assert_eq!((items.count().await, script.count()), (0, 1));
    }
}

#[tokio::test]
async fn r31_a_cursor_cannot_lead_elsewhere_and_is_as_long_as_a_url_may_be() {
    let cursor = |cursor: &str| json!({"i": [1], "c": cursor}).to_string();
    let by = || Paginate::cursor("/c").items_at("/i");
    let (urls, _) =
        asked(|client| client.res("p").get(), by(), &[&cursor("//evil.test/?a#b@\r\n"), r#"{"i":[]}"#]).await;
    assert_eq!(urls, ["/p", "/p?cursor=%2F%2Fevil.test%2F%3Fa%23b%40%0D%0A"]);
    let (urls, items) = asked(|client| client.res("p").get(), by(), &[&cursor(&"x".repeat(8_000))]).await;
    assert_eq!((urls.len(), items.len()), (1, 2));
    assert!(items[1].ends_with("it is too long"), "{items:?}");
}

#[tokio::test]
async fn r34_a_last_element_without_an_id_is_an_error_after_it() {
    for (by, body, said) in [
        (Paginate::before(), r#"[{"_id":1}]"#, r#"no id at "/id": it is an object with the member "_id""#),
        (Paginate::after(), r#"[{"id":null}]"#, "no id at"),
        (Paginate::after(), r#"[{"id":{}}]"#, "no id at"),
        (Paginate::after(), r#"[{"id":""}]"#, "no id at"),
        (Paginate::cursor("/c").items_at("/i"), r#"{"i":[1],"c":{"d":1}}"#, r#""/c" is an object"#),
        (Paginate::cursor("/c").items_at("/i"), r#"{"i":[1],"c":false}"#, r#""/c" is false"#),
    ] {
        let (urls, items) = asked(|client| client.res("p").get(), by, &[body]).await;
        assert_eq!((urls.len(), items.len()), (1, 2), "{items:?}");
        assert!(items[1].contains(said), "{items:?}");
    }
}

#[tokio::test]
async fn r35_an_element_that_does_not_fit_costs_no_other() {
    let bodies = |seen: &crate::support::script::Seen| match seen.url.split_once("page=") {
        None => answer(200).body(r#"["a","b"]"#),
        Some((_, "2")) => answer(200).header("x-page", "2").body(r#"["c",4,"e"]"#),
        Some(_) => answer(200).body(r#"[]"#),
    };
    let script = Script::by(bodies);
    let client = script.client();
    let pages = || client.res("p").get().pages().by(Paginate::page());
    let mut items = pages().items::<String>();
    let mut found = Vec::new();
    let error = loop {
        match items.next().await.unwrap() {
            Ok(item) => found.push(item),
            Err(error) => break error,
        }
    };
    assert_eq!((&*found.concat(), error.code(), error.outcome()), ("abc", "body.decode", Outcome::Processed));
    assert!(error.to_string().starts_with("GET /p: the element 1 of this page: "), "{error}");
    assert_eq!((items.stopped(), items.pages().stopped()), (Some(Stop::Failed), Some(Stop::Failed)));
    assert_eq!((items.page_len(), items.page_given()), (3, 1));
    let page = items.page().unwrap();
    assert_eq!((page.headers()["x-page"].to_str().unwrap(), page.url().query()), ("2", Some("page=2")));
    assert!(items.next().await.is_none());

    let token = items.resume().unwrap();
    assert_eq!(token, "/p?page=2#1");
    let rest: Vec<_> = pages().resume_from(&token).items::<Value>().map(Result::unwrap).collect().await;
    assert_eq!(rest, [json!(4), json!("e")]);
    // The pages of the same token are whole.
    let page = pages().resume_from(&token).next().await.unwrap().unwrap();
    assert_eq!(page.json::<Value>().await.unwrap(), json!(["c", 4, "e"]));
}

#[tokio::test]
async fn r35_a_next_page_that_cannot_be_asked_leaves_a_token_behind_what_was_given() {
    let script = Script::of([answer(200).header("link", "<//evil.test/>; rel=next").body("[1,2]")]);
    let client = script.client();
    let mut items = client.res("p").get().items::<u64>();
    assert_eq!(items.resume(), None);
    assert_eq!((items.next().await.unwrap().unwrap(), items.stopped()), (1, None));
    assert_eq!((items.next().await.unwrap().unwrap(), items.stopped()), (2, None));
    assert_eq!(items.next().await.unwrap().unwrap_err().code(), "redirect.cross_origin");
    assert_eq!(items.resume().as_deref(), Some("/p#2"));
    // A first page that fails can be asked for again too.
    let script = Script::of([answer(404)]);
    let mut items = script.client().res("p").get().query("n", 1).items::<u64>();
    assert!(items.next().await.unwrap().is_err());
    assert_eq!(items.resume().as_deref(), Some("/p?n=1"));
}
