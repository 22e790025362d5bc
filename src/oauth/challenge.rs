//! What a 401 says of where its tokens come from (RFC 6750, section 3; RFC 9728).

use http::{HeaderMap, header::WWW_AUTHENTICATE};

use super::{
    Settings,
    endpoint::{self, Place},
};
use crate::error::{Error, ErrorKind, Result, printable, quoted};

/// The parameters by which servers name who gives their tokens.
const NAMES: [&str; 4] = ["issuer", "authorization_uri", "authorization_server", "as_uri"];

impl Settings {
    /// Whether a refusal leaves the client with the server it was given.
    ///
    /// # Errors
    /// `Auth` with the code `auth.required` where the API asks for a token of another server. Nothing that was meant
    /// for the one goes to the other.
    pub(super) fn stays(&self, answer: &HeaderMap) -> Result<()> {
        let Some(named) = named(answer) else { return Ok(()) };
        let Ok(uri) = endpoint::parse(&named, "issuer") else { return Ok(()) };
        let given = self.places.iter().filter(|(place, _)| *place == Place::Token).map(|(_, url)| url);
        let own: Vec<_> = self.issuer.iter().chain(given).chain(&self.trusted).collect();
        let is_own = |own: &&String| endpoint::parse(own, "issuer").is_ok_and(|own| endpoint::is_same(&own, &uri));
        if own.iter().any(is_own) {
            return Ok(());
        }
        let signed_in = own.first().map(|own| quoted(own)).unwrap_or_default();
        let why = format!(
            "the API asks for a token of {}, and this client signs in at {signed_in}; nothing was sent there. \
             If both are one, say so by .trust(..)",
            printable(&named)
        );
        Err(Error::coded(ErrorKind::Auth, "auth.required", why))
    }
}

/// The server that a challenge names.
fn named(headers: &HeaderMap) -> Option<String> {
    let mut texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    texts.find_map(|text| parameters(text).find(|(name, _)| NAMES.contains(&name.as_str())).map(|(_, value)| value))
}

/// The parameters of challenges, in their order; schemes are passed over.
fn parameters(text: &str) -> impl Iterator<Item = (String, String)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            let end = rest.find([' ', '\t', ',', '='])?;
            let (name, after) = rest.split_at(end);
            rest = after.trim_start_matches([' ', '\t']);
            let Some(value) = rest.strip_prefix('=') else { continue };
            let (value, after) = value_of(value.trim_start_matches([' ', '\t']));
            rest = after;
            return Some((name.to_ascii_lowercase(), value));
        }
    })
}

/// A value, as it is or in quotes, and what comes after it.
fn value_of(text: &str) -> (String, &str) {
    let Some(inner) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find([',', ' ', '\t']).unwrap_or(text.len()));
        return (value.to_owned(), rest);
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => {
                escaped = true;
                continue;
            }
            '"' => return (value, &inner[at + 1..]),
            _ => {}
        }
        value.push(c);
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn stays(challenge: &str) -> Result<()> {
        let settings = super::super::OAuth2::issuer("https://id.test/a").trust("https://alias.test").0;
        let mut headers = HeaderMap::new();
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_str(challenge).unwrap());
        settings.stays(&headers)
    }

    #[test]
    fn o31_an_api_that_names_another_issuer_gets_nothing() {
        for good in [
            "Bearer",
            "Bearer realm=\"api\"",
            "Bearer error=\"invalid_token\", error_description=\"ended, issuer=https://evil.test\"",
            "Bearer issuer=\"https://id.test\"",
            "Bearer authorization_uri=https://id.test/authorize, error=invalid_token",
            "Bearer authorization_uri=\"https://alias.test/common\"",
            "Bearer issuer=\"no url\"",
            "Digest realm=\"x\", nonce=\"y\"",
            "Bearer resource_metadata=\"https://api.test/.well-known/oauth-protected-resource\"",
        ] {
            assert!(stays(good).is_ok(), "{good}");
        }
        for bad in [
            "Bearer issuer=\"https://evil.test\"",
            "Basic realm=\"x\", Bearer realm=\"\\\"\", ISSUER = \"https://evil.test\"",
            "Bearer authorization_uri=https://evil.test",
            "Bearer as_uri=\"https://evil.te\\st\"",
        ] {
            let error = stays(bad).unwrap_err();
            assert_eq!(error.code(), "auth.required");
            let told = error.to_string();
            assert!(told.contains("https://evil.test") && told.contains("https://id.test"), "{told}");
        }
    }

    proptest! {
        #[test]
        fn every_challenge_comes_to_an_end(text in "[ -~]{0,200}") {
            prop_assert!(parameters(&text).count() <= text.len());
        }
    }
}
