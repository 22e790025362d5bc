//! How a peer misbehaves, row by row; the ids are those of the network faults.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use restwalk::{BoxFuture, ClientBuilder, Resolve};

use crate::support::{
    self,
    authority::{Authority, Claims, SERVER},
    fault::{Connection, FaultServer},
    h2_fault::{self, Http2},
    serve::closed_port,
    tls_fault,
};

/// What a server says that is as it should be.
pub const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// The limit on the time for headers and for each piece of a body, where the fault is silence.
pub const PATIENCE: Duration = Duration::from_millis(150);

/// How many frames are a flood: no client may choke on them, and the machine has other work too.
const MANY: usize = 4_000;

type Play = Arc<dyn Fn(&mut Connection) + Send + Sync>;

/// One fault.
pub struct Script {
    pub id: &'static str,
    /// The fault in words.
    pub fault: &'static str,
    /// Only a limit of the client's ends it.
    pub stalls: bool,
    peer: Peer,
}

/// Who misbehaves.
enum Peer {
    /// Nothing listens.
    Nobody,
    /// A server; what it plays begins when a connection is made.
    Plain(Play),
    /// A server inside TLS that is as it should be.
    Secure(Play),
    /// A server that is expected to speak TLS, and plays this.
    Handshake(Play),
    /// A server of HTTP/2, which has taken a request on this stream.
    Http2(&'static [(u16, u32)], fn(&mut Http2, u32)),
    /// A proxy of an `https:` server.
    Proxy(Play),
}

/// A peer that waits for its client.
pub struct Stage {
    server: Option<FaultServer>,
    url: String,
    proxy: Option<String>,
    authority: Option<String>,
    http2: bool,
    stalls: bool,
    /// The fault comes when there is a connection.
    connects: bool,
}

impl Script {
    /// Lifts the curtain. A connection that was `reused` has answered once before the fault, the first one only.
    pub fn stage(&self, reused: bool) -> Stage {
        let mut stage = Stage {
            server: None,
            url: format!("http://127.0.0.1:{}", closed_port()),
            proxy: None,
            authority: None,
            http2: false,
            stalls: self.stalls,
            connects: !matches!(self.peer, Peer::Nobody | Peer::Handshake(_) | Peer::Proxy(_)),
        };
        let server = match &self.peer {
            Peer::Nobody => return stage,
            Peer::Plain(play) => FaultServer::start(after_a_good_one(reused, play)),
            Peer::Handshake(play) => FaultServer::start(after_a_good_one(false, play)),
            Peer::Secure(play) => {
                let authority = Authority::new();
                stage.authority = Some(authority.pem.clone());
                FaultServer::tls(tls_fault::http1(&authority, &SERVER), after_a_good_one(reused, play))
            }
            Peer::Http2(settings, play) => {
                let (authority, settings, play) = (Authority::new(), *settings, *play);
                stage.authority = Some(authority.pem.clone());
                stage.http2 = true;
                let config = tls_fault::speaking(&authority, &SERVER, &[b"h2"]);
                FaultServer::tls(config, move |connection| {
                    let first = reused && connection.number == 0;
                    let Some(mut peer) = Http2::open(connection, settings) else { return };
                    if first {
                        let Some(stream) = peer.request() else { return };
                        peer.answer(stream, b"{}");
                    }
                    let Some(stream) = peer.head() else { return };
                    play(&mut peer, stream);
                })
            }
            Peer::Proxy(play) => {
                let server = FaultServer::start(after_a_good_one(false, play));
                (stage.url, stage.proxy) = ("https://api.invalid".into(), Some(server.url()));
                stage.server = Some(server);
                return stage;
            }
        };
        stage.url = match self.peer {
            Peer::Handshake(_) => server.url().replace("http:", "https:"),
            _ => server.url(),
        };
        stage.server = Some(server);
        stage
    }
}

impl Stage {
    /// The settings of a client that meets the fault.
    pub fn builder(&self) -> ClientBuilder {
        let mut builder = support::builder(&self.url).proxy(self.proxy.as_deref());
        if let Some(pem) = &self.authority {
            builder = builder.ca_certificate(pem.clone());
        }
        if self.stalls {
            // A handshake takes its time on a busy machine.
            let patience = if self.http2 { PATIENCE * 4 } else { PATIENCE };
            builder = if self.connects {
                builder.headers_timeout(patience).idle_timeout(patience)
            } else {
                builder.connect_timeout(patience)
            };
        }
        builder
    }

