//! The server, which fails one request in twenty, and keeps book of what reached it under whose name.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime, select,
    sync::watch,
    time::sleep,
};

use crate::{
    chance::Chance,
    gauge::{MARK, holds_secret},
    report::Tally,
};

/// How many calls the book remembers, which is more than the longest call outlives.
const PAGES: usize = 1 << 14;

/// Two origins on a thread of their own: one that fails, and one that is none of the client's business.
pub struct Server {
    pub book: Arc<Book>,
    pub up: watch::Sender<bool>,
    pub address: SocketAddr,
}

/// What reached the server.
pub struct Book {
    seed: u64,
    away: String,
    pub seen: AtomicU64,
    /// Answers of the gate wait until it is open.
    pub waiting: AtomicU64,
    pub gate: watch::Sender<bool>,
    /// What came under a wrong name, or changed on its way.
    pub wrong: Tally,
    /// A secret that came where it does not belong.
    pub strayed: Tally,
    /// A payment that was made a second time.
    pub doubled: Tally,
    pages: Mutex<Vec<Page>>,
}

/// What is known of one call.
#[derive(Clone, Copy, Default)]
pub struct Page {
    id: u64,
    arrived: u64,
    /// How often it was taken on, and not sent away by a 429 or a redirect.
    pub acted: u64,
    /// Whether a status was sent.
    pub answered: bool,
    key: Option<u64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Status(&'static str, &'static str),
    Reset,
    Close,
    Silence,
    HeadOnly,
    Truncated,
    Slow,
    Late,
    Moved,
    MovedAway,
}

/// Faults and how many requests in 10,000 meet them.
const FAULTS: &[(u64, Fault)] = &[
    (80, Fault::Status("503 Service Unavailable", "")),
    (30, Fault::Status("500 Internal Server Error", "")),
    (60, Fault::Status("429 Too Many Requests", "Retry-After: 0\r\n")),
    (1, Fault::Status("429 Too Many Requests", "Retry-After: 1\r\n")),
    (60, Fault::Reset),
    (40, Fault::Close),
    (9, Fault::Silence),
    (50, Fault::HeadOnly),
    (50, Fault::Truncated),
    (30, Fault::Slow),
    (40, Fault::Late),
    (25, Fault::Moved),
    (25, Fault::MovedAway),
];

struct Request {
    head: String,
    body: Bytes,
}

/// Where a request goes and who asks.
struct Asked<'a> {
    tenant: &'a str,
    kind: &'a str,
    id: u64,
    fault: Fault,
    /// How often the call was taken on, this time included.
    acted: u64,
}

/// The credentials of a tenant: its token and its key.
pub fn credentials(tenant: &str) -> [String; 2] {
    ["token", "key"].map(|name| format!("{MARK}{tenant}-{name}-0123456789"))
}

/// A number that hardly another payload has.
pub fn sum(payload: &[u8]) -> u64 {
    payload.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
        >> 16
}

impl Server {
    pub fn start(seed: u64) -> Self {
        let bind = || std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (home, away) = (bind(), bind());
        let address = home.local_addr().unwrap();
        let book = Arc::new(Book {
            seed,
            away: format!("http://{}", away.local_addr().unwrap()),
            seen: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            gate: watch::Sender::new(false),
            wrong: Tally::new(),
            strayed: Tally::new(),
            doubled: Tally::new(),
            // Written, so that the memory is there from the beginning.
            pages: Mutex::new(vec![Page { id: u64::MAX, ..Page::default() }; PAGES]),
        });
        let (up, heeds) = watch::channel(true);
        let kept = Arc::clone(&book);
        thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::spawn(accept(away, Arc::clone(&kept), watch::Sender::new(true).subscribe(), true));
                accept(home, kept, heeds, false).await;
            });
        });
        Self { book, up, address }
    }
}

/// Listens while it is `up`; when it goes down, all connections break off.
async fn accept(listener: std::net::TcpListener, book: Arc<Book>, mut up: watch::Receiver<bool>, away: bool) {
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let mut listener = TcpListener::from_std(listener).unwrap();
    loop {
        let mut down = up.clone();
        let accepting = async {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let (book, mut down) = (Arc::clone(&book), up.clone());
                tokio::spawn(async move {
                    select! {
                        _ = serve(stream, &book, away) => {}
                        Ok(_) = down.wait_for(|up| !up) => {}
                    }
                });
            }
        };
        select! {
            () = accepting => {}
            Ok(_) = down.wait_for(|up| !up) => {}
        }
        drop(listener);
        if up.wait_for(|up| *up).await.is_err() {
            return;
        }
        listener = TcpListener::bind(address).await.unwrap();
    }
}

