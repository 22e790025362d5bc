//! The two files, read and held against each other.

use std::{collections::HashMap, sync::Arc};

use http::Method;

use crate::{
    catalog::{
        Inner,
        check::check,
        keys,
        nearest::suggestion,
        preset::Preset,
        read::{self, Reader},
        route::{Route, Variable},
        template::{self, Part},
        tree::{Clash, Tree},
        yaml::{Document, View, refusal},
    },
    error::{Error, Result, quoted},
};

/// The text of a file, and its name for messages.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

/// Reads both files.
///
/// # Errors
/// One of them is wrong; the message has the place.
pub(super) fn load(resources: Source<'_>, defaults: Source<'_>) -> Result<Inner> {
    let document = Document::parse(resources.name, resources.text)?;
    let root = document.root().ok_or_else(|| {
        refusal(format!("{}:1:1: the file is empty; expected a map with the key \"resources\"", resources.name))
    })?;
    check(root, &keys::RESOURCES)?;
    let mut loader = Loader::default();
    let mut reader = Reader::new(resources.name);
    if let Some(declared) = root.get("variables") {
        loader.declare(declared)?;
    }
    for (name, resource) in root.get("resources").into_iter().flat_map(View::pairs) {
        loader.add(&mut reader, name, resource)?;
    }
    loader.refuse_idle(root.get("variables"))?;
    loader.check_affected()?;
    let mut lint = reader.lint;
    loader.defaults(defaults, &mut lint)?;
    Ok(Inner {
        api: root.get("api").map_or("api", View::text).to_owned(),
        base_url: root.get("base_url").map(|url| url.text().to_owned()),
        settings: read::settings(root),
        variables: loader.variables,
        tree: loader.tree,
        routes: loader.routes.into_iter().map(Arc::new).collect(),
        operations: loader.operations,
        lint,
        open: false,
    })
}

#[derive(Default)]
struct Loader<'d> {
    tree: Tree,
    variables: Vec<Variable>,
    /// The index of each variable, and whether a route has it.
    numbers: HashMap<&'d str, (u32, bool)>,
    routes: Vec<Route>,
    /// Where each route stands, for messages.
    places: Vec<View<'d>>,
    operations: HashMap<String, (u32, u32)>,
}

impl<'d> Loader<'d> {
    fn declare(&mut self, declared: View<'d>) -> Result<()> {
        for (name, view) in declared.pairs() {
            self.numbers.insert(name.text(), (self.variables.len() as u32, false));
            self.variables.push(read::variable(name, view));
        }
        let mut params: HashMap<&str, View<'_>> = declared.pairs().map(|(name, _)| (name.text(), name)).collect();
        for param in declared.pairs().filter_map(|(_, view)| view.get("param")) {
            if let Some(first) = params.insert(param.text(), param) {
                let name = quoted(param.text());
                return Err(param.error(format_args!("{name} names a variable already, at {}", first.place())));
            }
        }
        Ok(())
    }

