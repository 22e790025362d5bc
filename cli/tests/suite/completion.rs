//! Completion, in real shells on a terminal and without one.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use restwalk_cli::{Io, run};
use tempfile::TempDir;

use crate::support::restwalk;

/// A line that is typed, and the words that the shell reads after a Tab; what begins with `restwalk` has the catalog.
const LINES: [(&str, &[&str]); 13] = [
    ("restwalk peo", &["people"]),
    ("restwalk people/ada/act", &["people/ada/activities"]),
    ("restwalk people/:m", &["people/:me"]),
    ("restwalk get /peo", &["get", "/people"]),
    ("restwalk expl", &["explain"]),
    ("restwalk explain post people/ada/act", &["explain", "post", "people/ada/activities"]),
    ("restwalk post people/ada/activities object.obj", &["post", "people/ada/activities", "object.objectType="]),
    ("restwalk --no-cat", &["--no-catalog"]),
    ("restwalk --error-format js", &["--error-format", "json"]),
    ("restwalk cache cl", &["cache", "clear"]),
    ("restwalk completions fi", &["completions", "fish"]),
    // X41: a file whose name a shell would run, of which it must read every character.
    ("restwalk post people a=@it", &["post", "people", "a=@it's $(id) \"x\";y.txt"]),
    ("restwalk post people @it", &["post", "people", "@it's $(id) \"x\";y.txt"]),
];

/// A folder with the MAX catalog, a file of an odd name, and the scripts of the shells.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for name in ["resources.yaml", "defaults.yaml"] {
        fs::copy(root.join(name), folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("it's $(id) \"x\";y.txt"), "").unwrap();
    for shell in ["bash", "zsh", "fish"] {
        fs::write(folder.path().join(shell), restwalk(&["completions", shell]).out).unwrap();
    }
    folder
}

fn in_shell(shell: &str) {
    let folder = folder();
    let program = Path::new(env!("CARGO_BIN_EXE_restwalk"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut typing = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shells/type.py"))
        .args([shell, folder.path().to_str().unwrap(), shell])
        .env("PATH", path)
        .env("HOME", folder.path())
        .env("LC_ALL", "C.UTF-8")
        .env_remove("XDG_CACHE_HOME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let place = "restwalk --catalog resources.yaml --defaults defaults.yaml";
    let lines: String = LINES.iter().map(|(line, _)| format!("{}\n", line.replacen("restwalk", place, 1))).collect();
    typing.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = typing.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told.lines().count(), LINES.len());
    for ((line, expected), told) in LINES.iter().zip(told.lines()) {
        let words: Vec<String> = serde_json::from_str(told).unwrap();
        assert_eq!(
            words.get(5..),
            Some(&expected.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()[..]),
            "{shell}: {line}: {words:?}"
        );
    }
}

#[test]
fn x41_bash_completes_and_quotes() {
    in_shell("bash");
}

#[test]
fn x41_zsh_completes_and_quotes() {
    in_shell("zsh");
}

#[test]
fn x41_fish_completes_and_quotes() {
    in_shell("fish");
}

/// What `__complete` answers in the MAX catalog; `|` is the cursor.
fn told(line: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let (before, after) = line.split_once('|').unwrap();
    let before: Vec<&str> = before.split(' ').collect();
    let index = (before.len() + 1).to_string();
    let catalog = ["--catalog=resources.yaml", "--defaults=defaults.yaml"];
    let after = after.split_whitespace();
    let words: Vec<&str> =
        ["__complete", "zsh", &index].into_iter().chain(catalog).chain(before).chain(after).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io::buffers(&mut out, &mut err);
    io.directory = folder.into();
    io.variables.insert("RESTWALK_ENV".into(), String::new());
    assert_eq!(run(words, &mut io), 0);
    drop(io);
    assert_eq!(String::from_utf8(err).unwrap(), "", "{line}");
    let words = out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let words = words.map(|line| String::from_utf8_lossy(line).split('\t').nth(1).unwrap_or_default().to_owned());
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn methods_are_those_of_the_route_that_stands_behind() {
    assert_eq!(told("p| people/ada/timeline"), "people");
    assert_eq!(told("ge| people/ada/timeline"), "get");
    assert_eq!(told("PU|"), "PUT");
    assert_eq!(told("P| people/ada"), "POST PUT");
}

#[test]
fn options_and_their_values_are_completed() {
    for (line, expected) in [
        ("--error-format=j|", "--error-format=json"),
        ("-A b|", "basic bearer"),
        ("people -- --|", ""),
        ("put contexts/{hash} -P |", "hash="),
        ("--verify y|", "yes"),
        ("--data |", ""),
        ("--catalog res|", "resources.yaml"),
        ("-vA b|", "basic bearer"),
    ] {
        assert_eq!(told(line), expected, "{line}");
    }
}

#[test]
fn whatever_is_wrong_is_silent() {
    for words in [
        &["__complete"][..],
        &["__complete", "ksh", "x"],
        &["__complete", "bash", "restwalk ", "99", ""],
        &["__complete", "bash", "é", "1", ""],
        &["__complete", "zsh", "-1", "x"],
        &["__complete", "zsh", "1", "--catalog=/nope", "peo"],
        &["__complete", "fish", "9"],
    ] {
        let said = restwalk(words);
        assert_eq!((said.exit, &*said.err), (0, ""), "{words:?}");
    }
}

#[test]
fn a_script_is_printed_for_a_shell_that_is_known() {
    assert_eq!(restwalk(&["completions", "ksh"]).exit, 2);
    assert!(restwalk(&["completions", "bash"]).out.contains("complete -o nospace -F _restwalk restwalk"));
}
