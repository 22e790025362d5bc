//! N01 to N05, N52 to N54: no connection.

use std::{
    net::{Ipv6Addr, SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use restwalk::Client;

use super::{
    NAMELESS, PROXY, TIMED_OUT, UNREACHED, calls, kind, meet, outcome, scripts,
    stage::{GOOD, Names, PATIENCE},
    unsent,
};
use crate::support::{
    self,
    fault::{BlackHole, FaultServer},
    serve::closed_port,
};

#[tokio::test]
async fn n01_a_refused_connection() {
    unsent("n01", 0, UNREACHED).await;
}

#[tokio::test]
async fn n02_a_connection_that_is_never_made() {
    let hole = BlackHole::at(SocketAddr::from(([127, 0, 0, 1], 0)));
    let client = support::builder(&format!("http://{}", hole.address)).connect_timeout(PATIENCE).build().unwrap();
    for call in calls(&client) {
        assert_eq!(kind(&outcome(call).await.unwrap_err()), TIMED_OUT);
    }
}

#[tokio::test]
async fn n03_a_resolver_that_gives_nothing() {
    let builder = || support::builder("http://api.invalid").connect_timeout(PATIENCE);
    for (names, expected) in [(Names::here(0), NAMELESS), (Names::Silent, TIMED_OUT)] {
        let client = builder().resolver(names).build().unwrap();
        for call in calls(&client) {
            assert_eq!(kind(&outcome(call).await.unwrap_err()), expected);
        }
    }
}

#[tokio::test]
async fn n04_the_second_family_of_addresses_is_tried_before_the_first_has_failed() {
    let server = FaultServer::keeping(GOOD);
    let (sixth, fourth) = (Ipv6Addr::LOCALHOST, [127, 0, 0, 1]);
    let port = server.port();
    // Where there is no IPv6, connecting fails at once.
    let hole = TcpListener::bind((sixth, port)).map(|taken| {
        drop(taken);
        BlackHole::at(SocketAddr::from((sixth, port)))
    });
    let names = Names::Found(vec![(sixth, 0).into(), (fourth, 0).into()]);
    let client = support::builder(&format!("http://both.invalid:{port}")).resolver(names).build().unwrap();
    for call in calls(&client) {
        let began = Instant::now();
        assert_eq!(outcome(call).await.unwrap(), "{}");
        let took = began.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?} of 3.1 s");
    }
    drop(hole);
}

#[tokio::test]
async fn n05_all_addresses_together_have_the_time_to_connect() {
    unsent("n05", 0, UNREACHED).await;
    let hole = BlackHole::at(SocketAddr::from(([127, 0, 0, 1], 0)));
    let url = format!("http://many.invalid:{}", hole.address.port());
    let client = support::builder(&url).resolver(Names::here(8)).connect_timeout(PATIENCE * 4).build().unwrap();
    for call in calls(&client) {
        let began = Instant::now();
        assert_eq!(kind(&outcome(call).await.unwrap_err()), TIMED_OUT);
        let took = began.elapsed();
        assert!(took < PATIENCE * 16, "{took:?}, and {:?} is the limit", PATIENCE * 4);
    }
}

#[tokio::test]
async fn n52_an_answer_of_many_addresses_is_cut() {
    let server = FaultServer::keeping(GOOD);
    let alive = SocketAddr::from(([127, 0, 0, 1], server.port()));
    let dead = SocketAddr::from(([127, 0, 0, 1], closed_port()));
    let with = |dead_ones: usize| {
        let mut addresses = vec![dead; dead_ones];
        addresses.resize(1_000, alive);
        support::builder("http://many.invalid").resolver(Names::Found(addresses)).build().unwrap()
    };
    assert_eq!(outcome(with(63).res("x").get()).await.unwrap(), "{}");
    assert_eq!(kind(&outcome(with(64).res("x").get()).await.unwrap_err()), UNREACHED);
    let none = support::builder("http://none.invalid").resolver(Names::here(0)).build().unwrap();
    let error = outcome(none.res("x").get()).await.unwrap_err();
    assert_eq!(kind(&error), NAMELESS);
    let odd = support::builder("http://a_b-.c.invalid").resolver(Names::here(1)).build().unwrap();
    assert_eq!(kind(&outcome(odd.res("x").get()).await.unwrap_err()).1, "connect", "the name is the resolver's matter");
}

#[tokio::test]
async fn n53_a_proxy_that_gives_no_connection() {
    unsent("n53", 1, PROXY).await;
    unsent("n53 stall", 1, TIMED_OUT).await;
    let gone = format!("http://127.0.0.1:{}", closed_port());
    for url in ["http://api.invalid", "https://api.invalid"] {
        let client = Client::builder(url).proxy(gone.as_str()).build().unwrap();
        for call in calls(&client) {
            assert_eq!(kind(&outcome(call).await.unwrap_err()), PROXY, "{url}");
        }
    }
    let error = meet(&scripts::of("n53")[0], false, 0, 1).await.unwrap_err();
    assert!(error.to_string().contains("asks for credentials"), "{error}");
}

/// The limit on open files is a process's own, so this test runs itself with a low one.
#[cfg(unix)]
#[test]
fn n54_no_file_is_left_to_open() {
    const NAME: &str = "faults::connecting::n54_no_file_is_left_to_open";
    if let Ok(origin) = std::env::var("SUITE_ORIGIN") {
        return starve(&origin);
    }
    let origin = FaultServer::keeping(GOOD);
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env("SUITE_ORIGIN", origin.url())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
}

#[cfg(unix)]
fn starve(origin: &str) {
    use nix::sys::resource::{Resource, setrlimit};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = support::network(origin);
    setrlimit(Resource::RLIMIT_NOFILE, 64, 64).unwrap();
    runtime.block_on(async {
        let calls: Vec<_> = (0..1_000).map(|_| tokio::spawn(outcome(client.res("x").get()))).collect();
        let mut starved = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(body) => assert_eq!(body, "{}"),
                Err(error) => {
                    assert_eq!(kind(&error), UNREACHED, "{error:?}");
                    assert!(error.to_string().contains("too many files are open"), "{error}");
                    starved += 1;
                }
            }
        }
        assert!((1..1_000).contains(&starved), "{starved} of 1000 calls found no file");
        assert_eq!(outcome(client.res("x").get()).await.unwrap(), "{}", "it recovers");
    });
}
