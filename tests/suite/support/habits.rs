//! An authorization server with the habits that others show than the certified one: none of them is rare.
//!
//! It runs over a socket and in process, and by the clock of tokio, which tests may stop.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Form, Json, Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use tokio::time::Instant;

/// The client that it knows; the id holds what only a form-urlencoded one survives.
pub const CLIENT: (&str, &str) = ("client: é%", "CNRY-secret:é%+ -7f3a9c2e");
/// The refresh token that it knows at first; each redemption adds one to its number.
pub const REFRESH: &str = "CNRY-refresh-7f3a9c2e-0";
/// The device code that it gives.
pub const DEVICE: &str = "CNRY-device-7f3a9c2e4";

/// How it differs from the specifications, or from what most do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// None: it does what the specifications say.
    None,
    /// A wrong client secret is answered 403, without a body.
    ForbidsWithoutABody,
    /// A refresh token that was redeemed before is answered 400, without a body.
    RefusesReuseWithoutABody,
    /// The type of its tokens is `bearer`, and `expires_in` a string.
    WritesInLowerCase,
    /// Its answers have members that nobody asked for.
    SaysMore,
    /// It asks to slow down twice, and then confirms, unless it is polled too fast.
    SlowsDown,
    /// A device code that it does not know any more is answered `access_denied`.
    DeniesUnknownDevices,
    /// Its issuer is `localhost`, by whatever name it is reached.
    CallsItselfLocalhost,
    /// The token is in `oauth_token`, as before OAuth 2.0 was final.
    SaysOauthToken,
    /// An error is answered 200.
    FailsWith200,
}

/// One request to the token endpoint.
#[derive(Debug, Clone)]
pub struct Asked {
    pub at: Instant,
    pub form: HashMap<String, String>,
    /// The client that authenticated itself, by whatever method.
    pub client: Option<String>,
}

/// What the server noted; clones share it.
#[derive(Clone, Default)]
pub struct Notes(Arc<Mutex<Vec<Asked>>>);

impl Notes {
    pub fn all(&self) -> Vec<Asked> {
        self.0.lock().unwrap().clone()
    }
}

#[derive(Clone)]
struct Server {
    habit: Habit,
    notes: Notes,
}

/// The server, at `/token`, `/device` and `/.well-known/openid-configuration`.
pub fn router(habit: Habit) -> Router {
    noted(habit, &Notes::default())
}

/// The server, which notes what it is asked.
pub fn noted(habit: Habit, notes: &Notes) -> Router {
    super::traces::keep();
    Router::new()
        .route("/token", post(token))
        .route("/device", post(device))
        .route("/.well-known/openid-configuration", get(metadata))
        .with_state(Server { habit, notes: notes.clone() })
}

async fn metadata(State(server): State<Server>, request: Request) -> Json<Value> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).or(request.uri().host());
    let host = host.unwrap_or("local").to_owned();
    let port = host.split_once(':').map_or(String::new(), |(_, port)| format!(":{port}"));
    let issuer = match server.habit {
        Habit::CallsItselfLocalhost => format!("http://localhost{port}"),
        _ => format!("http://{host}"),
    };
    Json(json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/token"),
        "device_authorization_endpoint": format!("{issuer}/device"),
        "authorization_endpoint": format!("{issuer}/authorize"),
        "response_types_supported": ["code"],
    }))
}

async fn device() -> Json<Value> {
    Json(json!({
        "device_code": DEVICE,
        "user_code": "WDJB-MJHT",
        "verification_uri": "http://localhost/activate",
        "verification_uri_complete": "http://localhost/activate?user_code=WDJB-MJHT",
        "expires_in": 600,
        "interval": 5,
    }))
}

async fn token(
    State(server): State<Server>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let (client, right) = authenticated(&headers, &form);
    let asked = Asked { at: Instant::now(), form: form.clone(), client };
    let before = server.notes.all();
    server.notes.0.lock().unwrap().push(asked);
    if !right {
        return match server.habit {
            Habit::ForbidsWithoutABody => StatusCode::FORBIDDEN.into_response(),
            _ => refusal(server.habit, StatusCode::UNAUTHORIZED, "invalid_client"),
        };
    }
    match form.get("grant_type").map(String::as_str) {
        Some("refresh_token") => refresh(&server, form.get("refresh_token"), &before),
        Some("urn:ietf:params:oauth:grant-type:device_code") => poll(&server, form.get("device_code"), &before),
        Some("client_credentials" | "password" | "authorization_code") => granted(server.habit, before.len()),
        _ => refusal(server.habit, StatusCode::BAD_REQUEST, "unsupported_grant_type"),
    }
}

