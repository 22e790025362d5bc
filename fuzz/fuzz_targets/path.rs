//! Any text as items and as a path: refused, or the same segments on the same origin.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use restwalk::Client;

static CLIENT: LazyLock<Client> =
    LazyLock::new(|| Client::builder("https://h:8443/api").transport(Never).build().expect("a valid client"));

#[derive(Debug)]
struct Never;

impl restwalk::Transport for Never {
    fn exchange(
        &self,
        _: http::Request<restwalk::WireBody>,
    ) -> restwalk::BoxFuture<'_, restwalk::Result<http::Response<restwalk::WireBody>>> {
        Box::pin(async { Err(restwalk::Error::new(restwalk::ErrorKind::Request, "nothing is sent here")) })
    }
}

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
