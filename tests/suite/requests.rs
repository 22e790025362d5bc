//! W20 to W43 and V-W1, V-W2, V-W6: what the WIPAC client does, request by request.

use bytes::Bytes;
use futures_util::StreamExt;
use restwalk::{Auth, Catalog, Client, ErrorKind, Local, Redirect, Retry, Style, Value, json};

use crate::support::recorder::Recorder;

const BASE: &str = "http://h/api";

fn recorder() -> Recorder {
    Recorder::new(200, "{}")
}

/// Sends what `describe` makes and gives the path and query that went out.
async fn target(base: &str, describe: impl FnOnce(&Client) -> restwalk::Call) -> String {
    let recorder = recorder();
    let client = recorder.client(base).build().unwrap();
    describe(&client).send().await.unwrap();
    recorder.last().target
}

fn args() -> Value {
    json!({"a": 1, "b": null, "c": [1, 2], "d": true, "e": "x y&"})
}

#[tokio::test]
async fn w20_a_call_gives_the_json_of_its_answer() {
    let client = Recorder::new(200, r#"{"a":[1,2]}"#).client(BASE).build().unwrap();
    assert_eq!(client.path("x").get().await.unwrap(), json!({"a": [1, 2]}));
    let failing = Recorder::new(404, r#"{"code":404,"error":"no such"}"#).client(BASE).build().unwrap();
    let error = failing.path("x").get().await.unwrap_err();
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Status, 404));
}

