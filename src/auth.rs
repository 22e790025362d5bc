//! Credentials: what is attached to a request, and to which origin.
//!
//! An [`Auth`] is a description; a client prepares it once, into headers that are marked
//! sensitive or a query parameter, and attaches them to requests of its own origin only.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, uri::PathAndQuery};

use crate::{
    error::{Error, ErrorKind, Fault, Result, quoted},
    header,
    request::Origin,
    secret::{Masks, Secret},
    template,
};

/// How a client signs in. Printing it shows the kind and no value.
///
/// ```
/// use restwalk::{Auth, Client};
///
/// let max = Auth::headers([
///     ("X-Oauth-Token", "{token}"),
///     ("X-Oauth-Username", "{actor}"),
///     ("X-Oauth-Scope", "{scope}"),
/// ])
/// .with("token", "s3cret")
/// .with("scope", "widgetcli");
/// let client = Client::builder("https://max.example.com").actor("user.name").auth(max).build()?;
/// assert!(!format!("{client:?}").contains("s3cret"));
/// # Ok::<(), restwalk::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Auth(Kind);

#[derive(Clone, Default)]
enum Kind {
    #[default]
    None,
    Basic(Secret, Secret),
    Scheme(String, Secret),
    Header(String, Secret),
    Query(String, Secret),
    Headers(Arc<Template>),
}

#[derive(Clone, Default)]
struct Template {
    headers: Vec<(String, String)>,
    values: Vec<(String, Secret)>,
}

impl Auth {
    /// No credentials.
    pub fn none() -> Self {
        Self(Kind::None)
    }

    /// HTTP Basic (RFC 7617), in UTF-8. A user name with a colon is refused when the client is built.
    pub fn basic(user: impl Into<Secret>, password: impl Into<Secret>) -> Self {
        Self(Kind::Basic(user.into(), password.into()))
    }

    /// A bearer token (RFC 6750); an empty one means no credentials.
    pub fn bearer(token: impl Into<Secret>) -> Self {
        Self::scheme("Bearer", token)
    }

    /// A token under another scheme: `Authorization: JWT …`. An empty one means no credentials.
    pub fn scheme(scheme: impl Into<String>, token: impl Into<Secret>) -> Self {
        Self(Kind::Scheme(scheme.into(), token.into()))
    }

    /// An API key in the header `name`.
    pub fn api_key_header(name: impl Into<String>, key: impl Into<Secret>) -> Self {
        Self(Kind::Header(name.into(), key.into()))
    }

    /// An API key as the query parameter `name`; no message, log or error shows it.
    pub fn api_key_query(name: impl Into<String>, key: impl Into<Secret>) -> Self {
        Self(Kind::Query(name.into(), key.into()))
    }

    /// Headers from templates, whose `{name}`s are given by [`Auth::with`]; `{actor}` is the client's actor.
    pub fn headers<N: Into<String>, T: Into<String>>(headers: impl IntoIterator<Item = (N, T)>) -> Self {
        let headers = headers.into_iter().map(|(name, template)| (name.into(), template.into())).collect();
        Self(Kind::Headers(Arc::new(Template { headers, values: Vec::new() })))
    }

    /// Gives `{name}` of a header template its value; for any other kind it changes nothing.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        if let Kind::Headers(template) = &mut self.0 {
            Arc::make_mut(template).values.push((name.into(), value.into()));
        }
        self
    }

    /// Makes the headers for requests of `origin` once, so that attaching them is a copy.
    pub(crate) fn prepare(&self, actor: Option<&str>, origin: &Origin) -> Result<Prepared, Fault> {
        let mut prepared = Prepared {
            origin: origin.clone(),
            headers: Vec::new(),
            query: None,
            missing: Vec::new(),
            masks: Masks::default(),
        };
        match &self.0 {
            Kind::None => {}
            Kind::Scheme(_, token) if token.expose().is_empty() => {}
            Kind::Basic(user, password) => {
                if user.expose().contains(':') {
                    return Err(fault("a user name of HTTP Basic holds no colon"));
                }
                let pair = Secret::from(format!("{}:{}", user.expose(), password.expose()));
                let value = Secret::from(BASE64_STANDARD.encode(pair.expose()));
                prepared.masks.add(password.expose());
                prepared.masks.add(value.expose());
                prepared.header("authorization", &format!("Basic {}", value.expose()))?;
            }
            Kind::Scheme(scheme, token) => {
                if token.expose().bytes().any(|byte| !byte.is_ascii_graphic()) {
                    return Err(fault(
                        "the token holds a space, a line break or another character that no token has; trim it, and leave its scheme out",
                    ));
                }
                prepared.masks.add(token.expose());
                prepared.header("authorization", &format!("{scheme} {}", token.expose()))?;
            }
            Kind::Header(name, key) => {
                prepared.masks.add(key.expose());
                prepared.header(name, key.expose())?;
            }
            Kind::Query(name, key) => {
                prepared.masks.add(key.expose());
                prepared.query = Some((name.clone(), key.clone()));
            }
            Kind::Headers(template) => template.prepare(actor, &mut prepared)?,
        }
        Ok(prepared)
    }
}

