//! The examples of the documentation, as a shell runs them; nothing is sent.

use std::{
    io::{BufRead, BufReader},
    os::unix::fs::symlink,
    process::{Child, Command, Stdio},
};

use crate::process::PROGRAM;

/// What the example says, its exit code, and what it prints, in part.
const EXAMPLES: [(&str, i32, &[&str]); 9] = [
    (
        "restwalk people/user.name/activities limit==10 tags==a tags==b",
        0,
        &["GET /people/user.name/activities?limit=10&tags=a&tags=b HTTP/1.1\nhost: h\n"],
    ),
    (
        "restwalk post people/user.name/activities object.content='Hello world' generator=Twitter",
        0,
        &["POST /people/user.name/activities HTTP/1.1\n", r#""content":"Hello world""#, r#""generator":"Twitter""#],
    ),
    (
        "restwalk explain post people/user.name/activities object.content=Hi object.objectType!",
        0,
        &[
            "POST http://h/people/user.name/activities             retry: only if not sent\n",
            "~ /object/objectType  dropped  argument 2  was \"note\"  ",
            "+ /object/content     \"Hi\"     argument 1\n",
        ],
    ),
    (
        "restwalk post people/user.name/avatar file@~/me.png",
        0,
        &["POST /people/user.name/avatar HTTP/1.1\n", "content-type: multipart/form-data; boundary="],
    ),
    (
        "restwalk put 'contexts/{hash}' -P hash=https://site/x displayName=X permissions.read=subscribed",
        0,
        &["PUT /contexts/", r#""displayName":"X""#, r#""permissions":{"read":"subscribed"}"#],
    ),
    ("echo '{\"a\":1}' | restwalk --no-catalog post x @- b:=2", 0, &["POST /x HTTP/1.1\n", "{\"a\":1,\"b\":2}\n"]),
    (
        "restwalk post peopel/user.name/activities a=1",
        2,
        &["error: no resource \"peopel\" under /; did you mean \"people\"?          nothing sent, exit 2\n"],
    ),
    ("restwalk delete people/..", 2, &["error: \"..\" cannot be a path item", "nothing sent, exit 2\n"]),
    (
        "restwalk patch people/user.name a=1",
        2,
        &["error: PATCH is not declared for /people/{username}; it has GET, POST, PUT, DELETE\n"],
    ),
];

#[test]
fn each_example_does_what_is_said() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("me.png"), b"\x89PNG").unwrap();
    std::fs::write(home.path().join("cv.txt"), "cv").unwrap();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for (example, exit, expected) in EXAMPLES {
        let places = format!("--catalog {root}/resources.yaml --defaults {root}/defaults.yaml");
        let options = if example.contains("--no-catalog") { "" } else { &places };
        let shown = if example.contains("explain") { "" } else { "--offline" };
        let function = format!("restwalk() {{ \"$R\" {options} {shown} --base-url http://h \"$@\"; }}");
        let script = format!("{function}\n{example}");
        let mut command = Command::new("sh");
        let command = command.args(["-c", &script]).current_dir(home.path()).env("HOME", home.path()).env("R", PROGRAM);
        let ran = command.output().unwrap();
        let said = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
        assert_eq!(ran.status.code(), Some(exit), "{example}: {said}");
        for part in expected {
            assert!(said.contains(part), "{example}: {said}");
        }
    }
}

#[test]
fn an_upload_without_a_catalog_has_its_part_and_its_fields() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cv.txt"), "# cv").unwrap();
    let example = "\"$R\" --base-url http://h --offline post uploads 'doc@cv.txt;type=text/markdown' meta.lang=ca";
    let mut command = Command::new("sh");
    let ran = command.args(["-c", example]).current_dir(folder.path()).env("R", PROGRAM).output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(said.starts_with("POST /uploads HTTP/1.1\n"), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("content-type: multipart/form-data; boundary="), "{said}");
    assert!(said.ends_with(" bytes, read when they are sent)\n"), "{said}");
}

/// `demo serve` on a port of its own, until it is dropped.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program behind a port, and its URL.
fn served() -> (Served, String) {
    let mut command = Command::new(PROGRAM);
    let mut child = command.args(["demo", "serve", "--port", "0"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    (Served(child), line.split(' ').next().unwrap().to_owned())
}

/// As they are printed, one after the other; the last two are of an API without a catalog, which the demo has none of.
const PRINTED: [(&str, i32, &str); 13] = [
    ("restwalk -e demo people/user.name/activities limit==10 tags==a tags==b", 0, "\"tags\":[\"a\"]"),
    (
        "restwalk -e demo post people/user.name/activities object.content='Hello world' generator=Twitter",
        0,
        r#""object":{"content":"Hello world","objectType":"note"}"#,
    ),
    (
        "restwalk -e demo explain post people/user.name/activities object.content=Hi object.objectType!",
        0,
        "~ /object/objectType  dropped  argument 2  was \"note\"  defaults.yaml:4\n+ /object/content     \"Hi\"     argument 1\n",
    ),
    ("restwalk -e demo post people/user.name/avatar file@~/me.png", 0, r#""filename":"me.png""#),
    (
        "restwalk put 'contexts/{hash}' -P hash=https://site/x displayName=X permissions.read=subscribed",
        0,
        r#""displayName":"X""#,
    ),
    (
        "restwalk post people/ada/subscriptions object.url=https://site/x object.objectType=uri hash=1",
        0,
        r#""hash":"1""#,
    ),
    ("restwalk get 'people/{username}/subscriptions' --each users.ndjson -n 8 --ndjson -J .hash", 0, "\"1\"\n"),
    ("restwalk -e demo ls people/user.name", 0, "activities"),
    (
        "restwalk post peopel/user.name/activities a=1",
        2,
        "error: no resource \"peopel\" under /; did you mean \"people\"?          nothing sent, exit 2\n",
    ),
    (
        "restwalk delete people/..",
        2,
        "error: \"..\" cannot be a path item                                    nothing sent, exit 2\n",
    ),
    (
        "restwalk patch people/user.name a=1",
        2,
        "error: PATCH is not declared for /people/{username}; it has GET, POST, PUT, DELETE\n",
    ),
    ("RESTWALK_ENV= restwalk post uploads 'doc@cv.txt;type=text/markdown' meta.lang=ca", 4, "404"),
    ("echo '{\"a\":1}' | RESTWALK_ENV= restwalk post x @- b:=2", 4, "404"),
];

#[test]
fn what_is_printed_in_the_contract_is_answered_by_the_demo() {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in
        [("me.png", "png"), ("cv.txt", "cv"), ("users.ndjson", "{\"username\":\"ada\"}\n{\"username\":\"grace\"}\n")]
    {
        std::fs::write(home.path().join(name), text).unwrap();
    }
    symlink(PROGRAM, home.path().join("restwalk")).unwrap();
    let (_served, url) = served();
    for (line, exit, expected) in PRINTED {
        let path = format!("{}:{}", home.path().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        let command = command.args(["-c", line]).current_dir(home.path()).env("HOME", home.path()).env("PATH", path);
        let ran = command.env("RESTWALK_ENV", "demo").env("RESTWALK_BASE_URL", &url).output().unwrap();
        let said = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
        assert!(ran.status.code() == Some(exit) && said.contains(expected), "{line}: {:?} {said}", ran.status.code());
    }
}
