//! Answers that give: things, listings, files.

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value;

use super::{
    Asked, Inner,
    act::absent,
    condition,
    content::File,
    listing,
    problem::Problem,
    range::{Slice, slice},
    routes::Kind,
    store::{Store, Thing},
};

impl Inner {
    /// Gives what stands at a place: a thing, its file, or a listing.
    pub(super) fn give(&self, store: &Store, asked: &Asked<'_>, found: Option<usize>) -> Result<Response, Problem> {
        let place = &asked.place;
        let thing = found.and_then(|index| store.get(index));
        if let Some(thing) = thing {
            return match &thing.file {
                Some(held) if place.route.kind != Kind::Item => file(asked, thing, held),
                _ => Ok(made(StatusCode::OK, thing, None)),
            };
        }
        if place.route.only_gives
            && let Some(around) = self.routes.around(place).last()
            && let Some(thing) = store.item(&around).and_then(|index| store.get(index))
            && let Some(held) = &thing.file
        {
            return file(asked, thing, held);
        }
        if place.route.kind == Kind::Collection { self.list(store, asked) } else { Err(absent(place)) }
    }

    fn list(&self, store: &Store, asked: &Asked<'_>) -> Result<Response, Problem> {
        let place = &asked.place;
        let paginate = place.route.paginate.as_ref();
        let page = listing::page(store.members(place), (&place.path, &asked.query), paginate)?;
        let mut response = json(StatusCode::OK, &page.body);
        let headers = response.headers_mut();
        if let Some(name) = &self.count_header {
            headers.insert(name, page.total.into());
        }
        if let Some(next) = page.next {
            put(headers, header::LINK, &format!("<{next}>; rel=\"next\""));
        }
        Ok(response)
    }
}

/// A JSON value.
pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], Body::from(value.to_string())).into_response()
}

/// A thing as JSON, and where it is.
pub(super) fn made(status: StatusCode, thing: &Thing, location: Option<&str>) -> Response {
    let mut response = json(status, &thing.value);
    state(response.headers_mut(), thing);
    if let Some(location) = location {
        put(response.headers_mut(), header::LOCATION, location);
    }
    response
}

/// Says that the caller has this state of a thing already.
pub(super) fn unchanged(thing: &Thing) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    state(response.headers_mut(), thing);
    response
}

/// A file, or the range of it that is asked for.
fn file(asked: &Asked<'_>, thing: &Thing, held: &File) -> Result<Response, Problem> {
    let length = held.bytes.len();
    let wanted = asked.headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let wanted = wanted.filter(|_| asked.method == Method::GET && condition::in_range_state(&asked.headers, thing));
    match wanted.map_or(Slice::Whole, |wanted| slice(wanted, length)) {
        Slice::Beyond => {
            let text = format!("the file has {length} bytes");
            Err(Problem::new(416, "BeyondRange", text).with(header::CONTENT_RANGE, format!("bytes */{length}")))
        }
        Slice::Part(range) => {
            let said = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            let mut response = bytes(StatusCode::PARTIAL_CONTENT, held.bytes.slice(range), thing, held);
            put(response.headers_mut(), header::CONTENT_RANGE, &said);
            Ok(response)
        }
        Slice::Whole => Ok(bytes(StatusCode::OK, held.bytes.clone(), thing, held)),
    }
}

fn bytes(status: StatusCode, bytes: Bytes, thing: &Thing, held: &File) -> Response {
    let mut response = (status, Body::from(bytes)).into_response();
    let headers = response.headers_mut();
    put(headers, header::CONTENT_TYPE, "application/octet-stream");
    put(headers, header::CONTENT_TYPE, &held.kind);
    put(headers, header::ACCEPT_RANGES, "bytes");
    put(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    let plain = |name: &&str| name.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\');
    put(headers, header::CONTENT_DISPOSITION, "attachment");
    if let Some(name) = held.name.as_deref().filter(plain) {
        put(headers, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
    }
    state(headers, thing);
    response
}

/// Tells which state of a thing an answer is about.
fn state(headers: &mut HeaderMap, thing: &Thing) {
    put(headers, header::ETAG, &condition::tag(thing));
    put(headers, header::LAST_MODIFIED, &httpdate::fmt_http_date(thing.changed));
}

/// Sets a header, where the value is one that a header may have.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