    /// How many requests came, whole or, over HTTP/2, begun.
    pub fn requests(&self) -> usize {
        match &self.server {
            None => 0,
            Some(server) if self.http2 => h2_fault::requests(server),
            Some(server) => server.requests().len(),
        }
    }
}

fn after_a_good_one(reused: bool, play: &Play) -> impl Fn(&mut Connection) + Send + Sync + 'static {
    let play = Arc::clone(play);
    move |connection| {
        if reused && connection.number == 0 {
            if connection.request().is_none() {
                return;
            }
            connection.send(GOOD);
        }
        play(connection);
    }
}

/// The scripts of a row.
pub fn of(id: &str) -> Vec<Script> {
    let found: Vec<_> = all().into_iter().filter(|script| script.id == id).collect();
    assert!(!found.is_empty(), "{id} has no script");
    found
}

/// Every script, in the order of the rows.
pub fn all() -> Vec<Script> {
    [connections(), heads(), framings(), bodies(), handshakes(), http2(), floods(), proxies()]
        .into_iter()
        .flatten()
        .collect()
}

fn script(id: &'static str, fault: &'static str, peer: Peer) -> Script {
    Script { id, fault, stalls: false, peer }
}

fn plain(id: &'static str, fault: &'static str, play: impl Fn(&mut Connection) + Send + Sync + 'static) -> Script {
    script(id, fault, Peer::Plain(Arc::new(play)))
}

/// One that is over when the client loses its patience.
fn stalling(script: Script) -> Script {
    Script { stalls: true, ..script }
}

/// Reads a request, answers these bytes, and closes.
fn answer(id: &'static str, fault: &'static str, bytes: impl Into<Vec<u8>>) -> Script {
    let bytes = bytes.into();
    plain(id, fault, move |connection| {
        if connection.request().is_some() {
            connection.send(&bytes);
        }
    })
}

/// Connections that break before there is an answer.
fn connections() -> Vec<Script> {
    vec![
        script("n01", "nothing listens", Peer::Nobody),
        plain("n06", "the request is read and the connection closed", |connection| {
            connection.request();
        }),
        plain("n07", "reset with the request unread", |connection| {
            connection.leave_unread();
            connection.reset();
        }),
        plain("n08", "reset with the request read", |connection| {
            connection.request();
            connection.reset();
        }),
        answer("n09", "half a status line", "HTTP/1.1 2"),
        answer("n09", "a status line only", "HTTP/1.1 200 OK\r\n"),
        answer("n09", "half a header", "HTTP/1.1 200 OK\r\nContent-Le"),
        stalling(plain("n13", "silence", |connection| {
            connection.request();
            connection.hold();
        })),
        stalling(plain("n14", "a head that drips", |connection| {
            connection.request();
            let head = b"HTTP/1.1 200 OK\r\nx: ".iter().copied().chain(std::iter::repeat(b'x'));
            connection.drip(head, |connection| connection.stays(PATIENCE / 10));
        })),
    ]
}

