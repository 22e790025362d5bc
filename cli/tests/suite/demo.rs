//! The demo service, through the library's client in process.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, Method, StatusCode};
use proptest::prelude::*;
use restwalk::{Catalog, Client, Part, Response, Value, block_on, json};
use restwalk_cli::demo::Demo;

use crate::support::restwalk;

const EPOCH: SystemTime = SystemTime::UNIX_EPOCH;

fn max() -> Client {
    of(Catalog::embedded())
}

fn of(catalog: Catalog) -> Client {
    let demo = Demo::new(&catalog, || EPOCH + Duration::from_secs(1_800_000_000)).unwrap();
    Client::local(demo.router()).catalog(catalog).actor("ada").build().unwrap()
}

/// A catalog of plain items.
fn things() -> Client {
    of(catalog_of_things("link"))
}

fn catalog_of_things(paginate: &str) -> Catalog {
    let resources = format!(
        "resources: {{things: {{route: /things, methods: {{GET: {{paginate: {paginate}}}, POST: {{}}, PUT: {{}}, \
         DELETE: {{}}}}}}, thing: {{route: '/things/{{id}}', methods: [GET, PUT, PATCH, DELETE]}}}}"
    );
    Catalog::from_yaml(&resources, "").unwrap()
}

fn send(call: restwalk::Call) -> Response {
    block_on(call.send_raw()).unwrap().unwrap()
}

fn value(response: Response) -> Value {
    block_on(response.json()).unwrap().unwrap()
}

fn text(response: Response) -> String {
    block_on(response.text()).unwrap().unwrap()
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// A file of a form.
fn named(name: &str, bytes: impl Into<Vec<u8>>) -> Part {
    Part::bytes(bytes.into()).file_name(name)
}

#[test]
fn every_route_and_method_answers() {
    let catalog = Catalog::embedded();
    let mut found = String::new();
    for route in catalog.routes() {
        for method in route.methods() {
            let client = max();
            let path = route.template().replace("{username}", "user.name").replace("{activity}", "2");
            let path = path.replace("{hash}", "https%3A%2F%2Fsite%2Fx").replace("{id}", "1");
            let path = path.replace(['{', '}'], "");
            let mut at = client.path("people");
            for (index, segment) in path[1..].split('/').enumerate() {
                let segment = segment.replace("%3A", ":").replace("%2F", "/");
                at = match (index, segment.contains(':')) {
                    (0, _) => client.path(segment),
                    (_, true) => at.item(segment),
                    _ => client.path(format!("{}/{segment}", &at.path()[1..])),
                };
            }
            let call = at.method(method.clone());
            let sends = matches!(method, Method::POST | Method::PUT | Method::PATCH);
            let call = if route.upload() && sends { call.upload(named("a.png", "png")) } else { call };
            let response = send(call);
            let status = response.status();
            assert!(!status.is_server_error(), "{method} {path}: {status}");
            writeln!(found, "{:<60} {:<8} {}", route.template(), method.as_str(), status.as_u16()).unwrap();
        }
    }
    recorded("demo.txt", &found);
}

/// Compares with a file of `tests/fixtures`.
fn recorded(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    if std::env::var_os("RESTWALK_WRITE_OUTPUT").is_some() {
        fs::write(&path, found).unwrap();
    }
    let listed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, listed, "if the change is meant, run this test with RESTWALK_WRITE_OUTPUT=1");
}

#[test]
fn the_examples_of_the_guide_are_answered() {
    let client = max();
    let activities = client.path("people/user.name/activities");
    let two = value(send(activities.get().query("limit", 2).query("tags", "a").query("tags", "b")));
    let contents: Vec<_> =
        two.as_array().unwrap().iter().map(|one| one["object"]["content"].as_str().unwrap()).collect();
    assert_eq!(contents, ["The first note", "A note about b"]);

    let made = send(activities.post().set("object.content", "Hello world").set("generator", "Twitter"));
    assert_eq!((made.status().as_u16(), header(made.headers(), "location")), (201, "/activities/7"));
    let expected = json!({ "generator": "Twitter", "id": "7", "published": "2027-01-15T08:00:00Z",
        "object": { "content": "Hello world", "objectType": "note" } });
    assert_eq!(value(made), expected);
    assert_eq!(value(send(client.path("activities/7").get())), expected, "it is where its location says");
    assert_eq!(value(send(client.path("activities").get())).as_array().unwrap().len(), 6, "and among all");

    let context = client.res("contexts").item("https://site/x").get();
    assert_eq!(value(send(context))["displayName"], "X", "a context is found by the hash of its URL");
    let replaced = send(client.res("contexts").item("https://site/x").put().set("displayName", "Y"));
    assert_eq!(replaced.status(), StatusCode::OK);
}

