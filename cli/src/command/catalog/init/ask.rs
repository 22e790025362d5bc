//! What servers say of a path, asked by methods that change nothing.

use restwalk::{
    CacheMode, Call, Client, Error, Item, Response, block_on,
    http::{HeaderMap, Method, StatusCode, header},
};

use crate::{
    learn::{Observation, Shape, count_header, read},
    mistake::Result,
};

/// What was learnt, and what a person should know of how.
pub(super) struct Asked {
    pub(super) observed: Vec<Observation>,
    pub(super) remarks: Vec<String>,
}

/// An answer, as far as it teaches something.
struct Heard {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    /// Whether a `Link` header leads to a next page.
    linked: bool,
}

/// So much of a body is read; more would tell nothing new.
const ENOUGH: usize = 1 << 20;

/// Asks each of `paths` in its turn. A path that is not there is left out; so is one that does not answer, once
/// another has.
///
/// # Errors
/// The first path is not answered.
pub(super) fn all(client: &Client, paths: &[Observation]) -> Result<Asked> {
    let mut asked = Asked { observed: Vec::new(), remarks: Vec::new() };
    let mut answered = false;
    for one in paths {
        let mut one = one.clone();
        if one.is_template() {
            asked.observed.push(one);
            continue;
        }
        let place = client.path(one.path());
        match block_on(about(&place, &mut one))? {
            Ok(status) if one.methods.is_empty() && is_gone(status) => {
                asked.remarks.push(format!("{} answered {status}, and is left out", place.path()));
            }
            Ok(_) => asked.observed.push(one),
            Err(error) if answered => asked.remarks.push(format!("{} is left out: {error}", place.path())),
            Err(error) => return Err(error.into()),
        }
        answered = true;
    }
    Ok(asked)
}

/// Asks one path, whose methods are those that it was tried by, and then those that are there.
async fn about(place: &Item, one: &mut Observation) -> std::result::Result<StatusCode, Error> {
    let got = heard(place.get()).await?;
    let mut allowed = allow(&got.headers);
    if allowed.is_empty()
        && let Ok(said) = heard(place.options()).await
        && (said.status.is_success() || said.status == StatusCode::METHOD_NOT_ALLOWED)
    {
        allowed = allow(&said.headers);
    }
    one.methods.retain(|method| *method != Method::GET);
    let refused = is_gone(got.status) || got.status == StatusCode::METHOD_NOT_ALLOWED;
    if !refused && got.status != StatusCode::NOT_IMPLEMENTED {
        one.methods.push(Method::GET);
    }
    if !is_gone(got.status) {
        one.methods.extend(allowed);
    }
    (one.shape, one.pages) = read(&got.body, got.linked);
    one.count_header = count_header(&got.headers);
    if one.count_header.is_none()
        && one.shape == Shape::List
        && let Ok(head) = heard(place.head()).await
    {
        one.count_header = count_header(&head.headers);
    }
    Ok(got.status)
}

/// What a server says now, of any status; what no answer came to is an error.
async fn heard(call: Call) -> std::result::Result<Heard, Error> {
    match call.cache(CacheMode::NoStore).send_raw().await {
        Ok(response) => {
            let (status, headers) = (response.status(), response.headers().clone());
            let linked = response.links().iter().any(|link| link.has_rel("next"));
            let body = if status.is_success() { body(response).await } else { Vec::new() };
            Ok(Heard { status, headers, body, linked })
        }
        Err(error) => match error.status() {
            Some(status) => Ok(Heard { status, headers: error.headers().clone(), body: Vec::new(), linked: false }),
            None => Err(error),
        },
    }
}

/// A body of JSON, as far as it is needed.
async fn body(response: Response) -> Vec<u8> {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut body = Vec::new();
    if kind.is_some_and(|kind| kind.to_ascii_lowercase().contains("json")) {
        let mut stream = response.stream();
        while let Some(Ok(chunk)) = stream.next().await {
            body.extend_from_slice(&chunk);
            if body.len() > ENOUGH {
                break;
            }
        }
    }
    body
}

fn is_gone(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

/// The methods that `Allow` names, of those that a catalog can.
fn allow(headers: &HeaderMap) -> Vec<Method> {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let lines = headers.get_all(header::ALLOW).iter().filter_map(|line| line.to_str().ok());
    let names = lines.flat_map(|line| line.split(',')).map(str::trim).filter(|name| KNOWN.contains(name));
    names.filter_map(|name| name.parse().ok()).collect()
}
