//! Calls against a real server: what arrives, what is printed, how it ends.

use std::net::TcpListener;

use mockito::{Matcher, Server};
use restwalk_cli::Stream;

use crate::support::{Said, fed, max, note, restwalk};

/// Runs `text` in the MAX catalog, against `server`.
fn at(server: &Server, text: &str) -> Said {
    let base = server.url();
    restwalk(&max(&format!("--base-url {base} {text}")))
}

#[test]
fn a_post_merges_the_defaults_and_prints_the_answer() {
    let mut server = Server::new();
    let mock = server
        .mock("POST", "/people/ada/activities")
        .match_body(Matcher::JsonString(r#"{"object":{"objectType":"note","content":"Hi"}}"#.into()))
        .with_body(r#"{"id":100000000000000000000000}"#)
        .expect(2)
        .create();
    for words in ["post people/ada/activities object.content=Hi", "people/ada/activities object_content=Hi"] {
        let said = at(&server, words);
        let expected = (0, r#"{"id":100000000000000000000000}"#, "");
        assert_eq!((said.exit, &*said.out, &*said.err), expected, "{words}");
    }
    mock.assert();
}

#[test]
fn query_and_headers_arrive() {
    let mut server = Server::new();
    let mock = server
        .mock("GET", "/people/ada/activities?limit=10&tags=a&tags=b")
        .match_header("x-one", "1")
        .match_header("x-empty", "")
        .match_header("user-agent", Matcher::Missing)
        .create();
    let said = at(&server, "people/ada/activities limit==10 tags==a tags==b X-One:1 X-Empty; User-Agent:");
    assert_eq!(said.exit, 0, "{}", said.err);
    mock.assert();
}

#[test]
fn x01_a_status_is_an_exit_code() {
    let mut server = Server::new();
    for (status, exit) in [(200, 0), (204, 0), (301, 3), (404, 4), (500, 5)] {
        let _mock = server.mock("GET", "/people").with_status(status).with_header("location", "/x").create();
        let said = at(&server, "--retry 1 people");
        assert_eq!(said.exit, exit, "{status}: {}", said.err);
        assert_eq!(said.err.is_empty(), exit == 0, "{status}: {}", said.err);
    }
}

#[test]
fn x01_too_many_redirects_and_a_followed_one() {
    let mut server = Server::new();
    for hop in 0..12 {
        let next = format!("/hop{}", hop + 1);
        server.mock("GET", &*format!("/hop{hop}")).with_status(302).with_header("location", &next).create();
    }
    let base = server.url();
    assert_eq!(restwalk(&["-F", "--base-url", &base, "hop0"]).exit, 6);
    let _to = server.mock("GET", "/hop3").with_body("found").create();
    let said = restwalk(&["-F", "--base-url", &base, "hop2"]);
    assert_eq!((said.exit, &*said.out), (0, "found"), "{}", said.err);
}

#[test]
fn x01_transport_timeout_and_sign_in() {
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    assert_eq!(restwalk(&["--retry", "1", "--base-url", &refused, "x"]).exit, 1);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let said = restwalk(&["--max-time", "0.05", "--retry", "1", "--base-url", &url, "x"]);
    assert_eq!(said.exit, 124, "{}", said.err);
    let said = restwalk(&["-a", "ada", "--base-url", &url, "x"]);
    assert_eq!(said.exit, 7, "{}", said.err);
}

#[test]
fn x07_what_only_shows_a_request_sends_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    for words in [
        "--offline post people/ada/activities object.content=Hi",
        "--curl post people/ada/activities object.content=Hi",
        "explain post people/ada/activities object.content=Hi",
        "ls people",
        "help people",
        "delete people/..",
        "post peopel a=1",
    ] {
        let said = restwalk(&max(&format!("-a ada:CNRY-secret --base-url {base} {words}")));
        assert!(listener.accept().is_err(), "{words}");
        assert!(!(said.out + &said.err).contains("CNRY"), "{words}");
    }
    let named = "--offline --base-url http://no-such-host.invalid x";
    assert_eq!(restwalk(&named.split(' ').collect::<Vec<_>>()).exit, 0);
}

#[test]
fn offline_shows_the_request_and_masks_its_secrets() {
    let words = "--offline -a ada:secret --base-url http://h.example/api post people/ada/activities object.content=Hi";
    let said = restwalk(&max(words));
    let expected = "POST /api/people/ada/activities HTTP/1.1\nhost: h.example\n";
    assert!(said.out.starts_with(expected), "{} {}", said.out, said.err);
    assert!(said.out.contains("authorization: ***\n"), "{}", said.out);
    assert!(said.out.ends_with("\n\n{\"object\":{\"objectType\":\"note\",\"content\":\"Hi\"}}\n"), "{}", said.out);
    let said = restwalk(&max(&format!("--show-secrets {words}")));
    assert!(said.out.contains("authorization: Basic YWRhOnNlY3JldA==\n"), "{}", said.out);
}

#[test]
fn explain_says_where_each_part_came_from() {
    let words = "--base-url http://h explain post people/user.name/activities object.content=Hi object.objectType!";
    let said = restwalk(&max(words));
    let expected = "\
POST http://h/people/user.name/activities             retry: only if not sent
~ /object/objectType  dropped  argument 2  was \"note\"  defaults.yaml:4
+ /object/content     \"Hi\"     argument 1
";
    assert_eq!((said.exit, &*said.out), (0, expected), "{}", said.err);
}

/// Texts that a shell would take apart.
#[cfg(unix)]
const HOSTILE: [&str; 5] = ["$(touch x)", "it's \"so\"", "a\nb", "`id` ; ls | cat > y & !", "\\ * ? ~ #"];

#[cfg(unix)]
#[test]
fn x41_a_curl_line_means_the_same_to_a_real_shell() {
    for hostile in HOSTILE {
        let item = format!("object.content={hostile}");
        let odd = format!("X-Odd:a{}", hostile.replace('\n', " "));
        let mut words = max("--curl --base-url http://h.example post people/{username}/activities");
        words.extend(["-P", "username=a $(b)'c", &item, &odd]);
        let said = restwalk(&words);
        assert_eq!(said.exit, 0, "{}", said.err);
        // In place of curl the shell gets a function that prints its arguments, each ended by a NUL.
        let script = format!("curl() {{ printf '%s\\0' \"$@\"; }}\n{}", said.out);
        let ran = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let arguments = String::from_utf8(ran.stdout).unwrap();
        let arguments: Vec<_> = arguments.split('\0').collect();
        let body = serde_json::json!({ "object": { "objectType": "note", "content": hostile } });
        let sent = arguments.iter().find_map(|argument| serde_json::from_str::<serde_json::Value>(argument).ok());
        assert_eq!(sent, Some(body), "{}", said.out);
        assert!(arguments.contains(&"http://h.example/people/a%20%24%28b%29%27c/activities"), "{arguments:?}");
        let odd = format!("x-odd: a{}", hostile.replace('\n', " "));
        assert!(arguments.contains(&&*odd), "{arguments:?}");
    }
}

#[test]
fn a_url_of_another_origin_is_asked_without_credentials_only() {
    let mut server = Server::new();
    let mock = server.mock("GET", "/x?a=1").match_header("authorization", Matcher::Missing).expect(2).create();
    let url = format!("{}/x?a=1", server.url());
    assert_eq!(restwalk(&[&url]).exit, 0);
    let said = restwalk(&["--base-url", "http://other.example", "-a", "a:b", &url]);
    assert_eq!(said.exit, 2);
    assert!(said.err.contains("--no-auth"), "{}", said.err);
    assert_eq!(restwalk(&["--base-url", "http://other.example", "--no-auth", &url]).exit, 0);
    mock.assert();
    for base in [&["--base-url", "http://other.example"][..], &[]] {
        let said = restwalk(&[base, &["--offline", "-p", "H", "http://u:CNRY-pass@h.example/x"]].concat());
        assert!(!(said.out + &said.err).contains("CNRY"), "{base:?}");
    }
}

#[test]
fn a_secret_may_stand_in_a_file_or_come_by_standard_input() {
    let mut server = Server::new();
    let mock = server.mock("GET", "/x").match_header("authorization", "Bearer t0ken").expect(2).create();
    let base = server.url();
    let said = fed(&["--base-url", &base, "-A", "bearer", "-a", "-", "x"], b"t0ken\n", Stream::Pipe);
    assert_eq!((said.exit, &*said.err), (0, ""));
    let said = restwalk(&["--base-url", &base, "-A", "bearer", "-a", "t0ken", "x"]);
    assert_eq!(said.exit, 0);
    assert!(said.err.starts_with("warning: ") && !said.err.contains("t0ken"), "{}", said.err);
    mock.assert();
}

#[test]
fn a_dangerous_route_asks_first() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("resources.yaml");
    let text = "api: a\nresources:\n  things:\n    route: /things\n    methods:\n      DELETE: { danger: confirm }\n";
    std::fs::write(&file, text).unwrap();
    let mut server = Server::new();
    let mock = server.mock("DELETE", "/things").expect(1).create();
    let base = server.url();
    let words = ["--catalog", file.to_str().unwrap(), "--base-url", &base, "delete", "things"];
    let said = restwalk(&words);
    assert_eq!(said.exit, 2);
    assert!(said.err.contains("-y says yes"), "{}", said.err);
    assert_eq!(restwalk(&[&words[..], &["-y"]].concat()).exit, 0);
    mock.assert();
}

#[test]
fn attempts_are_counted_and_a_post_is_repeated_only_if_told() {
    for (words, times) in [
        ("--retry 1 get people", 1),
        ("--retry 2 get people", 2),
        ("--retry 2 post people/ada/activities", 1),
        ("--retry 2 --retry-unsafe post people/ada/activities", 2),
    ] {
        let mut server = Server::new();
        let method = if words.contains("post") { "POST" } else { "GET" };
        let mock = server.mock(method, Matcher::Any).with_status(503).expect(times).create();
        assert_eq!(at(&server, words).exit, 5, "{words}");
        mock.assert();
    }
}

#[test]
fn the_printed_parts_of_an_exchange() {
    let mut server = Server::new();
    let _mock = server.mock("PUT", "/x").with_header("x-one", "1").with_body("done").create();
    let base = server.url();
    let said = restwalk(&["-v", "-A", "bearer", "-a", "@Cargo.toml", "--base-url", &base, "put", "x", "a=1"]);
    assert_eq!(said.exit, 7, "a token of several lines is none: {}", said.err);
    let said = restwalk(&["-v", "--base-url", &base, "put", "x", "a=1"]);
    let parts: Vec<_> = said.out.split("\n\n").collect();
    assert!(said.out.starts_with("PUT /x HTTP/1.1\nhost: 127.0.0.1"), "{}", said.out);
    assert_eq!(parts[1], "{\"a\":\"1\"}", "{}", said.out);
    assert!(parts[2].starts_with("HTTP/1.1 200 OK\n") && parts[2].contains("x-one: 1"), "{}", said.out);
    assert_eq!(parts[3], "done", "{}", said.out);
    assert!(parts[4].starts_with("Elapsed time: ") && parts.len() == 5, "{}", said.out);
    assert_eq!(restwalk(&["-q", "--base-url", &base, "put", "x", "a=1"]).out, "");
    let said = restwalk(&["-m", "--base-url", &base, "put", "x", "a=1"]);
    assert!(said.out.starts_with("Elapsed time: ") && said.out.ends_with("Attempts: 1\n"), "{}", said.out);
}

#[test]
fn a_file_that_is_missing_is_named() {
    for option in ["--catalog", "--cacert", "--cert", "--verify"] {
        let said = restwalk(&[option, "no/such.file", "--base-url", "http://h.example", "x"]);
        assert_eq!(said.exit, 2, "{option}");
        assert!(said.err.contains("such.file"), "{option}: {}", said.err);
    }
}

#[test]
fn x10_a_secret_among_the_arguments_is_warned_of_and_there_are_other_ways() {
    let mut server = Server::new();
    let mock = server.mock("GET", "/x").match_header("authorization", "Basic YTpi").expect(3).create();
    let base = server.url();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "a:b\n").unwrap();
    let named = format!("@{}", file.display());
    let at = |given: &str, stdin: &[u8]| fed(&["--base-url", &base, "-a", given, "x"], stdin, Stream::Pipe);
    let warned = at("a:b", b"");
    assert!(warned.exit == 0 && warned.err.starts_with("warning: others on this machine can read"), "{}", warned.err);
    for (given, stdin) in [(&*named, &b""[..]), ("-", b"a:b")] {
        let said = at(given, stdin);
        assert_eq!((said.exit, &*said.err), (0, ""), "{given}");
    }
    mock.assert();
}

#[test]
fn x42_no_word_asks_a_server_unasked() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let words =
        ["ls", "help people", "help", "--help", "--version", "explain people/ada", "env list", "completions fish"];
    for words in words.into_iter().chain(["catalog lint", "people --offline", "people --curl", "doctor --offline"]) {
        let said = restwalk(&max(&format!("--base-url {base} {words}")));
        assert!(said.exit < 2 && listener.accept().is_err(), "{words}: {} {}", said.exit, said.err);
    }
}

