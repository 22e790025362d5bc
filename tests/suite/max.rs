//! M: the behaviour of the MAX clients, each named operation included.

use restwalk::{Auth, Catalog, Client, ErrorKind, Expand, Operation, Part, Retry, Value, json};

use crate::support::recorder::{Recorder, Sent};

/// A client of MAX whose requests are kept.
fn max(recorder: &Recorder) -> Client {
    recorder.client("http://max").catalog(Catalog::embedded()).actor("ada").build().unwrap()
}

fn recorder() -> Recorder {
    Recorder::new(200, "{}")
}

async fn sent(describe: impl FnOnce(&Client) -> restwalk::Call) -> Sent {
    let recorder = recorder();
    describe(&max(&recorder)).send().await.unwrap();
    recorder.last()
}

#[test]
fn m2_walking_is_lazy_and_prints_its_path() {
    let recorder = recorder();
    let client = max(&recorder);
    let people = client.res("people");
    let person = people.item("user.name");
    assert_eq!((format!("{people}"), format!("{people:?}")), ("/people".into(), r"Collection(/people)".into()));
    assert_eq!(
        (format!("{person}"), format!("{person:?}")),
        ("/people/user.name".into(), "Item(/people/user.name)".into())
    );
    let call = format!("{:?}", person.get().query("secret", 1));
    assert!(call.contains("GET") && call.contains("/people/user.name") && !call.contains("secret"), "{call}");
    let _ = (client.res("nowhere"), person.res("nowhere").item("x"));
    assert_eq!(recorder.count(), 0);
}

#[tokio::test]
async fn m3_get_is_the_verb_that_reads() {
    let got = sent(|client| client.res("people").get()).await;
    assert_eq!((got.method.as_str(), got.target.as_str()), ("GET", "/people"));
}

#[tokio::test]
async fn m6_me_is_the_actor() {
    for path in ["people/:me", "people/%3Ame", "/people/:me"] {
        assert_eq!(sent(|client| client.path(path).get()).await.target, "/people/ada", "{path}");
    }
    let deep = sent(|client| client.res("activities").item("1").res("likes").item(":me").delete()).await;
    assert_eq!(deep.target, "/activities/1/likes/ada");
    let recorder = recorder();
    let nobody = recorder.client("http://max").catalog(Catalog::embedded()).build().unwrap();
    let error = nobody.res("people").item(":me").get().send().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Path && error.to_string().contains(".actor("), "{error}");
    let other = max(&recorder).with_actor("eva");
    other.res("people").item(":me").get().send().await.unwrap();
    assert_eq!((recorder.last().target.as_str(), recorder.count()), ("/people/eva", 1));
}

#[tokio::test]
async fn m8_a_place_can_be_looked_at() {
    let client = max(&recorder());
    let place = client.res("people").item("user.name").res("activities");
    assert_eq!(place.path(), "/people/user.name/activities");
    assert_eq!(place.url().unwrap(), "http://max/people/user.name/activities");
    assert_eq!(place.route().unwrap().template(), "/people/{username}/activities");
    assert_eq!(place.defaults(&http::Method::POST).unwrap(), json!({"object": {"objectType": "note"}}));
    assert_eq!(place.defaults(&http::Method::GET).unwrap(), Value::Null);
    let methods: Vec<String> = place.methods().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(methods, ["GET", "HEAD", "POST", "OPTIONS"]);
    assert!(client.res("conversations").children().unwrap().contains(&"{id}".to_owned()));
}

