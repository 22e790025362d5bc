//! Who calls are signed in as: by credentials of their own, those that a route asks for by name, or the client's.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, header::USER_AGENT};

use super::{
    Client, Core, Options,
    whose::{inherent, usual},
};
use crate::{
    auth::{Around, Auth, Prepared},
    error::{ErrorKind, Fault, Result, quoted},
    request::Request,
};

/// The name for no credentials at all.
const NO_AUTH: &str = "none";

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
fn find(named: &[Named], name: &str) -> Result<Arc<Prepared>, Fault> {
    let found = named.iter().find(|known| known.name == name).ok_or_else(|| {
        let name = quoted(name);
        let why = format!("the route asks for the credentials {name}; give them by .auth_as({name}, ..)");
        Fault::new(ErrorKind::Auth, "auth.required", why)
    })?;
    found.prepared.clone()
}

impl Client {
    /// The call's own credentials, else those that the route asks for by name, else the client's.
    pub(crate) fn credentials(&self, options: &Options, route: Option<&str>) -> Result<Arc<Prepared>> {
        let core = &self.core;
        match (&options.auth, route) {
            (Some(auth), _) => Ok(Arc::new(auth.prepare(&core.around())?)),
            (None, Some(NO_AUTH)) => Ok(Arc::new(Auth::none().prepare(&core.around())?)),
            (None, Some(name)) => Ok(find(&core.named, name)?),
            (None, None) => Ok(Arc::clone(core.credentials.as_ref().map_err(Fault::clone)?)),
        }
    }

    /// Attaches `credentials`; with others than the client's usual ones, its secret headers stay behind.
    pub(crate) fn sign<B>(
        wire: &mut http::Request<B>,
        request: &Request,
        apart: bool,
        (credentials, needs_actor): (&Prepared, bool),
    ) -> Result<()> {
        if apart {
            let inherited = |(name, value): &(&HeaderName, &HeaderValue)| value.is_sensitive() && !request.sets(name);
            let inherited: Vec<_> = wire.headers().iter().filter(inherited).map(|(name, _)| name.clone()).collect();
            for name in &inherited {
                wire.headers_mut().remove(name);
            }
        }
        credentials.attach(wire, needs_actor, |name| request.sets(name))
    }
}

impl Core {
    /// What credentials are prepared for.
    pub(super) fn around(&self) -> Around<'_> {
        let agent = self.headers.get(USER_AGENT).map(|agent| (USER_AGENT, agent.clone()));
        Around {
            actor: self.actor.as_deref(),
            origin: self.base.origin(),
            transport: &self.transport,
            headers: agent.into_iter().collect(),
        }
    }

    /// Prepares the credentials anew, for another actor, other credentials or another origin.
    pub(super) fn sign(&mut self) {
        self.credentials = self.auth.prepare(&self.around()).and_then(|prepared| match prepared.clash(&self.headers) {
            Some(name) => {
                let why = format!("the header {name} comes from .auth(..) and from .header(..); keep one of them");
                Err(Fault::new(ErrorKind::Request, "config", why))
            }
            None => Ok(Arc::new(prepared)),
        });
        self.inherent = inherent(&self.headers, self.certificate.as_ref());
        self.usual = usual(self);
        let mut named = std::mem::take(&mut self.named);
        let around = self.around();
        for named in &mut named {
            named.prepare(&around);
        }
        self.named = named;
        if let Ok(credentials) = &self.credentials {
            self.limiter = self.partition(&self.place.origin, None, credentials, &self.limit);
            let named = self.named.iter().filter_map(|named| named.prepared.as_ref().ok());
            let masks = self.settings.joined(credentials.masks());
            self.masks = Arc::new(named.fold(masks, |masks, named| masks.joined(named.masks())));
        }
    }
}
