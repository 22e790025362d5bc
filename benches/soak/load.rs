//! The load: calls of two tenants of one client, each held against what it should bring.

use std::{
    error::Error as _,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use restwalk::{Auth, Catalog, Circuit, Client, Error, Outcome, Part, Redirect, Retry, Value};
use tokio::time::{Instant, interval, timeout};

use crate::{
    chance::Chance,
    gauge::{MARK, holds_secret},
    report::Tally,
    server::{Book, Server, credentials, sum},
};

/// How many calls of a tenant are in flight at most.
pub const PLACES: u32 = 32;

const CATALOG: &str = "
resources:
  things: { route: '/tenants/{tenant}/things/{id}', methods: [GET, PUT, DELETE] }
  files: { route: '/tenants/{tenant}/files/{id}', methods: [PUT] }
  orders: { route: '/tenants/{tenant}/orders/{id}', methods: { POST: { idempotency_key: true } } }
  payments: { route: '/tenants/{tenant}/payments/{id}', methods: [POST] }
  gates: { route: '/tenants/{tenant}/gates/{id}', methods: [GET] }
";

/// What is asked of the client, and what came of it.
pub struct Load {
    seed: u64,
    book: Arc<Book>,
    tenants: [(&'static str, Client); 2],
    /// Odd while the server is down or was so a moment ago: such calls may fail.
    pub storms: AtomicU32,
    pub calls: AtomicU64,
    pub in_flight: AtomicU64,
    pub succeeded: AtomicU64,
    pub cancelled: AtomicU64,
    /// Calls in fair weather, and those of them that must succeed.
    pub calm: AtomicU64,
    pub retryable: AtomicU64,
    pub failed: Tally,
    pub wrong: Tally,
    pub told: Tally,
    pub misjudged: Tally,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Get,
    /// Read by its caller, for better or worse.
    Stream,
    Put,
    Upload,
    Delete,
    Order,
    Payment,
}

impl Kind {
    fn draw(chance: &mut Chance) -> Self {
        match chance.below(20) {
            0..8 => Self::Get,
            8..10 => Self::Stream,
            10..12 => Self::Put,
            12..14 => Self::Upload,
            14 => Self::Delete,
            15..17 => Self::Order,
            _ => Self::Payment,
        }
    }
}

impl Load {
    pub fn new(server: &Server, seed: u64) -> Self {
        let quick = Duration::from_millis(1);
        let client = Client::builder(format!("http://{}", server.address))
            .catalog(Catalog::from_yaml(CATALOG, "").unwrap())
            .header("x-app-key", format!("{MARK}app-0123456789"))
            .proxy(None)
            .connect_timeout(Duration::from_secs(1))
            .headers_timeout(Duration::from_secs(1))
            .total_timeout(Duration::from_secs(10))
            .retry(Retry::standard().base(quick).throttled_base(quick).cap(Duration::from_millis(20)))
            .circuit(
                Circuit::standard()
                    .window(Duration::from_secs(2))
                    .open_for(Duration::from_millis(200))
                    .longest(Duration::from_millis(400)),
            )
            .redirect(Redirect::any_origin())
            .cookies(true)
            .build()
            .unwrap();
        let tenant = |name| {
            let [token, key] = credentials(name);
            let auth = Auth::headers([("Authorization", "Bearer {token}"), ("X-Tenant-Key", "{key}")]);
            (name, client.with_auth(auth.with("token", token).with("key", key)))
        };
        Self {
            seed,
            book: Arc::clone(&server.book),
            tenants: [tenant("a"), tenant("b")],
            storms: AtomicU32::new(0),
            calls: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            succeeded: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            calm: AtomicU64::new(0),
            retryable: AtomicU64::new(0),
            failed: Tally::new(),
            wrong: Tally::new(),
            told: Tally::new(),
            misjudged: Tally::new(),
        }
    }

    /// Makes `rate` calls a second, however long each takes.
    pub async fn drive(self: Arc<Self>, rate: u32, until: Instant) {
        let mut clock = interval(Duration::from_secs(1) / rate);
        for id in 1.. {
            if clock.tick().await >= until {
                return;
            }
            self.calls.fetch_add(1, Relaxed);
            self.in_flight.fetch_add(1, Relaxed);
            let load = Arc::clone(&self);
            tokio::spawn(async move {
                load.call(id).await;
                load.in_flight.fetch_sub(1, Relaxed);
            });
        }
    }

    /// One call from beginning to end; one in a hundred is given up on the way.
    async fn call(&self, id: u64) {
        let mut chance = Chance::of(self.seed, id);
        let (tenant, client) = &self.tenants[chance.below(2) as usize];
        let kind = Kind::draw(&mut chance);
        let patience = match chance.below(100) {
            0 => Duration::from_micros(chance.below(1_000) << (chance.below(2) * 5)),
            _ => Duration::from_secs(60),
        };
        let storms = self.storms.load(Relaxed);
        let payload = payload(tenant, kind, id, &mut chance);
        let Ok(answer) = timeout(patience, ask(client, tenant, kind, id, &payload)).await else {
            self.cancelled.fetch_add(1, Relaxed);
            return;
        };
        let calm = storms % 2 == 0 && self.storms.load(Relaxed) == storms;
        self.calm.fetch_add(calm.into(), Relaxed);
        self.retryable.fetch_add((calm && kind.must_succeed()).into(), Relaxed);
        match answer {
            Ok(answer) => {
                self.succeeded.fetch_add(1, Relaxed);
                let gone = answer.is_null() && kind == Kind::Delete && self.book.page(id).acted > 1;
                let own = answer["tenant"] == **tenant || answer["tenant"] == "away" && kind.gets();
                if !gone && !(answer["id"] == id && own && answer["sum"] == sum(&payload)) {
                    self.wrong.note(|| format!("{kind:?} {id} of {tenant} was answered by {answer}"));
                }
            }
            Err(error) => {
                self.judge(kind, id, &error);
                if calm && kind.must_succeed() {
                    self.failed.note(|| format!("{kind:?} {id}: {error:?}"));
                }
            }
        }
    }

    /// Holds an error against what the server knows, and looks for secrets in all that it prints.
    fn judge(&self, kind: Kind, id: u64, error: &Error) {
        let mut text = format!("{error}\n{error:?}\n{error:#?}");
        let mut cause = error.source();
        while let Some(error) = cause {
            text += &format!("\n{error}\n{error:?}");
            cause = error.source();
        }
        if holds_secret(text.as_bytes()) {
            self.told.note(|| text.clone());
        }
        let page = self.book.page(id);
        let so = match error.outcome() {
            Outcome::NotSent => page.acted == 0,
            Outcome::Processed => page.answered,
            _ => true,
        };
        if !so {
            let (acted, answered) = (page.acted, page.answered);
            self.misjudged.note(|| format!("{kind:?} {id}, acted on {acted} times, answered {answered}: {error:?}"));
        }
    }

    /// Asks for more than there are places at the gate, once for each tenant.
    pub async fn crowd(self: Arc<Self>) {
        let calls = self.tenants.iter().flat_map(|(tenant, client)| {
            let place = client.res("tenants").item(*tenant).res("gates");
            (0..=PLACES).map(move |n| place.item(u64::MAX / 2 + u64::from(n)).get().retry(Retry::off()))
        });
        let calls = calls.map(|call| call.headers_timeout(Duration::from_secs(9)).send());
        for answer in futures_util::future::join_all(calls).await {
            if let Err(error) = answer {
                self.wrong.note(|| format!("at the gate: {error:?}"));
            }
        }
    }
}

impl Kind {
    fn gets(self) -> bool {
        matches!(self, Self::Get | Self::Stream)
    }

    fn must_succeed(self) -> bool {
        !matches!(self, Self::Stream | Self::Payment)
    }
}

fn payload(tenant: &str, kind: Kind, id: u64, chance: &mut Chance) -> Vec<u8> {
    match kind {
        Kind::Get | Kind::Stream | Kind::Delete => Vec::new(),
        Kind::Upload => (0..chance.below(16 << 10)).map(|n| (n ^ id) as u8).collect(),
        _ => format!(r#"{{"id":{id},"note":"{MARK}{tenant}-body"}}"#).into_bytes(),
    }
}

async fn ask(client: &Client, tenant: &str, kind: Kind, id: u64, payload: &[u8]) -> Result<Value, Error> {
    let tenant = client.res("tenants").item(tenant);
    let json = |call: restwalk::Call| call.body(payload.to_vec(), "application/json");
    match kind {
        Kind::Get => tenant.res("things").item(id).get().await,
        Kind::Stream => tenant.res("things").item(id).get().send().await?.json().await,
        Kind::Delete => tenant.res("things").item(id).delete().await,
        Kind::Put => json(tenant.res("things").item(id).put()).await,
        Kind::Upload => tenant.res("files").item(id).put().upload(Part::bytes(payload.to_vec())).await,
        Kind::Order => json(tenant.res("orders").item(id).post()).await,
        Kind::Payment => json(tenant.res("payments").item(id).post()).await,
    }
}
