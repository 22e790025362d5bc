//! Any names and contents as parts: refused, or a form of the length that it announces, with as many parts.
#![no_main]

#[path = "../never.rs"]
mod never;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use never::Never;
use restwalk::{Client, Part};

static CLIENT: LazyLock<Client> =
    LazyLock::new(|| Client::builder("https://h").transport(Never).build().expect("a valid client"));

fuzz_target!(|text: &str| {
    let mut call = CLIENT.res("files").post();
    let mut parts = 0;
    for line in text.split('\u{1}') {
        let mut words = line.splitn(4, '\u{2}');
        let mut part = Part::bytes(words.next().unwrap_or_default().to_owned());
        if let Some(field) = words.next() {
            part = part.named(field);
        }
        if let Some(name) = words.next() {
            part = part.file_name(name);
        }
        if let Some(kind) = words.next() {
            part = part.content_type(kind);
        }
        parts += 1;
        call = call.upload(part);
    }
    let Ok(request) = call.build() else { return };
    let kind = request.headers()["content-type"].to_str().expect("a readable type").to_owned();
    let boundary = kind.split_once("boundary=").expect("a boundary").1.to_owned();
    let body = whole(request.body());
    assert_eq!(Some(body.len() as u64), request.body().length());
    let text = String::from_utf8_lossy(&body);
    assert_eq!(text.matches(&format!("--{boundary}\r\n")).count(), parts);
    assert!(text.ends_with(&format!("--{boundary}--\r\n")));
    for head in text.split(&format!("--{boundary}\r\n")).skip(1) {
        let lines = head.split("\r\n\r\n").next().unwrap_or_default().split("\r\n").count();
        assert_eq!(lines, 2, "a part has a disposition and a type: {head:?}");
    }
});

fn whole(body: &restwalk::Body) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut wire = body.open().await.expect("bytes open");
        let mut out = Vec::new();
        loop {
            let frame = std::future::poll_fn(|cx| {
                http_body::Body::poll_frame(std::pin::Pin::new(&mut wire), cx)
            });
            match frame.await {
                Some(frame) => out.extend_from_slice(&frame.expect("bytes are read").into_data().unwrap_or_default()),
                None => return out,
            }
        }
    })
}
