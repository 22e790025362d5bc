//! Where an OAuth server is asked: which URLs may be, and how edX's are put together.

use std::net::IpAddr;

use http::Uri;

use crate::{
    error::{ErrorKind, Fault, quoted},
    request::Origin,
};

/// What an OAuth server is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Token,
    Device,
    Authorization,
    Revocation,
    Introspection,
    UserInfo,
    Registration,
}

impl Place {
    pub(super) const ALL: &'static [Self] = &[
        Self::Token,
        Self::Device,
        Self::Authorization,
        Self::Revocation,
        Self::Introspection,
        Self::UserInfo,
        Self::Registration,
    ];

    /// Its URL among those of several.
    pub(crate) fn of(self, places: &[(Self, String)]) -> Option<&str> {
        places.iter().find(|(place, _)| *place == self).map(|(_, url)| url.as_str())
    }

    /// The name in a server's metadata (RFC 8414).
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Token => "token_endpoint",
            Self::Device => "device_authorization_endpoint",
            Self::Authorization => "authorization_endpoint",
            Self::Revocation => "revocation_endpoint",
            Self::Introspection => "introspection_endpoint",
            Self::UserInfo => "userinfo_endpoint",
            Self::Registration => "registration_endpoint",
        }
    }
}

/// Reads the URL of an endpoint: `https`, or `http` to this machine, without a user or a fragment.
pub(crate) fn parse(text: &str, what: &str) -> Result<Uri, Fault> {
    let wrong = |why: &str| Fault::new(ErrorKind::Auth, "config", format!("the {what} {} {why}", quoted(text)));
    if text.len() > 2_048 {
        return Err(Fault::new(ErrorKind::Auth, "config", format!("the {what} is longer than 2,048 bytes")));
    }
    let url = url::Url::parse(text).map_err(|_| wrong("is no absolute URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Fault::new(
            ErrorKind::Auth,
            "config",
            format!("the {what} holds a user name; give it by .client(..)"),
        ));
    }
    if url.fragment().is_some() {
        return Err(wrong("has a fragment"));
    }
    let uri: Uri = url.as_str().parse().map_err(|_| wrong("is no URL that can be asked"))?;
    match url.scheme() {
        "https" => Ok(uri),
        "http" if is_loopback(&uri) => Ok(uri),
        "http" => Err(wrong("would send secrets in the clear; use https")),
        _ => Err(wrong("is neither https nor http to this machine")),
    }
}

/// Checks a URL that a person is shown, or a browser given: what [`parse`] wants, and nothing that a shell, a terminal
/// or an option of a program could take for its own. A fragment is let be.
pub(crate) fn shown(text: &str, what: &str) -> Result<String, Fault> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'`\\<>{}|^".contains(&byte);
    if !text.bytes().all(plain) {
        let why = format!("the {what} {} holds a character that no URL has", quoted(text));
        return Err(Fault::new(ErrorKind::Auth, "config", why));
    }
    parse(text.split('#').next().unwrap_or_default(), what)?;
    Ok(text.to_owned())
}

/// Whether `uri` is of this machine: `localhost`, `127.0.0.0/8` or `::1`.
pub(crate) fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether what `issuer` names may be trusted with secrets: it is of the same origin, or both are this machine at one
/// port under one scheme.
pub(crate) fn is_same(issuer: &Uri, named: &Uri) -> bool {
    let (Some(one), Some(other)) = (Origin::of(issuer), Origin::of(named)) else { return false };
    let here = is_loopback(issuer) && is_loopback(named);
    one == other || here && one.scheme() == other.scheme() && one.port() == other.port()
}

