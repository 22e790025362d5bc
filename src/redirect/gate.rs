//! The gate that everything passes which a server calls a URL: `Location`, `Link`, and a link in a body.
//!
//! A reference is brought into its normal form first and judged afterwards. No message shows
//! more of it than its origin: path, query and user may be secrets.

use http::Uri;
use url::Url;

use crate::{
    error::{Error, ErrorKind, Outcome, printable},
    request::{Base, LONGEST, Origin},
};

/// What `reference` means at `from`, without its fragment and its user.
///
/// # Errors
/// `redirect.bad_location` for what is no URL of http or https, or longer than any URL that is sent.
pub(crate) fn resolve(from: &Uri, reference: &str) -> Result<Uri, Error> {
    sendable(&join(from, reference)?)
}

/// What a link in the answer of `from` means: only what is within `base` is asked.
///
/// # Errors
/// As [`resolve`], and `redirect.cross_origin` for what is outside, names a user, or would be
/// outside once a careless server has decoded it.
pub(crate) fn link(base: &Base, from: &Uri, reference: &str) -> Result<Uri, Error> {
    let url = join(from, reference)?;
    let uri = sendable(&url)?;
    let why = match () {
        () if !url.username().is_empty() || url.password().is_some() => "it names a user",
        () if Origin::of(&uri).as_ref() != Some(base.origin()) => "it is of another origin",
        () if !base.contains(&uri) || climbs(uri.path()) => "it is outside the client's base path",
        () => return Ok(uri),
    };
    let why = format!("the link to {} is not followed: {why}", origin(&uri));
    Err(refused("redirect.cross_origin", why))
}

/// `uri` without those query parameters, such as a key that the server echoed and that is attached anew.
pub(crate) fn without(uri: Uri, is_one: impl Fn(&str, &str) -> bool) -> Uri {
    let is_other =
        |pair: &&str| !url::form_urlencoded::parse(pair.as_bytes()).any(|(name, value)| is_one(&name, &value));
    let Some(query) = uri.query().filter(|query| !query.split('&').all(|pair| is_other(&pair))) else { return uri };
    let kept = query.split('&').filter(is_other).collect::<Vec<_>>().join("&");
    let separator = if kept.is_empty() { "" } else { "?" };
    let rest = format!("{}{separator}{kept}", uri.path()).parse();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = rest.ok();
    Uri::from_parts(parts).unwrap_or(uri)
}

/// `uri` with the query parameter `name` set to `value`, whatever it was.
///
/// # Errors
/// `redirect.bad_location` for a value that makes it longer than any URL that is sent.
pub(crate) fn with(uri: &Uri, name: &str, value: &str) -> Result<Uri, Error> {
    let bare = without(uri.clone(), |known, _| known == name);
    let separator = match bare.query() {
        None => "?",
        Some("") => "",
        Some(_) => "&",
    };
    let bare = bare.to_string();
    let pair = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    if bare.len() + pair.len() >= LONGEST {
        return Err(bad("it is too long"));
    }
    format!("{bare}{separator}{pair}").parse().map_err(|_| bad("it holds a character that HTTP does not allow"))
}

/// The origin of `uri`, fit to print.
pub(super) fn origin(uri: &Uri) -> String {
    Origin::of(uri).map_or_else(|| "another origin".to_owned(), |origin| printable(&origin.to_string()))
}

/// An error about an answer that points somewhere: it is final, so the server has acted.
pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> Error {
    Error::coded(ErrorKind::Redirect, code, message).with_outcome(Outcome::Processed)
}

pub(super) fn bad(why: &str) -> Error {
    refused("redirect.bad_location", format!("the answer points to no URL that can be asked: {why}"))
}

