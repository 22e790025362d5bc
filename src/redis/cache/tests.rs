//! The store over a real Redis server.

use std::time::Instant;

use super::*;

#[expect(unreachable_pub, reason = "the suite shares it")]
#[path = "../../../tests/suite/support/redis.rs"]
mod server;

use server::Server;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

const HOUR: Duration = Duration::from_secs(3_600);

fn store_of(url: &str, key: &str) -> Answers {
    let seal = Seal::new(&Secret::from(key), "answers").unwrap();
    let prefix = format!("restwalk:cache:{}:", seal.mark());
    Answers { redis: Redis::url(url).unwrap(), seal, prefix, pending: Pending::default() }
}

fn store(server: &Server) -> Answers {
    store_of(&server.url(), KEY)
}

fn key_of(who: u8, url: &str) -> CacheKey {
    CacheKey::new([who; 32], &url.parse().unwrap()).unwrap()
}

fn key(url: &str) -> CacheKey {
    key_of(0, url)
}

fn place(url: &str) -> CachePlace {
    key(url).place()
}

async fn keep(store: &Answers, key: &CacheKey, value: &'static str) -> u64 {
    let stamp = stamp(store, key).await;
    put(store, key, Bytes::from(value), HOUR).await;
    stamp
}

async fn put(store: &Answers, key: &CacheKey, value: Bytes, life: Duration) {
    back(async || store.set(key, value.clone(), life).await).await;
}

async fn kept(store: &Answers, key: &CacheKey) -> Option<Bytes> {
    back(async || store.get(key).await).await.value
}

async fn stamp(store: &Answers, key: &CacheKey) -> u64 {
    back(async || store.get(key).await).await.stamp
}

async fn invalidate(store: &Answers, url: &str) {
    let place = place(url);
    back(async || store.invalidate(&place).await).await;
}

/// Asks again until Redis is asked again; a busy machine takes longer than an operation has.
async fn back<T>(mut ask: impl AsyncFnMut() -> Result<T>) -> T {
    let began = Instant::now();
    loop {
        match ask().await {
            Ok(found) => return found,
            Err(_) if began.elapsed() < Duration::from_secs(60) => tokio::task::yield_now().await,
            Err(error) => panic!("Redis is back, and is never asked again: {error}"),
        }
    }
}

fn name(server: &Server, marks: bool) -> String {
    server.keys().into_iter().find(|name| name.ends_with(":marks") == marks).unwrap()
}

#[tokio::test]
async fn c01_what_is_kept_for_one_is_found_by_nobody_else() {
    let server = Server::start();
    let (one, two) = (store(&server), store(&server));
    keep(&one, &key_of(1, "http://h/a"), "ada's").await;
    assert_eq!(kept(&two, &key_of(1, "http://h/a")).await.as_deref(), Some(&b"ada's"[..]));
    for other in [key_of(2, "http://h/a"), key_of(1, "http://h/a?b"), key_of(1, "http://h/A"), key_of(1, "https://h/a")]
    {
        assert_eq!(kept(&two, &other).await, None);
    }
    keep(&two, &key_of(2, "http://h/a"), "bob's").await;
    assert_eq!(kept(&one, &key_of(1, "http://h/a")).await.as_deref(), Some(&b"ada's"[..]));
    back(async || one.remove(&key_of(1, "http://h/a")).await).await;
    assert_eq!(kept(&two, &key_of(1, "http://h/a")).await, None);
    assert_eq!(kept(&two, &key_of(2, "http://h/a")).await.as_deref(), Some(&b"bob's"[..]));
}

