//! A path as it is walked: one growing text, a place in the catalog, and the first mistake.
//!
//! Every item is one segment: aliased, adapted, checked and encoded here and nowhere else.
//! Nothing fails while walking; the first mistake is kept and reported when the call is
//! built. Methods, bodies and hosts are not known here.

use std::{borrow::Cow, fmt, sync::Arc};

use smallvec::SmallVec;

use crate::{
    catalog::{Adapt, Alias, Catalog, Node, Route, Slash, Variable},
    error::{Fault, quoted},
};

mod filled;
mod segment;

pub(crate) use filled::filled;
pub use segment::Segment;

/// The most segments of one path.
const MOST_SEGMENTS: u32 = 64;

/// Steps taken so far.
pub(crate) struct Path {
    /// Encoded, each segment behind a `/`; empty for the root.
    text: SmallVec<[u8; 96]>,
    at: Node,
    /// Bit n is set where segment n is an item, so that it can be left out of a label.
    items: u64,
    segments: u32,
    fault: Option<Arc<Fault>>,
}

impl Path {
    pub(crate) fn root() -> Self {
        Self { text: SmallVec::new(), at: Node::ROOT, items: 0, segments: 0, fault: None }
    }

    /// A path that begins with a mistake.
    pub(crate) fn faulty(fault: Fault) -> Self {
        Self { fault: Some(Arc::new(fault)), ..Self::root() }
    }

    /// The encoded path, `/` for the root.
    pub(crate) fn as_str(&self) -> &str {
        match std::str::from_utf8(&self.text) {
            Ok("") | Err(_) => "/",
            Ok(text) => text,
        }
    }

    pub(crate) fn segments(&self) -> u32 {
        self.segments
    }

    /// The first mistake made on the way.
    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.fault.as_deref()
    }

    pub(crate) fn node(&self) -> Node {
        self.at
    }

    /// The catalog's route that ends here.
    pub(crate) fn route<'c>(&self, catalog: &'c Catalog) -> Option<&'c Arc<Route>> {
        if self.fault.is_some() { None } else { catalog.route_at(self.at) }
    }

    /// Steps into the collection `name`.
    pub(crate) fn res(&mut self, catalog: &Catalog, name: &str) {
        self.step(|path| path.enter(catalog, name));
    }

    /// Fills the variable that comes next with `value`.
    pub(crate) fn item(&mut self, catalog: &Catalog, actor: Option<&str>, value: &str) {
        self.step(|path| path.fill(catalog, actor, value));
    }

    /// Walks `text`, split on `/`, each part decoded once: a literal where the catalog has one, else an item.
    pub(crate) fn walk(&mut self, catalog: &Catalog, actor: Option<&str>, text: &str) {
        if text.contains("://") {
            let why = "a path is not a URL; an absolute URL is asked by client.at(..)";
            return self.step(|_| Err(Fault::path(why)));
        }
        let text = text.strip_prefix('/').unwrap_or(text);
        if text.is_empty() {
            return;
        }
        for part in text.split('/') {
            self.step(|path| path.part(catalog, actor, part));
            if self.fault.is_some() {
                return;
            }
        }
    }

    fn step(&mut self, step: impl FnOnce(&mut Self) -> Result<(), Fault>) {
        if self.fault.is_none()
            && let Err(fault) = step(self)
        {
            self.fault = Some(Arc::new(fault));
        }
    }

    fn part(&mut self, catalog: &Catalog, actor: Option<&str>, part: &str) -> Result<(), Fault> {
        if let Some(bad) = part.chars().find(|c| matches!(c, '?' | '#')) {
            let hint = if bad == '?' { "; give the query with .query(name, value)" } else { "" };
            return Err(Fault::path(format!("a path holds no {bad:?}, as {} does{hint}", quoted(part))));
        }
        if part.is_empty() {
            return Err(Fault::path("the path has an empty part: two slashes, or one at its end"));
        }
        let name = segment::decode(part).map_err(|why| refused(part, &why))?;
        if !catalog.is_open() && part.starts_with('{') && part.ends_with('}') {
            return Err(Fault::path(format!("the variable {part} has no value; fill it with .item(..)")));
        }
        if catalog.literal(self.at, &name).is_some() {
            return self.enter(catalog, &name);
        }
        if !catalog.is_open() && catalog.variable(self.at).is_none() {
            return Err(self.unknown(catalog, &name));
        }
        self.fill(catalog, actor, &name)
    }

    fn enter(&mut self, catalog: &Catalog, name: &str) -> Result<(), Fault> {
        if catalog.is_open() {
            segment::check(name, &segment::STRICT).map_err(|why| refused_name(name, &why))?;
        } else {
            self.at = catalog.literal(self.at, name).ok_or_else(|| self.unknown(catalog, name))?;
        }
        self.push(name, false)
    }

    fn fill(&mut self, catalog: &Catalog, actor: Option<&str>, value: &str) -> Result<(), Fault> {
        if catalog.is_open() {
            segment::check(value, &segment::STRICT).map_err(|why| refused(value, &why))?;
            return self.push(value, true);
        }
        let Some((node, variable)) = catalog.variable(self.at) else {
            return Err(self.no_item(catalog, value));
        };
        let value = adapt(variable, actor, value)?;
        let allow =
            segment::Allow { slash: variable.slash != Slash::Refuse, percent: variable.percent, blank: variable.blank };
        segment::check(&value, &allow).map_err(|why| refused(&value, &why))?;
        let split = variable.slash == Slash::Split;
        let parts = || value.split(|c| split && c == '/');
        for (index, part) in parts().enumerate() {
            let place = if index == 0 { self.at } else { node };
            if catalog.literal(place, part).is_some() {
                let why = "the catalog has a resource of that name there; step into it with .res(..)";
                return Err(refused(&value, why));
            }
        }
        self.at = node;
        parts().try_for_each(|part| self.push(part, true))
    }

    fn push(&mut self, value: &str, item: bool) -> Result<(), Fault> {
        if self.segments == MOST_SEGMENTS {
            return Err(Fault::path(format!("a path has at most {MOST_SEGMENTS} segments")));
        }
        self.items |= u64::from(item) << self.segments;
        self.segments += 1;
        self.text.push(b'/');
        segment::encode(value, &mut self.text);
        Ok(())
    }

    /// The path with items left out, `/people/{username}` or `/people/{}`: fit for messages and labels.
    pub(crate) fn label(&self, catalog: &Catalog) -> String {
        let mut at = Some(Node::ROOT);
        let mut label = String::with_capacity(self.text.len() + 1);
        for (index, segment) in self.as_str().split('/').skip(1).take(self.segments as usize).enumerate() {
            label.push('/');
            if self.items >> index & 1 == 0 {
                let name = segment::decode(segment).unwrap_or_default();
                at = at.and_then(|at| catalog.literal(at, &name));
                label.push_str(segment);
            } else {
                let variable = at.and_then(|at| catalog.variable(at));
                label.push_str(variable.map_or("{}", |(_, variable)| variable.braced()));
                at = variable.map(|(node, _)| node);
            }
        }
        if label.is_empty() { "/".into() } else { label }
    }

    fn unknown(&self, catalog: &Catalog, name: &str) -> Fault {
        let place = self.label(catalog);
        if name.contains('/') {
            return Fault::path(format!("{} is several segments; walk them by .path(..)", quoted(name)));
        }
        let name_quoted = quoted(name);
        let hint = match (catalog.nearest(self.at, name), catalog.variable(self.at)) {
            (Some(near), _) => format!("; did you mean \"{near}\"?"),
            (None, Some((_, variable))) => format!("; {} is given with .item(..)", variable.braced()),
            (None, None) => self.continuations(catalog),
        };
        Fault::path(format!("no resource {name_quoted} under {place}{hint}"))
    }

    fn no_item(&self, catalog: &Catalog, value: &str) -> Fault {
        let place = self.label(catalog);
        let hint = match catalog.literal(self.at, value) {
            Some(_) => "; step into it with .res(..)".to_owned(),
            None => self.continuations(catalog),
        };
        Fault::path(format!("there is no item under {place}, so {} cannot be one{hint}", quoted(value)))
    }

    /// What may follow here, for a message.
    pub(crate) fn continuations(&self, catalog: &Catalog) -> String {
        let children = catalog.children(self.at);
        if children.is_empty() {
            "; nothing follows there".into()
        } else {
            format!("; there is {}", children.join(", "))
        }
    }
}