fn join(from: &Uri, reference: &str) -> Result<Url, Error> {
    if reference.is_empty() {
        return Err(bad("it is empty"));
    }
    if reference.len() > LONGEST {
        return Err(bad("it is too long"));
    }
    if reference.bytes().any(|byte| !(b' '..=b'~').contains(&byte)) {
        return Err(bad("it holds a control character, or one beyond ASCII"));
    }
    let base = Url::parse(&from.to_string()).map_err(|_| bad("there is no URL that it could be relative to"))?;
    let mut url = base.join(reference).map_err(|error| bad(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("its scheme is neither http nor https"));
    }
    url.set_fragment(None);
    Ok(url)
}

/// The same URL as it will be sent, without a user.
fn sendable(url: &Url) -> Result<Uri, Error> {
    if url.as_str().len() > LONGEST {
        return Err(bad("it is too long"));
    }
    let mut bare = url.clone();
    // These fail for a URL without a host only, and there is one.
    let _ = (bare.set_username(""), bare.set_password(None));
    bare.as_str().parse().map_err(|_| bad("it holds a character that HTTP does not allow"))
}

/// Whether a server that decodes `path` once or twice too often would find dot segments in it.
fn climbs(path: &str) -> bool {
    let mut path = path.to_ascii_lowercase();
    for _ in 0..=3 {
        if path.split(['/', '\\']).any(|part| matches!(part.split(';').next(), Some("." | ".."))) {
            return true;
        }
        path =
            path.replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\").replace("%3b", ";").replace("%25", "%");
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "https://h.example/api/v1/items?page=2";

    fn here() -> Uri {
        HERE.parse().unwrap()
    }

    #[test]
    fn r24_a_reference_is_resolved_before_it_is_judged() {
        for (reference, expected) in [
            ("/x", "https://h.example/x"),
            ("?page=3", "https://h.example/api/v1/items?page=3"),
            ("next", "https://h.example/api/v1/next"),
            ("../../x/./y", "https://h.example/x/y"),
            ("%2e%2e/x", "https://h.example/api/x"),
            ("/../../x", "https://h.example/x"),
            ("#part", HERE),
            ("/x#part", "https://h.example/x"),
            ("https:x", "https://h.example/api/v1/x"),
            ("HTTPS://H.EXAMPLE:443/x", "https://h.example/x"),
            ("https://h%2eexample/x", "https://h.example/x"),
            ("//evil.example/x", "https://evil.example/x"),
            (r"\\evil.example\x", "https://evil.example/x"),
            (r"/\evil.example", "https://evil.example/"),
            (" //evil.example/x ", "https://evil.example/x"),
            ("http:evil.example", "http://evil.example/"),
            ("https:/\\/evil.example", "https://evil.example/"),
            ("//user:pw@evil.example/x", "https://evil.example/x"),
            ("https://h.example@evil.example/", "https://evil.example/"),
            ("https://user:pw@h.example/x", "https://h.example/x"),
            ("/a b?c d", "https://h.example/a%20b?c%20d"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
        ] {
            assert_eq!(resolve(&here(), reference).unwrap(), expected, "{reference}");
        }
    }

    #[test]
    fn r23_what_is_no_url_is_refused_and_not_shown() {
        let long = "/x".repeat(50 << 10);
        let longer = format!("/{}", "x".repeat(7_990));
        for reference in [
            "",
            "http://[::1",
            "http://",
            "https://h:99999/",
            "http://a b/",
            "https://xn--CNRY-.org/",
            "file:///etc/CNRY",
            "data:text/html,CNRY",
            "javascript:CNRY",
            "mailto:CNRY@h",
            "ftp://CNRY/",
            "/CNRY\r\nx: y",
            "/CNRY\t",
            "/CNRY\0",
            "/CNRY\u{7f}",
            "/CNRY\u{e9}",
            &long,
            &longer,
        ] {
            let error = resolve(&here(), reference).unwrap_err();
            assert_eq!((error.code(), error.outcome()), ("redirect.bad_location", Outcome::Processed), "{reference}");
            assert!(!format!("{error} {error:?}").contains("CNRY"), "{error}");
        }
    }

    #[test]
    fn r31_a_link_stays_within_the_base_path() {
        let base = Base::parse("https://h.example/api/v1", &[]).unwrap();
        for (reference, expected) in [
            ("?page=3", "https://h.example/api/v1/items?page=3"),
            ("https://H.example:443/api/v1/items?page=3", "https://h.example/api/v1/items?page=3"),
            ("/api/v1", "https://h.example/api/v1"),
            ("/api/v1/a%2Fb/..c?x=../..", "https://h.example/api/v1/a%2Fb/..c?x=../.."),
        ] {
            assert_eq!(link(&base, &here(), reference).unwrap(), expected, "{reference}");
        }
        for reference in [
            "https://evil.example/api/v1/?CNRY",
            "https://h.example:8443/api/v1/?CNRY",
            "http://h.example/api/v1/?CNRY",
            "https://xh.example/api/v1/?CNRY",
            "https://h.example.evil/api/v1/?CNRY",
            "https://h.example./api/v1/?CNRY",
            "https://CNRY:CNRY@h.example/api/v1/",
            "https://CNRY@h.example/api/v1/",
            "//evil.example/api/v1/?CNRY",
            "../../admin?CNRY",
            "/api/v1/../CNRY",
            "/api/v10?CNRY",
            "/api/v1/..%2f..%2fadmin?CNRY",
            "/api/v1/%252e%252e%252f?CNRY",
            "/api/v1/x%5c..%5c?CNRY",
            "/api/v1/..;/?CNRY",
        ] {
            let error = link(&base, &here(), reference).unwrap_err();
            assert_eq!(error.code(), "redirect.cross_origin", "{reference}");
            assert!(!format!("{error} {error:?}").contains("CNRY"), "{error}");
        }
        assert_eq!(link(&base, &here(), "javascript:x").unwrap_err().code(), "redirect.bad_location");
    }

    #[test]
    fn r36_a_key_that_the_server_echoed_is_left_out() {
        for (given, expected) in [
            ("https://h/x?api_key=CNRY", "https://h/x"),
            ("https://h/x?a=1&api_key=CNRY&b=%20&c", "https://h/x?a=1&b=%20&c"),
            ("https://h/x?api%5Fkey=CNRY&api_key=CNRY&b", "https://h/x?b"),
            ("https://h/x?xapi_key=1&a=api_key", "https://h/x?xapi_key=1&a=api_key"),
            ("https://h/x", "https://h/x"),
        ] {
            assert_eq!(without(given.parse().unwrap(), |name, _| name == "api_key"), expected, "{given}");
        }
    }

    #[test]
    fn a_parameter_is_set_once_and_encoded() {
        for (given, expected) in [
            ("https://h/x", "https://h/x?page=a+%26%C3%A9"),
            ("https://h/x?", "https://h/x?page=a+%26%C3%A9"),
            ("https://h/x?page=1", "https://h/x?page=a+%26%C3%A9"),
            ("https://h/x?p%61ge=1&b=?&page", "https://h/x?b=?&page=a+%26%C3%A9"),
            ("https://h/x?b?", "https://h/x?b?&page=a+%26%C3%A9"),
            ("https://h/%2e%2e%2f?b", "https://h/%2e%2e%2f?b&page=a+%26%C3%A9"),
        ] {
            assert_eq!(with(&given.parse().unwrap(), "page", "a &é").unwrap(), expected, "{given}");
        }
        let error = with(&here(), "page", &"x".repeat(LONGEST - 35)).unwrap_err();
        assert_eq!(error.code(), "redirect.bad_location");
        let longest = with(&here(), "page", &"x".repeat(LONGEST - 36)).unwrap().to_string();
        assert!(longest.len() <= LONGEST, "{}", longest.len());
    }

    #[test]
    fn a_link_of_an_absolute_url_stays_at_its_origin() {
        let base = Base::exact("https://h.example/items").unwrap();
        assert_eq!(link(&base, &here(), "/other").unwrap(), "https://h.example/other");
        assert!(link(&base, &here(), "//evil.example/items").is_err());
    }
}
