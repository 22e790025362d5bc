//! JSON laid out and coloured from its bytes: numbers, order and keys that stand twice are shown as they came.

use std::io::{self, Write};

use super::{clean::Sink, colour};

/// The spaces of one level.
const INDENT: usize = 4;

/// The level below which nothing is indented further, so that depth costs no more than its brackets.
const DEEPEST: usize = 64;

/// What a piece of JSON text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `{` or `[`.
    Open,
    /// `}` or `]`.
    Close,
    Comma,
    Colon,
    /// A string that names a member.
    Key,
    String,
    Number,
    /// `true`, `false`, `null`.
    Literal,
}

/// JSON text that has been checked, so that its tokens can be taken without a look at its grammar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// Checks `bytes`, which may begin with a byte order mark.
    pub(crate) fn check(bytes: &'a [u8]) -> Result<Self, String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| error.to_string())?;
        Ok(Self(text.trim_matches([' ', '\t', '\n', '\r'])))
    }

    /// A token of checked text, which is a value by itself.
    pub(crate) fn token(text: &'a str) -> Self {
        Self(text)
    }

    /// The text itself.
    pub(crate) fn text(self) -> &'a str {
        self.0
    }

    pub(crate) fn tokens(self) -> Tokens<'a> {
        Tokens { text: self.0, at: 0 }
    }

    /// Whether it is an array or an object with something in it.
    pub(crate) fn nests(self) -> bool {
        let mut tokens = self.tokens();
        matches!(tokens.next(), Some((Kind::Open, _))) && !matches!(tokens.next(), Some((Kind::Close, _)))
    }

    /// How deep arrays and objects stand in each other.
    pub(crate) fn depth(self) -> usize {
        let (mut depth, mut most) = (0_usize, 0);
        for (kind, _) in self.tokens() {
            match kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
            most = most.max(depth);
        }
        most
    }

    /// The members of an object, or the items of an array, whose keys are empty; `None` for anything else.
    pub(crate) fn children(self) -> Option<Vec<(&'a str, Json<'a>)>> {
        if !self.0.starts_with(['{', '[']) {
            return None;
        }
        let mut children = Vec::new();
        let (mut depth, mut key, mut start) = (0_usize, "", 0);
        let mut tokens = self.tokens();
        while let Some((kind, text)) = tokens.next() {
            let begin = tokens.at - text.len();
            match kind {
                Kind::Key if depth == 1 => key = text,
                Kind::Close => depth = depth.saturating_sub(1),
                Kind::Open | Kind::String | Kind::Number | Kind::Literal if depth == 1 => start = begin,
                _ => {}
            }
            if depth == 1 && matches!(kind, Kind::Close | Kind::String | Kind::Number | Kind::Literal) {
                children.push((std::mem::take(&mut key), Json(self.0.get(start..tokens.at).unwrap_or_default())));
            }
            if kind == Kind::Open {
                depth += 1;
            }
        }
        Some(children)
    }
}

/// The text of a JSON string literal; one that stands for no text, as half a surrogate pair, keeps its escapes.
pub(crate) fn unquoted(literal: &str) -> String {
    serde_json::from_str(literal).unwrap_or_else(|_| literal.trim_matches('"').to_owned())
}

/// The tokens of checked JSON text, in order, without the space between them.
pub(crate) struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        self.at += self.rest().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    }

    /// The length of the string at the front, with its quotes.
    fn string(&self) -> usize {
        let mut escaped = false;
        let end = self.rest().iter().skip(1).position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        });
        end.map_or(self.rest().len(), |end| end + 2)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (Kind, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_space();
        let first = *self.rest().first()?;
        let (mut kind, length) = match first {
            b'{' | b'[' => (Kind::Open, 1),
            b'}' | b']' => (Kind::Close, 1),
            b',' => (Kind::Comma, 1),
            b':' => (Kind::Colon, 1),
            b'"' => (Kind::String, self.string()),
            _ => {
                let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}');
                let length = self.rest().iter().position(ends).unwrap_or(self.rest().len()).max(1);
                (if matches!(first, b't' | b'f' | b'n') { Kind::Literal } else { Kind::Number }, length)
            }
        };
        let text = self.text.get(self.at..self.at + length)?;
        self.at += length;
        if kind == Kind::String {
            self.skip_space();
            if self.rest().first() == Some(&b':') {
                kind = Kind::Key;
            }
            // What follows is whole again at the next call; a caller may count on `at` being the token's end.
            let space = self.text.get(..self.at).map_or(0, |read| read.len() - read.trim_end().len());
            self.at -= space;
        }
        Some((kind, text))
    }
}

