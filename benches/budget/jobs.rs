//! The jobs: each is set up once and then done any number of times.

use std::hint::black_box;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, Method, header};
use restwalk::{Auth, Catalog, Client, ClientBuilder, Item, Limit, Retry, Value};
use tokio::runtime::{Builder, Runtime};
use tracing::{
    Event, Level, Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};
use url::Url;

use crate::{cache, fixture, load, retries, tokens};

/// Does a job so many times.
pub type Run = Box<dyn FnMut(u64)>;

/// How many calls are in flight in a job that ends in `x64`.
const ABREAST: u64 = 64;

/// Sets up the job `name` against the server at `address`.
pub fn find(name: &str, address: &str) -> Run {
    match name {
        "full" => in_turn(restwalk(address, 500)),
        "full-off" => in_turn(never_again(address)),
        "full-traced" => traced(address),
        "full-20" => in_turn(restwalk(address, 20)),
        "full-10000" => in_turn(restwalk(address, 10_000)),
        "full x64" => abreast(restwalk(address, 500)),
        "reqwest" => in_turn(idiomatic(address)),
        "reqwest x64" => abreast(idiomatic(address)),
        "reqwest-merging" => in_turn(merging(address)),
        "prepared" => in_turn(prepared(address)),
        "prepared x64" => abreast(prepared(address)),
        "blocking" => blocking(address),
        "reqwest-blocking" => reqwest_blocking(address),
        "get" => in_turn(load::ours(address)),
        "get x64" => abreast(load::ours(address)),
        "reqwest-get x64" => abreast(load::theirs(address)),
        "reqwest-get" => in_turn(load::theirs(address)),
        "hit" => in_turn(cache::hit(address)),
        "miss" => in_turn(cache::miss(address)),
        "unkept" => in_turn(cache::unkept(address)),
        "validated" => in_turn(cache::validated(address)),
        "uncached" => in_turn(cache::uncached(address)),
        "reqwest-plain" => in_turn(cache::theirs(address)),
        "put" => in_turn(retries::put(address, "steady")),
        "put-flaky" => in_turn(retries::put(address, "flaky")),
        "refused" => in_turn(retries::refused(address)),
        "acquire" => load::acquire(),
        "token" => tokens::read(),
        "path-500" => path(500),
        "path-5000" => path(5_000),
        "url" => repeat(|| Url::parse(black_box(&format!("http://127.0.0.1:8080{}", fixture::PATH))).unwrap()),
        "merge" => merge(),
        "empty" => empty(),
        "rebuilt" => rebuilt(),
        "rebuilt-empty" => rebuilt_empty(),
        "load" => load(),
        "events" => events(),
        "to_vec" => to_vec(),
        "by-hand" => by_hand(),
        _ => panic!("no job {name}"),
    }
}

pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn in_turn(call: impl AsyncFn() + 'static) -> Run {
    let runtime = runtime();
    Box::new(move |calls| {
        runtime.block_on(async {
            for _ in 0..calls {
                call().await;
            }
        });
    })
}

fn abreast(call: impl AsyncFn() + 'static) -> Run {
    let runtime = runtime();
    Box::new(move |calls| {
        let lane = async || {
            for _ in 0..calls / ABREAST {
                call().await;
            }
        };
        runtime.block_on(join_all((0..ABREAST).map(|_| lane())));
    })
}

fn repeat<T>(job: impl Fn() -> T + 'static) -> Run {
    Box::new(move |calls| {
        for _ in 0..calls {
            black_box(job());
        }
    })
}

fn builder(address: &str, routes: usize) -> ClientBuilder {
    let builder = Client::builder(format!("http://{address}")).catalog(fixture::catalog(routes));
    builder.auth(Auth::bearer(fixture::TOKEN)).limit(limit())
}

/// A limit that is kept and never met.
pub fn limit() -> Limit {
    Limit::new().per_second(1e9).burst(1_000_000).concurrency(1_000_000)
}

fn client(address: &str, routes: usize) -> Client {
    builder(address, routes).build().unwrap()
}

fn place(client: &Client) -> Item {
    let [group, kind, leaf] = fixture::ITEMS;
    client.res("group1").item(group).res("kind2").item(kind).res("leaves").item(leaf)
}

fn judge(answer: &Value) {
    assert!(answer["signed"] == true && answer["path"] == fixture::PATH, "{answer}");
}

fn restwalk(address: &str, routes: usize) -> impl AsyncFn() + 'static {
    full(client(address, routes))
}

fn never_again(address: &str) -> impl AsyncFn() + 'static {
    full(builder(address, 500).retry(Retry::off()).build().unwrap())
}

fn full(client: Client) -> impl AsyncFn() + 'static {
    let body = fixture::body();
    async move || judge(&place(&client).post().json(&body).await.unwrap())
}

/// The full job where somebody asks for spans and drops them.
fn traced(address: &str) -> Run {
    tracing::subscriber::set_global_default(Drain).unwrap();
    in_turn(restwalk(address, 500))
}

/// Asks for every span and event down to `INFO`, and keeps none.
struct Drain;

