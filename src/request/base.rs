//! The base URL: checked once, then only ever extended.

use bytes::Bytes;
use http::uri::{PathAndQuery, Uri};
use url::Url;

use super::Origin;
use crate::{
    error::{Error, ErrorKind, Fault, quoted},
    header::is_secret,
    template,
};

/// The longest URL that is sent, in bytes.
pub(crate) const LONGEST: usize = 8_000;

/// Where paths begin: an origin, a path prefix, and a query that every request repeats.
#[derive(Clone)]
pub(crate) struct Base {
    origin: Origin,
    /// The same as text.
    home: Box<str>,
    /// Without a trailing slash.
    prefix: String,
    query: Option<String>,
    /// An absolute URL that is asked as it stands when nothing follows it.
    exact: bool,
}

impl Base {
    /// Reads `text`, in which `{name}` in the host stands for one of `variables`.
    pub(crate) fn parse(text: &str, variables: &[(String, String)]) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(config(
                "there is no base URL; give one to Client::builder(..), or the catalog a base_url".into(),
            ));
        }
        let filled = fill_host(text, variables)?;
        let wrong = |why: &str| config(format!("the base URL {} {why}", without_userinfo(&filled)));
        if filled.contains('\\') {
            return Err(wrong("holds a backslash"));
        }
        if filled.contains('#') {
            return Err(wrong("has a fragment"));
        }
        if filled.chars().any(|c| c.is_control() || c == ' ') {
            return Err(wrong("holds a space or a control character"));
        }
        let (_, host) = filled.split_once("://").ok_or_else(|| wrong("has no scheme; begin it with https://"))?;
        if host.split(['/', '?']).next().unwrap_or_default().contains('%') {
            return Err(wrong("has a percent escape in its host"));
        }
        let url = Url::parse(&filled).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("is neither http nor https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("holds a user or a password; give them with Auth::basic(user, password)"));
        }
        let inner = url.path().trim_matches('/');
        if url.path().starts_with("//") || url.path().ends_with("//") || inner.contains("//") {
            return Err(wrong("has an empty path segment"));
        }
        Self::of(&url, false).ok_or_else(|| wrong("cannot be sent"))
    }

    /// The base of one absolute URL, path and query kept as they are.
    pub(crate) fn exact(text: &str) -> Result<Self, Fault> {
        let wrong = |why: &str| Fault::path(format!("the URL {why}"));
        let url = Url::parse(text).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => {
                wrong("is not absolute; a path of this API is walked by .path(..)")
            }
            error => wrong(&format!("cannot be read: {error}")),
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("is neither http nor https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("holds a user or a password; give them with .auth(..)"));
        }
        Self::of(&url, true).ok_or_else(|| wrong("cannot be sent"))
    }

    fn of(url: &Url, exact: bool) -> Option<Self> {
        let origin = Origin::new(url)?;
        Some(Self {
            home: origin.to_string().into(),
            origin,
            prefix: if exact { url.path().to_owned() } else { url.path().trim_end_matches('/').to_owned() },
            query: url.query().filter(|query| !query.is_empty()).map(str::to_owned),
            exact,
        })
    }

    /// The absolute URL of `path`, which begins with a slash and is encoded already, without the base's own query.
    pub(crate) fn beside(&self, path: &str) -> String {
        format!("{}{}", self.home, self.below(path))
    }

    /// `path` from the root of the origin.
    pub(crate) fn below(&self, path: &str) -> String {
        format!("{}{path}", self.prefix.trim_end_matches('/'))
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The origin as text.
    pub(crate) fn home(&self) -> &str {
        &self.home
    }

    /// Whether `uri` is of this origin and below the base path; a base that is one absolute URL has no below.
    pub(crate) fn contains(&self, uri: &Uri) -> bool {
        let below = |path: &str| {
            path.strip_prefix(&*self.prefix).is_some_and(|rest| matches!(rest.as_bytes(), [] | [b'/', ..]))
        };
        Origin::of(uri).as_ref() == Some(&self.origin) && (self.exact || below(uri.path()))
    }

    /// The secrets that the base's own query holds, by their names.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = String> {
        let pairs = url::form_urlencoded::parse(self.query.as_deref().unwrap_or_default().as_bytes());
        pairs.filter(|(name, _)| is_secret(name)).map(|(_, value)| value.into_owned())
    }

    /// The full URL of the encoded `path` with `query` behind the base's own.
    pub(crate) fn uri(&self, path: &str, segments: u32, query: &str) -> Result<Uri, Error> {
        let queries = [self.query.as_deref().unwrap_or_default(), query];
        // Of its exact length, so that it becomes the URL's as it is.
        let room: usize = queries.iter().map(|query| query.len() + usize::from(!query.is_empty())).sum();
        let path = if self.exact && segments == 0 { "" } else { path };
        let mut text = String::with_capacity(self.prefix(segments).len() + path.len() + room);
        text.push_str(self.prefix(segments));
        text.push_str(path);
        let split = text.len();
        for query in queries {
            if !query.is_empty() {
                text.push(if text.len() == split { '?' } else { '&' });
                text.push_str(query);
            }
        }
        if text.len() + self.origin.authority.as_str().len() + 8 > LONGEST {
            return Err(Fault::path(format!("the URL is longer than {LONGEST} bytes")).into());
        }
        self.check(&text[..split], segments)?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.origin.scheme.clone());
        parts.authority = Some(self.origin.authority.clone());
        let wrong = |_| Error::from(Fault::path("the URL holds a character that HTTP does not allow"));
        parts.path_and_query =
            Some(PathAndQuery::from_maybe_shared(Bytes::from(text)).map_err(|error| wrong(error.to_string()))?);
        Uri::from_parts(parts).map_err(|error| wrong(error.to_string()))
    }

    /// What stands before `segments` steps: an exact URL keeps a slash at its end only where nothing follows.
    fn prefix(&self, segments: u32) -> &str {
        if segments == 0 { &self.prefix } else { self.prefix.trim_end_matches('/') }
    }

    /// The finished path again, as a server will read it: each step still one segment, none of them dots.
    fn check(&self, path: &str, segments: u32) -> Result<(), Error> {
        let Some(walked) = path.strip_prefix(self.prefix(segments)) else {
            return Err(Fault::path("the finished URL left its base path").into());
        };
        if segments == 0 && matches!(walked, "" | "/") {
            return Ok(());
        }
        let mut parts = walked.as_bytes().split(|byte| *byte == b'/');
        let mut broken = parts.next() != Some(b"");
        let mut found = 0;
        for part in parts {
            found += 1;
            broken |= matches!(part, b"" | b"." | b"..");
        }
        if broken || found != segments {
            return Err(Fault::path("the finished URL does not have the segments that were walked").into());
        }
        Ok(())
    }
}

