//! Keys that check tokens, fetched by a client.

use std::fmt;

use serde::Deserialize;

use crate::{
    auth::Auth,
    body::BoxFuture,
    client::Client,
    error::{Error, ErrorKind, Result},
    jwt::{JwkSource, JwtKeys},
};

/// Where a client finds a set of keys.
struct Found {
    client: Client,
    place: Place,
}

enum Place {
    /// At a URL of its own.
    Set(String),
    /// Where an OpenID provider says.
    Provider(String),
}

impl Client {
    /// The keys of the set at `url` (JWKS), fetched by this client without its credentials, when a token is checked.
    ///
    /// ```
    /// # use restwalk::{Client, JwtChecker};
    /// let client = Client::builder("https://id.example.com").build()?;
    /// let keys = client.jwt_keys("https://id.example.com/keys");
    /// let checker = JwtChecker::new(keys).issuers(["https://id.example.com"]).audience(["my-api"]);
    /// # Ok::<(), restwalk::Error>(())
    /// ```
    pub fn jwt_keys(&self, url: impl Into<String>) -> JwtKeys {
        JwtKeys::fetched(Found { client: self.clone(), place: Place::Set(url.into()) })
    }

    /// The keys of the OpenID provider `issuer`, by its `/.well-known/openid-configuration`; as [`Client::jwt_keys`].
    ///
    /// Nothing is asked before a token is checked, so a provider that is away does not hold a program up.
    pub fn jwt_keys_of(&self, issuer: impl Into<String>) -> JwtKeys {
        JwtKeys::fetched(Found { client: self.clone(), place: Place::Provider(issuer.into()) })
    }
}

impl Found {
    async fn text(&self, url: &str) -> Result<Vec<u8>> {
        let response = self.client.at(url).get().auth(Auth::none()).send().await?;
        Ok(response.bytes().await?.to_vec())
    }
}

impl JwkSource for Found {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>>> {
        Box::pin(async move {
            match &self.place {
                Place::Set(url) => self.text(url).await,
                Place::Provider(issuer) => {
                    let document = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
                    let set = set_of(&self.text(&document).await?, &document)?;
                    self.text(&set).await
                }
            }
        })
    }
}

/// Where the provider's document says that its keys are; not in the clear, where the document was not.
fn set_of(text: &[u8], document: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Provider {
        jwks_uri: String,
    }
    let wrong = |why: &str| Error::coded(ErrorKind::Auth, "jwt.keys", format!("the provider's configuration {why}"));
    let provider: Provider = serde_json::from_slice(text).map_err(|_| wrong("names no jwks_uri"))?;
    let clear = |url: &str| !url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    if clear(&provider.jwks_uri) && !clear(document) {
        return Err(wrong("names a jwks_uri that is not https"));
    }
    Ok(provider.jwks_uri)
}

/// Shows where the keys are, and nothing of the client.
impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Set(_) => f.write_str("fetched from a set"),
            Place::Provider(_) => f.write_str("fetched from a provider"),
        }
    }
}
