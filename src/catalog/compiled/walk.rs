//! One path of a compiled catalog: the route that it leads to, and the names beside its items.

use std::{
    io::{Read, Seek},
    sync::Arc,
};

use super::{Block, Blocks, Branch, Child, damaged, inner};
use crate::{
    catalog::{
        Catalog, Following,
        following::parts,
        tree::{Node, Tree},
    },
    error::Result,
};

/// Reads what a walk along `path` meets.
pub(super) fn along(source: impl Read + Seek, path: &str) -> Result<Option<Catalog>> {
    if path.contains('%') {
        return Ok(None);
    }
    let (mut blocks, head) = Blocks::open(source)?;
    let mut inner = inner(&head);
    let (mut at, mut below) = (Node::ROOT, head.root.at);
    let mut branch: Branch = blocks.read(head.root)?;
    let mut filled = false;
    let path = path.strip_prefix('/').unwrap_or(path);
    for part in path.split('/').filter(|_| !path.is_empty()) {
        // An item may not be called as what stands beside it, nor a further part of it as what follows.
        if filled || branch.variable.is_some() {
            keep(&mut inner.tree, at, &branch);
        }
        let Some((next, block)) = step(&branch, part) else { return Ok(None) };
        at = match next {
            Step::Literal(name) => inner.tree.enter(at, name),
            Step::Variable(number) if (number as usize) < inner.variables.len() => inner.tree.vary(at, number),
            Step::Variable(_) => return Err(damaged()),
        };
        filled = matches!(next, Step::Variable(_));
        if block.at >= below {
            return Err(damaged());
        }
        below = block.at;
        branch = blocks.read(block)?;
    }
    if filled {
        keep(&mut inner.tree, at, &branch);
    }
    let Some(route) = branch.route else { return Ok(None) };
    inner.routes.push(Arc::new(blocks.route(route, &head.file())?));
    inner.tree.end(at, 0);
    Ok(Some(Catalog(Arc::new(inner))))
}

/// Keeps the names at a place, though nothing of what is below them.
fn keep(tree: &mut Tree, at: Node, branch: &Branch) {
    for child in &branch.literals {
        tree.enter(at, &child.name);
    }
}

enum Step<'b> {
    Literal(&'b str),
    Variable(u32),
}

/// Where `part` leads: to a name if there is one, else to the variable.
fn step<'b>(branch: &'b Branch, part: &str) -> Option<(Step<'b>, Block)> {
    let braced = part.starts_with('{') && part.ends_with('}');
    let literal = branch.literals.iter().find(|child| child.name == part).filter(|_| !braced);
    let variable = branch.variable.as_ref().filter(|_| !part.is_empty());
    match (literal, variable) {
        (Some(child), _) => Some((Step::Literal(&child.name), child.block)),
        (None, Some((number, child))) => Some((Step::Variable(*number), child.block)),
        (None, None) => None,
    }
}

/// Reads what may follow `path`.
pub(super) fn following(source: impl Read + Seek, path: &str) -> Result<Vec<Following>> {
    let (mut blocks, head) = Blocks::open(source)?;
    let mut branch: Branch = blocks.read(head.root)?;
    for part in parts(path) {
        let Some((_, block)) = step(&branch, part).filter(|_| !part.contains('%')) else { return Ok(Vec::new()) };
        branch = blocks.read(block)?;
    }
    let mut list: Vec<_> = branch.literals.into_iter().map(|child| child.following(Vec::new())).collect();
    if let Some((number, child)) = branch.variable {
        let variable = head.variables.get(number as usize).ok_or_else(damaged)?;
        let name = variable.braced().to_owned();
        list.push(Child { name, ..child }.following(variable.aliases()));
    }
    Ok(list)
}

impl Child {
    fn following(self, aliases: Vec<String>) -> Following {
        let Self { name, title, goes_on, ends, block: _ } = self;
        Following { name, title, ends, goes_on, aliases }
    }
}
