//! How a peer misbehaves, row by row; the ids are those of the network faults.

use std::{io, sync::Arc};

use super::stage::{GOOD, Names, PATIENCE, Peer, Script};
use crate::support::{
    authority::{Claims, SERVER},
    fault::Connection,
    h2_fault::{self, Http2},
    tls_fault,
};

/// How many frames are a flood: no client may choke on them, and the machine has other work too.
const MANY: usize = 4_000;

/// The scripts of a row.
pub fn of(id: &str) -> Vec<Script> {
    let found: Vec<_> = all().into_iter().filter(|script| script.id == id).collect();
    assert!(!found.is_empty(), "{id} has no script");
    found
}

/// Every script, in the order of the rows.
pub fn all() -> Vec<Script> {
    [nobody(), connections(), heads(), framings(), bodies(), handshakes(), http2(), floods(), statuses(), proxies()]
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

/// Reads a request at a time, and answers each by these bytes, which must say their length.
fn answers(id: &'static str, fault: &'static str, bytes: impl Into<Vec<u8>>) -> Script {
    let bytes = bytes.into();
    plain(id, fault, move |connection| {
        while connection.request().is_some() {
            connection.send(&bytes);
        }
    })
}

/// No connection.
fn nobody() -> Vec<Script> {
    let named = |fault, names| script("n03", fault, Peer::Nobody(Some(names)));
    vec![
        script("n01", "nothing listens", Peer::Nobody(None)),
        stalling(script("n02", "connecting is never answered", Peer::Nowhere(None))),
        named("a name that does not exist", Names::Failing(io::ErrorKind::NotFound)),
        named("a name without an address", Names::here(0)),
        named("a resolver that is busy", Names::Failing(io::ErrorKind::ResourceBusy)),
        stalling(named("a resolver that never answers", Names::Silent)),
        script("n05", "8 addresses that refuse", Peer::Nobody(Some(Names::here(8)))),
        stalling(script("n05 silent", "8 addresses that are silent", Peer::Nowhere(Some(Names::here(8))))),
    ]
}

/// Connections that break before there is an answer.
fn connections() -> Vec<Script> {
    vec![
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
        stalling(plain("n15", "103 without end", |connection| {
            connection.request();
            while connection.stays(PATIENCE / 50) {
                connection.send("HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=next\r\n\r\n".repeat(10).as_bytes());
            }
        })),
        answer("n16", "50 of 100 before the answer", {
            let before = "HTTP/1.1 100 Continue\r\n\r\n".repeat(50);
            [before.as_bytes(), GOOD].concat()
        }),
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
        answers("n12", "status 299", "HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\n{}"),
        answers("n12", "status 599", "HTTP/1.1 599 Odd\r\nContent-Length: 2\r\n\r\n{}"),
        answers("n12", "status 999", "HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\n{}"),
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
        answer("n22", "another answer behind the answer", [GOOD, GOOD].concat()),
        chunks("n26", "size zz", "zz\r\nab\r\n0\r\n\r\n"),
        chunks("n26", "size -1", "-1\r\nab\r\n0\r\n\r\n"),
        chunks("n26", "size +2", "+2\r\nab\r\n0\r\n\r\n"),
        chunks("n26", "a size of 17 digits", "10000000000000002\r\nab\r\n0\r\n\r\n"),
        chunks("n26", "a line that ends in LF only", "2\nab\r\n0\r\n\r\n"),
        chunks("n26", "no CRLF behind a chunk", "2\r\nabc0\r\n\r\n"),
        chunks("n27", "no last chunk", "2\r\nab\r\n"),
        chunks("n27", "the end within a chunk", "5\r\nab"),
        chunks("n28", "an extension of 20 kB", &format!("2;{}\r\nab\r\n0\r\n\r\n", "x".repeat(20_000))),
        chunks("n28 small", "chunks of a byte", &("1\r\n \r\n".repeat(10_000) + "2\r\n{}\r\n0\r\n\r\n")),
        chunks("n29", "trailers of 1 MiB", &format!("2\r\n{{}}\r\n0\r\nx: {}\r\n\r\n", "v".repeat(1 << 20))),
        chunks("n29 length", "a length in the trailers", "2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n"),
        answer("n31", "no length", "HTTP/1.1 200 OK\r\n\r\n{}"),
        answer("n31", "no length, and JSON that ends too early", "HTTP/1.1 200 OK\r\n\r\n{\"half\":"),
        answer("n32", "204 with a body", "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nEVIL"),
        stalling(plain("n34", "a body that stops", |connection| {
            connection.request();
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
            connection.hold();
        })),
        answer("n36", "Connection: close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"),
        plain("n38", "an answer byte by byte", |connection| {
            connection.request();
            connection.slices(GOOD, 1);
        }),
        answers("n56", "a changed byte", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"due\":9}"),
    ]
}

/// TLS that does not come about, and one that ends without saying so.
fn handshakes() -> Vec<Script> {
    let handshake = |id, fault, play: fn(&mut Connection)| script(id, fault, Peer::Handshake(Arc::new(play)));
    let shows = |id, fault, claims, vouched| script(id, fault, Peer::Certificate(claims, vouched));
    vec![
        shows("n40", "a certificate that has expired", Claims { years: (2020, 2021), ..SERVER }, true),
        shows("n41", "a certificate of another host", Claims { name: "localhost", ..SERVER }, true),
        shows("n42", "a certificate of an unknown authority", SERVER, false),
        shows("n42", "a certificate of the future", Claims { years: (2090, 2100), ..SERVER }, true),
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
            peer.reset_all(stream, h2_fault::REFUSED_STREAM);
        }),
        over("n46", "RST_STREAM CANCEL", |peer, stream| peer.reset_all(stream, h2_fault::CANCEL)),
        over("n46", "RST_STREAM INTERNAL_ERROR", |peer, stream| peer.reset_all(stream, h2_fault::INTERNAL_ERROR)),
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

/// Statuses that may pass, and some that do not.
fn statuses() -> Vec<Script> {
    let status = |id, fault, line: &str, kind: &str, body: &str| {
        let length = body.len();
        let head = format!("HTTP/1.1 {line}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
        answers(id, fault, head + body)
    };
    let plainly = |id, fault, line: &str| status(id, fault, line, "application/json", "{}");
    let by_proxy = |fault, line: &str| status("n51", fault, line, "text/html", "<h1>no server</h1>");
    let problem = r#"{"title":"Busy","detail":"come back later"}"#;
    vec![
        plainly("n49", "429", "429 Too Many Requests"),
        plainly("n49", "429, Retry-After: 0", "429 Too Many Requests\r\nRetry-After: 0"),
        plainly("n49", "429, Retry-After: 120", "429 Too Many Requests\r\nRetry-After: 120"),
        plainly(
            "n49",
            "429, Retry-After: a day in the year 9999",
            "429 Too Many Requests\r\nRetry-After: Fri, 31 Dec 9999 23:59:59 GMT",
        ),
        plainly("n50", "503", "503 Service Unavailable"),
        status("n50", "503, and a problem", "503 Service Unavailable", "application/problem+json", problem),
        plainly("n50", "503, Retry-After: 120", "503 Service Unavailable\r\nRetry-After: 120"),
        by_proxy("502, a page of a proxy", "502 Bad Gateway"),
        by_proxy("504, a page of a proxy", "504 Gateway Timeout"),
        plainly("status", "404", "404 Not Found"),
        plainly("status", "408", "408 Request Timeout"),
        plainly("status", "409", "409 Conflict"),
        plainly("status", "421", "421 Misdirected Request"),
        plainly("status", "425", "425 Too Early"),
        plainly("status", "500", "500 Internal Server Error"),
        plainly("status", "501", "501 Not Implemented"),
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
