//! `Link` headers (RFC 8288): what an answer says is related to it.

use std::fmt;

use http::{HeaderMap, header::LINK};

/// The most links that are read of one answer, and the most parameters of one link.
const MOST: usize = 256;

/// One link of an answer. Printing it shows its relations only: a target may hold a token.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
/// # let answer = || async { ([("link", "</people?page=2>; rel=next; title=\"more\"")], "[]") };
/// # let service = axum::Router::new().route("/people", axum::routing::get(answer));
/// # let client = restwalk::Client::local(service).build()?;
/// let response = client.res("people").get().send().await?;
/// let links = response.links();
/// let next = links.iter().find(|link| link.has_rel("next")).unwrap();
/// assert_eq!(next.target(), "/people?page=2");
/// assert_eq!(next.param("title"), Some("more"));
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    target: String,
    rels: Vec<String>,
    params: Vec<(String, String)>,
}

impl Link {
    /// The URL as it is written, often relative, and of any origin.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The relations, such as `next`, in lower case.
    pub fn rels(&self) -> impl Iterator<Item = &str> {
        self.rels.iter().map(String::as_str)
    }

    /// Whether `rel` is one of the relations, whatever its case.
    pub fn has_rel(&self, rel: &str) -> bool {
        self.rels().any(|known| known.eq_ignore_ascii_case(rel))
    }

    /// The first parameter of this name, such as `title`; one without a value is empty.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target: _, rels, params } = self;
        f.debug_struct("Link").field("rels", rels).field("params", &params.len()).finish_non_exhaustive()
    }
}

/// The links of all `Link` headers, in their order; where one stops making sense its rest is left out.
pub(super) fn links(headers: &HeaderMap) -> Vec<Link> {
    let mut links = Vec::new();
    for value in headers.get_all(LINK) {
        let text = String::from_utf8_lossy(value.as_bytes());
        let mut rest = Text(&text);
        while links.len() < MOST {
            let Some(link) = rest.link() else { break };
            links.push(link);
        }
    }
    links
}

