//! What is measured, in the order of docs/performance.md.

use nix::sys::resource::UsageWho;
use restwalk::Catalog;

use crate::{
    cache, command, fixture, jobs, load,
    measure::{Figure, allocations, cpu, instructions, less, median, race, ratio},
    peers,
    report::{Unit, note, row},
    retries,
    server::Server,
    tokens, transfer,
};

const INSTRUCTIONS: Unit = Unit::Of("instr");
const ALLOCATIONS: Unit = Unit::Of("allocs");

/// Budgets that are measured together, and how, against the server at an address.
type Group = (&'static [&'static str], fn(&str));

/// Measures every budget, or those whose ids are `wanted`.
pub fn all(wanted: &[&str]) {
    let server = Server::start();
    let address = server.address.as_str();
    let groups: [Group; 21] = [
        (&["G1", "G2"], calls),
        (&["G3"], peers::stack),
        (&["G5"], paths),
        (&["G6"], merges),
        (&["G7", "C34"], cache::hits),
        (&["G8"], cache::misses),
        (&["C21", "C22"], cache::sizes),
        (&["G9", "G10"], transfer::upload),
        (&["G11"], transfer::download),
        (&["G12", "X44"], command::start),
        (&["G13", "G20"], command::catalog),
        (&["G14"], catalogs),
        (&["G15"], blocking),
        (&["G16"], peers::peers),
        (&["G18"], retries::retries),
        (&["G19"], transfer::again),
        (&["G21"], routes),
        (&["G21", "W06"], load::crowds),
        (&["W01", "W02", "W03", "W04", "W05", "W06"], load::load),
        (&["W10"], load::limiter),
        (&["G20", "W12"], tokens::tokens),
    ];
    for (ids, measure) in groups {
        if wanted.is_empty() || ids.iter().any(|id| wanted.contains(id)) {
            measure(address);
        }
    }
}

/// Instructions of one call over the network.
fn call(job: &str, address: &str) -> Figure {
    instructions(job, 200, address)
}

fn calls(address: &str) {
    let (full, bare, floor) = (call("full", address), call("reqwest", address), call("prepared", address));
    row("G1", "full job / idiomatic reqwest, instructions", Unit::Ratio, 0.92, ratio(full, bare));
    note("G1", "  full job", INSTRUCTIONS, full);
    note("G1", "  idiomatic reqwest", INSTRUCTIONS, bare);
    note("G1", "  idiomatic reqwest with a merge by hand", INSTRUCTIONS, call("reqwest-merging", address));
    note("G1", "  prepared parts", INSTRUCTIONS, floor);
    note("G1", "  full job, its spans asked for and dropped", INSTRUCTIONS, call("full-traced", address));
    let cpu = |left: &str, right: &str| Ok(race(jobs::find(left, address), jobs::find(right, address), 2_048));
    row("G1", "full job / idiomatic reqwest, CPU", Unit::Cpu, 0.92, cpu("full", "reqwest"));
    row("G1", "full job / idiomatic reqwest, CPU, 64 in flight", Unit::Cpu, 0.92, cpu("full x64", "reqwest x64"));
    row("G2", "full job - prepared parts", INSTRUCTIONS, 16_000.0, less(full, floor));
    let [full, bare, floor] = ["full", "reqwest", "prepared"].map(|job| Ok(allocations(job, 200, address)));
    row("G2", "full job - prepared parts", ALLOCATIONS, 6.0, less(full, floor));
    note("G2", "  full job", ALLOCATIONS, full);
    note("G2", "  idiomatic reqwest", ALLOCATIONS, bare);
    note("G2", "  prepared parts", ALLOCATIONS, floor);
    row("G2", "full job / prepared parts, CPU, 64 in flight", Unit::Cpu, 1.12, cpu("full x64", "prepared x64"));
}

/// Instructions of something that needs no network.
fn part(job: &str) -> Figure {
    instructions(job, 1_000, "-")
}

/// Allocations of the same.
fn count(job: &str) -> f64 {
    allocations(job, 1_000, "-")
}

fn paths(_: &str) {
    let (few, many, url) = (part("path-500"), part("path-5000"), part("url"));
    row("G5", "six segments walked to a String, 500 routes", INSTRUCTIONS, 1_800.0, few);
    row("G5", "six segments walked to a String, 500 routes", ALLOCATIONS, 1.0, Ok(count("path-500")));
    row("G5", "  / Url::parse of an IP host", Unit::Ratio, 0.35, ratio(few, url));
    row("G5", "  5,000 routes / 500 routes", Unit::Ratio, 1.3, ratio(many, few));
}

fn merges(_: &str) {
    let (merge, alone, by_hand) = (less(part("merge"), part("empty")), part("to_vec"), part("by-hand"));
    row("G6", "defaults and 1 KiB merged / to_vec of the 1 KiB alone", Unit::Ratio, 1.10, ratio(merge, alone));
    row("G6", "  / clone, merge, to_vec", Unit::Ratio, 0.33, ratio(merge, by_hand));
    row("G6", "  merge and its bytes", ALLOCATIONS, 1.0, Ok(count("rebuilt") - count("rebuilt-empty")));
    note("G6", "  merged, the caller's serializing included", INSTRUCTIONS, merge);
    note("G6", "  to_vec of the 1 KiB alone", INSTRUCTIONS, alone);
    note("G6", "  clone, merge, to_vec", INSTRUCTIONS, by_hand);
    note("G6", "  clone, merge, to_vec", ALLOCATIONS, Ok(count("by-hand")));
}

fn catalogs(_: &str) {
    let (load, events) = (instructions("load", 1, "-"), instructions("events", 1, "-"));
    row("G14", "load of 5,000 resources / the YAML parser alone", Unit::Ratio, 1.10, ratio(load, events));
    let (resources, defaults) = fixture::files(10_000);
    let times = (0..5).map(|_| {
        let before = cpu(UsageWho::RUSAGE_SELF);
        let catalog = Catalog::from_yaml(&resources, &defaults).unwrap();
        assert_eq!(catalog.routes().count(), 10_000);
        (cpu(UsageWho::RUSAGE_SELF) - before) * 1e3
    });
    row("G14", "load of 10,000 resources, CPU", Unit::Of("ms"), 200.0, Ok(median(times.collect())));
}

fn blocking(address: &str) {
    let (blocking, full) = (call("blocking", address), call("full", address));
    row("G15", "blocking call / async call, instructions", Unit::Ratio, 1.03, ratio(blocking, full));
    let race = race(jobs::find("blocking", address), jobs::find("reqwest-blocking", address), 2_048);
    row("G15", "blocking call / reqwest::blocking, CPU", Unit::Cpu, 0.85, Ok(race));
}

fn routes(address: &str) {
    let flat = ratio(call("full-10000", address), call("full-20", address));
    row("G21", "full job, 10,000 routes / 20 routes, instructions", Unit::Ratio, 1.01, flat);
}