#[test]
fn x43_an_unchecked_server_is_loud_and_gets_no_credentials() {
    let mut server = Server::new();
    let without = server.mock("GET", "/x").match_header("authorization", Matcher::Missing).expect(4).create();
    let base = server.url();
    let at = |words: &str| restwalk(&[&["--base-url", &*base], &words.split(' ').collect::<Vec<_>>()[..]].concat());
    let loud = "warning: the server's certificate is not checked: anyone on the way can read and answer";
    for (words, kept) in [
        ("--verify no x", ""),
        ("--verify no x", ""),
        ("-q --verify no -A bearer -a t0ken x", "; the credentials are kept back"),
        // Nobody is asked for a password that is not sent.
        ("--verify no -a ada x", "; the credentials are kept back"),
    ] {
        let said = at(words);
        assert_eq!(said.exit, 0, "{words}: {}", said.err);
        assert!(said.err.starts_with(&format!("{loud}{kept}")), "{words}: {}", said.err);
    }
    without.assert();
    let _without = server.mock("GET", "/x").match_header("authorization", Matcher::Missing).create();
    let with = server.mock("GET", "/y").match_header("authorization", "Basic YTpi").create();
    let said = at("--verify no --insecure-send-auth -a a:b y");
    assert!(said.exit == 0 && said.err.contains(", the credentials too\n"), "{}", said.err);
    with.assert();
    let said = at("--verify yes x");
    assert_eq!(&*said.err, "");
    // So are those that do not come by -a.
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = restwalk_cli::Io::buffers(&mut out, &mut err);
    io.variables.insert("RESTWALK_TOKEN".into(), "CNRY".into());
    assert_eq!(restwalk_cli::run(["--verify", "no", "--base-url", &*base, "x"], &mut io), 0);
    drop(io);
    note(&[&out, &err]);
    let err = String::from_utf8(err).unwrap();
    assert!(err.contains("; the credentials are kept back") && !err.contains("CNRY"), "{err}");
}

