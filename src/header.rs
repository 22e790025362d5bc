//! Header hygiene: what may be set, by a caller, a catalog or credentials, and how much of it.

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::error::{Error, ErrorKind, Fault, quoted};

pub(crate) mod challenge;

/// The most header fields of one request.
const MOST: usize = 100;

/// The largest header section, names and values together, in bytes.
const LARGEST: usize = 64 << 10;

/// Headers that frame or route a message; the transport writes them.
const MANAGED: &[&str] = &[
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Words by which a header or a query parameter is known to hold a credential.
const CREDENTIALS: &[&str] =
    &["authorization", "cookie", "apikey", "token", "secret", "password", "passwd", "credential", "accesskey"];

/// A header's name, unless it is none or one that the transport writes.
pub(crate) fn name(name: &str) -> Result<HeaderName, Fault> {
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong(name, "has no valid name"))?;
    if MANAGED.contains(&parsed.as_str()) {
        return Err(wrong(name, "is written by the transport and cannot be set"));
    }
    Ok(parsed)
}

/// A header that a caller gives; the error names it and never shows its value.
pub(crate) fn header(named: &str, value: &str) -> Result<(HeaderName, HeaderValue), Fault> {
    let parsed = name(named)?;
    if value.chars().any(char::is_control) {
        return Err(wrong(named, "has a value with a control character"));
    }
    let mut value =
        HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong(named, "has a value that HTTP does not allow"))?;
    value.set_sensitive(is_secret(named));
    Ok((parsed, value))
}

fn wrong(name: &str, why: &str) -> Fault {
    Fault::new(ErrorKind::Request, "invalid_input.header", format!("the header {} {why}", quoted(name)))
}

/// A value that nobody prints; `None` where it holds what headers do not, which is all but visible ASCII.
pub(crate) fn secret(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Whether a header or a query parameter of this name holds a credential.
pub(crate) fn is_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    CREDENTIALS.iter().any(|word| plain.contains(word))
}

/// Puts `given` in the place of what `headers` has of the same names; a name that is given twice keeps both values.
pub(crate) fn put(headers: &mut HeaderMap, given: &[(HeaderName, HeaderValue)]) {
    for (index, (name, value)) in given.iter().enumerate() {
        if given[..index].iter().any(|(earlier, _)| earlier == name) {
            headers.append(name, value.clone());
        } else {
            headers.insert(name, value.clone());
        }
    }
}

/// Refuses a header section that servers would refuse.
pub(crate) fn limit(headers: &HeaderMap) -> Result<(), Error> {
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let why = match () {
        () if headers.len() > MOST => format!("a request has at most {MOST} headers"),
        () if size > LARGEST => format!("the headers of a request are at most {LARGEST} bytes together"),
        () => return Ok(()),
    };
    Err(Error::coded(ErrorKind::Request, "invalid_input.header", why))
}

/// Reads a method; its case is kept, and a standard one in the wrong case is a mistake.
pub(crate) fn check_method(text: &str) -> Result<Method, Fault> {
    let shown = quoted(text);
    if text.len() > 64 {
        return Err(Fault::request(format!("the method {shown} is longer than 64 bytes")));
    }
    let upper = text.to_ascii_uppercase();
    let standard = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"];
    if upper != text && standard.contains(&upper.as_str()) {
        return Err(Fault::request(format!("methods are case-sensitive: {shown} is not {upper}")));
    }
    if text == "CONNECT" {
        return Err(Fault::request("CONNECT asks for a tunnel, not for a resource"));
    }
    Method::from_bytes(text.as_bytes()).map_err(|_| Fault::request(format!("{shown} is no method")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p42_methods_are_tokens_and_keep_their_case() {
        for bad in ["get", "GE T", "GET\r\n", "", "Post", "CONNECT", &"A".repeat(1024)] {
            assert!(check_method(bad).is_err(), "{bad:?}");
        }
        for good in ["GET", "PROPFIND", "m-search", "TRACE"] {
            assert_eq!(check_method(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn s30_a_bad_value_is_named_and_not_shown() {
        for bad in ["CNRY\r\nb", "CNRY\n", "CNRY\0", "CNRY\x7f"] {
            let error = Error::from(header("x-thing", bad).unwrap_err());
            assert_eq!(error.code(), "invalid_input.header");
            assert!(error.to_string().contains("x-thing") && !error.to_string().contains("CNRY"), "{error}");
        }
        assert_eq!(header("x-thing", "é").unwrap().1.as_bytes(), "é".as_bytes());
    }

    #[test]
    fn s32_framing_headers_are_managed() {
        for bad in ["x y", "x:", "", "Content-Length", "Transfer-Encoding", "Host", "Connection", "Upgrade", ":path"] {
            assert!(header(bad, "1").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_header_given_anew_replaces_and_one_given_twice_is_kept_twice() {
        let pair = |name: &'static str, value| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let mut headers = HeaderMap::from_iter([pair("a", "old"), pair("b", "old")]);
        put(&mut headers, &[pair("a", "1"), pair("c", "2"), pair("a", "3")]);
        let values = |name: &str| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!([values("a"), values("b"), values("c")], [vec!["1", "3"], vec!["old"], vec!["2"]]);
    }

    #[test]
    fn s34_the_header_section_is_bounded() {
        let mut headers = HeaderMap::new();
        for n in 0..100 {
            headers.insert(HeaderName::try_from(format!("x-{n}")).unwrap(), HeaderValue::from_static("v"));
        }
        assert!(limit(&headers).is_ok());
        headers.insert("one-more", HeaderValue::from_static("v"));
        assert_eq!(limit(&headers).unwrap_err().code(), "invalid_input.header");
        let mut headers = HeaderMap::new();
        headers.insert("x", HeaderValue::try_from("v".repeat(1 << 20)).unwrap());
        assert!(limit(&headers).is_err());
    }

    #[test]
    fn credentials_are_marked_sensitive() {
        assert!(header("Authorization", "Bearer x").unwrap().1.is_sensitive());
        assert!(header("cookie", "a=b").unwrap().1.is_sensitive());
        assert!(header("X-Oauth-Token", "a").unwrap().1.is_sensitive());
        assert!(!header("accept", "a/b").unwrap().1.is_sensitive());
    }
}
