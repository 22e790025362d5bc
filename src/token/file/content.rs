//! The text of the file: tokens by the names that its salt gives them, and what another version put there.
//!
//! What this version does not know passes through as it stands, byte by byte.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::{
    error::Result,
    token::{TokenKey, TokenRecord},
};

/// The most bytes of a file.
pub(super) const MOST: usize = 1 << 20;

/// The deepest that values stand in one another.
const DEEPEST: usize = 64;

/// The form of the file that this version writes, and the newest that it reads.
const VERSION: u64 = 1;

type Members<'a> = BTreeMap<String, &'a RawValue>;

/// A file that was read.
#[derive(Default)]
pub(super) struct Content<'a> {
    version: u64,
    salt: String,
    tokens: Members<'a>,
    others: Members<'a>,
}

/// Why a text is no content.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is damaged, and how.
    Broken(String),
    /// It is whole, and of a version that is not known yet.
    Newer(u64),
}

/// What stands under one name.
#[derive(Default)]
pub(super) struct Kept<'a> {
    pub(super) record: Option<TokenRecord>,
    others: Members<'a>,
}

impl<'a> Content<'a> {
    /// An empty one, whose names are made with `salt`.
    pub(super) fn fresh(salt: String) -> Self {
        Self { version: VERSION, salt, ..Self::default() }
    }

    /// Reads what [`Content::with`] gave, of this version or an older one.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Unfit> {
        let broken = |why: &str| Unfit::Broken(why.to_owned());
        if bytes.len() > MOST {
            return Err(broken("is longer than 1 MiB"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| broken("is no UTF-8"))?;
        if depth(text) > DEEPEST {
            return Err(broken("holds values too deep in one another"));
        }
        let content: Result<Self, _> = serde_json::from_str(text);
        match content {
            // What a newer version means by a name is not known, so that it cannot be wrong.
            _ if version(text).is_some_and(|version| version > VERSION) => {
                Err(Unfit::Newer(version(text).unwrap_or_default()))
            }
            Ok(content) if content.salt.is_empty() => Err(broken("has no salt")),
            Ok(content) => Ok(content),
            // The error's own text could quote a token.
            Err(error) => {
                Err(broken(&format!("is no JSON of this kind, at line {}, column {}", error.line(), error.column())))
            }
        }
    }

    /// The name of `key` in this file.
    pub(super) fn id(&self, key: &TokenKey) -> String {
        key.id(self.salt.as_bytes())
    }

    /// What stands under `id`.
    pub(super) fn kept(&self, id: &str) -> Result<Kept<'a>> {
        let Some(entry) = self.tokens.get(id) else { return Ok(Kept::default()) };
        // What is no object is told as the record that it is not.
        let Ok(mut others) = serde_json::from_str::<Members<'a>>(entry.get()) else {
            return TokenRecord::from_json("").map(|_| Kept::default());
        };
        others.remove("key");
        let record = others.remove("record").map(|record| TokenRecord::from_json(record.get())).transpose()?;
        Ok(Kept { record, others })
    }

    /// The text of this content with `entry` under `id`, or with nothing there.
    pub(super) fn with(&self, id: &str, entry: Option<&str>) -> Zeroizing<String> {
        let mut tokens: BTreeMap<&str, &str> =
            self.tokens.iter().map(|(name, entry)| (name.as_str(), entry.get())).collect();
        match entry {
            Some(entry) => tokens.insert(id, entry),
            None => tokens.remove(id),
        };
        let version = self.version.to_string();
        let mut out = vec!["{\"version\":".into(), version.into(), ",\n\"salt\":".into(), quote(&self.salt)];
        out.push(",\n\"tokens\":{".into());
        for (at, (name, entry)) in tokens.into_iter().enumerate() {
            out.extend([if at == 0 { "\n" } else { ",\n" }.into(), quote(name), ":".into(), entry.into()]);
        }
        out.push("\n}".into());
        for (name, value) in &self.others {
            out.extend([",\n".into(), quote(name), ":".into(), value.get().into()]);
        }
        out.push("}\n".into());
        joined(&out)
    }
}

