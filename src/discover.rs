//! Places that a document names: the server that a hub knows, the OAuth server that a server's own settings tell.

use http::Method;

use crate::{
    client::{Client, Options, Reading},
    error::{Error, ErrorKind, Fault, Result, quoted},
    json::{self, pointer},
    path::{self, Path},
    request::{Base, Origin, Request},
    template,
};

/// The most that is read of a document.
const MOST: u64 = 1 << 20;

/// Finds a URL in a JSON document: which document, and where in it.
///
/// The document is asked for without credentials, and a redirect is not followed. What it names must be a base URL
/// without a query, not less secure than the document, and of the document's own origin or of one that is trusted.
///
/// ```
/// # use restwalk::{Client, Discover};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
/// # let body = r#"{"domains": {"acme": {"max_server_url": "https://acme.max.example.com"}}}"#;
/// # let hub = axum::Router::new().route("/info", axum::routing::get(move || async move { body }));
/// let client = Client::local(hub).build()?;
/// let server = Discover::document("https://hub.example.com/info")
///     .pointer("/domains/{domain}/max_server_url")
///     .fallback("https://max.example.com/{domain}")
///     .variable("domain", "acme")
///     .trust("https://*.max.example.com");
/// assert_eq!(server.find(&client).await?, "https://acme.max.example.com");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Discover {
    document: String,
    pointer: String,
    suffix: String,
    fallback: Option<String>,
    variables: Vec<(String, String)>,
    trusted: Vec<String>,
}

impl Discover {
    /// Looks into the document at `url`: an absolute URL, or a path behind the client's base URL, such as `/info`.
    ///
    /// In it, in the pointer and in the fallback, `{name}` stands for a value of [`Discover::variable`].
    pub fn document(url: impl Into<String>) -> Self {
        Self {
            document: url.into(),
            pointer: String::new(),
            suffix: String::new(),
            fallback: None,
            variables: Vec::new(),
            trusted: Vec::new(),
        }
    }

    /// Says where the URL stands in the document, by a JSON pointer (RFC 6901); without one the document is the URL.
    pub fn pointer(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = pointer.into();
        self
    }

    /// Adds `path` to the URL that the document names, such as `/token`.
    pub fn suffix(mut self, path: impl Into<String>) -> Self {
        self.suffix = path.into();
        self
    }

    /// Takes this URL where the document names none; `{/name}`, a pointer, stands for another text of the document.
    pub fn fallback(mut self, url: impl Into<String>) -> Self {
        self.fallback = Some(url.into());
        self
    }

    /// Gives `{name}` its value, which must be one segment of a path.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Trusts a URL of this origin too; `https://*.example.com` are all hosts below it.
    pub fn trust(mut self, origin: impl Into<String>) -> Self {
        self.trusted.push(origin.into());
        self
    }

    /// Asks for the document, by `client`'s connections and as nobody, and gives the URL.
    ///
    /// # Errors
    /// `Request` with the code `config` where neither document nor fallback gives a URL that may be taken, and whatever
    /// a call may fail with that is not answered.
    pub async fn find(&self, client: &Client) -> Result<String> {
        let place = self.place(client)?;
        let base = Base::exact(&place)?;
        let origin = base.origin().clone();
        let client = client.bare(base, MOST);
        let request = Request::new(Method::GET, Path::root());
        let response = client.execute(&request, &Options::default(), Reading::Whole).await?;
        let status = response.status();
        if status.is_server_error() {
            return Err(config(format!("{} answered {status}; try again", quoted(&place))).with_status(Some(status)));
        }
        let text = if status.is_success() { Some(response.text().await?) } else { None };
        let document = Document { place: &place, origin: &origin, text: text.as_deref() };
        self.chosen(&document)
    }

    /// The same, a document that is a path standing behind `base`.
    #[cfg(feature = "environment")]
    pub(crate) fn behind(mut self, base: &Base) -> Self {
        if self.document.starts_with('/') {
            self.document = base.beside(&self.document);
        }
        self
    }

    /// The URL of the document.
    fn place(&self, client: &Client) -> Result<String> {
        let filled = self.filled(&self.document, path::encoded)?;
        Ok(if filled.starts_with('/') { client.base().beside(&filled) } else { filled })
    }

