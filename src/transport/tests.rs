//! What the network transport says about sending again, over real sockets.

use std::{io, net::SocketAddr, sync::Arc};

use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{Http, Resolve, Settings, Transport};
use crate::{
    body::{BoxFuture, WireBody},
    error::{Again, Error, Outcome},
};

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// Reads a head, answers `answer`.
async fn answer(stream: &mut TcpStream, answer: &[u8]) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut seen).await.unwrap() == 0 {
            return;
        }
    }
    stream.write_all(answer).await.unwrap();
}

/// A server that answers each request on its connections by the next of `answers`, and closes behind the last.
async fn serving(answers: &'static [&'static [u8]]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                for bytes in answers {
                    answer(&mut stream, bytes).await;
                }
            });
        }
    });
    url
}

fn http(origin: &str, resolver: Option<Failing>) -> Http {
    let resolver = resolver.map(|resolver| Arc::new(resolver) as Arc<dyn Resolve>);
    Http::new(Settings { origin: origin.into(), resolver, ..Settings::default() }).unwrap()
}

async fn get(http: &Http, url: &str) -> Result<(), Error> {
    let request = http::Request::get(format!("{url}/x")).body(WireBody::empty()).unwrap();
    http.exchange(request).await?.into_body().collect().await.unwrap();
    Ok(())
}

struct Failing(io::ErrorKind);

impl Resolve for Failing {
    fn resolve(&self, _: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let kind = self.0;
        Box::pin(async move { Err(kind.into()) })
    }
}

#[tokio::test]
async fn n36_a_connection_that_had_answered_is_stale_and_a_fresh_one_is_not() {
    let url = serving(&[GOOD, b""]).await;
    let client = http(&url, None);
    get(&client, &url).await.unwrap();
    let stale = get(&client, &url).await.unwrap_err();
    assert_eq!((stale.again(), stale.outcome()), (Again::Stale, Outcome::MaybeProcessed), "{stale:?}");

    let url = serving(&[b""]).await;
    let fresh = get(&http(&url, None), &url).await.unwrap_err();
    assert_eq!((fresh.again(), fresh.code()), (Again::ByKind, "protocol.closed"), "{fresh:?}");
}

#[tokio::test]
async fn n36_a_reused_connection_is_known_by_every_client_of_a_transport() {
    let (one, other) = (serving(&[GOOD, b""]).await, serving(&[b""]).await);
    let client = http(&one, None);
    get(&client, &one).await.unwrap();
    let fresh = get(&client, &other).await.unwrap_err();
    assert_eq!(fresh.again(), Again::ByKind, "{fresh:?}");
    assert_eq!(get(&client, &one).await.unwrap_err().again(), Again::Stale);
}

#[tokio::test]
async fn what_would_fail_in_the_same_way_is_said() {
    for bytes in [
        &b"SSH-2.0\r\n\r\n"[..],
        b"HTTP/1.1 20x OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n1",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    ] {
        let answers: &'static [&'static [u8]] = Box::leak(Box::new([bytes]));
        let url = serving(answers).await;
        let error = get(&http(&url, None), &url).await.unwrap_err();
        assert_eq!(error.again(), Again::Never, "{error:?}");
    }
}

#[tokio::test]
async fn n03_a_name_that_has_no_address_is_told_from_a_resolver_that_failed() {
    for (kind, again) in [
        (io::ErrorKind::NotFound, Again::Never),
        (io::ErrorKind::ConnectionRefused, Again::ByKind),
        (io::ErrorKind::Other, Again::ByKind),
    ] {
        let url = "http://api.invalid";
        let error = get(&http(url, Some(Failing(kind))), url).await.unwrap_err();
        assert_eq!((error.code(), error.again(), error.outcome()), ("dns", again, Outcome::NotSent), "{error:?}");
    }
}
