//! A call looked at before it is sent: as a request, explained, or as a `curl` line.

use std::sync::Arc;

use super::Call;
use crate::{
    auth::Prepared,
    body::Body,
    client::{Client, IDEMPOTENCY_KEY},
    error::Result,
    request::{Explanation, to_curl},
};

impl Call {
    /// The request as data, without credentials, and without an idempotency key that the catalog has made up.
    ///
    /// # Errors
    /// The first mistake in the path, the arguments, or how they fit the method.
    pub fn build(&self) -> Result<http::Request<Body>> {
        let mut wire = self.request.build(&self.client.context())?;
        if let Some(key) = self.options.key(&self.request)? {
            wire.headers_mut().insert(IDEMPOTENCY_KEY, key.clone());
        }
        Ok(wire)
    }

    /// The request as data, with the credentials of its first attempt, each marked sensitive; in place of one that is
    /// made when it is sent stands `***`.
    ///
    /// # Errors
    /// As [`Call::build`], and `Auth` for credentials that cannot be used.
    pub fn build_signed(&self) -> Result<http::Request<Body>> {
        let context = self.client.context();
        let plan = self.request.plan(&context)?;
        let mut wire = self.build()?;
        let credentials = self.credentials()?;
        let apart = self.options.auth.is_some() || plan.auth.is_some();
        Client::sign(&mut wire, &self.request, apart, (&credentials, plan.needs_actor))?;
        credentials.show(wire.headers_mut());
        Ok(wire)
    }

    /// The query parameter that carries the credentials, if one does; what shows the request hides its value.
    ///
    /// # Errors
    /// `Auth` for credentials that cannot be used.
    pub fn secret_query(&self) -> Result<Option<String>> {
        Ok(self.credentials()?.query_name().map(str::to_owned))
    }

    /// What it signs in by.
    pub(super) fn credentials(&self) -> Result<Arc<Prepared>> {
        let route = self.request.route(self.client.catalog()).ok().flatten();
        self.client.credentials(&self.options, route.and_then(|route| route.auth(&self.request.method)))
    }

    /// What would be sent and where each part came from.
    ///
    /// # Errors
    /// As [`Call::build`].
    pub fn explain(&self) -> Result<Explanation> {
        self.request.explain(&self.client.context())
    }

    /// A `curl` line for a POSIX shell that sends the same request.
    ///
    /// Credentials stand as shell variables named after their header, such as `"$AUTHORIZATION"`, whose value is
    /// the header's whole value, `Bearer …` included.
    ///
    /// # Errors
    /// As [`Call::build`], and `Request` for a body that a command line cannot hold.
    pub fn to_curl(&self) -> Result<String> {
        let wire = self.build_signed()?;
        let (context, credentials) = (self.client.context(), self.credentials()?);
        to_curl(&self.request, &context, &wire, credentials.query_name())
    }
}
