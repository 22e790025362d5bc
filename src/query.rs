//! Query strings and form bodies: names and JSON values in, `a=1&b=x+y` out.

use crate::json::{self, Members};

/// The most pairs that one query may hold.
const MOST_PAIRS: usize = 1_000;

/// The deepest nesting of one value.
const DEEPEST: usize = 16;

/// How arrays and objects stand in a query string.
///
/// Scalars are `name=value` in every style, `null` is left out, and a space is `+`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Style {
    /// `a=1&a=2`; objects are refused.
    #[default]
    Repeat,
    /// `a=1,2`; objects are refused.
    Comma,
    /// `a[]=1&a[]=2` and `a[b]=1`.
    Brackets,
    /// `a[0]=1&a[1]=2` and `a[b]=1`, as `OpenAPI` and its users do.
    DeepObject,
}

/// Appends `pairs` of names and JSON texts to `out`; the error is a sentence that names the pair.
pub(crate) fn write<'a>(
    out: &mut String,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    style: Style,
) -> Result<(), String> {
    let mut writer = Writer { out, style, pairs: 0 };
    pairs.into_iter().try_for_each(|(name, value)| writer.value(name, value, 0).map_err(|why| why.at(name)))
}

/// Checks a query string that the caller has encoded already.
pub(crate) fn check_raw(text: &str) -> Result<(), String> {
    match text.chars().find(|c| !c.is_ascii_graphic() || matches!(c, '#' | '"' | '\'' | '<' | '>')) {
        Some(bad) => Err(format!("a raw query must be percent-encoded already, but holds {bad:?}")),
        None => Ok(()),
    }
}

struct Writer<'o> {
    out: &'o mut String,
    style: Style,
    pairs: usize,
}

/// Why a value cannot stand in a query.
enum Refusal {
    TooMany,
    TooDeep,
    Nested(Style),
    Nul,
}

impl Refusal {
    fn at(&self, name: &str) -> String {
        let name = crate::error::quoted(name);
        match self {
            Self::TooMany => format!("the query has more than {MOST_PAIRS} pairs at {name}"),
            Self::TooDeep => format!("the query parameter {name} nests deeper than {DEEPEST}"),
            Self::Nested(style) => format!(
                "the query parameter {name} holds a nested value, which the style {style:?} cannot write; \
                 use Style::Brackets or Style::DeepObject"
            ),
            Self::Nul => {
                format!("the query parameter {name} holds a NUL character; send it with .query_raw(..) if it is meant")
            }
        }
    }
}

