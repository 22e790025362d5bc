//! A token at hand and how it is renewed: G20, W12.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use nix::sys::resource::UsageWho;
use restwalk::{BoxFuture, Client, OAuth2, Result, Transport, WireBody};
use tokio::runtime::Builder;

use crate::{
    jobs::Run,
    measure::{cpu, instructions, median},
    report::{Unit, note, row},
};

/// How long the token endpoint takes.
const TRIP: Duration = Duration::from_millis(5);

/// An API that takes no time, and a token endpoint that takes [`TRIP`] and counts.
#[derive(Debug, Default)]
struct Server(AtomicU64);

impl Transport for Server {
    fn exchange(&self, request: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        Box::pin(async move {
            if request.uri().path() != "/token" {
                return Ok(http::Response::new(WireBody::full("{}")));
            }
            self.0.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(TRIP).await;
            let body = r#"{"access_token":"b3c1d2","token_type":"Bearer","expires_in":3600}"#;
            Ok(http::Response::new(WireBody::full(body)))
        })
    }
}

fn client(server: &Arc<Server>) -> Client {
    let auth = OAuth2::token_url("https://id.test/token").client("cid", "secret").client_credentials();
    Client::builder("https://api.test").transport(Arc::clone(server)).auth(auth).build().unwrap()
}

/// Reads the token at hand.
pub fn read() -> Run {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let session = client(&Arc::default()).auth().unwrap();
    runtime.block_on(session.token()).unwrap();
    Box::new(move |calls| {
        runtime.block_on(async {
            for _ in 0..calls {
                drop(session.token().await.unwrap());
            }
        });
    })
}

/// 1,000 tasks call so many times, each time without a token where it is `over`: the token requests, and how long 99 % of
/// the calls take at most, in milliseconds.
fn stampede(rounds: usize, over: bool) -> (u64, f64) {
    const TASKS: usize = 1_000;
    let server = Arc::<Server>::default();
    let client = client(&server);
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let mut times = runtime.block_on(async {
        let mut times = Vec::new();
        for _ in 0..rounds {
            if over {
                client.auth().unwrap().invalidate();
            }
            let task = || {
                let client = client.clone();
                tokio::spawn(async move {
                    let start = Instant::now();
                    client.res("a").get().send().await.unwrap();
                    start.elapsed().as_secs_f64() * 1e3
                })
            };
            times.extend(join_all((0..TASKS).map(|_| task())).await.into_iter().map(|time| time.unwrap()));
        }
        times
    });
    times.sort_by(f64::total_cmp);
    (server.0.load(Ordering::Relaxed), times[times.len() * 99 / 100])
}

pub fn tokens(_: &str) {
    const CALLS: u64 = 1_000_000;
    let mut run = read();
    let times = (0..5).map(|_| {
        let before = cpu(UsageWho::RUSAGE_SELF);
        run(CALLS);
        (cpu(UsageWho::RUSAGE_SELF) - before) * 1e9 / CALLS as f64
    });
    row("G20", "the token at hand, read, CPU", Unit::Of("ns"), 50.0, Ok(median(times.collect())));
    note("G20", "  the same", Unit::Of("instr"), instructions("token", 1_000, "-"));
    let (requests, _) = stampede(1, true);
    row("G20", "token requests of 1,000 tasks without a token", Unit::Of(""), 1.0, Ok(requests as f64));
    let (requests, late) = stampede(100, true);
    row("W12", "token requests of 1,000 tasks, 100 times", Unit::Of(""), 100.0, Ok(requests as f64));
    let added = late - stampede(100, false).1;
    let trip = TRIP.as_secs_f64() * 1e3;
    row("W12", "  99 % of the calls, later than with a token", Unit::Of("ms"), trip + 5.0, Ok(added));
}