#[test]
fn a_whole_url_below_the_base_url_is_held_to_the_catalog() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let base = format!("http://{}/api", listener.local_addr().unwrap());
    for (words, why) in [
        ("delete %/people/..", "leads elsewhere than it says"),
        ("delete %/people/%2E%2e/x", "leads elsewhere than it says"),
        ("delete %/people/%252e%252E", "leads elsewhere than it says"),
        ("%/peopel/ada", "no resource \"peopel\""),
        ("patch %/people/ada a=1", "PATCH is not declared"),
        ("%/people/{username} -P username=ada", "a whole URL has no variables"),
        ("%/people#x", "a path holds no fragment"),
        ("-A ntlm -a u:p %/people", "a sign-in that restwalk does not know"),
        ("%/people a!", "GET carries no body"),
        ("-J . -o f %/people", "a file gets the body of one answer"),
        ("--all -o f %/people", "a file gets the body of one answer"),
        ("--all -h %/people", "only its items are printed"),
    ] {
        let said = restwalk(&max(&format!("--base-url {base} {}", words.replacen('%', &base, 1))));
        assert!(said.exit == 2 && said.err.contains(why), "{words}: {} {}", said.exit, said.err);
        assert!(listener.accept().is_err(), "{words}");
    }
    let mut server = Server::new();
    let mock = server
        .mock("POST", "/people/ada/activities")
        .match_body(Matcher::JsonString(r#"{"object":{"objectType":"note","content":"Hi"}}"#.into()));
    let mock = mock.create();
    let base = server.url();
    let said = restwalk(&max(&format!("--base-url {base} post {base}/people/ada/activities object.content=Hi")));
    assert_eq!(said.exit, 0, "{}", said.err);
    mock.assert();
    let queried = server.mock("GET", "/people?a=1%20&b=2").create();
    assert_eq!(restwalk(&max(&format!("--base-url {base} {base}/people?a=1%20 b==2"))).exit, 0);
    queried.assert();
    let elsewhere = server.mock("GET", "/x?y=1").create();
    assert_eq!(restwalk(&[&format!("{base}/x?y=1")]).exit, 0);
    elsewhere.assert();
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let said = restwalk(&["--retry", "1", "http://127.0.0.1:9/x"]);
    assert!(said.exit == 1 && said.err.contains("the server is http://127.0.0.1:9\n"), "{}", said.err);
}

#[test]
fn a_filter_that_does_not_compile_sends_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    for words in [&["-J", ".items[", "x"][..], &["-J", "nope", "post", "x", "a=1"], &["-J", ".[", "ls"]] {
        let said = restwalk(&[&["--base-url", &*base], words].concat());
        assert_eq!((said.exit, &*said.out), (2, ""), "{words:?}");
        assert!(said.err.lines().next().unwrap().ends_with("nothing sent, exit 2"), "{}", said.err);
        assert!(said.err.contains('^'), "{}", said.err);
        assert!(listener.accept().is_err());
    }
}

