//! What sending again costs, and what it costs to be ready for it: G18.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use restwalk::{BoxFuture, Client, Result, Transport, WireBody};

use crate::{
    allocations, fixture,
    jobs::{reqwest_client, runtime},
    measure::{allocations, instructions, less, printed},
    report::{Unit, note, row},
};

fn content() -> Bytes {
    serde_json::to_vec(&fixture::body()).unwrap().into()
}

/// A PUT of 1 KiB to `path`, which is answered 200 in the end.
pub fn put(address: &str, path: &'static str) -> impl AsyncFn() + 'static {
    let client = Client::builder(format!("http://{address}")).random(|| 0.0).build().unwrap();
    let body = content();
    async move || {
        let answer = client.res(path).put().body(body.clone(), "application/json").send().await.unwrap();
        answer.bytes().await.unwrap();
    }
}

/// One attempt by prepared parts, and the reading of its refusal.
pub fn refused(address: &str) -> impl AsyncFn() + 'static {
    let (client, body) = (reqwest_client(), content());
    let url: url::Url = format!("http://{address}/refused").parse().unwrap();
    async move || {
        let mut request = reqwest::Request::new(Method::PUT, url.clone());
        request.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.clone().into());
        let answer = client.execute(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        answer.bytes().await.unwrap();
    }
}

/// Refuses two of three requests, and says how many bytes came.
#[derive(Debug, Default)]
struct Third {
    seen: AtomicU32,
}

impl Transport for Third {
    fn exchange(&self, request: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        let refused = self.seen.fetch_add(1, Relaxed) % 3 < 2;
        Box::pin(async move {
            let (mut body, mut came) = (request.into_body(), 0);
            while let Some(frame) = body.frame().await {
                came += frame.unwrap().into_data().unwrap().len();
            }
            let mut answer = http::Response::new(WireBody::full(came.to_string()));
            *answer.status_mut() = if refused { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
            Ok(answer)
        })
    }
}

/// Puts `size` bytes in three attempts and prints how many bytes of memory were asked for meanwhile.
pub fn copies(size: usize) {
    let client = Client::builder("http://host").transport(Third::default()).random(|| 0.0).build().unwrap();
    let body = Bytes::from(vec![0; size]);
    runtime().block_on(async {
        let put = async || {
            let answer = client.res("a").put().body(body.clone(), "application/octet-stream").send().await.unwrap();
            assert_eq!((answer.attempts(), answer.text().await.unwrap()), (3, size.to_string()));
        };
        put().await;
        let before = allocations::bytes();
        put().await;
        println!("{}", allocations::bytes() - before);
    });
}

pub fn retries(address: &str) {
    let copied = printed(&["copies", "16777216"]) - printed(&["copies", "131072"]);
    row("G18", "16 MiB in three attempts, copied", Unit::Of("bytes"), 0.0, Ok(copied));
    let count = |job| allocations(job, 200, address);
    row(
        "G18",
        "full job, ready to retry - never to retry",
        Unit::Of("allocs"),
        0.0,
        Ok(count("full") - count("full-off")),
    );
    let (more, bare) = (count("put-flaky") - count("put"), count("refused"));
    row("G18", "a further attempt - a bare attempt", Unit::Of("allocs"), 4.0, Ok(more - bare));
    note("G18", "  a bare attempt, refused", Unit::Of("allocs"), Ok(bare));
    let cost = |job| instructions(job, 200, address);
    let more = less(cost("put-flaky"), cost("put"));
    note("G18", "  a further attempt - a bare attempt", Unit::Of("instr"), less(more, cost("refused")));
}
