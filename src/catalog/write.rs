//! A catalog as the two files again.

use std::fmt;

use serde::{Serialize, Serializer, ser::Error as _};

use crate::{
    catalog::{
        Inner,
        paginate::{By, Paginate},
        policy::{Attempts, Caching, MethodPolicy},
        route::{Adapt, Route, Slash, Variable},
        settings::{COUNT_HEADER, EXPAND, STYLES},
    },
    error::{Error, ErrorKind, Result},
    json::{self, Members},
};

/// The texts of `resources.yaml` and `defaults.yaml`.
pub(super) fn files(catalog: &Inner) -> Result<(String, String)> {
    let routes = catalog.routes.iter().filter(|route| !route.presets.is_empty());
    let defaults = routes.map(|route| (route.template().to_owned(), presets(route))).collect();
    Ok((text(&resources(catalog))?, text(&Value::Map(defaults))?))
}

fn text(value: &Value) -> Result<String> {
    serde_yaml::to_string(value)
        .map_err(|error| Error::new(ErrorKind::Catalog, format!("the catalog cannot be written: {error}")))
}

/// What a file says of a method, each key's value in one line.
pub(super) fn policy(policy: &MethodPolicy) -> Vec<(String, String)> {
    summary(policy_entries(policy))
}

/// What a file says of a variable, each key's value in one line.
pub(super) fn variable(variable: &Variable) -> Vec<(String, String)> {
    summary(variable_entries(variable))
}

fn summary(value: Value) -> Vec<(String, String)> {
    match value {
        Value::Map(entries) => entries.into_iter().map(|(key, value)| (key, value.to_string())).collect(),
        _ => Vec::new(),
    }
}

/// A value of a file, its keys in order.
enum Value {
    Null,
    Bool(bool),
    Seconds(f64),
    Text(String),
    /// JSON text, kept as it is.
    Json(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

/// In words for a person: maps and lists are separated by commas.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |texts: Vec<String>| texts.join(", ");
        match self {
            Self::Null => Ok(()),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Seconds(seconds) => write!(f, "{seconds}"),
            Self::Json(text) => f.write_str(json::as_string(text).as_deref().unwrap_or(text)),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => f.write_str(&all(items.iter().map(ToString::to_string).collect())),
            Self::Map(entries) => {
                f.write_str(&all(entries.iter().map(|(key, value)| format!("{key}: {value}")).collect()))
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Bool(value) => to.serialize_bool(*value),
            Self::Seconds(seconds) => to.serialize_f64(*seconds),
            Self::Text(text) => serialize_text(text, to),
            Self::Json(json) => serialize_json(json, to),
            Self::List(items) => to.collect_seq(items),
            Self::Map(entries) => to.collect_map(entries.iter().map(|(key, value)| (Value::Text(key.clone()), value))),
        }
    }
}

fn serialize_json<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    let nested = |text: &str| Value::Json(text.to_owned());
    match text.as_bytes().first() {
        Some(b'{') => {
            let members =
                Members::of(text).map(|(key, value)| (Value::Text(json::unescape(key).into_owned()), nested(value)));
            to.collect_map(members)
        }
        Some(b'[') => to.collect_seq(Members::of(text).map(|(_, value)| nested(value))),
        Some(b'"') => serialize_text(&json::as_string(text).unwrap_or_default(), to),
        Some(b't' | b'f') => to.serialize_bool(text == "true"),
        Some(b'n') => to.serialize_unit(),
        _ => serialize_number(text, to),
    }
}

/// The writer leaves these line breaks bare, and YAML 1.1 and 1.2 read them differently.
fn serialize_text<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    if text.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
        return Err(S::Error::custom("a text has a line break beyond CR and LF"));
    }
    to.serialize_str(text)
}

fn serialize_number<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    if let Ok(number) = text.parse::<i128>() {
        to.serialize_i128(number)
    } else if let Ok(number) = text.parse::<u128>() {
        to.serialize_u128(number)
    } else if text.contains(['.', 'e', 'E']) {
        text.parse().map_or_else(|_| Err(S::Error::custom("not a number")), |number| to.serialize_f64(number))
    } else {
        Err(S::Error::custom("an integer has more than 128 bits"))
    }
}

/// The entries of a map, without those that say nothing.
#[derive(Default)]
struct Entries(Vec<(String, Value)>);

impl Entries {
    fn put(&mut self, key: &str, value: Value) {
        self.0.push((key.to_owned(), value));
    }

    fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.put(key, Value::Text(text.to_owned()));
        }
    }

    fn flag(&mut self, key: &str, set: bool) {
        if set {
            self.put(key, Value::Bool(true));
        }
    }

    fn word(&mut self, key: &str, set: bool, word: &str) {
        self.text(key, set.then_some(word));
    }

    fn map(&mut self, key: &str, entries: Vec<(String, Value)>) {
        if !entries.is_empty() {
            self.put(key, Value::Map(entries));
        }
    }
}