#[tokio::test]
async fn c09_an_invalidation_counts_for_all_who_share_and_no_stamp_comes_back() {
    let server = Server::start();
    let (one, two) = (store(&server), store(&server));
    let urls = ["http://h/a", "http://h/a/b", "http://h/a/b?c", "http://h/a/b/c", "http://h/ab", "http://i/a/b"];
    let keys = urls.map(key);
    let stamps = async |store: &Answers| {
        let mut stamps = Vec::new();
        for key in &keys {
            stamps.push(stamp(store, key).await);
        }
        stamps
    };
    let first = stamps(&one).await;
    assert_eq!(stamps(&two).await, first);
    invalidate(&one, "http://h/a/b").await;
    let second = stamps(&two).await;
    let changed: Vec<_> = first.iter().zip(&second).map(|(first, second)| first != second).collect();
    assert_eq!(changed, [false, true, true, true, false, false]);
    invalidate(&two, "http://h/a/b").await;
    invalidate(&one, "http://h").await;
    let third = stamps(&two).await;
    assert!(third[..5].iter().all(|stamp| !first.contains(stamp) && !second.contains(stamp)) && third[5] == first[5]);
    // Whatever is forgotten, and when.
    let mut seen = [first, second, third].concat();
    for _ in 0..3 {
        for marks in server.keys() {
            server.ask(&["DEL", &marks]);
        }
        let next = stamps(&two).await;
        assert!(next.iter().all(|stamp| !seen.contains(stamp) && *stamp != 0));
        assert_eq!(stamps(&one).await, next);
        seen.extend(next);
    }
}

#[tokio::test]
async fn c22_marks_are_bounded_and_forgotten_as_a_whole() {
    let server = Server::start();
    let store = store(&server);
    let before = keep(&store, &key("http://h/a"), "value").await;
    let marks = name(&server, true);
    let fields: Vec<_> = (0..MOST - 1).flat_map(|field| [field.to_string(), "mark".to_owned()]).collect();
    server.ask(&[vec!["HSET", &marks], fields.iter().map(String::as_str).collect()].concat());
    assert_eq!(stamp(&store, &key("http://h/a")).await, before);
    invalidate(&store, "http://h/b").await;
    assert_eq!(server.ask(&["HLEN", &marks]), ":2\r\n");
    assert_ne!(stamp(&store, &key("http://h/a")).await, before);
}

#[tokio::test]
async fn z01_while_redis_is_away_nothing_is_kept_and_no_invalidation_is_lost() {
    for how in ["down at the start", "stopped", "refusing", "killed"] {
        let mut server = Server::start();
        let (one, two) = (store(&server), store(&server));
        let wanted = key("http://h/a/b");
        let mut before = 0;
        if how == "down at the start" {
            server.kill();
        } else {
            before = keep(&one, &wanted, "old").await;
            assert!(kept(&two, &wanted).await.is_some());
        }
        match how {
            "stopped" => server.signal("-STOP"),
            "refusing" => drop(server.ask(&["CONFIG", "SET", "maxmemory", "1"])),
            _ => server.kill(),
        }
        let began = Instant::now();
        one.invalidate(&place("http://h/a")).await.unwrap_err();
        assert!(began.elapsed() < Duration::from_millis(400), "{how}: it waited {:?}", began.elapsed());
        let began = Instant::now();
        for _ in 0..20 {
            assert!(one.get(&wanted).await.is_err() && one.set(&wanted, "new".into(), HOUR).await.is_err(), "{how}");
        }
        assert!(began.elapsed() < Duration::from_millis(500), "{how}: each waited, {:?} in all", began.elapsed());
        match how {
            "stopped" => server.signal("-CONT"),
            "refusing" => drop(server.ask(&["CONFIG", "SET", "maxmemory", "0"])),
            _ => server.restart(),
        }
        let after = stamp(&one, &wanted).await;
        assert!(after != before && after != 0, "{how}: what was invalidated is true again");
        assert_eq!(stamp(&two, &wanted).await, after, "{how}");
        assert!(one.pending.due(&wanted.place().origin(one.seal.salt())).is_none(), "{how}");
    }
}

#[tokio::test]
async fn z01_an_invalidation_that_nobody_waits_for_any_more_is_told_by_the_next_call() {
    let server = Server::start();
    let store = store(&server);
    let before = keep(&store, &key("http://h/a"), "old").await;
    drop(store.invalidate(&place("http://h/a")));
    assert_ne!(stamp(&store, &key("http://h/a")).await, before);
    invalidate(&store, "http://h/a").await;
    let before = stamp(&store, &key("http://h/a")).await;
    // What more is untrue than is remembered is untrue until everything is cleared.
    (0..300).for_each(|origin| drop(store.invalidate(&place(&format!("http://h{origin}")))));
    assert_eq!(store.get(&key("http://h/a")).await.unwrap_err().code(), "store.outdated");
    back(async || store.clear().await).await;
    assert_ne!(stamp(&store, &key("http://h/a")).await, before);
}

