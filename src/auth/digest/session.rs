//! Requests signed by one challenge, counted; told the client's nonce and nothing of chance.

use super::challenge::{Offer, Quality};
use crate::{auth::fault, error::Result};

/// A challenge that is being answered.
#[derive(Debug)]
pub(super) struct Session {
    offer: Offer,
    /// The client's nonce, one for the whole session: `-sess` needs it so, and the count tells requests apart.
    cnonce: String,
    /// How many requests were signed.
    count: u32,
}

/// What of a request is signed.
pub(super) struct Asked<'r> {
    pub(super) method: &'r str,
    /// Path and query, as they are sent.
    pub(super) target: &'r str,
    /// `None`: it is not in memory.
    pub(super) body: Option<&'r [u8]>,
}

impl Session {
    pub(super) fn new(offer: Offer, cnonce: String) -> Self {
        Self { offer, cnonce, count: 0 }
    }

    /// Whether the count of eight digits ends here.
    pub(super) fn is_used_up(&self) -> bool {
        self.count == u32::MAX
    }

    /// Whether a request that was refused with `sent` for its `Authorization` is worth signing anew, by `offer`.
    ///
    /// A server that takes a nonce no longer should say so (`stale`); of those that take each once, few do. So any
    /// other nonce is answered, and a wrong password is tried twice at most in a call.
    pub(super) fn may_sign_anew(sent: &str, offer: &Offer) -> bool {
        offer.stale || !sent.contains(&format!("nonce={}", quoted(&offer.nonce)))
    }

    /// The `Authorization` of the next request.
    pub(super) fn sign(&mut self, user: &str, password: &str, asked: &Asked<'_>) -> Result<String> {
        self.count = self.count.saturating_add(1);
        let Self { offer, cnonce, count } = self;
        let algorithm = offer.algorithm;
        let mut first = algorithm.of(&[user, &offer.realm, password]);
        if algorithm.session {
            first = algorithm.of(&[&first, &offer.nonce, cnonce]);
        }
        let second = match (offer.quality, asked.body) {
            (Quality::AuthInt, Some(body)) => algorithm.of(&[asked.method, asked.target, &algorithm.hash(body)]),
            (Quality::AuthInt, None) => {
                return Err(fault("the server asks for a hash of the body (auth-int); give it as bytes").into());
            }
            _ => algorithm.of(&[asked.method, asked.target]),
        };
        let count = format!("{count:08x}");
        let quality = match offer.quality {
            Quality::Old => None,
            Quality::Auth => Some("auth"),
            Quality::AuthInt => Some("auth-int"),
        };
        let response = match quality {
            None => algorithm.of(&[&first, &offer.nonce, &second]),
            Some(quality) => algorithm.of(&[&first, &offer.nonce, &count, cnonce, quality, &second]),
        };
        let mut header = format!(
            "Digest {}, realm={}, nonce={}, uri={}, response=\"{response}\"",
            named(user, offer),
            quoted(&offer.realm),
            quoted(&offer.nonce),
            quoted(asked.target),
        );
        let mut add = |text: String| header.extend([", ", &text]);
        if let Some(name) = &offer.named {
            add(format!("algorithm={name}"));
        }
        if let Some(opaque) = &offer.opaque {
            add(format!("opaque={}", quoted(opaque)));
        }
        if let Some(quality) = quality {
            add(format!("qop={quality}, nc={count}"));
        }
        if quality.is_some() || algorithm.session {
            add(format!("cnonce=\"{cnonce}\""));
        }
        if offer.userhash {
            add("userhash=true".to_owned());
        }
        Ok(header)
    }
}

