//! One path of a compiled catalog: the route that it leads to, and the names beside its items.

use std::{
    io::{Read, Seek},
    sync::Arc,
};

use super::{Block, Blocks, Branch, Child, damaged, decode, inner};
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
    let (mut at, mut block, mut filled) = (Node::ROOT, head.root, false);
    let path = path.strip_prefix('/').unwrap_or(path);
    for part in path.split('/').filter(|_| !path.is_empty()) {
        let bytes = blocks.bytes(block)?;
        let branch: Branch<'_> = decode(&bytes)?;
        // An item may not be called as what stands beside it, nor a further part of it as what follows.
        if filled || branch.variable.is_some() {
            keep(&mut inner.tree, at, &branch);
        }
        let Some((next, below)) = step(&branch, part) else { return Ok(None) };
        at = match next {
            Step::Literal(name) => inner.tree.enter(at, name),
            Step::Variable(number) if (number as usize) < inner.variables.len() => inner.tree.vary(at, number),
            Step::Variable(_) => return Err(damaged()),
        };
        filled = matches!(next, Step::Variable(_));
        block = below;
    }
    let bytes = blocks.bytes(block)?;
    let branch: Branch<'_> = decode(&bytes)?;
    if filled {
        keep(&mut inner.tree, at, &branch);
    }
    let Some(route) = branch.route else { return Ok(None) };
    inner.routes.push(Arc::new(blocks.route(route, &head.file())?));
    inner.tree.end(at, 0);
    Ok(Some(Catalog(Arc::new(inner))))
}

/// Keeps the names at a place, though nothing of what is below them.
fn keep(tree: &mut Tree, at: Node, branch: &Branch<'_>) {
    for child in &branch.literals {
        tree.enter(at, child.name);
    }
}

enum Step<'b> {
    Literal(&'b str),
    Variable(u32),
}

/// Where `part` leads: to a name if there is one, else to the variable.
fn step<'b>(branch: &'b Branch<'_>, part: &str) -> Option<(Step<'b>, Block)> {
    let braced = part.starts_with('{') && part.ends_with('}');
    let literal = branch.literals.iter().find(|child| child.name == part).filter(|_| !braced);
    let variable = branch.variable.as_ref().filter(|_| !part.is_empty());
    match (literal, variable) {
        (Some(child), _) => Some((Step::Literal(child.name), child.block)),
        (None, Some((number, child))) => Some((Step::Variable(*number), child.block)),
        (None, None) => None,
    }
}

/// Reads what may follow `path`.
pub(super) fn following(source: impl Read + Seek, path: &str) -> Result<Vec<Following>> {
    let (mut blocks, head) = Blocks::open(source)?;
    let mut block = head.root;
    for part in parts(path) {
        let bytes = blocks.bytes(block)?;
        let branch: Branch<'_> = decode(&bytes)?;
        let Some((_, below)) = step(&branch, part).filter(|_| !part.contains('%')) else { return Ok(Vec::new()) };
        block = below;
    }
    let bytes = blocks.bytes(block)?;
    let branch: Branch<'_> = decode(&bytes)?;
    let mut list: Vec<_> = branch.literals.iter().map(|child| child.following(child.name, Vec::new())).collect();
    if let Some((number, child)) = &branch.variable {
        let variable = head.variables.get(*number as usize).ok_or_else(damaged)?;
        list.push(child.following(variable.braced(), variable.aliases()));
    }
    Ok(list)
}

impl Child<'_> {
    fn following(&self, name: &str, aliases: Vec<String>) -> Following {
        let Self { name: _, title, goes_on, ends, block: _ } = self;
        let title = title.map(str::to_owned);
        Following { name: name.to_owned(), title, ends: *ends, goes_on: *goes_on, aliases }
    }
}
