//! Hits in Redis, against a bare GET of the same size: C34.

#[cfg(not(feature = "redis"))]
pub fn hits(_: &str) {
    let missing = Err("run with --features redis");
    crate::report::row(
        "C34",
        "hit in Redis - a bare GET of Redis, by the clock",
        crate::report::Unit::Of("us"),
        50.0,
        missing,
    );
}

#[cfg(feature = "redis")]
pub use measured::hits;

#[cfg(feature = "redis")]
mod measured {
    use std::{
        net::{Ipv4Addr, TcpListener, TcpStream},
        process::{Child, Command, Stdio},
        time::{Duration, Instant},
    };

    use restwalk::{Cache, Redis};

    use crate::{
        cache::{again, half},
        jobs::runtime,
        measure::Figure,
        report::{Unit, note, row},
    };

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    /// A server that ends with this value.
    struct Server(Child);

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = (self.0.kill(), self.0.wait());
        }
    }

    /// A server of our own, and its URL; `None` where it is not installed.
    fn start() -> Option<(Server, String)> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?.local_addr().ok()?.port();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()]);
        let server = Server(command.stdout(Stdio::null()).spawn().ok()?);
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < until, "redis-server does not listen");
            std::thread::yield_now();
        }
        Some((server, format!("redis://127.0.0.1:{port}/0")))
    }

    pub fn hits(address: &str) {
        let (hit, bare) = measure(address).map_or_else(|why| (Err(why), Err(why)), |(hit, bare)| (Ok(hit), Ok(bare)));
        let more: Figure = hit.and_then(|hit| Ok(hit - bare?));
        row("C34", "hit in Redis - a bare GET of Redis, by the clock", Unit::Of("us"), 50.0, more);
        note("C34", "  hit in Redis, half of them", Unit::Of("us"), hit);
        note("C34", "  a bare GET of the same size", Unit::Of("us"), bare);
    }

    /// Both in turn, each on a connection that it keeps.
    fn measure(address: &str) -> Result<(f64, f64), &'static str> {
        const CALLS: usize = 5_000;
        let (_server, url) = start().ok_or("install redis-server")?;
        let cache = Cache::redis(&Redis::url(url.as_str()).unwrap(), KEY).unwrap();
        let call = again(address, cache.clone());
        runtime().block_on(async {
            let client = ::redis::Client::open(url).unwrap();
            let mut bare = client.get_multiplexed_async_connection().await.unwrap();
            let value = [b'x'; 700];
            ::redis::cmd("SET").arg("bare").arg(&value[..]).query_async::<()>(&mut bare).await.unwrap();
            call().await;
            call().await;
            assert_eq!(cache.stats().await.unwrap().hits, 1, "it is kept");
            let (mut hits, mut plain) = (Vec::new(), Vec::new());
            for _ in 0..CALLS {
                let before = Instant::now();
                call().await;
                hits.push(before.elapsed());
                let before = Instant::now();
                let found: Vec<u8> = ::redis::cmd("GET").arg("bare").query_async(&mut bare).await.unwrap();
                plain.push(before.elapsed());
                assert_eq!(found.len(), value.len());
            }
            Ok((half(hits), half(plain)))
        })
    }
}
