//! A server that speaks bytes by a script, and keeps every byte that it is sent.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// No script waits longer for a client than this; a test that gets here fails.
const PATIENCE: Duration = Duration::from_secs(20);

type Log = Arc<Mutex<Vec<Vec<u8>>>>;

/// A running server; it ends when this is dropped.
pub struct FaultServer {
    address: SocketAddr,
    log: Log,
    stop: Arc<AtomicBool>,
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub method: String,
    pub target: String,
    /// In their order, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Heard {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// One connection, as its script sees it.
pub struct Connection {
    stream: TcpStream,
    /// The number of the connection, from 0.
    pub number: usize,
    log: Log,
    /// What was read and not yet taken.
    pending: Vec<u8>,
}

impl FaultServer {
    /// Runs `script` for every connection, each on a thread of its own.
    pub fn start(script: impl Fn(&mut Connection) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (log, stop, script) = (Log::default(), Arc::new(AtomicBool::new(false)), Arc::new(script));
        let server = Self { address, log: Arc::clone(&log), stop: Arc::clone(&stop) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push(Vec::new());
                    log.len() - 1
                };
                let mut connection = Connection { stream, number, log: Arc::clone(&log), pending: Vec::new() };
                let script = Arc::clone(&script);
                std::thread::spawn(move || script(&mut connection));
            }
        });
        server
    }

    /// Answers the first request of every connection by `answer`, and closes.
    pub fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |connection| {
            if connection.request().is_some() {
                connection.send(&answer);
            }
        })
    }

    /// Answers every request of every connection by `answer`, which must say its length.
    pub fn keeping(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |connection| {
            while connection.request().is_some() {
                connection.send(&answer);
            }
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every byte received, connection by connection.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.log.lock().unwrap().clone()
    }

    /// Every whole request received.
    pub fn requests(&self) -> Vec<Heard> {
        let mut heard = Vec::new();
        for bytes in self.received() {
            let mut rest = bytes;
            while let Some((request, length)) = parse(&rest) {
                heard.push(request);
                rest.drain(..length);
            }
        }
        heard
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees the end.
        let _ = TcpStream::connect(self.address);
    }
}

impl Connection {
    /// The next whole request, `None` when the client has gone.
    pub fn request(&mut self) -> Option<Heard> {
        loop {
            if let Some((request, length)) = parse(&self.pending) {
                self.pending.drain(..length);
                return Some(request);
            }
            self.more()?;
        }
    }

    /// The head of the next request only; its body is left unread.
    pub fn head(&mut self) -> Option<()> {
        while !self.pending.windows(4).any(|four| four == b"\r\n\r\n") {
            self.more()?;
        }
        Some(())
    }

    /// Waits for the first byte without taking it, so that closing now resets the connection.
    pub fn peek(&mut self) {
        let _ = self.stream.peek(&mut [0]);
    }

    fn more(&mut self) -> Option<()> {
        let mut block = [0; 16 << 10];
        let read = self.stream.read(&mut block).ok().filter(|read| *read > 0)?;
        let block = block.get(..read)?;
        self.log.lock().unwrap()[self.number].extend_from_slice(block);
        self.pending.extend_from_slice(block);
        Some(())
    }

    /// Sends `bytes`; a client that has gone is no mistake of the script.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends `bytes`; `false` when the client has gone.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Passes bytes to and from `address` until both sides are done; they are not kept.
    pub fn tunnel(&mut self, address: &str) {
        let there = TcpStream::connect(address).unwrap();
        let pass = |mut from: TcpStream, mut to: TcpStream| {
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            })
        };
        let clone = |stream: &TcpStream| stream.try_clone().unwrap();
        let forth = pass(clone(&self.stream), clone(&there));
        let _ = (pass(there, clone(&self.stream)).join(), forth.join());
    }

    /// Sends no more, and reads until the client closes too.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        self.hold();
    }

    /// Keeps the connection open until the client closes it.
    pub fn hold(&mut self) {
        while self.more().is_some() {}
    }
}

/// The first whole request in `bytes`, and its length.
fn parse(bytes: &[u8]) -> Option<(Heard, usize)> {
    let head_length = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..head_length]).into_owned();
    let mut lines = head.split("\r\n");
    let mut line = lines.next()?.split(' ');
    let (method, target) = (line.next()?.to_owned(), line.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut heard = Heard { method, target, headers, body: Vec::new() };
    let rest = &bytes[head_length..];
    if heard.header("transfer-encoding") == Some("chunked") {
        let (body, length) = chunked(rest)?;
        heard.body = body;
        return Some((heard, head_length + length));
    }
    let length = heard.header("content-length").map_or(0, |length| length.parse().unwrap());
    heard.body = rest.get(..length)?.to_vec();
    Some((heard, head_length + length))
}

/// The content of a chunked body and the length of its coded form.
fn chunked(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line = bytes[at..].windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[at..at + line]).ok()?, 16).unwrap();
        at += line + 2;
        body.extend_from_slice(bytes.get(at..at + size)?);
        bytes.get(at + size..at + size + 2)?;
        at += size + 2;
        if size == 0 {
            return Some((body, at));
        }
    }
}
