//! Listings: which elements a query narrows them to, and page by page.

use form_urlencoded::Serializer;
use restwalk::Paginate;
use serde_json::{Map, Value};

use super::{problem::Problem, store::Thing};

/// How many elements a page has unless the catalog or the caller says so, and at most.
const USUAL: usize = 20;
const MOST: usize = 100;

/// How pages are told apart: the ways that are always understood, and the one that the catalog says.
struct Ways<'a> {
    /// Each way and the query parameter that carries it.
    names: Vec<(&'a str, &'a str)>,
    limit: &'a str,
    size: usize,
    first_page: usize,
    /// The place of an element's id.
    id: &'a str,
    usual: &'a str,
}

/// One page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) body: Value,
    /// How many elements there are on all pages.
    pub(super) total: usize,
    /// The path and query of the next one.
    pub(super) next: Option<String>,
}

/// The page of `things` that `query` asks for at `path`, in the shape that the catalog says.
///
/// Things come oldest first, but newest first where `before` tells pages apart.
pub(super) fn page(
    mut things: Vec<&Thing>,
    (path, query): (&str, &str),
    paginate: Option<&Paginate>,
) -> Result<Page, Problem> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let ways = Ways::new(paginate);
    ways.narrow(&mut things, &pairs);
    let (way, value) = ways.given(&pairs)?;
    if way == "before" {
        things.reverse();
    }
    let limit = last(&pairs, ways.limit).map_or(Ok(ways.size), |text| number(ways.limit, text, 1))?;
    let limit = limit.min(MOST.max(ways.size));
    let start = value.map_or(Ok(0), |value| ways.start(&things, (way, value), limit))?.min(things.len());
    let end = start.saturating_add(limit).min(things.len());
    let marker = things[start..end].last().filter(|_| end < things.len()).map(|last| match way {
        "page" => (end / limit + ways.first_page).to_string(),
        "before" | "after" => ways.id(last),
        _ => end.to_string(),
    });
    let name = ways.name(way);
    let next = marker.as_deref().map(|marker| format!("{path}?{}", turned(&pairs, name, marker)));
    let elements = things[start..end].iter().map(|thing| thing.value.clone()).collect();
    let body = shaped(elements, paginate, next.as_deref(), marker.as_deref());
    Ok(Page { body, total: things.len(), next })
}

impl<'a> Ways<'a> {
    fn new(paginate: Option<&'a Paginate>) -> Self {
        let mut ways = Self {
            names: ["offset", "page", "before", "after"].map(|name| (name, name)).to_vec(),
            limit: "limit",
            size: USUAL,
            first_page: 1,
            id: "/id",
            usual: "offset",
        };
        let Some(paginate) = paginate else { return ways };
        ways.limit = paginate.limit_parameter().unwrap_or(ways.limit);
        ways.size = paginate.page_size().map_or(USUAL, |size| size.try_into().unwrap_or(MOST)).clamp(1, MOST);
        let (way, parameter) = match paginate.way() {
            "link" | "next" => return ways,
            // A cursor is a text of the server's choice; here it is an offset.
            "cursor" => ("offset", paginate.parameter()),
            way => (way, paginate.parameter()),
        };
        ways.names.retain(|(known, name)| *known != way && *name != parameter);
        ways.names.push((way, parameter));
        ways.usual = way;
        match way {
            "page" => ways.first_page = paginate.begin().try_into().unwrap_or(1),
            "before" | "after" => ways.id = paginate.place(),
            _ => {}
        }
        ways
    }

    fn name(&self, way: &'a str) -> &'a str {
        self.names.iter().find(|(known, _)| *known == way).map_or(way, |(_, name)| name)
    }

    /// The way that a query goes, and where its page begins.
    fn given<'q>(&self, pairs: &'q [(String, String)]) -> Result<(&'a str, Option<&'q str>), Problem> {
        let mut given = self.names.iter().filter_map(|(way, name)| Some((*way, *name, last(pairs, name)?)));
        match (given.next(), given.next()) {
            (Some((_, one, _)), Some((_, other, _))) => {
                Err(bad(format!("{one} and {other} both say where the page begins; give one of them")))
            }
            (Some((way, _, value)), None) => Ok((way, Some(value))),
            (None, _) => Ok((self.usual, None)),
        }
    }

