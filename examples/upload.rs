//! Uploads: a file, bytes, a reader and a stream; how far they are; and which of them can be sent twice.

use std::error::Error;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use restwalk::{Catalog, Client, Part, Replay};

#[path = "support/max.rs"]
mod max;

const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/support/ada.svg");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (service, record) = max::service();
    let client =
        Client::local(service).catalog(Catalog::embedded()).actor("ada").auth(max::sign_in("token")).build()?;
    let avatar = client.path("people/:me/avatar");

    let picture = Bytes::from(std::fs::read(PICTURE)?);
    let length = picture.len() as u64;
    let pieces = [picture.slice(..50), picture.slice(50..)].map(Ok::<_, std::io::Error>);
    for (source, part) in [
        ("file", Part::file(PICTURE)),
        ("bytes", Part::bytes(picture.clone()).file_name("ada.svg")),
        ("reader", Part::reader(std::io::Cursor::new(picture.clone()), Some(length)).file_name("ada.svg")),
        ("stream", Part::stream(futures_util::stream::iter(pieces), None).file_name("../../ada.svg")),
    ] {
        let call = avatar.post().upload(part).set("alt", "A face");
        let body = call.build()?.into_body();
        let length = body.length().map_or("unknown".to_owned(), |bytes| format!("{bytes} bytes"));
        println!("{source}\n    length: {length}\n    replay: {:?}", body.replay());

        call.clone().await?;
        let form = record.last().text();
        assert!(form.contains("json_data") && form.contains("\"ada.svg\"") && form.contains("image/svg+xml"), "{form}");
        assert_eq!(avatar.get().send().await?.bytes().await?, picture, "what arrived is what was sent");

        // Sent again: what can be read once only says so, and nothing leaves.
        match call.send().await {
            Ok(answer) => println!("    again:  {}", answer.status()),
            Err(error) => {
                assert_eq!(body.replay(), Replay::Once);
                println!("    again:  {:?}, {}", error.outcome(), error.source().expect("a cause"));
            }
        }
    }

    let steps = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&steps);
    avatar.post().upload_file(PICTURE).on_progress(move |step| log.lock().unwrap().push(step)).await?;
    let steps = steps.lock().unwrap();
    let last = steps.last().expect("at least one step");
    assert!(steps.is_sorted_by_key(|step| step.sent));
    assert_eq!((Some(last.sent), last.sent), (last.total, record.last().body.len() as u64));
    println!("progress\n    {} of {} bytes in {} steps", last.sent, last.total.unwrap_or_default(), steps.len());
    Ok(())
}
