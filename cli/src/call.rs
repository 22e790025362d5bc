//! Words and options as one call of the library.
//!
//! Low to high: defaults of the catalog, the base body (`@file`, `--data`, standard input), items left to right.

use restwalk::{Call, Item as Walked, MethodPolicy, Retry, http::Method};
use serde_json::value::RawValue;

use crate::{
    answers,
    args::Options,
    body::Source,
    input,
    io::Io,
    item::What,
    mistake::{Mistake, Result},
    place,
    settings::Settings,
    words::{self, Words},
};

mod fields;
mod items;

use items::Reader;

/// A call, and where each of its arguments came from.
pub(crate) struct Described {
    pub(crate) call: Call,
    pub(crate) method: Method,
    pub(crate) place: Walked,
    /// By the number of the library's argument, less one.
    pub(crate) sources: Vec<Source>,
    /// The names that items drop, and the item's number.
    pub(crate) dropped: Vec<(Vec<String>, usize)>,
}

impl Described {
    /// What the catalog says about the method here.
    pub(crate) fn policy(&self) -> Option<&MethodPolicy> {
        self.place.route()?.policy(&self.method)
    }

    /// The route, else the path: what messages call this place.
    pub(crate) fn label(&self) -> String {
        self.place.route().map_or_else(|| self.place.path(), |route| route.template().to_string())
    }
}

/// Describes the call of `words`.
pub(crate) fn describe(words: &Words, options: &Options, settings: &Settings, io: &mut Io<'_>) -> Result<Described> {
    let (place, query) = locate(words, options, settings, io)?;
    let base = base(words, options, io)?;
    let has_body = base.is_some() || words.has_body();
    let methods = place.methods()?;
    let declared = place.route().map(|route| (route.template().to_string(), methods));
    let makes_body = base.is_some() || words.makes_body();
    let method = words.method(makes_body, declared.as_ref().map(|(route, methods)| (&**route, &**methods)))?;
    bodiless(&method, words, has_body)?;
    let mut call = configured(place.method(method.as_str()), options);
    let policy = place.route().and_then(|route| route.policy(&method));
    call = answers::moded(call, policy, settings.environment(), options);
    if let Some(query) = query {
        call = call.query_raw(query);
    }
    let mut reader = Reader { settings, options, io, place: &place, method: &method, schema: None };
    reader.read_schema()?;
    let (call, sources, dropped) = reader.apply(call, words, base)?;
    Ok(Described { call, method, place, sources, dropped })
}

/// The place that the path names, and the query that a whole URL has besides.
fn locate<'w>(
    words: &'w Words,
    options: &Options,
    settings: &Settings,
    io: &Io<'_>,
) -> Result<(Walked, Option<&'w str>)> {
    let (place, query) = if place::is_absolute(&words.path) {
        absolute(&words.path, options, settings, io)?
    } else {
        let Some(base) = &settings.base_url else {
            let wrong = Mistake::local("config", "there is no base URL that the path is relative to");
            return Err(wrong.hint("give --base-url URL, or write the whole URL"));
        };
        let client = settings.client(base, options, io)?;
        (place::walk(&client, &words.path, &settings.given, &settings.known)?, None)
    };
    place.url().map_err(|error| match words::method_at_the_end(&words.path) {
        Some(order) => Mistake::from(error).hint(order),
        None => Mistake::from(error),
    })?;
    Ok((place, query))
}

/// A URL of its own: within the base URL's origin, or asked without any credentials.
///
/// What the catalog says of a path holds for the URL that it comes to; the query is then told apart.
fn absolute<'w>(
    url: &'w str,
    options: &Options,
    settings: &Settings,
    io: &Io<'_>,
) -> Result<(Walked, Option<&'w str>)> {
    place::check_url(url)?;
    if let Some(unused) = settings.given.first() {
        let wrong = Mistake::usage(format!("-P {} is given, and a whole URL has no variables", unused.name));
        return Err(wrong.hint("write the path without the base URL"));
    }
    let Some(base) = &settings.base_url else {
        return Ok((settings.client(&origin(url), options, io)?.at(url), None));
    };
    let same = origin(base) == origin(url);
    if !same && !options.send.no_auth {
        let message = format!("{} is another origin than the base URL's, {}", origin(url), origin(base));
        let wrong = Mistake::local("invalid_input.url", message);
        return Err(wrong.hint("--no-auth asks it without any credentials"));
    }
    let client = settings.client(base, options, io)?;
    let (bare, query) = url.split_once('?').map_or((url, None), |(bare, query)| (bare, Some(query)));
    match below(base, bare).filter(|_| same && !settings.catalog.is_open()) {
        Some(path) => Ok((place::walk(&client, path, &[], &settings.known)?, query)),
        None => Ok((client.at(url), None)),
    }
}

