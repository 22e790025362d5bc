//! What may follow a place of a catalog, for who lists or completes paths.

use super::{
    Catalog,
    template::{self, Part},
    tree::Node,
};

/// What may follow a place: a name, or a variable in braces.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Following {
    /// The name, or `{variable}`.
    pub name: String,
    /// What the route that ends there is called.
    pub title: Option<String>,
    /// Whether a route ends there.
    pub ends: bool,
    /// Whether routes go on behind it.
    pub goes_on: bool,
    /// Values that stand for another in the place of the variable, such as `:me`.
    pub aliases: Vec<String>,
}

impl Catalog {
    /// What may follow `path`: names in order, then the variable; nothing where the path leads nowhere.
    ///
    /// ```
    /// use restwalk::Catalog;
    ///
    /// let found = Catalog::embedded().following("people/ada");
    /// assert!(found.iter().any(|next| next.name == "activities" && next.ends));
    /// ```
    pub fn following(&self, path: &str) -> Vec<Following> {
        let mut at = Node::ROOT;
        for part in parts(path) {
            let braced = matches!(template::parts(&format!("/{part}")).next(), Some(Part::Variable(_)));
            let literal = self.literal(at, part).filter(|_| !braced);
            match literal.or_else(|| self.variable(at).map(|(node, _)| node)) {
                Some(node) => at = node,
                None => return Vec::new(),
            }
        }
        let mut list: Vec<_> = self.0.tree.names(at).into_iter().collect();
        list.sort_unstable();
        let literals = list.into_iter().filter_map(|name| Some((name, self.literal(at, name)?, Vec::new())));
        let variable = self.variable(at).map(|(node, variable)| (variable.braced(), node, variable.aliases()));
        literals.chain(variable).map(|(name, node, aliases)| self.followed(name, node, aliases)).collect()
    }

    fn followed(&self, name: &str, node: Node, aliases: Vec<String>) -> Following {
        let route = self.route_at(node);
        Following {
            name: name.to_owned(),
            title: route.and_then(|route| route.title.clone()),
            ends: route.is_some(),
            goes_on: self.variable(node).is_some() || !self.0.tree.names(node).is_empty(),
            aliases,
        }
    }
}

/// The parts of a path, a slash in front and one behind left out.
pub(super) fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}
