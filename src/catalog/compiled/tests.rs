use proptest::prelude::*;

use super::*;
use crate::{
    catalog::tests::generated::{assert_same, catalog, each},
    params::Seed,
};

/// Routes that meet in every way: names beside items, routes within routes.
fn sample() -> Catalog {
    let resources = "
base_url: https://h.example
variables:
  user: { aliases: { ':me': actor } }
  path: { slash: split }
resources:
  root: { route: / }
  people: { route: /people, methods: [GET, POST] }
  person: { route: '/people/{user}', methods: { GET: { operation: get, limit: 10/s, paginate: link }, PUT: { operation: put, body: { a: 1 } } } }
  all: { route: /people/all }
  files: { route: '/files/{path}' }
  trash: { route: '/files/{path}/trash/{user}' }
";
    Catalog::from_yaml(resources, "/people:\n  POST: { a: { b: [1.50], c: {} }, d: null }\n").unwrap()
}

#[test]
fn bytes_read_as_the_catalog_that_they_were_made_of() {
    each(500, catalog(), |(resources, defaults)| {
        let catalog = Catalog::from_yaml(&resources.to_string(), &defaults.to_string()).unwrap();
        let read = Catalog::from_bytes(&catalog.to_bytes().unwrap()).unwrap();
        assert_same(&catalog, &read);
        prop_assert_eq!(catalog.lint(), read.lint());
        Ok(())
    });
    for catalog in [Catalog::embedded(), sample(), Catalog::open()] {
        let read = Catalog::from_bytes(&catalog.to_bytes().unwrap()).unwrap();
        assert_same(&catalog, &read);
        assert_eq!(catalog.is_open(), read.is_open());
    }
}

#[test]
fn a_default_keeps_its_file_and_line() {
    let read = Catalog::from_bytes(&sample().to_bytes().unwrap()).unwrap();
    let route = read.routes().find(|route| route.template() == "/people").unwrap();
    let preset = &route.presets[0].1;
    assert_eq!(preset.file(), "defaults.yaml");
    let Seed::Object { entries, .. } = preset.seed() else { panic!("no object") };
    assert!(matches!(&entries[1], (name, Seed::Leaf { json, line: 2 }) if name == "d" && json == "null"));
}

#[test]
fn damage_is_refused_and_never_a_panic() {
    let bytes = sample().to_bytes().unwrap();
    let places = any::<prop::sample::Index>();
    each(5_000, prop::collection::vec((places, any::<u8>()), 1..8), |damage| {
        let mut damaged = bytes.clone();
        for (place, byte) in damage {
            let at = place.index(damaged.len());
            damaged[at] = byte;
        }
        // What is damaged where nothing reads is not seen, and changes nothing.
        if let Ok(read) = Catalog::from_bytes(&damaged) {
            assert_same(&sample(), &read);
        }
        for path in ["people/x", "/", "files/a/trash/b", "nope"] {
            drop(Catalog::along(std::io::Cursor::new(&damaged), path));
        }
        Ok(())
    });
    for length in 0..bytes.len() {
        assert!(Catalog::from_bytes(&bytes[..length]).is_err(), "{length}");
    }
}

/// Behind a sum that is right, a record may still be anything.
#[test]
fn no_bytes_make_a_record_panic() {
    each(20_000, prop::collection::vec(any::<u8>(), 0..200), |bytes| {
        let mut file = Writer(BEGIN.as_bytes().to_vec());
        file.0.extend([0; PLACE]);
        let at = file.0.len();
        file.0.extend(&bytes);
        let block = Block { at: at as u32, length: bytes.len() as u32, sum: sum(&bytes) };
        file.0[BEGIN.len()..at].copy_from_slice(&block.place());
        assert!(Catalog::from_bytes(&file.0).is_err());
        let mut blocks = Blocks { length: file.0.len() as u64, source: std::io::Cursor::new(file.0) };
        drop((
            blocks.bytes(block).map(|bytes| decode::<Branch<'_>>(&bytes).is_ok()),
            blocks.route(block, &"f".into()),
            blocks.read::<Vec<Block>>(block),
        ));
        Ok(())
    });
}

#[test]
fn another_version_is_refused() {
    let bytes = sample().to_bytes().unwrap();
    let at = BEGIN.len() - 2;
    let mut other = bytes.clone();
    other[at] = other[at].wrapping_add(1);
    let error = Catalog::from_bytes(&other).unwrap_err();
    assert_eq!(error.to_string(), "these bytes are no catalog of this version; compile its files anew");
}

#[test]
fn a_path_is_walked_without_the_rest() {
    let bytes = sample().to_bytes().unwrap();
    for (path, expected) in [
        ("/", Some("/")),
        ("", Some("/")),
        ("people", Some("/people")),
        ("/people/all", Some("/people/all")),
        ("people/ada", Some("/people/{user}")),
        ("people/{user}", Some("/people/{user}")),
        ("people/{any}", Some("/people/{user}")),
        ("files/a/trash/:me", Some("/files/{path}/trash/{user}")),
        ("files/a/trash", None),
        ("people/", None),
        ("people/a%20b", None),
        ("peopel", None),
        ("people/ada/none", None),
    ] {
        let found = Catalog::along(std::io::Cursor::new(&bytes), path).unwrap();
        let templates = found.as_ref().map(|found| found.routes().map(|route| route.template()).collect::<Vec<_>>());
        assert_eq!(templates, expected.map(|expected| vec![expected]), "{path}");
    }
    let person = Catalog::along(std::io::Cursor::new(&bytes), "people/ada").unwrap().unwrap();
    assert_eq!(person.children(person.literal(Node::ROOT, "people").unwrap()), ["all", "{user}"]);
    assert_eq!(person.base_url(), Some("https://h.example"));
}

#[test]
fn what_follows_a_path_is_the_same_in_bytes() {
    for catalog in [Catalog::embedded(), sample()] {
        let bytes = catalog.to_bytes().unwrap();
        let mut places: Vec<String> = catalog.routes().map(|route| route.template().to_owned()).collect();
        places.extend(["", "/", "people/ada", "people/all/x", "nope", "files/a/trash/"].map(str::to_owned));
        for place in places {
            let read = Catalog::following_in(std::io::Cursor::new(&bytes), &place).unwrap();
            assert_eq!(catalog.following(&place), read, "{place}");
        }
    }
    let people = sample().following("people");
    let told: Vec<_> = people.iter().map(|next| (&*next.name, next.ends, next.goes_on, next.aliases.len())).collect();
    assert_eq!(told, [("all", true, false, 0), ("{user}", true, false, 1)]);
}
