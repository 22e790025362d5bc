//! Other routes, their variables filled with the items of a path.

use smallvec::SmallVec;

use super::{Path, segment};
use crate::catalog::{Catalog, Node, Part, Slash};

/// A variable's name, and what stands in its place: encoded, with slashes where it was split.
type Item<'a> = (&'a str, String);

impl Path {
    /// What fills each variable of the catalog's route that ends here.
    ///
    /// Between two variables that may be split, nobody can tell what belongs to which: those are left out.
    pub(crate) fn items<'c>(&self, catalog: &'c Catalog) -> Vec<Item<'c>> {
        let Some(route) = self.route(catalog) else { return Vec::new() };
        let parts: Vec<Part<'c>> = route.segments().collect();
        let segments: Vec<&str> = self.as_str().split('/').skip(1).take(self.segments as usize).collect();
        let surplus = segments.len().saturating_sub(parts.len());
        let split = split(catalog, &parts);
        let (first, last) = match (split.first(), split.last()) {
            (Some(first), Some(last)) if surplus > 0 => (*first, *last),
            _ => (parts.len(), parts.len()),
        };
        let place = |(index, part): (usize, Part<'c>)| {
            let Part::Variable(name) = part else { return None };
            let segments = match index {
                _ if index < first => segments.get(index..=index),
                _ if index > last => segments.get(index + surplus..=index + surplus),
                _ if first == last => segments.get(index..=index + surplus),
                _ => None,
            };
            Some((name, segments?.join("/")))
        };
        parts.into_iter().enumerate().filter_map(place).collect()
    }
}

/// Which of `parts` may hold more than one segment.
fn split(catalog: &Catalog, parts: &[Part<'_>]) -> Vec<usize> {
    let mut at = Some(Node::ROOT);
    let mut split = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let variable = at.and_then(|at| catalog.variable(at));
        at = match part {
            Part::Literal(name) => at.and_then(|at| catalog.literal(at, name)),
            Part::Variable(_) => variable.map(|(node, _)| node),
        };
        let is_split = variable.is_some_and(|(_, variable)| variable.slash == Slash::Split);
        if is_split && matches!(part, Part::Variable(_)) {
            split.push(index);
        }
    }
    split
}

/// A template as an encoded path, which ends in front of a variable that nothing fills: the wider place holds it.
pub(crate) fn filled<'a>(template: impl Iterator<Item = Part<'a>>, items: &[Item<'_>]) -> String {
    let mut path: SmallVec<[u8; 96]> = SmallVec::new();
    for part in template {
        let item = |name: &str| items.iter().find(|(known, _)| *known == name).map(|(_, item)| item);
        match part {
            Part::Literal(name) => {
                path.push(b'/');
                segment::encode(name, &mut path);
            }
            Part::Variable(name) => {
                let Some(item) = item(name) else { break };
                path.push(b'/');
                path.extend_from_slice(item.as_bytes());
            }
        }
    }
    if path.is_empty() { "/".to_owned() } else { String::from_utf8_lossy(&path).into_owned() }
}
