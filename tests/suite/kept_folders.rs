//! C: answers that processes share in a folder, over the whole loop.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{Router, http::HeaderMap, routing::get};
use restwalk::{Auth, Cache, Client};
use tempfile::TempDir;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::canary::{canary, find};

/// A service that counts how often it is asked, and the folder in which its answers are kept.
struct Stage {
    home: TempDir,
    asked: Arc<AtomicU32>,
}

impl Stage {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), asked: Arc::default() }
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("cache")
    }

    /// A client of whoever signs in with `token`, as a process that has just started would have it.
    fn client(&self, token: &str) -> Client {
        self.client_of(token, &Cache::disk(self.folder()))
    }

    fn client_of(&self, token: &str, cache: &Cache) -> Client {
        let asked = Arc::clone(&self.asked);
        let whose = move |headers: HeaderMap| {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            let token = headers["authorization"].to_str().unwrap().trim_start_matches("Bearer ").len();
            async move { ([("cache-control", "max-age=600")], format!("[{token}, {number}]")) }
        };
        let service = Router::new().route("/{*path}", get(whose).post(|| async { "{}" }));
        Client::local(service).auth(Auth::bearer(token.to_owned())).cache(cache).build().unwrap()
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }

    /// The files of values.
    fn values(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.file_name().unwrap().len() == 64).collect()
    }
}

/// What is given, read to its end, and whether it was kept.
async fn read(client: &Client, path: &str) -> (String, bool) {
    let response = client.path(path).get().send().await.unwrap();
    let kept = response.from_cache();
    (response.text().await.unwrap(), kept)
}

async fn text(client: &Client, path: &str) -> String {
    read(client, path).await.0
}

#[tokio::test]
async fn c01_after_a_restart_each_is_given_what_is_its_own() {
    let stage = Stage::new();
    let (ada, bob) = (canary("ada"), canary("bob-1"));
    for (token, expected) in [(&ada, "[24, 0]"), (&bob, "[24, 1]")] {
        assert_eq!(read(&stage.client(token), "people").await, (expected.to_owned(), false));
        assert_eq!(read(&stage.client(token), "people").await, (expected.to_owned(), true));
    }
    assert_eq!(stage.values().len(), 2);
    for path in stage.values() {
        let bytes = fs::read(&path).unwrap();
        let kept = String::from_utf8_lossy(&bytes);
        assert_eq!(find(&format!("{kept}{}", path.display()), [&ada, &bob]), None);
        assert!(!kept.to_lowercase().contains("authorization"), "{kept}");
    }
}

#[tokio::test]
async fn what_one_process_changes_is_not_given_by_another() {
    let stage = Stage::new();
    let (reader, writer) = (stage.client("ada"), stage.client("bob"));
    for (path, given) in [("people/ada/activities", false), ("people/ada/activities/7", false), ("people/bob", true)] {
        assert!(!read(&reader, path).await.1 && read(&reader, path).await.1, "{path}");
        writer.path("people/ada/activities").post().send().await.unwrap();
        assert_eq!(read(&reader, path).await.1, given, "{path}");
    }
}

/// Puts `damage` in the place of the only value, and asks again.
async fn damaged(stage: &Stage, damage: impl FnOnce(&Path, Vec<u8>) -> Vec<u8>) -> bool {
    let [value] = &stage.values()[..] else { panic!("{:?}", stage.values()) };
    let before = stage.asked();
    let bytes = damage(value, fs::read(value).unwrap());
    fs::write(value, bytes).unwrap();
    let body = text(&stage.client("ada"), "people").await;
    assert_eq!(body, format!("[3, {before}]"), "what is given is what the server says now");
    stage.asked() == before + 1
}

#[tokio::test]
async fn c23_a_spoilt_value_is_missed_and_replaced_and_no_wrong_body_given() {
    let stage = Stage::new();
    text(&stage.client("ada"), "people").await;
    let length = fs::read(&stage.values()[0]).unwrap().len();
    for at in 0..length {
        // Of the date until which it is kept, a change that gives it more time is none that could be seen.
        if (16..24).contains(&at) {
            continue;
        }
        let flip = |_: &Path, mut bytes: Vec<u8>| {
            bytes[at] ^= 1 << (at % 8);
            bytes
        };
        assert!(damaged(&stage, flip).await, "byte {at} of {length}");
    }
    for length in (0..length).step_by(7) {
        let cut = |_: &Path, bytes: Vec<u8>| bytes[..length].to_vec();
        assert!(damaged(&stage, cut).await, "cut to {length}");
    }
    assert!(damaged(&stage, |_, bytes| [bytes, vec![0]].concat()).await, "a byte more");
}

#[tokio::test]
async fn c23_the_file_of_another_key_is_no_value() {
    let stage = Stage::new();
    text(&stage.client("ada"), "people").await;
    let one = stage.values().remove(0);
    text(&stage.client("hackers"), "people").await;
    let other = stage.values().into_iter().find(|path| *path != one).unwrap();
    fs::copy(other, &one).unwrap();
    assert_eq!(text(&stage.client("ada"), "people").await, "[3, 2]");
    assert_eq!(text(&stage.client("hackers"), "people").await, "[7, 1]");
}

/// What was logged.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logged {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn c25_a_folder_that_cannot_be_used_fails_no_call_and_is_told_once() {
    let logged = Logged::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(logged.clone());
    let _logs = tracing::subscriber::set_default(subscriber.finish());
    let stage = Stage::new();
    fs::write(stage.folder(), "").unwrap();
    let cache = Cache::disk(stage.folder());
    for number in 0..3 {
        let client = stage.client_of("ada", &cache);
        assert_eq!(text(&client, "people").await, format!("[3, {number}]"));
        client.res("people").post().send().await.unwrap();
    }
    let logged = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    assert_eq!(logged.lines().count(), 1, "{logged}");
    assert!(logged.contains("the cache cannot be used") && logged.contains("store.permission"), "{logged}");
    // Once it can be used, it is.
    fs::remove_file(stage.folder()).unwrap();
    let client = stage.client_of("ada", &cache);
    assert!(!read(&client, "people").await.1 && read(&client, "people").await.1);
}
