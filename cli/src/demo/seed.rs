//! What is there before anybody makes anything.

use std::sync::PoisonError;

use restwalk::Catalog;
use serde_json::{Value, json};

use super::{Inner, content::Content};

impl Inner {
    /// Makes a few things at the routes that the catalog has.
    pub(super) fn seed(&self, catalog: &Catalog) {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        for (path, value) in made() {
            // A catalog without the route goes without the thing.
            if let Ok(place) = self.routes.find(path)
                && self.routes.around(&place).all(|around| store.item(&around).is_some())
            {
                let _ = self.add(&mut store, &place, Content { value, file: None });
            }
        }
        let routes: Vec<Value> = catalog.routes().map(|route| route.template().into()).collect();
        for (path, value) in [
            ("/info", json!({ "api": catalog.api(), "routes": routes.len(), "service": "the demo of restwalk" })),
            ("/info/api", routes.into()),
        ] {
            if let Ok(place) = self.routes.find(path).map_err(drop)
                && place.route.only_gives
            {
                let _ = store.add(&place, (None, ""), Content { value, file: None }, (self.clock)());
            }
        }
    }
}

fn made() -> Vec<(&'static str, Value)> {
    let note =
        |content: &str, tags: &[&str]| json!({ "object": { "objectType": "note", "content": content }, "tags": tags });
    let own = "/people/user.name/activities";
    vec![
        ("/people", json!({ "username": "ada", "displayName": "Ada Lovelace" })),
        ("/people", json!({ "username": "user.name", "displayName": "User Name" })),
        ("/people", json!({ "username": "grace", "displayName": "Grace Hopper" })),
        ("/contexts", json!({ "url": "https://site/x", "displayName": "X", "objectType": "context" })),
        ("/conversations", json!({ "participants": ["ada", "grace"], "object": { "objectType": "conversation" } })),
        (own, note("The first note", &["a"])),
        (own, note("A note about b", &["b"])),
        (own, note("A note about both", &["a", "b"])),
        (own, note("A note about neither", &[])),
        ("/people/ada/activities", note("On the engine's numbers", &["a"])),
    ]
}