impl Kept<'_> {
    /// Whether `record` is what stands here.
    pub(super) fn is(&self, record: &TokenRecord) -> bool {
        let kept = self.record.as_ref();
        kept.is_some_and(|kept| kept.to_json().expose() == record.clone().keeping(kept).to_json().expose())
    }

    /// What stands here with `record` in place of the old one, and the public parts of `key` for people to see.
    pub(super) fn entry(&self, key: &TokenKey, record: &TokenRecord) -> Zeroizing<String> {
        let record = match &self.record {
            Some(kept) => record.clone().keeping(kept),
            None => record.clone(),
        };
        let json = record.to_json();
        let mut out = vec!["{\"key\":{".into()];
        for (at, (name, value)) in key.parts().enumerate() {
            out.extend([if at == 0 { "" } else { "," }.into(), quote(name), ":".into(), quote(value)]);
        }
        out.extend(["},\"record\":".into(), json.expose().into()]);
        for (name, value) in &self.others {
            out.extend([",".into(), quote(name), ":".into(), value.get().into()]);
        }
        out.push("}".into());
        joined(&out)
    }
}

/// The pieces as one text, which does not move while it is made: no copy of a token is left behind.
fn joined(pieces: &[Cow<'_, str>]) -> Zeroizing<String> {
    Zeroizing::new(pieces.concat())
}

/// `name` as JSON has it.
fn quote(name: &str) -> Cow<'_, str> {
    format!("\"{}\"", crate::json::escape(name)).into()
}

/// The version that a text says it is of, whatever else is in it.
fn version(text: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Version {
        version: u64,
    }
    serde_json::from_str(text).ok().map(|Version { version }| version)
}

