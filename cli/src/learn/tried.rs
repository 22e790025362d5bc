//! Calls that were tried, out of lines of a log or a HAR file.

use restwalk::http::{Method, Uri};
use serde::Deserialize;

use crate::mistake::{Mistake, Result};

/// A path, relative to the base URL, and the method that it was tried by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tried {
    pub(crate) method: Method,
    pub(crate) path: String,
}

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    request: Request,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    url: String,
}

/// Reads `text`, and tells how many calls in it are none of the API at `base`.
///
/// Lines are `METHOD PATH`, `PATH`, or those of a log that has the request between quotes; a line that begins with `#`
/// says nothing. Paths of a log begin with that of the base URL, which is taken off.
pub(crate) fn tried(text: &str, base: &str) -> Result<(Vec<Tried>, usize)> {
    let base = base.parse::<Uri>().ok();
    let calls: Vec<Option<Tried>> = if text.trim_start().starts_with('{') {
        let har: Har = serde_json::from_str(text).map_err(|error| {
            let wrong = Mistake::usage(format!("this is no HAR file: {error}"));
            wrong.hint("lines of METHOD PATH will do as well")
        })?;
        let requests = har.log.entries.into_iter().map(|entry| entry.request);
        requests.map(|request| call(&request.method, &request.url, base.as_ref())).collect()
    } else {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(|text| line(text, base.as_ref())).collect()
    };
    let all = calls.len();
    let found: Vec<Tried> = calls.into_iter().flatten().collect();
    let others = all - found.len();
    Ok((found, others))
}

fn line(text: &str, base: Option<&Uri>) -> Option<Tried> {
    let quoted = text.split('"').nth(1).unwrap_or(text);
    let words: Vec<&str> = quoted.split_whitespace().collect();
    match words[..] {
        [path] => call("GET", path, base),
        [method, target, ..] => call(method, target, base),
        [] => None,
    }
}

fn call(method: &str, target: &str, base: Option<&Uri>) -> Option<Tried> {
    let method = method.to_ascii_uppercase();
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(&&*method);
    let path = relative(target.split(['?', '#']).next()?, base)?;
    known.then(|| Some(Tried { method: method.parse().ok()?, path })).flatten()
}

/// The part of a URL or path behind the base URL, without a slash at either end.
fn relative(target: &str, base: Option<&Uri>) -> Option<String> {
    let above = base.map_or("", Uri::path).trim_end_matches('/');
    let behind = |path: &str| {
        let rest = path.strip_prefix(above)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| rest.to_owned())
    };
    let rest = if target.contains("://") {
        let (url, base) = (target.parse::<Uri>().ok()?, base?);
        let same = |left: Option<&str>, right: Option<&str>| left?.eq_ignore_ascii_case(right?).then_some(());
        same(url.scheme_str(), base.scheme_str())?;
        same(url.authority().map(|at| at.as_str()), base.authority().map(|at| at.as_str()))?;
        behind(url.path())?
    } else {
        behind(target).unwrap_or_else(|| target.to_owned())
    };
    let rest = rest.strip_prefix('/').unwrap_or(&rest);
    Some(rest.strip_suffix('/').unwrap_or(rest).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_many_kinds_are_calls() {
        let base = "https://h.example/api";
        for (line, expected) in [
            ("GET people", Some("GET people")),
            ("post /people", Some("POST people")),
            ("people/ada", Some("GET people/ada")),
            ("/api/people/ada/", Some("GET people/ada")),
            ("/apis/x", Some("GET apis/x")),
            ("GET https://H.example/api/people?page=2#x", Some("GET people")),
            ("GET https://h.example/api", Some("GET ")),
            ("GET https://h.example/apis", None),
            ("GET https://other.example/api/people", None),
            ("GET http://h.example/api/people", None),
            (r#"10.0.0.1 - - [1/Jan/2025] "DELETE /api/people/ada HTTP/1.1" 204 0"#, Some("DELETE people/ada")),
            ("TRACE people", None),
            ("some words of a log", None),
            ("# a remark", None),
        ] {
            let (found, others) = tried(line, base).unwrap();
            let said = found.first().map(|call| format!("{} {}", call.method, call.path));
            assert_eq!(said.as_deref(), expected, "{line}");
            assert_eq!(others, usize::from(expected.is_none() && !line.starts_with('#')), "{line}");
        }
    }

    #[test]
    fn a_har_file_is_read_for_its_requests() {
        let har = r#"{"log": {"version": "1.2", "entries": [
            {"request": {"method": "GET", "url": "https://h/people/1?x"}, "response": {}},
            {"request": {"method": "GET", "url": "https://ads.test/pixel"}}]}}"#;
        let expected = Tried { method: Method::GET, path: "people/1".into() };
        assert_eq!(tried(har, "https://h").unwrap(), (vec![expected], 1));
        assert!(tried("{}", "https://h").unwrap_err().message.starts_with("this is no HAR file: missing field"));
    }
}
