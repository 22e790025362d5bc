//! C29: RFC 9111 row by row, over the whole loop and a paused clock; and the other cases of what is kept and given.

mod facts;
mod rows;

use std::collections::HashSet;

use self::rows::Table;

/// A table by its name in `tests/fixtures/caching`.
macro_rules! table {
    ($name:literal) => {
        Table::read($name, include_str!(concat!("../fixtures/caching/", $name, ".txt")))
    };
}

/// Every table that shows what a cache does which keeps all that it may.
fn tables() -> Vec<Table> {
    vec![
        table!("freshness"),
        table!("age"),
        table!("expires"),
        table!("directives"),
        table!("stale"),
        table!("heuristic"),
        table!("status"),
        table!("vary"),
        table!("validation"),
        table!("headers"),
        table!("invalidation"),
        table!("partial"),
        table!("other"),
    ]
}

#[test]
fn c29_every_fact_that_must_hold_has_a_row() {
    let tables = tables();
    let ids: HashSet<_> = tables.iter().flat_map(|table| &table.rows).map(|row| row.id).collect();
    let missing: Vec<_> = facts::FACTS.iter().filter(|fact| !ids.contains(**fact)).collect();
    assert!(missing.is_empty(), "no row shows {missing:?}");
    assert_eq!(facts::FACTS.iter().collect::<HashSet<_>>().len(), 100);
}

#[test]
fn c29_no_row_says_the_same_as_another() {
    let mut seen = HashSet::new();
    for table in tables() {
        for row in &table.rows {
            assert!(seen.insert((row.id, row.says)), "{}.txt: {}: {}", table.name, row.id, row.says);
        }
    }
}
