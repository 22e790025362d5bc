//! The keys of `oauth2`.

use super::{owned, place, reference, secret};
use crate::{
    catalog::strict::{self, Kind, View},
    environment::{
        oauth::{Grant, OAuth, Preset, Store},
        place::Place,
    },
    error::Result,
    header::is_secret,
};

/// Reads what was checked against the table; `environment` has the variables.
pub(super) fn read(view: View<'_>, environment: View<'_>, warnings: &mut Vec<String>) -> Result<OAuth> {
    let mut oauth = OAuth::default();
    for (key, value) in view.pairs() {
        match key.text() {
            "preset" => oauth.preset = named(&Preset::ALL, value),
            "issuer" => oauth.issuer = Some(owned(value)),
            "token_url" => oauth.token_url = Some(place(value, environment)?),
            "redirect_uri" => oauth.redirect_uri = Some(owned(value)),
            "client_id" => oauth.client_id = Some(owned(value)),
            "client_secret" => oauth.client_secret = Some(secret(value, warnings)?),
            "in_body" => oauth.in_body = Some(strict::is_true(value)),
            "grant" => oauth.grant = named(&Grant::ALL, value),
            "username" => oauth.username = Some(owned(value)),
            "password" => oauth.password = Some(secret(value, warnings)?),
            "refresh_token" => oauth.refresh_token = Some(secret(value, warnings)?),
            "account" => oauth.account = Some(owned(value)),
            "scopes" => oauth.scopes = scopes(value),
            "extra" => oauth.extra = extra(value, warnings)?,
            "scheme" => oauth.scheme = Some(owned(value)),
            "headers" => oauth.headers = value.pairs().map(|(name, text)| (owned(name), owned(text))).collect(),
            "untyped" => oauth.untyped = Some(strict::is_true(value)),
            "trust" => oauth.trust = strict::texts(value),
            "store" => oauth.store = Some(store(value, warnings)?),
            url => oauth.urls.push((url.to_owned(), owned(value))),
        }
    }
    if oauth.preset == Some(Preset::Max) && oauth.issuer.is_none() && oauth.token_url.is_none() {
        oauth.token_url = Some(Place::max(&oauth.trust));
    }
    oauth.check().map_err(|why| view.error(why))?;
    Ok(oauth)
}

fn named<T: Copy>(table: &[(&str, T)], view: View<'_>) -> Option<T> {
    table.iter().find(|(name, _)| *name == view.text()).map(|(_, value)| *value)
}

/// A list, or a text with blanks between them.
fn scopes(view: View<'_>) -> Vec<String> {
    strict::texts(view).iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect()
}

/// Fields of a form, of which some are secret by their names.
fn extra(view: View<'_>, warnings: &mut Vec<String>) -> Result<Vec<(String, super::Reference)>> {
    let mut extra = Vec::new();
    for (name, value) in view.pairs() {
        let value = if is_secret(name.text()) { secret(value, warnings)? } else { reference(value)? };
        extra.push((owned(name), value));
    }
    Ok(extra)
}

fn store(view: View<'_>, warnings: &mut Vec<String>) -> Result<Store> {
    if view.kind() != Kind::Map {
        return Store::parse(view.text()).map_err(|why| view.error(why));
    }
    match (view.get("file"), view.get("keyring"), view.get("redis"), view.get("key")) {
        (Some(path), None, None, None) => Ok(Store::File(Some(super::path(path)))),
        (None, Some(service), None, None) => Ok(Store::Keyring(owned(service))),
        (None, None, Some(url), Some(key)) => Ok(Store::Redis(reference(url)?, secret(key, warnings)?)),
        _ => Err(view.error("expected one of file, keyring, or redis with its key")),
    }
}
