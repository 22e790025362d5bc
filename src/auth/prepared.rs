//! Credentials prepared for one origin, and how they are attached to its requests.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, OnceLock},
};

use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{AUTHORIZATION, COOKIE},
    uri::PathAndQuery,
};
use sha2::{Digest, Sha256};

use super::{cookie::KeyCookie, fault, sign::Sign, whose::Whose};
use crate::{
    body::Body,
    cache::Identity,
    error::{Error, ErrorKind, Fault, Result, quoted},
    header,
    request::Origin,
    secret::{Masks, Secret, feed},
};

/// Credentials ready to be attached to requests of their origin.
pub(crate) struct Prepared {
    origin: Origin,
    headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) query: Option<(String, Secret)>,
    pub(super) cookie: Option<KeyCookie>,
    /// Headers that need an actor, where none is set.
    pub(crate) missing: Vec<String>,
    pub(super) masks: Masks,
    /// What makes credentials anew for each attempt, and the number by which it is told from others.
    signer: Option<(u64, Arc<dyn Sign>)>,
    /// Headers that the signer adds, each with what is shown in its place.
    stand_ins: Vec<(HeaderName, HeaderValue)>,
    whose: OnceLock<Whose>,
}

impl Prepared {
    /// Nothing, for requests of `origin`.
    pub(super) fn new(origin: &Origin) -> Self {
        Self {
            origin: origin.clone(),
            headers: Vec::new(),
            query: None,
            cookie: None,
            missing: Vec::new(),
            masks: Masks::default(),
            signer: None,
            stand_ins: Vec::new(),
            whose: OnceLock::new(),
        }
    }

    /// Leaves the signing to `signer`, which counts as the same wherever `id` is.
    pub(crate) fn signed_by(&mut self, id: u64, signer: Arc<dyn Sign>) {
        self.signer = Some((id, signer));
    }

    /// Names a header that the signer adds, and what is shown in its place.
    pub(crate) fn stand_in(&mut self, name: &str, shown: &str) -> Result<(), Fault> {
        self.header(name, shown)?;
        self.stand_ins.extend(self.headers.pop());
        Ok(())
    }

    /// A number that stands for these credentials, within this process only.
    pub(crate) fn partition(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.signer.as_ref().map(|(id, _)| id).hash(&mut hasher);
        for (name, value) in &self.headers {
            (name.as_str(), value.as_bytes()).hash(&mut hasher);
        }
        self.query.as_ref().map(|(name, key)| (name, key.expose())).hash(&mut hasher);
        self.cookie.as_ref().map(KeyCookie::pair).hash(&mut hasher);
        hasher.finish()
    }

    /// Whose the answers are that a cache keeps, the same in every process; asked for once all is prepared.
    pub(crate) fn whose(&self) -> &Whose {
        self.whose.get_or_init(|| match &self.signer {
            Some((number, signer)) => Whose::Ask(Arc::clone(signer), *number, self.fixed()),
            None if self.headers.is_empty() && self.query.is_none() && self.cookie.is_none() => {
                Whose::Known(Identity::default())
            }
            None => Whose::Known(self.fixed()),
        })
    }

    /// What stands for all that is attached to every request, under which names.
    fn fixed(&self) -> Identity {
        let mut hash = Sha256::new();
        let mut part = |kind: &[u8], name: &str, value: &[u8]| {
            for text in [kind, name.as_bytes(), value] {
                feed(&mut hash, text);
            }
        };
        for (name, value) in &self.headers {
            part(b"header", name.as_str(), value.as_bytes());
        }
        if let Some((name, key)) = &self.query {
            part(b"query", name, key.expose().as_bytes());
        }
        if let Some(cookie) = &self.cookie {
            part(b"cookie", "", cookie.pair().as_bytes());
        }
        hash.finalize().into()
    }