/// Answers requests until the connection ends.
async fn serve(mut stream: TcpStream, book: &Book, away: bool) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut buffer = BytesMut::with_capacity(16 << 10);
    loop {
        let request = Request::read(&mut stream, &mut buffer).await?;
        book.seen.fetch_add(1, Relaxed);
        let Some(asked) = (if away { book.strayed_in(&request) } else { book.receive(&request) }) else {
            book.wrong.note(|| format!("not understood: {}", request.head));
            return None;
        };
        asked.answer(&mut stream, book, &request).await?;
    }
}

impl Request {
    async fn read(stream: &mut TcpStream, buffer: &mut BytesMut) -> Option<Self> {
        loop {
            if let Some(end) = memmem::find(buffer, b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
                let request = Self { head, body: Bytes::new() };
                let whole = end + 4 + request.header("content-length").map_or(Some(0), |length| length.parse().ok())?;
                if buffer.len() >= whole {
                    return Some(Self { body: buffer.split_to(whole).freeze().slice(end + 4..), ..request });
                }
            }
            if stream.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let pairs = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        pairs.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    /// Method, path and query.
    fn line(&self) -> Option<(&str, &str, &str)> {
        let mut words = self.head.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Some((method, path, query))
    }

    /// What was given to be sent: the body, or the one part of a form.
    fn payload(&self) -> &[u8] {
        if !self.header("content-type").is_some_and(|kind| kind.starts_with("multipart/")) {
            return &self.body;
        }
        let begin = memmem::find(&self.body, b"\r\n\r\n").map_or(0, |at| at + 4);
        let end = memmem::rfind(&self.body, b"\r\n--").filter(|end| *end >= begin);
        &self.body[begin..end.unwrap_or(begin)]
    }
}

impl Book {
    /// What is known of the call `id`.
    pub fn page(&self, id: u64) -> Page {
        self.turn_to(id, |page| *page)
    }

    fn turn_to<T>(&self, id: u64, work: impl FnOnce(&mut Page) -> T) -> T {
        let mut pages = self.pages.lock().unwrap();
        let page = &mut pages[id as usize % PAGES];
        if page.id != id {
            *page = Page { id, ..Page::default() };
        }
        work(page)
    }

    /// Notes a request of the other origin, which is to know of nobody.
    fn strayed_in<'a>(&self, request: &'a Request) -> Option<Asked<'a>> {
        if holds_secret(request.head.as_bytes()) || holds_secret(&request.body) {
            self.strayed.note(|| format!("at another origin: {}", request.head));
        }
        let id = request.line()?.1.rsplit('/').next()?.parse().ok()?;
        self.turn_to(id, |page| page.answered = true);
        Some(Asked { tenant: "away", kind: "", id, fault: Fault::None, acted: 1 })
    }

