//! Where the next page of a listing is, by what the last one says.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash, Hasher},
};

use http::Uri;

use crate::{
    catalog::{By, Paginate},
    error::{Fault, Result, quoted},
    json::{self, Members, pointer},
    redirect::gate,
    request::Base,
    response::Response,
};

/// What a page says of the next one.
#[derive(Default)]
pub(super) struct Found {
    /// `None` after the last page.
    pub(super) uri: Option<Uri>,
    /// The hash of the page's elements, where a server that ignores a parameter would give the same ones for ever.
    pub(super) elements: Option<u64>,
}

/// Where the first page is, `uri` being where the call is.
pub(super) fn first(by: &Paginate, uri: Uri) -> Result<Uri> {
    if matches!(by.by, By::Page | By::Offset) {
        number(by, &uri)?;
    }
    match (&by.limit, by.size) {
        (Some(name), Some(size)) if parameter(&uri, name).is_none() => gate::with(&uri, name, &size.to_string()),
        _ => Ok(uri),
    }
}

/// Where the page is that follows `page`, which was asked at `here`.
pub(super) fn after(by: &Paginate, here: &Uri, page: &Response, base: &Base) -> Result<Found> {
    let linked = |reference: Option<Cow<'_, str>>| {
        let reference = reference.filter(|reference| !reference.is_empty());
        reference.map(|reference| gate::link(base, page.url(), &reference)).transpose()
    };
    let uri = match by.by {
        By::Link => linked(target(page, "next").map(Cow::Owned)),
        By::Next => linked(page.text_at(by.place())?),
        By::Cursor => {
            let cursor = page.token_at(by.place())?.filter(|cursor| !cursor.is_empty());
            cursor.map(|cursor| gate::with(here, by.parameter(), &cursor)).transpose()
        }
        By::Page | By::Offset | By::Before | By::After => return counted(by, here, page),
    };
    Ok(Found { uri: uri?, elements: None })
}

/// The next page of a listing whose elements tell where it is.
fn counted(by: &Paginate, here: &Uri, page: &Response) -> Result<Found> {
    let array = page.array_at(by.items.as_deref().unwrap_or_default())?;
    let elements = || Members::of(array).map(|(_, element)| element);
    let count = elements().count() as u64;
    let Some(last) = elements().last().filter(|_| count >= full(by, here)) else { return Ok(Found::default()) };
    let step = |further| {
        let next: Option<u64> = number(by, here)?.checked_add(further);
        next.map(|next| next.to_string()).ok_or_else(|| page.misfit("no number is left for a further page".to_owned()))
    };
    let value = match by.by {
        By::Page => step(1)?,
        By::Offset => step(count)?,
        _ => id(by, last, page)?,
    };
    Ok(Found { uri: Some(gate::with(here, by.parameter(), &value)?), elements: fingerprint(array) })
}

/// How many elements a page has that is not the last: as many as it may have, and at least one.
fn full(by: &Paginate, here: &Uri) -> u64 {
    let asked = by.limit.as_deref().and_then(|name| parameter(here, name)?.parse().ok());
    by.size.map_or(1, |size| asked.map_or(size, |asked| size.min(asked)))
}

/// The number that the parameter has at `uri`.
fn number(by: &Paginate, uri: &Uri) -> Result<u64> {
    let name = by.parameter();
    parameter(uri, name).map_or(Ok(by.begin()), |text| {
        let why = || {
            Fault::request(format!("the query parameter {} tells the pages apart and must be a number", quoted(name)))
        };
        text.parse().map_err(|_| why().into())
    })
}

fn parameter<'u>(uri: &'u Uri, name: &str) -> Option<Cow<'u, str>> {
    let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs.filter(|(known, _)| known == name).map(|(_, value)| value).last()
}

/// The id of an element, by which the server knows where the page ended.
fn id(by: &Paginate, element: &str, page: &Response) -> Result<String> {
    let place = by.place();
    let id = pointer::find(element, place).ok().and_then(|id| match id.as_bytes().first() {
        Some(b'"') => json::as_string(id),
        Some(b'-' | b'0'..=b'9') => Some(id.into()),
        _ => None,
    });
    id.filter(|id| !id.is_empty()).map(Cow::into_owned).ok_or_else(|| {
        let what = pointer::describe(element);
        page.misfit(format!("the last element has no id at {}: it is {what}; say where by `at`", quoted(place)))
    })
}

/// A hash of the elements, unless they are so simple that two pages may well be the same.
fn fingerprint(array: &str) -> Option<u64> {
    let first = Members::of(array).map(|(_, element)| element).next()?;
    first.starts_with(['{', '[']).then(|| {
        let mut hasher = DefaultHasher::new();
        array.hash(&mut hasher);
        hasher.finish()
    })
}

/// Where the first link of this relation leads that is about the answer itself.
pub(super) fn target(response: &Response, rel: &str) -> Option<String> {
    let links = response.links().into_iter();
    let link = links.filter(|link| link.param("anchor").is_none()).find(|link| link.has_rel(rel))?;
    Some(link.target().to_owned())
}
