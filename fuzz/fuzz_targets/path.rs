//! Any text as items and as a path: refused, or the same segments on the same origin.
#![no_main]

#[path = "../never.rs"]
mod never;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use never::Never;
use restwalk::Client;

static CLIENT: LazyLock<Client> =
    LazyLock::new(|| Client::builder("https://h:8443/api").transport(Never).build().expect("a valid client"));

fuzz_target!(|text: &str| {
    let items: Vec<&str> = text.split('\u{1}').collect();
    let place = items.iter().fold(CLIENT.path(""), |place, item| place.item(*item));
    if let Ok(url) = place.url() {
        let parsed = url::Url::parse(&url).expect("an accepted path is a URL");
        assert_eq!(parsed.as_str(), url);
        assert_eq!(parsed.origin().ascii_serialization(), "https://h:8443");
        assert_eq!(parsed.path_segments().expect("segments").count(), items.len() + 1);
    }
    if let Ok(url) = CLIENT.path(text).url() {
        assert_eq!(url::Url::parse(&url).expect("an accepted path is a URL").as_str(), url);
        assert!(url.starts_with("https://h:8443/api/"));
    }
});
