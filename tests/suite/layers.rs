//! The order of the modules in ARCHITECTURE.md, held against every import of the sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Lowest first: a module imports only from those before it.
const ORDER: &[&str] = &[
    "template",
    "error",
    "secret",
    "random",
    "header",
    "json",
    "body",
    "params",
    "patch",
    "query",
    "catalog",
    "path",
    "multipart",
    "request",
    "retry",
    "limit",
    "circuit",
    "redirect",
    "cookie",
    "correlation",
    "response",
    "cache",
    "jwt",
    "token",
    "redis",
    "transport",
    "auth",
    "oauth",
    "client",
    "discover",
    "blocking",
    "environment",
    "resource",
];

#[test]
fn modules_import_only_downwards() {
    let broken = upward(&root().join("src"));
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn an_upward_import_is_found() {
    let broken = upward(&root().join("tests/fixtures/layers"));
    assert_eq!(
        broken,
        ["body.rs names client", "body.rs names resource", "params.rs names catalog", "path/segment.rs names request"]
    );
}

#[test]
fn the_order_is_that_of_the_architecture() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let listed: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|name| ORDER.contains(name))
        .collect();
    assert_eq!(listed, ORDER);
}

#[test]
fn every_module_has_a_place() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut modules: Vec<_> = lib.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).collect();
    let mut order = ORDER.to_vec();
    modules.sort_unstable();
    order.sort_unstable();
    assert_eq!(modules, order);
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// `file names module` for each name of a higher module.
fn upward(sources: &Path) -> Vec<String> {
    let mut broken = Vec::new();
    for file in files(sources) {
        let inside = file.strip_prefix(sources).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let own = first.trim_end_matches(".rs");
        let Some(own) = ORDER.iter().position(|module| *module == own) else { continue };
        for name in names(&fs::read_to_string(&file).unwrap()) {
            if ORDER.iter().position(|module| *module == name).is_some_and(|layer| layer > own) {
                broken.push(format!("{} names {name}", inside.display()));
            }
        }
    }
    broken.sort_unstable();
    broken.dedup();
    broken
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// The first name of every `crate::…` path, in imports and inline, groups included; comments are passed over.
fn names(text: &str) -> Vec<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            found.extend(word(rest));
            continue;
        };
        let mut depth = 0_usize;
        let mut fresh = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                c if fresh && (c.is_alphanumeric() || c == '_') => {
                    found.extend(word(&group[at..]));
                    fresh = false;
                }
                _ => {}
            }
        }
    }
    found
}

fn word(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

/// The lint that denies it is on, and the locks that may be held there are not used.
#[test]
fn k11_no_lock_is_held_across_an_await() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("await_holding_lock = \"deny\""));
    for file in files(&root().join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        for lock in ["tokio::sync::Mutex", "tokio::sync::RwLock", "parking_lot"] {
            assert!(!text.contains(lock), "{} uses {lock}", file.display());
        }
    }
}