/// Who signs: hashed where the server wants it, in UTF-8 of its own form where ASCII does not do.
fn named(user: &str, offer: &Offer) -> String {
    match () {
        () if offer.userhash => format!("username=\"{}\"", offer.algorithm.of(&[user, &offer.realm])),
        () if user.is_ascii() => format!("username={}", quoted(user)),
        () => format!("username*=UTF-8''{}", percent(user)),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The value of an extended parameter (RFC 8187).
fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte);
    let written = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::challenge::challenges;
    use http::{HeaderMap, HeaderValue, header::WWW_AUTHENTICATE};
    use proptest::prelude::*;

    fn offer(text: &str) -> Option<Offer> {
        let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, HeaderValue::from_bytes(text.as_bytes()).unwrap())]);
        Offer::best(&challenges(&headers))
    }

    fn session(text: &str, cnonce: &str) -> Session {
        Session::new(offer(text).unwrap(), cnonce.to_owned())
    }

    fn get(target: &str) -> Asked<'_> {
        Asked { method: "GET", target, body: Some(b"") }
    }

    fn parameter<'h>(header: &'h str, name: &str) -> Option<&'h str> {
        let at = header.find(&format!(" {name}="))?;
        let value = &header[at + name.len() + 2..];
        Some(value.split(", ").next().unwrap().trim_matches('"'))
    }

    /// RFC 7616, section 3.9.1.
    #[test]
    fn rfc7616_the_password_of_mufasa() {
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let text = format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            );
            let signed = session(&text, cnonce).sign("Mufasa", "Circle of Life", &get("/dir/index.html")).unwrap();
            assert_eq!(
                signed,
                format!(
                    "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", \
                     nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", \
                     response=\"{response}\", algorithm={algorithm}, \
                     opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", qop=auth, nc=00000001, cnonce=\"{cnonce}\""
                )
            );
        }
    }

    /// RFC 7616, section 3.9.2, with the values of its erratum 4897.
    #[test]
    fn rfc7616_the_user_of_another_alphabet() {
        let text = "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, \
                    nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", \
                    opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8, userhash=true";
        let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
        let signed = session(text, cnonce).sign("J\u{e4}s\u{f8}n Doe", "Secret, or not?", &get("/doe.json")).unwrap();
        assert_eq!(
            parameter(&signed, "username"),
            Some("793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b")
        );
        assert_eq!(
            parameter(&signed, "response"),
            Some("3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5")
        );
        assert_eq!(parameter(&signed, "userhash"), Some("true"));
        let bare = session("Digest realm=\"r\", nonce=n, qop=auth", "c").sign("J\u{e4}s\u{f8}n Doe", "p", &get("/"));
        assert!(bare.unwrap().starts_with("Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, realm=\"r\""));
    }

    /// RFC 2617, section 3.5, and the same without `qop`, as RFC 2069 has it.
    #[test]
    fn rfc2617_older_servers_are_answered_in_their_way() {
        let text = "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
                    opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
        let sign =
            |text: &str| session(text, "0a4f113b").sign("Mufasa", "Circle Of Life", &get("/dir/index.html")).unwrap();
        let counted = sign(&format!("{text}, qop=\"auth,auth-int\""));
        assert_eq!(parameter(&counted, "response"), Some("6629fae49393a05397450978507c4ef1"));
        assert_eq!(parameter(&counted, "algorithm"), None);
        let old = sign(text);
        assert_eq!(parameter(&old, "response"), Some("670fd8c2df070c60b045671b8b24ff02"));
        assert_eq!([parameter(&old, "nc"), parameter(&old, "cnonce"), parameter(&old, "qop")], [None; 3]);
    }

    #[test]
    fn the_hash_of_a_session_and_of_a_body() {
        let text = |algorithm: &str, qop: &str| format!("Digest realm=r, nonce=n, algorithm={algorithm}, qop={qop}");
        let body = Asked { method: "POST", target: "/x", body: Some(b"body") };
        // Reckoned by hand from the formulas of sections 3.4.2 and 3.4.3.
        for (algorithm, qop, response) in [
            ("MD5-sess", "auth", "a2c9204ed7988a47b0676b32f6f89b86"),
            ("MD5", "auth-int", "7240d966675460c2c0dee540bbe544b6"),
            ("SHA-256-sess", "auth-int", "8b31aec8c545cbc9df4c6333f360df2a89fd960a756022cefcca251704ae1d79"),
        ] {
            let signed = session(&text(algorithm, qop), "c").sign("u", "p", &body).unwrap();
            assert_eq!(parameter(&signed, "response"), Some(response), "{algorithm} {qop}");
        }
        let stream = Asked { body: None, ..body };
        assert!(session(&text("MD5", "auth-int"), "c").sign("u", "p", &stream).is_err());
        assert!(session(&text("MD5", "\"auth-int,auth\""), "c").sign("u", "p", &stream).is_ok());
    }

    #[test]
    fn requests_are_counted_and_their_marks_escaped() {
        let mut session = session(r#"Digest realm="a \"b\" \\c", nonce="n\"1", qop=auth, opaque="""#, "c");
        for count in ["00000001", "00000002", "00000003"] {
            let signed = session.sign(r#"u"\"#, "p", &get("/?q=\"")).unwrap();
            assert_eq!(parameter(&signed, "nc"), Some(count));
            assert!(signed.starts_with(r#"Digest username="u\"\\", realm="a \"b\" \\c", nonce="n\"1", uri="/?q=\"","#));
            assert!(signed.contains(", opaque=\"\", "));
        }
        session.count = u32::MAX - 1;
        assert!(session.sign("u", "p", &get("/")).unwrap().contains("nc=ffffffff") && session.is_used_up());
    }

    #[test]
    fn what_cannot_be_answered_is_no_offer() {
        for text in [
            "Basic realm=r, nonce=n",
            "Digest realm=r",
            "Digest nonce=n",
            "Digest realm=r, nonce=n, algorithm=SHA-1",
            "Digest realm=r, nonce=n, qop=\"other\"",
            "Digest realm=r, nonce=n, qop=\"\"",
            "Digest realm=r, nonce=\"a\tb\"",
            &format!("Digest realm=r, nonce={}", "n".repeat(5_000)),
        ] {
            assert!(offer(text).is_none(), "{text}");
        }
        let several = "Digest realm=r, nonce=0, Digest realm=r, nonce=1, algorithm=NEW, \
                       Digest realm=r, nonce=2, algorithm=SHA-256, Digest realm=r, nonce=3, algorithm=SHA-512-256";
        assert_eq!(offer(several).unwrap().nonce, "2");
    }

    #[test]
    fn a_refusal_is_taken_for_what_it_is() {
        let mut signed = session("Digest realm=r, nonce=n1, qop=auth", "c");
        let sent = signed.sign("u", "p", &get("/")).unwrap();
        let again = offer("Digest realm=r, nonce=n1, qop=auth").unwrap();
        let other = offer("Digest realm=r, nonce=n2, qop=auth").unwrap();
        let stale = offer("Digest realm=r, nonce=n1, qop=auth, stale=TRUE").unwrap();
        assert!(!Session::may_sign_anew(&sent, &again), "the password is wrong");
        assert!(Session::may_sign_anew(&sent, &stale) && Session::may_sign_anew(&sent, &other));
    }

    proptest! {
        #[test]
        fn no_challenge_is_too_strange(text in "Digest [ -~]{0,80}", user in any::<String>(), target in "/[!-~]{0,20}") {
            if let Some(offer) = offer(&text) {
                let signed = Session::new(offer, "c".into()).sign(&user, "p", &get(&target));
                prop_assert!(signed.unwrap().starts_with("Digest username"));
            }
        }
    }
}