#[tokio::test]
async fn m10_to_m16_bodies_are_defaults_and_arguments() {
    let activities = |client: &Client| client.res("people").item("ada").res("activities").post();
    let cases: Vec<(Sent, &str)> = vec![
        (
            sent(|client| activities(client).set("generator", "Twitter")).await,
            r#"{"object":{"objectType":"note"},"generator":"Twitter"}"#,
        ),
        (
            sent(|client| activities(client).set("generator", "Twitter").set("object_content", "Hello world")).await,
            r#"{"object":{"objectType":"note","content":"Hello world"},"generator":"Twitter"}"#,
        ),
        (
            sent(|client| activities(client).set("object.content", "x")).await,
            r#"{"object":{"objectType":"note","content":"x"}}"#,
        ),
        (
            sent(|client| activities(client).set("object_objectType", "image")).await,
            r#"{"object":{"objectType":"image"}}"#,
        ),
        (sent(|client| activities(client).set("object", "plain")).await, r#"{"object":"plain"}"#),
        (
            sent(|client| activities(client).set("contexts", json!([{"url": "u"}]))).await,
            r#"{"object":{"objectType":"note"},"contexts":[{"url":"u"}]}"#,
        ),
        // M13: the whole body replaces everything.
        (sent(|client| activities(client).data(json!({"a_b": 1}))).await, r#"{"a_b":1}"#),
        (sent(|client| client.res("contexts").item("u").res("tags").put().data(["t1", "t2"])).await, r#"["t1","t2"]"#),
        (
            sent(|client| client.res("people").item("ada").post().set("displayName", "User Name")).await,
            r#"{"displayName":"User Name"}"#,
        ),
        // M14: null is sent, and only `unset` removes.
        (sent(|client| activities(client).set("object", Value::Null)).await, r#"{"object":null}"#),
        (
            sent(|client| activities(client).set("a", Value::Null).unset("object.objectType")).await,
            r#"{"object":{},"a":null}"#,
        ),
        // M12: the rule for names can be turned off.
        (
            sent(|client| activities(client).no_defaults().expand(Expand::Off).set("a_b", 1).set("c.d", 2)).await,
            r#"{"a_b":1,"c.d":2}"#,
        ),
        (sent(|client| activities(client).no_defaults().set("first__name", 1)).await, r#"{"first_name":1}"#),
        // M16: nothing to send is an object for MAX, but for DELETE.
        (sent(|client| client.res("tokens").post()).await, "{}"),
        (sent(|client| client.res("conversations").item("1").put()).await, "{}"),
        (sent(|client| client.res("conversations").item("1").delete()).await, ""),
    ];
    for (sent, expected) in cases {
        assert_eq!(sent.text(), expected, "{} {}", sent.method, sent.target);
        assert_eq!(sent.header("content-type").is_some(), !expected.is_empty());
    }
}

#[tokio::test]
async fn m12_a_clash_of_names_is_an_error_that_names_both() {
    let recorder = recorder();
    let call = max(&recorder).path("people/ada").put().set("a", 1).set("a_b", 2);
    let error = call.send().await.unwrap_err().to_string();
    assert!(error.contains("\"a\"") && error.contains("\"a_b\""), "{error}");
    assert_eq!(recorder.count(), 0);
}

#[tokio::test]
async fn m13_a_whole_body_and_arguments_exclude_each_other() {
    let client = max(&recorder());
    let place = client.res("people").item("ada").res("activities");
    for call in [
        place.post().data(1).set("a", 1),
        place.post().set("a", 1).data(1),
        place.post().data(1).data(2),
        place.post().json(json!({})).form(json!({})),
    ] {
        let error = call.send().await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "invalid_input.request"));
    }
}

#[tokio::test]
async fn m15_a_body_on_get_is_an_error_that_points_at_the_query() {
    let client = max(&recorder());
    for call in [
        client.res("people").get().set("a", 1),
        client.res("activities").head().data(json!([])),
        client.res("people").get().form(json!({"a": 1})),
        client.res("people").get().upload(Part::bytes("x")),
    ] {
        let error = call.send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request);
        assert!(error.to_string().contains(".query("), "{error}");
    }
}

#[tokio::test]
async fn m20_a_query_goes_with_any_method() {
    for (sent, expected) in [
        (sent(|client| client.res("people").get().query("limit", 1)).await, "/people?limit=1"),
        (
            sent(|client| client.res("people").post().query_all(json!({"a": 1, "b": ["x", "y"]}))).await,
            "/people?a=1&b=x&b=y",
        ),
        (sent(|client| client.res("people").item("ada").delete().query("force", true)).await, "/people/ada?force=true"),
    ] {
        assert_eq!(sent.target, expected);
    }
}

#[tokio::test]
async fn m21_m22_files_travel_beside_json() {
    let avatar = sent(|client| client.res("people").item("ada").res("avatar").post().upload(Part::bytes("PNG"))).await;
    assert!(!avatar.text().contains("json_data"), "nothing to say, so no part: {}", avatar.text());
    assert!(avatar.text().contains("name=\"file\"; filename=\"file\""), "{}", avatar.text());
    let both = sent(|client| {
        let part = Part::bytes("PNG").named("ID").file_name("a.png");
        client.res("people").item("ada").res("activities").post().set("object_content", "Hi").upload(part)
    });
    let both = both.await;
    let text = both.text();
    assert!(text.contains("name=\"json_data\"") && text.contains(r#"{"object":{"objectType":"note","content":"Hi"}}"#));
    assert!(text.contains("name=\"ID\"; filename=\"a.png\"\r\nContent-Type: image/png"), "{text}");
}

#[tokio::test]
async fn m23_an_answer_is_its_json() {
    for (status, body, expected) in [
        (200, "[]", json!([])),
        (201, "{}", json!({})),
        (200, "0", json!(0)),
        (202, "false", json!(false)),
        (200, "\"\"", json!("")),
        (200, "", Value::Null),
        (204, "", Value::Null),
    ] {
        let client = max(&Recorder::new(status, body));
        assert_eq!(client.res("people").get().await.unwrap(), expected);
        let reply = client.call("getUsers").send().await.unwrap();
        assert_eq!((reply.ok, reply.status.as_u16(), reply.content), (true, status, expected));
    }
    let client = max(&Recorder::new(200, "plain text"));
    assert_eq!(client.call("getUsers").send().await.unwrap().content, json!("plain text"));
    assert_eq!(client.res("people").get().await.unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(client.res("people").get().send_as::<Vec<u8>>().await.unwrap_err().kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn m23_a_failed_operation_is_a_reply() {
    let client = max(&Recorder::new(403, r#"{"error":"Forbidden"}"#));
    let reply = client.call("getUser").send().await.unwrap();
    assert_eq!((reply.ok, reply.status.as_u16(), reply.content), (false, 403, json!({"error": "Forbidden"})));
}

#[tokio::test]
async fn m24_head_counts() {
    let recorder = Recorder::new(200, "").header("X-totalItems", " 42 ");
    assert_eq!(max(&recorder).res("activities").head().count().await.unwrap(), 42);
    assert_eq!(recorder.last().method, "HEAD");
    assert_eq!(max(&Recorder::new(200, "")).res("activities").head().count().await.unwrap(), 0);
    let wrong = max(&Recorder::new(200, "").header("X-totalItems", "many"));
    assert_eq!(wrong.res("activities").head().count().await.unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(max(&recorder).call("getUserActivities").count().await.unwrap(), 42);
    assert_eq!((recorder.last().method.as_str(), recorder.last().target.as_str()), ("HEAD", "/people/ada/activities"));
}

#[tokio::test]
async fn m25_not_found_is_none_for_who_asks_so() {
    let client = max(&Recorder::new(404, r#"{"error":"UnknownUser"}"#));
    assert_eq!(client.res("people").item("x").get().optional::<Value>().await.unwrap(), None);
    let error = client.res("people").item("x").get().send().await.unwrap_err();
    assert_eq!(error.body().unwrap(), r#"{"error":"UnknownUser"}"#);
    let found = max(&Recorder::new(200, "[1]")).res("people").get().optional::<Vec<u8>>().await.unwrap();
    assert_eq!(found, Some(vec![1]));
    let failing = max(&Recorder::new(500, "")).res("people").get().optional::<Value>().await;
    assert_eq!(failing.unwrap_err().status().unwrap(), 500);
}

#[tokio::test]
async fn m26_an_error_says_what_the_server_said() {
    let said = |status, body: &'static str| async move {
        max(&Recorder::new(status, body)).res("people").get().retry(Retry::off()).send().await.unwrap_err().to_string()
    };
    assert_eq!(
        said(400, r#"{"error":"MissingField","error_description":"username"}"#).await,
        "GET /people answered 400 Bad Request: MissingField: username"
    );
    assert_eq!(said(500, "<html>").await, "GET /people answered 500 Internal Server Error");
    let hint = said(502, "").await;
    assert!(hint.contains("502") && hint.contains("behind the proxy may be down"), "{hint}");
    let problem = said(409, r#"{"type":"about:blank","title":"Taken","detail":"ada exists"}"#).await;
    assert!(problem.ends_with("Taken: ada exists"), "{problem}");
}

#[tokio::test]
async fn m27_an_answer_belongs_to_its_call() {
    let client = crate::support::local();
    let (one, two) =
        tokio::join!(client.res("status").item(201).get().send_raw(), client.res("status").item(418).get().send_raw(),);
    assert_eq!((one.unwrap().status().as_u16(), two.unwrap().status().as_u16()), (201, 418));
}

fn signed(recorder: &Recorder) -> restwalk::ClientBuilder {
    let auth =
        Auth::headers([("X-Oauth-Token", "{token}"), ("X-Oauth-Username", "{actor}"), ("X-Oauth-Scope", "{scope}")])
            .with("token", "T0ken")
            .with("scope", "widgetcli");
    recorder.client("http://max").catalog(Catalog::embedded()).auth(auth)
}

#[tokio::test]
async fn m30_three_headers_sign_a_request() {
    let recorder = recorder();
    signed(&recorder).actor("ada").build().unwrap().res("people").get().send().await.unwrap();
    let sent = recorder.last();
    for (name, value) in [("x-oauth-token", "T0ken"), ("x-oauth-username", "ada"), ("x-oauth-scope", "widgetcli")] {
        assert_eq!(sent.header(name), Some(value));
    }
    let nobody = signed(&recorder).build().unwrap();
    assert_eq!(nobody.res("people").get().send().await.unwrap_err().kind(), ErrorKind::Auth);
    nobody.res("people").post().set("username", "new").send().await.unwrap();
    assert_eq!(recorder.last().header("x-oauth-username"), None, "POST /people needs no actor");
}

#[tokio::test]
async fn m34_actor_and_credentials_can_be_others() {
    let recorder = recorder();
    let client = signed(&recorder).actor("ada").build().unwrap();
    assert_eq!(client.actor(), Some("ada"));
    let eva = client.with_actor("eva");
    eva.res("people").get().send().await.unwrap();
    assert_eq!((eva.actor(), recorder.last().header("x-oauth-username")), (Some("eva"), Some("eva")));
    let basic = client.with_auth(Auth::basic("u", "p"));
    basic.res("people").get().send().await.unwrap();
    let sent = recorder.last();
    assert_eq!((sent.header("authorization"), sent.header("x-oauth-token")), (Some("Basic dTpw"), None));
    client.res("people").get().send().await.unwrap();
    assert_eq!(recorder.last().header("x-oauth-username"), Some("ada"));
    let wrong = client.with_auth(Auth::bearer("a b")).res("people").get().send().await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Auth);
}

/// The SHA-1 of `http://atenea.upc.edu`, which is what the hash of that context is.
const HASH: &str = "e6847aed3105e85ae603c56eb2790ce85e212997";

type Describe = fn(Operation) -> Operation;

/// Every named operation: what is said, and what goes out.
const OPERATIONS: &[(&str, Describe, &str, &str, &str)] = &[
    ("getUser", |call| call, "GET", "/people/ada", ""),
    ("getUser", |call| call.param("username", "eva"), "GET", "/people/eva", ""),
    (
        "addUser",
        |call| call.param("username", "eva").set("displayName", "Eva"),
        "POST",
        "/people/eva",
        r#"{"displayName":"Eva"}"#,
    ),
    ("modifyUser", |call| call.set("displayName", "Ada L"), "PUT", "/people/ada", r#"{"displayName":"Ada L"}"#),
    ("getUsers", |call| call.query("limit", 0), "GET", "/people?limit=0", ""),
    (
        "addActivity",
        |call| {
            let contexts = json!([{"url": "u", "objectType": "context"}]);
            call.set("object_content", "Hi").set("contexts", contexts).set("generator", "G")
        },
        "POST",
        "/people/ada/activities",
        r#"{"object":{"objectType":"note","content":"Hi"},"contexts":[{"objectType":"context","url":"u"}],"generator":"G"}"#,
    ),
    (
        "add_activity_as_context",
        |call| call.param("url", "http://atenea.upc.edu").set("object_content", "Hi"),
        "POST",
        "/contexts/{hash}/activities",
        r#"{"object":{"objectType":"note","content":"Hi"}}"#,
    ),
    ("getActivity", |call| call.param("activity", 7), "GET", "/activities/7", ""),
    ("getUserTimeline", |call| call, "GET", "/people/ada/timeline", ""),
    ("getUserActivities", |call| call.query("context", "c"), "GET", "/people/ada/activities?context=c", ""),
    (
        "getContextActivities",
        |call| call.param("hash", "http://atenea.upc.edu"),
        "GET",
        "/contexts/{hash}/activities",
        "",
    ),
    ("getAllActivities", |call| call, "GET", "/activities", ""),
    ("getActivities", |call| call, "GET", "/activities", ""),
    ("getAllComments", |call| call, "GET", "/activities/comments", ""),
    ("getTimelineLastAuthors", |call| call.query("limit", 8), "GET", "/people/ada/timeline/authors?limit=8", ""),
    (
        "getContextLastAuthors",
        |call| call.param("url", "http://atenea.upc.edu").query("limit", 8),
        "GET",
        "/contexts/{hash}/activities/authors?limit=8",
        "",
    ),
    (
        "addComment",
        |call| call.param("activity", "7").set("object_content", "Yes"),
        "POST",
        "/activities/7/comments",
        r#"{"object":{"objectType":"comment","content":"Yes"}}"#,
    ),
    ("getComments", |call| call.param("activity", "7"), "GET", "/activities/7/comments", ""),
    (
        "addContext",
        |call| call.set("url", "http://atenea.upc.edu").set("displayName", "Atenea"),
        "POST",
        "/contexts",
        r#"{"objectType":"context","url":"http://atenea.upc.edu","displayName":"Atenea"}"#,
    ),
    ("get_context", |call| call.param("url", "http://atenea.upc.edu"), "GET", "/contexts/{hash}", ""),
    (
        "modifyContext",
        |call| call.param("url", "http://atenea.upc.edu").json(json!({"displayName": "A"})),
        "PUT",
        "/contexts/{hash}",
        r#"{"displayName":"A"}"#,
    ),
    ("deleteContext", |call| call.param("url", HASH), "DELETE", "/contexts/{hash}", ""),
    (
        "add_tags_to_context",
        |call| call.param("url", HASH).data(["t1", "t2"]),
        "PUT",
        "/contexts/{hash}/tags",
        r#"["t1","t2"]"#,
    ),
    (
        "remove_tag_from_context",
        |call| call.param("url", HASH).param("tag", "a b"),
        "DELETE",
        "/contexts/{hash}/tags/a%20b",
        "",
    ),
    (
        "subscribe",
        |call| call.set("object_url", "u"),
        "POST",
        "/people/ada/subscriptions",
        r#"{"object":{"objectType":"context","url":"u"}}"#,
    ),
    ("unsubscribe", |call| call.param("url", HASH), "DELETE", "/contexts/{hash}/subscriptions/ada", ""),
    ("subscribed", |call| call, "GET", "/people/ada/subscriptions", ""),
    ("subscribed_to_context", |call| call.param("url", HASH), "GET", "/contexts/{hash}/subscriptions", ""),
    ("grant_permission", |call| call.param("url", HASH), "PUT", "/contexts/{hash}/permissions/ada/read", "{}"),
    (
        "grant_permission",
        |call| call.param("url", HASH).param("username", "eva").param("permission", "write"),
        "PUT",
        "/contexts/{hash}/permissions/eva/write",
        "{}",
    ),
    ("revoke_permission", |call| call.param("url", HASH), "DELETE", "/contexts/{hash}/permissions/ada/write", ""),
    ("pushtokens_by_conversation", |call| call.param("id", "c1"), "GET", "/conversations/c1/tokens", ""),
    ("getContexts", |call| call, "GET", "/contexts", ""),
    ("getSecurity", |call| call, "GET", "/admin/security", ""),
    (
        "grant_security_role",
        |call| call.param("role", "Manager").param("user", "eva"),
        "POST",
        "/admin/security/roles/Manager/users/eva",
        "{}",
    ),
    (
        "revoke_security_role",
        |call| call.param("role", "Manager").param("user", "eva"),
        "DELETE",
        "/admin/security/roles/Manager/users/eva",
        "",
    ),
];

#[tokio::test]
async fn every_named_operation_sends_what_its_table_says() {
    for (name, describe, method, target, body) in OPERATIONS {
        let recorder = recorder();
        let reply = describe(max(&recorder).call(name)).send().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let sent = recorder.last();
        let expected = target.replace("{hash}", HASH);
        assert_eq!((sent.method.as_str(), sent.target.as_str()), (*method, expected.as_str()), "{name}");
        let bodies: [Value; 2] = [sent.text(), body].map(|text| serde_json::from_str(text).unwrap_or(Value::Null));
        assert_eq!(bodies[0], bodies[1], "{name}");
        assert!(reply.ok);
    }
}

#[tokio::test]
async fn an_avatar_is_posted_as_a_file() {
    let recorder = recorder();
    max(&recorder).call("postAvatar").upload(Part::bytes("PNG").file_name("a.png")).send().await.unwrap();
    let sent = recorder.last();
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("POST", "/people/ada/avatar"));
    assert!(sent.text().contains("name=\"file\"; filename=\"a.png\""));
}

#[test]
fn every_operation_of_the_catalog_is_in_the_table() {
    let mut tested: Vec<&str> = OPERATIONS.iter().map(|(name, ..)| *name).chain(["postAvatar"]).collect();
    tested.sort_unstable();
    tested.dedup();
    let text = include_str!("../../resources.yaml");
    let mut declared: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once("operation: "))
        .flat_map(|(_, rest)| {
            let list = rest.split(['}', ']']).next().unwrap_or_default();
            let rest = if rest.starts_with('[') { list } else { list.split(", ").next().unwrap_or_default() };
            rest.trim_matches(['[', ' ']).split(", ").collect::<Vec<_>>()
        })
        .map(|name| name.trim_matches([' ', ',', '{', '[']))
        .collect();
    declared.sort_unstable();
    declared.dedup();
    assert_eq!(tested, declared);
}

#[tokio::test]
async fn a_wrong_operation_or_parameter_is_refused_with_a_hint() {
    let recorder = recorder();
    let client = max(&recorder);
    for (call, hint) in [
        (client.call("getUzer"), "did you mean \"getUser\""),
        (client.call("getActivity"), ".param(\"activity\", value)"),
        (client.call("getUser").param("nobody", "x"), "no path parameter \"nobody\""),
    ] {
        let error = call.send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Path);
        assert!(error.to_string().contains(hint), "{error}");
    }
    assert_eq!(recorder.count(), 0);
}

#[tokio::test]
async fn m1_collections_and_items_contain_each_other() {
    let client = max(&recorder());
    for (place, path) in [
        (client.res("people").item("user.name"), "/people/user.name"),
        (
            client.res("admin").res("security").res("roles").item("admin").res("users").item("ada"),
            "/admin/security/roles/admin/users/ada",
        ),
        (client.res("people").item("ada").res("device").item("ios").item("t0ken"), "/people/ada/device/ios/t0ken"),
    ] {
        assert_eq!(place.path(), path);
        assert!(place.route().is_some(), "{path}");
    }
}

#[tokio::test]
async fn m7_one_item_is_one_encoded_segment() {
    let sent = sent(|client| client.res("people").item("a b?c#d&e=é").get()).await;
    assert_eq!(sent.target, "/people/a%20b%3Fc%23d%26e%3D%C3%A9");
    let recorder = recorder();
    for item in ["", ".", "..", "%2e%2e", "a/b", "a\nb"] {
        assert!(max(&recorder).res("people").item(item).delete().send().await.is_err(), "{item:?}");
    }
    assert_eq!(recorder.count(), 0);
}

#[tokio::test]
async fn m16_an_empty_body_is_an_object_where_the_catalog_says_so() {
    let of = |client: &Client, method: &str| client.path("x").method(method);
    for (resources, method, expected) in [
        ("empty_body: object\nresources: {x: {route: /x}}", "POST", Some("{}")),
        ("empty_body: object\nresources: {x: {route: /x}}", "PUT", Some("{}")),
        ("empty_body: object\nresources: {x: {route: /x}}", "PATCH", Some("{}")),
        ("empty_body: object\nresources: {x: {route: /x}}", "DELETE", None),
        ("empty_body: object\nresources: {x: {route: /x}}", "GET", None),
        ("resources: {x: {route: /x}}", "POST", None),
    ] {
        let recorder = recorder();
        let client = recorder.client("http://h").catalog(Catalog::from_yaml(resources, "").unwrap()).build().unwrap();
        of(&client, method).send().await.unwrap();
        let sent = recorder.last();
        assert_eq!(sent.text(), expected.unwrap_or_default(), "{method}");
        assert_eq!(sent.header("content-type"), expected.map(|_| "application/json"), "{method}");
    }
}

#[tokio::test]
async fn m25a_a_head_of_nothing_is_not_repeated_as_get() {
    let recorder = Recorder::new(404, "");
    let error = max(&recorder).res("people").item("x").res("activities").head().count().await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(404));
    assert_eq!(recorder.all().iter().map(|sent| sent.method.as_str()).collect::<Vec<_>>(), ["HEAD"]);
}