/// How deep values stand in one another; of a text that is no JSON, no less than a reader may go.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Reads the whole in one pass.
impl<'de> Deserialize<'de> for Content<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Content<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a file of tokens")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content<'de>, A::Error> {
                let mut content = Content::fresh(String::new());
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "version" => content.version = map.next_value()?,
                        "salt" => content.salt = map.next_value()?,
                        "tokens" => content.tokens = map.next_value()?,
                        _ if content.others.contains_key(&name) => _ = map.next_value::<IgnoredAny>()?,
                        _ => _ = content.others.insert(name, map.next_value()?),
                    }
                }
                Ok(content)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Secret;

    fn key(account: &str) -> TokenKey {
        TokenKey::new([("account", account), ("endpoint", "https://h/\"token")], &[Secret::from("CNRY-key")])
    }

    fn record(json: &str) -> TokenRecord {
        TokenRecord::from_json(json).unwrap()
    }

    fn put(text: &str, account: &str, json: &str) -> String {
        let content = Content::parse(text.as_bytes()).unwrap();
        let id = content.id(&key(account));
        let entry = content.kept(&id).unwrap().entry(&key(account), &record(json));
        content.with(&id, Some(&entry)).to_string()
    }

    fn empty() -> String {
        Content::fresh("abc".to_owned()).with("", None).to_string()
    }

    #[test]
    fn d16_what_another_version_wrote_is_kept_at_every_level() {
        let first = put(&empty(), "ada", r#"{"generation":1,"access_token":"a"}"#);
        // Numbers that no double holds, names that need quotes, and its own spacing.
        let seal = r#"{"n" : 123456789012345678901234567890.10, "l":[1 ,2]}"#;
        let other = format!("\"tokens\":{{\n\"of another\\\"kind\":{seal},");
        let text = first.replace("\"tokens\":{", &other);
        let text = text.replace("\"record\":{", &format!("\"seal\":{seal},\"record\":{{\"later\":[1e400],"));
        let text = text.replace("1e400", "4").replace("\n}}", &format!("\n}},\"top\\n\":{seal}}}"));
        let again = put(&text, "ada", r#"{"generation":2,"access_token":"b"}"#);
        assert_eq!(again.matches(seal).count(), 3, "{again}");
        assert!(again.contains(r#""later":[4]"#) && again.contains("\"top\\n\""), "{again}");
        assert!(again.contains(r#""access_token":"b""#) && !again.contains(r#""access_token":"a""#), "{again}");
        assert!(again.contains("\"of another\\\"kind\""), "{again}");
        let bob = put(&again, "bob", r#"{"generation":1}"#);
        assert_eq!(bob.matches(seal).count(), 3);
        assert_eq!(bob.matches("\"account\"").count(), 2);
    }

    #[test]
    fn d16_a_record_of_older_make_is_read() {
        let content = Content::parse(br#"{"salt":"abc","tokens":{}}"#).unwrap();
        assert_eq!(content.kept(&content.id(&key("ada"))).unwrap().record.map(|_| ()), None);
        // An entry that holds no record yet holds none.
        let text = format!(r#"{{"salt":"abc","tokens":{{"{}":{{"later":1}}}}}}"#, content.id(&key("ada")));
        assert!(put(&text, "ada", r#"{"generation":1}"#).contains("\"later\":1"));
    }

    #[test]
    fn d22_the_same_record_is_known_again() {
        let text = put(&empty(), "ada", r#"{"generation":1,"access_token":"a","later":1}"#);
        let content = Content::parse(text.as_bytes()).unwrap();
        let kept = content.kept(&content.id(&key("ada"))).unwrap();
        assert!(kept.is(&record(r#"{"access_token":"a","generation":1}"#)));
        assert!(!kept.is(&record(r#"{"access_token":"b","generation":1}"#)));
        assert!(!kept.is(&record(r#"{"access_token":"a","generation":1,"later":2}"#)));
    }

    #[test]
    fn d12_what_is_no_such_file_is_told_without_an_excerpt() {
        let whole = put(&empty(), "ada", r#"{"generation":1,"access_token":"CNRY-a"}"#);
        let bomb = |open: &str| format!("{{\"salt\":\"a\",\"x\":{}", open.repeat(200_000));
        let long = format!("{{\"salt\":\"a\",\"x\":\"{}\"}}", "a".repeat(MOST));
        for text in [
            "",
            "null",
            "[]",
            "{}",
            "CNRY",
            r#"{"salt":5}"#,
            r#"{"salt":"","tokens":{}}"#,
            r#"{"salt":"a","tokens":[]}"#,
            r#"{"salt":"a","version":"CNRY"}"#,
            r#"{"salt":"a","version":-1}"#,
            &"\0".repeat(300),
            &bomb("["),
            &bomb("{\"a\":"),
            &format!("{}1{}", bomb("["), "]".repeat(200_000)),
            &long,
            &whole[..whole.len() - 2],
            &whole[..whole.len() / 2],
            &format!("{whole}{{}}"),
        ] {
            let Err(Unfit::Broken(why)) = Content::parse(text.as_bytes()) else { panic!("{text}") };
            assert!(!why.contains("CNRY"), "{why}");
        }
        assert!(matches!(Content::parse(b"{\"salt\":\"\xff\"}"), Err(Unfit::Broken(_))));
        for newer in [r#"{"version":2}"#, r#"{"tokens":[1],"salt":{},"version":2}"#] {
            assert_eq!(Content::parse(newer.as_bytes()).err(), Some(Unfit::Newer(2)));
        }
        for entry in ["5", "[]", r#"{"record":"CNRY"}"#, r#"{"record":{"access_token":{"CNRY":1}}}"#] {
            let text = format!(r#"{{"salt":"abc","tokens":{{"{}":{entry}}}}}"#, key("ada").id(b"abc"));
            let content = Content::parse(text.as_bytes()).unwrap();
            let Err(error) = content.kept(&content.id(&key("ada"))) else { panic!("{entry}") };
            assert_eq!(error.code(), "store.corrupt");
            assert!(!error.to_string().contains("CNRY"), "{error}");
        }
    }

    #[test]
    fn the_depth_of_a_text_counts_what_stands_outside_of_quotes() {
        for (text, expected) in [("", 0), ("[]", 1), (r#"{"[[[":"\"[[","a":[{}]}"#, 3), ("]]]][", 1), (r#""\\"[["#, 2)]
        {
            assert_eq!(depth(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn d13_what_was_put_is_found_whatever_else_is_put(accounts in prop::collection::btree_map(".*", ".*", 0..8)) {
            let mut text = empty();
            for (account, token) in &accounts {
                text = put(&text, account, &serde_json::json!({"generation": 1, "access_token": token}).to_string());
            }
            let content = Content::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(content.tokens.len(), accounts.len());
            for (account, token) in &accounts {
                let kept = content.kept(&content.id(&key(account))).unwrap().record.unwrap();
                prop_assert_eq!(kept.access_token.as_ref().map(Secret::expose), Some(token.as_str()));
            }
        }

        #[test]
        fn d12_no_bytes_are_too_strange(bytes in any::<Vec<u8>>(), text in r#"[{}\[\]":,0a\\ ]{0,60}"#) {
            let _ = Content::parse(&bytes);
            let text = format!(r#"{{"salt":"a","x":{text},"tokens":{{"i":{text}}}}}"#);
            if let Ok(content) = Content::parse(text.as_bytes()) {
                let again = content.with("j", Some("{}"));
                let again = Content::parse(again.as_bytes()).unwrap();
                prop_assert_eq!(again.others["x"].get(), content.others["x"].get());
                prop_assert_eq!(again.tokens["i"].get(), content.tokens["i"].get());
            }
        }
    }
}
