//! What is kept of a sign-in, and the JSON it is kept as.

use std::fmt;

use serde_json::{Map, Value};

use crate::{
    error::{Error, ErrorKind, Result},
    secret::Secret,
};

/// What is kept of one sign-in. Printing it shows no token.
///
/// Times are milliseconds since 1970, by the wall clock of the machine that wrote them.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct TokenRecord {
    /// Counts what was written under this key, from 1 on.
    pub generation: u64,
    /// The access token; `None` once it is known to be of no use.
    pub access_token: Option<Secret>,
    /// The refresh token, as the last answer that had one gave it.
    pub refresh_token: Option<Secret>,
    /// The ID token of OpenID Connect.
    pub id_token: Option<Secret>,
    /// What was granted, with blanks between scopes; `None` where neither side named any.
    pub scope: Option<String>,
    /// When the access token was asked for.
    pub issued_at: u64,
    /// When the access token ends; `None` where nobody said.
    pub expires_at: Option<u64>,
    /// The server refused the refresh token: only signing in again helps.
    pub reauth_required: bool,
    /// Tells this sign-in from others, and stays while its tokens are renewed; `None` where nothing but the settings of
    /// a client was needed to sign in.
    pub grant: Option<String>,
    /// What another version wrote, kept as it is; shown by its size, since nobody knows what it holds.
    others: Others,
}

#[derive(Clone, Default)]
struct Others(Map<String, Value>);

impl TokenRecord {
    /// The record as JSON text, which holds the tokens.
    pub fn to_json(&self) -> Secret {
        let mut map = self.others.0.clone();
        let text = |secret: &Option<Secret>| secret.as_ref().map(|secret| Value::from(secret.expose()));
        let known = [
            ("generation", Some(self.generation.into())),
            ("access_token", text(&self.access_token)),
            ("refresh_token", text(&self.refresh_token)),
            ("id_token", text(&self.id_token)),
            ("scope", self.scope.clone().map(Value::from)),
            ("issued_at", Some(self.issued_at.into())),
            ("expires_at", self.expires_at.map(Value::from)),
            ("reauth_required", self.reauth_required.then_some(Value::Bool(true))),
            ("grant", self.grant.clone().map(Value::from)),
        ];
        map.extend(known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Secret::from(Value::Object(map).to_string())
    }

    /// Reads what [`TokenRecord::to_json`] gave, of this version or another.
    ///
    /// # Errors
    /// `Store` with the code `store.corrupt`; no part of `text` is shown.
    pub fn from_json(text: &str) -> Result<Self> {
        let mut map: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
            corrupt(&format!("is no JSON object, at line {}, column {}", error.line(), error.column()))
        })?;
        Ok(Self {
            generation: number(&mut map, "generation")?.unwrap_or_default(),
            access_token: string(&mut map, "access_token")?.map(Secret::from),
            refresh_token: string(&mut map, "refresh_token")?.map(Secret::from),
            id_token: string(&mut map, "id_token")?.map(Secret::from),
            scope: string(&mut map, "scope")?,
            issued_at: number(&mut map, "issued_at")?.unwrap_or_default(),
            expires_at: number(&mut map, "expires_at")?,
            reauth_required: matches!(map.remove("reauth_required"), Some(Value::Bool(true))),
            grant: string(&mut map, "grant")?,
            others: Others(map),
        })
    }

    /// Takes over what another version wrote into `kept`, where this record does not say otherwise.
    pub(super) fn keeping(mut self, kept: &Self) -> Self {
        for (name, value) in &kept.others.0 {
            self.others.0.entry(name).or_insert_with(|| value.clone());
        }
        self
    }

    /// The record without what belongs to one sign-in: a place for the next one, or for none.
    #[must_use]
    pub(crate) fn cleared(mut self) -> Self {
        (self.access_token, self.refresh_token, self.id_token) = (None, None, None);
        (self.scope, self.expires_at, self.reauth_required, self.grant) = (None, None, false, None);
        self
    }

    /// Whether anything in it can sign in.
    pub fn is_of_use(&self) -> bool {
        self.access_token.is_some() || self.refresh_token.is_some() && !self.reauth_required
    }
}

fn string(map: &mut Map<String, Value>, name: &str) -> Result<Option<String>> {
    match map.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(corrupt(&format!("has a {name} that is no text"))),
    }
}

fn number(map: &mut Map<String, Value>, name: &str) -> Result<Option<u64>> {
    match map.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            value.as_u64().map(Some).ok_or_else(|| corrupt(&format!("has a {name} that is no whole number")))
        }
    }
}

fn corrupt(why: &str) -> Error {
    Error::coded(ErrorKind::Store, "store.corrupt", format!("a kept token {why}; sign in again to replace it"))
}

impl fmt::Debug for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} more", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o19_what_another_version_wrote_is_kept() {
        let text =
            r#"{"generation":7,"access_token":"a","issued_at":1,"expires_at":2,"seal":{"kind":[1]},"later":null}"#;
        let mut record = TokenRecord::from_json(text).unwrap();
        record.generation = 8;
        let again: Value = serde_json::from_str(record.to_json().expose()).unwrap();
        assert_eq!(again["seal"]["kind"][0], 1);
        assert_eq!(again.get("later"), Some(&Value::Null));
        assert_eq!((again["generation"].as_u64(), again["access_token"].as_str()), (Some(8), Some("a")));
    }

    #[test]
    fn c06_what_tells_a_sign_in_from_others_is_kept_and_ends_with_it() {
        let record = TokenRecord::from_json(r#"{"access_token":"a","grant":"g1"}"#).unwrap();
        let again = TokenRecord::from_json(record.to_json().expose()).unwrap();
        assert_eq!(again.grant.as_deref(), Some("g1"));
        assert_eq!(again.cleared().grant, None);
        assert!(!TokenRecord::default().to_json().expose().contains("grant"));
    }

    #[test]
    fn s01_a_record_prints_no_token() {
        let record = TokenRecord::from_json(r#"{"access_token":"CNRY","refresh_token":"CNRY","id_token":"CNRY"}"#);
        assert!(!format!("{record:?}").contains("CNRY"));
    }

    #[test]
    fn s08_text_that_is_no_record_is_told_without_an_excerpt() {
        for text in ["", "CNRY", "[]", r#"{"access_token":{"CNRY":1}}"#, r#"{"access_token":"CNRY"#, "{\"CNRY\":1"] {
            let error = TokenRecord::from_json(text).unwrap_err();
            assert_eq!(error.code(), "store.corrupt");
            assert!(!format!("{error} {error:?}").contains("CNRY"), "{text}");
        }
    }
}
