//! That the authorization server with the habits of others has them; spoken to without our client.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::support::habits::{CLIENT, DEVICE, Habit, Notes, REFRESH, noted, router};

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Posts a form to the token endpoint of `server`; the id and secret of `client` are urlencoded first.
async fn ask(server: &axum::Router, client: (&str, &str), fields: &[(&str, &str)]) -> (StatusCode, String) {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = BASE64_STANDARD.encode(format!("{}:{}", encode(client.0), encode(client.1)));
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post("http://local/token")
        .header(header::AUTHORIZATION, format!("Basic {basic}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = server.clone().oneshot(request.body(Body::from(form)).unwrap()).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn member(answer: &(StatusCode, String), name: &str) -> Value {
    serde_json::from_str::<Value>(&answer.1).unwrap()[name].clone()
}

#[tokio::test]
async fn habits_are_those_that_other_providers_show() {
    let wrong = ("client: é%", "wrong");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", REFRESH)];
    let unknown = [("grant_type", DEVICE_GRANT), ("device_code", "another")];
    let service = [("grant_type", "client_credentials")];

    let usual = router(Habit::None);
    assert_eq!(ask(&usual, wrong, &service).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(member(&ask(&usual, CLIENT, &service).await, "token_type"), "Bearer");
    assert_eq!(member(&ask(&usual, CLIENT, &unknown).await, "error"), "invalid_grant");

    let empty = (StatusCode::FORBIDDEN, String::new());
    assert_eq!(ask(&router(Habit::ForbidsWithoutABody), wrong, &service).await, empty);

    let strict = router(Habit::RefusesReuseWithoutABody);
    assert_eq!(member(&ask(&strict, CLIENT, &refresh).await, "refresh_token"), REFRESH.replace("-0", "-1"));
    assert_eq!(ask(&strict, CLIENT, &refresh).await, (StatusCode::BAD_REQUEST, String::new()));

    let lower = ask(&router(Habit::WritesInLowerCase), CLIENT, &service).await;
    assert_eq!((member(&lower, "token_type"), member(&lower, "expires_in")), ("bearer".into(), "3600".into()));
    let more = ask(&router(Habit::SaysMore), CLIENT, &service).await;
    assert!(member(&more, "session_state").is_object() && member(&more, "access_token").is_string());
    let old = ask(&router(Habit::SaysOauthToken), CLIENT, &service).await;
    assert!(member(&old, "oauth_token").is_string() && member(&old, "access_token").is_null());
    let denied = ask(&router(Habit::DeniesUnknownDevices), CLIENT, &unknown).await;
    assert_eq!(member(&denied, "error"), "access_denied");
    assert_eq!(ask(&router(Habit::FailsWith200), wrong, &service).await.0, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn habits_slow_down_whoever_polls_too_fast() {
    let notes = Notes::default();
    let slow = noted(Habit::SlowsDown, &notes);
    let poll = [("grant_type", DEVICE_GRANT), ("device_code", DEVICE)];
    for (wait, said) in [(5, "authorization_pending"), (5, "slow_down"), (10, "slow_down"), (14, "slow_down"), (15, "")]
    {
        tokio::time::sleep(Duration::from_secs(wait)).await;
        let answer = ask(&slow, CLIENT, &poll).await;
        assert_eq!(member(&answer, "error").as_str().unwrap_or_default(), said);
    }
    let asked = notes.all();
    assert_eq!((asked.len(), asked[0].client.as_deref()), (5, Some(CLIENT.0)));
    assert_eq!(asked[4].at - asked[3].at, Duration::from_secs(15));
    assert_eq!(asked[0].form["device_code"], DEVICE);
}

#[tokio::test]
async fn habits_name_the_issuer_by_another_host() {
    for (habit, issuer) in
        [(Habit::None, "http://127.0.0.1:4711"), (Habit::CallsItselfLocalhost, "http://localhost:4711")]
    {
        let request = Request::get("/.well-known/openid-configuration").header(header::HOST, "127.0.0.1:4711");
        let answer = router(habit).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["issuer"], issuer);
    }
    let request = Request::post("/device").body(Body::empty()).unwrap();
    assert_eq!(router(Habit::None).oneshot(request).await.unwrap().status(), StatusCode::OK);
}
