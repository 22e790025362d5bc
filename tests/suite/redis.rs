//! L14, L15 and Z: a limit that processes hold together, in a real Redis server.
//!
//! Redis has a clock of its own, so these tests take the time that their limits take: tenths of a second.

use std::{
    env,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use restwalk::{Client, ErrorKind, Limit, Redis, block_on};

use crate::support::{
    canary::{canary, printed},
    redis::Server,
    script::{Script, answer},
};

fn shared(url: &str, limit: Limit) -> (Client, Script) {
    let script = Script::of([answer(200)]);
    let limit = limit.shared(&Redis::url(url).unwrap(), "billing");
    (script.builder().limit(limit).build().unwrap(), script)
}

/// How long `calls` at once take.
async fn crowd(client: &Client, calls: usize) -> Duration {
    let began = Instant::now();
    for found in join_all((0..calls).map(|_| client.res("x").get().send())).await {
        found.unwrap();
    }
    began.elapsed()
}

/// Three processes, each with two clients, hold one limit.
#[test]
fn l14_processes_hold_one_limit_together() {
    const CALLS: usize = 20;
    let limit = || Limit::new().per_second(200).burst(5);
    if let Ok(url) = env::var("SUITE_REDIS") {
        let (one, _) = shared(&url, limit());
        let (two, _) = shared(&url, limit());
        block_on(async { tokio::join!(crowd(&one, CALLS), crowd(&two, CALLS)) }).unwrap();
        return;
    }
    let server = Server::start();
    let began = Instant::now();
    let run = || {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "redis::l14_processes_hold_one_limit_together"]).env("SUITE_REDIS", server.url());
        command.stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let children: Vec<_> = (0..3).map(|_| run()).collect();
    assert!(children.into_iter().all(|mut child| child.wait().unwrap().success()));
    // 120 calls at 200 a second, five of them at once: the last begins 575 ms after the first.
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(575), "{took:?}: more than the limit went");
    assert!(took < Duration::from_secs(4), "{took:?}: less than half of it was used");
    assert_eq!(server.keys().len(), 1);
}

#[tokio::test]
async fn l15_z01_without_redis_each_takes_its_share_and_no_more() {
    let warnings = Warnings::default();
    let guard = tracing::subscriber::set_default(warnings.clone());
    for how in ["down at the start", "killed", "stopped", "refusing"] {
        let mut server = Server::start();
        let (client, script) = shared(&server.url(), Limit::new().per_second(100));
        let script_limit = Limit::new().per_second(400).shared(&Redis::url(server.url()).unwrap(), "billing").peers(4);
        let quarter = script.builder().limit(script_limit).build().unwrap();
        if how != "down at the start" {
            crowd(&client, 1).await;
            crowd(&quarter, 1).await;
        }
        match how {
            "stopped" => server.signal("-STOP"),
            "refusing" => drop(server.ask(&["REPLICAOF", "127.0.0.1", "1"])),
            _ => server.kill(),
        }
        for client in [client, quarter] {
            let first = crowd(&client, 1).await;
            assert!(first < Duration::from_millis(400), "{how}: the first call waited {first:?} for Redis");
            // A hundred a second, alone or as a quarter of four hundred.
            let took = crowd(&client, 21).await;
            assert!(took >= Duration::from_millis(190), "{how}: {took:?}, faster than its share");
            assert!(took < Duration::from_millis(900), "{how}: {took:?}, each call waited for Redis");
        }
        if how == "stopped" {
            server.signal("-CONT");
        }
    }
    drop(guard);
    let warnings = warnings.0.lock().unwrap();
    assert_eq!(warnings.len(), 8, "one a handle and outage: {warnings:?}");
}

#[tokio::test]
async fn z01_a_server_that_comes_back_is_used_again() {
    let mut server = Server::start();
    let (client, _) = shared(&server.url(), Limit::new().per_second(1_000));
    crowd(&client, 1).await;
    server.kill();
    crowd(&client, 1).await;
    server.restart();
    let began = Instant::now();
    while server.keys().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "it is never asked again");
        crowd(&client, 1).await;
    }
    assert!(began.elapsed() >= Duration::from_millis(500), "it is left alone for a while");
}

#[tokio::test]
async fn z09_a_wrong_password_is_told_and_never_shown() {
    let server = Server::with(&["--requirepass", &canary("right")]);
    let url = server.url().replace("://", &format!("://:{}@", canary("wrong")));
    let warnings = Warnings::default();
    let guard = tracing::subscriber::set_default(warnings.clone());
    let (client, _) = shared(&url, Limit::new().per_second(1_000));
    crowd(&client, 2).await;
    drop(guard);
    assert!(!format!("{client:?} {:?}", warnings.0.lock().unwrap()).contains("CNRY"));
    assert_eq!(warnings.0.lock().unwrap().len(), 1);
    let right = server.url().replace("://", &format!("://:{}@", canary("right")));
    assert_eq!(format!("{:?}", Redis::url(right.as_str()).unwrap()), "Redis(***)");
    let error = Redis::url(format!("http://:{}@h", canary("right"))).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "config"));
    assert!(!printed(&error).contains("CNRY"), "{error}");
    let (client, _) = shared(&right, Limit::new().per_second(1_000));
    crowd(&client, 2).await;
    assert!(server.ask(&["PING"]).contains("NOAUTH"));
}

