//! Answers given again: what a hit, a miss and a validation cost, how large what is kept is, and what passes through.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use bytes::Bytes;
use futures_util::stream;
use http::header;
use http_body::Frame;
use http_body_util::StreamBody;
use nix::sys::resource::UsageWho;
use restwalk::{Auth, BoxFuture, Cache, Client, Result, Transport, WireBody};

use crate::{
    allocations::held,
    fixture,
    jobs::{self, limit, reqwest_client, runtime},
    measure::{Figure, allocations, cpu, instructions, less, median, race, ratio},
    peers,
    report::{Unit, note, row},
};

mod shared;

const INSTRUCTIONS: Unit = Unit::Of("instr");
const ALLOCATIONS: Unit = Unit::Of("allocs");
const NANOSECONDS: Unit = Unit::Of("ns");

/// Rounds of all sides in turn, of which the median counts.
const ROUNDS: usize = 9;

/// A client with everything that it does unasked, and a cache where one is given.
fn client(address: &str, cache: Option<&Cache>) -> Client {
    let builder = Client::builder(format!("http://{address}")).auth(Auth::bearer(fixture::TOKEN)).limit(limit());
    cache.into_iter().fold(builder, |builder, cache| builder.cache(cache)).build().unwrap()
}

async fn get(client: &Client, collection: &str, item: &str) -> Bytes {
    client.res(collection).item(item).get().send().await.unwrap().bytes().await.unwrap()
}

fn judge(answer: &Bytes) {
    assert!(answer.starts_with(b"{\"path\":\"/"), "{answer:?}");
}

/// The same answer again and again, asked for once.
pub fn hit(address: &str) -> impl AsyncFn() + 'static {
    again(address, Cache::memory())
}

/// The same with any cache.
fn again(address: &str, cache: Cache) -> impl AsyncFn() + 'static {
    let client = client(address, Some(&cache));
    async move || judge(&get(&client, "fresh", "ada").await)
}

/// Another URL each time, none of them asked for before.
fn new(client: Client, collection: &'static str) -> impl AsyncFn() + 'static {
    let count = AtomicU64::new(1_000_000);
    async move || judge(&get(&client, collection, &count.fetch_add(1, Ordering::Relaxed).to_string()).await)
}

/// An answer that is asked for and kept.
pub fn miss(address: &str) -> impl AsyncFn() + 'static {
    new(client(address, Some(&Cache::memory())), "fresh")
}

/// An answer that is asked for and not to be kept.
pub fn unkept(address: &str) -> impl AsyncFn() + 'static {
    new(client(address, Some(&Cache::memory())), "plain")
}

/// The same answers without a cache.
pub fn uncached(address: &str) -> impl AsyncFn() + 'static {
    new(client(address, None), "fresh")
}

/// An answer of which the server says each time that it still holds.
pub fn validated(address: &str) -> impl AsyncFn() + 'static {
    let client = client(address, Some(&Cache::memory()));
    async move || judge(&get(&client, "valid", "ada").await)
}

/// A bare GET by reqwest.
pub fn theirs(address: &str) -> impl AsyncFn() + 'static {
    let (client, url) = (reqwest_client(), format!("http://{address}/fresh/ada"));
    async move || judge(&client.get(&url).send().await.unwrap().bytes().await.unwrap())
}

/// G7, C34: hits.
pub fn hits(address: &str) {
    const CALLS: u64 = 50_000;
    let mut run = jobs::find("hit", address);
    run(CALLS);
    let mut ours = || {
        let before = cpu(UsageWho::RUSAGE_SELF);
        run(CALLS);
        (cpu(UsageWho::RUSAGE_SELF) - before) * 1e9 / CALLS as f64
    };
    // All sides in turn, so that what else the machine does meets all of them.
    let peer = |job| peers::hit("time", job, CALLS, address);
    let rounds: Vec<_> =
        (0..ROUNDS).map(|_| [Ok(ours()), peer("hit-stack"), peer("hit-moka"), peer("hit-quick")]).collect();
    let side =
        |side: usize| -> Figure { Ok(median(rounds.iter().map(|round| round[side]).collect::<Result<_, _>>()?)) };
    let [ours, stack, moka, quick] = [0, 1, 2, 3].map(side);
    row("G7", "hit through the public interface, CPU", NANOSECONDS, 400.0, ours);
    row("G7", "  allocations", ALLOCATIONS, 3.0, Ok(allocations("hit", 2_000, address)));
    row("G7", "  / http-cache-reqwest with moka, CPU", Unit::Cpu, 0.05, ratio(ours, stack));
    row("G7", "  / a bare get of moka::sync, CPU", Unit::Cpu, 4.0, ratio(ours, moka));
    note("G7", "  the same", INSTRUCTIONS, instructions("hit", 2_000, address));
    for (what, job, time) in [
        ("http-cache-reqwest with moka", "hit-stack", stack),
        ("a bare get of moka::sync", "hit-moka", moka),
        ("a bare get of quick_cache", "hit-quick", quick),
    ] {
        note("G7", &format!("  {what}"), NANOSECONDS, time);
        note("G7", &format!("  {what}"), ALLOCATIONS, peers::hit("allocations", job, 2_000, address));
        note("G7", &format!("  {what}"), INSTRUCTIONS, peers::hit("count", job, 2_000, address));
    }
    let folder = tempfile::tempdir().unwrap();
    let memory = slowest(again(address, Cache::memory()), 100_000);
    let disk = slowest(again(address, Cache::disk(folder.path().join("answers"))), 5_000);
    row("C34", "hit in memory, 99 % of them, by the clock", Unit::Of("us"), 50.0, Ok(memory.1));
    row("C34", "hit on disk, 99 % of them, by the clock", Unit::Of("us"), 1_000.0, Ok(disk.1));
    note("C34", "  half of them", Unit::Of("us"), Ok(disk.0));
    shared::hits(address);
}

