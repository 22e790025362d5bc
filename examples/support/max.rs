//! A small MAX server in memory, which answers as a live one does: a service for examples and tests.
//!
//! Usernames are lower-cased, an unknown path and a wrong method are a 404 in HTML, and
//! without the three `X-Oauth-*` headers everything but `/info` is a 401.

// Each program that includes this file uses a part of it.
#![allow(dead_code)]

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Multipart, Path, Request, State},
    http::{HeaderMap, Method, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get},
};
use restwalk::Auth;
use serde_json::{Value, json};

mod answer;
mod record;
mod store;

use answer::{Answer, Page, Refusal, Sent, made, not_found};
pub(crate) use record::Record;
use store::{Actor, Person, Server, hash_of, one, those, with};

/// The service, and the record of what reaches it.
pub(crate) fn service() -> (Router, Record) {
    let record = Record::default();
    let routes = Router::new()
        .merge(people())
        .merge(activities())
        .merge(contexts())
        .merge(conversations())
        .route_layer(middleware::from_fn(signed_in))
        .route("/info", only(get(info)))
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(DefaultBodyLimit::disable())
        .with_state(Server::default());
    let service = Router::new()
        .fallback_service(routes)
        .layer(middleware::from_fn(override_method))
        .layer(middleware::from_fn_with_state(record.clone(), Record::keep));
    (service, record)
}

/// The three headers by which a person signs in, as the client describes them.
pub(crate) fn sign_in(token: &str) -> Auth {
    Auth::headers([("X-Oauth-Token", "{token}"), ("X-Oauth-Username", "{actor}"), ("X-Oauth-Scope", "{scope}")])
        .with("token", token)
        .with("scope", "widgetcli")
}

async fn signed_in(headers: HeaderMap, request: Request, next: Next) -> Answer {
    let names = ["x-oauth-token", "x-oauth-username", "x-oauth-scope"];
    if names.iter().all(|name| headers.contains_key(*name)) {
        Ok(next.run(request).await)
    } else {
        Err(Refusal::unauthorized())
    }
}

/// `X-HTTP-Method-Override`, which a server obeys on POST only.
async fn override_method(mut request: Request, next: Next) -> Response {
    let given = request.headers().get("x-http-method-override").and_then(|value| value.as_bytes().try_into().ok());
    if let (&Method::POST, Some(method)) = (request.method(), given) {
        *request.method_mut() = method;
    }
    next.run(request).await
}

/// Without the HEAD that a GET brings along.
fn only(methods: MethodRouter<Server>) -> MethodRouter<Server> {
    methods.head(not_found)
}

async fn info() -> Json<Value> {
    Json(json!({ "version": "5.1.5", "max.oauth_server": "http://local/oauth" }))
}

fn people() -> Router<Server> {
    let list = async |State(server): State<Server>, page: Page| {
        page.of(&server.store().people.values().cloned().collect::<Vec<_>>())
    };
    Router::new()
        .route("/people", get(list).post(add_person))
        .route("/people/{username}", only(get(person).post(make_person).put(change_person).delete(remove_person)))
        .route("/people/{username}/avatar", only(get(avatar).post(set_avatar)))
        .route("/people/{username}/activities", get(person_activities).post(add_activity))
        .route("/people/{username}/timeline", get(timeline))
        .route("/people/{username}/subscriptions", get(subscriptions).post(subscribe))
}

async fn add_person(state: State<Server>, sent: Sent) -> Answer {
    let name = sent.text("username")?.to_lowercase();
    make_person(state, Person(name), sent).await
}

async fn make_person(State(server): State<Server>, Person(name): Person, sent: Sent) -> Answer {
    let mut store = server.store();
    if let Some(known) = store.people.get(&name) {
        return Ok(made(false, known.clone()));
    }
    let mut person = with(sent, [("id", store.id().into())]);
    person["username"] = name.clone().into();
    store.people.insert(name, person.clone());
    Ok(made(true, person))
}

async fn person(State(server): State<Server>, Person(name): Person) -> Answer {
    Ok(Json(server.store().person(&name)?.clone()).into_response())
}