/// Heads that are no HTTP, or too much of it.
fn heads() -> Vec<Script> {
    let header =
        |fault, line: &str| answer("n19", fault, format!("HTTP/1.1 200 OK\r\n{line}\r\nContent-Length: 0\r\n\r\n"));
    let status = |fault, line: &str| answer("n11", fault, format!("{line}\r\nContent-Length: 0\r\n\r\n"));
    let long = |fault, name: usize, value: usize| {
        let line = format!("{}: {}", "n".repeat(name), "v".repeat(value));
        answer("n18", fault, format!("HTTP/1.1 200 OK\r\n{line}\r\nContent-Length: 0\r\n\r\n"))
    };
    vec![
        answer("n10", "the banner of SSH", "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        answer("n10", "an alert of TLS", b"\x15\x03\x03\0\x02\x02\x46\r\n\r\n\0\0\0\0".to_vec()),
        answer("n10", "a page without a head, as HTTP/0.9 has it", "<html></html>\r\n\r\n"),
        answer("n10", "HTTP/3.0", "HTTP/3.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
        answer("n10", "zeros", vec![0; 64]),
        status("status 099", "HTTP/1.1 099 Low"),
        status("status 1000", "HTTP/1.1 1000 High"),
        status("status 20", "HTTP/1.1 20 Short"),
        status("status 20x", "HTTP/1.1 20x Odd"),
        answer("n17", "status 101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx"),
        answer("n18", "101 headers", format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: 1\r\n".repeat(101))),
        answer("n18", "two headers of 33 KiB", {
            let line = format!("x: {}\r\n", "v".repeat(33 << 10));
            format!("HTTP/1.1 200 OK\r\n{line}{line}Content-Length: 0\r\n\r\n")
        }),
        long("a value of 65 KiB", 1, 65 << 10),
        long("a value of 600 KiB", 1, 600 << 10),
        long("a name of 1 MiB", 1 << 20, 1),
        header("a folded line", "x: a\r\n b"),
        header("a space before the colon", "x : a"),
        header("NUL in a value", "x: a\0b"),
        header("ESC in a value", "x: a\x1b[2Jb"),
        header("a bare CR in a value", "x: a\rb"),
        header("no colon", "no colon"),
        header("a name that is no token", "x y: a"),
    ]
}

/// Heads whose body's end is not certain.
fn framings() -> Vec<Script> {
    let length = |id, fault, lines: &str| answer(id, fault, format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\nabc"));
    let coded =
        |id, fault, lines: &str| answer(id, fault, format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"));
    vec![
        length("n23", "two lengths that differ", "Content-Length: 3\r\nContent-Length: 4"),
        length("n23", "two lengths in one line that differ", "Content-Length: 3, 4"),
        length("n23", "length +3", "Content-Length: +3"),
        length("n23", "length -3", "Content-Length: -3"),
        length("n23", "length 2^64", "Content-Length: 18446744073709551616"),
        length("n23", "length 3 3", "Content-Length: 3 3"),
        length("n23", "length of nothing", "Content-Length: "),
        length("n24", "length 2^64 - 3", "Content-Length: 18446744073709551613"),
        length("n24 past", "length 2^64 - 1", "Content-Length: 18446744073709551615"),
        coded("n25", "a length and chunks", "Content-Length: 13\r\nTransfer-Encoding: chunked"),
        coded("n25", "chunks and a length", "Transfer-Encoding: chunked\r\nContent-Length: 2"),
        coded("n30", "gzip, chunked", "Transfer-Encoding: gzip, chunked"),
        coded("n30", "identity", "Transfer-Encoding: identity"),
        coded("n30", "xchunked", "Transfer-Encoding: xchunked"),
        coded("n30", "chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        answer(
            "n30",
            "chunks in HTTP/1.0",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        ),
    ]
}

/// Bodies that break off, or whose chunks are none.
fn bodies() -> Vec<Script> {
    let chunks = |id, fault, body: &str| {
        answer(id, fault, format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}"))
    };
    vec![
        answer("n20", "3 bytes of 10", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
        plain("n21", "3 bytes of 10 and a reset", |connection| {
            connection.request();
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
            connection.reset();
        }),
        chunks("n26", "size zz", "zz\r\nab\r\n0\r\n\r\n"),
        chunks("n26", "size -1", "-1\r\nab\r\n0\r\n\r\n"),
        chunks("n26", "size +2", "+2\r\nab\r\n0\r\n\r\n"),
        chunks("n26", "a size of 17 digits", "10000000000000002\r\nab\r\n0\r\n\r\n"),
        chunks("n26", "a line that ends in LF only", "2\nab\r\n0\r\n\r\n"),
        chunks("n26", "no CRLF behind a chunk", "2\r\nabc0\r\n\r\n"),
        chunks("n27", "no last chunk", "2\r\nab\r\n"),
        chunks("n27", "the end within a chunk", "5\r\nab"),
        chunks("n28", "an extension of 20 kB", &format!("2;{}\r\nab\r\n0\r\n\r\n", "x".repeat(20_000))),
        stalling(plain("n34", "a body that stops", |connection| {
            connection.request();
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
            connection.hold();
        })),
    ]
}

/// TLS that does not come about, and one that ends without saying so.
fn handshakes() -> Vec<Script> {
    let handshake = |id, fault, play: fn(&mut Connection)| script(id, fault, Peer::Handshake(Arc::new(play)));
    vec![
        handshake("n43", "no cipher in common", |connection| tls_fault::alert(connection, tls_fault::NO_CIPHER)),
        handshake("n43", "no version in common", |connection| tls_fault::alert(connection, tls_fault::NO_VERSION)),
        handshake("n43", "no TLS", |connection| {
            connection.peek();
            connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            connection.finish();
        }),
        stalling(handshake("n43 stall", "silence in the handshake", tls_fault::stall)),
        handshake("n43 lost", "a reset in the handshake", tls_fault::reset),
        handshake("n43 lost", "the end in the handshake", |connection| {
            // All of the hello is read, or closing would be a reset.
            let Some(head) = connection.take(5) else { return };
            connection.take(usize::from(head[3]) << 8 | usize::from(head[4]));
        }),
        script("n44", "no close_notify behind a body without a length", {
            Peer::Secure(Arc::new(|connection| {
                connection.request();
                connection.send(b"HTTP/1.1 200 OK\r\n\r\n{\"half\":");
            }))
        }),
    ]
}

/// HTTP/2 that ends streams.
fn http2() -> Vec<Script> {
    let over = |id, fault, play: fn(&mut Http2, u32)| script(id, fault, Peer::Http2(&[], play));
    vec![
        over("n45", "GOAWAY below the stream", |peer, stream| {
            peer.go_away(stream - 1, h2_fault::NO_ERROR);
            peer.hold();
        }),
        over("n45", "GOAWAY below the stream, and the end", |peer, stream| {
            peer.go_away(stream - 1, h2_fault::NO_ERROR);
            peer.finish();
        }),
        over("n45 begun", "GOAWAY at the stream, and the end", |peer, stream| {
            peer.go_away(stream, h2_fault::NO_ERROR);
            peer.finish();
        }),
        over("n46 refused", "RST_STREAM REFUSED_STREAM", |peer, stream| {
            peer.reset(stream, h2_fault::REFUSED_STREAM);
            peer.hold();
        }),
        over("n46", "RST_STREAM CANCEL", |peer, stream| {
            peer.reset(stream, h2_fault::CANCEL);
            peer.hold();
        }),
        over("n46", "RST_STREAM INTERNAL_ERROR", |peer, stream| {
            peer.reset(stream, h2_fault::INTERNAL_ERROR);
            peer.hold();
        }),
    ]
}

/// HTTP/2 that goes on and on, or not at all.
fn floods() -> Vec<Script> {
    let over = |id, fault, play: fn(&mut Http2, u32)| script(id, fault, Peer::Http2(&[], play));
    let closed = &[(h2_fault::INITIAL_WINDOW_SIZE, 0)];
    vec![
        over("n47 head", "CONTINUATION without end", |peer, stream| {
            peer.unfinished_head(stream);
            while peer.stays() {
                // A literal that is not kept: `x: v`.
                peer.continuation(stream, b"\0\x01x\x01v");
            }
        }),
        stalling(over("n47 silence", "thousands of PING", |peer, _| {
            (0..MANY).for_each(|_| peer.ping());
            peer.hold();
        })),
        stalling(over("n47 silence", "thousands of SETTINGS", |peer, _| {
            (0..MANY).for_each(|_| peer.settings(&[]));
            peer.hold();
        })),
        stalling(script("n47 silence", "a window that never opens", Peer::Http2(closed, |peer, _| peer.hold()))),
        stalling(over("n47 body", "empty DATA without end", |peer, stream| {
            peer.status_200(stream, &[]);
            while peer.stays() {
                peer.data(stream, b"", false);
            }
        })),
        over("n48", "a head of 80 KiB", |peer, stream| {
            let value = "v".repeat(8 << 10);
            peer.status_200(stream, &[("x", value.as_str()); 10]);
            peer.data(stream, b"{}", true);
            peer.hold();
        }),
        over("n48", "a head of 300 KiB", |peer, stream| {
            let value = "v".repeat(30 << 10);
            peer.status_200(stream, &[("x", value.as_str()); 10]);
            peer.data(stream, b"{}", true);
            peer.hold();
        }),
    ]
}

/// Proxies that give no connection.
fn proxies() -> Vec<Script> {
    let proxy = |id, fault, bytes: &'static str| {
        let play = move |connection: &mut Connection| {
            connection.request();
            connection.send(bytes.as_bytes());
        };
        script(id, fault, Peer::Proxy(Arc::new(play)))
    };
    vec![
        proxy("n53", "407", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
        proxy("n53", "502", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
        proxy("n53", "garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        proxy("n53", "the end before an answer", ""),
        proxy("n53", "the end within the tunnel", "HTTP/1.1 200 OK\r\n\r\n"),
        stalling(script("n53 stall", "silence", {
            Peer::Proxy(Arc::new(|connection: &mut Connection| {
                connection.request();
                connection.hold();
            }))
        })),
    ]
}

/// A resolver that gives these addresses, or never anything.
pub struct Addresses(pub Option<Vec<SocketAddr>>);

impl Resolve for Addresses {
    fn resolve(&self, _: String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> {
        let addresses = self.0.clone();
        Box::pin(async move {
            match addresses {
                Some(addresses) => Ok(addresses),
                None => std::future::pending().await,
            }
        })
    }
}

/// A resolver that finds every name here.
pub fn here() -> Addresses {
    Addresses(Some(vec![SocketAddr::from(([127, 0, 0, 1], 0))]))
}

/// The settings of a client of `host` at the port of `server`, which trusts `authority`.
pub fn trusting(server: &FaultServer, host: &str, authority: &Authority) -> ClientBuilder {
    let url = format!("https://{host}:{}", server.port());
    support::builder(&url).resolver(here()).ca_certificate(authority.pem.clone())
}

/// A server of HTTP/1.1 over TLS that answers well, by a certificate of `authority`.
pub fn secure(authority: &Authority, claims: &Claims) -> FaultServer {
    FaultServer::tls(tls_fault::http1(authority, claims), |connection| {
        while connection.request().is_some() {
            connection.send(GOOD);
        }
    })
}
