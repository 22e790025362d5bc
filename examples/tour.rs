//! The main job from end to end, on the embedded catalog of the MAX API and a small MAX server in this process.

use restwalk::{Catalog, Client, ErrorKind, Outcome, Value, json};

#[path = "support/max.rs"]
mod max;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (service, record) = max::service();
    let client = Client::local(service).catalog(Catalog::embedded()).actor("ada").auth(max::sign_in("tour-token"));
    let client = client.user_agent("tour").header("accept-encoding", "identity").build()?;

    let ada = client.res("people").item(":me");
    let activities = ada.res("activities");
    say("Walk: a path is data, and :me is whoever acts", &activities);
    say("Look around: what may follow /people/ada", ada.children()?.join(" "));
    say("Defaults: what a POST here holds already", activities.defaults(&http::Method::POST)?);
    let call = activities.post().set("generator", "Twitter").set("object_content", "Hello world");
    say("Explain: every key of the body, and where it came from", call.explain()?);
    let curl = call.to_curl()?.replace(" --header", " \\\n  --header").replace(" --data", " \\\n  --data");
    say("Reproduce: the same as a shell line, its secrets left to you", curl);
    let slip = client.res("people").item("ada").res("activites").get().send().await.unwrap_err();
    assert_eq!((slip.kind(), slip.outcome(), record.count()), (ErrorKind::Path, Outcome::NotSent, 0));
    say("A slip of the pen is refused before the network", slip);

    ada.post().set("displayName", "Ada Lovelace").await?;
    let status = call.send().await?.status();
    let sent = record.last();
    assert_eq!(
        sent.json(),
        json!({"generator": "Twitter", "object": {"content": "Hello world", "objectType": "note"}})
    );
    say("Send: the body is the merge of defaults and arguments", format!("{sent}  ->  {status}\n{}", sent.text()));
    let found: Value = activities.get().query("limit", 1).await?;
    say("Query", format!("{}  ->  {}", record.last(), found[0]["object"]));
    let count = activities.head().count().await?;
    say("Count", format!("{}  ->  {count}", record.last()));

    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/support/ada.svg");
    let avatar = client.path("people/ada/avatar");
    let answer = avatar.post().upload_file(picture).set("alt", "A face").await?;
    let form = record.last();
    assert!(form.text().contains("name=\"json_data\"") && form.text().contains("filename=\"ada.svg\""));
    say("Upload a file, with JSON beside it", format!("{form}  ->  {answer}"));
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("ada.svg");
    let length = avatar.get().send().await?.save(&copy).await?;
    assert_eq!(std::fs::read(copy)?, std::fs::read(picture)?);
    say("Save it: whole or not at all", format!("{}  ->  {length} bytes", record.last()));

    let refused = client.path("people/grace").get().send().await.unwrap_err();
    assert_eq!((refused.status().map(|status| status.as_u16()), refused.outcome()), (Some(404), Outcome::Processed));
    say("When the server refuses, the error says why", refused);
    Ok(())
}

fn say(title: &str, text: impl std::fmt::Display) {
    println!("{title}\n    {}\n", text.to_string().replace('\n', "\n    "));
}
