//! What is too long to be kept passes through, and takes no more memory than without a cache.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use restwalk::{BoxFuture, Cache, Client, Result, Transport, WireBody};

/// Answers bodies without an announced length, of so many blocks of 64 KiB.
#[derive(Debug)]
struct Long(usize);

impl Transport for Long {
    fn exchange(&self, _: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        static BLOCK: [u8; 64 << 10] = [b'x'; 64 << 10];
        let blocks = (0..self.0).map(|_| Ok::<_, Infallible>(Frame::data(Bytes::from_static(&BLOCK))));
        let mut answer = http::Response::new(WireBody::new(StreamBody::new(stream::iter(blocks))));
        answer.headers_mut().insert("cache-control", "max-age=900".parse().unwrap());
        answer.headers_mut().insert("transfer-encoding", "chunked".parse().unwrap());
        Box::pin(std::future::ready(Ok(answer)))
    }
}

/// Reads the body of one call, and says how long it was and whether it came from the cache.
async fn read(client: &Client) -> (usize, bool) {
    let answer = client.res("x").get().send().await.unwrap();
    let (kept, mut length, mut body) = (answer.from_cache(), 0, answer.stream());
    while let Some(piece) = body.next().await {
        length += piece.unwrap().len();
    }
    (length, kept)
}

fn client(cache: &Cache, blocks: usize) -> Client {
    Client::builder("http://h").transport(Long(blocks)).cache(cache).build().unwrap()
}

#[tokio::test]
async fn c21_a_body_over_the_limit_of_an_entry_is_given_and_not_kept() {
    for (blocks, kept) in [(1, true), (16, true), (17, false), (64, false)] {
        let cache = Cache::memory();
        let client = client(&cache, blocks);
        for time in 0..2 {
            assert_eq!(read(&client).await, (blocks << 16, kept && time == 1), "{blocks}");
        }
        assert_eq!(cache.stats().await.unwrap().entries, u64::from(kept), "{blocks}");
    }
}

/// In a process of its own, whose memory is no other test's.
#[cfg(all(feature = "http", target_os = "linux"))]
#[test]
fn c21_an_answer_of_512_mib_passes_in_constant_memory() {
    const NAME: &str = "caching::passing::c21_an_answer_of_512_mib_passes_in_constant_memory";
    if std::env::var_os("SUITE_LONG").is_none() {
        crate::support::again(NAME, &[("SUITE_LONG", "1")]);
        return;
    }
    let cache = Cache::memory();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(read(&client(&cache, 64))).0, 4 << 20);
    let before = memory("VmRSS");
    assert_eq!(runtime.block_on(read(&client(&cache, 8 << 10))).0, 512 << 20);
    let more = memory("VmHWM").saturating_sub(before);
    assert!(before > 0 && more <= 8 << 10, "{more} KiB more");
}

/// A line of this process's memory, in KiB.
#[cfg(all(feature = "http", target_os = "linux"))]
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().nth(1)?.parse().ok());
    line.unwrap_or_default()
}
