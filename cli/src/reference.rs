//! The man page and the tables of docs/cli.md, written from the options and held against what is in the repository.

use std::{env, fs, path::Path};

use clap::{Arg, Command, CommandFactory};

use crate::{args::Options, words::HELPERS};

/// The lines of docs/cli.md that the tables stand between.
const BEGIN: &str = "<!-- from the program: RESTWALK_WRITE_OUTPUT=1 cargo test -p restwalk-cli --lib reference -->\n";
const END: &str = "<!-- end -->\n";

fn options() -> Command {
    let mut command = Options::command();
    command.build();
    command
}

/// The tables of words and options, by their headings.
fn tables() -> String {
    let mut text = String::from("\n### Words\n\n| word | what it does |\n|---|---|\n");
    for (word, behind, about) in HELPERS {
        let usage = format!("{word} {behind}").trim_end().replace('|', "\\|");
        text += &format!("| `{usage}` | {about} |\n");
    }
    let command = options();
    let heading = |arg: &Arg| arg.get_help_heading().unwrap_or("Body").to_owned();
    let mut headings: Vec<String> = Vec::new();
    for arg in command.get_arguments().filter(|arg| !arg.is_positional()) {
        if !headings.contains(&heading(arg)) {
            headings.push(heading(arg));
        }
    }
    for name in headings {
        text += &format!("\n### {name}\n\n| option | meaning |\n|---|---|\n");
        for arg in command.get_arguments().filter(|arg| !arg.is_positional() && heading(arg) == name) {
            text += &row(arg);
        }
    }
    text + "\n"
}

fn row(arg: &Arg) -> String {
    let escape = |text: &str| text.replace('|', "\\|");
    let names = [arg.get_short().map(|name| format!("-{name}")), arg.get_long().map(|name| format!("--{name}"))];
    let names: Vec<_> = names.into_iter().flatten().collect();
    let takes = arg.get_action().takes_values();
    let value = arg.get_value_names().filter(|_| takes).map(|names| names.join(" ")).unwrap_or_default();
    let written = format!("{} {value}", names.join(", "));
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let default: Vec<_> = arg.get_default_values().iter().filter_map(|value| value.to_str()).collect();
    let default =
        if takes && !default.is_empty() { format!(" (default: {})", default.join(" ")) } else { String::new() };
    format!("| `{}` | {}{default} |\n", escape(written.trim_end()), escape(&help))
}

fn page() -> String {
    let mut page = Vec::new();
    clap_mangen::Man::new(Options::command()).date("").render(&mut page).unwrap();
    String::from_utf8(page).unwrap()
}

/// Holds `file` against `found`, or writes it where that is asked for.
fn held(file: &str, change: impl FnOnce(&str) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let there = fs::read_to_string(&path).unwrap_or_default();
    let wanted = change(&there);
    if env::var_os("RESTWALK_WRITE_OUTPUT").is_some() {
        fs::write(&path, &wanted).unwrap();
        return;
    }
    assert!(there == wanted, "{file} is behind the options; run this test with RESTWALK_WRITE_OUTPUT=1");
}

#[test]
fn the_man_page_is_that_of_the_options() {
    held("docs/restwalk.1", |_| page());
}

#[test]
fn the_tables_are_those_of_the_options() {
    held("docs/cli.md", |text| {
        let (before, rest) = text.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        format!("{before}{BEGIN}{}{END}{after}", tables())
    });
}
