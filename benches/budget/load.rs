//! Plain GETs, one at a time and many: what a call costs more than by bare reqwest, W01 to W06; and a limiter by itself, W10.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use nix::sys::resource::UsageWho;
use restwalk::{Auth, Client, Value};
use tokio::runtime::Runtime;

use crate::{
    fixture,
    jobs::{Run, limit, reqwest_client, runtime},
    measure::{Figure, allocations, cpu, instructions, less, median, memory, printed},
    report::{Unit, note, row},
};

/// Rounds of both sides, each first in turn.
const ROUNDS: usize = 9;

/// A call with everything that a client does for it unasked: a path, headers, a token, retries, a budget, limits.
pub fn ours(address: &str) -> impl AsyncFn() + 'static {
    let client = client(address);
    async move || judge(&client.res("people").item("ada").get().await.unwrap())
}

pub fn theirs(address: &str) -> impl AsyncFn() + 'static {
    let (client, url) = (reqwest_client(), format!("http://{address}/people/ada"));
    async move || judge(&client.get(&url).send().await.unwrap().json().await.unwrap())
}

fn client(address: &str) -> Client {
    let builder = Client::builder(format!("http://{address}"));
    builder.auth(Auth::bearer(fixture::TOKEN)).limit(limit()).build().unwrap()
}

fn judge(answer: &Value) {
    assert!(answer["path"] == "/people/ada", "{answer}");
}

/// Prints how large the process is: idle after a call, or at its largest with 1,000 requests in flight.
pub fn crowd(side: &str, address: &str) {
    const MANY: usize = 1_000;
    let runtime = runtime();
    let (client, plain, url) = (client(address), reqwest_client(), format!("http://{address}/hold"));
    let ours = async || assert!(client.res("hold").get().await.unwrap().is_object());
    let theirs = async || {
        let answer: Value = plain.get(&url).send().await.unwrap().json().await.unwrap();
        assert!(answer.is_object());
    };
    match side {
        "idle" => runtime.block_on(ours()),
        "reqwest" => drop(runtime.block_on(join_all((0..MANY).map(|_| theirs())))),
        _ => drop(runtime.block_on(join_all((0..MANY).map(|_| ours())))),
    }
    println!("{}", memory(if side == "idle" { "VmRSS" } else { "VmHWM" }));
}

/// What one round of calls showed.
struct Round {
    /// CPU microseconds of a call.
    cpu: f64,
    /// Microseconds by the clock for a call.
    clock: f64,
    /// From the fastest call to the slowest.
    each: Vec<Duration>,
}

impl Round {
    /// Makes `calls` calls, `abreast` of them at a time.
    fn new(runtime: &Runtime, call: &impl AsyncFn(), calls: usize, abreast: usize) -> Self {
        let lane = async || {
            let mut each = Vec::with_capacity(calls / abreast);
            for _ in 0..calls / abreast {
                let before = Instant::now();
                call().await;
                each.push(before.elapsed());
            }
            each
        };
        let (before, start) = (cpu(UsageWho::RUSAGE_SELF), Instant::now());
        let lanes = runtime.block_on(join_all((0..abreast).map(|_| lane())));
        let (clock, cpu) = (start.elapsed().as_secs_f64(), cpu(UsageWho::RUSAGE_SELF) - before);
        let mut each = lanes.concat();
        each.sort();
        let a_call = 1e6 / each.len() as f64;
        Self { cpu: cpu * a_call, clock: clock * a_call, each }
    }

    /// The microseconds within which `share` of a hundred calls were over.
    fn within(&self, share: usize) -> f64 {
        let at = self.each.len() * share / 100;
        self.each[at].as_secs_f64() * 1e6
    }
}

/// Rounds of our calls and of reqwest's, paired.
fn pairs(address: &str, calls: usize, abreast: usize) -> Vec<(Round, Round)> {
    let (ours, theirs) = ((runtime(), ours(address)), (runtime(), theirs(address)));
    let ours = || Round::new(&ours.0, &ours.1, calls, abreast);
    let theirs = || Round::new(&theirs.0, &theirs.1, calls, abreast);
    ours();
    theirs();
    let pair = |round: usize| {
        if round.is_multiple_of(2) {
            return (ours(), theirs());
        }
        let theirs = theirs();
        (ours(), theirs)
    };
    (0..ROUNDS).map(pair).collect()
}

/// The median over all pairs of what `compare` finds.
#[expect(clippy::unnecessary_wraps, reason = "a row takes figures, which others may lack")]
fn middle(pairs: &[(Round, Round)], compare: impl Fn(&Round, &Round) -> f64) -> Figure {
    Ok(median(pairs.iter().map(|(ours, theirs)| compare(ours, theirs)).collect()))
}

