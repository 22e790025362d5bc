//! Ordinary HTTP against an ordinary mock server: sequences of calls, matched and counted by it.

use mockito::{Matcher, Server};
use restwalk::{Catalog, ErrorKind, Part, Retry, json};

use crate::support;

fn max(server: &Server) -> restwalk::Client {
    support::builder(&server.url()).catalog(Catalog::embedded()).actor("ada").build().unwrap()
}

#[tokio::test]
async fn a_person_is_made_read_changed_and_removed() {
    let mut server = Server::new_async().await;
    let json = ("content-type", "application/json");
    let made = server
        .mock("POST", "/people")
        .match_header(json.0, json.1)
        .match_body(Matcher::Json(json!({"username": "eva"})))
        .with_status(201)
        .with_body(r#"{"username":"eva"}"#)
        .create();
    let read = server.mock("GET", "/people/eva").with_body(r#"{"username":"eva","n":18446744073709551615}"#).create();
    let changed = server
        .mock("PUT", "/people/eva")
        .match_body(Matcher::Json(json!({"displayName": "Eva", "address": {"city": "Girona"}})))
        .with_body("{}")
        .create();
    let removed = server.mock("DELETE", "/people/eva").match_body("").with_status(204).create();
    let gone = server.mock("GET", "/people/eva").with_status(404).with_body(r#"{"error":"UnknownUserError"}"#);

    let client = max(&server);
    let eva = client.res("people").item("eva");
    let response = client.res("people").post().set("username", "eva").send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(eva.get().await.unwrap()["n"], u64::MAX);
    eva.put().set("displayName", "Eva").set("address_city", "Girona").await.unwrap();
    assert_eq!(eva.delete().await.unwrap(), json!(null));
    for mock in [made, read, changed, removed] {
        mock.assert();
    }
    let gone = gone.create();
    assert_eq!(eva.get().optional::<restwalk::Value>().await.unwrap(), None);
    gone.assert();
}

#[tokio::test]
async fn a_query_is_understood_by_another_parser() {
    let mut server = Server::new_async().await;
    let mock = server
        .mock("GET", "/people")
        .match_query(Matcher::AllOf(vec![
            Matcher::UrlEncoded("q".into(), "a b&c=d+é%".into()),
            Matcher::UrlEncoded("limit".into(), "1".into()),
        ]))
        .with_body("[]")
        .create();
    max(&server).res("people").get().query("q", "a b&c=d+é%").query("limit", 1).await.unwrap();
    mock.assert();
}

#[tokio::test]
async fn a_form_is_understood_by_another_parser() {
    let mut server = Server::new_async().await;
    let mock = server
        .mock("POST", "/token")
        .match_header("content-type", "application/x-www-form-urlencoded")
        .match_body(Matcher::AllOf(vec![
            Matcher::UrlEncoded("grant_type".into(), "password".into()),
            Matcher::UrlEncoded("password".into(), "a b&=+é".into()),
        ]))
        .with_body("{}")
        .create();
    let client = support::network(&server.url());
    client
        .res("token")
        .post()
        .form(json!({"grant_type": "password", "password": "a b&=+é", "none": null}))
        .await
        .unwrap();
    mock.assert();
}

#[tokio::test]
async fn a_count_and_an_upload_arrive() {
    let mut server = Server::new_async().await;
    let counted = server.mock("HEAD", "/activities").with_header("X-totalItems", "7").create();
    let uploaded = server
        .mock("POST", "/people/ada/avatar")
        .match_header("content-type", Matcher::Regex("^multipart/form-data; boundary=".into()))
        .match_header("content-length", Matcher::Regex("^[0-9]+$".into()))
        .match_body(Matcher::Regex("filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\nPNG\r\n".into()))
        .with_status(201)
        .create();
    let client = max(&server);
    assert_eq!(client.res("activities").head().count().await.unwrap(), 7);
    client.path("people/:me/avatar").post().upload(Part::bytes("PNG").file_name("a.png")).send().await.unwrap();
    counted.assert();
    uploaded.assert();
}

#[tokio::test]
async fn a_failure_is_told_once_and_sent_once() {
    let mut server = Server::new_async().await;
    let mock = server
        .mock("GET", "/people")
        .with_status(503)
        .with_header("retry-after", "1")
        .with_body(r#"{"error":"Busy","error_description":"come back"}"#)
        .expect(1)
        .create();
    let error = max(&server).res("people").get().retry(Retry::off()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Status, 1));
    assert_eq!(error.to_string(), "GET /people answered 503 Service Unavailable: Busy: come back");
    assert_eq!(error.headers()["retry-after"], "1");
    mock.assert();
}

#[tokio::test]
async fn a_misspelt_segment_never_reaches_the_server() {
    let mut server = Server::new_async().await;
    let nothing = server.mock("GET", Matcher::Any).expect(0).create();
    let client = max(&server);
    for call in [client.res("peopel").get(), client.res("people").item("..").get(), client.path("people/a%2Fb").get()] {
        assert_eq!(call.send().await.unwrap_err().kind(), ErrorKind::Path);
    }
    nothing.assert();
}