    pub(crate) fn header(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let shown = quoted(name);
        let name = header::name(name)?;
        let value = header::secret(value).ok_or_else(|| {
            fault(format!("the credential for the header {shown} holds a character that headers do not"))
        })?;
        self.headers.push((name, value));
        Ok(())
    }

    /// The secrets in it, to be masked wherever a server echoes them.
    pub(crate) fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Whether `value` is one of its own.
    pub(crate) fn holds(&self, value: &HeaderValue) -> bool {
        self.headers.iter().any(|(_, own)| own == value)
    }

    /// The first of its headers that `headers` has too.
    pub(crate) fn clash(&self, headers: &HeaderMap) -> Option<&HeaderName> {
        let own = self.headers.iter().chain(&self.stand_ins);
        own.map(|(name, _)| name).find(|name| headers.contains_key(*name))
    }

    /// Whether they put a header of this name into requests, unless the call does.
    pub(crate) fn sets(&self, name: &HeaderName) -> bool {
        self.headers.iter().chain(&self.stand_ins).any(|(own, _)| own == name)
    }

    /// The query parameter that carries a key, to be shown as a placeholder.
    pub(crate) fn query_name(&self) -> Option<&str> {
        self.query.as_ref().map(|(name, _)| name.as_str())
    }

    /// Attaches the credentials, to a request of their origin only; a header that the call itself set stands.
    pub(crate) fn attach<B>(
        &self,
        request: &mut http::Request<B>,
        needs_actor: bool,
        own: impl Fn(&HeaderName) -> bool,
    ) -> Result<()> {
        if !self.origin.holds(request.uri()) {
            return Ok(());
        }
        if needs_actor && let Some(name) = self.missing.first() {
            let why = format!("the header {} needs an actor; name one with .actor(..)", quoted(name));
            return Err(fault(why).into());
        }
        for (name, value) in &self.headers {
            if !own(name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        if let Some(cookie) = &self.cookie {
            cookie.put(request.headers_mut(), own(&COOKIE));
        }
        // One that stands there is the call's own, or an echo in a link of the server.
        if let Some((name, key)) = &self.query
            && !has_query(request.uri(), name)
        {
            *request.uri_mut() = with_query(request.uri(), name, key.expose())?;
        }
        Ok(())
    }
}

impl Prepared {
    /// What signs each attempt, if anything does.
    pub(crate) fn signer(&self) -> Option<&Arc<dyn Sign>> {
        self.signer.as_ref().map(|(_, signer)| signer)
    }

    /// Lets the signer sign `request`, where it is of the credentials' origin, and holds it to one `Authorization`;
    /// whether it did. It lets be what stands there already.
    pub(crate) async fn sign(&self, request: &mut http::Request<Body>) -> Result<bool> {
        let Some(signer) = self.signer().filter(|_| self.origin.holds(request.uri())) else { return Ok(false) };
        if !self.stand_ins.is_empty() && self.stand_ins.iter().all(|(name, _)| request.headers().contains_key(name)) {
            return Ok(false);
        }
        signer.sign(request).await?;
        if request.headers().get_all(AUTHORIZATION).iter().nth(1).is_some() {
            return Err(fault("the request has two Authorization headers; let one of them be set").into());
        }
        Ok(true)
    }

    /// Shows in `headers` what the signer would add to them.
    pub(crate) fn show(&self, headers: &mut HeaderMap) {
        for (name, shown) in &self.stand_ins {
            if !headers.contains_key(name) {
                headers.insert(name, shown.clone());
            }
        }
    }
}

fn has_query(uri: &Uri, name: &str) -> bool {
    url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).any(|(known, _)| known == name)
}

fn with_query(uri: &Uri, name: &str, value: &str) -> Result<Uri> {
    let wrong = || Error::new(ErrorKind::Auth, "the API key cannot stand in the URL");
    let pair = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    let separator = if uri.query().is_some() { '&' } else { '?' };
    let current = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{current}{separator}{pair}").parse().map_err(|_| wrong())?);
    Uri::from_parts(parts).map_err(|_| wrong())
}