#[test]
fn an_answer_takes_the_shape_that_is_asked_for() {
    let mut server = Server::new();
    let body = r#"{"items":[{"id":1.10,"name":"a"},{"id":2,"name":"b"}]}"#;
    let _mock = server.mock("GET", "/x").with_header("content-type", "application/json").with_body(body).create();
    let _page = server.mock("GET", "/y").with_status(404).with_body("<p>").create();
    let base = server.url();
    for (words, expected) in [
        ("-J .items[].name", "\"a\"\n\"b\"\n"),
        ("-r -J .items[].name", "a\nb\n"),
        ("-J .items[] --format table", "id    name\n1.10  a\n2     b\n"),
        ("-J .items[] --columns name", "name\na\nb\n"),
        ("--format ndjson -J .items", "[{\"id\":1.10,\"name\":\"a\"},{\"id\":2,\"name\":\"b\"}]\n"),
        ("--format raw", body),
        ("-q", ""),
    ] {
        let words: Vec<_> = words.split(' ').chain(["--base-url", &base, "x"]).collect();
        let said = restwalk(&words);
        assert_eq!((said.exit, &*said.out, &*said.err), (0, expected, ""), "{words:?}");
    }
    let said = restwalk(&["-J", ".a", "--base-url", &base, "y"]);
    assert_eq!((said.exit, &*said.out), (4, ""), "the status stands: {}", said.err);
    assert!(said.err.contains("404") && said.err.contains("--format raw"), "{}", said.err);
    assert!(!said.err.contains("nothing sent"), "{}", said.err);
}
