//! Z: tokens that processes keep together in a real Redis server, and renew at a real provider.

use std::{
    env,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use restwalk::{Client, OAuth2, Redis, Result, Secret, TokenKey, TokenRecord, TokenStore, block_on};

use crate::support::{
    self,
    canary::{canary, find},
    provider::{Provider, SECRET},
    redis::Server,
};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn store(server: &Server) -> TokenStore {
    TokenStore::redis(&Redis::url(server.url()).unwrap(), KEY).unwrap()
}

fn key() -> TokenKey {
    TokenKey::new([("client", "svc"), ("account", "ada")], &[Secret::from(canary("client"))])
}

fn record(generation: u64) -> TokenRecord {
    let (access, refresh) = (canary("access"), canary("refresh"));
    let text = format!(r#"{{"generation":{generation},"access_token":"{access}","refresh_token":"{refresh}"}}"#);
    TokenRecord::from_json(&text).unwrap()
}

async fn write(store: &TokenStore, generation: u64) -> Result<()> {
    let mut lock = store.lock(&key()).await?;
    lock.read().await?;
    lock.write(&record(generation)).await
}

async fn generation(store: &TokenStore) -> Option<u64> {
    store.read(&key()).await.unwrap().map(|record| record.generation)
}

/// The name of the record, of the mark beside it, or of the lock.
fn name(server: &Server, what: &str) -> String {
    let names = server.keys();
    let of = |name: &&String| match what {
        "record" => name.len() > 100 && !name.ends_with(":lock"),
        ending => name.ends_with(ending),
    };
    names.iter().find(of).unwrap_or_else(|| panic!("no {what} in {names:?}")).clone()
}

#[tokio::test]
async fn z01_without_redis_each_process_goes_by_what_it_knows() {
    for how in ["down at the start", "killed", "stopped", "refusing"] {
        let mut server = Server::start();
        let (store, other) = (store(&server), store(&server));
        if how != "down at the start" {
            write(&store, 1).await.unwrap();
            assert_eq!(generation(&other).await, Some(1));
        }
        match how {
            "stopped" => server.signal("-STOP"),
            "refusing" => drop(server.ask(&["CONFIG", "SET", "maxmemory", "1"])),
            _ => server.kill(),
        }
        let began = Instant::now();
        write(&store, 2).await.unwrap();
        assert_eq!(generation(&store).await, Some(2), "{how}");
        // An operation has 100 ms; the rest is for a machine that is busy.
        let longest = if how == "down at the start" { 6_000 } else { 4_000 };
        assert!(began.elapsed() < Duration::from_millis(longest), "{how}: it waited {:?}", began.elapsed());
        let known = if how == "down at the start" { None } else { Some(1) };
        assert_eq!(generation(&other).await, known, "{how}");
        match how {
            "stopped" => server.signal("-CONT"),
            "refusing" => drop(server.ask(&["CONFIG", "SET", "maxmemory", "0"])),
            _ => server.restart(),
        }
        // Once it is back, the others are given what was written meanwhile.
        let began = Instant::now();
        while generation(&other).await != Some(2) {
            assert!(began.elapsed() < Duration::from_secs(20), "{how}: it is never told");
            store.lock(&key()).await.unwrap().read().await.unwrap();
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn z02_what_is_spoilt_counts_as_none_and_is_replaced() {
    let server = Server::start();
    let first = store(&server);
    write(&first, 3).await.unwrap();
    let (record, mark) = (name(&server, "record"), name(&server, ":mark"));
    let large = "x".repeat(64 << 20);
    let spoils: [&[&[&str]]; 7] = [
        &[&["HSET", &record, "sealed", "CNRY"]],
        &[&["HSET", &record, "generation", "18446744073709551615"]],
        &[&["HSET", &record, "generation", "none"]],
        &[&["HSET", &record, "sealed", "", "generation", "99"]],
        &[&["DEL", &record], &["SET", &record, "return redis.call('FLUSHALL')"]],
        &[&["DEL", &record], &["RPUSH", &record, "a"], &["DEL", &mark], &["RPUSH", &mark, "a"]],
        &[&["HSET", &record, "sealed", &large, "generation", "99"]],
    ];
    for (at, spoil) in spoils.into_iter().enumerate() {
        for command in spoil {
            server.ask(command);
        }
        let began = Instant::now();
        let fresh = store(&server);
        assert_eq!(generation(&fresh).await, None, "spoil {at}");
        write(&fresh, 4).await.unwrap();
        assert_eq!(generation(&store(&server)).await, Some(4), "spoil {at}");
        assert!(began.elapsed() < Duration::from_secs(2), "spoil {at} took {:?}", began.elapsed());
        assert_eq!(server.keys().len(), 2, "spoil {at}: {:?}", server.keys());
    }
    let error = {
        let mut huge = record_of(5, &"x".repeat(300 << 10));
        huge.generation = 5;
        first.lock(&key()).await.unwrap().write(&huge).await.unwrap_err()
    };
    assert_eq!(error.code(), "store.full", "{error}");
}

fn record_of(generation: u64, token: &str) -> TokenRecord {
    TokenRecord::from_json(&format!(r#"{{"generation":{generation},"access_token":"{token}"}}"#)).unwrap()
}

#[tokio::test]
async fn z04_z09_nothing_in_redis_tells_a_secret() {
    let server = Server::start();
    server.ask(&["ACL", "SETUSER", "tokens", "on", &format!(">{}", canary("pass")), "~*", "+@all"]);
    let url = server.url().replace("://", &format!("://tokens:{}@", canary("pass")));
    let store = TokenStore::redis(&Redis::url(url).unwrap(), KEY).unwrap();
    write(&store, 1).await.unwrap();
    assert_eq!(format!("{store:?}"), "TokenStore(redis)");
    let mut all = String::new();
    for name in server.keys() {
        let kind = if name.ends_with("mark") { "GET" } else { "HGETALL" };
        all += &format!("{name} {}", server.ask(&[kind, &name]));
    }
    let secrets = ["client", "access", "refresh", "pass"].map(canary);
    assert!(all.contains("generation") && !all.contains("access_token"), "{all:?}");
    assert_eq!(find(&all, &secrets), None);
}

#[tokio::test]
async fn d19_z04_another_key_is_told_and_replaces_nothing() {
    let server = Server::start();
    write(&store(&server), 1).await.unwrap();
    let other = TokenStore::redis(&Redis::url(server.url()).unwrap(), KEY.replace("AAEC", "BAEC")).unwrap();
    let read = other.read(&key()).await.unwrap_err();
    let lock = other.lock(&key()).await.err().unwrap();
    for error in [read, lock] {
        assert_eq!(error.code(), "store.corrupt");
        assert!(error.to_string().contains("another key"), "{error}");
    }
    assert_eq!(generation(&store(&server)).await, Some(1));
    // Another user's record is another matter.
    let bob = TokenKey::new([("client", "svc"), ("account", "bob")], []);
    assert!(other.read(&bob).await.unwrap().is_none());
}

#[tokio::test]
async fn z05_who_writes_too_late_is_refused() {
    let server = Server::start();
    let (paused, other) = (store(&server), store(&server));
    write(&paused, 1).await.unwrap();
    let mut late = paused.lock(&key()).await.unwrap();
    assert_eq!(late.read().await.unwrap().unwrap().generation, 1);
    // Its process stands still for longer than the lock lives, which then goes to another.
    assert_eq!(server.ask(&["DEL", &name(&server, ":lock")]), ":1\r\n");
    write(&other, 2).await.unwrap();
    let error = late.write(&record(2)).await.unwrap_err();
    assert_eq!(error.code(), "store.outdated", "{error}");
    assert_eq!(late.read().await.unwrap().unwrap().generation, 2);
    drop(late);
    // Where nobody wrote, what it redeemed is the newest there is, and no word of it may be lost.
    let mut late = paused.lock(&key()).await.unwrap();
    server.ask(&["DEL", &name(&server, ":lock")]);
    let waiting = other.lock(&key()).await.unwrap();
    late.write(&record(3)).await.unwrap();
    assert_eq!(generation(&other).await, Some(3));
    // Letting go of a lock that is another's leaves it alone.
    drop(late);
    for _ in 0..3 {
        paused.read(&key()).await.unwrap();
    }
    assert_eq!(server.ask(&["EXISTS", &name(&server, ":lock")]), ":1\r\n");
    drop(waiting);
}

#[tokio::test]
async fn z12_z11_o11_everything_ends_and_scripts_are_loaded_again() {
    let server = Server::start();
    let store = store(&server);
    let held = {
        write(&store, 1).await.unwrap();
        server.ask(&["SCRIPT", "FLUSH"]);
        store.lock(&key()).await.unwrap()
    };
    let life = |name: &str| -> u64 { server.ask(&["PTTL", name]).trim().trim_start_matches(':').parse().unwrap() };
    let names = server.keys();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.iter().all(|name| life(name) > 0));
    // Whoever is killed with the lock holds the others up for no longer than this.
    assert!(life(&name(&server, ":lock")) <= 10_000);
    // A lock without an end is nobody's.
    drop(held);
    let lock = name(&server, "mark").replace(":mark", "");
    let lock = names.iter().find(|name| name.starts_with(&lock) && name.ends_with(":lock")).unwrap();
    server.ask(&["SET", lock, "stuck"]);
    let began = Instant::now();
    write(&store, 2).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// A client of the API behind `provider`, signed in as ada with the refresh token `first`.
fn client(issuer: &str, store: &TokenStore, first: &str) -> Client {
    let token = OAuth2::token_url(format!("{issuer}/token")).client("confidential", SECRET).account("ada");
    let auth = token.store(store).refresh_token(first);
    support::builder(&format!("{issuer}/-/resource")).auth(auth).build().unwrap()
}

#[tokio::test]
async fn z07_a_failover_that_loses_the_last_write_is_healed_by_who_wrote_it() {
    let (server, provider) = (Server::start(), Provider::start());
    let first = provider.grant("ada");
    let (one, two) = (store(&server), store(&server));
    let call = async |store: &TokenStore| client(provider.url(), store, &first).res("x").get().send().await;
    call(&one).await.unwrap();
    let record = name(&server, "record");
    server.ask(&["COPY", &record, "before"]);
    provider.expire_all();
    call(&one).await.unwrap();
    server.ask(&["COPY", "before", &record, "REPLACE"]);
    // The one who made the last write brings it back, and the other takes it up.
    provider.expire_all();
    call(&one).await.unwrap();
    call(&two).await.unwrap();
    assert_eq!((provider.counts().redeemed("refresh_token"), provider.counts().reuse()), (3, 0));
    // Where that process has ended, the next one has a refresh token that is over, and says what helps.
    server.ask(&["COPY", "before", &record, "REPLACE"]);
    provider.expire_all();
    let error = call(&store(&server)).await.unwrap_err();
    assert_eq!(error.code(), "auth.reauth", "{error}");
}

/// Twenty processes, each with fifty tasks, find their token ended at once.
#[test]
fn z08_twenty_processes_with_fifty_tasks_redeem_once() {
    if let Ok(issuer) = env::var("SUITE_ISSUER") {
        let redis = Redis::url(env::var("SUITE_REDIS").unwrap()).unwrap();
        let store = TokenStore::redis(&redis, KEY).unwrap();
        let client = client(&issuer, &store, &env::var("SUITE_REFRESH").unwrap());
        let calls = join_all((0..50).map(|_| client.res("x").get().send()));
        assert!(block_on(calls).unwrap().into_iter().all(|answer| answer.unwrap().is_success()));
        return;
    }
    let (server, provider) = (Server::start(), Provider::start());
    let first = provider.grant("ada");
    block_on(async { client(provider.url(), &store(&server), &first).res("x").get().send().await }).unwrap().unwrap();
    provider.expire_all();
    let run = || {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--nocapture", "--exact", "shared_tokens::z08_twenty_processes_with_fifty_tasks_redeem_once"]);
        command.env("SUITE_ISSUER", provider.url()).env("SUITE_REDIS", server.url()).env("SUITE_REFRESH", &first);
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    let children: Vec<_> = (0..20).map(|_| run()).collect();
    let ended = children.into_iter().map(|mut child| child.wait().unwrap().success());
    assert!(ended.collect::<Vec<_>>().into_iter().all(|well| well), "a process failed");
    let counts = provider.counts();
    assert_eq!((counts.redeemed("refresh_token"), counts.reuse()), (2, 0), "the first sign-in and one renewal");
}
