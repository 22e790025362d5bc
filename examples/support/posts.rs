//! A small part of JSONPlaceholder's API in memory, which answers as the live one does: a service for examples and tests.

// Each program that includes this file uses a part of it.
#![allow(dead_code)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

mod record;

pub(crate) use record::Record;

/// How long the service takes to answer.
const DELAY: Duration = Duration::from_millis(80);

/// The service, and the record of what reaches it.
pub(crate) fn service() -> (Router, Record) {
    let record = Record::default();
    let service = Router::new()
        .route("/posts", post(add))
        .route("/posts/{id}", get(one))
        .layer(middleware::from_fn_with_state(record.clone(), Record::keep))
        .with_state(Arc::default());
    (service, record)
}

async fn one(Path(id): Path<u32>) -> Response {
    tokio::time::sleep(DELAY).await;
    if !(1..=100).contains(&id) {
        return (StatusCode::NOT_FOUND, Json(json!({}))).into_response();
    }
    Json(json!({ "userId": 1, "id": id, "title": "sunt aut facere" })).into_response()
}

/// Is busy when it is first asked, and answers every post as the hundred and first.
async fn add(State(asked): State<Arc<AtomicBool>>, Json(mut post): Json<Value>) -> Response {
    tokio::time::sleep(DELAY).await;
    if !asked.swap(true, Ordering::Relaxed) {
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")]).into_response();
    }
    post["id"] = json!(101);
    (StatusCode::CREATED, Json(post)).into_response()
}