#[test]
fn what_is_made_at_one_route_is_found_at_the_others_of_its_name() {
    let client = max();
    let call = client.path("people/ada/subscriptions").post().set("object.url", "https://site/x");
    assert_eq!(send(call).status(), StatusCode::CREATED);
    let context = client.res("contexts").item("https://site/x");
    assert_eq!(value(send(context.res("subscriptions").get())).as_array().unwrap().len(), 1);
    assert_eq!(send(context.res("subscriptions").item("grace").delete()).status(), StatusCode::NOT_FOUND);
    assert_eq!(send(context.res("subscriptions").item("ada").delete()).status(), StatusCode::NO_CONTENT);
    assert_eq!(value(send(client.path("people/ada/subscriptions").get())), json!([]));

    let tags = context.res("tags");
    assert_eq!(send(tags.put().data(json!(["x", "y", "x"]))).status(), StatusCode::OK);
    assert_eq!(send(tags.item("y").delete()).status(), StatusCode::NO_CONTENT);
    assert_eq!(value(send(tags.get())), json!(["x"]));
}

#[test]
fn an_item_is_made_replaced_merged_and_removed() {
    let client = things();
    let item = client.path("things/a%20b");
    for (call, status, body) in [
        (
            item.get(),
            404,
            json!({ "code": "NotFound", "detail": "there is no \"a b\" among the things",
            "status": 404, "title": "Not Found" }),
        ),
        (item.put().data(json!({ "x": 1, "y": { "z": 2 } })), 201, json!({ "id": "a b", "x": 1, "y": { "z": 2 } })),
        (
            item.patch().merge_patch(json!({ "x": null, "y": { "w": 3 } })),
            200,
            json!({ "id": "a b", "y": { "w": 3, "z": 2 } }),
        ),
        (item.put().data(json!({ "id": "other" })), 200, json!({ "id": "a b" })),
        (item.put().data(json!([1])), 422, Value::Null),
        (item.get(), 200, json!({ "id": "a b" })),
        (item.delete(), 204, Value::Null),
        (item.delete(), 404, Value::Null),
    ] {
        let said = format!("{call:?}");
        let response = send(call);
        assert_eq!(response.status().as_u16(), status, "{said}");
        if !body.is_null() {
            assert_eq!(value(response), body, "{said}");
        }
    }
    let made = send(client.path("things").post().set("id", "a b"));
    assert_eq!(header(made.headers(), "location"), "/things/a%20b");
    assert_eq!(send(client.path("things").post().set("id", "a b")).status(), StatusCode::CONFLICT);
}

#[test]
fn people_are_made_by_post_once() {
    let client = max();
    let person = client.path("people/new");
    assert_eq!(send(client.path("people/new/activities").get()).status(), StatusCode::NOT_FOUND);
    assert_eq!(send(person.post().set("displayName", "New")).status(), StatusCode::CREATED);
    let again = send(person.post().set("displayName", "Other"));
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(value(again)["displayName"], "New");
    assert_eq!(value(send(client.path("people/new/activities").get())), json!([]));
}