    /// The URL that the document names, else the fallback.
    fn chosen(&self, document: &Document<'_>) -> Result<String> {
        let pointer = self.filled(&self.pointer, |value| Ok(value.replace('~', "~0").replace('/', "~1")))?;
        let missing = match document.at(&pointer) {
            Ok(found) => {
                return self.checked(&format!("{}{}", found.trim_end_matches('/'), self.suffix), document, false);
            }
            Err(missing) => missing,
        };
        let Some(fallback) = &self.fallback else { return Err(config(missing)) };
        // Whose origin it has: the document may write on where the caller has written the host out.
        let own = fallback.split("{/").next().unwrap_or_default();
        let given = own == fallback || own.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        match self.fallen_back(fallback, document)? {
            Some(found) => self.checked(&found, document, given),
            None => Err(config(format!("{missing}, and the fallback {} needs what it lacks too", quoted(fallback)))),
        }
    }

    /// The fallback with its names filled; `None` where the document lacks one.
    fn fallen_back(&self, fallback: &str, document: &Document<'_>) -> Result<Option<String>> {
        let mut text = fallback.to_owned();
        while let Some((before, (pointer, after))) =
            text.split_once("{/").and_then(|(before, after)| Some((before, after.split_once('}')?)))
        {
            let Ok(found) = document.at(&format!("/{pointer}")) else { return Ok(None) };
            if found.contains('{') {
                return Ok(None);
            }
            text = format!("{before}{}{after}", found.trim_end_matches('/'));
        }
        self.filled(&text, path::encoded).map(Some)
    }

    fn filled(&self, text: &str, encoded: impl Fn(&str) -> Result<String, Fault>) -> Result<String> {
        let used = self.variables.iter().filter(|(name, _)| text.contains(&format!("{{{name}}}")));
        let values = used.map(|(name, value)| Ok((name.as_str(), encoded(value)?)));
        let values =
            values.collect::<Result<Vec<_>, Fault>>().map_err(|fault| config(Error::from(fault).to_string()))?;
        let value = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
        template::fill(text, value)
            .map_err(|name| config(format!("{} needs a value for {}; give one", quoted(text), quoted(name))))
    }

    /// Whether `found` may be taken for the place that was looked for; what the caller `given` is trusted.
    fn checked(&self, found: &str, document: &Document<'_>, given: bool) -> Result<String> {
        let wrong = |why: &str| config(format!("{} names {}, which {why}", quoted(document.place), quoted(found)));
        if found.contains(['?', '{']) {
            return Err(wrong("is no URL to begin at"));
        }
        let base = Base::parse(found, &[]).map_err(|error| wrong("cannot be used").with_source(error))?;
        let origin = base.origin();
        if document.origin.is_secure() && !origin.is_secure() {
            return Err(wrong("is not https, as the document is"));
        }
        if given || origin == document.origin || self.trusted.iter().any(|trusted| is_within(origin, trusted)) {
            return Ok(found.to_owned());
        }
        Err(wrong(&format!("is of another origin; where that is right, trust {origin}")))
    }
}

/// What was asked for: its URL, the origin of that, and its text, if there was any.
struct Document<'a> {
    place: &'a str,
    origin: &'a Origin,
    text: Option<&'a str>,
}

impl Document<'_> {
    /// The text at `pointer`; or that there is none, and what is there instead.
    fn at(&self, pointer: &str) -> Result<String, String> {
        let place = quoted(self.place);
        let Some(text) = self.text else { return Err(format!("there is no document at {place}")) };
        if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            return Err(format!("the document at {place} is no JSON"));
        }
        let (reached, there) = match pointer::find(text, pointer) {
            Ok(found) => match json::as_string(found).filter(|text| !text.is_empty()) {
                Some(text) => return Ok(text.into_owned()),
                None => (pointer, found),
            },
            Err(missed) => missed,
        };
        let whose = if reached.is_empty() { String::new() } else { format!(" at {}", quoted(reached)) };
        let there = pointer::describe(there);
        Err(format!("the document at {place} has no text at {}; there is {there}{whose}", quoted(pointer)))
    }
}

/// Whether `origin` is the `trusted` one, or a host below it where that begins with `*.`.
fn is_within(origin: &Origin, trusted: &str) -> bool {
    let (plain, below) = match trusted.split_once("://*.") {
        Some((scheme, host)) => (format!("{scheme}://{host}"), true),
        None => (trusted.to_owned(), false),
    };
    let Ok(base) = Base::parse(&plain, &[]) else { return false };
    let trusted = base.origin();
    if !below {
        return origin == trusted;
    }
    let inside = origin.host().strip_suffix(trusted.host()).is_some_and(|sub| sub.len() > 1 && sub.ends_with('.'));
    inside && origin.scheme() == trusted.scheme() && origin.port() == trusted.port()
}