    fn add(&mut self, reader: &mut Reader, name: View<'d>, resource: View<'d>) -> Result<()> {
        let place = resource.get("route").unwrap_or(resource);
        let Self { tree, variables, numbers, .. } = self;
        let index = |name: &'d str| {
            let (number, used) = numbers.entry(name).or_insert_with(|| {
                variables.push(Variable::new(name));
                (variables.len() as u32 - 1, true)
            });
            *used = true;
            *number
        };
        tree.insert(place.text(), self.routes.len() as u32, index).map_err(|clash| self.clash(place, &clash))?;
        let route = reader.route(name, resource)?;
        self.name_operations(resource, &route)?;
        self.routes.push(route);
        self.places.push(resource);
        Ok(())
    }

    fn clash(&self, place: View<'d>, clash: &Clash) -> Error {
        let new = place.text();
        match clash {
            Clash::Route(other) => {
                let first = self.places.get(*other as usize);
                let path = first.map(|first| first.path()).unwrap_or_default();
                let at = self.place_of(*other).map(View::place).unwrap_or_default();
                place.error(format_args!("{} is the route of {path} already, at {at}", quoted(new)))
            }
            Clash::Variable => {
                let numbers = 0..self.routes.len() as u32;
                let first = numbers.filter_map(|number| self.place_of(number)).find(|first| vary(first.text(), new));
                let (template, at) = first.map(|first| (first.text(), first.place())).unwrap_or_default();
                place.error(format_args!(
                    "{} has another variable on one level with {}, at {at}; a level has one variable",
                    quoted(new),
                    quoted(template)
                ))
            }
        }
    }

    fn place_of(&self, number: u32) -> Option<View<'d>> {
        self.places.get(number as usize)?.get("route")
    }

    fn name_operations(&mut self, resource: View<'d>, route: &Route) -> Result<()> {
        for (index, policy) in route.policies().enumerate() {
            for name in &policy.operations {
                let number = (self.routes.len() as u32, index as u32);
                if self.operations.insert(name.clone(), number).is_some() {
                    return Err(self.second_operation(resource, name));
                }
            }
        }
        Ok(())
    }

    fn second_operation(&self, resource: View<'d>, name: &str) -> Error {
        let resources = self.places.iter().copied().chain([resource]);
        let mut named = resources.flat_map(|resource| named_operations(resource, name));
        let first = named.next().unwrap_or(resource);
        let second = named.next().unwrap_or(resource);
        second.error(format_args!("{} names an operation already, at {}", quoted(name), first.place()))
    }

    fn refuse_idle(&self, declared: Option<View<'d>>) -> Result<()> {
        for (name, _) in declared.into_iter().flat_map(View::pairs) {
            if let Some((_, false)) = self.numbers.get(name.text()) {
                let used = self.numbers.iter().filter(|(_, (_, used))| *used).map(|(name, _)| *name);
                let near = suggestion(name.text(), used);
                return Err(name.error(format_args!("no route has the variable {}{near}", quoted(name.text()))));
            }
        }
        Ok(())
    }

    /// Holds what methods make untrue against all routes.
    fn check_affected(&self) -> Result<()> {
        for (resource, route) in self.places.iter().zip(&self.routes) {
            let policies = resource.get("methods").into_iter().flat_map(View::pairs).map(|(_, policy)| policy);
            for template in policies.filter_map(|policy| policy.get("affects")).flat_map(View::items) {
                self.number_of(template.text()).ok_or_else(|| self.no_route(template))?;
                refuse_unfilled(route.template(), template)?;
            }
        }
        Ok(())
    }

    fn defaults(&mut self, source: Source<'_>, lint: &mut Vec<String>) -> Result<()> {
        let document = Document::parse(source.name, source.text)?;
        let Some(root) = document.root() else { return Ok(()) };
        check(root, &keys::DEFAULTS)?;
        let file: Arc<str> = Arc::from(source.name);
        for (template, methods) in root.pairs() {
            let number = self.number_of(template.text()).ok_or_else(|| self.no_route(template))?;
            let Some(route) = self.routes.get_mut(number as usize) else { continue };
            for (name, body) in methods.pairs() {
                let method: Method = name.text().parse().unwrap_or_default();
                if !route.allows(&method) {
                    let listed: Vec<String> = route.methods().iter().map(ToString::to_string).collect();
                    return Err(name.error(format_args!("the route has no {method}, only {}", listed.join(", "))));
                }
                route.presets.push((method, Preset::read(&file, body, lint)?));
            }
        }
        Ok(())
    }

    fn number_of(&self, template: &str) -> Option<u32> {
        let same =
            |number: u32, name: &str| self.variables.get(number as usize).is_some_and(|known| known.name() == name);
        let number = self.tree.find(template, same).and_then(|node| self.tree.route(node))?;
        // A doubled or missing slash is not seen by the tree.
        self.routes.get(number as usize).filter(|route| route.template() == template).map(|_| number)
    }

    fn no_route(&self, template: View<'_>) -> Error {
        if let Err(why) = template::check(template.text()) {
            return template.error(format_args!("expected a route: {why}"));
        }
        let near = suggestion(template.text(), self.routes.iter().map(Route::template));
        template.error(format_args!("no resource has the route {}{near}", quoted(template.text())))
    }
}

/// A template is filled with the variables of the route that affects it, so it has no other.
fn refuse_unfilled(route: &str, template: View<'_>) -> Result<()> {
    let own = || variables(route);
    match variables(template.text()).find(|name| own().all(|own| own != *name)) {
        None => Ok(()),
        Some(name) => {
            let (near, name) = (suggestion(name, own()), quoted(name));
            Err(template.error(format_args!("{} has no variable {name} to fill it with{near}", quoted(route))))
        }
    }
}

fn variables(template: &str) -> impl Iterator<Item = &str> {
    template::parts(template).filter_map(|part| match part {
        Part::Variable(name) => Some(name),
        Part::Literal(_) => None,
    })
}

/// Whether two templates first differ in the name of a variable.
fn vary(left: &str, right: &str) -> bool {
    let mut pairs = template::parts(left).zip(template::parts(right));
    matches!(pairs.find(|(left, right)| left != right), Some((Part::Variable(_), Part::Variable(_))))
}

/// Where a resource gives methods the name of an operation.
fn named_operations<'d>(resource: View<'d>, name: &str) -> impl Iterator<Item = View<'d>> {
    let policies = resource.get("methods").into_iter().flat_map(View::pairs).map(|(_, policy)| policy);
    let given = policies.filter_map(|policy| policy.get("operation"));
    given.flat_map(|given| std::iter::once(given).chain(given.items())).filter(move |view| view.text() == name)
}
