//! The three gauges: instructions, allocations, and CPU time.

use std::process::Command;

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::{TimeVal, TimeValLike},
};

use crate::{
    allocations,
    jobs::{self, Run},
};

/// Calls before anything is counted: connections are made, tables grown.
const WARM_UP: u64 = 20;

/// Rounds of both sides, of which the median counts.
const ROUNDS: usize = 11;

/// A figure, or what is missing to have it.
pub type Figure = Result<f64, &'static str>;

/// Does `job` in this process and prints how many allocations a call takes.
pub fn work(job: &str, calls: u64, address: &str) {
    let mut run = jobs::find(job, address);
    if calls >= WARM_UP {
        run(WARM_UP);
    }
    let before = allocations::count();
    run(calls);
    println!("{}", (allocations::count() - before) as f64 / calls as f64);
}

/// Allocations of one call.
pub fn allocations(job: &str, calls: u64, address: &str) -> f64 {
    printed(&["work", job, &calls.to_string(), address])
}

/// The figure that this program prints when it is run with `words`.
pub fn printed(words: &[&str]) -> f64 {
    told(Command::new(std::env::current_exe().unwrap()).args(words))
}

/// The figure that a program prints.
pub fn told(command: &mut Command) -> f64 {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

/// Instructions of one call.
pub fn instructions(job: &str, calls: u64, address: &str) -> Figure {
    counted(calls, |calls| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["work", job, &calls.to_string(), address]);
        command
    })
}

/// Instructions of one call of `work`: what twice the calls take more, so that start and warm-up cancel out.
pub fn counted(calls: u64, work: impl Fn(u64) -> Command) -> Figure {
    let once = collected(&work(calls))?;
    let twice = collected(&work(2 * calls))?;
    Ok((twice - once) / calls as f64)
}

fn collected(work: &Command) -> Figure {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(work.get_program()).args(work.get_args());
    let output = command.output().map_err(|_| "install valgrind")?;
    let log = String::from_utf8_lossy(&output.stderr);
    let count = log.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    count.ok_or_else(|| panic!("{work:?}: {log}"))
}

pub fn ratio(left: Figure, right: Figure) -> Figure {
    Ok(left? / right?)
}

pub fn less(left: Figure, right: Figure) -> Figure {
    Ok(left? - right?)
}

/// CPU time of one side over the other: the median of paired rounds, each side first in turn.
pub fn race(mut left: Run, mut right: Run, calls: u64) -> f64 {
    left(calls);
    right(calls);
    let ratios = (0..ROUNDS).map(|round| {
        if round % 2 == 0 {
            let left = timed(&mut left, calls);
            left / timed(&mut right, calls)
        } else {
            let right = timed(&mut right, calls);
            timed(&mut left, calls) / right
        }
    });
    median(ratios.collect())
}

fn timed(run: &mut Run, calls: u64) -> f64 {
    let before = cpu(UsageWho::RUSAGE_SELF);
    run(calls);
    cpu(UsageWho::RUSAGE_SELF) - before
}

/// CPU seconds, of the kernel's work for us too.
pub fn cpu(who: UsageWho) -> f64 {
    let usage = getrusage(who).unwrap();
    let seconds = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}

/// A line of this process's memory in bytes, such as `VmRSS`; 0 where the system does not tell.
pub fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().nth(1)?.parse::<u64>().ok());
    line.unwrap_or_default() * 1024
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