impl Template {
    fn prepare(&self, actor: Option<&str>, prepared: &mut Prepared) -> Result<(), Fault> {
        for (_, value) in &self.values {
            prepared.masks.add(value.expose());
        }
        for (name, template) in &self.headers {
            match self.fill(template, actor)? {
                Some(value) => prepared.header(name, value.expose())?,
                None => prepared.missing.push(name.clone()),
            }
        }
        Ok(())
    }

    /// The filled template; `None` where it needs an actor and there is none.
    fn fill(&self, template: &str, actor: Option<&str>) -> Result<Option<Secret>, Fault> {
        let value = |name: &str| match self.values.iter().find(|(known, _)| known == name) {
            Some((_, value)) => Some(value.expose()),
            None => actor.filter(|_| name == "actor"),
        };
        match template::fill(template, value) {
            Ok(filled) => Ok(Some(Secret::from(filled))),
            Err("actor") => Ok(None),
            Err(name) => {
                let name = quoted(name);
                Err(fault(format!("the header template needs a value for {name}; give it with .with(..)")))
            }
        }
    }
}

fn fault(message: impl Into<String>) -> Fault {
    Fault::new(ErrorKind::Auth, "auth.required", message)
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::None => f.write_str("Auth(none)"),
            Kind::Basic(..) => f.write_str("Auth(basic)"),
            Kind::Scheme(scheme, _) => write!(f, "Auth({scheme})"),
            Kind::Header(name, _) => write!(f, "Auth(header {name})"),
            Kind::Query(name, _) => write!(f, "Auth(query {name})"),
            Kind::Headers(template) => write!(f, "Auth({} headers)", template.headers.len()),
        }
    }
}

/// Credentials ready to be attached to requests of their origin.
pub(crate) struct Prepared {
    origin: Origin,
    headers: Vec<(HeaderName, HeaderValue)>,
    query: Option<(String, Secret)>,
    /// Headers that need an actor, where none is set.
    missing: Vec<String>,
    masks: Masks,
}

impl Prepared {
    /// A number that stands for these credentials, within this process only.
    pub(crate) fn partition(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (name, value) in &self.headers {
            (name.as_str(), value.as_bytes()).hash(&mut hasher);
        }
        self.query.as_ref().map(|(name, key)| (name, key.expose())).hash(&mut hasher);
        hasher.finish()
    }

    fn header(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let shown = quoted(name);
        let name = header::name(name)?;
        let mut value = HeaderValue::from_str(value).map_err(|_| {
            fault(format!("the credential for the header {shown} holds a character that headers do not"))
        })?;
        value.set_sensitive(true);
        self.headers.push((name, value));
        Ok(())
    }

    /// The secrets in it, to be masked wherever a server echoes them.
    pub(crate) fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Whether `value` is one of its own.
    pub(crate) fn holds(&self, value: &HeaderValue) -> bool {
        self.headers.iter().any(|(_, own)| own == value)
    }

    /// The first of its headers that `headers` has too.
    pub(crate) fn clash(&self, headers: &HeaderMap) -> Option<&HeaderName> {
        self.headers.iter().map(|(name, _)| name).find(|name| headers.contains_key(*name))
    }

    /// The query parameter that carries a key, to be shown as a placeholder.
    pub(crate) fn query_name(&self) -> Option<&str> {
        self.query.as_ref().map(|(name, _)| name.as_str())
    }

