//! What a server says of itself: OpenID Connect Discovery, and RFC 8414 where that is not there.

use http::Uri;
use serde_json::{Map, Value};

use super::{
    Settings,
    answer::failed,
    endpoint::{self, Place},
    wire::{Content, Wire, unasked},
};
use crate::{
    error::{Error, ErrorKind, Result, quoted},
    request::Origin,
};

/// The metadata of a server, by which it is asked from then on.
#[derive(Debug)]
pub(crate) struct Metadata {
    /// The issuer, in the server's own spelling.
    pub(crate) issuer: String,
    /// Whether an answer to an authorization request names its issuer (RFC 9207).
    pub(crate) names_issuer: bool,
    places: Vec<(Place, String)>,
}

impl Metadata {
    /// Reads the metadata of `issuer`; no part of `map` is shown but the issuer it names.
    fn read(mut map: Map<String, Value>, issuer: &str) -> Result<Self> {
        let Some(Value::String(named)) = map.remove("issuer") else {
            return Err(failed(format!("the metadata of {} names no issuer", quoted(issuer))));
        };
        if !is_issuer(issuer, &named) {
            let why = "the metadata of {} is that of {}; give the issuer as the server names itself";
            return Err(failed(why.replacen("{}", &quoted(issuer), 1).replacen("{}", &quoted(&named), 1)));
        }
        let text = |place: &Place| Some((*place, map.get(place.name())?.as_str()?.to_owned()));
        Ok(Self {
            issuer: named,
            names_issuer: map.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
            places: Place::ALL.iter().filter_map(text).collect(),
        })
    }

    /// Where the server is asked for `place`, where it may be trusted with it.
    fn place(&self, place: Place, settings: &Settings, issuer: &str) -> Result<Uri> {
        let Some(url) = place.of(&self.places) else {
            let why = format!("{} does not offer this: its metadata has no {}", quoted(issuer), place.name());
            return Err(Error::coded(ErrorKind::Auth, "auth.denied", why));
        };
        let named = endpoint::parse(url, place.name()).map_err(|fault| {
            failed(format!("the metadata of {} is of no use: {}", quoted(issuer), Error::from(fault).reason()))
        })?;
        if settings.trusts(&named)? {
            return Ok(named);
        }
        let origin = Origin::of(&named).map(|origin| origin.to_string()).unwrap_or_default();
        let why = format!("the {} of {} is at {origin}, another origin", place.name(), quoted(issuer));
        Err(failed(format!("{why}; if that is right, allow it by .trust({})", quoted(&origin))))
    }
}

