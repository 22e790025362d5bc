//! A MAX client: signed in by headers, acting as somebody, calling by path and by the name of an operation.

use restwalk::{Catalog, Client, Result, Value, json};

#[path = "support/max.rs"]
mod max;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (service, record) = max::service();
    let client = Client::local(service).catalog(Catalog::embedded()).actor("User.Name").auth(max::sign_in("token"));
    let client = client.build()?;

    // Three headers sign each request in; the token is never printed.
    client.res("people").item(":me").post().set("displayName", "User Name").await?;
    let sent = record.last();
    let signed = ["x-oauth-token", "x-oauth-username", "x-oauth-scope"].map(|name| sent.header(name));
    assert_eq!(signed, ["token", "User.Name", "widgetcli"]);
    println!("{sent}\n    as {}, by {:?}", signed[1], max::sign_in("token"));

    // A context is found by its URL, of which the catalog makes the SHA-1.
    let url = "http://atenea.upc.edu";
    client.res("contexts").post().set("url", url).set("displayName", "Atenea").await?;
    let context: Value = client.res("contexts").item(url).get().await?;
    assert_eq!(record.last().target, "/contexts/e6847aed3105e85ae603c56eb2790ce85e212997");
    println!("{}\n    {}", record.last(), context["displayName"]);

    // Operations: the actor fills the username, and any status is a reply.
    let reply = client.call("subscribe").set("object_url", url).send().await?;
    assert_eq!(record.last().json(), json!({"object": {"objectType": "context", "url": url}}));
    println!("subscribe: {} {}", reply.ok, reply.status);
    for number in 1..=12 {
        let note = format!("Note {number}");
        let posted =
            client.call("add_activity_as_context").param("url", url).set("object_content", note).send().await?;
        assert!(posted.ok, "{posted:?}");
    }
    let reply = client.call("getUser").param("username", "nobody").send().await?;
    assert!(!reply.ok);
    println!("getUser nobody: {} {}\n    {}", reply.ok, reply.status, reply.content);

    // Ten at a time unless told otherwise; HEAD counts without listing.
    let timeline = client.path("people/:me/timeline");
    let page = timeline.get().send().await?;
    let more = page.headers().contains_key("x-has-remaining-items");
    let newest: Vec<Value> = page.json().await?;
    println!("timeline: {} of {}, more: {more}", newest.len(), timeline.head().count().await?);
    let older: Vec<Value> = timeline.get().query("before", newest[9]["id"].as_str()).send_as().await?;
    println!("    then {} and {}", older[0]["object"]["content"], older[1]["object"]["content"]);
    println!("getUserTimeline, counted: {}", client.call("getUserTimeline").count().await?);

    // What may be missing is asked for with optional.
    let nobody: Option<Value> = client.res("people").item("nobody").get().optional().await?;
    println!("{}\n    {nobody:?}", record.last());
    client.res("contexts").item(url).delete().await?;
    println!("{}, {} requests in all", record.last(), record.count());
    Ok(())
}
