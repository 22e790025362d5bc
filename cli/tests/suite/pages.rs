//! `--all` and `--ndjson`: listings page by page.

use mockito::{Matcher, Server};

use crate::support::{Said, restwalk};

/// A listing of five numbers on three pages.
fn listing(server: &mut Server) {
    for (query, next, body) in [
        (Matcher::Missing, Some("2"), "[1.50, {\"id\": 100000000000000000000001}]"),
        (Matcher::Exact("page=2".into()), Some("3"), "[3, 4]"),
        (Matcher::Exact("page=3".into()), None, "[5]"),
    ] {
        let mut mock = server.mock("GET", "/list").match_query(query).with_body(body);
        mock = mock.with_header("content-type", "application/json");
        if let Some(page) = next {
            mock = mock.with_header("link", &format!("</list?page={page}>; rel=next"));
        }
        mock.create();
    }
}

fn run(server: &Server, words: &str) -> Said {
    let base = server.url();
    let mut arguments = vec!["--base-url", &*base];
    arguments.extend(words.split(' '));
    restwalk(&arguments)
}

#[test]
fn items_of_all_pages_are_one_array_or_one_a_line() {
    let mut server = Server::new();
    listing(&mut server);
    server.mock("GET", "/none").with_body("[]").create();
    for (words, expected) in [
        ("--all list", "[\n1.50,\n{\"id\": 100000000000000000000001},\n3,\n4,\n5\n]\n"),
        ("--ndjson list", "1.50\n{\"id\":100000000000000000000001}\n3\n4\n5\n"),
        ("--max-items 3 --ndjson list -J 2", "2\n2\n2\n"),
        ("--max-pages 1 --ndjson list", "1.50\n{\"id\":100000000000000000000001}\n"),
        ("--max-items 1 list", "[\n1.50\n]\n"),
        ("--all list -J [.]", "[1.50]\n[{\"id\":100000000000000000000001}]\n[3]\n[4]\n[5]\n"),
        ("--all none", "[]\n"),
        ("--ndjson none", ""),
        ("--all -q list", ""),
    ] {
        let said = run(&server, words);
        assert_eq!((said.exit, &*said.out, &*said.err), (0, expected, ""), "{words}");
    }
}

#[test]
fn a_redirect_that_is_not_followed_is_no_page() {
    let mut server = Server::new();
    for (path, body) in [("/empty", "[]"), ("/full", "[1]"), ("/text", "moved")] {
        server.mock("GET", path).with_status(302).with_header("location", "/end").with_body(body).create();
    }
    server.mock("GET", "/list").with_header("link", "</full>; rel=next").with_body("[7]").create();
    for (words, expected) in [
        ("--ndjson empty", ""),
        ("--ndjson full", ""),
        ("--ndjson text", ""),
        ("--all empty", ""),
        ("--all text", ""),
        ("--all -q full", ""),
        ("--all --format yaml full", ""),
        ("--ndjson list", "7\n"),
    ] {
        let said = run(&server, words);
        assert_eq!((said.exit, &*said.out), (3, expected), "{words}: {}", said.err);
        assert!(said.err.contains("302"), "{words}: {}", said.err);
    }
    server.mock("GET", "/end").with_body("[9]").create();
    assert_eq!(run(&server, "--ndjson --follow full").out, "9\n");
}

#[test]
fn a_page_that_fails_ends_the_listing_with_its_exit_code() {
    let mut server = Server::new();
    server.mock("GET", "/list").with_header("link", "</bad>; rel=next").with_body("[1]").create();
    server.mock("GET", "/bad").with_status(404).create();
    let said = run(&server, "--all list");
    assert_eq!((said.exit, &*said.out), (4, "[\n1"), "an array that broke off is no JSON");
    assert_eq!(run(&server, "--all post list").exit, 2);
    assert_eq!(run(&server, "--max-items 0 list").exit, 2);
    assert_eq!(run(&server, "--resume x list").exit, 2);
}
