//! Each example runs, and says what its committed text says; `RESTWALK_WRITE_OUTPUT=1` writes the texts anew.
//!
//! `cargo test` builds the examples; before `cargo test --test suite`, which does not, run `cargo build --examples`.

use std::{
    collections::BTreeSet,
    env::consts::EXE_SUFFIX,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const NAMES: [&str; 5] = ["custom_transport", "in_process", "max", "tour", "upload"];

/// The folder `examples` of the package.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The built example, beside the folder of this test's binary.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let path = profile.join("examples").join(format!("{name}{EXE_SUFFIX}"));
    assert!(path.is_file(), "{name} is not built; run `cargo build --examples` with the features of this test");
    path
}

#[test]
fn every_example_says_what_its_committed_text_says() {
    for name in NAMES {
        // Nothing of the environment is wanted: what an example says depends on its source alone.
        let run = Command::new(binary(name)).env_clear().output().unwrap();
        let (said, complained) = (String::from_utf8(run.stdout).unwrap(), String::from_utf8_lossy(&run.stderr));
        assert!(run.status.success() && complained.is_empty(), "{name}: {}\n{complained}", run.status);
        let text = sources().join("output").join(name).with_extension("txt");
        if std::env::var_os("RESTWALK_WRITE_OUTPUT").is_some() {
            fs::write(&text, &said).unwrap();
        }
        let committed = fs::read_to_string(&text).unwrap_or_default().replace("\r\n", "\n");
        assert_eq!(said, committed, "{name} differs from {}", text.display());
    }
}

#[test]
fn every_example_is_run_and_fits_a_screen() {
    let files = fs::read_dir(sources()).unwrap().map(|entry| entry.unwrap().path());
    let examples: Vec<_> = files.filter(|path| path.extension().is_some_and(|kind| kind == "rs")).collect();
    let names: BTreeSet<_> = examples.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(NAMES));
    for path in &examples {
        let lines = fs::read_to_string(path).unwrap().lines().count();
        assert!(lines <= 60, "{} has {lines} lines", path.display());
    }
}
