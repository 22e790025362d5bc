//! The load: calls of two tenants of one client, each held against what it should bring.

use std::{
    error::Error as _,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

use restwalk::{Auth, Call, Catalog, Circuit, Client, Error, Limit, Outcome, Part, Redirect, Result, Retry, Value};
use tokio::time::{Instant, interval};

use crate::{
    gauge::{Chance, MARK, holds_secret},
    report::{CROSSED, FAILED, MISJUDGED, TOLD},
    server::{Book, Server, credentials, sum},
};

/// How many calls of a tenant are in flight at most.
pub const PLACES: u32 = 32;

/// Odd while the server is away or was so a moment ago; a call that saw no change of an even number had fair weather.
pub static STORMS: AtomicU64 = AtomicU64::new(0);
pub static CALLS: AtomicU64 = AtomicU64::new(0);
pub static IN_FLIGHT: AtomicU64 = AtomicU64::new(0);
pub static SUCCEEDED: AtomicU64 = AtomicU64::new(0);
pub static CANCELLED: AtomicU64 = AtomicU64::new(0);
/// Calls in fair weather, and those of them that must succeed.
pub static CALM: AtomicU64 = AtomicU64::new(0);
pub static SAFE: AtomicU64 = AtomicU64::new(0);

const CATALOG: &str = "
resources:
  things: { route: '/tenants/{tenant}/things/{id}', methods: [GET, PUT, DELETE] }
  files: { route: '/tenants/{tenant}/files/{id}', methods: [PUT] }
  orders: { route: '/tenants/{tenant}/orders/{id}', methods: { POST: { idempotency_key: true } } }
  payments: { route: '/tenants/{tenant}/payments/{id}', methods: [POST] }
  gates: { route: '/tenants/{tenant}/gates/{id}', methods: [GET] }
";

pub struct Load {
    seed: u64,
    book: Arc<Book>,
    tenants: [(&'static str, Client); 2],
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Get,
    /// Its answer is read by the caller, when the attempt is over.
    Stream,
    Put,
    Upload,
    Delete,
    /// A POST with a key that the client makes, and one without.
    Order,
    Payment,
}

impl Kind {
    /// Some more of those that are at risk than in life.
    const MIX: [Self; 12] = {
        use Kind::{Delete, Get, Order, Payment, Put, Stream, Upload};
        [Get, Get, Get, Get, Stream, Put, Upload, Delete, Order, Order, Payment, Payment]
    };

    fn must_succeed(self) -> bool {
        !matches!(self, Self::Stream | Self::Payment)
    }

    fn payload(self, tenant: &str, id: u64, chance: &mut Chance) -> Vec<u8> {
        match self {
            Self::Get | Self::Stream | Self::Delete => Vec::new(),
            Self::Upload => (0..chance.below(16 << 10)).map(|n| (n ^ id) as u8).collect(),
            _ => format!(r#"{{"id":{id},"note":"{MARK}{tenant}-body"}}"#).into_bytes(),
        }
    }

    async fn ask(self, client: &Client, tenant: &str, id: u64, payload: &[u8]) -> Result<Value> {
        let tenant = client.res("tenants").item(tenant);
        let json = |call: Call| call.body(payload.to_vec(), "application/json");
        let call = match self {
            Self::Get => tenant.res("things").item(id).get(),
            Self::Stream => return tenant.res("things").item(id).get().send().await?.json().await,
            Self::Delete => tenant.res("things").item(id).delete(),
            Self::Put => json(tenant.res("things").item(id).put()),
            Self::Upload => tenant.res("files").item(id).put().upload(Part::bytes(payload.to_vec())),
            Self::Order => json(tenant.res("orders").item(id).post()),
            Self::Payment => json(tenant.res("payments").item(id).post()),
        };
        call.send_as().await
    }
}

impl Load {
    pub fn new(server: &Server, seed: u64) -> Self {
        let ms = Duration::from_millis;
        let client = Client::builder(format!("http://{}", server.address))
            .catalog(Catalog::from_yaml(CATALOG, "").unwrap())
            .header("x-app-key", format!("{MARK}app-0123456789"))
            .proxy(None)
            .headers_timeout(ms(1_000))
            .total_timeout(ms(10_000))
            .retry(Retry::standard().base(ms(1)).throttled_base(ms(1)).cap(ms(20)))
            .circuit(Circuit::standard().window(ms(2_000)).open_for(ms(200)).longest(ms(400)))
            .limit(Limit::new().concurrency(PLACES))
            .redirect(Redirect::any_origin())
            .cookies(true)
            .build()
            .unwrap();
        let tenant = |name| {
            let [token, key] = credentials(name);
            let auth = Auth::headers([("Authorization", "Bearer {token}"), ("X-Tenant-Key", "{key}")]);
            (name, client.with_auth(auth.with("token", token).with("key", key)))
        };
        Self { seed, book: Arc::clone(&server.book), tenants: [tenant("a"), tenant("b")] }
    }

    /// Makes `rate` calls a second, however long each takes.
    pub async fn drive(self: Arc<Self>, rate: u32, until: Instant) {
        let mut clock = interval(Duration::from_secs(1) / rate);
        for id in 1.. {
            if clock.tick().await >= until {
                return;
            }
            CALLS.fetch_add(1, Relaxed);
            IN_FLIGHT.fetch_add(1, Relaxed);
            let load = Arc::clone(&self);
            tokio::spawn(async move {
                load.call(id).await;
                IN_FLIGHT.fetch_sub(1, Relaxed);
            });
        }
    }

    /// One call from beginning to end; one in eighty is given up on the way.
    async fn call(&self, id: u64) {
        let mut chance = Chance::of(self.seed, id);
        let (tenant, client) = &self.tenants[chance.below(2) as usize];
        let kind = Kind::MIX[chance.below(12) as usize];
        let patience = if chance.below(80) == 0 { chance.below(4) } else { u64::MAX };
        let payload = kind.payload(tenant, id, &mut chance);
        let storms = STORMS.load(Relaxed);
        let Some(answer) = patiently(kind.ask(client, tenant, id, &payload), patience).await else {
            CANCELLED.fetch_add(1, Relaxed);
            return;
        };
        let calm = storms.is_multiple_of(2) && STORMS.load(Relaxed) == storms;
        CALM.fetch_add(calm.into(), Relaxed);
        SAFE.fetch_add((calm && kind.must_succeed()).into(), Relaxed);
        match answer {
            Ok(answer) => {
                SUCCEEDED.fetch_add(1, Relaxed);
                let gone = answer.is_null() && kind == Kind::Delete && self.book.page(id).acted > 1;
                let away = answer["tenant"] == "away" && matches!(kind, Kind::Get | Kind::Stream);
                let own = answer["tenant"] == **tenant || away;
                let right = own && answer["id"] == id && answer["sum"] == sum(&payload);
                if !(gone || right) {
                    CROSSED.note(|| format!("{kind:?} {id} of {tenant} was answered by {answer}"));
                }
            }
            Err(error) => {
                self.judge(kind, id, &error);
                if calm && kind.must_succeed() {
                    FAILED.note(|| format!("{kind:?} {id}: {error:?}"));
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
            TOLD.note(|| text);
        }
        let page = self.book.page(id);
        let known = match error.outcome() {
            Outcome::NotSent => page.acted == 0,
            Outcome::Processed => page.answered,
            _ => true,
        };
        if !known {
            MISJUDGED.note(|| format!("{kind:?} {id}, acted on {} times: {error:?}", page.acted));
        }
    }

    /// Asks for more than there are places at the gate, for each tenant.
    pub async fn crowd(self: Arc<Self>) {
        let calls = self.tenants.iter().flat_map(|(tenant, client)| {
            let gates = client.res("tenants").item(*tenant).res("gates");
            (0..=PLACES).map(move |n| gates.item(n).get().headers_timeout(Duration::from_secs(9)))
        });
        for answer in futures_util::future::join_all(calls.map(Call::send_as::<Value>)).await {
            if let Err(error) = answer {
                CROSSED.note(|| format!("at the gate: {error:?}"));
            }
        }
    }
}

/// Gives `work` up when it has to wait for the time after so many.
async fn patiently<T>(work: impl Future<Output = T>, mut waits: u64) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending if waits == 0 => Poll::Ready(None),
        Poll::Pending => {
            waits -= 1;
            Poll::Pending
        }
    })
    .await
}