async fn change_person(State(server): State<Server>, Person(name): Person, sent: Sent) -> Answer {
    let mut store = server.store();
    let mut person = store.person(&name)?.clone();
    sent.0.into_iter().filter(|(key, _)| key != "username").for_each(|(key, value)| person[key] = value);
    store.people.insert(name, person.clone());
    Ok(made(false, person))
}

async fn remove_person(State(server): State<Server>, Person(name): Person) -> Answer {
    let mut store = server.store();
    store.person(&name)?;
    store.people.remove(&name);
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn avatar(State(server): State<Server>, Person(name): Person) -> Answer {
    let (content_type, bytes) =
        server.store().avatars.get(&name).cloned().ok_or_else(|| Refusal::unknown("AvatarNotFound", &name))?;
    Ok(answer::bytes(content_type, bytes))
}

/// A form with the part `file`; the part `json_data`, where there is one, must be JSON.
async fn set_avatar(State(server): State<Server>, Person(name): Person, mut form: Multipart) -> Answer {
    let broken = |_| Refusal::missing("valid form");
    let mut file = None;
    while let Some(part) = form.next_field().await.map_err(broken)? {
        let (field, content_type) = (part.name().map(str::to_owned), part.content_type().map(str::to_owned));
        let bytes = part.bytes().await.map_err(broken)?;
        match field.as_deref() {
            Some("file") => file = Some((content_type.unwrap_or_default(), bytes)),
            Some("json_data") => {
                serde_json::from_slice::<Value>(&bytes).map_err(|_| Refusal::missing("valid json_data"))?;
            }
            _ => {}
        }
    }
    let file = file.ok_or_else(|| Refusal::missing("file"))?;
    let size = file.1.len();
    server.store().avatars.insert(name, file);
    Ok(made(true, json!({ "uploaded": true, "size": size })))
}

async fn person_activities(State(server): State<Server>, Person(name): Person, page: Page) -> Answer {
    let store = server.store();
    store.person(&name)?;
    Ok(page.of(&those(&store.activities, |activity| activity["actor"] == name)))
}

async fn add_activity(State(server): State<Server>, Person(name): Person, sent: Sent) -> Answer {
    let mut store = server.store();
    store.person(&name)?;
    store.post(&name, sent)
}

/// What the person wrote, and what was written in the contexts that they follow.
async fn timeline(State(server): State<Server>, Person(name): Person, page: Page) -> Answer {
    let store = server.store();
    store.person(&name)?;
    let follows = |hash: &Value| hash.as_str().is_some_and(|h| store.subscriptions.contains(&(name.clone(), h.into())));
    Ok(page.of(&those(&store.activities, |activity| activity["actor"] == name || follows(&activity["context"]))))
}

async fn subscriptions(State(server): State<Server>, Person(name): Person, page: Page) -> Answer {
    Ok(page.of(&server.store().contexts_of(&name)))
}

async fn subscribe(State(server): State<Server>, Person(name): Person, sent: Sent) -> Answer {
    let hash = hash_of(&sent.text("object.url")?);
    let mut store = server.store();
    let context = store.context(&hash)?.clone();
    let new = store.subscriptions.insert((name, hash));
    Ok(made(new, context))
}

fn activities() -> Router<Server> {
    let list = async |State(server): State<Server>, page: Page| page.of(&server.store().activities);
    Router::new()
        .route("/activities", get(list))
        .route("/activities/{id}", only(get(activity).delete(remove_activity)))
        .route("/activities/{id}/comments", get(comments).post(add_comment))
}

async fn activity(State(server): State<Server>, Path(id): Path<String>) -> Answer {
    Ok(Json(one(&server.store().activities, &id)?).into_response())
}

async fn remove_activity(State(server): State<Server>, Path(id): Path<String>) -> Answer {
    let mut store = server.store();
    one(&store.activities, &id)?;
    store.activities.retain(|activity| activity["id"] != id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn comments(State(server): State<Server>, Path(id): Path<String>, page: Page) -> Answer {
    Ok(page.of(&those(&server.store().comments, |comment| comment["activity"] == id)))
}

async fn add_comment(State(server): State<Server>, Path(id): Path<String>, Actor(actor): Actor, sent: Sent) -> Answer {
    let mut store = server.store();
    one(&store.activities, &id)?;
    sent.text("object.content")?;
    let comment = with(sent, [("id", store.id().into()), ("actor", actor.into()), ("activity", id.into())]);
    store.comments.push(comment.clone());
    Ok(made(true, comment))
}

fn contexts() -> Router<Server> {
    let list = async |State(server): State<Server>, page: Page| {
        page.of(&server.store().contexts.values().cloned().collect::<Vec<_>>())
    };
    Router::new()
        .route("/contexts", get(list).post(make_context))
        .route("/contexts/{hash}", only(get(context).delete(remove_context)))
        .route("/contexts/{hash}/activities", get(context_activities).post(add_context_activity))
        .route("/contexts/{hash}/subscriptions/{username}", delete(unsubscribe))
}

async fn make_context(State(server): State<Server>, sent: Sent) -> Answer {
    let hash = hash_of(&sent.text("url")?);
    let mut store = server.store();
    if let Some(known) = store.contexts.get(&hash) {
        return Ok(made(false, known.clone()));
    }
    let context = with(sent, [("id", store.id().into()), ("hash", hash.clone().into())]);
    store.contexts.insert(hash, context.clone());
    Ok(made(true, context))
}

async fn context(State(server): State<Server>, Path(hash): Path<String>) -> Answer {
    Ok(Json(server.store().context(&hash)?.clone()).into_response())
}

async fn remove_context(State(server): State<Server>, Path(hash): Path<String>) -> Answer {
    let mut store = server.store();
    store.context(&hash)?;
    store.contexts.remove(&hash);
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn context_activities(State(server): State<Server>, Path(hash): Path<String>, page: Page) -> Answer {
    let store = server.store();
    store.context(&hash)?;
    Ok(page.of(&those(&store.activities, |activity| activity["context"] == hash)))
}

async fn add_context_activity(
    State(server): State<Server>,
    Path(hash): Path<String>,
    Actor(actor): Actor,
    mut sent: Sent,
) -> Answer {
    let mut store = server.store();
    store.context(&hash)?;
    sent.0.insert("context".into(), hash.into());
    store.post(&actor, sent)
}

async fn unsubscribe(State(server): State<Server>, Path((hash, name)): Path<(String, String)>) -> Answer {
    if server.store().subscriptions.remove(&(name.to_lowercase(), hash)) {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(Refusal::unknown("ObjectNotFound", &name))
    }
}

fn conversations() -> Router<Server> {
    let list = async |State(server): State<Server>, page: Page| page.of(&server.store().conversations);
    Router::new()
        .route("/conversations", get(list).post(add_conversation))
        .route("/conversations/{id}", only(get(conversation)))
        .route("/conversations/{id}/messages", get(messages).post(add_message))
}

/// A conversation begins with its first message.
async fn add_conversation(State(server): State<Server>, Actor(actor): Actor, sent: Sent) -> Answer {
    sent.text("object.content")?;
    let mut store = server.store();
    let conversation = with(sent, [("id", store.id().into()), ("actor", actor.into())]);
    let mut message = conversation.clone();
    message["conversation"] = conversation["id"].clone();
    message["id"] = store.id().into();
    store.messages.push(message);
    store.conversations.push(conversation.clone());
    Ok(made(true, conversation))
}

async fn conversation(State(server): State<Server>, Path(id): Path<String>) -> Answer {
    Ok(Json(one(&server.store().conversations, &id)?).into_response())
}

async fn messages(State(server): State<Server>, Path(id): Path<String>, page: Page) -> Answer {
    Ok(page.of(&those(&server.store().messages, |message| message["conversation"] == id)))
}

async fn add_message(State(server): State<Server>, Path(id): Path<String>, Actor(actor): Actor, sent: Sent) -> Answer {
    sent.text("object.content")?;
    let mut store = server.store();
    one(&store.conversations, &id)?;
    let message = with(sent, [("id", store.id().into()), ("actor", actor.into()), ("conversation", id.into())]);
    store.messages.push(message.clone());
    Ok(made(true, message))
}