/// Writes the value over many lines, each level four spaces in.
pub(crate) fn lay_out(json: Json<'_>, out: &mut Sink<'_>) -> io::Result<()> {
    let mut depth = 0_usize;
    let mut tokens = json.tokens().peekable();
    while let Some((kind, text)) = tokens.next() {
        if kind == Kind::Close {
            depth = depth.saturating_sub(1);
        }
        out.paint(colour::of(kind), text.as_bytes())?;
        let next = tokens.peek().map(|(kind, _)| *kind);
        match kind {
            Kind::Colon => out.write_all(b" ")?,
            Kind::Open => {
                depth += 1;
                if next == Some(Kind::Close) {
                    continue;
                }
                new_line(depth, out)?;
            }
            Kind::Comma => new_line(depth, out)?,
            _ if next == Some(Kind::Close) => new_line(depth.saturating_sub(1), out)?,
            _ => {}
        }
    }
    out.write_all(b"\n")
}

fn new_line(depth: usize, out: &mut Sink<'_>) -> io::Result<()> {
    const SPACES: [u8; INDENT * DEEPEST + 1] = {
        let mut spaces = [b' '; INDENT * DEEPEST + 1];
        spaces[0] = b'\n';
        spaces
    };
    out.write_all(SPACES.get(..=INDENT * depth.min(DEEPEST)).unwrap_or(&SPACES))
}

/// Writes the value on one line, without a space.
pub(crate) fn compact(json: Json<'_>, out: &mut Sink<'_>) -> io::Result<()> {
    json.tokens().try_for_each(|(kind, text)| out.paint(colour::of(kind), text.as_bytes()))?;
    out.write_all(b"\n")
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::clean::Manner;

    fn written(text: &str, colour: bool, write: fn(Json<'_>, &mut Sink<'_>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        let mut clean = Sink::new(&mut out, Manner { terminal: false, colour });
        write(Json::check(text.as_bytes()).unwrap(), &mut clean).unwrap();
        clean.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_layout_changes_space_and_nothing_else() {
        for (given, expected) in [
            ("1.10", "1.10\n"),
            (" \"a b\" ", "\"a b\"\n"),
            ("[ ]", "[]\n"),
            ("{\n}", "{}\n"),
            ("[1,{}]", "[\n    1,\n    {}\n]\n"),
            (r#"{"a":{"b":[]},"a":1e400}"#, "{\n    \"a\": {\n        \"b\": []\n    },\n    \"a\": 1e400\n}\n"),
            (r#"[12345678901234567890123,-0.0]"#, "[\n    12345678901234567890123,\n    -0.0\n]\n"),
            (r#"{"\"x\\" : "\ud800, [1]"}"#, "{\n    \"\\\"x\\\\\": \"\\ud800, [1]\"\n}\n"),
            ("\u{feff}[]", "[]\n"),
        ] {
            assert_eq!(written(given, false, lay_out), expected);
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [&b""[..], b"{", b"[1,]", b"1 2", b"nul", b"'a'", b"[01]", b"\xff", b"\"\x01\""] {
            assert!(Json::check(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn each_kind_has_its_colour() {
        let out = written(r#"{"a":[1,"b",null]}"#, true, compact);
        for piece in ["\x1b[34m\"a\"\x1b[0m", "\x1b[36m1\x1b[0m", "\x1b[32m\"b\"\x1b[0m", "\x1b[35mnull\x1b[0m"] {
            assert!(out.contains(piece), "{out:?}");
        }
    }

    #[test]
    fn depth_costs_no_more_than_its_brackets() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(written(&deep, false, lay_out).len() < 20_000 * 260);
        assert_eq!(Json::check(deep.as_bytes()).unwrap().depth(), 10_000);
    }

    #[test]
    fn children_are_slices_of_the_text() {
        let text = r#" {"a" : [1, {"b":2}] , "a":"}" , "c" :1.10 } "#;
        let children = Json::check(text.as_bytes()).unwrap().children().unwrap();
        let children: Vec<_> = children.iter().map(|(key, value)| (*key, value.text())).collect();
        assert_eq!(children, [("\"a\"", r#"[1, {"b":2}]"#), ("\"a\"", "\"}\""), ("\"c\"", "1.10")]);
        let text = "[ [ ], 1 ,\"x\" , {} ]";
        let items: Vec<_> = Json::check(text.as_bytes()).unwrap().children().unwrap();
        assert_eq!(items.iter().map(|(_, item)| item.text()).collect::<Vec<_>>(), ["[ ]", "1", "\"x\"", "{}"]);
        assert!(Json::check(b"3").unwrap().children().is_none());
    }

    /// Any JSON value.
    pub(crate) fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            ".{0,8}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                proptest::collection::vec((".{0,4}", inner), 0..5)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_layout_made_compact_is_the_compact_original(value in any_json()) {
            let once = value.to_string();
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(written(&written(&pretty, false, lay_out), false, compact), format!("{once}\n"));
            prop_assert_eq!(&written(&pretty, false, compact), &format!("{once}\n"));
            let laid_out = written(&once, false, lay_out);
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&laid_out).unwrap(), serde_json::from_str::<serde_json::Value>(&once).unwrap());
        }
    }
}