    /// Attaches the credentials, to a request of their origin only; a header that the call itself set stands.
    pub(crate) fn attach<B>(
        &self,
        request: &mut http::Request<B>,
        needs_actor: bool,
        own: impl Fn(&HeaderName) -> bool,
    ) -> Result<()> {
        if !self.origin.holds(request.uri()) {
            return Ok(());
        }
        if needs_actor && let Some(name) = self.missing.first() {
            let why = format!("the header {} needs an actor; name one with .actor(..)", quoted(name));
            return Err(fault(why).into());
        }
        for (name, value) in &self.headers {
            if !own(name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        // One that stands there is the call's own, or an echo in a link of the server.
        if let Some((name, key)) = &self.query
            && !has_query(request.uri(), name)
        {
            *request.uri_mut() = with_query(request.uri(), name, key.expose())?;
        }
        Ok(())
    }
}

fn has_query(uri: &Uri, name: &str) -> bool {
    url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).any(|(known, _)| known == name)
}

fn with_query(uri: &Uri, name: &str, value: &str) -> Result<Uri> {
    let wrong = || Error::new(ErrorKind::Auth, "the API key cannot stand in the URL");
    let pair = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    let separator = if uri.query().is_some() { '&' } else { '?' };
    let current = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{current}{separator}{pair}").parse().map_err(|_| wrong())?);
    Uri::from_parts(parts).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Base;

    fn home() -> Origin {
        Base::parse("https://h", &[]).unwrap().origin().clone()
    }

    fn attached(auth: &Auth, actor: Option<&str>) -> Result<http::Request<()>> {
        let mut request = http::Request::get("https://h/x?a=1").body(()).unwrap();
        auth.prepare(actor, &home())?.attach(&mut request, true, |_| false)?;
        Ok(request)
    }

    #[test]
    fn credentials_stay_at_their_origin() {
        for url in ["https://other/", "http://h/", "https://h:8443/", "https://h.evil/"] {
            for auth in [Auth::bearer("t"), Auth::api_key_query("key", "t")] {
                let mut request = http::Request::get(url).body(()).unwrap();
                auth.prepare(None, &home()).unwrap().attach(&mut request, true, |_| false).unwrap();
                assert!(request.headers().is_empty() && request.uri().query().is_none(), "{url}");
            }
        }
    }

    #[test]
    fn each_kind_attaches_what_its_standard_says() {
        for (auth, name, value) in [
            (Auth::basic("u", "p"), "authorization", "Basic dTpw"),
            (Auth::bearer("tok"), "authorization", "Bearer tok"),
            (Auth::scheme("JWT", "a.b.c"), "authorization", "JWT a.b.c"),
            (Auth::api_key_header("X-API-Key", "k"), "x-api-key", "k"),
        ] {
            let request = attached(&auth, None).unwrap();
            assert_eq!(request.headers()[name], value);
            assert!(request.headers()[name].is_sensitive());
        }
        assert!(attached(&Auth::bearer(""), None).unwrap().headers().is_empty());
        assert!(attached(&Auth::none(), None).unwrap().headers().is_empty());
        let request = attached(&Auth::api_key_query("app id", "k&="), None).unwrap();
        assert_eq!(request.uri(), "https://h/x?a=1&app+id=k%26%3D");
    }

    #[test]
    fn m30_max_signs_in_by_three_headers() {
        let max = Auth::headers([
            ("X-Oauth-Token", "{token}"),
            ("X-Oauth-Username", "{actor}"),
            ("X-Oauth-Scope", "{scope}"),
        ])
        .with("token", "T")
        .with("scope", "widgetcli");
        let request = attached(&max, Some("ada")).unwrap();
        for (name, value) in [("x-oauth-token", "T"), ("x-oauth-username", "ada"), ("x-oauth-scope", "widgetcli")] {
            assert_eq!(request.headers()[name], value);
        }
        assert!(attached(&max, None).unwrap_err().to_string().contains(".actor("));
        let mut request = http::Request::get("https://h/").body(()).unwrap();
        max.prepare(None, &home()).unwrap().attach(&mut request, false, |_| false).unwrap();
        assert!(!request.headers().contains_key("x-oauth-username"));
        let error = Error::from(Auth::headers([("X", "{other}")]).prepare(None, &home()).map(|_| ()).unwrap_err());
        assert!(error.to_string().contains("\"other\""));
    }

    #[test]
    fn s31_a_malformed_token_is_refused_and_not_shown() {
        for token in ["CNRY\nx", "CNRY x", "CNRY\u{e9}", "CNRY\0"] {
            for auth in [Auth::bearer(token), Auth::scheme("JWT", token)] {
                let error = attached(&auth, None).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Auth);
                assert!(!format!("{error} {error:?}").contains("CNRY"));
            }
        }
        assert!(attached(&Auth::basic("a:b", "c"), None).is_err());
        assert!(attached(&Auth::api_key_header("X-Key", "a\nb"), None).is_err());
        assert!(attached(&Auth::api_key_header("Host", "a"), None).is_err());
    }

    #[test]
    fn s01_no_kind_prints_its_secret() {
        for auth in [
            Auth::basic("CNRY", "CNRY"),
            Auth::bearer("CNRY"),
            Auth::api_key_header("X", "CNRY"),
            Auth::api_key_query("q", "CNRY"),
            Auth::headers([("X", "{t}")]).with("t", "CNRY"),
        ] {
            assert!(!format!("{auth:?} {auth:#?}").contains("CNRY"));
        }
    }

    #[test]
    fn w28_a_header_of_the_call_stands() {
        let mut request = http::Request::get("https://h/").header("authorization", "mine").body(()).unwrap();
        Auth::bearer("t")
            .prepare(None, &home())
            .unwrap()
            .attach(&mut request, true, |name| name == "authorization")
            .unwrap();
        assert_eq!(request.headers().get_all("authorization").iter().collect::<Vec<_>>(), ["mine"]);
    }
}
