//! A server that speaks bytes by a script, and keeps every byte that it is sent.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use socket2::{Domain, SockRef, Socket, Type};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// No script waits longer for a client than this; a test that gets here fails.
const PATIENCE: Duration = Duration::from_secs(20);

type Log = Arc<Mutex<Vec<Vec<u8>>>>;

/// A running server; it ends when this is dropped.
pub struct FaultServer {
    address: SocketAddr,
    scheme: &'static str,
    log: Log,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
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

/// One connection, as its script sees it; what is logged of TLS is its content.
pub struct Connection {
    stream: Wire,
    /// The number of the connection, from 0.
    pub number: usize,
    log: Log,
    /// What was read and not yet taken.
    pending: Vec<u8>,
}

/// What a script speaks on.
enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Wire {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref(),
        }
    }

    fn read(&mut self, block: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(block),
            Self::Tls(stream) => stream.read(block),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }
}

impl FaultServer {
    /// Runs `script` for every connection, each on a thread of its own.
    pub fn start(script: impl Fn(&mut Connection) + Send + Sync + 'static) -> Self {
        Self::serve(None, script)
    }

    /// The same inside TLS; a connection whose handshake fails stays empty.
    pub fn tls(config: ServerConfig, script: impl Fn(&mut Connection) + Send + Sync + 'static) -> Self {
        Self::serve(Some(Arc::new(config)), script)
    }

    fn serve(tls: Option<Arc<ServerConfig>>, script: impl Fn(&mut Connection) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (log, stop, script) = (Log::default(), Arc::new(AtomicBool::new(false)), Arc::new(script));
        let (kept, ended) = (Arc::clone(&log), Arc::clone(&stop));
        let listener = std::thread::spawn(move || {
            let mut connections = Vec::new();
            loop {
                let stream = match listener.accept() {
                    Ok((stream, _)) => stream,
                    Err(none) if none.kind() == std::io::ErrorKind::WouldBlock => break,
                    Err(error) => panic!("{error}"),
                };
                if ended.load(Ordering::SeqCst) {
                    // What was connected by now is still served.
                    listener.set_nonblocking(true).unwrap();
                }
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push(Vec::new());
                    log.len() - 1
                };
                let (log, script, tls) = (Arc::clone(&log), Arc::clone(&script), tls.clone());
                connections.push(std::thread::spawn(move || {
                    let Some(stream) = wire(stream, tls) else { return };
                    script(&mut Connection { stream, number, log, pending: Vec::new() });
                }));
            }
            // A script that panics says so itself.
            for connection in connections {
                let _ = connection.join();
            }
        });
        Self { address, scheme, log: kept, stop, listener: Some(listener) }
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
        format!("{}://{}", self.scheme, self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.log.lock().unwrap().len()
    }

    /// Every byte received, connection by connection.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.log.lock().unwrap().clone()
    }

    /// Every whole request received.
    pub fn requests(&self) -> Vec<Heard> {
        self.conversations().concat()
    }

    /// The same, connection by connection.
    pub fn conversations(&self) -> Vec<Vec<Heard>> {
        let conversation = |mut bytes: Vec<u8>| {
            let mut heard = Vec::new();
            while let Some((request, length)) = parse(&bytes) {
                heard.push(request);
                bytes.drain(..length);
            }
            heard
        };
        self.received().into_iter().map(conversation).collect()
    }
}

impl FaultServer {
    /// Takes no more connections, and waits until the scripts of those that were made are over.
    pub fn finish(&mut self) {
        if let Some(listener) = self.stop() {
            listener.join().unwrap();
        }
    }