#[test]
fn refusals_have_the_shape_of_the_catalog() {
    let error = block_on(max().path("people/nobody").get().send()).unwrap().unwrap_err();
    assert!(error.to_string().contains("NotFound: there is no \"nobody\" among the people"), "{error}");
    let open = Demo::new(&Catalog::embedded(), SystemTime::now).unwrap();
    let open = Client::local(open.router()).build().unwrap();
    for (call, status) in [
        (open.path("nowhere").get(), 404),
        (open.path("people/ada").patch().set("a", 1), 405),
        (open.path("people").get().query("limit", 0), 400),
        (open.path("people").get().query("page", "x"), 400),
        (open.path("people").get().query("page", 1).query("offset", 1), 400),
        (open.path("people").get().query("before", "nobody"), 400),
        (open.path("people").post().body("{", "application/json"), 400),
        (open.path("people").post().body("x", "multipart/form-data"), 400),
        (open.path("people").post().body("--b\r\nx", "multipart/form-data; boundary=b"), 400),
        (open.path("people/ada/avatar").post().set("a", 1), 415),
    ] {
        let said = format!("{call:?}");
        assert_eq!(send(call).status().as_u16(), status, "{said}");
    }
    let refused = send(open.path("people/ada").patch().set("a", 1));
    assert_eq!(header(refused.headers(), "allow"), "GET, HEAD, POST, PUT, DELETE, OPTIONS");
    let options = send(open.path("people/ada").options());
    assert_eq!(
        (options.status().as_u16(), header(options.headers(), "allow")),
        (204, "GET, HEAD, POST, PUT, DELETE, OPTIONS")
    );
}

#[test]
fn pages_yield_each_element_once() {
    for (paginate, name) in [
        ("link", "offset"),
        ("offset", "offset"),
        ("{by: offset, query: skip, limit: count, size: 7, items: /data/rows}", "skip"),
        ("page", "page"),
        ("{by: page, query: p, first: 0, size: 7, limit: limit}", "p"),
        ("before", "before"),
        ("{by: after, query: since, at: /n}", "since"),
        ("{by: cursor, at: /paging/cursor, items: /things}", "cursor"),
        ("{by: next, at: /paging/next, items: /things}", "offset"),
    ] {
        let catalog = catalog_of_things(paginate);
        let demo = Demo::new(&catalog, SystemTime::now).unwrap();
        let client = Client::local(demo.router()).catalog(catalog).build().unwrap();
        for number in 0..45 {
            assert_eq!(send(client.path("things").post().set("n", number)).status(), StatusCode::CREATED);
        }
        let expected: Vec<u64> = if name == "before" { (0..45).rev().collect() } else { (0..45).collect() };
        let first = client.path("things").get();
        let first = if paginate.contains("limit:") { first } else { first.query("limit", 7) };
        assert_eq!(numbers(first.clone().items::<Value>()), expected, "{paginate}: by the catalog");

        let link = header(send(first.clone().query("n", "3")).headers(), "link").to_owned();
        assert_eq!(link, "", "what a query narrows has one page");
        let page = send(first.clone());
        let link = header(page.headers(), "link");
        assert!(link.contains(&format!("{name}=")), "{paginate}: {link}");
        let counted = send(client.path("things").head());
        assert_eq!(header(counted.headers(), "x-total-count"), "45");
    }
}

#[test]
fn links_lead_through_every_page_whatever_the_catalog_says() {
    let odd = ["{by: page, query: before, first: 0}", "{by: offset, query: page}", "{by: after, query: offset}"];
    for paginate in ["link", "offset", "page", "before", "after"].into_iter().chain(odd) {
        let demo = Demo::new(&catalog_of_things(paginate), SystemTime::now).unwrap();
        let client = Client::local(demo.router()).build().unwrap();
        assert_eq!(send(client.path("things").put().data(json!(["0", "1", "2", "3", "4"]))).status(), StatusCode::OK);
        let mut found = Vec::new();
        let mut items = client.path("things").get().query("limit", 2).items::<String>();
        block_on(async {
            while let Some(item) = items.next().await {
                found.push(item.unwrap());
            }
        })
        .unwrap();
        if paginate == "before" {
            found.reverse();
        }
        assert_eq!(found, ["0", "1", "2", "3", "4"], "{paginate}");
    }
}

/// The `n` of every element.
fn numbers(mut items: restwalk::Items<Value>) -> Vec<u64> {
    let mut found = Vec::new();
    block_on(async {
        while let Some(item) = items.next().await {
            found.push(item.unwrap()["n"].as_u64().unwrap());
        }
    })
    .unwrap();
    found
}

