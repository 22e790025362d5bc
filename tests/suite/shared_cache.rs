//! Z and C: answers that processes keep together in a real Redis server, over the whole loop.

use std::time::{Duration, Instant};

use restwalk::{Auth, Cache, Client, Redis};

use crate::support::{
    canary::{canary, find},
    redis::Server,
    script::{Script, answer},
};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn cache(server: &Server) -> Cache {
    Cache::redis(&Redis::url(server.url()).unwrap(), KEY).unwrap()
}

/// Answers with the token that it was asked with, which is fresh for an hour.
fn service() -> Script {
    Script::by(|seen| {
        let token = seen.header("authorization").unwrap_or("none").to_owned();
        answer(200).header("cache-control", "max-age=3600").body(token)
    })
}

fn client(script: &Script, server: &Server, token: &str) -> Client {
    script.builder().auth(Auth::bearer(token)).cache(&cache(server)).build().unwrap()
}

/// What was said, and whether the cache had it.
async fn call(client: &Client) -> (String, bool) {
    let answer = client.res("people").item("ada").get().send().await.unwrap();
    let kept = answer.from_cache();
    (answer.text().await.unwrap(), kept)
}

/// Calls until the cache has it, since a busy machine takes longer than an operation has.
async fn until_kept(client: &Client) -> String {
    let began = Instant::now();
    loop {
        match call(client).await {
            (text, true) => return text,
            (..) if began.elapsed() < Duration::from_secs(60) => tokio::task::yield_now().await,
            (..) => panic!("nothing is ever kept"),
        }
    }
}

#[tokio::test]
async fn c01_z03_two_who_ask_the_same_are_never_given_each_others_answers() {
    let server = Server::start();
    let (ada, bob) = (canary("ada"), canary("bob"));
    let script = service();
    for _ in 0..2 {
        // The second time it is as after a restart.
        for who in [&ada, &bob] {
            let client = client(&script, &server, who);
            assert_eq!(until_kept(&client).await, format!("Bearer {who}"));
        }
    }
    let anybody = script.builder().cache(&cache(&server)).build().unwrap();
    assert_eq!(call(&anybody).await, ("none".to_owned(), false));
    let mut all = String::new();
    for name in server.keys() {
        let kind = if name.ends_with(":marks") { "HGETALL" } else { "GET" };
        all += &format!("{name} {}", server.ask(&[kind, &name]));
    }
    assert_eq!(find(&all, &[ada, bob]), None);
    assert!(!all.contains("people") && !all.contains("max-age"), "{all}");
}

#[tokio::test]
async fn c09_what_one_process_changes_the_others_ask_for_again() {
    let server = Server::start();
    let script = service();
    let (one, two) = (client(&script, &server, "t0ken"), client(&script, &server, "t0ken"));
    let other = client(&script, &server, "another");
    for client in [&one, &two, &other] {
        until_kept(client).await;
    }
    one.res("people").post().send().await.unwrap();
    for client in [&two, &other] {
        assert!(!call(client).await.1, "what lies under the path may have changed, for whomever");
        until_kept(client).await;
    }
}

#[tokio::test]
async fn z01_without_redis_every_call_is_answered_by_the_server() {
    for how in ["down at the start", "killed", "stopped", "refusing"] {
        let mut server = Server::start();
        let script = service();
        let (one, two) = (client(&script, &server, "t0ken"), client(&script, &server, "t0ken"));
        if how == "down at the start" {
            server.kill();
        } else {
            until_kept(&one).await;
            until_kept(&two).await;
        }
        match how {
            "stopped" => server.signal("-STOP"),
            "refusing" => drop(server.ask(&["CONFIG", "SET", "maxmemory", "1"])),
            _ => server.kill(),
        }
        let began = Instant::now();
        one.res("people").post().send().await.unwrap();
        let before = script.count();
        for _ in 0..20 {
            assert_eq!(call(&one).await, ("Bearer t0ken".to_owned(), false), "{how}");
        }
        assert_eq!(script.count(), before + 20, "{how}");
        assert!(began.elapsed() < Duration::from_secs(2), "{how}: the calls waited {:?}", began.elapsed());
        match how {
            "stopped" => server.signal("-CONT"),
            "refusing" => drop(server.ask(&["CONFIG", "SET", "maxmemory", "0"])),
            _ => server.restart(),
        }
        // The one that changed something has told Redis before it takes anything from it.
        let before = script.count();
        until_kept(&one).await;
        assert!(script.count() > before, "{how}: what was changed meanwhile was given as it was");
        until_kept(&two).await;
    }
}

#[tokio::test]
async fn z12_nothing_that_the_loop_keeps_is_kept_for_ever() {
    let server = Server::start();
    let script = service();
    let client = client(&script, &server, "t0ken");
    until_kept(&client).await;
    client.res("people").post().send().await.unwrap();
    until_kept(&client).await;
    let names = server.keys();
    assert_eq!(names.len(), 2, "{names:?}");
    for name in names {
        let left = server.ask(&["PTTL", &name]);
        let left: i64 = left.trim().trim_start_matches(':').parse().unwrap();
        assert!(left > 3_500_000, "{name}: {left}");
    }
}
