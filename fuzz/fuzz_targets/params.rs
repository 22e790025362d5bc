//! Any names and values as arguments: refused, or a body that is valid JSON and is explained key by key.
#![no_main]

#[path = "../never.rs"]
mod never;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use never::Never;
use restwalk::{Catalog, Client, Value};

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    Client::builder("https://h").catalog(Catalog::embedded()).transport(Never).build().expect("a valid client")
});

fuzz_target!(|text: &str| {
    let mut call = CLIENT.path("people/ada/activities").post();
    for line in text.lines() {
        call = match line.split_once('=') {
            Some(("!", name)) => call.unset(name),
            Some(("?", value)) => call.query("q", value),
            Some((name, json)) => match serde_json::from_str::<Value>(json) {
                Ok(value) => call.set(name, value),
                Err(_) => call.set(name, json),
            },
            None => match serde_json::from_str::<Value>(line) {
                Ok(value) => call.json(value),
                Err(_) => call,
            },
        };
    }
    let Ok(request) = call.build() else { return };
    let explained = call.explain().expect("what is built is explained");
    if let Some(bytes) = request.body().as_bytes() {
        let body: Value = serde_json::from_slice(bytes).expect("a body is JSON");
        for entry in explained.body {
            if let Some(value) = entry.value {
                let value: Value = serde_json::from_str(&value).expect("a value is JSON");
                assert_eq!(body.pointer(&entry.pointer), Some(&value), "{}", entry.pointer);
            }
        }
    }
});
