//! What a MAX server knows, and how its handlers come to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::Value;

use super::answer::{Answer, Refusal, Sent, made};

/// All that the server knows; lists stand with the oldest first.
#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Mutex<Store>>);

#[derive(Default)]
pub(crate) struct Store {
    pub(crate) people: BTreeMap<String, Value>,
    pub(crate) avatars: BTreeMap<String, (String, Bytes)>,
    pub(crate) contexts: BTreeMap<String, Value>,
    /// Who follows which context, by its hash.
    pub(crate) subscriptions: BTreeSet<(String, String)>,
    pub(crate) activities: Vec<Value>,
    pub(crate) comments: Vec<Value>,
    pub(crate) conversations: Vec<Value>,
    pub(crate) messages: Vec<Value>,
    made: u64,
}

impl Server {
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// An identifier, the same in every run.
    pub(crate) fn id(&mut self) -> String {
        self.made += 1;
        format!("{:024x}", self.made)
    }

    pub(crate) fn person(&self, name: &str) -> Result<&Value, Refusal> {
        self.people.get(name).ok_or_else(|| Refusal::unknown("UnknownUserError", name))
    }

    pub(crate) fn context(&self, hash: &str) -> Result<&Value, Refusal> {
        self.contexts.get(hash).ok_or_else(|| Refusal::unknown("ObjectNotFound", hash))
    }

    pub(crate) fn contexts_of(&self, name: &str) -> Vec<Value> {
        let hashes = self.subscriptions.iter().filter(|(person, _)| person == name);
        hashes.filter_map(|(_, hash)| self.contexts.get(hash).cloned()).collect()
    }

    pub(crate) fn post(&mut self, actor: &str, sent: Sent) -> Answer {
        sent.text("object.content")?;
        let activity = with(sent, [("id", self.id().into()), ("actor", actor.into())]);
        self.activities.push(activity.clone());
        Ok(made(true, activity))
    }
}

/// What was sent, and the members that are the server's to give.
pub(crate) fn with<const N: usize>(sent: Sent, members: [(&str, Value); N]) -> Value {
    let mut thing = sent.0;
    thing.extend(members.map(|(name, value)| (name.to_owned(), value)));
    thing.into()
}

pub(crate) fn those(things: &[Value], wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    things.iter().filter(|thing| wanted(thing)).cloned().collect()
}

pub(crate) fn one(things: &[Value], id: &str) -> Result<Value, Refusal> {
    let found = things.iter().find(|thing| thing["id"] == id).cloned();
    found.ok_or_else(|| Refusal::unknown("ObjectNotFound", id))
}

pub(crate) fn hash_of(url: &str) -> String {
    sha1_smol::Sha1::from(url).hexdigest()
}

/// The username of the path, in lower case.
pub(crate) struct Person(pub(crate) String);

impl FromRequestParts<Server> for Person {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Response> {
        let path = Path::<BTreeMap<String, String>>::from_request_parts(parts, server).await;
        let Path(path) = path.map_err(IntoResponse::into_response)?;
        Ok(Self(path.get("username").map(|name| name.to_lowercase()).unwrap_or_default()))
    }
}

/// Who acts, in lower case.
pub(crate) struct Actor(pub(crate) String);

impl FromRequestParts<Server> for Actor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Server) -> Result<Self, Refusal> {
        let name = parts.headers.get("x-oauth-username").and_then(|value| value.to_str().ok());
        name.map(|name| Self(name.to_lowercase())).ok_or_else(Refusal::unauthorized)
    }
}
