//! The one seam: a transport that keeps a log of what another carries, and one that loses an answer.

use std::sync::{Arc, Mutex};

use http::{Request, Response};
use restwalk::{
    BoxFuture, Catalog, Client, Error, ErrorKind, Local, Outcome, Result, Transport, UrlTemplate, WireBody,
};

#[path = "support/max.rs"]
mod max;

/// Notes method, route template and status: never a filled URL, which may hold a name.
#[derive(Debug)]
struct Logged<T>(T, Arc<Mutex<Vec<String>>>);

impl<T: Transport> Transport for Logged<T> {
    fn exchange(&self, request: Request<WireBody>) -> BoxFuture<'_, Result<Response<WireBody>>> {
        let template = request.extensions().get::<UrlTemplate>().map_or("", |template| &template.0);
        let label = format!("{} {template}", request.method());
        Box::pin(async move {
            let answer = self.0.exchange(request).await;
            let end = answer.as_ref().map_or_else(|error| format!("{:?}", error.kind()), |it| it.status().to_string());
            self.1.lock().unwrap().push(format!("{label}  ->  {end}"));
            answer
        })
    }
}

/// Loses the answer to each POST whose path ends so, after the server has acted.
#[derive(Debug)]
struct Lossy<T>(T, &'static str);

impl<T: Transport> Transport for Lossy<T> {
    fn exchange(&self, request: Request<WireBody>) -> BoxFuture<'_, Result<Response<WireBody>>> {
        let lost = request.method() == "POST" && request.uri().path().ends_with(self.1);
        Box::pin(async move {
            let answer = self.0.exchange(request).await?;
            let error = Error::new(ErrorKind::Protocol, "the connection was lost");
            if lost { Err(error.with_outcome(Outcome::MaybeProcessed)) } else { Ok(answer) }
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (service, record) = max::service();
    let log = Arc::new(Mutex::new(Vec::new()));
    let transport = Logged(Lossy(Local::new(service), "/activities"), Arc::clone(&log));
    let client = Client::builder("https://max.example.com").transport(transport).actor("ada");
    let client = client.catalog(Catalog::embedded()).auth(max::sign_in("token")).build()?;

    client.path("people/:me").post().await?;
    let error = client.path("people/:me/activities").post().set("object_content", "Hi").await.unwrap_err();
    println!("{error}\nkind {:?}, outcome {:?}, attempts {}", error.kind(), error.outcome(), error.attempts());
    let posted = client.path("people/:me/activities").head().count().await?;
    assert_eq!((posted, record.count()), (1, 3), "the activity stands, though its answer was lost");
    println!("posted all the same: {posted}\n\n{}", log.lock().unwrap().join("\n"));
    Ok(())
}