/// What of `url` stands below the path of `base`; none where it is not below it.
fn below<'a>(base: &str, url: &'a str) -> Option<&'a str> {
    let path = place::split_url(base).1.trim_end_matches('/');
    place::split_url(url).1.strip_prefix(path).filter(|rest| rest.starts_with('/'))
}

/// Scheme, host and port as they are written, without a user or a password.
fn origin(url: &str) -> String {
    let head = place::split_url(url).0;
    let (scheme, host) = head.split_at(head.find("://").map_or(0, |at| at + 3));
    format!("{scheme}{}", host.rsplit('@').next().unwrap_or_default()).to_ascii_lowercase()
}

/// The bytes that the body begins with.
fn base(words: &Words, options: &Options, io: &mut Io<'_>) -> Result<Option<Vec<u8>>> {
    let mut named = words.items.iter().filter_map(|item| match &item.what {
        What::Base { path } => Some((item, path)),
        _ => None,
    });
    let first = named.next();
    if let Some((second, _)) = named.next() {
        return Err(Mistake::usage("a body has one base").at(&second.text, 0..second.text.len()));
    }
    match (first, &options.data) {
        (Some((item, _)), Some(_)) => {
            Err(Mistake::usage("a body has one base, and --data gives one too").at(&item.text, 0..item.text.len()))
        }
        (Some((item, path)), None) => {
            input::bytes(io, path).map(Some).map_err(|mistake| mistake.at(&item.text, 1..item.text.len()))
        }
        (None, Some(data)) => match serde_json::from_str::<&RawValue>(data) {
            Ok(_) => Ok(Some(data.clone().into_bytes())),
            Err(error) => Err(Mistake::usage(format!("--data is no JSON: {error}"))),
        },
        (None, None) if input::is_body(words.method.as_ref(), words.has_body(), io.stdin.1) => {
            Ok(Some(input::read(io)?).filter(|bytes| !bytes.is_empty()))
        }
        (None, None) => Ok(None),
    }
}

/// Refuses a body where the method takes none.
fn bodiless(method: &Method, words: &Words, has_body: bool) -> Result<()> {
    if !has_body || !matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let wrong = Mistake::local("invalid_input.body", format!("{method} carries no body"));
    let hint = "a query parameter is written key==value, a header Name:value";
    Err(match words.items.iter().find(|item| item.is_body()) {
        Some(item) => wrong.at(&item.text, 0..item.text.len()).hint(hint),
        None => wrong.hint(hint),
    })
}

fn configured(mut call: Call, options: &Options) -> Call {
    let send = &options.send;
    if options.place.no_defaults {
        call = call.no_defaults();
    }
    if let Some(time) = send.timeout {
        call = call.headers_timeout(time).idle_timeout(time);
    }
    if let Some(time) = send.max_time {
        call = call.timeout(time);
    }
    let retry = match send.retry {
        Some(1) => Some(Retry::off()),
        Some(attempts) => Some(Retry::standard().attempts(attempts).any_method(send.retry_unsafe)),
        None => send.retry_unsafe.then(|| Retry::standard().any_method(true)),
    };
    match retry {
        Some(retry) => call.retry(retry),
        None => call,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_shown_without_its_password() {
        for (url, expected) in [
            ("https://H.example:1/x?y", "https://h.example:1"),
            ("https://u:CNRY@h.example", "https://h.example"),
            ("https://a@b:CNRY@h.example/@x", "https://h.example"),
            ("http://h?x", "http://h"),
            ("http://good\\@evil/", "http://good"),
        ] {
            assert_eq!(origin(url), expected, "{url}");
        }
    }
}
