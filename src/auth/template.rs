//! Headers from templates: several of them, filled with values and the actor.

use super::{fault, prepared::Prepared};
use crate::{
    error::{Fault, quoted},
    secret::Secret,
    template,
};

/// Headers, the values of their names, and the actor.
#[derive(Clone, Default)]
pub(super) struct Template {
    pub(super) headers: Vec<(String, String)>,
    pub(super) values: Vec<(String, Secret)>,
}

impl Template {
    pub(super) fn prepare(&self, actor: Option<&str>, prepared: &mut Prepared) -> Result<(), Fault> {
        for (_, value) in &self.values {
            prepared.masks.add(value.expose());
        }
        for (name, template) in &self.headers {
            match self.fill(template, actor)? {
                Some(value) => prepared.header(name, value.expose())?,
                None => prepared.missing.push(name.clone()),
            }
        }
        Ok(())
    }

    /// The filled template; `None` where it needs an actor and there is none.
    fn fill(&self, template: &str, actor: Option<&str>) -> Result<Option<Secret>, Fault> {
        let value = |name: &str| match self.values.iter().find(|(known, _)| known == name) {
            Some((_, value)) => Some(value.expose()),
            None => actor.filter(|_| name == "actor"),
        };
        match template::fill(template, value) {
            Ok(filled) => Ok(Some(Secret::from(filled))),
            Err("actor") => Ok(None),
            Err(name) => {
                let name = quoted(name);
                Err(fault(format!("the header template needs a value for {name}; give it with .with(..)")))
            }
        }
    }
}