#[tokio::test]
async fn z10_what_is_lost_or_spoilt_begins_anew() {
    let server = Server::start();
    let (client, _) = shared(&server.url(), Limit::new().per_second(100).burst(4));
    crowd(&client, 4).await;
    let key = server.keys().remove(0);
    for spoil in [vec!["DEL", &key], vec!["SET", &key, "nonsense"], vec!["HSET", &key, "1", "nonsense"]] {
        if spoil[0] == "SET" {
            server.ask(&["DEL", &key]);
        }
        server.ask(&spoil);
        // A fresh bucket: the burst, and then the pace.
        let took = crowd(&client, 8).await;
        assert!(took >= Duration::from_millis(35), "{spoil:?}: {took:?}");
        assert!(took < Duration::from_millis(500), "{spoil:?}: {took:?}");
    }
}

/// The server's clock counts, whatever this machine's says; and two handles agree on it.
#[tokio::test]
async fn z06_the_servers_clock_counts() {
    let server = Server::start();
    let (one, _) = shared(&server.url(), Limit::new().per_second(20));
    let (two, _) = shared(&server.url(), Limit::new().per_second(20));
    crowd(&one, 1).await;
    let took = crowd(&two, 1).await;
    assert!(took >= Duration::from_millis(20), "{took:?}: the other's call was not seen");
    let key = server.keys().remove(0);
    let until: f64 = server.ask(&["HGET", &key, "1"]).lines().nth(1).unwrap().parse().unwrap();
    let time = server.ask(&["TIME"]);
    let seconds: f64 = time.lines().nth(2).unwrap().parse().unwrap();
    assert!((until / 1e6 - seconds).abs() < 5.0, "{until} is kept at {time:?}");
}

#[tokio::test]
async fn z08_a_crowd_asks_for_one_connection_and_none_is_lost() {
    let server = Server::start();
    let (client, script) = shared(&server.url(), Limit::new().per_second(5_000).burst(500));
    crowd(&client, 500).await;
    assert_eq!(script.count(), 500);
    let clients = server.ask(&["INFO", "clients"]);
    assert!(clients.contains("connected_clients:2"), "the handle's and this question's: {clients}");
}

#[tokio::test]
async fn z11_a_script_that_the_server_forgot_is_loaded_again() {
    let server = Server::start();
    let (client, _) = shared(&server.url(), Limit::new().per_second(50));
    crowd(&client, 1).await;
    server.ask(&["SCRIPT", "FLUSH"]);
    let took = crowd(&client, 2).await;
    assert!(took >= Duration::from_millis(15), "{took:?}: it was not asked");
    assert!(!server.ask(&["INFO", "commandstats"]).is_empty());
}

#[tokio::test]
async fn z12_nothing_is_kept_for_ever() {
    let server = Server::start();
    for limit in [Limit::new().per_second(1_000), Limit::new().per_minute(60), Limit::new().per_hour(10).burst(10)] {
        let (client, _) = shared(&server.url(), limit);
        crowd(&client, 1).await;
        for key in server.keys() {
            let left = server.ask(&["PTTL", &key]);
            let left: i64 = left.trim().trim_start_matches(':').parse().unwrap();
            assert!((1..=3_700_000).contains(&left), "{key}: {left}");
            server.ask(&["DEL", &key]);
        }
    }
}

#[tokio::test]
async fn l05_a_turn_that_comes_too_late_is_not_taken() {
    let server = Server::start();
    let (client, script) = shared(&server.url(), Limit::new().per_minute(1).burst(1));
    crowd(&client, 1).await;
    for _ in 0..3 {
        let error = client.res("x").get().timeout(Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert!((50..=60).contains(&error.retry_after().unwrap().as_secs()), "{error:?}: it does not grow");
    }
    assert_eq!(script.count(), 1);
}

/// Keeps what is said at the level of a warning.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN && metadata.target().starts_with("restwalk")
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::Id {
        tracing::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::Id, _: &tracing::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0 += &format!("{}={value:?} ", field.name());
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &tracing::Id) {}

    fn exit(&self, _: &tracing::Id) {}
}

#[tokio::test]
async fn k03_a_question_given_up_never_answers_another() {
    let server = Server::start();
    let redis = Redis::url(server.url()).unwrap();
    let client = |limit: Limit, name: &str| {
        Script::of([answer(200)]).builder().limit(limit.shared(&redis, name)).build().unwrap()
    };
    let free = client(Limit::new().per_second(1e6).burst(1_000_000), "free");
    let full = client(Limit::new().per_hour(1), "full");
    crowd(&full, 1).await;
    for n in 0..1_000 {
        let mut given_up = Box::pin(if n % 2 == 0 { &free } else { &full }.res("x").get().send());
        assert!(futures_util::FutureExt::now_or_never(&mut given_up).is_none());
        drop(given_up);
        free.res("x").get().await.unwrap();
        let refused = full.res("x").get().timeout(Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::RateLimited);
    }
}
