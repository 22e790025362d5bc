//! Catalogs as bytes, through the public interface: one path of them is as good as all.

use std::io::Cursor;

use proptest::prelude::*;
use restwalk::{Catalog, Client};

const RESOURCES: &str = "
variables:
  user: { aliases: { ':me': actor } }
  file: { slash: split }
  key: { adapt: sha1 }
resources:
  a: { route: /a }
  person: { route: '/a/{user}', methods: [GET, POST] }
  b: { route: /a/b, methods: [PUT] }
  inner: { route: '/a/{user}/a/{key}' }
  beside: { route: '/a/{user}/a/b' }
  files: { route: '/f/{file}' }
  trash: { route: '/f/{file}/b/{user}' }
  root: { route: '/{top}' }
";

/// Where a walk leads, what may be done there, and what is wrong with it.
fn told(catalog: Catalog, path: &str, filled: Option<&str>) -> (String, Option<String>, String) {
    let client = Client::builder("http://h.example").catalog(catalog).actor("b").build().unwrap();
    let mut place = client.path("");
    for part in path.split('/') {
        place = match filled.filter(|_| part == "{x}") {
            Some(value) => place.item(value),
            None => place.walk(part),
        };
    }
    let url = place.url().map_err(|error| error.to_string());
    let methods = place.methods().map(|methods| format!("{methods:?}")).unwrap_or_default();
    (format!("{url:?}"), place.route().map(|route| route.template().to_owned()), methods)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5_000) })]

    #[test]
    fn a_walk_in_one_path_of_a_catalog_is_a_walk_in_all_of_it(
        parts in prop::collection::vec(prop::sample::select(&["a", "b", "f", "x", ":me", "{x}", "..", "a b"][..]), 1..6),
        value in prop::sample::select(&["a", "b", "x", ":me", "x/b", "b/x", "x/a", ".."][..]),
    ) {
        let all = Catalog::from_yaml(RESOURCES, "").unwrap();
        let path = parts.join("/");
        if let Some(one) = Catalog::along(Cursor::new(all.to_bytes().unwrap()), &path).unwrap() {
            let (one, all) = (told(one, &path, Some(value)), told(all, &path, Some(value)));
            prop_assert_eq!((&one.1, &one.2), (&all.1, &all.2), "{} {}", path, value);
            // A mistake is one in both; how it is worded, the whole catalog may know better.
            prop_assert_eq!(one.0.starts_with("Ok"), all.0.starts_with("Ok"), "{} {}", path, value);
            prop_assert!(!one.0.starts_with("Ok") || one.0 == all.0, "{} {}", path, value);
        }
    }
}