const MICROSECONDS: Unit = Unit::Of("us");

pub fn load(address: &str) {
    let (one, many) = (pairs(address, 2_000, 1), pairs(address, 16_384, 64));
    for (pairs, how) in [(&many, "64 in flight"), (&one, "in turn")] {
        row("W01", &format!("GET / reqwest, CPU, {how}"), Unit::Cpu, 1.25, middle(pairs, |us, them| us.cpu / them.cpu));
        row("W01", "  GET - reqwest, CPU", MICROSECONDS, 5.0, middle(pairs, |us, them| us.cpu - them.cpu));
        note("W01", "  GET by reqwest, CPU", MICROSECONDS, middle(pairs, |_, them| them.cpu));
    }
    let slower = middle(&many, |us, them| us.clock / them.clock);
    row("W02", "GET / reqwest, time, 64 in flight", Unit::Clock, 1.0 / 0.85, slower);
    note("W02", "  GETs a second", Unit::Of("/s"), middle(&many, |us, _| 1e6 / us.clock));
    let later = middle(&one, |us, them| us.within(50) - them.within(50));
    row("W03", "GET - reqwest, half of the calls, in turn", MICROSECONDS, 10.0, later);
    note("W03", "  half of the calls by reqwest", MICROSECONDS, middle(&one, |_, them| them.within(50)));
    let slowest = middle(&many, |us, them| us.within(99) / them.within(99));
    row("W04", "GET / reqwest, 99 % of the calls, 64 in flight", Unit::Clock, 1.3, slowest);
    note("W04", "  99 % of the calls by reqwest", MICROSECONDS, middle(&many, |_, them| them.within(99)));
    let [ours, theirs] = ["get", "reqwest-get"].map(|job| allocations(job, 200, address));
    row("W05", "GET - reqwest", Unit::Of("allocs"), 12.0, Ok(ours - theirs));
    note("W05", "  GET by reqwest", Unit::Of("allocs"), Ok(theirs));
    let [ours, theirs] = ["get", "reqwest-get"].map(|job| instructions(job, 200, address));
    note("W05", "  GET - reqwest", Unit::Of("instr"), less(ours, theirs));
    row("W06", "idle", MEBIBYTES, 12.0, Ok(size("idle", address) / MEBIBYTE));
}

const MEBIBYTE: f64 = 1_048_576.0;
const MEBIBYTES: Unit = Unit::Of("MiB");

fn size(side: &str, address: &str) -> f64 {
    median((0..5).map(|_| printed(&["crowd", side, address])).collect())
}

/// Memory with many in flight, by W06 and by the sharper G21.
pub fn crowds(address: &str) {
    let (ours, theirs) = (size("restwalk", address), size("reqwest", address));
    row("W06", "1,000 in flight / reqwest, memory", Unit::Ratio, 1.25, Ok(ours / theirs));
    row("G21", "1,000 in flight / reqwest, memory", Unit::Ratio, 1.1, Ok(ours / theirs));
    note("G21", "  1,000 in flight", MEBIBYTES, Ok(ours / MEBIBYTE));
}

/// Leave to send, taken and given back.
pub fn acquire() -> Run {
    let client = client("127.0.0.1:8080");
    Box::new(move |calls| (0..calls).for_each(|_| drop(client.try_acquire().unwrap())))
}

/// How many times a second 1,000 tasks on all cores take leave to send and give it back.
fn turns() -> f64 {
    const TASKS: usize = 1_000;
    const EACH: usize = 1_000;
    let client = client("127.0.0.1:8080");
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let start = Instant::now();
    runtime.block_on(async {
        let task = || {
            let client = client.clone();
            tokio::spawn(async move {
                for _ in 0..EACH {
                    drop(client.try_acquire().unwrap());
                    tokio::task::consume_budget().await;
                }
            })
        };
        join_all((0..TASKS).map(|_| task())).await.into_iter().for_each(|task| task.unwrap());
    });
    (TASKS * EACH) as f64 / start.elapsed().as_secs_f64()
}

pub fn limiter(_: &str) {
    const CALLS: u64 = 1_000_000;
    let mut run = acquire();
    let times = (0..5).map(|_| {
        let before = cpu(UsageWho::RUSAGE_SELF);
        run(CALLS);
        (cpu(UsageWho::RUSAGE_SELF) - before) * 1e9 / CALLS as f64
    });
    row("W10", "leave to send, taken and given back, CPU", Unit::Of("ns"), 200.0, Ok(median(times.collect())));
    note("W10", "  the same", Unit::Of("instr"), instructions("acquire", 1_000, "-"));
    let turns = median((0..5).map(|_| turns()).collect());
    row("W10", "  by 1,000 tasks, time", Unit::Of("ns"), 1_000.0, Ok(1e9 / turns));
}
