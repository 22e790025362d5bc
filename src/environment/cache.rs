//! Whether answers are kept, and where, as a file says it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::reference::{Around, located};
use crate::{
    cache::Cache,
    catalog::strict::{self, Kind, View},
    error::{Error, ErrorKind, Result},
};

/// What a file says of keeping answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Caching {
    Off,
    On(Keeping),
}

/// How answers are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Keeping {
    /// How long they are fresh, whatever they say themselves.
    ttl: Option<Duration>,
    place: Place,
    /// How many bytes are kept at most.
    capacity: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Place {
    /// In this process.
    #[default]
    Memory,
    /// In the person's own folder.
    Own,
    Folder(PathBuf),
}

impl Caching {
    /// What stands at `view`, which was checked.
    pub(super) fn read(view: View<'_>) -> Self {
        let ttl = view.get("ttl").or(Some(view)).and_then(strict::seconds);
        if view.kind() != Kind::Map && ttl.is_none() && !strict::is_true(view) {
            return Self::Off;
        }
        let place = match view.get("disk") {
            Some(disk) if strict::is_true(disk) => Place::Own,
            Some(disk) if !strict::is_false(disk) => Place::Folder(Path::new(disk.text()).to_owned()),
            _ => Place::Memory,
        };
        Self::On(Keeping { ttl, place, capacity: view.get("capacity").and_then(strict::number) })
    }

    /// In words for a person.
    pub(super) fn told(&self) -> String {
        let Self::On(Keeping { ttl, place, capacity }) = self else { return "off".to_owned() };
        let place = match place {
            Place::Memory => "in memory".to_owned(),
            Place::Own => "on disk".to_owned(),
            Place::Folder(folder) => format!("in {}", folder.display()),
        };
        let ttl = ttl.map(|time| format!("fresh for {time:?}"));
        let capacity = capacity.map(|bytes| format!("at most {bytes} bytes"));
        [Some(place), ttl, capacity].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl Keeping {
    /// A cache that keeps answers so; `lasting` puts on disk what has no place of its own, where there is a folder.
    ///
    /// # Errors
    /// Nothing says where the person's folder is.
    pub(super) fn open(&self, lasting: bool, around: &Around<'_>) -> Result<Cache> {
        let own = around.variables.cache().map(|folder| folder.join("http"));
        let cache = match (&self.place, own) {
            (Place::Folder(folder), _) => Cache::disk(located(folder, around)),
            (Place::Own, Some(own)) => Cache::disk(own),
            (Place::Memory, Some(own)) if lasting => Cache::disk(own),
            (Place::Memory, _) => Cache::memory(),
            (Place::Own, None) => {
                let why = "there is no folder to keep answers in; set HOME, or XDG_CACHE_HOME to a whole path";
                return Err(Error::coded(ErrorKind::Request, "config", why));
            }
        };
        let cache = self.capacity.into_iter().fold(cache, Cache::capacity);
        Ok(self.ttl.into_iter().fold(cache, Cache::ttl))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::strict::{Document, check},
        environment::{folders::Variables, keys, source::Source},
    };

    fn caching(text: &str) -> Result<Caching> {
        let text = format!("environments: {{a: {{cache: {text}}}}}");
        let document = Document::discreet("restwalk.yaml", &text)?;
        let root = document.root().unwrap();
        check(root, &keys::FILE)?;
        let one = root.get("environments").and_then(|all| all.get("a")).unwrap();
        Ok(Caching::read(one.get("cache").unwrap()))
    }

    #[test]
    fn answers_are_kept_where_and_as_long_as_the_file_says() {
        for (text, expected) in [
            ("off", "off"),
            ("false", "off"),
            ("true", "in memory"),
            ("60", "in memory, fresh for 60s"),
            ("{ttl: 2.5}", "in memory, fresh for 2.5s"),
            ("{capacity: 1000}", "in memory, at most 1000 bytes"),
            ("{disk: true}", "on disk"),
            ("{disk: false}", "in memory"),
            ("{disk: kept/here, ttl: 1, capacity: 7}", "in kept/here, fresh for 1s, at most 7 bytes"),
        ] {
            let read = caching(text).unwrap();
            assert_eq!((read.told().as_str(), read == Caching::Off), (expected, expected == "off"), "{text}");
        }
    }

    #[test]
    fn what_says_no_such_thing_is_refused() {
        let wanted = "environments.a.cache: expected true or false or a number of seconds from a millisecond to a year \
                      or off or a map, found another value";
        for (text, expected) in [
            ("CNRY", wanted),
            ("-1", wanted),
            ("{}", "environments.a.cache: expected at least one of ttl, disk, capacity, found an empty map"),
            ("{capacity: 0}", "environments.a.cache.capacity: expected a whole number from 1 to 1099511627776"),
            ("{disk: }", "environments.a.cache.disk: expected true or false or a text"),
            ("{redis: CNRY}", "environments.a.cache: unknown key; expected one of ttl, disk, capacity"),
        ] {
            let error = caching(text).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("CNRY"), "{text}: {error}");
        }
    }

    /// Where a cache is, as far as printing it shows.
    fn place(text: &str, lasting: bool, home: Option<&'static str>) -> String {
        let variables = Variables::new(move |name| home.filter(|_| name == "HOME").map(str::to_owned));
        let source = Source::new(Path::new("/project/restwalk.yaml")).unwrap();
        let around = Around { variables: &variables, source: &source, hidden: &[] };
        let Caching::On(keeping) = caching(text).unwrap() else { panic!("{text}") };
        keeping.open(lasting, &around).map_or_else(|error| error.to_string(), |cache| format!("{cache:?}"))
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_is_the_person_s_own_or_one_beside_the_file() {
        for (text, lasting, home, expected) in [
            ("true", false, Some("/h"), "memory of"),
            ("true", true, None, "memory of"),
            ("true", true, Some("/h"), "folder /h/.cache/restwalk/http,"),
            ("{disk: true}", false, Some("/h"), "folder /h/.cache/restwalk/http,"),
            ("{disk: true}", true, None, "there is no folder to keep answers in"),
            ("{disk: kept}", true, Some("/h"), "folder /project/kept,"),
            ("{disk: ~/kept}", false, Some("/h"), "folder /h/kept,"),
            ("{disk: /kept}", false, None, "folder /kept,"),
        ] {
            let found = place(text, lasting, home);
            assert!(found.contains(expected), "{text} {lasting} {home:?}: {found}");
        }
    }
}
