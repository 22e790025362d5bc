//! A hit: by http-cache-reqwest with moka, and the bare look-ups that a cache is made of.

use std::{hint::black_box, time::Duration};

use http_cache_reqwest::{Cache, CacheMode, HttpCache, HttpCacheOptions, MokaManager};
use nix::{sys::time::TimeValLike, time::ClockId};
use reqwest_middleware::ClientBuilder;

use crate::{WARM_UP, allocations};

/// Does a job so many times.
type Run = Box<dyn FnMut(u64)>;

/// Prints the nanoseconds of CPU or the allocations of one call of `job`.
pub fn work(verb: &str, job: &str, calls: u64, address: &str) {
    let mut run = find(job, address);
    run(WARM_UP);
    let (count, time) = (allocations::count(), now());
    run(calls);
    let (count, time) = (allocations::count() - count, now() - time);
    println!("{}", if verb == "time" { time } else { count } as f64 / calls as f64);
}

/// The nanoseconds that this process has worked.
fn now() -> u64 {
    ClockId::CLOCK_PROCESS_CPUTIME_ID.now().unwrap().num_nanoseconds() as u64
}

fn find(job: &str, address: &str) -> Run {
    let url = format!("http://{address}/fresh/ada");
    let value = std::sync::Arc::new([0_u8; 300]);
    match job {
        "hit-stack" => stack(url),
        "hit-moka" => {
            let cache = moka::sync::Cache::new(10_000);
            cache.insert(url.clone(), value);
            repeat(move || cache.get(&url).unwrap())
        }
        "hit-quick" => {
            let cache = quick_cache::sync::Cache::new(10_000);
            cache.insert(url.clone(), value);
            repeat(move || cache.get(&url).unwrap())
        }
        _ => panic!("no job {job}"),
    }
}

fn repeat<T>(job: impl Fn() -> T + 'static) -> Run {
    Box::new(move |calls| {
        for _ in 0..calls {
            black_box(job());
        }
    })
}

fn stack(url: String) -> Run {
    let plain = reqwest::Client::builder().tls_certs_only([]).timeout(Duration::from_secs(60)).build().unwrap();
    let options = HttpCacheOptions::default();
    let cache = Cache(HttpCache { mode: CacheMode::Default, manager: MokaManager::default(), options });
    let client = ClientBuilder::new(plain).with(cache).build();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    Box::new(move |calls| {
        runtime.block_on(async {
            for _ in 0..calls {
                let body = client.get(&url).send().await.unwrap().bytes().await.unwrap();
                assert!(body.starts_with(b"{\"path\":\"/"));
            }
        });
    })
}