    /// Notes a request, holds it against what it should be, and draws what becomes of it.
    fn receive<'a>(&self, request: &'a Request) -> Option<Asked<'a>> {
        let (method, path, query) = request.line()?;
        let mut steps = path.strip_prefix("/tenants/")?.split('/');
        let (tenant, kind, id) = (steps.next()?, steps.next()?, steps.next()?.parse().ok()?);
        let [token, key] = credentials(tenant);
        let known = request.header("authorization").and_then(|value| value.strip_prefix("Bearer ")) == Some(&token)
            && request.header("x-tenant-key") == Some(&key);
        if !known {
            self.wrong.note(|| format!("{method} {path} came under another's credentials, or none"));
        }
        let own = format!("{tenant}-");
        for bytes in [request.head.as_bytes(), &request.body] {
            for at in memmem::find_iter(bytes, MARK) {
                let owner = &bytes[at + MARK.len()..];
                if !owner.starts_with(own.as_bytes()) && !owner.starts_with(b"app-") {
                    self.strayed.note(|| format!("of another tenant: {}", request.head));
                }
            }
        }
        let key = request.header("idempotency-key").map(hash);
        if key.is_some() != (kind == "orders") {
            self.wrong.note(|| format!("{method} {path} with or without a key"));
        }
        Some(self.turn_to(id, |page| {
            if page.arrived > 0 && page.key != key {
                self.wrong.note(|| format!("{method} {path} came with another key"));
            }
            (page.key, page.arrived) = (key, page.arrived + 1);
            let fault = if kind == "gates" { Fault::None } else { self.draw(page, method, query) };
            let refused = matches!(fault, Fault::Moved | Fault::MovedAway | Fault::Status("429 Too Many Requests", _));
            page.acted += u64::from(!refused);
            page.answered |= !matches!(fault, Fault::Reset | Fault::Close | Fault::Silence);
            if kind == "payments" && page.acted > 1 && !refused {
                self.doubled.note(|| format!("{method} {path}"));
            }
            Asked { tenant, kind, id, fault, acted: page.acted }
        }))
    }

    fn draw(&self, page: &Page, method: &str, query: &str) -> Fault {
        let mut chance = Chance::of(self.seed, page.id.wrapping_mul(64).wrapping_add(page.arrived));
        let mut at = chance.below(10_000);
        for (share, fault) in FAULTS {
            match at.checked_sub(*share) {
                Some(rest) => at = rest,
                None if matches!(fault, Fault::Moved | Fault::MovedAway) && !query.is_empty() => return Fault::None,
                None if *fault == Fault::MovedAway && method != "GET" => return Fault::Moved,
                None => return *fault,
            }
        }
        Fault::None
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Asked<'_> {
    /// Answers, or fails as was drawn; nothing where the connection ends.
    async fn answer(&self, stream: &mut TcpStream, book: &Book, request: &Request) -> Option<()> {
        let Self { tenant, kind, id, fault, acted } = self;
        let [token, key] = credentials(tenant);
        // It repeats what it should not, so that errors are worth looking at.
        let complaint = format!(r#"{{"error":"busy","error_description":"{token} and {key} must wait"}}"#);
        let body = format!(r#"{{"id":{id},"tenant":"{tenant}","sum":{}}}"#, sum(request.payload()));
        let cookie = format!("Set-Cookie: sid={MARK}{tenant}-cookie; Path=/\r\n");
        let (_, path, _) = request.line()?;
        match fault {
            Fault::Reset => {
                stream.set_zero_linger().ok()?;
                return None;
            }
            Fault::Close => return None,
            Fault::Silence => {
                sleep(Duration::from_secs(5)).await;
                return None;
            }
            Fault::Status(status, headers) => send(stream, status, headers, &complaint, complaint.len()).await?,
            Fault::Moved => send(stream, "307 Moved", &format!("Location: {path}?hop=1\r\n"), "", 0).await?,
            Fault::MovedAway => {
                send(stream, "307 Moved", &format!("Location: {}{path}\r\n", book.away), "", 0).await?;
            }
            Fault::HeadOnly | Fault::Truncated => {
                let sent = if *fault == Fault::HeadOnly { 0 } else { body.len() / 2 };
                send(stream, "200 OK", "", &body[..sent], body.len()).await?;
                return None;
            }
            Fault::Slow => {
                send(stream, "200 OK", "", &body[..8], body.len()).await?;
                sleep(Duration::from_millis(15)).await;
                stream.write_all(&body.as_bytes()[8..]).await.ok()?;
            }
            // What was deleted is gone.
            Fault::None | Fault::Late if request.head.starts_with("DELETE") && *acted > 1 => {
                send(stream, "404 Not Found", "", &complaint, complaint.len()).await?;
            }
            Fault::None | Fault::Late => {
                if *fault == Fault::Late {
                    sleep(Duration::from_millis(40)).await;
                }
                if *kind == "gates" {
                    book.waiting.fetch_add(1, Relaxed);
                    book.gate.subscribe().wait_for(|open| *open).await.ok()?;
                }
                let cookie = if *tenant != "away" && id % 16 == 0 { &*cookie } else { "" };
                send(stream, "200 OK", cookie, &body, body.len()).await?;
            }
        }
        Some(())
    }
}

async fn send(stream: &mut TcpStream, status: &str, headers: &str, body: &str, length: usize) -> Option<()> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}");
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.ok()
}