/// An error of the client's settings.
fn config(message: String) -> Error {
    Error::coded(ErrorKind::Request, "config", message)
}

/// The text with whatever stands before an `@` in its authority left out, quoted.
fn without_userinfo(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return quoted(text) };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rfind('@') {
        Some(at) => quoted(&format!("{scheme}://***@{}", &rest[at + 1..])),
        None => quoted(text),
    }
}

/// Fills `{name}` in the host: each value is one label of letters, digits and inner hyphens.
fn fill_host(text: &str, variables: &[(String, String)]) -> Result<String, Error> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if path.contains('{') {
        return Err(config(format!("the base URL {} has a variable outside its host", without_userinfo(text))));
    }
    let value = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    for (name, value) in variables {
        if host.contains(&format!("{{{name}}}")) && !is_label(value) {
            return Err(config(format!(
                "{} cannot be {{{name}}} in the host: it is not one host label",
                quoted(value)
            )));
        }
    }
    let host = template::fill(host, value).map_err(|name| {
        config(format!("the base URL needs a value for {{{name}}}; give it with .variable({name:?}, value)"))
    })?;
    Ok(if scheme.is_empty() { host + path } else { format!("{scheme}://{host}{path}") })
}

fn is_label(value: &str) -> bool {
    (1..=63).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !value.starts_with('-')
        && !value.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(base: &str, path: &str, segments: u32) -> String {
        Base::parse(base, &[]).unwrap().uri(path, segments, "").unwrap().to_string()
    }

    fn refusal(base: &str) -> String {
        Base::parse(base, &[]).map(|base| base.origin().to_string()).unwrap_err().to_string()
    }

    #[test]
    fn p30_a_host_variable_is_one_label() {
        let fill = |value: &str| Base::parse("https://{tenant}.example.com/v1", &[("tenant".into(), value.into())]);
        assert_eq!(fill("acme-2").unwrap().origin().to_string(), "https://acme-2.example.com");
        for bad in
            ["evil/", "x?", "x#", "a@b", "a:1", "a.b", "", "-a", "a-", "a b", "é", "{tenant}", "%2f", &"a".repeat(64)]
        {
            let error = fill(bad).map(|base| base.origin().to_string()).unwrap_err();
            assert_eq!(error.code(), "config", "{bad}");
            assert!(error.to_string().contains("host label"), "{error}");
        }
        assert!(refusal("https://{tenant}.example.com").contains(".variable(\"tenant\""));
        assert!(refusal("https://example.com/{tenant}").contains("outside its host"));
    }

    #[test]
    fn p31_an_escaped_host_is_refused() {
        assert!(refusal("https://example.com%2F10.0.0.1/").contains("percent escape"));
    }

    #[test]
    fn p32_a_fragment_or_a_backslash_is_refused() {
        assert!(refusal("https://a#@evil/").contains("fragment"));
        assert!(refusal(r"https://a\@evil/").contains("backslash"));
    }

    #[test]
    fn p33_userinfo_is_refused_and_never_shown() {
        for base in ["https://user:CNRY-pw@h/", "https://CNRY-user@h/", "https://u:CNRY@pw@h/x", "https://u:CNRY@h\\"] {
            let error = refusal(base);
            assert!(!error.contains("CNRY"), "{error}");
        }
        assert!(refusal("https://u:p@h/").contains("Auth::basic"));
    }

    #[test]
    fn p40_userinfo_of_an_absolute_url_is_never_carried_over() {
        for url in ["https://u:CNRY@h/x", "https://CNRY@h/x"] {
            let error = Error::from(Base::exact(url).map(|_| ()).unwrap_err()).to_string();
            assert!(error.contains(".auth(") && !error.contains("CNRY"), "{error}");
        }
    }

    #[test]
    fn p34_hosts_are_canonical_or_refused() {
        assert!(Base::parse("https://[::1%25eth0]/", &[]).is_err());
        assert!(Base::parse("https://[h]/", &[]).is_err());
        assert_eq!(url("https://0x7f.1/", "/a", 1), "https://127.0.0.1/a");
        assert_eq!(url("https://[::1]:8443/", "/a", 1), "https://[::1]:8443/a");
        assert_eq!(url("https://EXAMPLE.com:443/", "/a", 1), "https://example.com/a");
    }

    #[test]
    fn p35_international_hosts_are_shown_in_punycode() {
        assert!(Base::parse("https://xn--example-.org/", &[]).is_err());
        assert_eq!(url("https://b\u{fc}cher.example/", "/a", 1), "https://xn--bcher-kva.example/a");
        assert_eq!(
            Base::parse("https://p\u{430}ypal.example/", &[]).unwrap().origin().to_string(),
            "https://xn--pypal-4ve.example"
        );
    }

    #[test]
    fn p36_only_http_and_https() {
        for base in ["ftp://h/", "file:///etc", "unix:/run/x", "data:text/plain,x", "h/api", "", "javascript:alert(1)"]
        {
            assert_eq!(
                Base::parse(base, &[]).map(|base| base.origin().to_string()).unwrap_err().code(),
                "config",
                "{base}"
            );
        }
    }

    #[test]
    fn p37_the_base_path_and_query_are_kept() {
        for base in ["https://h/api/v1", "https://h/api/v1/"] {
            assert_eq!(url(base, "/people", 1), "https://h/api/v1/people");
        }
        assert_eq!(url("https://h", "/", 0), "https://h/");
        assert_eq!(url("https://h/api", "/", 0), "https://h/api/");
        for base in ["https://h//api", "https://h/api//v1", "https://h/api//"] {
            assert!(refusal(base).contains("empty path segment"), "{base}");
        }
        let base = Base::parse("https://h/api?key=1", &[]).unwrap();
        assert_eq!(base.uri("/x", 1, "a=2").unwrap(), "https://h/api/x?key=1&a=2");
        assert_eq!(base.uri("/x", 1, "").unwrap(), "https://h/api/x?key=1");
    }

    #[test]
    fn p18_a_long_url_is_refused() {
        let base = Base::parse("https://h", &[]).unwrap();
        let path = format!("/{}", "a".repeat(7_995));
        assert!(base.uri(&path, 1, "").unwrap_err().to_string().contains("8000 bytes"));
        assert!(base.uri("/a", 1, &format!("q={}", "a".repeat(65_535))).is_err());
        assert!(base.uri(&path[..7_900], 1, "").is_ok());
    }

    #[test]
    fn the_finished_url_is_checked_again() {
        let base = Base::parse("https://h/api", &[]).unwrap();
        for (path, segments) in [("/a/../b", 3), ("/a/b", 1), ("/a/.", 2), ("/a", 2)] {
            assert!(base.uri(path, segments, "").is_err(), "{path}");
        }
    }

    #[test]
    fn p44_origins_are_those_of_the_url_standard() {
        let home = Base::parse("http://example.com", &[]).unwrap();
        for (text, same) in [
            ("http://example.com:80/x", true),
            ("HTTP://EXAMPLE.COM/x", true),
            ("http://example.com:8080/x", false),
            ("https://example.com/x", false),
            ("http://example.com./x", false),
            ("http://example.com.evil/x", false),
            ("http://ex%61mple.com/x", true),
            ("http:example.com/x", true),
            ("http:/example.com/x", true),
            ("http:\\\\example.com\\x", true),
            ("http://example.com\t/x", true),
            ("http://example.org/x", false),
        ] {
            let given = Base::exact(text).unwrap();
            let std = Url::parse(text).unwrap().origin() == Url::parse("http://example.com").unwrap().origin();
            assert_eq!((given.origin() == home.origin()), same, "{text}");
            assert_eq!(std, same, "{text}");
        }
        for text in [
            "http://",
            "http://[::1",
            "http://a b/",
            "http://h:99999/",
            "file:///x",
            "mailto:a@b",
            "//h/x",
            "http://u@h/",
        ] {
            assert!(Base::exact(text).is_err(), "{text}");
        }
    }
}
