//! The server, which fails one request in twenty, and keeps book of what reached it and under whose name.

use std::{
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
    gauge::{Chance, MARK, holds_secret},
    load::STORMS,
    report::{DOUBLED, MISNAMED, STRAYED},
};

/// Requests that came, and those of them that wait at the gate.
pub static SEEN: AtomicU64 = AtomicU64::new(0);
pub static WAITING: AtomicU64 = AtomicU64::new(0);

/// How many calls the book remembers: half a minute of them, which no call outlives.
const PAGES: usize = 1 << 14;

/// Two origins on a thread of their own: one that fails, and one that is none of the client's business.
pub struct Server {
    pub book: Arc<Book>,
    pub address: SocketAddr,
    pub up: watch::Sender<bool>,
}

/// What reached the server, and what it knows.
pub struct Book {
    seed: u64,
    away: String,
    pub gate: watch::Sender<bool>,
    pages: Mutex<Vec<Page>>,
}

/// What is known of one call.
#[derive(Clone, Default)]
pub struct Page {
    id: u64,
    arrived: u64,
    key: Option<u64>,
    /// How often it was taken on, and not sent away by a 429 or a redirect.
    pub acted: u64,
    /// Whether a status was sent.
    pub answered: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Status(&'static str),
    Busy(&'static str),
    Reset,
    Close,
    Silence,
    Truncated,
    Late,
    Moved,
    MovedAway,
}

/// How many requests in 10,000 meet which fault.
const FAULTS: [(u64, Fault); 11] = [
    (90, Fault::Status("503 Service Unavailable")),
    (40, Fault::Status("500 Internal Server Error")),
    (49, Fault::Busy("0")),
    (1, Fault::Busy("1")),
    (60, Fault::Reset),
    (40, Fault::Close),
    (10, Fault::Silence),
    (90, Fault::Truncated),
    (70, Fault::Late),
    (25, Fault::Moved),
    (25, Fault::MovedAway),
];

struct Request {
    head: String,
    body: Bytes,
}

/// A request that was understood, and what becomes of it.
struct Asked<'a> {
    tenant: &'a str,
    kind: &'a str,
    path: &'a str,
    id: u64,
    fault: Fault,
    /// What the call wants deleted was deleted before.
    gone: bool,
}

/// The token and the key of a tenant.
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
        let [home, away] = [(); 2].map(|()| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let address = home.local_addr().unwrap();
        let book = Arc::new(Book {
            seed,
            away: format!("http://{}", away.local_addr().unwrap()),
            gate: watch::Sender::new(false),
            // Written, so that all of its memory is in use from the beginning.
            pages: Mutex::new(vec![Page { id: u64::MAX, ..Page::default() }; PAGES]),
        });
        let (up, heeding) = watch::channel(true);
        let kept = Arc::clone(&book);
        thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::spawn(accept(away, Arc::clone(&kept), heeding.clone(), true));
                accept(home, kept, heeding, false).await;
            });
        });
        Self { book, address, up }
    }
}

