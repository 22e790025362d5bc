//! What a catalog holds, as records of the bytes.

use std::{sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, Method};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    catalog::{
        paginate::{By, Paginate},
        policy::{Attempts, Caching, MethodPolicy, Rate},
        preset::Preset,
        route::Route,
        settings::{EXPAND, STYLES, Settings},
    },
    params::Expand,
    query,
};

/// A route that is written.
pub(super) struct RouteRecord<'a>(pub(super) &'a Route);

impl Serialize for RouteRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RouteFields::serialize(self.0, serializer)
    }
}

/// A route that was read.
#[derive(Deserialize)]
pub(super) struct ReadRoute(#[serde(with = "RouteFields")] pub(super) Route);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Route")]
struct RouteFields {
    name: String,
    #[serde(with = "shared")]
    template: Arc<str>,
    title: Option<String>,
    category: Option<String>,
    upload: bool,
    deprecated: bool,
    actorless: bool,
    auth: Option<String>,
    #[serde(with = "policies")]
    policies: Option<Vec<MethodPolicy>>,
    #[serde(with = "presets")]
    presets: Vec<(Method, Preset)>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "MethodPolicy")]
struct PolicyFields {
    #[serde(with = "method")]
    method: Method,
    operations: Vec<String>,
    params: Vec<(String, String)>,
    body: Option<Preset>,
    query: Vec<(String, String)>,
    #[serde(with = "headers")]
    headers: Vec<(HeaderName, HeaderValue)>,
    #[serde(with = "style")]
    query_style: Option<query::Style>,
    actorless: bool,
    auth: Option<String>,
    idempotent: Option<bool>,
    idempotency_key: bool,
    timeout: Option<Duration>,
    retry: Option<Attempts>,
    limits: Vec<Rate>,
    cache: Option<Caching>,
    affects: Vec<String>,
    #[serde(with = "paginate")]
    paginate: Option<Paginate>,
    confirm: bool,
    schema: Option<String>,
    deprecated: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Settings")]
pub(super) struct SettingsRecord {
    #[serde(with = "expand")]
    expand: Expand,
    json_part: Option<String>,
    count_header: String,
    empty_body: bool,
    error_message: Option<String>,
    #[serde(with = "style_always")]
    query_style: query::Style,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Paginate")]
struct PaginateFields {
    by: By,
    at: Option<String>,
    query: Option<String>,
    items: Option<String>,
    first: Option<u64>,
    limit: Option<String>,
    size: Option<u64>,
}

/// Writes and reads a value by what stands for it.
macro_rules! stands_for {
    ($($name:ident: $value:ty = $record:ty, $write:expr, $read:expr;)*) => {$(
        mod $name {
            use super::*;

            pub(super) fn serialize<S: Serializer>(value: &$value, serializer: S) -> Result<S::Ok, S::Error> {
                let write: fn(&$value) -> $record = $write;
                write(value).serialize(serializer)
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$value, D::Error> {
                let read: fn($record) -> Option<$value> = $read;
                read(<$record>::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("no such value"))
            }
        }
    )*};
}

type Fields = Vec<(String, Vec<u8>)>;

stands_for! {
    shared: Arc<str> = String, |text| text.to_string(), |text| Some(text.into());
    method: Method = String, |method| method.to_string(), |name| name.parse().ok();
    headers: Vec<(HeaderName, HeaderValue)> = Fields,
        |list| list.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect(),
        |list| list.into_iter().map(|(name, value)| Some((name.parse().ok()?, value.try_into().ok()?))).collect();
    expand: Expand = usize,
        |value| place(&EXPAND, *value), |place| EXPAND.get(place).map(|(value, _)| *value);
    style_always: query::Style = usize,
        |value| place(&STYLES, *value), |place| STYLES.get(place).map(|(value, _)| *value);
    style: Option<query::Style> = Option<usize>,
        |value| value.map(|value| place(&STYLES, value)),
        |found| found.map_or(Some(None), |place| STYLES.get(place).map(|(value, _)| Some(*value)));
    presets: Vec<(Method, Preset)> = Vec<(String, Preset)>,
        |list| list.iter().map(|(method, preset)| (method.to_string(), preset.clone())).collect(),
        |list| list.into_iter().map(|(method, preset)| Some((method.parse().ok()?, preset))).collect();
    policies: Option<Vec<MethodPolicy>> = Option<Vec<Policy>>,
        |list| list.as_ref().map(|list| list.iter().cloned().map(Policy).collect()),
        |list| Some(list.map(|list| list.into_iter().map(|policy| policy.0).collect()));
    paginate: Option<Paginate> = Option<Listing>,
        |value| value.clone().map(Listing),
        |value| Some(value.map(|listing| listing.0)).filter(|found| found.as_ref().is_none_or(|p| p.mistake().is_none()));
}

#[derive(Serialize, Deserialize)]
struct Policy(#[serde(with = "PolicyFields")] MethodPolicy);

#[derive(Serialize, Deserialize)]
struct Listing(#[serde(with = "PaginateFields")] Paginate);

fn place<T: PartialEq>(table: &[(T, &str)], value: T) -> usize {
    table.iter().position(|(known, _)| *known == value).unwrap_or_default()
}