/// What of a header has not been read yet.
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    /// The next link; `None` at the end, and where none begins.
    fn link(&mut self) -> Option<Link> {
        self.0 = self.0.trim_start_matches([' ', '\t', ',']);
        let (target, rest) = self.0.strip_prefix('<')?.split_once('>')?;
        self.0 = rest;
        let mut params = Vec::new();
        while self.takes(';') {
            let name = self.until(|c| matches!(c, '=' | ';' | ',' | ' ' | '\t')).to_ascii_lowercase();
            let value = if self.takes('=') { self.value()? } else { String::new() };
            if !name.is_empty() && params.len() < MOST {
                params.push((name, value));
            }
        }
        let rel = params.iter().find(|(name, _)| name == "rel").map_or("", |(_, rel)| rel);
        let rels = rel.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
        Some(Link { target: target.trim().to_owned(), rels, params })
    }

    /// Passes over blanks and `c`, if it is next.
    fn takes(&mut self, c: char) -> bool {
        self.0 = self.0.trim_start_matches([' ', '\t']);
        let rest = self.0.strip_prefix(c);
        self.0 = rest.unwrap_or(self.0).trim_start_matches([' ', '\t']);
        rest.is_some()
    }

    fn until(&mut self, end: impl Fn(char) -> bool) -> &'a str {
        let (word, rest) = self.0.split_at(self.0.find(end).unwrap_or(self.0.len()));
        self.0 = rest;
        word
    }

    /// A word, or a text in quotes; `None` where the quotes do not end.
    fn value(&mut self) -> Option<String> {
        let Some(quoted) = self.0.strip_prefix('"') else {
            return Some(self.until(|c| matches!(c, ';' | ',')).trim_end().to_owned());
        };
        let mut value = String::new();
        let mut chars = quoted.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => value.push(chars.next()?),
                c => value.push(c),
            }
        }
        self.0 = chars.as_str();
        // What stands between the quotes and the next separator means nothing.
        self.until(|c| matches!(c, ';' | ','));
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(values: &[&str]) -> Vec<Link> {
        let headers = values.iter().map(|value| (LINK, HeaderValue::from_bytes(value.as_bytes()).unwrap()));
        links(&headers.collect())
    }

    /// `target rel rel`, one link after another.
    fn told(values: &[&str]) -> Vec<String> {
        let told = |link: &Link| [&[link.target()], &*link.rels().collect::<Vec<_>>()].concat().join(" ");
        read(values).iter().map(told).collect()
    }

    #[test]
    fn r30_links_are_read_as_rfc_8288_says() {
        for (values, expected) in [
            (&["</a>; rel=\"next\""][..], &["/a next"][..]),
            (&["</a>; rel=next"], &["/a next"]),
            (&["</a>;rel=NEXT;type=\"a/b\""], &["/a next"]),
            (&["</a>; rel=\"prev  next\""], &["/a prev next"]),
            (&["</a>; rel=prev, </b>; rel=next"], &["/a prev", "/b next"]),
            (&["</a>; rel=prev", "</b>; rel=next"], &["/a prev", "/b next"]),
            (&["</a,b;c=\"d\">; rel=next,</e>"], &["/a,b;c=\"d\" next", "/e"]),
            (&["</a>; title=\"x, <y>; rel=prev\"; rel=next"], &["/a next"]),
            (&[r#"</a>; title="a\"b\\"; rel=next"#], &["/a next"]),
            (&["</a>; rel = \"next\" ; x"], &["/a next"]),
            (&["</a>; rel=next; rel=prev"], &["/a next"]),
            (&["</a>; REL=next"], &["/a next"]),
            (&["</a>; title=x"], &["/a"]),
            (&["<>; rel=self"], &[" self"]),
            (&["</a>; rel=\"https://h/Rel next\""], &["/a https://h/rel next"]),
            (&[" , ,</a>; rel=next ,, </b>"], &["/a next", "/b"]),
            (&["</a>; rel=\"next\"junk; x=1, </b>; rel=last"], &["/a next", "/b last"]),
            (&["</a>;;; rel=next"], &["/a next"]),
            (&["</a>; title*=UTF-8''%e2%82%ac; rel=next"], &["/a next"]),
            // What makes no sense ends its own header, and no other.
            (&["</a>; rel=next junk </b>", "</c>; rel=last"], &["/a next junk </b>", "/c last"]),
            (&["</a>; rel=prev, junk, </b>; rel=next"], &["/a prev"]),
            (&["</a>; rel=\"next"], &[]),
            (&["</a>; rel=\"next\\"], &[]),
            (&["</a; rel=next"], &[]),
            (&["/a; rel=next"], &[]),
            (&["", ","], &[]),
        ] {
            assert_eq!(told(values), expected, "{values:?}");
        }
        let link = &read(&[r#"</a>; rel=next; title="a \"b\" é"; flag; Type = a/b"#])[0];
        assert_eq!(
            [link.param("title"), link.param("flag"), link.param("TYPE")],
            [Some("a \"b\" é"), Some(""), Some("a/b")]
        );
        assert!(link.has_rel("Next") && !link.has_rel("nex") && link.param("none").is_none());
    }

    #[test]
    fn r30_what_a_peer_can_make_us_keep_is_bounded() {
        assert_eq!(read(&[&"</a>,".repeat(100_000)]).len(), MOST);
        assert_eq!(read(&[&format!("</a>{}", ";x".repeat(100_000))])[0].params.len(), MOST);
        for nasty in ["</a>; rel=\"", "</a>;", "<", "</a>; x=", "\\\"", "</a>; rel=\"\\"] {
            read(&[&nasty.repeat(20_000)]);
        }
    }

    #[test]
    fn r36_a_target_is_never_printed() {
        let links = read(&["</a?token=CNRY>; rel=next; title=CNRY"]);
        assert!(format!("{links:?} {links:#?}").contains("next"));
        assert!(!format!("{links:?} {links:#?}").contains("CNRY"));
    }

    proptest! {
        /// What is written as the RFC says is read back as it was.
        #[test]
        fn a_law_links_are_read_as_they_were_written(
            wanted in proptest::collection::vec(("[!-=?-~]{0,20}", "[a-z]{1,5}( [a-z]{1,5}){0,2}", "[ -~é]{0,20}"), 1..5),
        ) {
            let escaped = |text: &str| text.replace('\\', r"\\").replace('"', "\\\"");
            let written: Vec<_> = wanted
                .iter()
                .map(|(target, rel, title)| format!("<{target}> ;rel=\"{rel}\"; title=\"{}\"", escaped(title)))
                .collect();
            let found = read(&[&written.join(" , ")]);
            prop_assert_eq!(found.len(), wanted.len());
            for (link, (target, rel, title)) in found.iter().zip(&wanted) {
                prop_assert_eq!((link.target(), link.param("title")), (&**target, Some(&**title)));
                prop_assert_eq!(link.rels().collect::<Vec<_>>().join(" "), rel.as_str());
            }
        }
    }
}