impl Writer<'_> {
    fn value(&mut self, name: &str, value: &str, depth: usize) -> Result<(), Refusal> {
        if depth > DEEPEST {
            return Err(Refusal::TooDeep);
        }
        let value = value.trim();
        match value.as_bytes().first() {
            Some(b'n') => Ok(()),
            Some(b'[') => self.array(name, value, depth),
            Some(b'{') => self.object(name, value, depth),
            _ => {
                self.name(name)?;
                self.scalar(value)
            }
        }
    }

    fn array(&mut self, name: &str, value: &str, depth: usize) -> Result<(), Refusal> {
        if self.style == Style::Comma {
            return self.list(name, value);
        }
        for (index, (_, item)) in Members::of(value).enumerate() {
            match self.style {
                Style::Brackets => self.value(&format!("{name}[]"), item, depth + 1)?,
                Style::DeepObject => self.value(&format!("{name}[{index}]"), item, depth + 1)?,
                style if nested(item) => return Err(Refusal::Nested(style)),
                _ => self.value(name, item, depth)?,
            }
        }
        Ok(())
    }

    fn list(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        let mut items = Members::of(value).map(|(_, item)| item).filter(|item| *item != "null").peekable();
        if items.peek().is_none() {
            return Ok(());
        }
        self.name(name)?;
        for (index, item) in items.enumerate() {
            if nested(item) {
                return Err(Refusal::Nested(self.style));
            }
            if index > 0 {
                self.out.push(',');
            }
            self.scalar(item)?;
        }
        Ok(())
    }

    fn object(&mut self, name: &str, value: &str, depth: usize) -> Result<(), Refusal> {
        if matches!(self.style, Style::Repeat | Style::Comma) {
            return Err(Refusal::Nested(self.style));
        }
        Members::of(value)
            .try_for_each(|(key, member)| self.value(&format!("{name}[{}]", json::unescape(key)), member, depth + 1))
    }

    fn name(&mut self, name: &str) -> Result<(), Refusal> {
        self.pairs += 1;
        if self.pairs > MOST_PAIRS {
            return Err(Refusal::TooMany);
        }
        if !self.out.is_empty() {
            self.out.push('&');
        }
        self.text(name)?;
        self.out.push('=');
        Ok(())
    }

    fn scalar(&mut self, value: &str) -> Result<(), Refusal> {
        match json::as_string(value) {
            Some(text) => self.text(&text),
            None => self.text(value),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Refusal> {
        if text.contains('\0') {
            return Err(Refusal::Nul);
        }
        self.out.extend(url::form_urlencoded::byte_serialize(text.as_bytes()));
        Ok(())
    }
}

fn nested(value: &str) -> bool {
    value.starts_with(['[', '{'])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn query(value: &Value, style: Style) -> Result<String, String> {
        let mut out = String::new();
        let pairs: Vec<_> =
            value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
        write(&mut out, pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())), style).map(|()| out)
    }

    #[test]
    fn values_stand_as_the_style_says() {
        use Style::{Brackets, Comma, DeepObject, Repeat};
        let list = json!({"a": [1, "x,y", null, true]});
        let deep = json!({"f": {"k": 1, "l": ["p", {"q": 2}]}});
        for (value, style, expected) in [
            (&json!({"limit": 1, "q": "x y&"}), Repeat, "limit=1&q=x+y%26"),
            (&list, Repeat, "a=1&a=x%2Cy&a=true"),
            (&list, Comma, "a=1,x%2Cy,true"),
            (&list, Brackets, "a%5B%5D=1&a%5B%5D=x%2Cy&a%5B%5D=true"),
            (&list, DeepObject, "a%5B0%5D=1&a%5B1%5D=x%2Cy&a%5B3%5D=true"),
            (&deep, Brackets, "f%5Bk%5D=1&f%5Bl%5D%5B%5D=p&f%5Bl%5D%5B%5D%5Bq%5D=2"),
            (&deep, DeepObject, "f%5Bk%5D=1&f%5Bl%5D%5B0%5D=p&f%5Bl%5D%5B1%5D%5Bq%5D=2"),
            (&json!({"a": [], "b": null, "c": [null]}), Comma, ""),
            (&json!({"a": ""}), Repeat, "a="),
        ] {
            assert_eq!(query(value, style).as_deref(), Ok(expected), "{value} {style:?}");
        }
        for (value, style) in
            [(&deep, Repeat), (&deep, Comma), (&json!({"a": [[1]]}), Repeat), (&json!({"a": [{}]}), Comma)]
        {
            let error = query(value, style).unwrap_err();
            assert!(error.contains("nested") && error.contains("Brackets"), "{error}");
        }
    }

    #[test]
    fn p38_a_query_is_bounded() {
        let many: Value = (0..10_000).map(|n| (format!("k{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
        assert!(query(&many, Style::Repeat).unwrap_err().contains("more than 1000 pairs"));
        assert!(query(&json!({"a": vec![1; 10_000]}), Style::Repeat).unwrap_err().contains("more than 1000 pairs"));
        let deep = (0..100).fold(json!(1), |inner, _| json!({"a": inner}));
        for style in [Style::Brackets, Style::DeepObject] {
            assert!(query(&deep, style).unwrap_err().contains("deeper than 16"));
        }
    }

    #[test]
    fn p38_the_bounds_themselves_are_allowed() {
        let pairs = |count: usize| query(&json!({"a": vec![1; count]}), Style::Repeat);
        assert_eq!(pairs(1_000).unwrap().matches('&').count(), 999);
        assert!(pairs(1_001).is_err());
        let object = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!({"a": inner}));
        let array = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        for style in [Style::Brackets, Style::DeepObject] {
            for value in [object, array] {
                assert!(query(&json!({"a": value(16)}), style).is_ok(), "{style:?}");
                assert!(query(&json!({"a": value(17)}), style).unwrap_err().contains("deeper than 16"), "{style:?}");
            }
        }
    }

    #[test]
    fn p41_names_and_values_round_trip_in_order() {
        let texts = ["&", "=", "+", "\r\n", "é日本\u{202e}", "", "a b", "%00", "a[b]", "\"\\"];
        let pairs: Vec<(String, String)> =
            texts.iter().flat_map(|a| texts.iter().map(|b| ((*a).to_owned(), json!(b).to_string()))).collect();
        let mut out = String::new();
        write(&mut out, pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())), Style::Repeat).unwrap();
        let back: Vec<(String, String)> = url::form_urlencoded::parse(out.as_bytes())
            .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()).to_string()))
            .collect();
        assert_eq!(back, pairs);
        assert!(out.bytes().all(|byte| byte.is_ascii_graphic()));
        for nul in [json!({"a": "\0"}), json!({"\0": 1})] {
            assert!(query(&nul, Style::Repeat).unwrap_err().contains(".query_raw("));
        }
        assert!(check_raw("a=%00&b=c%20d").is_ok());
        for bad in ["a b", "a#b", "a\nb", "é"] {
            assert!(check_raw(bad).is_err());
        }
    }

    #[test]
    fn w26_long_numbers_keep_their_digits() {
        let mut out = String::new();
        write(&mut out, [("n", "340282366920938463463374607431768211455"), ("d", "1.10")], Style::Repeat).unwrap();
        assert_eq!(out, "n=340282366920938463463374607431768211455&d=1.10");
    }
}
