//! Items of the body, put together left to right: what the library is told to set and to unset.
//!
//! The library merges objects over the defaults and knows no lists. So the body is kept here as a
//! tree too, in which a list that items build (`a[]=1 a[]=2`) grows from what stood there, and
//! which says where two items exclude each other.

use restwalk::Expand;
use serde_json::value::RawValue;

use crate::item::{Keys, Step};

mod names;
mod tree;

use tree::Tree;

/// Where a key came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// An item, by its number.
    Item(usize),
    /// `@file`, `@-`, `--data` or standard input.
    Base,
}

/// One thing that the library is told.
#[derive(Debug)]
pub(crate) enum Change {
    Set(Vec<String>, Box<RawValue>),
    Unset(Vec<String>),
}

/// A body put together.
#[derive(Debug)]
pub(crate) enum Body {
    /// What it changes in the defaults.
    Changes(Vec<(Change, Source)>),
    /// A body that is no object, which replaces the defaults.
    Whole(Box<RawValue>),
}

enum Note {
    Change(Change),
    /// The list at these names, as it is in the end.
    List(Vec<String>),
}

/// Gives the JSON of a list that the defaults have at some names.
type Inherited<'d> = Box<dyn Fn(&[String]) -> Option<Box<RawValue>> + 'd>;

/// A body as it grows.
pub(crate) struct Builder<'d> {
    expand: Expand,
    inherited: Inherited<'d>,
    tree: Tree,
    notes: Vec<(Note, Source)>,
}

impl<'d> Builder<'d> {
    /// An empty body; `expand` says whether names split at underscores.
    pub(crate) fn new(expand: Expand, inherited: impl Fn(&[String]) -> Option<Box<RawValue>> + 'd) -> Self {
        Self { expand, inherited: Box::new(inherited), tree: Tree::Gone, notes: Vec::new() }
    }

    /// Begins with `base`, whose names are literal.
    pub(crate) fn base(&mut self, base: Box<RawValue>) {
        let is_object = base.get().starts_with('{');
        self.tree = Tree::Text(base);
        if is_object {
            self.tree.open();
        }
        if let Tree::Object(members) = &self.tree {
            let set = |(name, value): &(String, Tree)| Some(Change::Set(vec![name.clone()], value.raw()?));
            let changes = members.iter().filter_map(set).map(|change| (Note::Change(change), Source::Base));
            self.notes.extend(changes);
        }
    }

    /// The steps of `keys`, names split where this body's rule says so.
    pub(crate) fn steps(&self, keys: &Keys) -> Vec<Step> {
        names::expanded(keys, self.expand)
    }

    /// Sets one key; the error says what stands there that excludes it.
    pub(crate) fn set(&mut self, keys: &Keys, value: Box<RawValue>, source: Source) -> Result<(), String> {
        let steps = self.steps(keys);
        let names = names::leading(&steps);
        let is_list = names.len() < steps.len();
        if is_list
            && self.tree.is_free(&names)
            && let Some(list) = (self.inherited)(&names)
        {
            self.tree.put(&steps[..names.len()], list)?;
        }
        self.tree.put(&steps, value.clone())?;
        if is_list {
            self.notes.retain(|(note, _)| !matches!(note, Note::List(same) if *same == names));
            self.notes.push((Note::List(names), source));
        } else {
            self.notes.push((Note::Change(Change::Set(names, value)), source));
        }
        Ok(())
    }

    /// Drops one key.
    pub(crate) fn unset(&mut self, keys: &Keys, source: Source) -> Result<Vec<String>, String> {
        let steps = self.steps(keys);
        let names = names::leading(&steps);
        if names.len() < steps.len() {
            return Err("a place in a list cannot be dropped; only a name can".into());
        }
        self.tree.drop(&names);
        self.notes.push((Note::Change(Change::Unset(names.clone())), source));
        Ok(names)
    }

    /// Whether nothing was set or dropped.
    pub(crate) fn is_empty(&self) -> bool {
        self.notes.is_empty() && matches!(self.tree, Tree::Gone)
    }

    /// What the library is told.
    pub(crate) fn finish(self) -> Body {
        let Self { tree, notes, .. } = self;
        if !matches!(tree, Tree::Object(_) | Tree::Gone)
            && let Some(whole) = tree.raw()
        {
            return Body::Whole(whole);
        }
        let change = |(note, source)| {
            let change = match note {
                Note::Change(change) => change,
                Note::List(names) => {
                    let list = tree.at(&names)?.raw()?;
                    Change::Set(names, list)
                }
            };
            Some((change, source))
        };
        Body::Changes(notes.into_iter().filter_map(change).collect())
    }
}

#[cfg(test)]
mod tests;