#[test]
fn w21_a_blocking_call_gives_the_same() {
    let recorder = Recorder::new(200, r#"{"a":1}"#);
    let client = recorder.client(BASE).build().unwrap();
    let response = client.path("x").post().set("n", 1).send_blocking().unwrap();
    let value: Value = restwalk::block_on(response.json()).unwrap().unwrap();
    assert_eq!((value, recorder.last().text()), (json!({"a": 1}), r#"{"n":1}"#));
}

#[tokio::test]
async fn w22_w42_a_stream_is_judged_before_its_first_item() {
    let error = Recorder::new(404, "{}").client(BASE).build().unwrap().path("x").get().send().await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 404);
}

#[tokio::test]
async fn w23_the_base_path_is_kept_and_never_left() {
    for base in ["http://h/api", "http://h/api/"] {
        for (path, expected) in [("x", "/api/x"), ("/x", "/api/x"), ("", "/api/"), ("/", "/api/"), ("x/y", "/api/x/y")]
        {
            assert_eq!(target(base, |client| client.path(path).get()).await, expected, "{base} {path:?}");
        }
    }
    assert_eq!(target("http://h", |client| client.path("/posts/1").get()).await, "/posts/1");
    let recorder = recorder();
    let client = recorder.client(BASE).build().unwrap();
    for path in ["//x", "http://other/z", "//other/z", "../x", "x/../../y", "x/", "\\\\other\\z", "%2e%2e/x"] {
        let error = client.path(path).get().send().await.unwrap_err();
        assert_eq!(error.code(), "invalid_input.path", "{path}");
    }
    assert_eq!(recorder.count(), 0);
}

#[tokio::test]
async fn w24_v_w2_answers_are_decoded_strictly() {
    for (status, body, expected) in [
        (200, "", Value::Null),
        (200, r#"{"a":1}"#, json!({"a": 1})),
        (200, "null", Value::Null),
        (200, "\"s\"", json!("s")),
        (200, "1", json!(1)),
        (200, "[1]", json!([1])),
        (200, "\u{feff}[1]", json!([1])),
        (204, "", Value::Null),
        (304, "", Value::Null),
        (200, r#"{"__jsonclass__":["datetime","2020"]}"#, json!({"__jsonclass__": ["datetime", "2020"]})),
    ] {
        let client = Recorder::new(status, body).client(BASE).build().unwrap();
        assert_eq!(client.path("x").get().await.unwrap(), expected, "{status} {body:?}");
    }
    for body in [" ", "not json", r#"{"foo"}"#, "NaN", "[Infinity]"] {
        let error = Recorder::new(200, body).client(BASE).build().unwrap().path("x").get().await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Decode, "body.decode"), "{body:?}");
    }
}

#[tokio::test]
async fn w25_v_w1_arguments_go_where_the_method_takes_them() {
    for method in ["GET", "HEAD"] {
        let recorder = recorder();
        let client = recorder.client(BASE).build().unwrap();
        client.path("x").method(method).args(args()).send().await.unwrap();
        let sent = recorder.last();
        assert_eq!(sent.target, "/api/x?a=1&c=1&c=2&d=true&e=x+y%26");
        assert_eq!((sent.body.len(), sent.header("content-type")), (0, None));
        let error = client.path("x").method(method).args(json!({"f": {"k": 1}})).send().await.unwrap_err();
        assert_eq!(error.code(), "invalid_input.query");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let recorder = recorder();
        let client = recorder.client(BASE).build().unwrap();
        client.path("x").method(method).args(args()).send().await.unwrap();
        let sent = recorder.last();
        assert_eq!(sent.target, "/api/x");
        assert_eq!(sent.text(), r#"{"a":1,"b":null,"c":[1,2],"d":true,"e":"x y&"}"#, "{method}");
        assert_eq!(sent.header("content-type"), Some("application/json"));
        client.path("x").method(method).args(json!({})).send().await.unwrap();
        assert_eq!(recorder.last().text(), "{}");
    }
}

#[tokio::test]
async fn w25_v_w1_a_call_without_arguments_has_the_body_that_its_catalog_wants() {
    let wants = Catalog::from_yaml("empty_body: object\nresources: {x: {route: /x}}", "").unwrap();
    for (catalog, post) in [(wants, "{}"), (Catalog::open(), "")] {
        let recorder = recorder();
        let client = recorder.client(BASE).catalog(catalog).build().unwrap();
        for (method, expected) in [("POST", post), ("PUT", post), ("PATCH", post), ("DELETE", ""), ("GET", "")] {
            client.path("x").method(method).send().await.unwrap();
            let sent = recorder.last();
            assert_eq!((sent.text(), sent.target.as_str()), (expected, "/api/x"), "{method}");
            assert_eq!(sent.header("content-type").is_some(), !expected.is_empty());
        }
    }
}

#[tokio::test]
async fn w26_queries_are_form_encoded() {
    for (style, expected) in [
        (Style::Repeat, "c=1&c=2&s=a+b&t=true"),
        (Style::Comma, "c=1,2&s=a+b&t=true"),
        (Style::Brackets, "c%5B%5D=1&c%5B%5D=2&s=a+b&t=true"),
        (Style::DeepObject, "c%5B0%5D=1&c%5B1%5D=2&s=a+b&t=true"),
    ] {
        let recorder = recorder();
        let client = recorder.client(BASE).query_style(style).build().unwrap();
        let call = client.path("x").get().query("c", [1, 2]).query("n", Value::Null).query("s", "a b").query("t", true);
        call.send().await.unwrap();
        assert_eq!(recorder.last().target, format!("/api/x?{expected}"));
    }
    let raw = |client: &Client| client.path("x").get().query_raw("z=%00&b").query("a", 1);
    assert_eq!(target(BASE, raw).await, "/api/x?z=%00&b&a=1");
    assert_eq!(target("http://h/api?key=1", |client| client.path("x").get().query("a", 2)).await, "/api/x?key=1&a=2");
}

#[tokio::test]
async fn w27_nulls_of_a_body_are_kept() {
    let recorder = recorder();
    let client = recorder.client(BASE).build().unwrap();
    client
        .path("x")
        .post()
        .set("a", Value::Null)
        .set("b.c", Value::Null)
        .json(json!({"d": [null]}))
        .send()
        .await
        .unwrap();
    assert_eq!(recorder.last().text(), r#"{"a":null,"b":{"c":null},"d":[null]}"#);
}

#[tokio::test]
async fn w28_v_w1_one_authorization_and_the_calls_own_wins() {
    for (auth, expected) in [
        (Auth::bearer("tok"), Some("Bearer tok")),
        (Auth::bearer(""), None),
        (Auth::basic("u", "pw"), Some("Basic dTpwdw==")),
        (Auth::basic("u", "p"), Some("Basic dTpw")),
        (Auth::none(), None),
    ] {
        let recorder = recorder();
        let client = recorder.client(BASE).auth(auth).build().unwrap();
        client.path("x").get().send().await.unwrap();
        assert_eq!(recorder.last().header("authorization"), expected);
        client.path("x").get().header("Authorization", "mine").send().await.unwrap();
        let values: Vec<_> = recorder.last().headers.get_all("authorization").iter().cloned().collect();
        assert_eq!(values, ["mine"]);
        client.path("x").get().auth(Auth::scheme("JWT", "a.b")).send().await.unwrap();
        assert_eq!(recorder.last().header("authorization"), Some("JWT a.b"));
        client.path("x").get().send().await.unwrap();
        assert_eq!(recorder.last().header("authorization"), expected, "the client is as it was");
    }
}

#[tokio::test]
async fn w29_v_w1_headers_of_a_call_stand_over_the_clients() {
    let recorder = recorder();
    let client = recorder.client(BASE).header("foo", "client").header("only", "client").build().unwrap();
    client.path("x").get().header("foo", "bar").send().await.unwrap();
    let sent = recorder.last();
    assert_eq!((sent.header("foo"), sent.header("only")), (Some("bar"), Some("client")));
    client.path("x").get().send().await.unwrap();
    assert_eq!(recorder.last().header("foo"), Some("client"));
}

#[tokio::test]
async fn w30_a_404_of_delete_is_an_answer_for_who_wants_none() {
    let client = Recorder::new(404, "").client(BASE).build().unwrap();
    assert_eq!(client.path("x").delete().optional::<Value>().await.unwrap(), None);
    assert_eq!(client.path("x").delete().send_raw().await.unwrap().status(), 404);
    assert_eq!(client.path("x").delete().send().await.unwrap_err().status().unwrap(), 404);
}

#[tokio::test]
async fn w31_a_redirect_is_a_typed_error_and_a_3xx_without_a_place_an_answer() {
    for status in [301, 302, 303, 307, 308] {
        let away = Recorder::new(status, "moved").header("location", "http://elsewhere/").client(BASE).build().unwrap();
        let error = away.path("x").post().set("a", 1).send().await.unwrap_err();
        assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Redirect, status));
        assert_eq!(error.headers()["location"], "http://elsewhere/");
        let off = Recorder::new(status, "moved").header("location", "http://elsewhere/").client(BASE);
        let off = off.redirect(Redirect::off()).build().unwrap();
        assert_eq!(off.path("x").get().send().await.unwrap().status().as_u16(), status);
    }
    for status in [300, 301, 304] {
        let recorder = Recorder::new(status, "");
        let client = recorder.client(BASE).redirect(Redirect::wipac()).build().unwrap();
        let response = client.path("x").get().send().await.unwrap();
        assert_eq!((response.status().as_u16(), recorder.count()), (status, 1));
    }
}

#[tokio::test]
async fn w32_v_w3_an_error_keeps_status_headers_and_body() {
    for status in [400, 401, 403, 404, 405, 408, 409, 413, 418, 500, 501, 502, 503, 504, 505] {
        let recorder = Recorder::new(status, r#"{"code":1,"error":"authorization failed"}"#).header("x-id", "7");
        let client = recorder.client(BASE).retry(Retry::off()).build().unwrap();
        let error = client.res("x").get().send().await.unwrap_err();
        let code = if status == 401 { "auth.denied" } else { "status" };
        assert_eq!((error.kind(), error.code()), (ErrorKind::Status, code));
        assert_eq!((error.status().unwrap().as_u16(), &error.headers()["x-id"]), (status, &"7".parse().unwrap()));
        assert_eq!(error.body().unwrap(), r#"{"code":1,"error":"authorization failed"}"#);
        assert!(error.to_string().contains("authorization failed"), "{error}");
        assert!(error.to_string().starts_with(&format!("GET /x answered {status}")), "{error}");
        assert_eq!(client.res("x").get().send_raw().await.unwrap().status().as_u16(), status);
    }
    let error = Recorder::new(429, "").header("retry-after", "99").client(BASE).build().unwrap();
    let error = error.path("x").get().send().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::RateLimited, "rate_limited"));
    assert_eq!((error.status().unwrap().as_u16(), &error.headers()["retry-after"]), (429, &"99".parse().unwrap()));
}

#[tokio::test]
async fn patches_go_out_under_their_own_types() {
    let recorder = recorder();
    let client = recorder.client(BASE).build().unwrap();
    let operations = restwalk::diff(&json!({"a": 1, "b": 2}), &json!({"a": 1, "b": 3}));
    client.path("x").patch().json_patch(operations).send().await.unwrap();
    let sent = recorder.last();
    assert_eq!(sent.text(), r#"[{"op":"replace","path":"/b","value":3}]"#);
    assert_eq!(sent.header("content-type"), Some("application/json-patch+json"));
    client.path("x").patch().merge_patch(json!({"a": null, "b_c": 1})).send().await.unwrap();
    let sent = recorder.last();
    assert_eq!(sent.text(), r#"{"a":null,"b_c":1}"#);
    assert_eq!(sent.header("content-type"), Some("application/merge-patch+json"));
    let error = client.path("x").patch().json_patch(json!([{"op": "put", "path": "/a"}])).send().await.unwrap_err();
    assert_eq!((error.kind(), recorder.count()), (ErrorKind::Request, 2));
}

/// A client whose answers come in these pieces.
fn in_pieces(pieces: Vec<Bytes>) -> Client {
    let service = axum::Router::new().fallback(move || async move {
        let pieces = futures_util::stream::iter(pieces).map(Ok::<_, std::io::Error>);
        axum::body::Body::from_stream(pieces)
    });
    Client::local(service).build().unwrap()
}

async fn lines(client: &Client) -> Vec<Result<Value, &'static str>> {
    let lines = client.path("x").get().send().await.unwrap().lines::<Value>();
    lines.map(|line| line.map_err(|error| error.code())).collect().await
}

#[tokio::test]
async fn w40_w41_v_w6_lines_are_the_same_however_they_are_cut() {
    let body = "{\"foo-bar\":\"baz\"}\n\r\n\n{\"green\":[\"eggs\",\"and\",\"ham\"]}\r\n{\"george\":1,\"é\":2}\r\n\n\
                \"this is just a string\"\n[1,2,3]";
    let expected = [
        json!({"foo-bar": "baz"}),
        json!({"green": ["eggs", "and", "ham"]}),
        json!({"george": 1, "é": 2}),
        json!("this is just a string"),
        json!([1, 2, 3]),
    ];
    for size in [1, 2, 3, 4, 8, 9, 20, 100, 1024, 32768] {
        let client = in_pieces(body.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect());
        for _ in 0..2 {
            let values: Vec<_> = lines(&client).await.into_iter().map(Result::unwrap).collect();
            assert_eq!(values, expected, "{size}");
        }
    }
}

#[tokio::test]
async fn w40_v_w6_blank_lines_are_skipped_and_falsy_values_are_not() {
    for empty in ["\n", "", "\n\r\n\n", " \n", " ", "\t"] {
        assert!(lines(&in_pieces(vec![Bytes::from(empty)])).await.is_empty(), "{empty:?}");
    }
    let falsy = in_pieces(vec![Bytes::from("0\nfalse\n[]\n{}\n\"\"\nnull\n")]);
    let expected = [json!(0), json!(false), json!([]), json!({}), json!(""), Value::Null];
    assert_eq!(lines(&falsy).await.into_iter().map(Result::unwrap).collect::<Vec<_>>(), expected);
    assert_eq!(lines(&in_pieces(vec![Bytes::from("\"w/o-a-newline\"")])).await, [Ok(json!("w/o-a-newline"))]);
}

#[tokio::test]
async fn w40_v_w6_a_bad_line_ends_the_stream_with_an_error() {
    let client = in_pieces(vec![Bytes::from("{\"a\":1}\nbad\n{\"b\":2}\n")]);
    assert_eq!(lines(&client).await, [Ok(json!({"a": 1})), Err("body.decode")]);
    let client = in_pieces(vec![Bytes::from("{\"a\":\n1}")]);
    assert_eq!(lines(&client).await, [Err("body.decode")]);
}

/// What a program on top of the library needs, such as the command line.
fn layered() -> Client {
    let resources = "api: a
resources:
  things:
    route: /things/{id}/parts
    methods:
      GET: { query: { per_page: 100, sort: name }, headers: { X-Kind: part } }
      POST:
";
    let defaults = "/things/{id}/parts:\n  POST: { object: { kind: part, a.b: 1 } }\n";
    let catalog = Catalog::from_yaml(resources, defaults).unwrap();
    let nobody = Local::new(axum::Router::new());
    let client = Client::builder(BASE).transport(nobody).catalog(catalog);
    client.header("x-client", "1").auth(Auth::bearer("t")).build().unwrap()
}

#[test]
fn names_one_by_one_are_literal_and_drop_what_dots_cannot_name() {
    let body =
        |call: restwalk::Call| String::from_utf8(call.build().unwrap().body().as_bytes().unwrap().to_vec()).unwrap();
    let call = layered().path("things/7/parts").post();
    let set = call.clone().set_at(["object", "c_d"], 2).set_at(["e.f"], json!([1]));
    assert_eq!(body(set), r#"{"object":{"kind":"part","a.b":1,"c_d":2},"e.f":[1]}"#);
    assert_eq!(body(call.clone().unset_at(["object", "a.b"])), r#"{"object":{"kind":"part"}}"#);
    assert_eq!(call.set_at([] as [&str; 0], 1).build().unwrap_err().kind(), ErrorKind::Request);
}

#[test]
fn what_is_inherited_can_be_dropped() {
    let call = layered().path("things/7/parts").get();
    let request = call.clone().unset_query("sort").unset_header("X-Kind").unset_header("x-client").build().unwrap();
    assert_eq!(request.uri().query(), Some("per_page=100"));
    assert!(!request.headers().contains_key("x-kind") && !request.headers().contains_key("x-client"));
    let again = call.clone().header("x-kind", "0").unset_header("x-kind").header("x-kind", "1").build().unwrap();
    assert_eq!(again.headers()["x-kind"], "1");
    assert_eq!(
        call.clone().unset_query("sort").query("sort", "id").build().unwrap().uri().query(),
        Some("per_page=100&sort=id")
    );
    assert!(call.unset_header("Host").build().is_err());
}

#[test]
fn a_signed_request_marks_its_credentials() {
    let request = layered().path("things/7/parts").get().build_signed().unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer t");
    assert!(request.headers()["authorization"].is_sensitive());
}

#[test]
fn a_walk_goes_on_where_it_is() {
    let client = layered();
    assert_eq!(client.path("things").item("a b").walk("parts").path(), "/things/a%20b/parts");
    assert_eq!(client.res("things").walk("7/parts").route().unwrap().template(), "/things/{id}/parts");
    assert!(client.path("things").walk("7/prats").get().build().unwrap_err().to_string().contains("did you mean"));
}
