//! The things that the service holds, in the order in which they were made.

use std::{collections::HashMap, time::SystemTime};

use serde_json::Value;

use super::{
    content::{Content, File},
    problem::Problem,
    routes::{Place, Variables},
};

/// The most things that are held.
pub(super) const MOST: usize = 10_000;
/// The most bytes that all files and values have together.
const MOST_BYTES: usize = 256 << 20;

/// One thing.
#[derive(Debug, Clone)]
pub(super) struct Thing {
    /// What it is called among its like; empty for what a place holds itself.
    pub(super) id: String,
    name: String,
    variables: Variables,
    pub(super) value: Value,
    pub(super) file: Option<File>,
    /// A number that no other state of any thing has.
    pub(super) revision: u64,
    pub(super) changed: SystemTime,
    size: usize,
}

/// All things.
#[derive(Debug, Default)]
pub(super) struct Store {
    things: Vec<Thing>,
    revisions: u64,
    ids: u64,
    bytes: usize,
}

impl Store {
    /// The next id that nobody chose.
    pub(super) fn id(&mut self) -> String {
        self.ids += 1;
        self.ids.to_string()
    }

    /// The item at `place`; what a thing does not know of itself does not part it from its path.
    pub(super) fn item(&self, place: &Place<'_>) -> Option<usize> {
        let (variable, id) = place.own.as_ref()?;
        self.things.iter().position(|thing| {
            let own = || thing.id == *id || thing.variables.get(variable) == Some(id);
            let agrees = |(name, value): (&String, &String)| thing.variables.get(name).is_none_or(|own| own == value);
            thing.name == place.route.name && !thing.id.is_empty() && own() && place.scope.iter().all(agrees)
        })
    }

    /// What the place holds itself: a document or a file.
    pub(super) fn document(&self, place: &Place<'_>) -> Option<usize> {
        self.things
            .iter()
            .position(|thing| thing.id.is_empty() && thing.name == place.route.name && thing.variables == place.scope)
    }

    /// The things of a collection, oldest first.
    pub(super) fn members(&self, place: &Place<'_>) -> Vec<&Thing> {
        self.things.iter().filter(|thing| thing.is_in(place)).collect()
    }

    /// The members of a collection by their ids; what is added later does not change their numbers.
    pub(super) fn by_id(&self, place: &Place<'_>) -> HashMap<String, usize> {
        let members = self.things.iter().enumerate().filter(|(_, thing)| thing.is_in(place));
        members.map(|(index, thing)| (thing.id.clone(), index)).collect()
    }

    pub(super) fn get(&self, index: usize) -> Option<&Thing> {
        self.things.get(index)
    }

    /// Adds a thing to what `place` has, under `id`, which is the value of `variable` too.
    pub(super) fn add(
        &mut self,
        place: &Place<'_>,
        (variable, id): (Option<&str>, &str),
        content: Content,
        now: SystemTime,
    ) -> Result<usize, Problem> {
        let own = variable.map(|name| (name.to_owned(), id.to_owned()));
        let variables = place.scope.clone().into_iter().chain(own).collect();
        let thing = Thing {
            id: id.to_owned(),
            name: place.route.name.clone(),
            variables,
            value: Value::Null,
            file: None,
            revision: 0,
            changed: now,
            size: 0,
        };
        if self.things.len() >= MOST {
            return Err(Problem::new(507, "Full", format!("the service holds {MOST} things already; delete some")));
        }
        room(self.bytes, 0, content.size())?;
        self.things.push(thing);
        let index = self.things.len() - 1;
        self.set(index, content, now)?;
        Ok(index)
    }

    /// Gives a thing another value and file.
    pub(super) fn set(&mut self, index: usize, content: Content, now: SystemTime) -> Result<(), Problem> {
        let size = content.size();
        let Some(thing) = self.things.get_mut(index) else { return Ok(()) };
        let bytes = room(self.bytes, thing.size, size)?;
        self.bytes = bytes;
        self.revisions += 1;
        (thing.revision, thing.changed, thing.size) = (self.revisions, now, size);
        (thing.value, thing.file) = (content.value, content.file);
        Ok(())
    }

    /// Removes one thing.
    pub(super) fn remove(&mut self, index: usize) {
        if index < self.things.len() {
            let thing = self.things.remove(index);
            self.bytes = self.bytes.saturating_sub(thing.size);
        }
    }

    /// Removes all that a collection has, and what it holds itself; gives how many those were.
    pub(super) fn clear(&mut self, place: &Place<'_>) -> usize {
        let before = self.things.len();
        self.things.retain(|thing| !thing.is_of(place));
        self.bytes = self.things.iter().map(|thing| thing.size).sum();
        before - self.things.len()
    }
}

impl Thing {
    /// Whether it is one of a collection.
    fn is_in(&self, place: &Place<'_>) -> bool {
        !self.id.is_empty() && self.is_of(place)
    }

    fn is_of(&self, place: &Place<'_>) -> bool {
        self.name == place.route.name && place.scope.iter().all(|(name, value)| self.variables.get(name) == Some(value))
    }
}

/// How many bytes are held when `old` ones make room for `new` ones.
fn room(held: usize, old: usize, new: usize) -> Result<usize, Problem> {
    let after = held.saturating_sub(old).saturating_add(new);
    let full = || Problem::new(507, "Full", format!("the service holds {} MiB already; delete some", MOST_BYTES >> 20));
    if after > MOST_BYTES { Err(full()) } else { Ok(after) }
}
