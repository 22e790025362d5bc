//! The full job by reqwest with the usual middleware: `peers work JOB CALLS ADDRESS TOKEN DEFAULTS BODY`.
//!
//! Prints how many allocations a call takes; whoever counts instructions runs it under valgrind. And the same of a hit in
//! a cache, with the time that it takes: `peers allocations|count|time JOB CALLS ADDRESS`.

use std::time::Duration;

use http_cache_reqwest::{Cache, CacheMode, HttpCache, HttpCacheOptions, MokaManager};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
use reqwest_tracing::TracingMiddleware;
use serde_json::Value;

#[path = "../budget/allocations.rs"]
#[expect(dead_code, reason = "nothing else is asked here")]
mod allocations;
mod hits;

/// Calls before anything is counted.
const WARM_UP: u64 = 20;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [verb @ ("allocations" | "count" | "time"), job, calls, address] =
        arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
    {
        return hits::work(verb, job, calls.parse().unwrap(), address);
    }
    let [work, job, calls, address, token, defaults, body] = arguments.as_slice() else {
        panic!("peers work JOB CALLS ADDRESS TOKEN DEFAULTS BODY");
    };
    assert_eq!(work, "work");
    let calls: u64 = calls.parse().unwrap();
    let (defaults, body): (Value, Value) =
        (serde_json::from_str(defaults).unwrap(), serde_json::from_str(body).unwrap());
    let client = client(job);
    let call = async || {
        let mut merged = defaults.clone();
        merge(&mut merged, &body);
        let request = client.post(filled(address)).bearer_auth(token).json(&merged);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(answer["signed"] == true && answer["received"].as_u64() > Some(1_000), "{answer}");
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for _ in 0..WARM_UP {
            call().await;
        }
        let before = allocations::count();
        for _ in 0..calls {
            call().await;
        }
        println!("{}", (allocations::count() - before) as f64 / calls as f64);
    });
}

/// Retries, spans, a timeout, and in `stack-cache` a cache in memory.
fn client(job: &str) -> ClientWithMiddleware {
    let timeout = Duration::from_secs(60);
    let plain = reqwest::Client::builder().tls_certs_only([]).timeout(timeout).build().unwrap();
    let retries = ExponentialBackoff::builder().build_with_max_retries(2);
    let stack = ClientBuilder::new(plain).with(TracingMiddleware::default());
    let cache = || Cache(HttpCache {
        mode: CacheMode::Default,
        manager: MokaManager::default(),
        options: HttpCacheOptions::default(),
    });
    let stack = match job {
        "stack" => stack,
        "stack-cache" => stack.with(cache()),
        _ => panic!("no job {job}"),
    };
    stack.with(RetryTransientMiddleware::new_with_policy(retries)).build()
}

/// The path as a careful caller writes it.
fn filled(address: &str) -> String {
    let [group, kind, leaf] = ["acme", "user.name", "2026 report"].map(|item| item.replace(' ', "%20"));
    format!("http://{address}/group1/{group}/kind2/{kind}/leaves/{leaf}")
}

fn merge(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                merge(under.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}
