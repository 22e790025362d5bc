//! Which route of the catalog a path is of, and which variables it fills.

use std::collections::BTreeMap;

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use restwalk::{Catalog, Paginate, Route};

use super::problem::Problem;

/// Variables and their values.
pub(super) type Variables = BTreeMap<String, String>;

/// What is encoded in a segment: all but `A-Za-z0-9-._~`.
const ENCODED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The methods that make things.
const MAKING: [Method; 3] = [Method::POST, Method::PUT, Method::PATCH];

/// All routes of a catalog.
pub(super) struct Routes(Vec<Known>);

/// One route, and what the service makes of it.
pub(super) struct Known {
    parts: Vec<Part>,
    pub(super) kind: Kind,
    /// What its things are called: its last literal, or the one before where that is where they are made.
    pub(super) name: String,
    pub(super) methods: Vec<Method>,
    /// Whether it gives, and does nothing else.
    pub(super) only_gives: bool,
    /// How its pages are told apart, where the catalog says so.
    pub(super) paginate: Option<Paginate>,
    /// The numbers of the items around it that must be there.
    around: Vec<usize>,
}

/// What a route is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Collection,
    Item,
    /// A place for one file.
    Slot,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable(String),
}

/// A path whose route was found.
pub(super) struct Place<'r> {
    pub(super) route: &'r Known,
    /// The path itself, as it came.
    pub(super) path: String,
    /// Its variables, but for the one that it ends in.
    pub(super) scope: Variables,
    /// The variable that it ends in, and its value.
    pub(super) own: Option<(String, String)>,
}

impl Routes {
    pub(super) fn new(catalog: &Catalog) -> Self {
        let mut routes: Vec<Known> = catalog.routes().map(Known::new).collect();
        let makes = |known: &Known| MAKING.iter().any(|method| known.methods.contains(method));
        let made: Vec<String> = routes.iter().filter(|known| makes(known)).map(|known| known.name.clone()).collect();
        for known in &mut routes {
            if let [.., Part::Literal(before), Part::Literal(_)] = &known.parts[..]
                && !made.contains(&known.name)
                && !known.methods.contains(&Method::DELETE)
                && made.contains(before)
            {
                known.name.clone_from(before);
            }
        }
        let items = routes.iter().enumerate().filter(|(_, known)| known.is_item_to_get());
        let items: Vec<_> = items.map(|(index, known)| (index, known.parts.clone())).collect();
        for known in &mut routes {
            let around =
                items.iter().filter(|(_, parts)| known.parts.len() > parts.len() && known.parts.starts_with(parts));
            known.around = around.map(|(index, _)| *index).collect();
        }
        Self(routes)
    }

    /// The route of `path`, in which literals go before variables.
    pub(super) fn find(&self, path: &str) -> Result<Place<'_>, Problem> {
        let segments: Vec<String> = path.split('/').skip(1).map(decode).collect::<Result<_, _>>()?;
        let segments = if segments.iter().all(String::is_empty) { Vec::new() } else { segments };
        let found = self.0.iter().filter(|known| known.fits(&segments)).max_by_key(|known| known.literals());
        let route = found.ok_or_else(|| Problem::new(404, "UnknownRoute", format!("no route leads to {path}")))?;
        Ok(route.place(path, &segments))
    }

    /// The items around a place that must be there: their names, scopes and own variables.
    pub(super) fn around<'a>(&'a self, place: &'a Place<'_>) -> impl Iterator<Item = Place<'a>> {
        let segments: Vec<String> = place.path.split('/').skip(1).filter_map(|segment| decode(segment).ok()).collect();
        place.route.around.iter().filter_map(move |index| {
            let known = self.0.get(*index)?;
            Some(known.place(&place.path, segments.get(..known.parts.len())?))
        })
    }

    /// The place of a collection's items: a route below it, or another one that has things of its name.
    pub(super) fn items_of(&self, place: &Place<'_>) -> Option<&Known> {
        let mut items = self.0.iter().filter(|known| known.kind == Kind::Item && known.name == place.route.name);
        let below = |known: &&Known| known.parts.split_last().is_some_and(|(_, rest)| *rest == place.route.parts);
        let reachable = |known: &&Known| {
            let own = known.variables().count();
            own > 0 && known.variables().take(own - 1).all(|name| place.scope.contains_key(name))
        };
        items.clone().find(below).or_else(|| items.find(reachable))
    }
}

impl Known {
    fn new(route: &Route) -> Self {
        let parts: Vec<Part> = route.template().split('/').filter(|part| !part.is_empty()).map(Part::new).collect();
        let kind = match parts.last() {
            _ if route.upload() => Kind::Slot,
            Some(Part::Variable(_)) => Kind::Item,
            _ => Kind::Collection,
        };
        let literals = parts.iter().rev().filter_map(|part| match part {
            Part::Literal(text) => Some(text.clone()),
            Part::Variable(_) => None,
        });
        let name = literals.take(1).collect();
        let mut declared = route.policies().map(|policy| policy.method());
        Self {
            kind,
            name,
            methods: route.methods(),
            only_gives: declared.next() == Some(&Method::GET) && declared.next().is_none(),
            paginate: route.policy(&Method::GET).and_then(|policy| policy.paginate()).cloned(),
            around: Vec::new(),
            parts,
        }
    }

    fn is_item_to_get(&self) -> bool {
        self.kind == Kind::Item && self.methods.contains(&Method::GET)
    }

