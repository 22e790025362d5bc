//! All routes as one tree of segments.

use std::collections::HashMap;

use crate::catalog::template::{self, Part};

/// A place in the tree: as far as a path has been walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node(u32);

impl Node {
    pub(crate) const ROOT: Self = Self(0);
}

/// Branches in one list; a [`Node`] is an index.
#[derive(Debug)]
pub(super) struct Tree(Vec<Branch>);

#[derive(Debug, Default)]
struct Branch {
    literals: Literals,
    variable: Option<(Node, u32)>,
    route: Option<u32>,
}

/// Literal children: sorted while they are few, hashed when they are many.
#[derive(Debug)]
enum Literals {
    Few(Vec<(Box<str>, Node)>),
    Many(HashMap<Box<str>, Node>),
}

/// More literal children than this are hashed.
const FEW: usize = 16;

impl Default for Literals {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Literals {
    fn get(&self, name: &str) -> Option<Node> {
        match self {
            Self::Few(few) => few
                .binary_search_by(|(known, _)| (**known).cmp(name))
                .ok()
                .and_then(|at| few.get(at))
                .map(|(_, node)| *node),
            Self::Many(many) => many.get(name).copied(),
        }
    }

    fn insert(&mut self, name: &str, node: Node) {
        if let Self::Few(few) = self
            && few.len() == FEW
        {
            *self = Self::Many(std::mem::take(few).into_iter().collect());
        }
        match self {
            Self::Few(few) => {
                let at = few.partition_point(|(known, _)| **known < *name);
                few.insert(at, (name.into(), node));
            }
            Self::Many(many) => {
                many.insert(name.into(), node);
            }
        }
    }

    fn names(&self) -> Vec<&str> {
        match self {
            Self::Few(few) => few.iter().map(|(name, _)| &**name).collect(),
            Self::Many(many) => many.keys().map(|name| &**name).collect(),
        }
    }
}

/// Why a route cannot be added.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Clash {
    /// Another route has this template.
    Route(u32),
    /// One of its levels has another variable.
    Variable,
}

impl Default for Tree {
    fn default() -> Self {
        Self(vec![Branch::default()])
    }
}

impl Tree {
    fn branch(&self, at: Node) -> Option<&Branch> {
        self.0.get(at.0 as usize)
    }

    pub(super) fn literal(&self, at: Node, name: &str) -> Option<Node> {
        self.branch(at)?.literals.get(name)
    }

    /// The variable child, and the index of its variable.
    pub(super) fn variable(&self, at: Node) -> Option<(Node, u32)> {
        self.branch(at)?.variable
    }

    pub(super) fn route(&self, at: Node) -> Option<u32> {
        self.branch(at)?.route
    }

    /// The names of the literal children, in no order.
    pub(super) fn names(&self, at: Node) -> Vec<&str> {
        self.branch(at).map_or_else(Vec::new, |branch| branch.literals.names())
    }

    /// The place that a template ends in; `same` tells whether a variable has the name it has there.
    pub(super) fn find(&self, template: &str, same: impl Fn(u32, &str) -> bool) -> Option<Node> {
        template::parts(template).try_fold(Node::ROOT, |at, part| match part {
            Part::Literal(name) => self.literal(at, name),
            Part::Variable(name) => self.variable(at).filter(|(_, number)| same(*number, name)).map(|(node, _)| node),
        })
    }

    /// Adds the route of index `route`; `index` gives the number of a variable by its name.
    ///
    /// # Errors
    /// Another route is there, or another variable on one of its levels.
    pub(super) fn insert<'t>(
        &mut self,
        template: &'t str,
        route: u32,
        mut index: impl FnMut(&'t str) -> u32,
    ) -> Result<(), Clash> {
        let mut at = Node::ROOT;
        for part in template::parts(template) {
            at = match part {
                Part::Literal(name) => self.enter(at, name),
                Part::Variable(name) => match (self.variable(at), index(name)) {
                    (Some((_, known)), new) if known != new => return Err(Clash::Variable),
                    (_, number) => self.vary(at, number),
                },
            };
        }
        match self.0.get_mut(at.0 as usize) {
            Some(Branch { route: Some(other), .. }) => Err(Clash::Route(*other)),
            Some(branch) => {
                branch.route = Some(route);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The literal child `name` of a place, made if there is none.
    pub(super) fn enter(&mut self, at: Node, name: &str) -> Node {
        match self.literal(at, name) {
            Some(node) => node,
            None => self.grow(at, |branch, node| branch.literals.insert(name, node)),
        }
    }

    /// The variable child of a place, made of the variable `number` if there is none.
    pub(super) fn vary(&mut self, at: Node, number: u32) -> Node {
        match self.variable(at) {
            Some((node, _)) => node,
            None => self.grow(at, |branch, node| branch.variable = Some((node, number))),
        }
    }

    /// Ends the route of index `route` at a place.
    #[cfg(feature = "compiled")]
    pub(super) fn end(&mut self, at: Node, route: u32) {
        if let Some(branch) = self.0.get_mut(at.0 as usize) {
            branch.route = Some(route);
        }
    }

    fn grow(&mut self, at: Node, link: impl FnOnce(&mut Branch, Node)) -> Node {
        let node = Node(self.0.len() as u32);
        if let Some(branch) = self.0.get_mut(at.0 as usize) {
            link(branch, node);
        }
        self.0.push(Branch::default());
        node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(templates: &[&str]) -> Tree {
        let mut tree = Tree::default();
        for (route, template) in templates.iter().enumerate() {
            tree.insert(template, route as u32, |name| name.len() as u32).unwrap();
        }
        tree
    }

    #[test]
    fn m9_a_literal_and_a_variable_stand_side_by_side() {
        let tree = tree(&["/contexts/public", "/contexts/{hash}", "/"]);
        let contexts = tree.literal(Node::ROOT, "contexts").unwrap();
        assert_eq!(tree.route(tree.literal(contexts, "public").unwrap()), Some(0));
        let (variable, index) = tree.variable(contexts).unwrap();
        assert_eq!((tree.route(variable), index), (Some(1), 4));
        assert_eq!(tree.route(contexts), None);
        assert_eq!(tree.route(Node::ROOT), Some(2));
        assert_eq!(tree.literal(contexts, "{hash}"), None);
        assert_eq!(tree.variable(Node::ROOT), None);
    }

    #[test]
    fn m5_a_level_has_one_variable() {
        let mut tree = tree(&["/a/{x}/b"]);
        assert_eq!(tree.insert("/a/{long}", 1, |name| name.len() as u32), Err(Clash::Variable));
        assert_eq!(tree.insert("/a/{y}/b", 1, |name| name.len() as u32), Err(Clash::Route(0)));
    }

    #[test]
    fn wide_levels_are_hashed_and_still_listed() {
        let names: Vec<String> = (0..1000).map(|n| format!("/r{n}")).collect();
        let tree = tree(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(matches!(tree.0[0].literals, Literals::Many(_)));
        for (index, name) in names.iter().enumerate() {
            assert_eq!(tree.literal(Node::ROOT, &name[1..]).and_then(|node| tree.route(node)), Some(index as u32));
        }
        assert_eq!(tree.names(Node::ROOT).len(), 1000);
    }
}
