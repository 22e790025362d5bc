//! A body as a tree whose leaves are JSON text, so that numbers and order stay as they came.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::item::Step;

/// The furthest that an index may lie behind the end of a list.
const FURTHEST: usize = 1_000;

/// A value; objects and lists are opened only where an item steps into them.
#[derive(Debug)]
pub(super) enum Tree {
    /// Nothing: left out of an object, `null` in a list.
    Gone,
    Text(Box<RawValue>),
    Object(Vec<(String, Tree)>),
    List(Vec<Tree>),
}

impl Tree {
    /// Puts `value` at `steps`; the error says what stands in the way.
    pub(super) fn put(&mut self, steps: &[Step], value: Box<RawValue>) -> Result<(), String> {
        let Some((step, rest)) = steps.split_first() else { return self.assign(value) };
        self.enter(step)?.put(rest, value)
    }

    fn assign(&mut self, value: Box<RawValue>) -> Result<(), String> {
        let both = value.get().starts_with('{') && matches!(self, Self::Object(_) | Self::Text(_));
        if both {
            self.open();
        }
        match self {
            Self::Object(_) if both => {
                let Self::Object(members) = Self::Text(value).opened() else { return Ok(()) };
                for (text, member) in members {
                    if let Some(value) = member.raw() {
                        self.enter(&Step::Name { text, literal: true })?.assign(value)?;
                    }
                }
                Ok(())
            }
            Self::Object(_) | Self::List(_) if !self.is_nothing() => {
                Err(format!("{} stands there already", self.kind()))
            }
            _ => {
                *self = Self::Text(value);
                Ok(())
            }
        }
    }

    /// The place that `step` leads to, made if there is none.
    fn enter(&mut self, step: &Step) -> Result<&mut Self, String> {
        self.open();
        if matches!(self, Self::Gone) {
            *self = if matches!(step, Step::Name { .. }) { Self::Object(Vec::new()) } else { Self::List(Vec::new()) };
        }
        let kind = self.kind();
        match (self, step) {
            (Self::Object(members), Step::Name { text, .. }) => {
                let at = members.iter().position(|(name, _)| name == text).unwrap_or_else(|| {
                    members.push((text.clone(), Self::Gone));
                    members.len() - 1
                });
                Ok(&mut members[at].1)
            }
            (Self::List(list), step @ (Step::Index(_) | Step::Append)) => {
                let at = if let Step::Index(at) = step { *at } else { list.len() };
                if at > list.len() + FURTHEST {
                    return Err(format!("the index {at} lies more than {FURTHEST} behind the end of the list"));
                }
                list.resize_with(list.len().max(at + 1), || Self::Gone);
                Ok(&mut list[at])
            }
            (_, Step::Name { text, .. }) => Err(format!("{text:?} is a name in an object, and {kind} stands there")),
            _ => Err(format!("an index is a place in a list, and {kind} stands there")),
        }
    }

    /// Whether all that it held was dropped.
    fn is_nothing(&self) -> bool {
        match self {
            Self::Gone => true,
            Self::Object(members) => members.iter().all(|(_, member)| member.is_nothing()),
            Self::Text(_) | Self::List(_) => false,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Gone => "nothing",
            Self::Object(_) => "an object",
            Self::List(_) => "a list",
            Self::Text(text) => match text.get().bytes().next() {
                Some(b'{') => "an object",
                Some(b'[') => "a list",
                Some(b'"') => "a string",
                Some(b't' | b'f') => "a boolean",
                Some(b'n') => "null",
                _ => "a number",
            },
        }
    }

    /// Whether nothing was put at `names` or above them that is no object.
    pub(super) fn is_free(&self, names: &[String]) -> bool {
        match (self, names.split_first()) {
            (Self::Object(members), Some((first, rest))) => {
                members.iter().find(|(name, _)| name == first).is_none_or(|(_, member)| member.is_free(rest))
            }
            // What was dropped stays dropped, and the top of the body begins as nothing.
            (Self::Gone, Some(_)) => true,
            _ => false,
        }
    }

    /// What stands at `names`.
    pub(super) fn at(&self, names: &[String]) -> Option<&Self> {
        match (self, names.split_first()) {
            (_, None) => Some(self),
            (Self::Object(members), Some((first, rest))) => {
                members.iter().find(|(name, _)| name == first).and_then(|(_, member)| member.at(rest))
            }
            _ => None,
        }
    }

    /// Puts nothing in the place of what stands at `names`.
    pub(super) fn drop(&mut self, names: &[String]) {
        let Some((text, rest)) = names.split_first() else {
            *self = Self::Gone;
            return;
        };
        // Where a scalar is in the way there is nothing to drop.
        if let Ok(place) = self.enter(&Step::Name { text: text.clone(), literal: true }) {
            place.drop(rest);
        }
    }

    /// Opens it, if it is an object or a list.
    pub(super) fn open(&mut self) {
        if matches!(self, Self::Text(_)) {
            *self = std::mem::replace(self, Self::Gone).opened();
        }
    }

    /// An object or a list as its members, anything else as it is.
    fn opened(self) -> Self {
        let Self::Text(text) = self else { return self };
        let inner = text.get();
        let opened = match inner.bytes().next() {
            Some(b'{') => serde_json::from_str::<Members>(inner).map(|members| Self::Object(members.0)).ok(),
            Some(b'[') => serde_json::from_str::<Vec<Box<RawValue>>>(inner)
                .map(|list| Self::List(list.into_iter().map(Self::Text).collect()))
                .ok(),
            _ => None,
        };
        opened.unwrap_or(Self::Text(text))
    }

    /// Its JSON; `None` for nothing.
    pub(super) fn raw(&self) -> Option<Box<RawValue>> {
        if let Self::Text(text) = self {
            return Some(text.clone());
        }
        let mut out = String::new();
        self.write(&mut out).then(|| RawValue::from_string(out).ok()).flatten()
    }

    /// Writes its JSON, and says whether there is any.
    fn write(&self, out: &mut String) -> bool {
        match self {
            Self::Gone => return false,
            Self::Text(text) => out.push_str(text.get()),
            Self::List(list) => {
                out.push('[');
                for (index, element) in list.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    if !element.write(out) {
                        out.push_str("null");
                    }
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                let there = members.iter().filter(|(_, member)| !matches!(member, Self::Gone));
                for (index, (name, member)) in there.enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.push_str(&serde_json::Value::from(name.as_str()).to_string());
                    out.push(':');
                    member.write(out);
                }
                out.push('}');
            }
        }
        true
    }
}

/// The members of an object in their order; a name that comes twice has its last value.
struct Members(Vec<(String, Tree)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push((name, Tree::Text(value)));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