#[tokio::test]
async fn z02_what_is_spoilt_counts_as_none_and_is_replaced() {
    let server = Server::start();
    let store = store(&server);
    let (wanted, other) = (key("http://h/a"), key("http://h/b"));
    keep(&store, &other, "another's").await;
    let stranger = name(&server, false);
    keep(&store, &wanted, "value").await;
    let (names, marks) = (server.keys(), name(&server, true));
    let own = names.iter().find(|name| **name != stranger && **name != marks).unwrap();
    let large = "x".repeat(64 << 20);
    let spoils: [&[&[&str]]; 10] = [
        &[&["SET", own, ""]],
        &[&["SET", own, "\u{1}CNRY"]],
        &[&["SETRANGE", own, "40", "x"]],
        &[&["COPY", &stranger, own, "REPLACE"]],
        &[&["SET", own, "return redis.call('FLUSHALL')"]],
        &[&["DEL", own], &["RPUSH", own, "a"]],
        &[&["SET", own, &large]],
        &[&["DEL", &marks], &["SET", &marks, "a"]],
        &[&["HSET", &marks, "epoch", &large]],
        &[&["HDEL", &marks, "epoch"], &["HSET", &marks, "other", "a"]],
    ];
    for (at, spoil) in spoils.into_iter().enumerate() {
        for command in spoil {
            server.ask(command);
        }
        let began = Instant::now();
        assert_eq!(kept(&store, &wanted).await, None, "spoil {at}");
        keep(&store, &wanted, "value").await;
        assert_eq!(kept(&store, &wanted).await.as_deref(), Some(&b"value"[..]), "spoil {at}");
        assert!(began.elapsed() < Duration::from_secs(2), "spoil {at} took {:?}", began.elapsed());
    }
    // Who has another key neither finds it nor disturbs it.
    let stranger = store_of(&server.url(), &KEY.replace("AAEC", "BAEC"));
    keep(&stranger, &wanted, "theirs").await;
    back(async || stranger.clear().await).await;
    assert_eq!(kept(&store, &wanted).await.as_deref(), Some(&b"value"[..]));
}

#[tokio::test]
async fn z02_what_is_too_large_is_not_kept_and_leaves_nothing_older_there() {
    let server = Server::start();
    let store = store(&server);
    let wanted = key("http://h/a");
    keep(&store, &wanted, "old").await;
    for over in [0, 1, 29, 1 << 20] {
        put(&store, &wanted, vec![b'x'; LARGEST - 28 + over].into(), HOUR).await;
        assert_eq!(kept(&store, &wanted).await, None, "{over}");
    }
    let most = vec![b'x'; LARGEST - 29];
    put(&store, &wanted, most.into(), HOUR).await;
    assert_eq!(kept(&store, &wanted).await.map(|value| value.len()), Some(LARGEST - 29));
}

#[tokio::test]
async fn z03_nothing_in_redis_tells_what_is_kept_for_whom() {
    let server = Server::start();
    let store = store(&server);
    let urls = ["http://cnry/CNRY:{a}?CNRY=1", "http://cnry/%0A", "http://h/{x}", "http://h/{x}:marks"];
    for url in urls {
        keep(&store, &key(url), "CNRY").await;
        invalidate(&store, url).await;
    }
    let mut origins = std::collections::HashSet::new();
    for name in server.keys() {
        let kind = if name.ends_with(":marks") { "HGETALL" } else { "GET" };
        let all = format!("{name} {}", server.ask(&[kind, &name]));
        assert!(!all.to_lowercase().contains("cnry"), "{all}");
        let (origin, rest) = name.strip_prefix(&*store.prefix).unwrap().split_once(':').unwrap();
        let hex = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(hex(origin.trim_matches(['{', '}']), 32) && (rest == "marks" || hex(rest, 64)), "{name}");
        origins.insert(origin.to_owned());
    }
    assert_eq!(
        (server.keys().len(), origins.len()),
        (6, 2),
        "four values and two hashes of marks: {:?}",
        server.keys()
    );
    assert_eq!(format!("{store:?}"), "redis");
}

