//! Places of an environment that documents name: which are asked, and by whom.

use super::{Environment, settings::SignIn};
use crate::{
    client::{Client, ClientBuilder},
    discover::Discover,
    error::Result,
    request::Base,
};

impl Environment {
    /// Whether a document is to be asked first, by [`Environment::discover`], before it can make a client.
    pub fn is_elsewhere(&self) -> bool {
        self.base_place().is_some() || self.token_place().is_some()
    }

    /// Where its base URL is to be found, while it is not known.
    pub(super) fn base_place(&self) -> Option<&Discover> {
        let place = self.settings.base_url.as_ref()?.discover()?;
        (self.base_url().is_none()).then_some(place)
    }

    /// Where its token endpoint is to be found, while it is not known and is needed.
    pub(super) fn token_place(&self) -> Option<&Discover> {
        let Some(SignIn::OAuth(oauth)) = &self.settings.auth else { return None };
        let place = oauth.token_place()?;
        (self.found.token_url.is_none() && self.own.auth.is_none()).then_some(place)
    }

    /// A client with its way to the network, its proxy and certificates, and nothing else of it.
    ///
    /// # Errors
    /// `Auth` where the proxy's URL is not to be had, `Request` where its certificates cannot be read.
    pub fn scout(&self) -> Result<ClientBuilder> {
        self.connect(Client::builder(self.base_url().unwrap_or("http://localhost")))
    }

    /// Asks the documents that its file names for the places in them, as nobody and by way of `client`, which
    /// [`Environment::scout`] makes; they are kept in what is returned.
    ///
    /// # Errors
    /// As for [`Discover::find`].
    pub async fn discover(&self, client: &Client) -> Result<Self> {
        let mut found = self.clone();
        if let Some(place) = self.base_place() {
            found.found.base_url = Some(place.find(client).await?);
        }
        if let Some(place) = found.token_place() {
            let catalog = found.catalog()?;
            let base = Base::parse(&found.named(&catalog)?, &self.settings.variables)?;
            found.found.token_url = Some(place.clone().behind(&base).find(client).await?);
        }
        Ok(found)
    }
}
