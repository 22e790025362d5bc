//! The authorization code grant (RFC 6749, section 4.1) with PKCE (RFC 7636): a person signs in where a browser is.
//!
//! [`Authorization`] is the pure piece: the URL that the person is sent to, and the check of what they bring back. The
//! listener on this machine stands on it, and so may a server of one's own.

use std::fmt;

use super::{
    OAuth2,
    answer::{Grant as Asked, failed},
    discovery::is_issuer,
    endpoint::{self, Place},
    form::Form,
    pkce::{METHOD, Verifier, equal, token},
    wire::{Granted, Wire},
};
use crate::{
    body::BoxFuture,
    error::{Error, ErrorKind, Result, printable, quoted},
    secret::Secret,
};

#[cfg(feature = "browser")]
mod browser;
#[cfg(feature = "browser")]
mod listener;

#[cfg(feature = "browser")]
pub(super) use browser::Browser;

/// The longest answer that is looked into, in bytes.
const LONGEST: usize = 16 << 10;

impl OAuth2 {
    /// Has a person's browser sent back to `uri` after they signed in, exactly as it is written here.
    ///
    /// For [`OAuth2::authorization_code`] it is on this machine, and a free port is put in where it has none; without
    /// it, that is `http://127.0.0.1/callback`.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.0.redirect_uri = Some(uri.into());
        self
    }
}

/// A sign-in that was begun for a person: the URL that their browser is sent to, and what proves that an answer
/// belongs to it.
///
/// [`Session::authorize`](crate::Session::authorize) begins one, and
/// [`SignIn::callback`](crate::SignIn::callback) ends it, once. Keep it where only this person's next request can
/// reach it.
pub struct Authorization {
    url: String,
    redirect_uri: String,
    state: Secret,
    verifier: Verifier,
    nonce: Option<Secret>,
    issuer: Option<String>,
    /// The answer names its issuer.
    named: bool,
}

impl Authorization {
    /// The URL that the person's browser is sent to: `https`, or `http` on this machine.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Begins a sign-in whose answer comes to `redirect_uri`.
    pub(super) async fn begin(wire: &Wire, redirect_uri: &str) -> Result<Self> {
        let settings = &wire.settings;
        let endpoint = wire.place(Place::Authorization).await?.to_string();
        let endpoint = endpoint::shown(&endpoint, Place::Authorization.name())
            .map_err(|fault| failed(Error::from(fault).reason().to_owned()))?;
        let known = settings.metadata.get();
        let openid = settings.scopes.iter().any(|scope| scope == "openid");
        let mut begun = Self {
            url: String::new(),
            redirect_uri: redirect_uri.to_owned(),
            state: token()?,
            verifier: Verifier::new()?,
            nonce: if openid { Some(token()?) } else { None },
            issuer: known.map(|known| known.issuer.clone()).or(settings.issuer.clone()),
            named: known.is_some_and(|known| known.names_issuer),
        };
        begun.url = begun.address(&endpoint, &settings.id, settings.scope().as_deref());
        Ok(begun)
    }

    /// `endpoint` with the question, after what its own query says.
    fn address(&self, endpoint: &str, client: &str, scope: Option<&str>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("response_type", "code").append_pair("client_id", client);
        query.append_pair("redirect_uri", &self.redirect_uri);
        if let Some(scope) = scope {
            query.append_pair("scope", scope);
        }
        query.append_pair("state", self.state.expose());
        query.append_pair("code_challenge", &self.verifier.challenge()).append_pair("code_challenge_method", METHOD);
        if let Some(nonce) = &self.nonce {
            query.append_pair("nonce", nonce.expose());
        }
        let mark = if endpoint.contains('?') { '&' } else { '?' };
        format!("{endpoint}{mark}{}", query.finish())
    }

    /// Whether the query of a callback answers this sign-in; anybody can send another.
    pub(super) fn is_answered_by(&self, query: &str) -> bool {
        let pairs = pairs(query);
        let mut states = pairs.iter().filter(|(name, _)| name == "state");
        let first = states.next().is_some_and(|(_, state)| equal(state, self.state.expose()));
        first && states.next().is_none() && query.len() <= LONGEST
    }

    /// The code in the query of a callback.
    fn code(&self, query: &str) -> Result<Secret> {
        if !self.is_answered_by(query) {
            return Err(denied("what came back does not answer this sign-in: its state is another; start again"));
        }
        let pairs = pairs(query);
        let one = |name: &str| {
            let mut found = pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
            match (found.next(), found.next()) {
                (value, None) => Ok(value),
                _ => Err(denied(&format!("what came back names its {name} twice"))),
            }
        };
        // From another server, neither a code nor an error means anything (RFC 9207).
        match (one("iss")?, &self.issuer) {
            (Some(named), Some(issuer)) if !is_issuer(issuer, named) => {
                return Err(denied(&format!("what came back is from {} and not from {issuer}", quoted(named))));
            }
            (None, Some(issuer)) if self.named => {
                return Err(denied(&format!("what came back does not say that it is from {issuer}")));
            }
            _ => {}
        }
        if let Some(word) = one("error")? {
            let more = one("error_description")?.map(|more| format!(": {}", printable(more))).unwrap_or_default();
            return Err(denied(&format!("the sign-in ended without a token: {}{more}", printable(word))));
        }
        let code = one("code")?.filter(|code| !code.is_empty());
        code.map(Secret::from).ok_or_else(|| denied("what came back has no code"))
    }

