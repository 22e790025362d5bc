//! Every public name, compared with the list in `tests/fixtures/surface.txt`.

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// The names that `src/lib.rs` makes public, and the macros.
fn names() -> BTreeSet<String> {
    let text = include_str!("../../src/lib.rs");
    let mut names = BTreeSet::new();
    let mut module = String::new();
    let (mut rest, mut depth) = (text, 0_usize);
    while let Some(at) = rest.find(['p', '{', '}']) {
        let here = &rest[at..];
        if let Some(after) = here.strip_prefix("pub use ") {
            let end = after.find(';').expect("a use ends in a semicolon");
            names.extend(leaves(&after[..end]).into_iter().map(|name| format!("{module}{name}")));
            rest = &after[end..];
        } else if let Some(after) = here.strip_prefix("pub mod ") {
            let name = after.split_whitespace().next().expect("a module has a name");
            module = format!("{name}::");
            rest = &after[name.len()..];
        } else {
            match here.as_bytes()[0] {
                b'{' => depth += 1,
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        module.clear();
                    }
                }
                _ => {}
            }
            rest = &here[1..];
        }
    }
    for (_, source) in sources() {
        for (_, after) in
            source.split("#[macro_export]\n").skip(1).filter_map(|after| after.trim_start().split_once(' '))
        {
            names.insert(format!("{}!", after.split([' ', '{']).next().unwrap_or_default()));
        }
    }
    names
}

/// The last names of a use tree: `a::{b, c::{d}}` gives b and d.
fn leaves(tree: &str) -> Vec<String> {
    tree.split(['{', '}', ','])
        .map(str::trim)
        .filter(|part| !part.is_empty() && !part.ends_with("::"))
        .map(|part| part.rsplit("::").next().unwrap_or(part).to_owned())
        .collect()
}

/// Every source file of the library, without its tests.
fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, out: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let production = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
                out.push((path, production));
            }
        }
    }
    let mut out = Vec::new();
    walk(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path(), &mut out);
    out.sort();
    out
}

/// How many functions are declared `pub`, those of private types included: a measure, not a promise.
fn functions() -> usize {
    let is_function = |line: &&str| {
        let line = line.trim_start();
        ["pub fn ", "pub async fn ", "pub const fn "].iter().any(|start| line.starts_with(start))
    };
    sources().iter().map(|(_, text)| text.lines().filter(is_function).count()).sum()
}

#[test]
fn the_public_names_are_those_of_the_list() {
    let mut found = String::new();
    for name in names() {
        writeln!(found, "{name}").unwrap();
    }
    writeln!(found, "functions: {}", functions()).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/surface.txt");
    if std::env::var_os("SURFACE_WRITE").is_some() {
        fs::write(&path, &found).unwrap();
    }
    let listed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, listed, "the public face changed: if that is meant, run this test with SURFACE_WRITE=1");
}
