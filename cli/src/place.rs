//! The path token: relative to the base URL, its variables filled by `-P`; or an absolute URL.

use restwalk::{Client, Item};

use crate::{
    io::Io,
    mistake::{Mistake, Result},
};

/// A value for a variable of a path.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Variable {
    /// Reads `name=value` or `name=@file`; one line break at the file's end is not part of the value.
    pub(crate) fn parse(text: &str, io: &Io<'_>) -> Result<Self> {
        let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            let wrong = Mistake::usage("a path variable has no value").at(text, 0..text.len());
            return Err(wrong.hint("write -P name=value or -P name=@file"));
        };
        let value = match value.strip_prefix('@') {
            Some(file) => {
                let text = crate::input::text_file(io, file)?;
                text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line)).to_owned()
            }
            None => value.to_owned(),
        };
        Ok(Self { name: name.to_owned(), value })
    }
}

/// Whether `path` is a URL of its own.
pub(crate) fn is_absolute(path: &str) -> bool {
    path.split_once("://").is_some_and(|(scheme, _)| {
        scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+') && !scheme.is_empty()
    })
}

/// What a URL has before its path: scheme, host and port, perhaps a user; and the rest.
pub(crate) fn split_url(url: &str) -> (&str, &str) {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#', '\\']).map_or(url.len(), |at| start + at);
    url.split_at(end)
}

/// Refuses what is no path of segments, with the way to write it.
pub(crate) fn check(path: &str) -> Result<()> {
    let wrong = |message: &str, at: usize, length: usize| {
        Mistake::local("invalid_input.path", message).at(path, at..at + length)
    };
    if let Some(at) = path.find('?') {
        let items: Vec<_> = path[at + 1..].split('&').filter(|pair| !pair.is_empty()).collect();
        let items: Vec<_> = items.iter().map(|pair| pair.replacen('=', "==", 1)).collect();
        let hint = match &items[..] {
            [] => r"a ? that is part of an item is written %3F".to_owned(),
            _ => format!("write the query as items: {} {}", &path[..at], items.join(" ")),
        };
        return Err(wrong("a path holds no query", at, 1).hint(hint));
    }
    if let Some(at) = path.find('#') {
        return Err(wrong("a path holds no fragment", at, 1).hint("a # that is part of an item is written %23"));
    }
    if let Some(at) = path.find("//") {
        return Err(wrong("a path has no empty part", at, 2).hint("a / that is part of an item is written %2F"));
    }
    Ok(())
}

/// Refuses a URL whose path has dot segments, which would lead elsewhere than it says.
pub(crate) fn check_url(url: &str) -> Result<()> {
    let path = split_url(url).1.split(['?', '#']).next().unwrap_or_default();
    for part in path.split(['/', '\\']).skip(1) {
        let mut plain = part.to_ascii_lowercase();
        for _ in 0..3 {
            plain = plain.replace("%25", "%").replace("%2e", ".");
        }
        if matches!(&*plain, "." | ".." | "..;") {
            let at = url.find(part).unwrap_or(0);
            let mistake =
                Mistake::local("invalid_input.url", format!("{part:?} in a URL leads elsewhere than it says"));
            return Err(mistake.at(url, at..at + part.len()).hint("write the URL that is meant"));
        }
    }
    Ok(())
}

/// Walks `path` in the client's catalog, its variables filled from those `given`, else from those `known`.
pub(crate) fn walk(client: &Client, path: &str, given: &[Variable], known: &[Variable]) -> Result<Item> {
    check(path)?;
    let mut place = client.path("");
    let mut used = vec![false; given.len()];
    for part in path.strip_prefix('/').unwrap_or(path).split('/') {
        let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
            // The empty part of a single `/` is the root.
            place = if part.is_empty() && path == "/" { place } else { step(&place, part) };
            continue;
        };
        let Some((index, variable)) = given.iter().chain(known).enumerate().find(|(_, one)| one.name == name) else {
            let wrong = Mistake::local("invalid_input.path", format!("the variable {{{name}}} has no value"));
            let start = path.find(part).unwrap_or(0);
            return Err(wrong.at(path, start..start + part.len()).hint(format!("give it by -P {name}=VALUE")));
        };
        used.get_mut(index).into_iter().for_each(|used| *used = true);
        place = place.item(variable.value.as_str());
    }
    match given.iter().zip(used).find(|(_, used)| !used) {
        Some((unused, _)) => {
            let message = format!("-P {} is given, and the path has no {{{}}}", unused.name, unused.name);
            Err(Mistake::local("invalid_input.path", message))
        }
        None => Ok(place),
    }
}

