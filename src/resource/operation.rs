//! Named operations of the catalog: `client.call("addUser").param("username", "ada")`.

use std::fmt;

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

use super::Call;
use crate::{
    catalog::{Catalog, MethodPolicy, Node, Part, Route, Variable},
    client::Client,
    error::{Fault, Result, quoted},
    path::{Path, Segment},
    request::Request,
};

/// A call by its operation's name; path variables are given by [`Operation::param`].
#[derive(Clone)]
#[must_use = "an operation does nothing until it is sent"]
pub struct Operation {
    client: Client,
    name: String,
    params: Vec<(String, String)>,
    call: Call,
}

/// The answer of a named operation: whether it went well, its status, and its content.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reply {
    /// Whether the status is a success.
    pub ok: bool,
    /// The status.
    pub status: StatusCode,
    /// The parsed JSON; `null` for an empty answer, and text that is no JSON as a string.
    pub content: Value,
}

impl Client {
    /// Describes the catalog's operation `name`.
    pub fn call(&self, name: &str) -> Operation {
        let method = self.catalog().operation(name).map_or(Method::GET, |(_, policy)| policy.method.clone());
        let call = Call::new(self.clone(), Request::new(method, Path::root()));
        Operation { client: self.clone(), name: name.to_owned(), params: Vec::new(), call }
    }
}

macro_rules! pass {
    ($($(#[$doc:meta])* $name:ident ( $($argument:ident : $type:ty),* ) $(<$generic:ident>)?)*) => {$(
        $(#[$doc])*
        pub fn $name $(<$generic: Serialize>)? (mut self, $($argument: $type),*) -> Self {
            self.call = self.call.$name($($argument),*);
            self
        }
    )*};
}

impl Operation {
    /// Gives the path variable `name` its value: text or an integer.
    pub fn param(mut self, name: impl Into<String>, value: impl Segment) -> Self {
        let name = name.into();
        self.params.retain(|(known, _)| *known != name);
        self.params.push((name, value.value().as_str().to_owned()));
        self
    }

    pass! {
        /// Sets one key of the body; see [`Call::set`].
        set(name: impl Into<String>, value: T) <T>
        /// Merges an object over the defaults; see [`Call::json`].
        json(value: T) <T>
        /// Sends `value` as the whole body; see [`Call::data`].
        data(value: T) <T>
        /// Removes an inherited key; see [`Call::unset`].
        unset(name: impl Into<String>)
        /// Adds a query parameter; see [`Call::query`].
        query(name: impl Into<String>, value: T) <T>
        /// Sets a header; see [`Call::header`].
        header(name: impl AsRef<str>, value: impl AsRef<str>)
        /// Uploads a file; see [`Call::upload_file`].
        upload_file(path: impl Into<std::path::PathBuf>)
        /// Uploads a part; see [`Call::upload`].
        upload(part: crate::multipart::Part)
    }

    /// The call that the operation stands for, its path filled.
    pub fn into_call(self) -> Call {
        let Self { client, name, params, mut call } = self;
        match resolve(&client, &name, &params) {
            Ok(path) => {
                call.request.path = path;
                call.request.operation = true;
            }
            Err(fault) => call.request.path = Path::faulty(fault),
        }
        call
    }

    /// Sends the operation; any status is a [`Reply`].
    ///
    /// # Errors
    /// As [`Call::send_raw`], and those of reading the answer.
    pub async fn send(self) -> Result<Reply> {
        let response = self.into_call().fetch_raw().await?;
        let (ok, status) = (response.is_success(), response.status());
        let text = response.text().await?;
        let content = match text.trim() {
            "" => Value::Null,
            json => serde_json::from_str(json).unwrap_or(Value::String(text)),
        };
        Ok(Reply { ok, status, content })
    }

    /// Asks for the number of what the operation would list, by HEAD; see [`Call::count`].
    ///
    /// # Errors
    /// As [`Call::count`].
    pub async fn count(self) -> Result<u64> {
        let mut call = self.into_call();
        call.request.method = Method::HEAD;
        call.count().await
    }
}

/// Fills the operation's route by its parameters, each one used.
fn resolve(client: &Client, name: &str, params: &[(String, String)]) -> Result<Path, Fault> {
    let catalog = client.catalog();
    let Some((route, policy)) = catalog.operation(name) else {
        if catalog.is_open() {
            let why = format!("no operation {}: the client has no catalog; give it one by .catalog(..)", quoted(name));
            return Err(Fault::path(why));
        }
        let near = catalog.nearest_operation(name).map(|near| format!("; did you mean \"{near}\"?"));
        return Err(Fault::path(format!("no operation {}{}", quoted(name), near.unwrap_or_default())));
    };
    let variables = variables(catalog, route);
    let known: Vec<_> =
        variables.iter().flat_map(|variable| [Some(variable.name()), variable.param.as_deref()]).flatten().collect();
    if let Some((unknown, _)) = params.iter().find(|(given, _)| !known.contains(&given.as_str())) {
        let known = if known.is_empty() { "none".into() } else { known.join(", ") };
        return Err(Fault::path(format!("{name} has no path parameter {}; it has {known}", quoted(unknown))));
    }
    let mut path = Path::root();
    let mut variables = variables.into_iter();
    for part in route.segments() {
        match part {
            Part::Literal(literal) => path.res(catalog, literal),
            Part::Variable(_) => {
                let Some(variable) = variables.next() else { break };
                let value = value(client, policy, variable, params).ok_or_else(|| {
                    let actor = if variable.fallback_actor { ", or name the client's .actor(..)" } else { "" };
                    Fault::path(format!(
                        "{name} needs {{{0}}}; give it with .param(\"{0}\", value){actor}",
                        variable.name()
                    ))
                })?;
                path.item(catalog, client.actor(), value);
            }
        }
    }
    Ok(path)
}

/// The variables of `route`, in order.
fn variables<'c>(catalog: &'c Catalog, route: &Route) -> Vec<&'c Variable> {
    let mut at = Node::ROOT;
    let mut found = Vec::new();
    for part in route.segments() {
        let next = match part {
            Part::Literal(literal) => catalog.literal(at, literal),
            Part::Variable(_) => catalog.variable(at).map(|(node, variable)| {
                found.push(variable);
                node
            }),
        };
        at = next.unwrap_or(at);
    }
    found
}

/// What fills `variable`: the parameter, else the operation's default, else the actor.
fn value<'a>(
    client: &'a Client,
    policy: &'a MethodPolicy,
    variable: &Variable,
    params: &'a [(String, String)],
) -> Option<&'a str> {
    let called = |given: &str| given == variable.name() || Some(given) == variable.param.as_deref();
    let given = params.iter().chain(&policy.params).find(|(name, _)| called(name));
    given.map(|(_, value)| value.as_str()).or_else(|| client.actor().filter(|_| variable.fallback_actor))
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("name", &self.name)
            .field("params", &self.params.len())
            .finish_non_exhaustive()
    }
}