/// Each redemption gives the next refresh token, and takes no earlier one.
fn refresh(server: &Server, token: Option<&String>, before: &[Asked]) -> Response {
    let redeemed = |asked: &&Asked| asked.form.get("grant_type").is_some_and(|grant| grant == "refresh_token");
    let number = before.iter().filter(redeemed).count();
    if token.is_some_and(|token| *token == format!("{}{number}", REFRESH.trim_end_matches('0'))) {
        return granted(server.habit, number + 1);
    }
    match server.habit {
        Habit::RefusesReuseWithoutABody => StatusCode::BAD_REQUEST.into_response(),
        habit => refusal(habit, StatusCode::BAD_REQUEST, "invalid_grant"),
    }
}

/// The first poll waits for the user, the next two are told to slow down, and then it is confirmed.
fn poll(server: &Server, code: Option<&String>, before: &[Asked]) -> Response {
    let refuse = |error| refusal(server.habit, StatusCode::BAD_REQUEST, error);
    if code.is_none_or(|code| code != DEVICE) {
        return refuse(if server.habit == Habit::DeniesUnknownDevices { "access_denied" } else { "invalid_grant" });
    }
    let polls: Vec<_> = before.iter().filter(|asked| asked.form.contains_key("device_code")).collect();
    match (server.habit, polls.len()) {
        (_, 0) => refuse("authorization_pending"),
        (Habit::SlowsDown, 1 | 2) => refuse("slow_down"),
        // Its interval was 5 s, and twice 5 s were added.
        (Habit::SlowsDown, _) if polls.last().is_some_and(|last| last.at.elapsed().as_secs() < 15) => {
            refuse("slow_down")
        }
        (_, number) => granted(server.habit, number),
    }
}

fn granted(habit: Habit, number: usize) -> Response {
    let mut answer = json!({
        "access_token": format!("CNRY-access-7f3a9c2e-{number}"),
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": format!("{}{number}", REFRESH.trim_end_matches('0')),
    });
    match habit {
        Habit::WritesInLowerCase => {
            answer["token_type"] = "bearer".into();
            answer["expires_in"] = "3600".into();
        }
        Habit::SaysMore => {
            answer["not-before-policy"] = 0.into();
            answer["refresh_expires_in"] = 1800.into();
            answer["session_state"] = json!({"deep": [null, {"x": "1"}]});
            answer["id_token"] = Value::Null;
        }
        Habit::SaysOauthToken => {
            answer["oauth_token"] = answer["access_token"].take();
            answer.as_object_mut().unwrap().remove("access_token");
        }
        _ => {}
    }
    Json(answer).into_response()
}

fn refusal(habit: Habit, status: StatusCode, error: &str) -> Response {
    let status = if habit == Habit::FailsWith200 { StatusCode::OK } else { status };
    (status, Json(json!({"error": error, "error_description": "no"}))).into_response()
}

/// Who says to be asking, and whether the secret is right.
fn authenticated(headers: &HeaderMap, form: &HashMap<String, String>) -> (Option<String>, bool) {
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let field = |name| form.get(name).cloned().unwrap_or_default();
    let (id, secret) = if let Some(coded) = basic {
        let pair = BASE64_STANDARD.decode(coded).ok().and_then(|pair| String::from_utf8(pair).ok());
        let Some((id, secret)) = pair.as_deref().and_then(|pair| pair.split_once(':')) else { return (None, false) };
        (decoded(id), decoded(secret))
    } else {
        (field("client_id"), field("client_secret"))
    };
    let right = (id.as_str(), secret.as_str()) == CLIENT || (id == "public" && secret.is_empty());
    (Some(id), right)
}

/// One part of Basic, which is form-urlencoded (RFC 6749, 2.3.1).
fn decoded(part: &str) -> String {
    url::form_urlencoded::parse(format!("x={part}").as_bytes()).next().map_or(String::new(), |(_, part)| part.into())
}