/// Aliases first, then the adapter; an empty value is refused before either could hide it.
fn adapt<'v>(variable: &Variable, actor: Option<&'v str>, value: &'v str) -> Result<Cow<'v, str>, Fault> {
    let mut value = Cow::Borrowed(value);
    if variable.aliases.iter().any(|(alias, Alias::Actor)| *alias == value) {
        value = Cow::Borrowed(actor.ok_or_else(|| {
            let alias = quoted(&value);
            Fault::path(format!("{alias} stands for the actor, and none is set; name one with .actor(..)"))
        })?);
    }
    if value.is_empty() || (!variable.blank && value.trim().is_empty()) {
        return Err(refused(&value, "it is empty or blank"));
    }
    match variable.adapt {
        Some(Adapt::Sha1) if !is_sha1(&value) => {
            Ok(Cow::Owned(sha1_smol::Sha1::from(value.as_bytes()).digest().to_string()))
        }
        _ => Ok(value),
    }
}

fn is_sha1(value: &str) -> bool {
    value.len() == 40 && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// `value` as one encoded segment of a URL.
///
/// # Errors
/// It could leave its segment.
pub(crate) fn encoded(value: &str) -> Result<String, Fault> {
    segment::check(value, &segment::STRICT).map_err(|why| refused(value, &why))?;
    let mut text = SmallVec::new();
    segment::encode(value, &mut text);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn refused(value: &str, why: &str) -> Fault {
    Fault::path(format!("{} cannot be a path item: {why}", quoted(value)))
}

fn refused_name(value: &str, why: &str) -> Fault {
    Fault::path(format!("{} cannot be a path segment: {why}", quoted(value)))
}

/// Copies the text at once, where the derived code would copy byte by byte.
impl Clone for Path {
    fn clone(&self) -> Self {
        let Self { text, at, items, segments, fault } = self;
        Self { text: SmallVec::from_slice(text), at: *at, items: *items, segments: *segments, fault: fault.clone() }
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
