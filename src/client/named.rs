//! Credentials that a catalog's routes ask for by name.

use std::sync::Arc;

use crate::{
    auth::{Around, Auth, Prepared},
    error::{ErrorKind, Fault, quoted},
};

/// The name for no credentials at all.
pub(super) const NO_AUTH: &str = "none";

/// Credentials of a name.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) name: String,
    auth: Auth,
    pub(super) prepared: Result<Arc<Prepared>, Fault>,
}

impl Named {
    pub(super) fn new(name: String, auth: Auth) -> Self {
        Self { name, auth, prepared: Err(Fault::request("not signed in yet")) }
    }

    /// Prepares them anew, for another actor or origin.
    pub(super) fn prepare(&mut self, around: &Around<'_>) {
        self.prepared = self.auth.prepare(around).map(Arc::new);
    }

    /// Whether they can be used.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.name == NO_AUTH {
            return Err(Fault::request("credentials cannot be named none, which stands for no credentials"));
        }
        self.prepared.as_ref().map(|_| ()).map_err(Fault::clone)
    }
}

/// Those of `name`.
pub(super) fn find(named: &[Named], name: &str) -> Result<Arc<Prepared>, Fault> {
    let found = named.iter().find(|known| known.name == name).ok_or_else(|| {
        let name = quoted(name);
        let why = format!("the route asks for the credentials {name}; give them by .auth_as({name}, ..)");
        Fault::new(ErrorKind::Auth, "auth.required", why)
    })?;
    found.prepared.clone()
}