#[test]
fn a_place_behind_all_elements_is_empty() {
    let client = max();
    for (name, place) in [("offset", "99"), ("offset", "18446744073709551615"), ("page", "18446744073709551615")] {
        let response = send(client.path("people").get().query(name, place));
        assert_eq!(header(response.headers(), "link"), "");
        assert_eq!(value(response), json!([]), "{name}={place}");
    }
    let all = send(client.path("people").get().query("limit", "999").query("unknown", "x"));
    assert_eq!(value(all).as_array().unwrap().len(), 3, "a member that nothing has narrows nothing");
}

#[test]
fn conditions_are_heeded() {
    let client = things();
    let item = client.path("things/x");
    assert_eq!(send(item.put().header("If-Match", "*").set("n", 1)).status(), StatusCode::PRECONDITION_FAILED);
    let made = send(item.put().header("If-None-Match", "*").set("n", 1));
    assert_eq!(made.status(), StatusCode::CREATED);
    let tag = header(made.headers(), "etag").to_owned();
    let changed = header(made.headers(), "last-modified").to_owned();
    assert_eq!(send(item.put().header("If-None-Match", "*").set("n", 2)).status(), StatusCode::PRECONDITION_FAILED);
    for name in ["If-None-Match", "If-Modified-Since"] {
        let value = if name == "If-None-Match" { &tag } else { &changed };
        let same = send(item.get().header(name, value));
        assert_eq!((same.status().as_u16(), header(same.headers(), "etag")), (304, &*tag), "{name}");
    }
    let next = send(item.patch().header("If-Match", &tag).merge_patch(json!({ "n": 3 })));
    assert_eq!(next.status(), StatusCode::OK);
    assert_ne!(header(next.headers(), "etag"), tag);
    assert_eq!(send(item.delete().header("If-Match", &tag)).status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(send(item.get().header("If-None-Match", &tag)).status(), StatusCode::OK);
    assert_eq!(send(item.delete().header("If-Match", header(next.headers(), "etag"))).status(), StatusCode::NO_CONTENT);
}

#[test]
fn a_file_is_given_back_whole_and_in_ranges() {
    let client = max();
    let avatar = client.path("people/user.name/avatar");
    assert_eq!(send(avatar.get()).status(), StatusCode::NOT_FOUND);
    let kept = send(avatar.post().upload(named("me.png", "0123456789")));
    assert_eq!((kept.status().as_u16(), header(kept.headers(), "location")), (201, "/people/user.name/avatar"));
    let tag = header(kept.headers(), "etag").to_owned();
    assert_eq!(value(kept)["file"], json!({ "filename": "me.png", "size": 10, "type": "image/png" }));

    let whole = send(avatar.get());
    for (name, expected) in [
        ("content-type", "image/png"),
        ("content-disposition", "attachment; filename=\"me.png\""),
        ("accept-ranges", "bytes"),
        ("etag", &*tag),
    ] {
        assert_eq!(header(whole.headers(), name), expected, "{name}");
    }
    assert_eq!(text(whole), "0123456789");
    assert_eq!(text(send(client.path("people/user.name/avatar/large").get())), "0123456789");

    for (range, state, status, content, body) in [
        ("bytes=4-", "", 206, "bytes 4-9/10", "456789"),
        ("bytes=-3", &*tag, 206, "bytes 7-9/10", "789"),
        ("bytes=4-", "\"r0\"", 200, "", "0123456789"),
        ("bytes=4-", "W/\"r1\"", 200, "", "0123456789"),
        ("bytes=4-", "Fri, 15 Jan 2027 08:00:00 GMT", 206, "bytes 4-9/10", "456789"),
        ("bytes=4-", "Fri, 15 Jan 2027 08:00:01 GMT", 200, "", "0123456789"),
        ("bytes=10-", "", 416, "bytes */10", ""),
        ("lines=1-", "", 200, "", "0123456789"),
    ] {
        let call = avatar.get().header("Range", range);
        let call = if state.is_empty() { call } else { call.header("If-Range", state) };
        let response = send(call);
        assert_eq!(
            (response.status().as_u16(), header(response.headers(), "content-range")),
            (status, content),
            "{range} {state}"
        );
        if status != 416 {
            assert_eq!(text(response), body, "{range} {state}");
        }
    }
    let again = send(avatar.post().body("plain", "text/plain"));
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(text(send(avatar.get())), "plain");
}

#[test]
fn a_file_beside_json_is_given_by_the_routes_below() {
    let client = max();
    let call = client.path("people/ada/activities").post().set("object.content", "Look");
    let made = value(send(call.upload(named("a.txt", "hello"))));
    assert_eq!((&made["object"]["content"], &made["file"]["size"]), (&json!("Look"), &json!(5)));
    let id = made["id"].as_str().unwrap();
    assert_eq!(text(send(client.path(format!("activities/{id}/file/download")).get())), "hello");
    assert_eq!(text(send(client.path(format!("activities/{id}/image/large")).get())), "hello");
    assert_eq!(value(send(client.path(format!("activities/{id}/comments")).get())), json!([]));
    assert_eq!(value(send(client.path(format!("activities/{id}")).get()))["id"], id);
}

#[test]
fn what_is_too_much_is_refused() {
    let client = things();
    let bytes = |count: usize| client.path("things").post().body(vec![b' '; count], "application/json");
    assert_eq!(send(bytes((16 << 20) + 1)).status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send(bytes(1 << 20)).status(), StatusCode::BAD_REQUEST, "that it is no JSON is seen once it is read");
    let big = client.path("things").post().upload(named("a", vec![0; (16 << 20) + 1]));
    assert_eq!(send(big).status(), StatusCode::PAYLOAD_TOO_LARGE);

    let client = max();
    for number in 0..17 {
        let file = named("a", vec![0; (16 << 20) - 1024]);
        let status = send(client.path("people/ada/activities").post().upload(file)).status();
        assert_eq!(status, if number < 16 { 201 } else { 507 }, "{number}");
    }
    assert_eq!(send(client.path("activities/7").delete()).status(), StatusCode::NO_CONTENT);
    let file = named("a", vec![0; 1 << 20]);
    assert_eq!(send(client.path("people/ada/activities").post().upload(file)).status(), StatusCode::CREATED);
}

#[test]
fn what_is_replaced_makes_room() {
    let client = max();
    for number in 0..20 {
        let status = send(client.path("people/ada/avatar").post().upload(named("a", vec![0; 15 << 20]))).status();
        assert_eq!(status, if number == 0 { 201 } else { 200 }, "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let demo = Demo::new(&Catalog::embedded(), SystemTime::now).unwrap();
    let client = Client::local(demo.router()).build().unwrap();
    let (silent, _held) = tokio::io::duplex(1);
    let call = client.path("people/ada/avatar").post().upload(Part::reader(silent, Some(1)).file_name("a"));
    assert_eq!(call.send_raw().await.unwrap().status(), StatusCode::REQUEST_TIMEOUT);
}

#[test]
fn ten_thousand_things_are_enough() {
    let client = things();
    let ids = |from: u32, to: u32| json!((from..to).map(|id| id.to_string()).collect::<Vec<_>>());
    assert_eq!(send(client.path("things").put().data(ids(0, 9_999))).status(), StatusCode::OK);
    assert_eq!(send(client.path("things").post()).status(), StatusCode::CREATED);
    assert_eq!(send(client.path("things").post()).status(), StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(send(client.path("things/5").put()).status(), StatusCode::OK, "what is there can change");
    assert_eq!(send(client.path("things").delete()).status(), StatusCode::NO_CONTENT);
    assert_eq!(send(client.path("things").post()).status(), StatusCode::CREATED);
}

#[test]
fn the_service_listens_where_it_is_told_and_nowhere_else() {
    block_on(async {
        let demo = Demo::new(&Catalog::embedded(), SystemTime::now).unwrap();
        let served = demo.clone().listen(0).await.unwrap();
        let address = served.address();
        assert!(address.ip().is_loopback());
        let taken = demo.listen(address.port()).await.unwrap_err().to_string();
        assert_eq!(taken, format!("port {} is taken; choose another one by --port", address.port()));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn(served.run(async move { drop(stopped.await) }));
        let client = Client::builder(format!("http://{address}")).proxy(None).build().unwrap();
        let people = client.path("people").get().send_as::<Vec<Value>>().await.unwrap();
        assert_eq!(people.len(), 3);
        drop((client, stop));
        running.await.unwrap().unwrap();
    })
    .unwrap();
    assert_eq!(Demo::usual_port(Catalog::embedded().base_url()), 8081);
    assert_eq!(Demo::usual_port(None), 8081);
}

#[test]
fn the_tour_is_the_one_that_is_recorded() {
    let said = restwalk(&["demo"]);
    assert_eq!((said.exit, &*said.err), (0, ""));
    recorded("tour.txt", &said.out);
    assert_eq!(restwalk(&["demo"]).out, said.out, "each time the same");
}

#[test]
fn a_port_that_is_taken_is_no_reason_to_choose_another() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = restwalk(&["demo", "serve", "--port", &port]);
    assert_eq!((said.exit, &*said.out), (1, ""));
    assert!(said.err.contains(&format!("port {port} is taken; choose another one by --port")), "{}", said.err);
}

#[test]
fn what_demo_does_not_know_is_refused() {
    for (arguments, why) in [
        (&["demo", "server"][..], "demo knows no \"server\""),
        (&["demo", "--port", "1"], "--port goes with demo serve"),
        (&["people", "--port", "1"], "--port goes with demo serve"),
        (&["demo", "serve", "--port", "70000"], "70000"),
        (&["demo", "serve", "-e", "other"], "no environment \"other\""),
    ] {
        let said = restwalk(arguments);
        assert_eq!((said.exit, &*said.out), (2, ""), "{arguments:?}");
        assert!(said.err.contains(why), "{arguments:?}: {}", said.err);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Get,
    Put(Value),
    Patch(Value),
    Delete,
}

fn step() -> impl Strategy<Value = (u8, Step)> {
    let member =
        prop_oneof![Just(Value::Null), any::<u8>().prop_map(Value::from), Just(json!({ "p": 1 })), Just(json!([1]))];
    let object = prop::collection::btree_map("[abp]", member, 0..3).prop_map(|members| json!(members));
    let put = object.clone().prop_map(Step::Put);
    let step = prop_oneof![Just(Step::Get), put, object.prop_map(Step::Patch), Just(Step::Delete)];
    (0_u8..4, step)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_calls_agrees_with_a_map(steps in prop::collection::vec(step(), 1..40)) {
        let client = things();
        let mut model: BTreeMap<String, Value> = BTreeMap::new();
        let mut tags = HashSet::new();
        for (id, step) in steps {
            let (id, item) = (format!("i{id}"), client.path(format!("things/i{id}")));
            let there = model.contains_key(&id);
            let (call, expected) = match step {
                Step::Get => (item.get(), if there { 200 } else { 404 }),
                Step::Delete => {
                    model.remove(&id);
                    (item.delete(), if there { 204 } else { 404 })
                }
                Step::Put(mut value) => {
                    let call = item.put().data(value.clone());
                    value["id"] = id.clone().into();
                    model.insert(id.clone(), value);
                    (call, if there { 200 } else { 201 })
                }
                Step::Patch(patch) => {
                    if let Some(value) = model.get_mut(&id) {
                        merge(value, &patch);
                    }
                    (item.patch().merge_patch(patch), if there { 200 } else { 404 })
                }
            };
            let (reads, response) = (matches!(step_method(&call), Method::GET), send(call));
            prop_assert_eq!(response.status().as_u16(), expected);
            let tag = header(response.headers(), "etag").to_owned();
            if !reads && expected < 204 {
                prop_assert!(tags.insert(tag), "each state has a tag of its own");
            }
            if expected < 204 {
                prop_assert_eq!(Some(&value(response)), model.get(&id));
            }
        }
        let listed = value(send(client.path("things").get()));
        prop_assert_eq!(listed.as_array().unwrap().len(), model.len());
    }
}

fn step_method(call: &restwalk::Call) -> Method {
    call.build().unwrap().method().clone()
}

/// RFC 7396, written apart from the service's own.
fn merge(value: &mut Value, patch: &Value) {
    for (name, patch) in patch.as_object().unwrap() {
        let mut old = value.as_object_mut().unwrap().remove(name).unwrap_or_default();
        let new = match patch {
            Value::Null => continue,
            Value::Object(_) => {
                if !old.is_object() {
                    old = json!({});
                }
                merge(&mut old, patch);
                old
            }
            other => other.clone(),
        };
        value[name] = new;
    }
}
