//! What a server says of a token and of the person it is for.

use http::{HeaderMap, header::AUTHORIZATION};
use serde_json::{Map, Value};

use super::{
    super::{
        answer::failed,
        endpoint::Place,
        form::Form,
        wire::{Content, Reply, unasked},
    },
    Session,
};
use crate::{
    error::{Error, ErrorKind, Problem, Result},
    header, jwt,
    secret::{Masks, Secret},
};

impl Session {
    /// Asks the server who is signed in (OpenID Connect Core 1.0, section 5.3), as a JSON object.
    ///
    /// # Errors
    /// `Auth` where nobody is, where the server has no such place, or where it speaks of somebody else than the ID token
    /// does.
    pub async fn user_info(&self) -> Result<Value> {
        let wire = self.wire()?;
        let uri = wire.place(Place::UserInfo).await?;
        let mut again = true;
        loop {
            let held = self.renewal.token(|| self.carrier.now()).await?;
            let reply = wire.get(&uri, bearer(held.value())?).await.map_err(unasked)?;
            if reply.status.as_u16() == 401 && again && self.renewal.refused(&held, || self.carrier.now()).await? {
                again = false;
                continue;
            }
            let info = reply.object(Place::UserInfo)?;
            let known = held.record.id_token.as_ref().and_then(|token| jwt::claims(token.expose()));
            let known = known.as_ref().and_then(|claims| claims.get("sub"));
            if known.is_some_and(|known| info.get("sub") != Some(known)) {
                let why = "the server speaks of somebody else than the ID token does";
                return Err(Error::coded(ErrorKind::Auth, "auth.denied", why));
            }
            return Ok(Value::Object(info));
        }
    }

    /// Asks the server about the access token (RFC 7662), as a JSON object with `active`.
    ///
    /// # Errors
    /// `Auth` where there is no token, or the server does not tell.
    pub async fn introspect(&self) -> Result<Value> {
        let wire = self.wire()?;
        let uri = wire.place(Place::Introspection).await?;
        let held = self.renewal.token(|| self.carrier.now()).await?;
        let form = Form::default().with("token", held.value().clone()).with("token_type_hint", "access_token");
        let reply = wire.post(&uri, &form).await.map_err(unasked)?;
        reply.object(Place::Introspection).map(Value::Object)
    }
}

/// The header that carries `token`, with what keeps an echo of it out of messages.
pub(in super::super) fn bearer(token: &Secret) -> Result<Content> {
    let text = Secret::from(format!("Bearer {}", token.expose()));
    let value = header::secret(text.expose()).ok_or_else(|| failed("the token cannot stand in a header"))?;
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    let mut masks = Masks::default();
    masks.add_headers(&headers);
    Ok(Content { headers, masks, ..Content::default() })
}

impl Reply {
    /// The JSON object that a success is.
    pub(in super::super) fn object(&self, place: Place) -> Result<Map<String, Value>> {
        let place = place.name();
        if self.status.is_success() {
            let read = serde_json::from_slice(&self.body);
            return read.map_err(|_| failed(format!("what the {place} answered is no JSON object")));
        }
        let problem = Problem::from_json(&self.body, None, &|text| self.masks.apply(text));
        let told = problem.as_ref().and_then(Problem::message).map(|told| format!(": {told}")).unwrap_or_default();
        let code = if matches!(self.status.as_u16(), 400..=499) { "auth.denied" } else { "auth.refresh_failed" };
        let why = format!("the {place} answered {}{told}", self.status.as_u16());
        Err(Error::coded(ErrorKind::Auth, code, why).with_status(Some(self.status)))
    }
}
