//! `WWW-Authenticate`: challenges, of which one header may hold several (RFC 9110, section 11.6.1).

use http::{HeaderMap, header::WWW_AUTHENTICATE};

/// The most challenges of one answer that are read, and parameters of each.
const MOST: usize = 32;

/// One way to sign in that a server offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Challenge {
    scheme: String,
    token: Option<String>,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// Whether it is of this scheme, in whatever case.
    pub(crate) fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// What stands after the scheme in place of parameters, as `Negotiate` has it.
    #[cfg_attr(not(test), expect(dead_code, reason = "no scheme with one is known yet"))]
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The parameter of this name, in whatever case; the first of several.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let same = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.parameters.iter().find(same).map(|(_, value)| value.as_str())
    }
}

/// The challenges of an answer, in its order; of a header that is malformed, those that stand before the mistake.
pub(crate) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
    texts.flat_map(|text| Reader { rest: text }.challenges()).take(MOST).collect()
}

/// What is left of a header to read.
struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn challenges(mut self) -> Vec<Challenge> {
        let mut found: Vec<Challenge> = Vec::new();
        while found.len() <= MOST {
            self.commas();
            let Some(word) = self.word() else { break };
            if self.is_value() {
                // A parameter, of the last challenge.
                let (Some(value), Some(last)) = (self.value(), found.last_mut()) else { break };
                if last.parameters.len() < MOST {
                    last.parameters.push((word.to_owned(), value));
                }
            } else {
                let token = self.token68();
                found.push(Challenge { scheme: word.to_owned(), token, parameters: Vec::new() });
                if !self.begins_anew() {
                    continue;
                }
            }
            if !self.ends() {
                // What it stands in cannot be made out; nothing of it is believed.
                found.pop();
                break;
            }
        }
        found
    }

    fn spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn commas(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
    }

    /// Whether an element of the list ends here.
    fn ends(&mut self) -> bool {
        self.spaces();
        self.rest.is_empty() || self.rest.starts_with(',')
    }

    /// Whether no parameter follows at once.
    fn begins_anew(&mut self) -> bool {
        self.spaces();
        self.rest.is_empty() || self.rest.starts_with(',') || !self.rest.starts_with(is_token)
    }

    /// A token, of a scheme or a parameter.
    fn word(&mut self) -> Option<&'t str> {
        let end = self.rest.find(|c| !is_token(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    /// Whether an equals sign follows, with spaces around it or not.
    fn is_value(&self) -> bool {
        self.rest.trim_start_matches([' ', '\t']).starts_with('=')
    }

    fn value(&mut self) -> Option<String> {
        self.spaces();
        self.rest = self.rest.strip_prefix('=')?;
        self.spaces();
        match self.rest.strip_prefix('"') {
            Some(rest) => {
                self.rest = rest;
                self.quoted()
            }
            None => self.word().map(str::to_owned),
        }
    }

    /// The rest of a quoted string, its escapes undone.
    fn quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Some(text);
                }
                '\\' => text.push(chars.next()?.1),
                c => text.push(c),
            }
        }
        None
    }

    /// `token68`, where what follows is one and not a parameter.
    fn token68(&mut self) -> Option<String> {
        let rest = self.rest.strip_prefix([' ', '\t'])?.trim_start_matches([' ', '\t']);
        let body = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-._~+/".contains(c))).unwrap_or(rest.len());
        let end = body + rest[body..].len() - rest[body..].trim_start_matches('=').len();
        let after = rest[end..].trim_start_matches([' ', '\t']);
        if body == 0 || !(after.is_empty() || after.starts_with(',')) {
            return None;
        }
        self.rest = after;
        Some(rest[..end].to_owned())
    }
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn read(values: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        challenges(&headers).iter().map(written).collect()
    }

    fn written(challenge: &Challenge) -> String {
        let parameters = challenge.parameters.iter().map(|(name, value)| format!(" {name}={value:?}"));
        format!(
            "{}{}{}",
            challenge.scheme,
            challenge.token().map_or(String::new(), |it| format!(" <{it}>")),
            parameters.collect::<String>()
        )
    }

    #[test]
    fn challenges_are_told_apart() {
        for (given, expected) in [
            (&["Basic realm=\"a\""][..], &[r#"Basic realm="a""#][..]),
            (&["basic REALM=a"], &[r#"basic REALM="a""#]),
            (&[r#"Digest realm="a, \"b\" = \\", nonce=x"#], &[r#"Digest realm="a, \"b\" = \\" nonce="x""#]),
            (
                &[r#"Newauth realm="apps", type=1, title="Login to \"apps\"", Basic realm="simple""#],
                &[r#"Newauth realm="apps" type="1" title="Login to \"apps\"""#, r#"Basic realm="simple""#],
            ),
            (&["Negotiate, Basic realm=x"], &["Negotiate", r#"Basic realm="x""#]),
            (&["Negotiate YIIa+/b==, NTLM"], &["Negotiate <YIIa+/b==>", "NTLM"]),
            (&["NTLM TlRM"], &["NTLM <TlRM>"]),
            (&["Bearer"], &["Bearer"]),
            (&["Digest a=1", "Basic b=2"], &[r#"Digest a="1""#, r#"Basic b="2""#]),
            (&[", ,Digest a = 1 ,, b\t=\t\"2\",,"], &[r#"Digest a="1" b="2""#]),
            (&["Digest , a=1"], &[r#"Digest a="1""#]),
            (&["Bearer realm=\"\u{e4}\u{f6}\""], &["Bearer realm=\"\u{e4}\u{f6}\""]),
            (&["Digest a=\"\""], &[r#"Digest a="""#]),
            (&["Scheme a"], &["Scheme <a>"]),
            (&["Scheme a="], &["Scheme <a=>"]),
        ] {
            assert_eq!(read(given), expected, "{given:?}");
        }
    }

    #[test]
    fn of_what_is_malformed_nothing_is_believed() {
        for (given, expected) in [
            (&[""][..], &[][..]),
            (&["=x"], &[]),
            (&["a=1, Basic realm=x"], &[]),
            (&["Basic realm=x, Digest nonce=\"open"], &[r#"Basic realm="x""#, "Digest"]),
            (&["Basic realm=x, Digest nonce=\"a\" b"], &[r#"Basic realm="x""#]),
            (&["Basic realm=x, (", "Digest a=1"], &[r#"Basic realm="x""#, r#"Digest a="1""#]),
            (&["Digest a=\"\\"], &["Digest"]),
        ] {
            assert_eq!(read(given), expected, "{given:?}");
        }
        let many = "A, ".repeat(100);
        assert_eq!(read(&[&many]).len(), MOST);
        let long = format!("A {}", (0..100).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join(", "));
        assert_eq!(read(&[&long])[0].matches('=').count(), MOST);
    }

    #[test]
    fn a_parameter_is_found_in_any_case() {
        let mut headers = HeaderMap::new();
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("DIGEST Realm=a, realm=b"));
        let [challenge] = &challenges(&headers)[..] else { panic!("one challenge") };
        assert!(challenge.is("digest") && !challenge.is("dig"));
        assert_eq!((challenge.get("REALM"), challenge.get("nonce")), (Some("a"), None));
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[a-zA-Z \",=\\\\/]{0,80}") {
            for bytes in [bytes.as_slice(), text.as_bytes()] {
                if let Ok(value) = HeaderValue::from_bytes(bytes) {
                    let _ = challenges(&HeaderMap::from_iter([(WWW_AUTHENTICATE, value)]));
                }
            }
        }

        #[test]
        fn what_is_written_is_read(
            given in proptest::collection::vec(
                ("[A-Z][a-z]{0,8}", proptest::collection::vec(("[a-z]{1,8}", "[ -~\u{e9}]{0,12}"), 1..4)),
                1..4,
            ),
        ) {
            let quoted = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
            let texts = given.iter().map(|(scheme, parameters)| {
                let parameters = parameters.iter().map(|(name, value)| format!("{name}=\"{}\"", quoted(value)));
                format!("{scheme} {}", parameters.collect::<Vec<_>>().join(", "))
            });
            let text = texts.collect::<Vec<_>>().join(", ");
            let header = HeaderValue::from_bytes(text.as_bytes()).unwrap();
            let found = challenges(&HeaderMap::from_iter([(WWW_AUTHENTICATE, header)]));
            let expected: Vec<_> = given
                .into_iter()
                .map(|(scheme, parameters)| Challenge { scheme, token: None, parameters })
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}
