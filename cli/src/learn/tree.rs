//! All observed paths as one tree, whose levels are told apart into literals and one variable.

use std::collections::{BTreeMap, BTreeSet};

use restwalk::http::Method;

use super::{Guess, Observation, Pages, Shape, Why, name};

/// What is known of a place, and what follows it.
#[derive(Debug, Default)]
struct Place {
    /// The numbers of the paths that end here.
    ends: BTreeSet<usize>,
    methods: Vec<Method>,
    pages: Option<Pages>,
    shape: Shape,
    below: BTreeMap<String, Place>,
}

/// The methods that a catalog can name, in its order.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// The routes that the observed paths are of, each below the one that it continues.
pub(super) fn routes(observed: &[Observation]) -> Vec<Guess> {
    let mut root = Place::default();
    for (number, one) in observed.iter().enumerate() {
        root.add(number, one, &one.segments);
    }
    let mut routes = Vec::new();
    let at = At { template: String::new(), variables: Vec::new(), literal: None, why: None };
    at.walk(root, &mut routes);
    let mut taken = BTreeSet::new();
    for route in &mut routes {
        route.name = name::free(&name::of_route(&route.template), |name| taken.contains(name));
        taken.insert(route.name.clone());
    }
    routes
}

impl Place {
    fn add(&mut self, number: usize, one: &Observation, rest: &[String]) {
        if let [first, rest @ ..] = rest {
            return self.below.entry(first.clone()).or_default().add(number, one, rest);
        }
        self.merge(Self {
            ends: BTreeSet::from([number]),
            methods: one.methods.clone(),
            pages: one.pages,
            shape: one.shape,
            below: BTreeMap::new(),
        });
    }

    /// Adds what is known of another place to this one.
    fn merge(&mut self, other: Self) {
        let Self { ends, methods, pages, shape, below } = other;
        self.ends.extend(ends);
        self.methods.extend(methods);
        self.pages = self.pages.or(pages);
        if self.shape == Shape::Other {
            self.shape = shape;
        }
        for (segment, place) in below {
            self.below.entry(segment).or_default().merge(place);
        }
    }

    /// The ways that observed paths go on from here, identifiers being all alike.
    fn ways(&self) -> BTreeSet<String> {
        let mut ways: BTreeSet<String> = self
            .below
            .iter()
            .flat_map(|(segment, place)| {
                let like = if name::is_identifier(segment) || name::braced(segment).is_some() { "{}" } else { segment };
                place.ways().into_iter().map(move |way| format!("/{like}{way}"))
            })
            .collect();
        if !self.ends.is_empty() {
            ways.insert(String::new());
        }
        ways
    }

    /// Takes the children that are values of a variable out of this place, with the best reason for that.
    fn take_items(&mut self, below_literal: bool) -> Option<(Self, Option<String>, Why)> {
        let differing = if below_literal { self.differing() } else { BTreeSet::new() };
        let mut reasons = BTreeMap::new();
        for (segment, place) in &self.below {
            let listed = below_literal && self.shape == Shape::List && place.shape == Shape::Object;
            let why = match segment {
                _ if name::braced(segment).is_some() => Why::Given,
                _ if name::is_identifier(segment) || !name::is_literal(segment) => Why::Looks,
                _ if listed => Why::Listed,
                _ if differing.contains(segment) => Why::Differs,
                _ => continue,
            };
            reasons.insert(segment.clone(), why);
        }
        let why = *reasons.values().min()?;
        let given = reasons.keys().find_map(|segment| name::braced(segment)).map(str::to_owned);
        let mut item = Self::default();
        for segment in reasons.keys() {
            if let Some(place) = self.below.remove(segment) {
                item.merge(place);
            }
        }
        Some((item, given, why))
    }

    /// The children that differ where all that follows is equal. Lists, versions, and parts of an object do not count.
    fn differing(&self) -> BTreeSet<String> {
        if self.shape == Shape::Object {
            return BTreeSet::new();
        }
        let candidates =
            self.below.iter().filter(|(segment, place)| place.shape != Shape::List && !name::is_version(segment));
        let mut by_way: BTreeMap<String, Vec<&String>> = BTreeMap::new();
        for (segment, place) in candidates {
            for way in place.ways() {
                by_way.entry(way).or_default().push(segment);
            }
        }
        by_way.into_values().filter(|alike| alike.len() > 1).flatten().cloned().collect()
    }
}

/// Where a walk through the tree has got.
struct At {
    template: String,
    /// The variables on the way.
    variables: Vec<String>,
    /// The segment before, where it is literal.
    literal: Option<String>,
    /// Why the segment before is a variable, where it is one.
    why: Option<Why>,
}

impl At {
    /// Adds the route here and all below.
    fn walk(self, mut place: Place, routes: &mut Vec<Guess>) {
        let item = place.take_items(self.literal.is_some());
        let below = std::mem::take(&mut place.below);
        if !place.ends.is_empty() {
            routes.push(self.route(place));
        }
        for (literal, place) in below {
            self.literal(literal).walk(place, routes);
        }
        if let Some((place, given, why)) = item {
            let name = given.unwrap_or_else(|| name::of_item(self.literal.as_deref()));
            self.variable(&name, why).walk(place, routes);
        }
    }

    fn route(&self, place: Place) -> Guess {
        let Place { ends, methods, pages, .. } = place;
        // HEAD is there with GET, and OPTIONS always.
        let implied = |method: &Method| match *method {
            Method::HEAD => methods.contains(&Method::GET),
            Method::OPTIONS => true,
            _ => false,
        };
        Guess {
            name: String::new(),
            template: if self.template.is_empty() { "/".to_owned() } else { self.template.clone() },
            methods: METHODS.into_iter().filter(|one| methods.contains(one) && !implied(one)).collect(),
            pages: pages.filter(|_| methods.contains(&Method::GET)),
            variable: self.why.and_then(|why| Some((self.variables.last()?.clone(), why))),
            from: ends,
        }
    }

    fn literal(&self, segment: String) -> Self {
        let template = format!("{}/{segment}", self.template);
        Self { template, variables: self.variables.clone(), literal: Some(segment), why: None }
    }

    /// One step into the variable, under a name that no other has on the way.
    fn variable(&self, name: &str, why: Why) -> Self {
        let name = name::free(name, |name| self.variables.iter().any(|known| known == name));
        let template = format!("{}/{{{name}}}", self.template);
        let variables = self.variables.iter().cloned().chain([name]).collect();
        Self { template, variables, literal: None, why: Some(why) }
    }
}