    fn fits(&self, segments: &[String]) -> bool {
        let fits = |(part, segment): (&Part, &String)| match part {
            Part::Literal(text) => text == segment,
            Part::Variable(_) => !segment.is_empty(),
        };
        self.parts.len() == segments.len() && self.parts.iter().zip(segments).all(fits)
    }

    fn literals(&self) -> Vec<bool> {
        self.parts.iter().map(|part| matches!(part, Part::Literal(_))).collect()
    }

    fn variables(&self) -> impl Iterator<Item = &String> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Variable(name) => Some(name),
        })
    }

    /// The variable that an item of this route fills itself.
    pub(super) fn own_variable(&self) -> Option<&str> {
        match self.parts.last() {
            Some(Part::Variable(name)) => Some(name),
            _ => None,
        }
    }

    fn place(&self, path: &str, segments: &[String]) -> Place<'_> {
        let filled = self.parts.iter().zip(segments).filter_map(|(part, segment)| match part {
            Part::Literal(_) => None,
            Part::Variable(name) => Some((name.clone(), segment.clone())),
        });
        let mut scope: Vec<(String, String)> = filled.collect();
        // A size of a picture is no place of its own: what is there is the picture.
        let own = if self.own_variable().is_some() { scope.pop() } else { None };
        Place { route: self, path: path.to_owned(), scope: scope.into_iter().collect(), own }
    }

    /// The path with its variables filled; its own is left out where `own` is `None`.
    pub(super) fn path(&self, scope: &Variables, own: Option<&str>) -> String {
        let mut path = String::new();
        let (last, before) = match (self.own_variable(), self.parts.split_last()) {
            (Some(_), Some((_, before))) => (own, before),
            _ => (None, &self.parts[..]),
        };
        let parts = before.iter().map(|part| match part {
            Part::Literal(text) => text.as_str(),
            Part::Variable(name) => scope.get(name).map_or("", String::as_str),
        });
        for part in parts.chain(last) {
            path.push('/');
            path.extend(utf8_percent_encode(part, &ENCODED));
        }
        path
    }
}

impl Part {
    fn new(text: &str) -> Self {
        match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => Self::Variable(name.to_owned()),
            None => Self::Literal(text.to_owned()),
        }
    }
}

/// One segment, decoded once.
pub(super) fn decode(segment: &str) -> Result<String, Problem> {
    let bad = |why: &str| Problem::new(400, "BadPath", format!("a segment {why}"));
    let text = percent_decode_str(segment).decode_utf8().map_err(|_| bad("is not UTF-8"))?;
    if matches!(&*text, "." | "..") || text.contains(['/', '\\']) || text.chars().any(char::is_control) {
        return Err(bad("would leave its place"));
    }
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_route_with_the_earliest_literals() {
        let routes = Routes::new(&Catalog::embedded());
        for (path, name, kind, own) in [
            ("/people", "people", Kind::Collection, None),
            ("/people/", "", Kind::Item, None),
            ("/people/user.name", "people", Kind::Item, Some("user.name")),
            ("/people/a%2520b", "people", Kind::Item, Some("a%20b")),
            ("/people/ada/activities", "activities", Kind::Collection, None),
            ("/people/ada/avatar", "avatar", Kind::Slot, None),
            ("/people/ada/avatar/large", "avatar", Kind::Slot, Some("large")),
            ("/activities/comments", "comments", Kind::Collection, None),
            ("/activities/7", "activities", Kind::Item, Some("7")),
            ("/contexts/public", "contexts", Kind::Collection, None),
            ("/contexts/x/permissions/ada/read", "permissions", Kind::Item, Some("read")),
            ("/contexts/x/permissions/ada/defaults", "defaults", Kind::Collection, None),
        ] {
            let Ok(found) = routes.find(path) else {
                assert_eq!(name, "", "{path}");
                continue;
            };
            let own_value = found.own.as_ref().map(|(_, value)| value.as_str());
            assert_eq!((&*found.route.name, found.route.kind, own_value), (name, kind, own), "{path}");
        }
        for path in ["/", "/nowhere", "/people/..", "/people/%2e%2e", "/people/a%2Fb", "/people/%ff", "/people/%00"] {
            assert!(routes.find(path).is_err(), "{path}");
        }
    }

    #[test]
    fn things_are_found_where_their_name_has_items() {
        let routes = Routes::new(&Catalog::embedded());
        for (collection, id, expected) in [
            ("/people", "a b", Some("/people/a%20b")),
            ("/people/ada/activities", "7", Some("/activities/7")),
            ("/activities/7/comments", "8", Some("/activities/7/comments/8")),
            ("/people/ada/subscriptions", "x", Some("/people/ada/subscriptions/x")),
            ("/activities/7/flag", "9", None),
        ] {
            let place = routes.find(collection).unwrap();
            let path = routes.items_of(&place).map(|known| known.path(&place.scope, Some(id)));
            assert_eq!(path.as_deref(), expected, "{collection}");
        }
    }

    #[test]
    fn what_is_around_a_place_must_be_there() {
        let routes = Routes::new(&Catalog::embedded());
        let place = routes.find("/people/ada/conversations/7/messages").unwrap();
        let around: Vec<_> = routes.around(&place).filter_map(|place| place.own).collect();
        let expected = [("username", "ada"), ("id", "7")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(around, expected);
    }
}
