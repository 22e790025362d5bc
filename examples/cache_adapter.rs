//! A cache under test: requests as JSON lines on standard input, answers as JSON lines on standard output.
//!
//! A request is `{"id":1,"method":"GET","url":"…","headers":[["k","v"]],"body":null,"cache":null,"redirect":"follow"}`, an
//! answer `{"id":1,"status":200,"reason":"OK","headers":[["k","v"]],"body":"…"}` or `{"id":1,"error":"…"}`. Each request is
//! sent at once, whatever the others do. The wire is a plain one: what is under test is the cache, and an answer may
//! name a transfer coding that nobody knows. The transport of the library refuses such an answer (`protocol.framing`).

use std::io::Write;

use http_body_util::BodyExt;
use restwalk::{
    BoxFuture, Cache, Call, Client, Error, ErrorKind, Redirect, Response, Retry, Transport, Value, WireBody, http, json,
};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache = Cache::memory().heuristics(true).store_errors(true).store_cookies(true);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let wire = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).retry(reqwest::retry::never());
    let wire = Wire(wire.no_proxy().build()?);
    let mut tasks = tokio::task::JoinSet::new();
    while let Some(line) = lines.next_line().await? {
        let asked: Value = serde_json::from_str(&line)?;
        let call = call(&cache, &wire, &asked)?;
        tasks.spawn(async move {
            tell(&asked["id"], answer(call).await.unwrap_or_else(|error| failure(&error)));
        });
    }
    while tasks.join_next().await.is_some() {}
    Ok(())
}

/// Carries what it is given, and reads a body of an unknown transfer coding to the connection's end (RFC 9112, 6.3).
#[derive(Clone, Debug)]
struct Wire(reqwest::Client);

impl Transport for Wire {
    fn exchange(&self, call: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>, Error>> {
        Box::pin(async move {
            let lost = |error: reqwest::Error| Error::new(ErrorKind::Protocol, "no answer came").with_source(error);
            let call = call.map(|body| body.into_bytes().unwrap_or_default()).try_into().map_err(lost)?;
            let answer = self.0.execute(call).await.map_err(lost)?;
            Ok(http::Response::from(answer).map(WireBody::new))
        })
    }
}

/// The call that is asked for; what is kept and who waits for whom is the cache's, whichever client it is called by.
fn call(cache: &Cache, wire: &Wire, asked: &Value) -> Result<Call, Error> {
    let text = |name: &str| asked[name].as_str().unwrap_or_default();
    let origin = text("url").splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let redirect = if text("redirect") == "manual" { Redirect::off() } else { Redirect::any_origin() };
    let client = Client::builder(origin).transport(wire.clone()).cache(cache).retry(Retry::off()).redirect(redirect);
    let call = client.build()?.at(text("url")).method(text("method"));
    let mut call = call.unset_header("accept").unset_header("accept-encoding");
    for field in asked["headers"].as_array().into_iter().flatten() {
        call = call.header(field[0].as_str().unwrap_or_default(), field[1].as_str().unwrap_or_default());
    }
    // A reload, as the Fetch standard has it.
    if text("cache") == "no-cache" {
        call = call.header("cache-control", "max-age=0");
    }
    Ok(match asked["body"].as_str() {
        Some(body) => call.body(body.to_owned(), "text/plain"),
        None => call,
    })
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
