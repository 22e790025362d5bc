//! What each method does to things.

use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde_json::Value;

use super::{
    Asked, Inner,
    condition::{self, Verdict},
    content::Content,
    give,
    name::{self, named},
    problem::Problem,
    routes::{Kind, Place},
    stamp,
    store::{MOST, Store},
};

impl Inner {
    /// Does what is asked for.
    pub(super) fn act(&self, store: &mut Store, asked: &Asked<'_>, content: Content) -> Result<Response, Problem> {
        let place = &asked.place;
        for around in self.routes.around(place) {
            if store.item(&around).is_none() {
                return Err(absent(&around));
            }
        }
        let found = match place.route.kind {
            Kind::Item => store.item(place),
            Kind::Collection | Kind::Slot => store.document(place),
        };
        let adds = place.route.kind == Kind::Collection && asked.method == Method::POST;
        let there = found.filter(|_| !adds).and_then(|index| store.get(index));
        if condition::check(&asked.method, &asked.headers, there)? == Verdict::Unchanged {
            return Ok(there.map_or_else(|| StatusCode::NOT_MODIFIED.into_response(), give::unchanged));
        }
        match (asked.method.as_str(), place.route.kind) {
            ("GET" | "HEAD", _) => self.give(store, asked, found),
            ("POST", Kind::Collection) => self.add(store, place, content),
            ("PUT", Kind::Collection) if content.value.is_array() => self.fill(store, place, content.value),
            ("POST", Kind::Item) if found.is_some() => written(store, place, StatusCode::OK, found),
            ("POST" | "PUT", _) => self.put(store, place, found, content),
            ("PATCH", _) => self.patch(store, place, found, content),
            ("DELETE", Kind::Collection) if store.clear(place) > 0 => Ok(StatusCode::NO_CONTENT.into_response()),
            ("DELETE", Kind::Item | Kind::Slot) => {
                store.remove(found.ok_or_else(|| absent(place))?);
                Ok(StatusCode::NO_CONTENT.into_response())
            }
            ("DELETE", _) => Err(absent(place)),
            _ => Err(Problem::new(405, "MethodNotAllowed", "this service does nothing by that method")),
        }
    }

    /// Adds a thing to a collection, under an id of its own or the next number.
    pub(super) fn add(&self, store: &mut Store, place: &Place<'_>, mut content: Content) -> Result<Response, Problem> {
        let items = self.routes.items_of(place);
        let chosen = items.and_then(|items| self.chosen(items, &place.scope, &content.value));
        let there = |store: &Store, id: &str| {
            let path = items?.path(&place.scope, Some(id));
            store.item(&self.routes.find(&path).ok()?)
        };
        let id = match chosen {
            Some(id) if there(store, &id).is_some() => {
                return Err(Problem::new(409, "Exists", format!("{id:?} is there already")));
            }
            Some(id) => id,
            None => {
                let mut id = store.id();
                while there(store, &id).is_some() {
                    id = store.id();
                }
                id
            }
        };
        content.value = named(content.value, &id)?;
        let now = (self.clock)();
        name::member(&mut content.value, "published", stamp::of(now));
        let own = items.and_then(|items| items.own_variable());
        let index = store.add(place, (own, &id), content, now)?;
        let location = items.map(|items| items.path(&place.scope, Some(&id)));
        let thing = store.get(index).ok_or_else(|| absent(place))?;
        Ok(give::made(StatusCode::CREATED, thing, location.as_deref()))
    }

    /// Makes or replaces each member of an array: texts are things, and objects that have an `id`.
    fn fill(&self, store: &mut Store, place: &Place<'_>, values: Value) -> Result<Response, Problem> {
        let Value::Array(values) = values else { return Err(absent(place)) };
        if values.len() > MOST {
            return Err(Problem::new(413, "TooMany", format!("an array has at most {MOST} members")));
        }
        let own = self.routes.items_of(place).and_then(|items| items.own_variable());
        let (mut there, now) = (store.by_id(place), (self.clock)());
        for value in values {
            let id = name::id(&value)?;
            let content = Content { value, file: None };
            if let Some(index) = there.get(&id) {
                store.set(*index, content, now)?;
                continue;
            }
            let index = store.add(place, (own, &id), content, now)?;
            there.insert(id, index);
        }
        let members: Vec<_> = store.members(place).iter().map(|thing| thing.value.clone()).collect();
        Ok(give::json(StatusCode::OK, &members.into()))
    }

    /// Makes or replaces an item, a document or a file.
    fn put(
        &self,
        store: &mut Store,
        place: &Place<'_>,
        found: Option<usize>,
        mut content: Content,
    ) -> Result<Response, Problem> {
        let id = match (place.route.kind, &place.own) {
            (Kind::Item, Some((_, id))) => id.as_str(),
            _ => "",
        };
        match &content.file {
            None if place.route.kind == Kind::Slot => {
                return Err(Problem::new(415, "NoFile", "a file is kept here: send a form with one, or its bytes"));
            }
            Some(file) if content.value.is_null() => content.value = file.about(),
            _ => {}
        }
        if !id.is_empty() {
            content.value = named(content.value, id)?;
        }
        let now = (self.clock)();
        let (status, index) = if let Some(index) = found {
            store.set(index, content, now)?;
            (StatusCode::OK, index)
        } else {
            let own = place.route.own_variable().filter(|_| !id.is_empty());
            (StatusCode::CREATED, store.add(place, (own, id), content, now)?)
        };
        written(store, place, status, Some(index))
    }

    /// Merges into what is there (RFC 7396).
    fn patch(
        &self,
        store: &mut Store,
        place: &Place<'_>,
        found: Option<usize>,
        content: Content,
    ) -> Result<Response, Problem> {
        let Some((index, thing)) = found.and_then(|index| Some((index, store.get(index)?))) else {
            return Err(absent(place));
        };
        if content.file.is_some() {
            return Err(Problem::new(415, "NoPatch", "a patch is application/merge-patch+json"));
        }
        let (mut value, id) = (thing.value.clone(), thing.id.clone());
        name::merge(&mut value, content.value);
        if !id.is_empty() {
            value = named(value, &id)?;
        }
        let file = thing.file.clone();
        store.set(index, Content { value, file }, (self.clock)())?;
        written(store, place, StatusCode::OK, Some(index))
    }
}

/// The answer to a change of what stands at `place`.
fn written(store: &Store, place: &Place<'_>, status: StatusCode, index: Option<usize>) -> Result<Response, Problem> {
    let thing = index.and_then(|index| store.get(index)).ok_or_else(|| absent(place))?;
    let location = (status == StatusCode::CREATED).then_some(place.path.as_str());
    Ok(give::made(status, thing, location))
}

/// What is said of a place where nothing is.
pub(super) fn absent(place: &Place<'_>) -> Problem {
    let text = match &place.own {
        Some((_, id)) if place.route.kind == Kind::Item => format!("there is no {id:?} among the {}", place.route.name),
        _ => format!("there is no {} here", place.route.name),
    };
    Problem::new(404, "NotFound", text)
}
