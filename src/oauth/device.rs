//! The device grant (RFC 8628): a person signs in elsewhere, with a code that is shown here.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    OAuth2,
    answer::{Grant as Asked, failed, refusal},
    endpoint::{self, Place},
    form::Form,
    pkce::{METHOD, Verifier},
    source::{Grant, Interact},
    wire::{Granted, Wire, unasked},
};
use crate::{
    auth::Auth,
    body::BoxFuture,
    error::{Error, ErrorKind, Result, printable},
    retry::Retry,
    secret::Secret,
};

mod polling;
mod prompt;

pub use prompt::DevicePrompt;

use polling::{Polling, Told, told};

/// The grant's name.
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

impl OAuth2 {
    /// Lets a person sign in elsewhere, with a code that `prompt` shows them (RFC 8628), where nothing is kept of an
    /// earlier sign-in.
    ///
    /// The server is asked every few seconds, as often as it wants, until they have signed in or the code has ended.
    /// A client without a secret proves that it is the one that began (RFC 7636).
    pub fn device(self, prompt: impl Fn(&DevicePrompt) -> Result<()> + Send + Sync + 'static) -> Auth {
        self.granted(Grant::Interactive(Arc::new(Device::new(prompt))))
    }
}

/// Shows a code to a person.
type Prompt = dyn Fn(&DevicePrompt) -> Result<()> + Send + Sync;

pub(super) struct Device {
    prompt: Box<Prompt>,
}

impl Device {
    pub(super) fn new(prompt: impl Fn(&DevicePrompt) -> Result<()> + Send + Sync + 'static) -> Self {
        Self { prompt: Box::new(prompt) }
    }

    async fn run(&self, wire: &Wire) -> Result<Granted> {
        let verifier = if wire.settings.secret.is_none() { Some(Verifier::new()?) } else { None };
        let began = Instant::now();
        let (code, prompt, polling) = begin(wire, verifier.as_ref()).await?;
        (self.prompt)(&prompt)?;
        let form = Form::grant(GRANT).with("device_code", code).maybe("code_verifier", verifier.map(|it| it.0));
        poll(wire, &wire.settings.further(form), polling, began).await
    }
}

impl Interact for Device {
    fn sign_in<'a>(&'a self, wire: &'a Wire) -> BoxFuture<'a, Result<Granted>> {
        Box::pin(self.run(wire))
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Device")
    }
}

/// Asks for a code.
async fn begin(wire: &Wire, verifier: Option<&Verifier>) -> Result<(Secret, DevicePrompt, Polling)> {
    let uri = wire.place(Place::Device).await?;
    let challenge = verifier.map(Verifier::challenge);
    let form = Form::default()
        .maybe("code_challenge", challenge.as_deref())
        .maybe("code_challenge_method", challenge.as_deref().map(|_| METHOD));
    let reply = wire.post(&uri, &wire.settings.asked(form)).await.map_err(unasked)?;
    if reply.status.is_redirection() {
        return Err(failed("the device endpoint answered with a redirect, which is not followed"));
    }
    match serde_json::from_slice::<Map<String, Value>>(&reply.body) {
        Ok(map) if reply.status.is_success() && !map.contains_key("error") => code(&map),
        Err(_) if reply.status.is_success() => Err(failed("the device endpoint's answer is no JSON object")),
        _ => Err(refusal(Asked::Once, reply.status, &reply.body, &|text| reply.masks.apply(text))),
    }
}

/// Reads the code that a server gave, and checks what a person is shown.
fn code(map: &Map<String, Value>) -> Result<(Secret, DevicePrompt, Polling)> {
    let text = |name: &str| map.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let lacks = |name: &str| failed(format!("the device endpoint's answer has no {name}"));
    let shown = |url: &str, name: &str| {
        endpoint::shown(url, name).map_err(|fault| failed(Error::from(fault).reason().to_owned()))
    };
    let code = text("device_code").ok_or_else(|| lacks("device_code"))?;
    let user_code = text("user_code").ok_or_else(|| lacks("user_code"))?;
    // Some servers wrote it so before the standard did.
    let uri = text("verification_uri").or_else(|| text("verification_url"));
    let uri = uri.ok_or_else(|| lacks("verification_uri"))?;
    let complete = text("verification_uri_complete").map(|uri| shown(uri, "verification_uri_complete"));
    let polling = Polling::new(map.get("interval"), map.get("expires_in"));
    let prompt = DevicePrompt {
        user_code: printable(user_code),
        verification_uri: shown(uri, "verification_uri")?,
        verification_uri_complete: complete.transpose()?,
        expires_in: polling.lasts(),
    };
    Ok((Secret::from(code), prompt, polling))
}

/// Asks for the token until there is one, or never will be.
async fn poll(wire: &Wire, form: &Form, mut polling: Polling, began: Instant) -> Result<Granted> {
    let uri = wire.place(Place::Token).await?;
    let retry = Retry::standard();
    while let Some(wait) = polling.wait(began.elapsed()) {
        tokio::time::sleep(wait).await;
        let heard = match wire.post(&uri, form).await {
            Ok(reply) => match told(reply.status, &reply.body, retry.asked(&reply.headers, reply.wall)) {
                Some(told) => told,
                None => return wire.settings.checked(reply.granted(Asked::Once, &wire.settings)?, None),
            },
            Err(error) => {
                tracing::debug!(error.r#type = error.code(), "could not ask whether the person has signed in");
                Told::Failed(None)
            }
        };
        polling.hear(&heard);
    }
    Err(Error::coded(ErrorKind::Auth, "auth.expired", "the time to sign in is over; start again"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(answer: Value) -> Result<DevicePrompt> {
        let Value::Object(map) = answer else { panic!("an object") };
        code(&map).map(|(_, prompt, _)| prompt)
    }

    #[test]
    fn o56_a_code_is_fit_to_print() {
        let prompt = read(json!({
            "device_code": "DC", "user_code": "A\u{1b}[2JB\u{202e}", "verification_uri": "https://id.test/d",
        }));
        let prompt = prompt.unwrap();
        assert_eq!(prompt.user_code, "A\\u{1b}[2JB\\u{202e}");
        assert!(prompt.to_string().chars().all(|c| c == '\n' || !c.is_control()));
    }

    #[test]
    fn o40_no_person_is_sent_to_a_strange_address() {
        for bad in ["file:///etc/passwd", "javascript:alert(1)", "$(x)", "https://id.test/\" --flag", "http://id.test/"]
        {
            for name in ["verification_uri", "verification_uri_complete"] {
                let mut answer =
                    json!({"device_code": "CNRY", "user_code": "U", "verification_uri": "https://id.test/d"});
                answer[name] = bad.into();
                let error = read(answer).unwrap_err();
                assert_eq!(error.code(), "auth.refresh_failed");
                assert!(error.to_string().contains(name) && !error.to_string().contains("CNRY"), "{error}");
            }
        }
        for (name, value) in [("device_code", json!(7)), ("user_code", json!("")), ("verification_uri", Value::Null)] {
            let mut answer = json!({"device_code": "D", "user_code": "U", "verification_uri": "https://id.test/d"});
            answer[name] = value;
            assert!(read(answer).unwrap_err().to_string().contains(name));
        }
        let older = json!({"device_code": "D", "user_code": "U", "verification_url": "https://id.test/d"});
        assert_eq!(read(older).unwrap().verification_uri, "https://id.test/d");
    }
}
