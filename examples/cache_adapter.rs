//! A cache under test: requests as JSON lines on standard input, answers as JSON lines on standard output.
//!
//! A request is `{"id":1,"method":"GET","url":"…","headers":[["k","v"]],"body":null,"cache":null,"redirect":"follow"}`, an
//! answer `{"id":1,"status":200,"reason":"OK","headers":[["k","v"]],"body":"…"}` or `{"id":1,"error":"…"}`. Each request is
//! sent at once, whatever the others do.

use std::io::Write;

use http_body_util::BodyExt;
use restwalk::{Cache, Call, Client, Error, ErrorKind, Redirect, Response, Retry, Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

/// Headers of ours that the suite did not ask for.
const OWN: [&str; 2] = ["accept", "accept-encoding"];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache = Cache::memory().heuristics(true).store_errors(true).store_cookies(true);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let (mut clients, mut tasks) = (Clients { cache, known: Vec::new() }, tokio::task::JoinSet::new());
    while let Some(line) = lines.next_line().await? {
        let asked: Value = serde_json::from_str(&line)?;
        let call = clients.call(&asked)?;
        tasks.spawn(async move {
            let answer = match answer(call).await {
                Ok(answer) => answer,
                Err(error) => failure(&error),
            };
            tell(&asked["id"], answer);
        });
    }
    while tasks.join_next().await.is_some() {}
    Ok(())
}

/// One client for each origin and way to treat redirects, and one cache for all.
struct Clients {
    cache: Cache,
    known: Vec<(String, bool, Client)>,
}

impl Clients {
    fn call(&mut self, asked: &Value) -> Result<Call, Error> {
        let text = |name: &str| asked[name].as_str().unwrap_or_default();
        let (url, follow) = (text("url"), text("redirect") != "manual");
        let origin = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let known = self.known.iter().find(|(known, follows, _)| *known == origin && *follows == follow);
        let client = if let Some((.., client)) = known {
            client.clone()
        } else {
            let redirect = if follow { Redirect::any_origin() } else { Redirect::off() };
            let client = Client::builder(&origin).cache(&self.cache).retry(Retry::off()).redirect(redirect).build()?;
            self.known.push((origin, follow, client.clone()));
            client
        };
        let mut call = client.at(url).method(text("method"));
        for name in OWN {
            call = call.unset_header(name);
        }
        for field in asked["headers"].as_array().into_iter().flatten() {
            call = call.header(field[0].as_str().unwrap_or_default(), field[1].as_str().unwrap_or_default());
        }
        // A reload, as the Fetch standard has it.
        if text("cache") == "no-cache" {
            call = call.header("cache-control", "max-age=0");
        }
        match asked["body"].as_str() {
            Some(body) => Ok(call.body(body.to_owned(), "text/plain")),
            None => Ok(call),
        }
    }
}

async fn answer(call: Call) -> Result<Value, Error> {
    let response: Response = call.send_raw().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let fields: Vec<_> = headers.iter().map(|(name, value)| json!([name.as_str(), latin1(value.as_bytes())])).collect();
    let body = response.into_body().collect().await;
    let body =
        body.map_err(|error| Error::new(ErrorKind::Protocol, "the body was lost").with_source(error))?.to_bytes();
    let reason = status.canonical_reason().unwrap_or_default();
    Ok(
        json!({ "status": status.as_u16(), "reason": reason, "headers": fields, "body": String::from_utf8_lossy(&body) }),
    )
}

/// A server that cannot be reached is a gateway's failure, and a cache that may not ask one likewise.
fn failure(error: &Error) -> Value {
    match error.kind() {
        ErrorKind::Connect | ErrorKind::Protocol | ErrorKind::Timeout => {
            json!({ "status": 502, "reason": "Bad Gateway", "headers": [], "body": "" })
        }
        ErrorKind::Store => json!({ "status": 504, "reason": "Gateway Timeout", "headers": [], "body": "" }),
        _ => json!({ "error": error.to_string() }),
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn tell(id: &Value, mut answer: Value) {
    answer["id"] = id.clone();
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{answer}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}
