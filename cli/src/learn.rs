//! A first catalog, guessed from calls that were tried: which segments are variables, which methods there are.
//!
//! Nothing is asked here: [`learn`] turns what was observed into [`Learned`], and that is text.

use std::collections::BTreeSet;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use restwalk::{
    Catalog, Client, Error, ErrorKind,
    http::{HeaderMap, Method},
};

mod body;
mod name;
mod tree;
mod tried;
mod write;

pub(crate) use body::{Pages, Shape, read};
pub(crate) use tried::{Tried, tried};

/// One path that was tried, and what was learnt of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observation {
    /// The decoded segments; one such as `{name}` is a variable whose name is given.
    pub(crate) segments: Vec<String>,
    /// The methods that are there.
    pub(crate) methods: Vec<Method>,
    pub(crate) shape: Shape,
    /// How the next page is found, where it is a listing with pages.
    pub(crate) pages: Option<Pages>,
    /// The header that carried a total.
    pub(crate) count_header: Option<String>,
}

/// Why a segment is taken for the value of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// It was written in braces.
    Given,
    /// It looks like an identifier, or could not stand in a route.
    Looks,
    /// What is above it is a list, and it is an object.
    Listed,
    /// It differs between paths that are equal otherwise.
    Differs,
}

/// One route of the catalog.
#[derive(Debug)]
pub(crate) struct Guess {
    pub(crate) name: String,
    pub(crate) template: String,
    pub(crate) methods: Vec<Method>,
    pub(crate) pages: Option<Pages>,
    /// The variable at its end, and why it is one.
    pub(crate) variable: Option<(String, Why)>,
    /// The paths that it was guessed from, by their numbers among those observed.
    pub(crate) from: BTreeSet<usize>,
}

/// What was guessed, in the order of the file.
#[derive(Debug)]
pub(crate) struct Learned {
    pub(crate) routes: Vec<Guess>,
    pub(crate) count_header: Option<String>,
}

/// Guesses the routes behind what was observed.
pub(crate) fn learn(observed: &[Observation]) -> Learned {
    let mut header = observed.iter().filter_map(|one| one.count_header.clone());
    Learned { routes: tree::routes(observed), count_header: header.next() }
}

impl Learned {
    /// The text of `resources.yaml`; `base_url` must be one that a catalog can hold.
    pub(crate) fn text(&self, api: &str, base_url: Option<&str>) -> String {
        write::text(self, api, base_url)
    }

    /// Loads `text`, and walks every path that was observed in it: each must lead to the route that it was taken for.
    pub(crate) fn verified(&self, text: &str, observed: &[Observation]) -> restwalk::Result<Catalog> {
        let catalog = Catalog::from_yaml(text, "")?;
        let client = Client::builder("http://localhost").catalog(catalog.clone()).build()?;
        for route in &self.routes {
            for one in route.from.iter().filter_map(|number| observed.get(*number)).filter(|one| !one.is_template()) {
                let place = client.path(one.path());
                place.url()?;
                if place.route().is_none_or(|found| found.template() != route.template) {
                    let why = format!("a path of {} leads elsewhere in the catalog that was guessed", route.template);
                    return Err(Error::new(ErrorKind::Catalog, why));
                }
            }
        }
        Ok(catalog)
    }
}

impl Observation {
    /// Whether a segment is a variable without a value, so that there is nothing to walk or to ask.
    pub(crate) fn is_template(&self) -> bool {
        self.segments.iter().any(|segment| segment.starts_with('{') && segment.ends_with('}'))
    }

    /// The segments as one path, encoded.
    pub(crate) fn path(&self) -> String {
        let encoded = self.segments.iter().map(|segment| utf8_percent_encode(segment, NON_ALPHANUMERIC).to_string());
        encoded.collect::<Vec<_>>().join("/")
    }
}

/// The header of an answer that carries how many elements there are, told by its name.
pub(crate) fn count_header(headers: &HeaderMap) -> Option<String> {
    let number = |value: &[u8]| !value.is_empty() && value.len() < 20 && value.iter().all(u8::is_ascii_digit);
    let mut found = headers.iter().filter(|(name, value)| {
        let name = name.as_str();
        let other = ["page", "time", "byte", "size"].iter().any(|word| name.contains(word));
        name.contains("total") && !other && number(value.as_bytes())
    });
    found.next().map(|(name, _)| name.to_string())
}

impl Why {
    /// The reason in a few words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Given => "its name was given",
            Self::Looks => "its value looks like an identifier",
            Self::Listed => "an object below a list",
            Self::Differs => "its values differ between equal paths",
        }
    }
}

#[cfg(test)]
mod tests;