#[tokio::test]
async fn z11_a_hit_is_one_round_trip_and_a_forgotten_script_is_loaded_again() {
    let server = Server::start();
    let store = store(&server);
    let wanted = key("http://h/a/b/c/d");
    keep(&store, &wanted, "value").await;
    server.ask(&["CONFIG", "RESETSTAT"]);
    assert!(kept(&store, &wanted).await.is_some());
    let stats = server.ask(&["INFO", "commandstats"]);
    assert!(stats.contains("cmdstat_evalsha:calls=1,") && !stats.contains("cmdstat_eval:"), "{stats}");
    server.ask(&["SCRIPT", "FLUSH"]);
    assert!(kept(&store, &wanted).await.is_some());
    server.ask(&["SCRIPT", "FLUSH"]);
    put(&store, &wanted, "other".into(), HOUR).await;
    server.ask(&["SCRIPT", "FLUSH"]);
    invalidate(&store, "http://h/a").await;
    assert_eq!(kept(&store, &wanted).await.as_deref(), Some(&b"other"[..]));
}

#[tokio::test]
async fn z12_nothing_is_kept_for_ever() {
    let server = Server::start();
    let store = store(&server);
    let life = |name: &str| -> i64 { server.ask(&["PTTL", name]).trim().trim_start_matches(':').parse().unwrap() };
    let all_end = || {
        let names = server.keys();
        // One that has just ended has none; without an end it would be -1.
        assert!(!names.is_empty() && names.iter().all(|name| life(name) != -1), "{names:?}");
    };
    let wanted = key("http://h/a");
    let longest = |duration: Duration| i64::try_from(duration.as_millis()).unwrap();
    stamp(&store, &wanted).await;
    all_end();
    for life in [HOUR, Duration::ZERO, Duration::MAX, Duration::from_nanos(1)] {
        put(&store, &wanted, "value".into(), life).await;
        all_end();
    }
    put(&store, &wanted, "value".into(), Duration::MAX).await;
    let (value, marks) = (name(&server, false), name(&server, true));
    assert!(life(&value) <= longest(LONGEST) && life(&value) < life(&marks) && life(&marks) <= longest(MARKS));
    // Marks outlive whatever is written beside them.
    server.ask(&["PEXPIRE", &marks, "60000"]);
    put(&store, &wanted, "value".into(), Duration::MAX).await;
    assert!(life(&value) < life(&marks));
    for forget in [true, false] {
        server.ask(&["PERSIST", &marks]);
        if forget {
            server.ask(&["DEL", &marks]);
        }
        invalidate(&store, "http://h/a").await;
        all_end();
    }
}

#[tokio::test]
async fn what_is_kept_is_counted_listed_and_cleared() {
    let server = Server::start();
    let store = store(&server);
    server.ask(&["SET", "somebody's", "else"]);
    assert_eq!(back(async || store.usage().await).await, (0, 0));
    let urls: Vec<_> = (0..30).map(|number| format!("http://h{}/{number}", number % 3)).collect();
    for url in &urls {
        keep(&store, &key(url), "value").await;
    }
    let before = stamp(&store, &key(&urls[0])).await;
    assert_eq!(back(async || store.usage().await).await, (30, 30 * (5 + 29)));
    assert_eq!(back(async || store.list(7).await).await, vec![Bytes::from("value"); 7]);
    assert_eq!(back(async || store.list(100).await).await.len(), 30);
    back(async || store.clear().await).await;
    assert_eq!(server.keys(), ["somebody's"]);
    assert_eq!((back(async || store.usage().await).await, back(async || store.list(1).await).await.len()), ((0, 0), 0));
    // What was asked for before comes too late.
    put(&store, &key(&urls[0]), "value".into(), HOUR).await;
    assert_ne!(stamp(&store, &key(&urls[0])).await, before);
    assert_eq!(kept(&store, &key(&urls[0])).await, None);
}
