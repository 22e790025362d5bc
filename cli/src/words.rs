//! `[METHOD] PATH [ITEM…]`: which word is what, and which method is meant where none is given.

use restwalk::http::Method;

use crate::{
    args::Options,
    item::{Item, What},
    mistake::{Mistake, Result},
};

/// The words that are no path, what stands behind each, and what it does.
pub(crate) const HELPERS: [(&str, &str, &str); 12] = [
    ("ls", "[PATH]", "list what may follow a path"),
    ("help", "[PATH]", "how to call, or what a route offers: methods, defaults, variables, limits"),
    ("explain", "[METHOD] PATH [ITEM…]", "show the request and where each part of it comes from; nothing is sent"),
    ("env", "[list|show [NAME]|use NAME|trust]", "list, show, choose and trust environments"),
    ("login", "", "sign in to an environment by OAuth 2.0: by password, in a browser, or on another device"),
    ("logout", "", "give up what a sign-in left, here and at the server"),
    ("whoami", "", "tell as whom calls go, until when, and where that is kept"),
    ("catalog", "lint [FILE [FILE]]|init PATH…", "check a catalog, or make a first one of calls that it tries"),
    ("cache", "ls|clear", "list the answers that are kept between runs, or forget them and compiled catalogs"),
    ("doctor", "", "look over files, environment, secrets, server and clock, and say what to do"),
    ("demo", "[serve]", "a tour of calls to a service in this process, or that service on a port"),
    ("completions", "bash|zsh|fish", "print the completion script of a shell"),
];

pub(crate) const STANDARD: [Method; 7] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];

/// Whether the words sign in, out, or tell as whom.
pub(crate) fn is_sign_in(options: &Options) -> bool {
    options.words().is_ok_and(|words| words.first().is_some_and(|word| SIGN_IN.contains(&&**word)))
}

const SIGN_IN: [&str; 3] = ["login", "logout", "whoami"];

/// The words of one call.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) method: Option<Method>,
    pub(crate) path: String,
    pub(crate) items: Vec<Item>,
}

impl Words {
    /// Sorts `words`: a method in any case, where a path follows it; the path; items.
    pub(crate) fn parse(words: &[String]) -> Result<Self> {
        let (method, rest) = match words {
            [first, rest @ ..] if !rest.is_empty() => match method(first) {
                Some(method) => (Some(method), rest),
                None => (None, words),
            },
            _ => (None, words),
        };
        let Some((path, items)) = rest.split_first() else {
            let hint =
                "write [METHOD] PATH [ITEM…], such as post people/ada/activities object.content=Hi; --help has more";
            return Err(Mistake::usage("a path is missing").hint(hint));
        };
        if path.is_empty() {
            return Err(Mistake::local("invalid_input.path", "the path is empty").hint("the root is written /"));
        }
        let items = items.iter().enumerate();
        let items = items.map(|(index, text)| {
            Item::parse(index + 1, text).map_err(|mistake| match method_of(text) {
                Some(late) => mistake.hint(order(&late, path)),
                None => mistake,
            })
        });
        let path = path.strip_prefix("./").unwrap_or(path).to_owned();
        Ok(Self { method, path, items: items.collect::<Result<_>>()? })
    }

    /// Whether an item gives a part of the body.
    pub(crate) fn has_body(&self) -> bool {
        self.items.iter().any(Item::is_body)
    }

    /// Whether an item puts something into the body; one that drops an inherited default does not.
    pub(crate) fn makes_body(&self) -> bool {
        self.items.iter().any(|item| item.is_body() && !matches!(item.what, What::Unset { .. }))
    }

    /// Whether an item is a file.
    pub(crate) fn has_files(&self) -> bool {
        self.items.iter().any(|item| matches!(item.what, What::File { .. }))
    }