/// Within how many microseconds by the clock half of the calls are over, and 99 % of them.
fn slowest(call: impl AsyncFn(), calls: usize) -> (f64, f64) {
    runtime().block_on(async {
        call().await;
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            let before = Instant::now();
            call().await;
            times.push(before.elapsed());
        }
        times.sort();
        let within = |share: usize| times[calls * share / 100].as_secs_f64() * 1e6;
        (within(50), within(99))
    })
}

/// G8: what the cache adds where it is of no use, and a validation.
pub fn misses(address: &str) {
    let [plain, missed, unkept, validated, bare] =
        ["uncached", "miss", "unkept", "validated", "reqwest-plain"].map(|job| instructions(job, 200, address));
    row("G8", "miss that is kept - uncached", INSTRUCTIONS, 8_000.0, less(missed, plain));
    row("G8", "answer that is not to be kept - uncached", INSTRUCTIONS, 8_000.0, less(unkept, plain));
    row("G8", "validation / uncached GET, instructions", Unit::Ratio, 1.3, ratio(validated, plain));
    note("G8", "  validation / reqwest GET, instructions", Unit::Ratio, ratio(validated, bare));
    note("G8", "  uncached GET", INSTRUCTIONS, plain);
    note("G8", "  reqwest GET", INSTRUCTIONS, bare);
    let [plain, missed, unkept, validated] =
        ["uncached", "miss", "unkept", "validated"].map(|job| Ok(allocations(job, 2_000, address)));
    row("G8", "miss that is kept - uncached", ALLOCATIONS, 10.0, less(missed, plain));
    row("G8", "answer that is not to be kept - uncached", ALLOCATIONS, 10.0, less(unkept, plain));
    note("G8", "  validation", ALLOCATIONS, validated);
    note("G8", "  uncached GET", ALLOCATIONS, plain);
    let cpu = race(jobs::find("validated", address), jobs::find("uncached", address), 2_048);
    row("G8", "validation / uncached GET, CPU", Unit::Cpu, 1.3, Ok(cpu));
}

/// Answers 300 bytes and eight headers to everything, and a body without an end to `/long`.
#[derive(Debug)]
struct Service;

/// The body of [`Service`], and how long the one without an end is.
const BODY: usize = 300;
const LONG: u64 = 512 << 20;
const BLOCK: usize = 64 << 10;

impl Transport for Service {
    fn exchange(&self, request: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        let long = request.uri().path() == "/long";
        let mut answer = http::Response::new(if long { endless() } else { WireBody::full(vec![b'x'; BODY]) });
        let length = if long { LONG } else { BODY as u64 };
        answer.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        for (name, value) in HEADERS {
            answer.headers_mut().insert(name, header::HeaderValue::from_static(value));
        }
        Box::pin(std::future::ready(Ok(answer)))
    }
}

const HEADERS: [(header::HeaderName, &str); 7] = [
    (header::CACHE_CONTROL, "max-age=86400"),
    (header::CONTENT_TYPE, "application/json"),
    (header::DATE, "Sat, 21 Nov 2026 08:00:00 GMT"),
    (header::ETAG, "\"0123456789abcdef\""),
    (header::SERVER, "bench"),
    (header::VARY, "accept-encoding"),
    (header::LAST_MODIFIED, "Fri, 20 Nov 2026 08:00:00 GMT"),
];

/// [`LONG`] bytes, each block made when it is asked for.
fn endless() -> WireBody {
    let blocks =
        (0..LONG / BLOCK as u64).map(|_| Ok::<_, std::convert::Infallible>(Frame::data(vec![b'x'; BLOCK].into())));
    WireBody::new(StreamBody::new(stream::iter(blocks)))
}

/// C22, C21: what is kept, and what is too long for it.
pub fn sizes(_: &str) {
    const MANY: u64 = 10_000;
    let local = |cache: &Cache| Client::builder("http://h").transport(Service).cache(cache).build().unwrap();
    let runtime = runtime();
    let warm = local(&Cache::memory());
    runtime.block_on(get(&warm, "a", "0"));
    let url = "http://h/people/00000".len();
    let head: usize = HEADERS.iter().map(|(name, value)| name.as_str().len() + value.len() + 2).sum();
    let own = url + head + "content-length:300\n".len() + BODY;
    let before = held();
    let client = local(&Cache::memory());
    runtime.block_on(async {
        for item in 0..MANY {
            get(&client, "people", &format!("{item:05}")).await;
        }
    });
    let each = held().saturating_sub(before) as f64 / MANY as f64;
    row("C22", "10,000 answers kept: each, over its bytes", Unit::Of("bytes"), 512.0, Ok(each - own as f64));
    note("C22", "  its URL, headers and body", Unit::Of("bytes"), Ok(own as f64));
    let (before, mut most, mut sum) = (held(), 0, 0);
    runtime.block_on(async {
        let mut body = client.res("long").get().send().await.unwrap().stream();
        while let Some(piece) = body.next().await {
            sum += black_box(piece.unwrap()).len() as u64;
            most = most.max(held().saturating_sub(before));
        }
    });
    assert_eq!(sum, LONG);
    let mib = most as f64 / f64::from(1 << 20);
    row("C21", "an answer of 512 MiB past a cache, memory held", Unit::Of("MiB"), 8.0, Ok(mib));
}

/// The clock's microseconds of one call: the median of many.
#[cfg(feature = "redis")]
fn half(times: Vec<std::time::Duration>) -> f64 {
    median(times.iter().map(|time| time.as_secs_f64() * 1e6).collect())
}