    /// Keeps what has one of the values given for a member; names that no element has narrow nothing.
    fn narrow(&self, things: &mut Vec<&Thing>, pairs: &[(String, String)]) {
        let reserved = |name: &str| name == self.limit || self.names.iter().any(|(_, known)| *known == name);
        for (name, _) in pairs.iter().filter(|(name, _)| !reserved(name)) {
            if things.iter().any(|thing| thing.value.get(name).is_some()) {
                let wanted = |text: &str| pairs.iter().any(|(known, value)| known == name && value == text);
                things.retain(|thing| thing.value.get(name).is_some_and(|value| is_one(value, &wanted)));
            }
        }
    }

    /// How many elements stand before the page.
    fn start(&self, things: &[&Thing], (way, value): (&str, &str), limit: usize) -> Result<usize, Problem> {
        let name = self.names.iter().find(|(known, _)| *known == way).map_or(way, |(_, name)| name);
        match way {
            "offset" => number(name, value, 0),
            "page" => Ok(number(name, value, self.first_page)?.saturating_sub(self.first_page).saturating_mul(limit)),
            _ => {
                let at = things.iter().position(|thing| self.id(thing) == value);
                at.map(|at| at + 1).ok_or_else(|| bad(format!("{name} names {value:?}, which is not in this listing")))
            }
        }
    }

    /// The id of an element, as its JSON has it.
    fn id(&self, thing: &Thing) -> String {
        match thing.value.pointer(self.id) {
            Some(Value::String(text)) => text.clone(),
            Some(number @ Value::Number(_)) => number.to_string(),
            _ => thing.id.clone(),
        }
    }
}

/// The body: the elements themselves, or around them what the catalog says.
fn shaped(elements: Vec<Value>, paginate: Option<&Paginate>, next: Option<&str>, marker: Option<&str>) -> Value {
    let mut body = Value::Null;
    let Some(paginate) = paginate else { return elements.into() };
    set(&mut body, paginate.elements(), elements.into());
    match (paginate.way(), next, marker) {
        ("next", Some(next), _) => set(&mut body, paginate.place(), next.into()),
        ("cursor", _, Some(marker)) => set(&mut body, paginate.place(), marker.into()),
        _ => {}
    }
    body
}

/// Puts a value at a JSON pointer, with objects on the way; what stands there already stays.
fn set(at: &mut Value, pointer: &str, value: Value) {
    let mut at = at;
    for name in pointer.split('/').skip(1) {
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(members) = at else { return };
        at = members.entry(name.replace("~1", "/").replace("~0", "~")).or_insert(Value::Null);
    }
    if at.is_null() {
        *at = value;
    }
}

fn is_one(value: &Value, wanted: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => wanted(text),
        Value::Array(values) => values.iter().any(|value| is_one(value, wanted)),
        other => wanted(&other.to_string()),
    }
}

/// The last value of a query parameter.
fn last<'q>(pairs: &'q [(String, String)], name: &str) -> Option<&'q str> {
    pairs.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The query with another place.
fn turned(pairs: &[(String, String)], name: &str, value: &str) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(pairs.iter().filter(|(known, _)| known != name)).append_pair(name, value);
    query.finish()
}

fn number(name: &str, text: &str, least: usize) -> Result<usize, Problem> {
    let number = text.parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| bad(format!("{name} is a whole number, {least} or more, and not {text:?}")))
}

fn bad(text: String) -> Problem {
    Problem::new(400, "BadParameters", text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_has_the_shape_that_the_catalog_says() {
        let elements = || vec![json!(1), json!(2)];
        for (paginate, expected) in [
            (Paginate::link(), json!([1, 2])),
            (Paginate::offset().items_at("/a~1b/c"), json!({ "a/b": { "c": [1, 2] } })),
            (Paginate::next("/paging/next").items_at("/data"), json!({ "data": [1, 2], "paging": { "next": "/x?y" } })),
            (Paginate::cursor("/cursor").items_at("/data"), json!({ "data": [1, 2], "cursor": "2" })),
            (Paginate::cursor("/cursor"), json!([1, 2])),
        ] {
            assert_eq!(shaped(elements(), Some(&paginate), Some("/x?y"), Some("2")), expected, "{paginate:?}");
        }
        assert_eq!(shaped(elements(), None, Some("/x?y"), Some("2")), json!([1, 2]));
    }
}