/// One segment; an empty one is a mistake that the library words.
fn step(place: &Item, part: &str) -> Item {
    if part.is_empty() { place.item("") } else { place.walk(part) }
}

#[cfg(test)]
mod tests {
    use restwalk::Catalog;

    use super::*;

    fn client(catalog: Catalog) -> Client {
        Client::builder("http://h.example/api").catalog(catalog).build().unwrap()
    }

    fn given(name: &str, value: &str) -> Variable {
        Variable { name: name.into(), value: value.into() }
    }

    #[test]
    fn a_path_is_one_token_split_on_slashes() {
        for (path, variables, expected) in [
            ("people", vec![], "/people"),
            ("/people", vec![], "/people"),
            ("/", vec![], "/"),
            ("people/user.name/activities", vec![], "/people/user.name/activities"),
            ("people/a%2520b", vec![], ""),
            ("people/a%20b", vec![], "/people/a%20b"),
            ("people/{username}/activities", vec![given("username", "a b")], "/people/a%20b/activities"),
            ("people/{username}", vec![given("username", "%41")], "/people/%2541"),
            ("contexts/{hash}", vec![given("hash", "https://site/x")], "/contexts/"),
        ] {
            let place = walk(&client(Catalog::embedded()), path, &variables, &[]).unwrap();
            assert!(place.path().starts_with(expected), "{path}: {}", place.path());
        }
        assert_eq!(walk(&client(Catalog::open()), "a/b%20c", &[], &[]).unwrap().path(), "/a/b%20c");
    }

    #[test]
    fn what_is_no_path_is_refused_with_a_hint() {
        for (path, message, hint) in [
            ("people?limit=1&tags=a", "a path holds no query", "write the query as items: people limit==1 tags==a"),
            ("people?", "a path holds no query", "a ? that is part of an item is written %3F"),
            ("people#x", "a path holds no fragment", "a # that is part of an item is written %23"),
            ("people//x", "a path has no empty part", "a / that is part of an item is written %2F"),
            ("people/{username}", "the variable {username} has no value", "give it by -P username=VALUE"),
        ] {
            let mistake = walk(&client(Catalog::embedded()), path, &[], &[]).unwrap_err();
            assert_eq!((&*mistake.message, &*mistake.hint.unwrap()), (message, hint), "{path}");
        }
        let unused = walk(&client(Catalog::embedded()), "people", &[given("username", "a")], &[]).unwrap_err();
        assert_eq!(unused.message, "-P username is given, and the path has no {username}");
    }

    #[test]
    fn an_item_that_leaves_its_segment_is_refused_in_both_ways_of_giving_it() {
        for value in ["..", ".", "a/b", "", " ", "%2e%2e", "a\\b", "\u{85}"] {
            let place = walk(&client(Catalog::open()), "people/{x}", &[given("x", value)], &[]).unwrap();
            assert!(place.get().build().is_err(), "{value:?}");
        }
        for path in ["people/..", "people/%2e%2e", "people/%252e%252e", "people/a%2Fb", "people/", "people/%20"] {
            let place = walk(&client(Catalog::open()), path, &[], &[]).unwrap();
            assert!(place.get().build().is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_url_is_known_by_its_scheme() {
        for (path, expected) in [("https://h/x", true), ("people/x", false), ("://x", false), ("a b://x", false)] {
            assert_eq!(is_absolute(path), expected, "{path}");
        }
    }
}