impl Settings {
    /// Whether `named` is of the issuer's origin, or of one that the caller trusts.
    pub(super) fn trusts(&self, named: &Uri) -> Result<bool> {
        for origin in self.issuer.iter().chain(&self.trusted) {
            if endpoint::is_same(&endpoint::parse(origin, "trusted origin")?, named) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Wire {
    /// Where the server is asked for `place`, by its own metadata.
    pub(super) async fn discovered(&self, place: Place) -> Result<Uri> {
        match self.metadata().await? {
            Some((issuer, metadata)) => metadata.place(place, &self.settings, issuer),
            None => Err(failed(format!("no {} is known; give it, or the issuer", place.name()))),
        }
    }

    /// The issuer as it was given, and its metadata: fetched once for all who need it, and again after a failure.
    pub(super) async fn metadata(&self) -> Result<Option<(&str, &Metadata)>> {
        let Some(issuer) = &self.settings.issuer else { return Ok(None) };
        let metadata = self.settings.metadata.get_or_try_init(|| self.fetch(issuer)).await?;
        Ok(Some((issuer, metadata)))
    }

    async fn fetch(&self, issuer: &str) -> Result<Metadata> {
        let mut told = None;
        for address in addresses(&endpoint::parse(issuer, "issuer")?)? {
            let reply = self.get(&address, Content::default()).await.map_err(unasked)?;
            let status = reply.status.as_u16();
            match (status, serde_json::from_slice(&reply.body)) {
                (200, Ok(map)) => return Metadata::read(map, issuer),
                (200, Err(_)) => told = Some(failed(format!("what is at {address} is no JSON object"))),
                (400..=499, _) => {
                    let why = format!("{} has no metadata: answered {status}", quoted(issuer));
                    told.get_or_insert(failed(why + "; give its URLs one by one, from OAuth2::token_url on"));
                }
                (300..=399, _) => return Err(failed(format!("{address} redirects, which is not followed"))),
                _ => return Err(failed(format!("{address} answered {status}"))),
            }
        }
        Err(told.unwrap_or_else(|| failed(format!("{} has no metadata", quoted(issuer)))))
    }
}

/// Where the metadata of `issuer` may be: OpenID Connect adds to its path, RFC 8414 goes before it.
fn addresses(issuer: &Uri) -> Result<[Uri; 2]> {
    let origin = Origin::of(issuer).map(|origin| origin.to_string()).unwrap_or_default();
    let path = issuer.path().trim_end_matches('/');
    let uri = |text: String| text.parse().map_err(|_| failed(format!("{} is no issuer", quoted(&origin))));
    Ok([
        uri(format!("{origin}{path}/.well-known/openid-configuration"))?,
        uri(format!("{origin}/.well-known/oauth-authorization-server{path}"))?,
    ])
}

/// Whether `named` is the issuer that was asked for: the same text but for a slash at its end, and one name of this
/// machine for another.
pub(super) fn is_issuer(asked: &str, named: &str) -> bool {
    if asked.trim_end_matches('/') == named.trim_end_matches('/') {
        return true;
    }
    let (Ok(asked), Ok(named)) = (endpoint::parse(asked, "issuer"), endpoint::parse(named, "issuer")) else {
        return false;
    };
    let path = |uri: &Uri| uri.path().trim_end_matches('/').to_owned();
    endpoint::is_same(&asked, &named) && path(&asked) == path(&named) && asked.query() == named.query()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metadata_is_looked_for_where_both_standards_say() {
        for (issuer, openid, oauth) in [
            ("https://id.test", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
            ("https://id.test/", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
            (
                "https://id.test/realms/x/",
                "/realms/x/.well-known/openid-configuration",
                "/.well-known/oauth-authorization-server/realms/x",
            ),
        ] {
            let [one, other] = addresses(&issuer.parse().unwrap()).unwrap();
            assert_eq!(one, *format!("https://id.test{openid}"));
            assert_eq!(other, *format!("https://id.test{oauth}"));
        }
    }

    #[test]
    fn o32_metadata_is_of_the_issuer_that_was_asked_for() {
        for (asked, named, same) in [
            ("https://id.test", "https://id.test", true),
            ("https://id.test", "https://id.test/", true),
            ("https://id.test/a/", "https://id.test/a", true),
            ("https://id.test", "https://ID.test:443", true),
            ("http://localhost:8", "http://127.0.0.1:8", true),
            ("http://[::1]:8/a", "http://localhost:8/a", true),
            ("http://localhost:8", "http://127.0.0.1:9", false),
            ("http://localhost:8", "http://evil.test:8", false),
            ("https://id.test", "https://id.test/b", false),
            ("https://id.test", "https://id.test.evil.test", false),
            ("https://id.test", "https://id.test?x", false),
            ("https://id.test", "", false),
        ] {
            assert_eq!(is_issuer(asked, named), same, "{asked} {named}");
        }
    }

    fn read(metadata: Value) -> Result<Metadata> {
        let Value::Object(map) = metadata else { panic!("an object") };
        Metadata::read(map, "https://id.test")
    }

    fn settings(trusted: &[&str]) -> Settings {
        let mut oauth = super::super::OAuth2::issuer("https://id.test");
        for origin in trusted {
            oauth = oauth.trust(*origin);
        }
        oauth.0
    }

    #[test]
    fn o31_an_endpoint_of_another_origin_needs_trust() {
        for (endpoint, trusted, code) in [
            ("https://id.test/token", &[][..], "good"),
            ("https://id.test:443/token", &[], "good"),
            ("https://token.test/a", &["https://token.test"], "good"),
            ("https://token.test/a", &["https://token.test/other"], "good"),
            ("https://token.test/a", &[], ".trust(\"https://token.test\")"),
            ("https://token.test/a", &["https://token.test:8443"], ".trust("),
            ("http://id.test/token", &[], "in the clear"),
            ("http://localhost/token", &[], ".trust("),
            ("file:///etc/passwd", &[], "no URL that can be asked"),
            ("javascript:alert(1)", &[], "of no use"),
            ("$(x)", &[], "no absolute URL"),
            ("https://u:CNRY@id.test/", &[], "user name"),
        ] {
            let metadata = read(json!({"issuer": "https://id.test", "token_endpoint": endpoint})).unwrap();
            let placed = metadata.place(Place::Token, &settings(trusted), "https://id.test");
            let told = placed.map_or_else(|error| error.to_string(), |_| "good".to_owned());
            assert!(told.contains(code) && !told.contains("CNRY"), "{endpoint}: {told}");
        }
    }

    #[test]
    fn what_is_not_offered_is_told_by_its_name() {
        let metadata = read(json!({"issuer": "https://id.test", "token_endpoint": 7})).unwrap();
        for place in Place::ALL {
            let error = metadata.place(*place, &settings(&[]), "https://id.test").unwrap_err();
            assert_eq!(error.code(), "auth.denied");
            assert!(error.to_string().contains(place.name()), "{error}");
        }
        assert!(read(json!({"token_endpoint": "https://id.test/t"})).is_err());
        assert!(read(json!({"issuer": ["https://id.test"]})).is_err());
    }
}
