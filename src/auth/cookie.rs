//! A key that is sent as a cookie (RFC 6265), beside those of a jar and of the call.

use http::{HeaderMap, HeaderValue, header::COOKIE};

use super::fault;
use crate::{
    error::{Fault, quoted},
    secret::Secret,
};

/// A key and its cookie's name, both fit for the header.
pub(super) struct KeyCookie {
    name: String,
    pair: Secret,
}

impl KeyCookie {
    pub(super) fn new(name: &str, key: &Secret) -> Result<Self, Fault> {
        if !is_token(name) {
            return Err(fault(format!("{} is no name of a cookie", quoted(name))));
        }
        if !is_value(key.expose()) {
            let why = "holds a character that cookies do not, such as a space, a comma or a semicolon; encode it";
            return Err(fault(format!("the key for the cookie {} {why}", quoted(name))));
        }
        let pair = Secret::from(format!("{name}={}", key.expose()));
        Ok(Self { name: name.to_owned(), pair })
    }

    pub(super) fn pair(&self) -> &str {
        self.pair.expose()
    }

    /// Adds it to the cookies of `headers`, in their one header.
    ///
    /// One of the same name gives way, unless the cookies there are the call's own.
    pub(super) fn put(&self, headers: &mut HeaderMap, own: bool) {
        let given: Vec<_> = headers.get_all(COOKIE).iter().map(|value| value.as_bytes().to_vec()).collect();
        let pairs = || given.iter().flat_map(|value| value.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
        let same =
            |pair: &&[u8]| pair.strip_prefix(self.name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'='));
        if own && pairs().any(|pair| same(&pair)) {
            return;
        }
        let kept = pairs().filter(|pair| !pair.is_empty() && !same(pair));
        let joined = kept.chain([self.pair().as_bytes()]).collect::<Vec<_>>().join(&b"; "[..]);
        // What was a header's value, cut at semicolons and joined, is one again.
        if let Ok(mut value) = HeaderValue::from_bytes(&joined) {
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
    }
}

/// An RFC 9110 token.
fn is_token(text: &str) -> bool {
    let mark = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || mark(byte))
}

/// Cookie octets, in double quotes or not.
fn is_value(text: &str) -> bool {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    inner.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cookie_is_joined_with_those_that_are_there() {
        let cookie = KeyCookie::new("key", &Secret::from("k1")).unwrap();
        for (given, own, expected) in [
            (&[][..], false, "key=k1"),
            (&["a=1"], false, "a=1; key=k1"),
            (&["a=1; b=2", "c=3"], false, "a=1; b=2; c=3; key=k1"),
            (&["a=1;key=old;  b=2;"], false, "a=1; b=2; key=k1"),
            (&["a=1; key=mine"], true, "a=1; key=mine"),
            (&["a=1; xkey=2; key2=3; Key=4"], true, "a=1; xkey=2; key2=3; Key=4; key=k1"),
            (&["caf\u{e9}=\u{e9}"], true, "caf\u{e9}=\u{e9}; key=k1"),
        ] {
            let mut headers = HeaderMap::new();
            for value in given {
                headers.append(COOKIE, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            cookie.put(&mut headers, own);
            let sent: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
            assert_eq!(sent, [expected.as_bytes()], "{given:?}");
            assert!(own || headers[COOKIE].is_sensitive());
        }
    }

    #[test]
    fn a_name_and_a_value_are_as_the_standard_has_them() {
        let new = |name: &str, key: &str| KeyCookie::new(name, &Secret::from(key)).is_ok();
        for (name, key) in
            [("key", ""), ("__Host-k", "a/b=="), ("k", "\"quoted\""), ("k", "!#$%&'()*+-./:<=>?@[]^_`{|}~")]
        {
            assert!(new(name, key), "{name}={key}");
        }
        for (name, key) in [
            ("", "v"),
            ("a b", "v"),
            ("a=b", "v"),
            ("a;b", "v"),
            ("\u{e9}", "v"),
            ("k", "a b"),
            ("k", "a;b"),
            ("k", "a,b"),
            ("k", "a\"b"),
            ("k", "\"a"),
            ("k", "a\\b"),
            ("k", "a\r\nb"),
            ("k", "\u{e9}"),
        ] {
            assert!(!new(name, key), "{name}={key}");
        }
    }

    proptest! {
        #[test]
        fn what_is_joined_is_one_header_that_holds_the_key(given in proptest::collection::vec("[ -~]{0,20}", 0..4), own: bool) {
            let cookie = KeyCookie::new("key", &Secret::from("k1")).unwrap();
            let mut headers = HeaderMap::new();
            headers.extend(given.iter().map(|value| (COOKIE, HeaderValue::from_str(value).unwrap())));
            cookie.put(&mut headers, own);
            let named = |pair: &str| pair.trim().starts_with("key=");
            let before = given.iter().flat_map(|value| value.split(';')).filter(|pair| named(pair)).count();
            if !own || before == 0 {
                let text = headers[COOKIE].to_str().unwrap();
                prop_assert_eq!(headers.get_all(COOKIE).iter().count(), 1);
                prop_assert_eq!(text.split("; ").filter(|pair| named(pair)).collect::<Vec<_>>(), ["key=k1"]);
            }
        }
    }
}
