//! A small part of OpenWeather's API in memory, which answers as the live one does: a service for examples and tests.

// Each program that includes this file uses a part of it.
#![allow(dead_code)]

use axum::{
    Json, Router,
    extract::{Query, Request},
    http::{StatusCode, Uri},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

mod record;

pub(crate) use record::Record;

/// The key that the service knows.
pub(crate) const KEY: &str = "b6907d289e10d714a6e88b30761fae22";

/// Where it is asked for, and the degrees Celsius there.
const CITIES: [(&str, f64); 2] = [("Barcelona", 21.5), ("London", 12.0)];

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    units: String,
    #[serde(default)]
    appid: String,
}

/// The service, and the record of what reaches it.
pub(crate) fn service() -> (Router, Record) {
    let record = Record::default();
    let service = Router::new()
        .route("/data/2.5/weather", get(current))
        .route("/data/2.5/forecast", get(forecast))
        .layer(middleware::from_fn(known))
        .layer(middleware::from_fn_with_state(record.clone(), Record::keep));
    (service, record)
}

/// Refuses whoever has no key; the real one says no word of how long an answer is fresh either.
async fn known(uri: Uri, request: Request, next: Next) -> Response {
    match Query::<Asked>::try_from_uri(&uri) {
        Ok(Query(asked)) if asked.appid == KEY => next.run(request).await,
        _ => refusal(StatusCode::UNAUTHORIZED, "Invalid API key"),
    }
}

async fn current(Query(asked): Query<Asked>) -> Response {
    match degrees(&asked) {
        Some(degrees) => Json(weather(&asked.q, degrees)).into_response(),
        None => refusal(StatusCode::NOT_FOUND, "city not found"),
    }
}

/// Eight steps of three hours, each half a degree warmer.
async fn forecast(Query(asked): Query<Asked>) -> Response {
    let Some(degrees) = degrees(&asked) else { return refusal(StatusCode::NOT_FOUND, "city not found") };
    let list: Vec<_> = (1..=8_u32).map(|step| weather(&asked.q, degrees + f64::from(step) / 2.0)).collect();
    Json(json!({ "cod": "200", "cnt": list.len(), "list": list })).into_response()
}

/// How warm it is, in the units that are asked for.
fn degrees(asked: &Asked) -> Option<f64> {
    let (_, celsius) = CITIES.into_iter().find(|(city, _)| *city == asked.q)?;
    Some(match asked.units.as_str() {
        "metric" => celsius,
        "imperial" => celsius * 1.8 + 32.0,
        _ => celsius + 273.0,
    })
}

fn weather(city: &str, degrees: f64) -> Value {
    json!({ "name": city, "main": { "temp": degrees }, "weather": [{ "description": "scattered clouds" }] })
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "cod": status.as_u16(), "message": message }))).into_response()
}
