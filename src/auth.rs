//! Credentials: what is attached to a request, and to which origin.
//!
//! An [`Auth`] is a description; a client prepares it once, into headers that are marked
//! sensitive or a query parameter, and attaches them to requests of its own origin only.

use std::{
    any::Any,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderMap;

use crate::{
    error::{ErrorKind, Fault, Result},
    request::Origin,
    secret::Secret,
    transport::Transport,
};

mod cookie;
mod digest;
#[cfg(feature = "jwt")]
mod jwt;
mod prepared;
mod sign;
mod template;
mod whose;

pub(crate) use prepared::Prepared;
pub use sign::Sign;
pub(crate) use whose::{named, process};

use cookie::KeyCookie;
use template::Template;

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
    Cookie(String, Secret),
    Headers(Arc<Template>),
    /// What signs each attempt, and a number of its own.
    Signer(u64, Arc<dyn Sign>),
    /// What is prepared by a module above this one.
    Credential(Arc<dyn Credential>),
}

/// Credentials that know themselves how they are prepared.
pub(crate) trait Credential: Any + fmt::Debug + Send + Sync {
    /// Makes what can be made once for requests of one origin.
    fn prepare(self: Arc<Self>, around: &Around<'_>, prepared: &mut Prepared) -> Result<(), Fault>;
}

/// What credentials are prepared for.
pub(crate) struct Around<'a> {
    pub(crate) actor: Option<&'a str>,
    pub(crate) origin: &'a Origin,
    /// What carries the requests that sign in, and the headers that they have.
    #[cfg_attr(not(feature = "oauth"), expect(dead_code, reason = "without OAuth 2.0 nothing signs in by requests"))]
    pub(crate) transport: &'a Arc<dyn Transport>,
    #[cfg_attr(not(feature = "oauth"), expect(dead_code, reason = "without OAuth 2.0 nothing signs in by requests"))]
    pub(crate) headers: HeaderMap,
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

    /// An API key in the cookie `name`, beside the cookies of a jar and of the call.
    ///
    /// Both are held to RFC 6265 when the client is built: a key with a space, a comma or a semicolon is refused.
    pub fn api_key_cookie(name: impl Into<String>, key: impl Into<Secret>) -> Self {
        Self(Kind::Cookie(name.into(), key.into()))
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

    /// Lets `signer` sign each attempt, for signatures over the request and credentials that change.
    pub fn signer(signer: impl Sign + 'static) -> Self {
        Self(Kind::Signer(number(), Arc::new(signer)))
    }

    /// Lets `credential` say how it is prepared.
    pub(crate) fn of(credential: Arc<dyn Credential>) -> Self {
        Self(Kind::Credential(credential))
    }

    /// What these credentials are made of, where it is a `T`.
    #[cfg(feature = "oauth")]
    pub(crate) fn credential<T: Credential>(&self) -> Option<Arc<T>> {
        let Kind::Credential(credential) = &self.0 else { return None };
        let any: Arc<dyn Any + Send + Sync> = Arc::clone(credential) as _;
        any.downcast().ok()
    }

    /// Makes what can be made once for requests of one origin, so that attaching it is a copy.
    pub(crate) fn prepare(&self, around: &Around<'_>) -> Result<Prepared, Fault> {
        let mut prepared = Prepared::new(around.origin);
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
            Kind::Cookie(name, key) => {
                prepared.masks.add(key.expose());
                prepared.cookie = Some(KeyCookie::new(name, key)?);
            }
            Kind::Headers(template) => template.prepare(around.actor, &mut prepared)?,
            Kind::Credential(credential) => Arc::clone(credential).prepare(around, &mut prepared)?,
            Kind::Signer(id, signer) => prepared.signed_by(*id, Arc::clone(signer)),
        }
        Ok(prepared)
    }
}

/// A number that no other credentials of this process have.
pub(crate) fn number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn fault(message: impl Into<String>) -> Fault {
    Fault::new(ErrorKind::Auth, "auth.required", message)
}

/// A panic leaves it whole: it is a description, and what signs for it holds what no step leaves half done.
impl std::panic::UnwindSafe for Auth {}
impl std::panic::RefUnwindSafe for Auth {}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::None => f.write_str("Auth(none)"),
            Kind::Basic(..) => f.write_str("Auth(basic)"),
            Kind::Scheme(scheme, _) => write!(f, "Auth({scheme})"),
            Kind::Header(name, _) => write!(f, "Auth(header {name})"),
            Kind::Query(name, _) => write!(f, "Auth(query {name})"),
            Kind::Cookie(name, _) => write!(f, "Auth(cookie {name})"),
            Kind::Headers(template) => write!(f, "Auth({} headers)", template.headers.len()),
            Kind::Signer(..) => f.write_str("Auth(signer)"),
            Kind::Credential(credential) => write!(f, "Auth({credential:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Error, request::Base, transport::Local};

    fn home() -> Origin {
        Base::parse("https://h", &[]).unwrap().origin().clone()
    }

    fn prepare(auth: &Auth, actor: Option<&str>) -> Result<Prepared, Fault> {
        let nobody = tower::service_fn(|_| async { Err::<http::Response<crate::WireBody>, _>("nobody is asked") });
        let transport: Arc<dyn Transport> = Arc::new(Local::new(nobody));
        auth.prepare(&Around { actor, origin: &home(), transport: &transport, headers: HeaderMap::new() })
    }

    fn attached(auth: &Auth, actor: Option<&str>) -> Result<http::Request<()>> {
        let mut request = http::Request::get("https://h/x?a=1").body(()).unwrap();
        prepare(auth, actor)?.attach(&mut request, true, |_| false)?;
        Ok(request)
    }

    #[test]
    fn credentials_stay_at_their_origin() {
        for url in ["https://other/", "http://h/", "https://h:8443/", "https://h.evil/"] {
            for auth in [Auth::bearer("t"), Auth::api_key_query("key", "t"), Auth::api_key_cookie("key", "t")] {
                let mut request = http::Request::get(url).body(()).unwrap();
                prepare(&auth, None).unwrap().attach(&mut request, true, |_| false).unwrap();
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
            (Auth::api_key_cookie("key", "k"), "cookie", "key=k"),
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
        prepare(&max, None).unwrap().attach(&mut request, false, |_| false).unwrap();
        assert!(!request.headers().contains_key("x-oauth-username"));
        let error = Error::from(prepare(&Auth::headers([("X", "{other}")]), None).map(|_| ()).unwrap_err());
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
        let error = attached(&Auth::api_key_cookie("key", "CNRY;x"), None).unwrap_err();
        assert!(error.to_string().contains("\"key\"") && !error.to_string().contains("CNRY"), "{error}");
    }

    #[test]
    fn s01_no_kind_prints_its_secret() {
        for auth in [
            Auth::basic("CNRY", "CNRY"),
            Auth::bearer("CNRY"),
            Auth::api_key_header("X", "CNRY"),
            Auth::api_key_query("q", "CNRY"),
            Auth::api_key_cookie("q", "CNRY"),
            Auth::headers([("X", "{t}")]).with("t", "CNRY"),
        ] {
            assert!(!format!("{auth:?} {auth:#?}").contains("CNRY"));
        }
    }

    #[test]
    fn w28_a_header_of_the_call_stands() {
        let mut request = http::Request::get("https://h/").header("authorization", "mine").body(()).unwrap();
        prepare(&Auth::bearer("t"), None).unwrap().attach(&mut request, true, |name| name == "authorization").unwrap();
        assert_eq!(request.headers().get_all("authorization").iter().collect::<Vec<_>>(), ["mine"]);
    }
}