    /// The method that is meant; `declared` has those of the route, where the catalog has one.
    pub(crate) fn method(&self, body: bool, declared: Option<(&str, &[Method])>) -> Result<Method> {
        match (&self.method, declared) {
            (Some(method), _) => Ok(method.clone()),
            (None, _) if !body => Ok(Method::GET),
            (None, Some((route, methods))) if !methods.contains(&Method::POST) => {
                let own = methods.iter().filter(|method| !matches!(method.as_str(), "HEAD" | "OPTIONS" | "GET"));
                let own: Vec<_> = own.map(Method::as_str).collect();
                let message = format!("a body without a method means POST, which {route} does not have");
                let hint = match &own[..] {
                    [] => "no method of it takes a body; a query parameter is written key==value".to_owned(),
                    _ => format!("write the method before the path; it has {}", own.join(", ")),
                };
                Err(Mistake::local("invalid_input.path", message).hint(hint))
            }
            (None, _) => Ok(Method::POST),
        }
    }
}

/// The method that a first word names: a standard one in any case, another one in capitals.
pub(crate) fn method(word: &str) -> Option<Method> {
    method_of(word).or_else(|| {
        let capitals = word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        (capitals && word.len() > 2).then(|| word.parse().ok()).flatten()
    })
}

fn method_of(word: &str) -> Option<Method> {
    STANDARD.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(word))
}

/// The right order, for a method that stands behind its path.
fn order(method: &Method, path: &str) -> String {
    format!("the method comes first: {} {path}", method.as_str().to_ascii_lowercase())
}

/// The same for one that ends the path, such as `people/ada/post`.
pub(crate) fn method_at_the_end(path: &str) -> Option<String> {
    let (before, last) = path.trim_end_matches('/').rsplit_once('/')?;
    Some(order(&method_of(last)?, before))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<Words> {
        Words::parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_method_stands_before_its_path_in_any_case() {
        for (text, method, path, items) in [
            ("people", None, "people", 0),
            ("get people", Some("GET"), "people", 0),
            ("GET people", Some("GET"), "people", 0),
            ("Post people a=1", Some("POST"), "people", 1),
            ("people a=1 b==2", None, "people", 2),
            ("get", None, "get", 0),
            ("PURGE people", Some("PURGE"), "people", 0),
            ("delete people/delete", Some("DELETE"), "people/delete", 0),
        ] {
            let words = words(text).unwrap();
            let found = (words.method.as_ref().map(Method::as_str), &*words.path, words.items.len());
            assert_eq!(found, (method, path, items), "{text}");
        }
    }

    #[test]
    fn a_method_elsewhere_is_told_the_order() {
        let mistake = words("people/ada post a=1").unwrap_err();
        assert_eq!(mistake.hint.unwrap(), "the method comes first: post people/ada");
        assert_eq!(method_at_the_end("people/ada/post").unwrap(), "the method comes first: post people/ada");
        assert_eq!(method_at_the_end("people/ada"), None);
    }

    #[test]
    fn only_get_and_post_are_inferred() {
        let methods = |text: &str| text.split(' ').map(|method| method.parse().unwrap()).collect::<Vec<Method>>();
        let all = methods("GET POST PUT");
        let declared = Some(("/people", &*all));
        for (text, body, declared, expected) in [
            ("people", false, declared, "GET"),
            ("people a==1", false, declared, "GET"),
            ("people a=1", true, declared, "POST"),
            ("people a=1", true, None, "POST"),
            ("put people a=1", true, declared, "PUT"),
        ] {
            assert_eq!(words(text).unwrap().method(body, declared).unwrap(), expected, "{text}");
        }
        let few = methods("GET PUT HEAD OPTIONS");
        let mistake = words("contexts/x a=1").unwrap().method(true, Some(("/contexts/{hash}", &few))).unwrap_err();
        assert_eq!(mistake.message, "a body without a method means POST, which /contexts/{hash} does not have");
        assert_eq!(mistake.hint.unwrap(), "write the method before the path; it has PUT");
    }
}
