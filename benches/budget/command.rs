//! The command line against curl, xh and `HTTPie`, each a process of its own: see `scripts/peers`.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::sys::resource::{UsageWho, getrusage};
use tempfile::TempDir;

use crate::{
    fixture,
    measure::{Figure, median, printed},
    report::{Unit, note, row},
};

/// Rounds of all sides, each in turn.
const ROUNDS: usize = 41;

/// Rounds of what takes a hundred times as long.
const FEW: usize = 7;

/// A program and its arguments.
type Line = Vec<String>;

/// The time on the wall that each of `lines` takes, in seconds: medians of rounds in turn.
fn times(lines: &[Line], home: &Path, rounds: usize) -> Vec<Figure> {
    let mut found: Vec<Vec<f64>> = vec![Vec::new(); lines.len()];
    for round in 0..=rounds {
        for (line, found) in lines.iter().zip(&mut found) {
            let begun = Instant::now();
            if ran(line, home).is_some() && round > 0 {
                found.push(begun.elapsed().as_secs_f64());
            }
        }
    }
    found.into_iter().map(|found| if found.is_empty() { Err("run scripts/peers") } else { Ok(median(found)) }).collect()
}

fn ran(line: &Line, home: &Path) -> Option<()> {
    let mut command = Command::new(&line[0]);
    command.args(&line[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.env("HOME", home).env_remove("XDG_CACHE_HOME").status().ok()?;
    assert!(status.success(), "{line:?}: {status}");
    Some(())
}

/// Runs a program and prints the most memory that it had, in bytes; a process that is small itself.
pub fn memory(line: &[&str]) {
    let mut command = Command::new(line[0]);
    command.args(&line[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(command.status().unwrap().success());
    println!("{}", getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() * 1024);
}

fn most_memory(line: &Line) -> f64 {
    let words: Vec<&str> = ["memory"].into_iter().chain(line.iter().map(String::as_str)).collect();
    median((0..5).map(|_| printed(&words)).collect())
}

fn line(program: &str, words: &[&str]) -> Line {
    [program].into_iter().chain(words.iter().copied()).map(str::to_owned).collect()
}

const HOME: &str = env!("CARGO_MANIFEST_DIR");

fn restwalk() -> String {
    format!("{HOME}/target/release/restwalk")
}

/// One plain request, and the help.
pub fn start(address: &str) {
    let (url, folder) = (format!("http://{address}/first"), TempDir::new().unwrap());
    let own = restwalk();
    let (xh, httpie) = (format!("{HOME}/target/peers/bin/xh"), format!("{HOME}/target/peers/bin/http"));
    let lines = [line(&own, &[&url]), line("curl", &["-s", &url]), line(&xh, &["--ignore-stdin", "-b", &url])];
    let peers = [("curl", 0.35), ("xh", 0.45)];
    let found = times(&lines, folder.path(), ROUNDS);
    let few = times(&[lines[0].clone(), line(&httpie, &["--ignore-stdin", "-b", &url])], folder.path(), FEW);
    for ((peer, budget), theirs) in peers.into_iter().zip(&found[1..]) {
        row("G12", &format!("one request / {peer}, time"), Unit::Clock, budget, ratio(found[0], *theirs));
        note("G12", &format!("  {peer}"), Unit::Of("ms"), theirs.map(|time| time * 1e3));
    }
    row("G12", "one request / HTTPie, time", Unit::Clock, 1.0 / 60.0, ratio(few[0], few[1]));
    note("G12", "  HTTPie", Unit::Of("ms"), few[1].map(|time| time * 1e3));
    if found[0].is_ok() {
        let memory = most_memory(&lines[0]);
        row("G12", "one request / curl, memory", Unit::Ratio, 0.65, Ok(memory / most_memory(&lines[1])));
        note("G12", "  restwalk", Unit::Of("KiB"), Ok(memory / 1024.0));
    }
    let help = times(&[line(&own, &["--help"])], folder.path(), ROUNDS);
    row("X44", "help, time", Unit::Of("ms"), 20.0, help[0].map(|time| time * 1e3));
    row("X44", "one request, from start to end, time", Unit::Of("ms"), 40.0, found[0].map(|time| time * 1e3));
}

fn ratio(left: Figure, right: Figure) -> Figure {
    Ok(left? / right?)
}

/// The same with a catalog of 5,000 resources, and completion in it.
pub fn catalog(address: &str) {
    let folder = TempDir::new().unwrap();
    let (resources, defaults) = fixture::files(5_000);
    let place = ["resources", "defaults"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    fs::write(&place[0], resources).unwrap();
    fs::write(&place[1], defaults).unwrap();
    // What changed just now is not kept.
    std::thread::sleep(Duration::from_millis(3_100));
    let (own, base) = (restwalk(), format!("--base-url=http://{address}"));
    let files = [format!("--catalog={}", place[0]), format!("--defaults={}", place[1])];
    let path = &fixture::PATH[1..];
    let lines = [
        line(&own, &[&base, path]),
        line(&own, &[&base, &files[0], &files[1], path.split('%').next().unwrap()]),
        line(&own, &["__complete", "zsh", "2", &files[0], &files[1], "group1"]),
        line(&own, &["__complete", "zsh", "0"]),
    ];
    let found = times(&lines, folder.path(), ROUNDS);
    let more = found[1].and_then(|with| Ok((with - found[0]?) * 1e6));
    row("G13", "one request with 5,000 resources - without a catalog, time", Unit::Of("us"), 100.0, more);
    row("G20", "completion in 5,000 resources, time", Unit::Of("ms"), 20.0, found[2].map(|time| time * 1e3));
    note("G20", "  without a catalog", Unit::Of("ms"), found[3].map(|time| time * 1e3));
}