fn config(why: String) -> Error {
    Error::coded(ErrorKind::Request, "config", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "https://hub.test/info";

    fn hub() -> Discover {
        let server = Discover::document(HUB).pointer("/domains/{domain}/max_server_url").variable("domain", "ac~me");
        server.trust("https://*.max.test").trust("https://other.test:8443")
    }

    fn chosen(discover: &Discover, text: Option<&str>) -> Result<String, String> {
        let base = Base::exact(HUB).unwrap();
        let document = Document { place: HUB, origin: base.origin(), text };
        discover.chosen(&document).map_err(|error| {
            assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "config"));
            error.to_string()
        })
    }

    #[test]
    fn m33_a_hub_names_the_server_of_a_domain_and_a_fallback_stands_in() {
        let known = |url: &str| {
            format!(r#"{{"default": "https://d.max.test", "domains": {{"ac~me": {{"max_server_url": "{url}"}}}}}}"#)
        };
        for url in ["https://hub.test/acme", "https://a.max.test", "https://other.test:8443/x"] {
            assert_eq!(chosen(&hub(), Some(&known(url))).as_deref(), Ok(url));
        }
        assert_eq!(
            chosen(&hub().suffix("/token"), Some(&known("https://hub.test/o/"))).unwrap(),
            "https://hub.test/o/token"
        );
        let (fixed, told) = (hub().fallback("https://default.test/{domain}"), hub().fallback("{/default}/{domain}"));
        for text in [None, Some("<html>"), Some("{}"), Some(r#"{"domains": {"ac~me": {"max_server_url": 7}}}"#)] {
            assert_eq!(chosen(&fixed, text).unwrap(), "https://default.test/ac~me");
        }
        assert_eq!(chosen(&told, Some(r#"{"default": "https://d.max.test/"}"#)).unwrap(), "https://d.max.test/ac~me");
    }

    #[test]
    fn m33_an_error_names_both_places() {
        let told = hub().fallback("{/default}/{domain}");
        assert_eq!(
            chosen(&told, Some(r#"{"domains": {"b": "CNRY"}}"#)).unwrap_err(),
            "the document at \"https://hub.test/info\" has no text at \"/domains/ac~0me/max_server_url\"; \
             there is an object with the member \"b\" at \"/domains\", \
             and the fallback \"{/default}/{domain}\" needs what it lacks too"
        );
        assert_eq!(chosen(&hub(), None).unwrap_err(), "there is no document at \"https://hub.test/info\"");
        let nameless = Discover::document(HUB).pointer("/{none}");
        assert_eq!(chosen(&nameless, Some("{}")).unwrap_err(), "\"/{none}\" needs a value for \"none\"; give one");
    }

    #[test]
    fn what_a_document_names_is_checked_as_a_base_url_is() {
        for (url, why) in [
            ("https://evil.test", "is of another origin; where that is right, trust https://evil.test"),
            ("https://max.test", "is of another origin; where that is right, trust https://max.test"),
            ("https://evilmax.test", "is of another origin; where that is right, trust https://evilmax.test"),
            ("https://a.max.test:8443", "is of another origin; where that is right, trust https://a.max.test:8443"),
            ("http://hub.test", "is not https, as the document is"),
            ("http://a.max.test", "is not https, as the document is"),
            ("https://u:p@hub.test", "cannot be used"),
            ("file:///etc/passwd", "cannot be used"),
            ("https://hub.test/?a=1", "is no URL to begin at"),
            ("https://{domain}.max.test", "is no URL to begin at"),
            ("/relative", "cannot be used"),
        ] {
            let error = chosen(&hub(), Some(&format!(r#"{{"domains": {{"ac~me": {{"max_server_url": "{url}"}}}}}}"#)));
            assert_eq!(error.unwrap_err(), format!("\"{HUB}\" names {}, which {why}", quoted(url)));
        }
        let told = hub().fallback("{/default}/{domain}");
        assert!(chosen(&told, Some(r#"{"default": "https://evil.test"}"#)).unwrap_err().contains("another origin"));
        for (fallback, found) in [
            ("https://{/host}/{domain}", "evil.test"),
            ("https://{/host}", "evil.test/x"),
            ("https://d.test{/host}/x", ".evil.test"),
            ("https://d.test{/host}/x", "@evil.test"),
        ] {
            let error = chosen(&hub().fallback(fallback), Some(&format!(r#"{{"host": "{found}"}}"#))).unwrap_err();
            assert!(error.contains("another origin") || error.contains("cannot be used"), "{error}");
        }
        let within = hub().fallback("https://d.test/{/tenant}/{domain}");
        assert_eq!(chosen(&within, Some(r#"{"tenant": "t"}"#)).unwrap(), "https://d.test/t/ac~me");
        assert!(chosen(&hub().variable("x", "..").fallback("https://d.test/{x}"), None).is_err());
    }
}
