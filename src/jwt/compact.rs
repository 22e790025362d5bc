//! The compact form: header, claims and signature in base64url, joined by dots (RFC 7515).

use std::io;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, ser::CompactFormatter};

use super::{JwtKey, LONGEST, refused};
use crate::error::{Error, ErrorKind, Result};

/// What the header says that matters here.
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    /// What must be understood beside, of which nothing is.
    crit: Option<Value>,
}

/// A token taken apart, its signature not yet checked.
pub(super) struct Compact<'t> {
    pub(super) header: Header,
    claims: Vec<u8>,
    /// What was signed.
    pub(super) message: &'t str,
    pub(super) signature: Vec<u8>,
}

impl<'t> Compact<'t> {
    /// Takes `token` apart; no error shows any of it.
    pub(super) fn read(token: &'t str) -> Result<Self> {
        let wrong = || refused("jwt.malformed", "it is not header, claims and signature in base64url");
        if token.len() > LONGEST {
            return Err(refused("jwt.malformed", "it is longer than 64 KiB"));
        }
        let (message, signature) = token.rsplit_once('.').ok_or_else(wrong)?;
        let (header, claims) = message.split_once('.').ok_or_else(wrong)?;
        let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong());
        let (header, claims, signature) = (decode(header)?, decode(claims)?, decode(signature)?);
        let header: Header =
            serde_json::from_slice(&header).map_err(|_| refused("jwt.malformed", "its header is no JSON object"))?;
        if header.crit.is_some() {
            return Err(refused("jwt.malformed", "its header asks for extensions (crit), and none is known"));
        }
        Ok(Self { header, claims, message, signature })
    }

    /// The claims, of a token whose signature was checked.
    pub(super) fn claims(&self) -> Result<Map<String, Value>> {
        serde_json::from_slice(&self.claims).map_err(|_| refused("jwt.malformed", "its claims are no JSON object"))
    }
}

/// Claims in the order in which they stand in a token, each as JSON text.
#[derive(Debug, Clone, Default)]
pub(super) struct Claims(Vec<(String, String)>);

impl Claims {
    /// Adds a claim, in place of an earlier one of the name.
    pub(super) fn set(&mut self, name: &str, value: &impl Serialize) -> Result<()> {
        let value = ascii(value)?;
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
        Ok(())
    }

    /// The members of a JSON object.
    pub(super) fn of(object: &impl Serialize) -> Result<Self> {
        let wrong = |_| Error::new(ErrorKind::Request, "claims are the members of a JSON object");
        let members: Map<String, Value> = serde_json::from_str(&ascii(object)?).map_err(wrong)?;
        let mut claims = Self::default();
        members.iter().try_for_each(|(name, value)| claims.set(name, value))?;
        Ok(claims)
    }

    /// Adds the claims of `others`.
    pub(super) fn extend(&mut self, others: Option<&Self>) {
        self.0.extend(others.into_iter().flat_map(|others| others.0.iter().cloned()));
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn remove(&mut self, names: &[&str]) {
        self.0.retain(|(known, _)| !names.contains(&known.as_str()));
    }

    pub(super) fn json(&self) -> Result<String> {
        let members = self.0.iter().map(|(name, value)| Ok(format!("{}:{value}", ascii(name)?)));
        Ok(format!("{{{}}}", members.collect::<Result<Vec<_>>>()?.join(",")))
    }

    /// The header of what `key` signs.
    pub(super) fn header(key: &JwtKey) -> Result<Self> {
        let mut header = Self::default();
        header.set("alg", &key.algorithm().to_string())?;
        header.set("typ", &"JWT")?;
        if let Some(id) = key.named() {
            header.set("kid", &id)?;
        }
        Ok(header)
    }

    /// The token of these claims.
    pub(super) fn signed(&self, key: &JwtKey) -> Result<String> {
        let header = Self::header(key)?;
        let encode = |text: String| BASE64_URL_SAFE_NO_PAD.encode(text);
        let message = format!("{}.{}", encode(header.json()?), encode(self.json()?));
        let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes())?);
        Ok(format!("{message}.{signature}"))
    }
}

/// JSON in ASCII: whatever is beyond is escaped, as the older clients have it.
fn ascii(value: &impl Serialize) -> Result<String> {
    struct Ascii;
    impl serde_json::ser::Formatter for Ascii {
        fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
            let mut start = 0;
            for (at, c) in fragment.char_indices().filter(|(_, c)| !c.is_ascii()) {
                CompactFormatter.write_string_fragment(writer, &fragment[start..at])?;
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
                start = at + c.len_utf8();
            }
            CompactFormatter.write_string_fragment(writer, &fragment[start..])
        }
    }
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Ascii);
    let wrong = |error: &dyn std::fmt::Display| Error::new(ErrorKind::Request, format!("a claim is no JSON: {error}"));
    value.serialize(&mut serializer).map_err(|error| wrong(&error))?;
    String::from_utf8(out).map_err(|error| wrong(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwt::JwtAlgorithm;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_token_is_refused_and_not_shown() {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let long = format!("{0}.{0}.{0}", part(&"x".repeat(40_000)));
        for token in [
            String::new(),
            "CNRY".into(),
            "CNRY.CNRY".into(),
            "a.b.c.d".into(),
            format!("{}.{}.", part("{\"alg\":\"HS256\"}"), "é"),
            format!("{}.{}.x=", part("{\"alg\":\"HS256\"}"), part("{}")),
            format!("{}.{}.", part("[]"), part("{}")),
            format!("{}.{}.", part("{}"), part("{}")),
            format!("{}.{}.", part("{\"alg\":1}"), part("{}")),
            format!("{}.{}.", part("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}"), part("{}")),
            long,
        ] {
            let error = Compact::read(&token).err().unwrap();
            assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "jwt.malformed"), "{token}");
            assert!(!format!("{error} {error:?}").contains("CNRY"));
        }
    }

    proptest! {
        #[test]
        fn claims_come_back_as_they_were(name in any::<String>(), value in any::<String>(), number: i64) {
            let mut claims = Claims::default();
            claims.set("n", &number).unwrap();
            claims.set(&name, &value).unwrap();
            let json = claims.json().unwrap();
            prop_assert!(json.is_ascii());
            let read: Map<String, Value> = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read[&name].as_str(), Some(value.as_str()));
            let key = JwtKey::secret(JwtAlgorithm::HS512, "k").unwrap();
            let token = claims.signed(&key).unwrap();
            prop_assert_eq!(Compact::read(&token).unwrap().claims().unwrap(), read);
        }

        #[test]
        fn no_text_is_too_strange(text in any::<String>()) {
            let _ = Compact::read(&text).map(|compact| compact.claims().is_ok());
        }
    }
}
