//! The budgets of docs/performance.md, each measured side by side with what it is compared to.
//!
//! `cargo bench --bench budget` runs all of them, `cargo bench --bench budget -- G1 G5` some.
//! Instructions are counted by valgrind, allocations by this program's allocator, and CPU time
//! by paired rounds of both sides; nothing is judged by the clock on the wall.

#![cfg_attr(unix, expect(clippy::cast_precision_loss, reason = "all counts are far below 2^52"))]

#[cfg(unix)]
mod allocations;
#[cfg(unix)]
mod cache;
#[cfg(unix)]
mod command;
#[cfg(unix)]
mod fixture;
#[cfg(unix)]
mod jobs;
#[cfg(unix)]
mod load;
#[cfg(unix)]
mod measure;
#[cfg(unix)]
mod peers;
#[cfg(unix)]
mod report;
#[cfg(unix)]
mod retries;
#[cfg(unix)]
mod rows;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod tokens;
#[cfg(unix)]
mod transfer;

#[cfg(unix)]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve"] => server::serve(),
        ["work", job, calls, address] => measure::work(job, calls.parse().unwrap(), address),
        ["crowd", side, address] => load::crowd(side, address),
        ["copies", size] => retries::copies(size.parse().unwrap()),
        ["transfer", kind, address, file] => transfer::transfer(kind, address, file),
        ["memory", line @ ..] => command::memory(line),
        wanted => rows::all(wanted),
    }
}

#[cfg(not(unix))]
fn main() {
    println!("not measured: CPU time is read as Unix gives it");
}