/// Listens while it is `up`; when it goes away, all connections break off.
async fn accept(listener: std::net::TcpListener, book: Arc<Book>, mut up: watch::Receiver<bool>, away: bool) {
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let mut listener = TcpListener::from_std(listener).unwrap();
    loop {
        let mut down = up.clone();
        loop {
            let stream = select! {
                Ok((stream, _)) = listener.accept() => stream,
                _ = down.wait_for(|up| !up) => break,
            };
            let (book, mut down) = (Arc::clone(&book), up.clone());
            tokio::spawn(async move {
                select! {
                    _ = serve(stream, &book, away) => {}
                    _ = down.wait_for(|up| !up) => {}
                }
            });
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
        SEEN.fetch_add(1, Relaxed);
        let Some(asked) = book.receive(&request, away) else {
            MISNAMED.note(|| format!("not understood: {}", request.head));
            return None;
        };
        asked.answer(&mut stream, book, sum(request.payload())).await?;
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
        let mut pairs = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        pairs.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// What was given to be sent: the body, or the one part of a form.
    fn payload(&self) -> &[u8] {
        if !self.header("content-type").is_some_and(|kind| kind.starts_with("multipart/")) {
            return &self.body;
        }
        let begin = memmem::find(&self.body, b"\r\n\r\n").map_or(0, |at| at + 4);
        let end = memmem::rfind(&self.body, b"\r\n--").map_or(begin, |end| end.max(begin));
        &self.body[begin..end]
    }
}

impl Book {
    /// What is known of the call `id`.
    pub fn page(&self, id: u64) -> Page {
        self.write(id, |page| page.clone())
    }

    fn write<T>(&self, id: u64, work: impl FnOnce(&mut Page) -> T) -> T {
        let mut pages = self.pages.lock().unwrap();
        let page = &mut pages[id as usize % PAGES];
        if page.id != id {
            *page = Page { id, ..Page::default() };
        }
        work(page)
    }

    /// Notes a request, holds it against what it should be, and draws what becomes of it.
    fn receive<'a>(&self, request: &'a Request, away: bool) -> Option<Asked<'a>> {
        let mut words = request.head.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut steps = path.strip_prefix("/tenants/")?.split('/');
        let (tenant, kind, id) = (steps.next()?, steps.next()?, steps.next()?.parse().ok()?);
        if away {
            if holds_secret(request.head.as_bytes()) || holds_secret(&request.body) {
                STRAYED.note(|| format!("at another origin: {}", request.head));
            }
            self.write(id, |page| page.answered = true);
            return Some(Asked { tenant: "away", kind, path, id, fault: Fault::None, gone: false });
        }
        Self::check(request, tenant);
        let key = request.header("idempotency-key").map(|key| sum(key.as_bytes()));
        Some(self.write(id, |page| {
            if key.is_some() != (kind == "orders") || page.arrived > 0 && page.key != key {
                MISNAMED.note(|| format!("with another key, or none: {}", request.head));
            }
            page.key = key;
            page.arrived += 1;
            let fault = match self.draw(page) {
                // How the client comes back is to be its own doing.
                _ if kind == "gates" || !STORMS.load(Relaxed).is_multiple_of(2) => Fault::None,
                Fault::Moved | Fault::MovedAway if !query.is_empty() => Fault::None,
                Fault::MovedAway if method != "GET" => Fault::Moved,
                fault => fault,
            };
            page.answered |= !matches!(fault, Fault::Reset | Fault::Close | Fault::Silence);
            let gone = method == "DELETE" && page.acted > 0;
            if !matches!(fault, Fault::Busy(_) | Fault::Moved | Fault::MovedAway) {
                page.acted += 1;
                if kind == "payments" && page.acted > 1 {
                    DOUBLED.note(|| request.head.clone());
                }
            }
            Asked { tenant, kind, path, id, fault, gone }
        }))
    }

    /// Holds the credentials and every secret of a request against the tenant that it is about.
    fn check(request: &Request, tenant: &str) {
        let [token, key] = credentials(tenant);
        if request.header("authorization") != Some(&format!("Bearer {token}"))
            || request.header("x-tenant-key") != Some(&key)
        {
            MISNAMED.note(|| format!("under other credentials: {}", request.head));
        }
        let own = format!("{tenant}-");
        for bytes in [request.head.as_bytes(), &request.body] {
            let mut owners = memmem::find_iter(bytes, MARK).map(|at| &bytes[at + MARK.len()..]);
            if !owners.all(|owner| owner.starts_with(own.as_bytes()) || owner.starts_with(b"app-")) {
                STRAYED.note(|| format!("of another tenant: {}", request.head));
            }
        }
    }

    fn draw(&self, page: &Page) -> Fault {
        let mut at = Chance::of(self.seed, page.id.wrapping_mul(64).wrapping_add(page.arrived)).below(10_000);
        for (share, fault) in FAULTS {
            match at.checked_sub(share) {
                Some(rest) => at = rest,
                None => return fault,
            }
        }
        Fault::None
    }
}

impl Asked<'_> {
    /// Answers, or fails as was drawn; nothing where the connection ends.
    async fn answer(&self, stream: &mut TcpStream, book: &Book, sum: u64) -> Option<()> {
        let Self { tenant, kind, path, id, fault, gone } = self;
        let [token, key] = credentials(tenant);
        // It repeats what it should not, so that errors are worth looking at.
        let complaint = format!(r#"{{"error":"busy","error_description":"{token} and {key} must wait"}}"#);
        let body = format!(r#"{{"id":{id},"tenant":"{tenant}","sum":{sum}}}"#);
        let (status, mut headers, mut body) = match fault {
            Fault::Reset => return stream.set_zero_linger().ok().and(None),
            Fault::Close => return None,
            Fault::Silence => {
                // Until the client has had enough.
                let _ = stream.read_u8().await;
                return None;
            }
            Fault::Status(status) => (*status, String::new(), complaint),
            Fault::Busy(after) => ("429 Too Many Requests", format!("Retry-After: {after}\r\n"), complaint),
            Fault::Moved => ("307 Temporary Redirect", format!("Location: {path}?hop=1\r\n"), body),
            Fault::MovedAway => ("307 Temporary Redirect", format!("Location: {}{path}\r\n", book.away), body),
            _ if *gone => ("404 Not Found", String::new(), complaint),
            _ if *tenant == "away" => ("200 OK", String::new(), body),
            _ => ("200 OK", format!("Set-Cookie: sid={MARK}{tenant}-cookie; Path=/\r\n"), body),
        };
        if *kind == "gates" {
            WAITING.fetch_add(1, Relaxed);
            book.gate.subscribe().wait_for(|open| *open).await.ok()?;
        }
        headers += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        // Nothing of it, or the first half.
        let half = if id % 2 == 0 { 0 } else { body.len() / 2 };
        let rest = body.split_off(if matches!(fault, Fault::Truncated | Fault::Late) { half } else { body.len() });
        stream.write_all(format!("HTTP/1.1 {status}\r\n{headers}{body}").as_bytes()).await.ok()?;
        if *fault == Fault::Truncated {
            return None;
        }
        if *fault == Fault::Late {
            sleep(Duration::from_millis(30)).await;
        }
        stream.write_all(rest.as_bytes()).await.ok()
    }
}
