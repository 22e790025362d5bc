//! The clients in Python that walk paths by attributes, installed by `scripts/peers`.

use std::process::Command;

use nix::sys::resource::UsageWho;

use crate::{
    fixture, jobs,
    measure::{Figure, cpu, median},
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
