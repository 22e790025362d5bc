//! A small part of GitHub's API in memory, which answers as the live one does: a service for examples and tests.

// Each program that includes this file uses a part of it.
#![allow(dead_code)]

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

mod record;

pub(crate) use record::Record;

/// Owner, name and stars of what can be found.
const REPOSITORIES: [(&str, &str, u32); 9] = [
    ("octocat", "Hello-World", 2_900),
    ("octocat", "Spoon-Knife", 12_800),
    ("octocat", "http-notes", 310),
    ("ada", "http-engine", 41_000),
    ("ada", "looms", 95_000),
    ("grace", "http-compiler", 8_700),
    ("grace", "tiny-http", 1_050),
    ("alan", "http-machine", 23_400),
    ("alan", "http-garden", 77),
];

/// The service, and the record of what reaches it.
pub(crate) fn service() -> (Router, Record) {
    let record = Record::default();
    let service = Router::new()
        .route("/users/{username}", get(user))
        .route("/users/{username}/repos", get(repositories))
        .route("/search/repositories", get(search))
        .fallback(async || refusal(StatusCode::NOT_FOUND, "Not Found"))
        .layer(middleware::from_fn(accepted))
        .layer(middleware::from_fn_with_state(record.clone(), Record::keep))
        .with_state(Arc::default());
    (service, record)
}

/// Says how long an answer is fresh, and refuses what [`fault`] finds.
async fn accepted(request: Request, next: Next) -> Response {
    if let Some((status, message)) = fault(request.headers()) {
        return refusal(status, message);
    }
    let headers = [(header::CACHE_CONTROL, "private, max-age=60"), (header::VARY, "Accept, Authorization")];
    (headers, next.run(request).await).into_response()
}

/// Why a request is refused: it does not say who asks or what is accepted, or is signed in otherwise than by a token.
fn fault(headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
    let given = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_signed = headers.contains_key(header::AUTHORIZATION);
    if given(header::USER_AGENT).is_empty() {
        Some((StatusCode::FORBIDDEN, "Request forbidden by administrative rules"))
    } else if given(header::ACCEPT) != "application/vnd.github.v3+json" {
        Some((StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported 'Accept' header"))
    } else if is_signed && !given(header::AUTHORIZATION).starts_with("Bearer ") {
        Some((StatusCode::UNAUTHORIZED, "Bad credentials"))
    } else {
        None
    }
}

async fn user(Path(username): Path<String>) -> Response {
    let known: Vec<_> = REPOSITORIES.iter().filter(|(owner, ..)| *owner == username).collect();
    if known.is_empty() {
        return refusal(StatusCode::NOT_FOUND, "Not Found");
    }
    let name = if username == "octocat" { "The Octocat" } else { &username };
    Json(json!({ "login": username, "name": name, "followers": 20_412, "public_repos": known.len() })).into_response()
}

/// Fails the first time that it is asked.
async fn repositories(State(asked): State<Arc<AtomicBool>>, Path(username): Path<String>) -> Response {
    if !asked.swap(true, Ordering::Relaxed) {
        return refusal(StatusCode::BAD_GATEWAY, "Server Error");
    }
    let own = REPOSITORIES.iter().filter(|(owner, ..)| *owner == username);
    Json(own.map(repository).collect::<Vec<_>>()).into_response()
}

async fn search(Query(asked): Query<HashMap<String, String>>) -> Response {
    let given = |name: &str| asked.get(name).map_or("", String::as_str);
    if given("q").is_empty() {
        return refusal(StatusCode::UNPROCESSABLE_ENTITY, "Validation Failed");
    }
    let mut found: Vec<_> = REPOSITORIES.iter().filter(|(_, name, _)| name.contains(given("q"))).collect();
    if given("sort") == "stars" {
        found.sort_by_key(|(.., stars)| *stars);
    }
    if given("order") == "desc" {
        found.reverse();
    }
    let items: Vec<_> = found.into_iter().map(repository).collect();
    Json(json!({ "total_count": items.len(), "incomplete_results": false, "items": items })).into_response()
}

fn repository((owner, name, stars): &(&str, &str, u32)) -> Value {
    json!({ "name": name, "full_name": format!("{owner}/{name}"), "stargazers_count": stars })
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message, "documentation_url": "https://docs.github.com/rest" }))).into_response()
}
