//! What a client says of itself, and of the work that it is part of.

use http::HeaderName;

use super::{AGENT, ClientBuilder, Named};
use crate::{
    auth::Auth,
    correlation::X_REQUEST_ID,
    error::{Fault, Result, quoted},
    header,
};

/// How calls are told to be part of the work around.
#[derive(Debug, Clone)]
pub(crate) struct Propagation {
    /// The header of a request's id.
    pub(crate) id: HeaderName,
    given: Option<String>,
    pub(crate) makes_ids: bool,
    pub(crate) makes_spans: bool,
}

impl Default for Propagation {
    fn default() -> Self {
        Self { id: X_REQUEST_ID, given: None, makes_ids: false, makes_spans: false }
    }
}

impl Propagation {
    /// The same with the header's name read.
    pub(super) fn checked(&self) -> Result<Self, Fault> {
        let Some(given) = &self.given else { return Ok(self.clone()) };
        if header::is_secret(given) {
            return Err(Fault::request(format!("the header {} holds credentials, and no request's id", quoted(given))));
        }
        Ok(Self { id: header::name(given)?, ..self.clone() })
    }
}

impl ClientBuilder {
    /// Gives the credentials for which a catalog's routes ask by `name`, as `auth: admin` does; the last of a name counts.
    ///
    /// The client's usual ones stay behind there, with its headers that hold secrets and the cookies of its jar.
    /// A route with `auth: none` gets none, and credentials of the call itself win over both.
    ///
    /// ```
    /// # use restwalk::{Auth, Catalog, Client};
    /// let catalog = "resources: {keys: {route: /keys, auth: admin}, health: {route: /health, auth: none}}";
    /// let client = Client::builder("https://api.example.com")
    ///     .catalog(Catalog::from_yaml(catalog, "")?)
    ///     .auth(Auth::bearer("mine"))
    ///     .auth_as("admin", Auth::basic("root", "s3cret"))
    ///     .build()?;
    /// # Ok::<(), restwalk::Error>(())
    /// ```
    pub fn auth_as(mut self, name: impl Into<String>, auth: Auth) -> Self {
        let name = name.into();
        self.named.retain(|named| named.name != name);
        self.named.push(Named::new(name, auth));
        self
    }

    /// Names the program and its version, such as `svc/1.2`, after this crate's in `User-Agent`:
    /// `restwalk/0.1.0 svc/1.2`. An empty one counts as none, and nothing of the machine is told.
    pub fn application(mut self, name: impl Into<String>) -> Self {
        self.application = name.into();
        self
    }

    /// Sets the first part of `User-Agent`, this crate's name and version by default, which an empty one stands for.
    pub fn user_agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = agent.into();
        self
    }

    /// The whole `User-Agent`.
    pub(super) fn agent(&self) -> String {
        let agent = if self.agent.is_empty() { AGENT } else { &self.agent };
        if self.application.is_empty() { agent.to_owned() } else { format!("{agent} {}", self.application) }
    }

    /// Names the header that carries the id of a [`Correlation`](crate::Correlation); `X-Request-ID` by default.
    pub fn request_id_header(mut self, name: impl Into<String>) -> Self {
        self.propagation.given = Some(name.into());
        self
    }

    /// Whether a call makes up a request's id where none is around, the same for all its attempts; off by default.
    pub fn make_request_id(mut self, make: bool) -> Self {
        self.propagation.makes_ids = make;
        self
    }

    /// Whether each attempt is a span of its own, in the trace around or else in a new one; off by default.
    ///
    /// The span is told to the server in `traceparent`, and to a subscriber in the field of that name. Turn it on
    /// where that is all the tracing there is: a `traceparent` around the call is else passed on as it is.
    pub fn make_spans(mut self, make: bool) -> Self {
        self.propagation.makes_spans = make;
        self
    }
}