    fn stop(&mut self) -> Option<JoinHandle<()>> {
        let listener = self.listener.take()?;
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees the end.
        let _ = TcpStream::connect(self.address);
        Some(listener)
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// `stream`, its TLS handshake done; `None` where that failed.
fn wire(mut stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> Option<Wire> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_nodelay(true).ok()?;
    let Some(tls) = tls else { return Some(Wire::Plain(stream)) };
    let mut session = ServerConnection::new(tls).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut stream).ok()?;
    }
    Some(Wire::Tls(Box::new(StreamOwned::new(session, stream))))
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
        let _ = self.stream.socket().peek(&mut [0]);
    }

    /// Waits for a whole request and leaves it unread, so that closing now resets the connection.
    pub fn leave_unread(&mut self) {
        let mut block = vec![0; 64 << 10];
        while let Ok(seen @ 1..) = self.stream.socket().peek(&mut block) {
            if parse(&block[..seen]).is_some() {
                self.log.lock().unwrap()[self.number].extend_from_slice(&block[..seen]);
                return;
            }
        }
    }

    /// The next `length` bytes as they come, `None` when the client has gone.
    pub fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.pending.len() < length {
            self.more()?;
        }
        Some(self.pending.drain(..length).collect())
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
        let forth = pass(clone(self.stream.socket()), clone(&there));
        let _ = (pass(there, clone(self.stream.socket())).join(), forth.join());
    }

    /// Sends `bytes` in pieces of `size`, each in a segment of its own.
    pub fn slices(&mut self, bytes: &[u8], size: usize) {
        for piece in bytes.chunks(size) {
            self.send(piece);
        }
    }

    /// Sends `bytes` one at a time for as long as `go_on` allows.
    pub fn drip(&mut self, bytes: impl IntoIterator<Item = u8>, mut go_on: impl FnMut(&mut Self) -> bool) {
        for byte in bytes {
            self.send(&[byte]);
            if !go_on(self) {
                return;
            }
        }
    }

    /// Whether the client stays for `time`, which ends when it leaves.
    pub fn stays(&mut self, time: Duration) -> bool {
        self.stream.socket().set_read_timeout(Some(time)).unwrap();
        let waited = self.stream.socket().peek(&mut [0]);
        self.stream.socket().set_read_timeout(Some(PATIENCE)).unwrap();
        waited.is_err_and(|error| matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut))
    }

    /// Whether the client is still there; what it has sent is read, and nothing is waited for.
    pub fn drain(&mut self) -> bool {
        self.stream.socket().set_nonblocking(true).unwrap();
        let read = self.stream.read(&mut [0; 16 << 10]);
        self.stream.socket().set_nonblocking(false).unwrap();
        read.map_or_else(|error| error.kind() == std::io::ErrorKind::WouldBlock, |read| read > 0)
    }

    /// Resets the connection at the end of the script, instead of closing it.
    pub fn reset(&mut self) {
        SockRef::from(self.stream.socket()).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Says the end as TLS has it; without, the end is one that anybody on the way could have made.
    pub fn notify(&mut self) {
        if let Wire::Tls(stream) = &mut self.stream {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    }

    /// Sends no more.
    pub fn close(&mut self) {
        let _ = self.stream.socket().shutdown(Shutdown::Write);
    }

    /// Sends no more, and reads until the client closes too.
    pub fn finish(&mut self) {
        self.close();
        self.hold();
    }

    /// Keeps the connection open until the client closes it.
    pub fn hold(&mut self) {
        while self.more().is_some() {}
    }
}

/// An address that answers no attempt to connect: a listener whose queue is full, so that the system drops the rest.
pub struct BlackHole {
    pub address: SocketAddr,
    _listener: Socket,
    _queue: Vec<TcpStream>,
}

impl BlackHole {
    /// One at `address`, whose port may be 0.
    pub fn at(address: SocketAddr) -> Self {
        let listener = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        listener.bind(&address.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let mut queue = Vec::new();
        // How many a queue of none holds is the system's matter; the first that has to wait is one too many.
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(50)) {
            queue.push(stream);
            assert!(queue.len() < 64, "the queue never fills");
        }
        Self { address, _listener: listener, _queue: queue }
    }
}

/// An address at which nothing listens, and which nobody else is given.
pub struct Unused {
    pub address: SocketAddr,
    _socket: Socket,
}

impl Unused {
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        Self { address: socket.local_addr().unwrap().as_socket().unwrap(), _socket: socket }
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