impl Subscriber for Drain {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

pub fn reqwest_client() -> reqwest::Client {
    reqwest::Client::builder().tls_certs_only([]).build().unwrap()
}

/// The path as a careful caller writes it.
fn filled(address: &str) -> String {
    let [group, kind, leaf] = fixture::ITEMS.map(|item| item.replace(' ', "%20"));
    format!("http://{address}/group1/{group}/kind2/{kind}/leaves/{leaf}")
}

/// reqwest as its documentation shows it; nothing is merged.
fn idiomatic(address: &str) -> impl AsyncFn() + 'static {
    let (client, address, body) = (reqwest_client(), address.to_owned(), fixture::merged(&fixture::body()));
    async move || {
        let request = client.post(filled(&address)).bearer_auth(fixture::TOKEN).json(&body);
        judge(&request.send().await.unwrap().json().await.unwrap());
    }
}

/// The same with the merge that a caller would write.
fn merging(address: &str) -> impl AsyncFn() + 'static {
    let (client, address, body) = (reqwest_client(), address.to_owned(), fixture::body());
    async move || {
        let merged = fixture::merged(&body);
        let request = client.post(filled(&address)).bearer_auth(fixture::TOKEN).json(&merged);
        judge(&request.send().await.unwrap().json().await.unwrap());
    }
}

/// The floor: reqwest with every part made beforehand.
fn prepared(address: &str) -> impl AsyncFn() + 'static {
    let client = reqwest_client();
    let url: Url = filled(address).parse().unwrap();
    let body = Bytes::from(serde_json::to_vec(&fixture::merged(&fixture::body())).unwrap());
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, format!("Bearer {}", fixture::TOKEN).parse().unwrap());
    headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    headers.insert(header::ACCEPT, "application/json".parse().unwrap());
    headers.insert(header::USER_AGENT, "bench".parse().unwrap());
    async move || {
        let mut request = reqwest::Request::new(Method::POST, url.clone());
        *request.headers_mut() = headers.clone();
        *request.body_mut() = Some(body.clone().into());
        let answer = client.execute(request).await.unwrap().bytes().await.unwrap();
        judge(&serde_json::from_slice(&answer).unwrap());
    }
}

fn blocking(address: &str) -> Run {
    let (client, body) = (client(address, 500), fixture::body());
    Box::new(move |calls| {
        for _ in 0..calls {
            let response = place(&client).post().json(&body).send_blocking().unwrap();
            judge(&restwalk::block_on(response.json()).unwrap().unwrap());
        }
    })
}

fn reqwest_blocking(address: &str) -> Run {
    let client = reqwest::blocking::Client::builder().tls_certs_only([]).build().unwrap();
    let (address, body) = (address.to_owned(), fixture::body());
    Box::new(move |calls| {
        for _ in 0..calls {
            let merged = fixture::merged(&body);
            let request = client.post(filled(&address)).bearer_auth(fixture::TOKEN).json(&merged);
            judge(&request.send().unwrap().json().unwrap());
        }
    })
}

fn path(routes: usize) -> Run {
    let client = client("127.0.0.1:8080", routes);
    repeat(move || place(&client).path())
}

/// A body given, merged and written; what [`empty`] does besides is to be taken off.
fn merge() -> Run {
    let client = client("127.0.0.1:8080", 500);
    let (place, body) = (place(&client), fixture::body());
    repeat(move || place.post().json(&body).build().unwrap())
}

fn empty() -> Run {
    let client = client("127.0.0.1:8080", 500);
    let place = place(&client);
    repeat(move || place.post().no_defaults().build().unwrap())
}

/// A body merged and written, which was given before; what [`rebuilt_empty`] does besides is to be taken off.
fn rebuilt() -> Run {
    let call = place(&client("127.0.0.1:8080", 500)).post().json(fixture::body());
    repeat(move || call.build().unwrap())
}

fn rebuilt_empty() -> Run {
    let call = place(&client("127.0.0.1:8080", 500)).post().no_defaults();
    repeat(move || call.build().unwrap())
}

/// How many resources the catalog of [`load`] and [`events`] has.
const RESOURCES: usize = 5_000;

fn load() -> Run {
    let (resources, defaults) = fixture::files(RESOURCES);
    repeat(move || Catalog::from_yaml(&resources, &defaults).unwrap())
}

/// The YAML parser alone, to the end of both files.
fn events() -> Run {
    let (resources, defaults) = fixture::files(RESOURCES);
    repeat(move || {
        [&resources, &defaults].map(|text| saphyr_parser::Parser::new_from_str(text).map(Result::unwrap).count())
    })
}

fn to_vec() -> Run {
    let body = fixture::body();
    repeat(move || serde_json::to_vec(&body).unwrap())
}

fn by_hand() -> Run {
    let (body, defaults) = (fixture::body(), fixture::defaults());
    repeat(move || {
        let mut merged = defaults.clone();
        fixture::merge(&mut merged, &body);
        serde_json::to_vec(&merged).unwrap()
    })
}
