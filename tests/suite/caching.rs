//! C29: RFC 9111 row by row, over the whole loop and a paused clock; and the other cases of what is kept and given.

mod crowds;
mod facts;
mod giving;
mod ledger;
mod passing;
mod rows;
mod stage;
mod storing;

use std::collections::HashSet;

use restwalk::Cache;

use self::{rows::Table, stage::Stage};

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

/// A cache that keeps all that it may.
fn willing() -> Cache {
    Cache::memory().heuristics(true).store_errors(true).store_cookies(true)
}

/// Plays rows, each with a cache of its own, and tells of all that go otherwise.
async fn play(table: &Table, cache: fn() -> Cache, only: impl Fn(&str) -> bool) {
    let mut wrong = Vec::new();
    let rows: Vec<_> = table.rows.iter().filter(|row| only(row.id)).collect();
    assert!(!rows.is_empty());
    for row in &rows {
        if let Err(why) = Stage::new(row, &cache()).play(row).await {
            wrong.push(format!("{}.txt: {why} ({})", table.name, row.says));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// Plays the rows of a case, with a cache as it is unless it is told otherwise.
async fn hold(case: &str) {
    play(&table!("plain"), Cache::memory, |id| id == case).await;
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

#[tokio::test(start_paused = true)]
async fn c29_an_answer_is_given_again_as_long_as_it_says() {
    play(&table!("freshness"), willing, |_| true).await;
}

#[tokio::test(start_paused = true)]
async fn c29_an_age_is_read_as_it_came() {
    play(&table!("age"), willing, |_| true).await;
}

#[tokio::test(start_paused = true)]
async fn c29_a_date_of_expiry_is_read_by_the_rfc() {
    play(&table!("expires"), willing, |_| true).await;
}

#[tokio::test(start_paused = true)]
async fn c29_directives_hold_for_answers_and_requests() {
    play(&table!("directives"), willing, |_| true).await;
}

#[tokio::test(start_paused = true)]
async fn c29_what_is_stale_is_given_by_leave_alone() {
    play(&table!("stale"), willing, |_| true).await;
}

#[tokio::test(start_paused = true)]
async fn c29_a_life_is_guessed_where_that_is_wanted() {
    play(&table!("heuristic"), willing, |_| true).await;
}

#[tokio::test(start_paused = true)]
async fn c29_every_status_is_kept_as_long_as_it_says() {
    play(&table!("status"), willing, |_| true).await;
}

#[tokio::test(start_paused = true)]
async fn c29_variants_are_told_apart() {
    play(&table!("vary"), willing, |_| true).await;
}

#[tokio::test(start_paused = true)]
async fn c29_what_is_stale_is_validated_and_renewed() {
    play(&table!("validation"), willing, |_| true).await;
}

#[tokio::test(start_paused = true)]
async fn c29_headers_are_kept_but_for_those_of_a_connection() {
    play(&table!("headers"), willing, |_| true).await;
}

#[tokio::test(start_paused = true)]
async fn c29_unsafe_calls_make_untrue_what_they_may_have_changed() {
    play(&table!("invalidation"), willing, |_| true).await;
}

#[tokio::test(start_paused = true)]
async fn c29_ranges_are_cut_from_what_is_whole() {
    play(&table!("partial"), willing, |_| true).await;
}

#[tokio::test(start_paused = true)]
async fn c29_ages_dates_queries_and_cookies() {
    play(&table!("other"), willing, |_| true).await;
}

#[tokio::test(start_paused = true)]
async fn c29_a_row_that_goes_otherwise_is_told_of() {
    for (row, told) in [
        ("x: asked\n  GET -> 200 [Cache-Control: max-age=9]\n  GET -> 200", "asked 0 times"),
        ("x: idle\n  GET -> 200 [Cache-Control: max-age=0]\n  GET", "asked 1 times"),
        ("x: text\n  GET -> 200 [Cache-Control: max-age=9] \"a\"\n  GET => 200 \"b\"", "in place of 200 \"b\""),
        (
            "x: field\n  GET -> 200 [Cache-Control: max-age=9] [A: 1]\n  GET => 200 [A: 2]",
            "A: [\"1\"] in place of [\"2\"]",
        ),
        ("x: absent\n  GET -> 200 [Cache-Control: max-age=9] [A: 1]\n  GET => 200 [!A]", "the caller got A"),
        ("x: stale\n  GET -> 200 [Cache-Control: max-age=9]\n  GET => 200 stale", "stale: false"),
        ("x: condition\n  GET -> 200 [ETag: \"a\"]\n  GET -> 200", "asked with if-none-match"),
        (
            "x: condition\n  GET -> 200 [ETag: \"a\"]\n  GET -> 304 if [If-None-Match: \"b\"]",
            "in place of [\"\\\"b\\\"\"]",
        ),
        ("x: error\n  GET -> 200 => error", "the caller got Ok"),
    ] {
        let table = Table::read("x", row);
        let why = Stage::new(&table.rows[0], &willing()).play(&table.rows[0]).await.unwrap_err();
        assert!(why.contains(told), "{row}: {why}");
    }
}