fn spelling<T: PartialEq>(table: &[(T, &'static str)], value: &T) -> Option<&'static str> {
    table.iter().find(|(known, _)| known == value).map(|(_, name)| *name)
}

fn resources(catalog: &Inner) -> Value {
    let settings = &catalog.settings;
    let mut file = Entries::default();
    file.text("api", Some(&catalog.api));
    file.text("base_url", catalog.base_url.as_deref());
    file.text("expand", spelling(&EXPAND, &settings.expand));
    file.text("json_part", settings.json_part.as_deref());
    file.text("count_header", Some(&*settings.count_header).filter(|name| *name != COUNT_HEADER));
    file.word("empty_body", settings.empty_body, "object");
    file.text("error_message", settings.error_message.as_deref());
    file.text("query_style", spelling(&STYLES, &settings.query_style));
    let plain = |variable: &&Variable| !matches!(variable_entries(variable), Value::Map(entries) if entries.is_empty());
    let variables = catalog.variables.iter().filter(plain);
    file.map("variables", variables.map(|variable| (variable.name().to_owned(), variable_entries(variable))).collect());
    let routes = catalog.routes.iter().map(|route| (route.name.clone(), route_entries(route)));
    file.put("resources", Value::Map(routes.collect()));
    Value::Map(file.0)
}

fn variable_entries(variable: &Variable) -> Value {
    let mut entries = Entries::default();
    let aliases = variable.aliases.iter().map(|(name, _)| (name.clone(), Value::Text("actor".to_owned())));
    entries.map("aliases", aliases.collect());
    entries.word("adapt", variable.adapt == Some(Adapt::Sha1), "sha1");
    entries.word("slash", variable.slash == Slash::Encode, "encode");
    entries.word("slash", variable.slash == Slash::Split, "split");
    entries.word("percent", variable.percent, "encode");
    entries.word("blank", variable.blank, "encode");
    entries.word("fallback", variable.fallback_actor, "actor");
    entries.text("param", variable.param.as_deref());
    Value::Map(entries.0)
}

fn route_entries(route: &Route) -> Value {
    let mut entries = Entries::default();
    entries.text("route", Some(route.template()));
    entries.text("title", route.title());
    entries.text("category", route.category());
    entries.flag("upload", route.upload);
    entries.flag("deprecated", route.deprecated);
    entries.word("actor", route.actorless, "none");
    entries.text("auth", route.auth.as_deref());
    let methods = route.policies().map(|policy| (policy.method.to_string(), policy_entries(policy)));
    entries.map("methods", methods.collect());
    Value::Map(entries.0)
}

fn policy_entries(policy: &MethodPolicy) -> Value {
    let mut entries = Entries::default();
    let list = |texts: Vec<String>| Value::List(texts.into_iter().map(Value::Text).collect());
    if !policy.operations.is_empty() {
        entries.put("operation", list(policy.operations.clone()));
    }
    let params = policy.params.iter().map(|(name, value)| (name.clone(), Value::Text(value.clone())));
    entries.map("params", params.collect());
    if let Some(body) = &policy.body {
        entries.put("body", Value::Json(body.json()));
    }
    entries.map("query", policy.query.iter().map(|(name, json)| (name.clone(), Value::Json(json.clone()))).collect());
    let header = |value: &http::HeaderValue| Value::Text(String::from_utf8_lossy(value.as_bytes()).into_owned());
    entries.map("headers", policy.headers.iter().map(|(name, value)| (name.to_string(), header(value))).collect());
    entries.text("query_style", policy.query_style.and_then(|style| spelling(&STYLES, &style)));
    entries.word("actor", policy.actorless, "none");
    entries.text("auth", policy.auth());
    if let Some(idempotent) = policy.idempotent {
        entries.put("idempotent", Value::Bool(idempotent));
    }
    entries.flag("idempotency_key", policy.idempotency_key);
    work(policy, &mut entries);
    if !policy.affects.is_empty() {
        entries.put("affects", list(policy.affects.clone()));
    }
    if !policy.limits.is_empty() {
        entries.put("limit", list(policy.limits.iter().map(ToString::to_string).collect()));
    }
    if let Some(listing) = &policy.paginate {
        entries.put("paginate", listing_entries(listing));
    }
    entries.word("danger", policy.confirm, "confirm");
    entries.text("schema", policy.schema());
    entries.flag("deprecated", policy.deprecated);
    if entries.0.is_empty() { Value::Null } else { Value::Map(entries.0) }
}

fn listing_entries(listing: &Paginate) -> Value {
    let Paginate { by, at, query, items, first, limit, size } = listing;
    let mut entries = Entries::default();
    entries.text("by", spelling(&By::ALL, by));
    for (key, text) in [("at", at), ("query", query), ("items", items), ("limit", limit)] {
        entries.text(key, text.as_deref());
    }
    for (key, number) in [("first", first), ("size", size)] {
        if let Some(number) = number {
            entries.put(key, Value::Json(number.to_string()));
        }
    }
    match (entries.0.len(), entries.0.pop()) {
        (1, Some((_, word))) => word,
        (_, last) => Value::Map(entries.0.into_iter().chain(last).collect()),
    }
}

/// The policies of time and repetition.
fn work(policy: &MethodPolicy, entries: &mut Entries) {
    if let Some(timeout) = policy.timeout {
        entries.put("timeout", Value::Seconds(timeout.as_secs_f64()));
    }
    match policy.retry {
        Some(Attempts::Off) => entries.text("retry", Some("off")),
        Some(Attempts::AtMost(attempts)) => entries.put("retry", Value::Json(attempts.to_string())),
        None => {}
    }
    if let Some(caching) = policy.cache {
        entries.put("cache", caching_entries(caching));
    }
}

/// A word or a number where it says no more.
fn caching_entries(caching: Caching) -> Value {
    let Caching { off, ttl, shared } = caching;
    let seconds = ttl.map(|ttl| Value::Seconds(ttl.as_secs_f64()));
    match seconds {
        _ if off => Value::Text("off".to_owned()),
        Some(seconds) if !shared => seconds,
        seconds => {
            let mut entries = Entries::default();
            if let Some(seconds) = seconds {
                entries.put("ttl", seconds);
            }
            entries.put("shared", Value::Bool(shared));
            Value::Map(entries.0)
        }
    }
}

fn presets(route: &Route) -> Value {
    let presets = route.presets.iter();
    Value::Map(presets.map(|(method, preset)| (method.to_string(), Value::Json(preset.json()))).collect())
}
