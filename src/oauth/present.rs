//! How a token is attached to a request: by the headers of templates.

use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{held::Held, renewal::Renewal, source::Source, wire::Carrier};
use crate::{
    auth::{Around, Credential, Prepared, Sign, fault, named, number},
    body::{Body, BoxFuture},
    correlation::Correlation,
    error::{Fault, Result},
    header,
    secret::Secret,
    template,
};

/// A token that is kept good, as credentials.
#[derive(Debug)]
pub(crate) struct Presented {
    number: u64,
    pub(super) renewal: Arc<Renewal>,
}

impl Presented {
    pub(super) fn new(renewal: Renewal) -> Self {
        Self { number: number(), renewal: Arc::new(renewal) }
    }

    /// The templates of the headers: `Authorization`, or those that the caller gave.
    fn templates(&self) -> Vec<(String, String)> {
        match &self.renewal.source {
            Source::OAuth(settings, _) if !settings.headers.is_empty() => settings.headers.clone(),
            Source::OAuth(settings, _) => vec![("authorization".to_owned(), format!("{} {{token}}", settings.scheme))],
            Source::Own(_) => vec![("authorization".to_owned(), "Bearer {token}".to_owned())],
        }
    }
}

impl Carrier {
    /// What carries the requests of this client.
    pub(super) fn of(around: &Around<'_>) -> Self {
        Self {
            transport: Arc::clone(around.transport),
            headers: around.headers.clone(),
            home: around.origin.clone(),
            work: Correlation::new(),
        }
    }

    /// The same for a request that is made now, as part of the work around.
    pub(super) fn now(&self) -> Self {
        Self { work: Correlation::current(), ..self.clone() }
    }
}

impl Credential for Presented {
    fn prepare(self: Arc<Self>, around: &Around<'_>, prepared: &mut Prepared) -> Result<(), Fault> {
        let account = match &self.renewal.source {
            Source::OAuth(settings, _) => {
                settings.check()?;
                settings.account.clone()
            }
            Source::Own(_) => None,
        };
        let actor = around.actor.map(str::to_owned).or(account);
        let mut headers = Vec::new();
        for (named, template) in self.templates() {
            let value = |name: &str| match name {
                "token" | "scope" => Some("***"),
                "actor" => actor.as_deref(),
                _ => None,
            };
            match template::fill(&template, value) {
                Ok(shown) => prepared.stand_in(&named, &shown)?,
                Err("actor") => {
                    prepared.missing.push(named);
                    continue;
                }
                Err(name) => {
                    let why = format!(
                        "no value for {} in a header of the token: there are token, scope and actor",
                        crate::error::quoted(name)
                    );
                    return Err(fault(why));
                }
            }
            headers.push((header::name(&named)?, template));
        }
        let signer = Signer { renewal: Arc::clone(&self.renewal), headers, actor, carrier: Carrier::of(around) };
        prepared.signed_by(self.number, Arc::new(signer));
        Ok(())
    }
}

/// Puts the token into requests, and hears when it is refused.
struct Signer {
    renewal: Arc<Renewal>,
    headers: Vec<(HeaderName, String)>,
    actor: Option<String>,
    carrier: Carrier,
}

impl Signer {
    /// The value of a header for this token.
    fn value(&self, template: &str, held: &Held) -> Result<HeaderValue> {
        let asked = match &self.renewal.source {
            Source::OAuth(settings, _) if held.scope().is_none() => settings.scope(),
            _ => None,
        };
        let scope = held.scope().or(asked.as_deref()).unwrap_or_default();
        let value = |name: &str| match name {
            "token" => Some(held.value().expose()),
            "scope" => Some(scope),
            _ => self.actor.as_deref(),
        };
        let wrong = || fault("the token cannot stand in a header");
        let filled = Secret::from(template::fill(template, value).map_err(|_| wrong())?);
        Ok(header::secret(filled.expose()).ok_or_else(wrong)?)
    }
}

impl Sign for Signer {
    fn sign<'a>(&'a self, request: &'a mut http::Request<Body>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let held = self.renewal.token(|| self.carrier.now()).await?;
            for (name, template) in &self.headers {
                if !request.headers().contains_key(name) {
                    request.headers_mut().insert(name, self.value(template, &held)?);
                }
            }
            Ok(())
        })
    }

    fn refused<'a>(&'a self, sent: &'a HeaderMap, answer: &'a HeaderMap) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            if let Source::OAuth(settings, _) = &self.renewal.source {
                settings.stays(answer)?;
            }
            let Some(held) = self.renewal.held() else { return Ok(true) };
            // A header that says nothing of the token may be the call's own, and tells nothing either.
            let mut telling = self.headers.iter().filter(|(_, template)| template.contains("{token}"));
            let is_of = |value: &HeaderValue, template: &str| self.value(template, &held).is_ok_and(|own| own == value);
            if telling.any(|(name, template)| sent.get(name).is_some_and(|sent| is_of(sent, template))) {
                return self.renewal.refused(&held, || self.carrier.now()).await;
            }
            // A later token than the refused one is there already.
            Ok(true)
        })
    }

    fn identity(&self) -> BoxFuture<'_, Result<Option<Secret>>> {
        Box::pin(async move {
            let whose = self.renewal.whose(|| self.carrier.now()).await?;
            let headers = self.headers.iter().map(|(name, template)| (name.as_str(), template.as_str()));
            let rest = [("actor", self.actor.as_deref().unwrap_or_default()), ("whose", whose.expose())];
            Ok(Some(named(headers.chain(rest))))
        })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("renewal", &self.renewal).finish_non_exhaustive()
    }
}
