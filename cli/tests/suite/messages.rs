//! What a person is told, byte for byte.

use restwalk_cli::{Io, run};

use crate::support::{max, restwalk};

#[test]
fn x06_the_examples_of_mistakes() {
    for (words, expected) in [
        (
            "post peopel/user.name/activities a=1",
            "error: no resource \"peopel\" under /; did you mean \"people\"?          nothing sent, exit 2\n",
        ),
        (
            "delete people/..",
            "error: \"..\" cannot be a path item                                    nothing sent, exit 2\n  \
             it is a dot segment, which servers and URL parsers fold away\n",
        ),
        (
            "patch people/user.name a=1",
            "error: PATCH is not declared for /people/{username}; it has GET, POST, PUT, DELETE\n",
        ),
    ] {
        let said = restwalk(&max(words));
        assert_eq!((said.exit, &*said.err, &*said.out), (2, expected, ""), "{words}");
    }
}

#[test]
fn x06_an_unknown_option_has_its_neighbour() {
    let said = restwalk(&["people", "--ofline"]);
    assert_eq!((said.exit, &*said.out), (2, ""));
    assert!(said.err.contains("--offline"), "{}", said.err);
}

#[test]
fn a_mistake_in_an_item_has_a_caret() {
    let said = restwalk(&max("post people/ada/activities object.content:={x"));
    assert_eq!(said.exit, 2);
    let lines: Vec<_> = said.err.lines().collect();
    assert_eq!(lines[1], "  object.content:={x");
    assert_eq!(lines[2], "                  ^^");
    let said = restwalk(&max("people/ada x=1 limit"));
    assert!(said.err.starts_with("error: \"limit\" is no item"), "{}", said.err);
}

#[test]
fn the_method_stands_first() {
    for words in ["people/ada/activities/post a=1", "people/ada/activities post a=1"] {
        let said = restwalk(&max(words));
        assert_eq!(said.exit, 2);
        assert!(said.err.contains("the method comes first: post people/ada/activities"), "{}", said.err);
    }
}

#[test]
fn a_get_with_a_body_says_how_to_write_a_query() {
    let said = restwalk(&max("get people/ada/activities limit=10"));
    assert_eq!(said.exit, 2);
    assert!(said.err.contains("key==value") && said.err.contains("^^^^^^^^"), "{}", said.err);
}

#[test]
fn x05_arguments_that_are_none() {
    let long = "a=".to_owned() + &"x".repeat(128 << 10);
    for (arguments, why) in [
        (&["people", ""][..], "word 2 is empty"),
        (&[""], "word 1 is empty"),
        (&["people", &long], "argument 3 is 128 KiB or longer"),
    ] {
        let said = restwalk(&[&["--error-format=json"], arguments].concat());
        let error: serde_json::Value = serde_json::from_str(&said.err).unwrap();
        assert_eq!(said.exit, 2);
        assert_eq!(error["error"]["code"], "invalid_input.arguments");
        assert_eq!(error["error"]["message"], why);
    }
}

#[cfg(unix)]
#[test]
fn x05_bytes_that_are_no_text_are_refused() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};

    for at in 0..3 {
        let mut arguments: Vec<OsString> = ["post", "people", "a=1"].map(OsString::from).into();
        arguments[at] = OsString::from_vec(b"a=\xff".into());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        assert_eq!(run(arguments, &mut Io::buffers(&mut out, &mut err)), 2);
        let expected = format!("error: argument {} is not UTF-8", at + 1);
        assert!(String::from_utf8(err).unwrap().starts_with(&expected));
    }
}

#[test]
fn x03_errors_as_json() {
    let mut words = max("--error-format json delete people/..");
    let said = restwalk(&words);
    let error: serde_json::Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!(error["error"]["code"], "invalid_input.path");
    assert_eq!(error["error"]["exit"], 2);
    words[5] = "xml";
    assert_eq!(restwalk(&words).exit, 2);
}

#[test]
fn help_and_ls_read_the_catalog() {
    let said = restwalk(&["--help"]);
    assert_eq!((said.exit, &*said.err), (0, ""));
    assert!(said.out.contains("Examples:") && said.out.contains("--offline"));
    let said = restwalk(&max("ls people"));
    assert_eq!((said.exit, said.out.lines().count()), (0, 1), "{} {}", said.out, said.err);
    assert!(said.out.starts_with("{username}  GET POST PUT DELETE"), "{}", said.out);
    for path in ["ls people/ada", "ls people/{username}"] {
        assert!(restwalk(&max(path)).out.contains("activities"), "{path}");
    }
    let said = restwalk(&max("help people/ada/activities"));
    assert!(said.out.starts_with("/people/{username}/activities\n"), "{} {}", said.out, said.err);
    assert!(said.out.contains(r#"defaults: {"object":{"objectType":"note"}}"#), "{}", said.out);
    let said = restwalk(&max("ls peopel"));
    assert_eq!(said.exit, 2);
    assert!(said.err.contains("did you mean \"people\"?"), "{}", said.err);
}

#[test]
fn advice_is_given_in_the_words_of_the_command_line() {
    for (words, advice) in [
        ("people/:me", "sign in with -a USER"),
        ("--no-auth http://u:p@h.example/x", "give them with -a USER:PASS"),
        ("--base-url https://u:p@h.example people", "give them with -a USER:PASS"),
    ] {
        let said = restwalk(&max(words));
        assert_eq!(said.exit, 2, "{words}");
        assert!(said.err.contains(advice), "{words}: {}", said.err);
        assert!(!said.err.contains("(..)") && !said.err.contains("::"), "{words}: {}", said.err);
    }
}

#[test]
fn a_helper_word_is_a_path_behind_a_slash() {
    for path in ["/ls", "./ls"] {
        let said = restwalk(&["--offline", "--base-url", "http://h.example", path]);
        assert!(said.out.starts_with("GET /ls HTTP/1.1\n"), "{path}: {} {}", said.out, said.err);
    }
}
