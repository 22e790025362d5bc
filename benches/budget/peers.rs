//! The usual middleware for reqwest, and the clients in Python that walk paths by attributes: see `scripts/peers`.

use std::{path::Path, process::Command};

use nix::sys::resource::UsageWho;

use crate::{
    fixture, jobs,
    measure::{Figure, allocations, counted, cpu, instructions, median, ratio, told},
    report::{Unit, note, row},
};

const CALLS: u64 = 300;

const ROUNDS: usize = 9;

pub fn peers(address: &str) {
    let mut run = jobs::find("full", address);
    for peer in ["slumber", "tortilla", "hammock"] {
        let theirs: Result<Vec<f64>, _> = (0..ROUNDS).map(|_| python(peer, address)).collect();
        let ours = (0..ROUNDS).map(|_| {
            let before = cpu(UsageWho::RUSAGE_SELF);
            run(CALLS);
            (cpu(UsageWho::RUSAGE_SELF) - before) / CALLS as f64
        });
        let (ours, theirs) = (median(ours.collect()), theirs.map(median));
        row("G16", &format!("full job / {peer}, CPU"), Unit::Cpu, 0.1, theirs.map(|theirs| ours / theirs));
        note("G16", &format!("  {peer}"), Unit::Of("us"), theirs.map(|theirs| theirs * 1e6));
    }
}

/// CPU seconds of one call.
fn python(peer: &str, address: &str) -> Figure {
    let home = env!("CARGO_MANIFEST_DIR");
    let mut command = Command::new(format!("{home}/target/peers/bin/python"));
    command.arg(format!("{home}/benches/budget/peers.py")).args([peer, address, &CALLS.to_string(), fixture::TOKEN]);
    command.args([fixture::defaults().to_string(), fixture::body().to_string()]);
    let output = command.output().map_err(|_| "run scripts/peers")?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| panic!("{peer}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The full job by reqwest-middleware and what is usually put on it.
pub fn stack(address: &str) {
    let ours = (instructions("full", 200, address), Ok(allocations("full", 200, address)));
    for (job, what) in [("stack-cache", "retries, spans and a cache"), ("stack", "retries and spans")] {
        let command = |calls| middleware(job, calls, address);
        let theirs = if Path::new(command(1).get_program()).exists() {
            (counted(200, command), Ok(told(&mut command(200))))
        } else {
            (Err("run scripts/peers"), Err("run scripts/peers"))
        };
        let title = format!("full job / reqwest-middleware with {what}");
        row("G3", &format!("{title}, instr"), Unit::Ratio, 0.5, ratio(ours.0, theirs.0));
        row("G3", &format!("{title}, allocs"), Unit::Ratio, 0.33, ratio(ours.1, theirs.1));
        note("G3", "  by the middleware", Unit::Of("instr"), theirs.0);
        note("G3", "  by the middleware", Unit::Of("allocs"), theirs.1);
    }
}

/// What the peers' program says of hits: nanoseconds of CPU, allocations, or instructions of one.
pub fn hit(verb: &str, job: &str, calls: u64, address: &str) -> Figure {
    let command = |calls: u64| {
        let mut command = Command::new(PROGRAM);
        command.args([verb, job, &calls.to_string(), address]);
        command
    };
    match () {
        () if !Path::new(PROGRAM).exists() => Err("run scripts/peers"),
        () if verb == "count" => counted(calls, command),
        () => Ok(told(&mut command(calls))),
    }
}

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/release/peers");

/// The peers' program, doing `job`.
fn middleware(job: &str, calls: u64, address: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["work", job, &calls.to_string(), address, fixture::TOKEN]);
    command.args([fixture::defaults().to_string(), fixture::body().to_string()]);
    command
}