    /// Redeems the code that a callback brings.
    pub(super) async fn redeem(&self, wire: &Wire, query: &str) -> Result<Granted> {
        let form = Form::grant("authorization_code")
            .with("code", self.code(query)?)
            .with("redirect_uri", self.redirect_uri.as_str())
            .with("code_verifier", self.verifier.0.clone());
        let granted = wire.token(Asked::Once, wire.settings.further(form)).await?;
        wire.settings.checked(granted, self.nonce.as_ref())
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorization({})", self.url.split('?').next().unwrap_or_default())
    }
}

/// A sign-in that is ended by the URL that a browser was sent to.
#[derive(Debug)]
pub(super) struct Callback {
    pub(super) authorization: Authorization,
    pub(super) url: Secret,
}

impl super::source::Interact for Callback {
    fn sign_in<'a>(&'a self, wire: &'a Wire) -> BoxFuture<'a, Result<Granted>> {
        let url = self.url.expose().split('#').next().unwrap_or_default();
        let query = url.split_once('?').map_or("", |(_, query)| query);
        Box::pin(self.authorization.redeem(wire, query))
    }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    if query.len() > LONGEST {
        return Vec::new();
    }
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn denied(why: &str) -> Error {
    Error::coded(ErrorKind::Auth, "auth.denied", why)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn begun(issuer: Option<&str>, named: bool) -> Authorization {
        Authorization {
            url: "https://id.test/auth?state=CNRY".to_owned(),
            redirect_uri: "http://127.0.0.1:7/callback".to_owned(),
            state: Secret::from("s"),
            verifier: Verifier::new().unwrap(),
            nonce: None,
            issuer: issuer.map(str::to_owned),
            named,
        }
    }

    #[test]
    fn o44_the_url_says_each_thing_once_and_exactly() {
        let mut begun = begun(None, false);
        begun.nonce = Some(Secret::from("n"));
        let url = begun.address("https://id.test/auth?audience=x", "c id", Some("openid a"));
        let challenge = begun.verifier.challenge();
        assert_eq!(
            url,
            format!(
                "https://id.test/auth?audience=x&response_type=code&client_id=c+id\
                 &redirect_uri=http%3A%2F%2F127.0.0.1%3A7%2Fcallback&scope=openid+a&state=s\
                 &code_challenge={challenge}&code_challenge_method=S256&nonce=n"
            )
        );
        assert!(!url.contains(begun.verifier.0.expose()));
    }

    #[test]
    fn o41_only_the_answer_to_this_sign_in_counts() {
        for (query, code) in [
            ("code=c&state=s", Ok("c")),
            ("state=s&code=a%2Bb+c&session_state=x", Ok("a+b c")),
            ("code=c", Err("state")),
            ("code=c&state=", Err("state")),
            ("code=c&state=S", Err("state")),
            ("code=c&state=s&state=s", Err("state")),
            ("code=c&state=s&state=x", Err("state")),
            ("code=c&code=d&state=s", Err("twice")),
            ("code=&state=s", Err("no code")),
            ("state=s", Err("no code")),
            ("", Err("state")),
            ("error=access_denied&state=s", Err("access_denied")),
            ("error=access_denied&code=c&state=s", Err("access_denied")),
            ("error=a%1B%5B2J&error_description=%3Cb%3E%0A&state=s", Err("a\\u{1b}[2J: <b>")),
            ("error=access_denied", Err("state")),
        ] {
            match (begun(None, false).code(query), code) {
                (Ok(found), Ok(code)) => assert_eq!(found.expose(), code),
                (Err(error), Err(told)) => {
                    assert_eq!(error.code(), "auth.denied");
                    assert!(error.to_string().contains(told), "{query}: {error}");
                }
                (found, _) => panic!("{query}: {found:?}"),
            }
        }
        let long = format!("code={}&state=s", "c".repeat(LONGEST));
        assert!(begun(None, false).code(&long).is_err());
    }

    #[test]
    fn o32_an_answer_is_from_the_issuer_that_was_asked() {
        let issuer = Some("https://id.test");
        for (issuer, named, query, good) in [
            (issuer, true, "code=c&state=s&iss=https%3A%2F%2Fid.test", true),
            (issuer, false, "code=c&state=s&iss=https%3A%2F%2Fid.test", true),
            (issuer, false, "code=c&state=s", true),
            (issuer, true, "code=c&state=s", false),
            (issuer, true, "error=access_denied&state=s", false),
            (issuer, false, "code=c&state=s&iss=https%3A%2F%2Fevil.test", false),
            (issuer, false, "code=c&state=s&iss=", false),
            (issuer, true, "code=c&state=s&iss=https%3A%2F%2Fid.test&iss=https%3A%2F%2Fid.test", false),
            (None, false, "code=c&state=s&iss=https%3A%2F%2Fany.test", true),
        ] {
            let code = begun(issuer, named).code(query);
            assert_eq!(code.is_ok(), good, "{query}: {code:?}");
            if let Err(error) = code {
                assert!(!error.to_string().contains("access_denied"), "{error}");
            }
        }
    }

    #[test]
    fn s01_a_sign_in_prints_none_of_its_secrets() {
        let begun = begun(None, false);
        assert_eq!(format!("{begun:?}"), "Authorization(https://id.test/auth)");
        let callback = Callback { authorization: begun, url: Secret::from("CNRY") };
        assert!(!format!("{callback:?}").contains("CNRY"));
    }
}