/// The token URL that edX's client makes of a base URL, and of what an `oauth_uri` adds to it.
pub(crate) fn edx(base: &str, oauth_uri: &str) -> String {
    let given = format!("{}{oauth_uri}", if oauth_uri.is_empty() { base } else { base.trim_end_matches('/') });
    let bare = given.trim_end_matches('/');
    if bare.ends_with("/access_token") {
        given
    } else if bare.ends_with("/oauth2") {
        format!("{bare}/access_token")
    } else {
        format!("{bare}/oauth2/access_token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e1_a_token_url_of_edx() {
        for (base, expected) in [
            ("http://x", "http://x/oauth2/access_token"),
            ("http://x/", "http://x/oauth2/access_token"),
            ("http://x///", "http://x/oauth2/access_token"),
            ("http://x/oauth2", "http://x/oauth2/access_token"),
            ("http://x/oauth2/", "http://x/oauth2/access_token"),
            ("http://x/oauth2/access_token", "http://x/oauth2/access_token"),
            ("http://x/oauth2/access_token/", "http://x/oauth2/access_token/"),
            ("http://x/foo/access_token", "http://x/foo/access_token"),
            ("http://x/oauth2/token", "http://x/oauth2/token/oauth2/access_token"),
            ("http://x/OAuth2", "http://x/OAuth2/oauth2/access_token"),
        ] {
            assert_eq!(edx(base, ""), expected);
        }
    }

    #[test]
    fn e2_an_oauth_uri_is_added_to_the_base() {
        for (base, oauth_uri, expected) in [
            ("http://testing.test", "", "http://testing.test/oauth2/access_token"),
            ("http://testing.test", "/edx", "http://testing.test/edx/oauth2/access_token"),
            ("http://testing.test", "/edx/oauth2", "http://testing.test/edx/oauth2/access_token"),
            ("http://testing.test", "/edx/oauth2/access_token", "http://testing.test/edx/oauth2/access_token"),
            ("http://testing.test/oauth2", "", "http://testing.test/oauth2/access_token"),
            (
                "http://testing.test/test",
                "/edx/oauth2/access_token",
                "http://testing.test/test/edx/oauth2/access_token",
            ),
            ("http://testing.test/", "/edx", "http://testing.test/edx/oauth2/access_token"),
        ] {
            assert_eq!(edx(base, oauth_uri), expected);
        }
    }

    #[test]
    fn o02_secrets_go_over_tls_or_stay_on_this_machine() {
        for good in ["https://id.test/token?x=1", "http://localhost:1/t", "http://127.0.0.9/t", "http://[::1]:1/t"] {
            assert!(parse(good, "token URL").is_ok(), "{good}");
        }
        for bad in [
            "http://id.test/token",
            "http://localhost.evil.test/token",
            "http://127.0.0.1.evil.test/token",
            "ftp://localhost/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "/token",
            "",
            "https://u:CNRY@id.test/",
            "https://id.test/#CNRY",
        ] {
            let error = crate::Error::from(parse(bad, "token URL").unwrap_err());
            assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "config"), "{bad}");
            assert!(bad.contains('#') || !error.to_string().contains("CNRY"), "{error}");
        }
    }

    #[test]
    fn o40_what_a_person_or_a_browser_is_sent_to_is_a_plain_url() {
        let long = format!("https://id.test/{}", "a".repeat(10 << 10));
        for good in ["https://id.test/device?user_code=AB-CD", "https://id.test/#/device", "http://localhost:3/d"] {
            assert_eq!(shown(good, "verification_uri").unwrap(), good);
        }
        for bad in [
            "file:///etc/passwd",
            "$(x)",
            "https://id.test/\" --flag",
            "https://id.test/ --flag",
            "--flag",
            "-https://id.test/",
            "javascript:alert(1)",
            "https://id.test/\u{1b}[2J",
            "https://id.test/\n",
            " https://id.test/",
            "https://id.test/é",
            "http://id.test/",
            "data:text/html,x",
            &long,
            "",
        ] {
            let error = crate::Error::from(shown(bad, "verification_uri").unwrap_err());
            assert_eq!(error.kind(), ErrorKind::Auth);
            assert!(error.to_string().len() < 400 && !error.to_string().contains('\u{1b}'), "{error}");
        }
    }

    #[test]
    fn an_endpoint_is_of_its_issuer_or_of_this_machine() {
        for (issuer, named, same) in [
            ("https://id.test/a", "https://id.test/token", true),
            ("https://id.test", "https://id.test:443/token", true),
            ("https://id.test", "https://token.id.test/", false),
            ("https://id.test", "http://id.test/", false),
            ("http://localhost:8", "http://127.0.0.1:8/token", true),
            ("http://[::1]:8", "http://localhost:8/token", true),
            ("http://localhost:8", "http://localhost:9/token", false),
            ("http://localhost:8", "https://localhost:8/token", false),
        ] {
            assert_eq!(is_same(&issuer.parse().unwrap(), &named.parse().unwrap()), same, "{issuer} {named}");
        }
    }
}
