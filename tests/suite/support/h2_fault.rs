//! A peer that speaks HTTP/2 frame by frame, so that it can speak it wrongly.

use super::fault::{Connection, FaultServer};

/// What a client says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// Error codes of RFC 9113, section 7.
pub const NO_ERROR: u32 = 0;
pub const INTERNAL_ERROR: u32 = 2;
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;

/// Settings of RFC 9113, section 6.5.2.
pub const MAX_CONCURRENT_STREAMS: u16 = 3;
pub const INITIAL_WINDOW_SIZE: u16 = 4;

/// A connection on which HTTP/2 was begun.
pub struct Http2<'c> {
    connection: &'c mut Connection,
}

impl<'c> Http2<'c> {
    /// Reads the client's preface, and sends `settings`; `None` when the client has gone.
    pub fn open(connection: &'c mut Connection, settings: &[(u16, u32)]) -> Option<Self> {
        assert_eq!(connection.take(PREFACE.len())?, PREFACE);
        let mut peer = Self { connection };
        peer.settings(settings);
        Some(peer)
    }

    /// The stream of the next request that has come whole; settings are acknowledged on the way.
    pub fn request(&mut self) -> Option<u32> {
        loop {
            let (kind, flags, stream, _) = self.read()?;
            match kind {
                HEADERS | DATA if flags & END_STREAM != 0 => return Some(stream),
                SETTINGS if flags & ACK == 0 => self.frame(SETTINGS, ACK, 0, &[]),
                _ => {}
            }
        }
    }

    /// The stream of the next request whose head has come; its body is left unread.
    pub fn head(&mut self) -> Option<u32> {
        loop {
            let (kind, flags, stream, _) = self.read()?;
            match kind {
                HEADERS => return Some(stream),
                SETTINGS if flags & ACK == 0 => self.frame(SETTINGS, ACK, 0, &[]),
                _ => {}
            }
        }
    }

    /// A whole answer of status 200.
    pub fn answer(&mut self, stream: u32, body: &[u8]) {
        self.status_200(stream, &[]);
        self.data(stream, body, true);
    }

    /// The head of an answer of status 200 with `headers`, in as many frames as it takes.
    pub fn status_200(&mut self, stream: u32, headers: &[(&str, &str)]) {
        // `:status: 200` is the eighth of the static table; the rest are literals that are not kept.
        let mut block = vec![0x88];
        for (name, value) in headers {
            block.push(0);
            string(&mut block, name);
            string(&mut block, value);
        }
        let pieces: Vec<_> = block.chunks(16 << 10).collect();
        for (at, piece) in pieces.iter().enumerate() {
            let kind = if at == 0 { HEADERS } else { CONTINUATION };
            let flags = if at + 1 == pieces.len() { END_HEADERS } else { 0 };
            self.frame(kind, flags, stream, piece);
        }
    }

    pub fn settings(&mut self, settings: &[(u16, u32)]) {
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        self.frame(SETTINGS, 0, 0, &payload);
    }

    pub fn data(&mut self, stream: u32, bytes: &[u8], last: bool) {
        self.frame(DATA, if last { END_STREAM } else { 0 }, stream, bytes);
    }

    pub fn reset(&mut self, stream: u32, why: u32) {
        self.frame(RST_STREAM, 0, stream, &why.to_be_bytes());
    }

    /// Resets `stream` and every stream after it, until the client goes.
    pub fn reset_all(&mut self, stream: u32, why: u32) {
        let mut next = Some(stream);
        while let Some(stream) = next {
            self.reset(stream, why);
            next = self.head();
        }
    }

    /// Takes no stream after `last`.
    pub fn go_away(&mut self, last: u32, why: u32) {
        self.frame(GOAWAY, 0, 0, &[last.to_be_bytes(), why.to_be_bytes()].concat());
    }

    pub fn ping(&mut self) {
        self.frame(PING, 0, 0, &[0; 8]);
    }

    /// A piece of a head that goes on and on.
    pub fn continuation(&mut self, stream: u32, block: &[u8]) {
        self.frame(CONTINUATION, 0, stream, block);
    }

    /// The first piece of such a head.
    pub fn unfinished_head(&mut self, stream: u32) {
        self.frame(HEADERS, 0, stream, &[0x88]);
    }

    /// A frame as it stands.
    pub fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        self.connection.send(&frame);
    }

    /// Keeps the connection open until the client closes it.
    pub fn hold(&mut self) {
        self.connection.hold();
    }

    /// Sends no more, and reads until the client closes too: closing on unread frames would be a reset.
    pub fn finish(&mut self) {
        self.connection.finish();
    }

    /// Whether the client is still there; what it sent is read.
    pub fn stays(&mut self) -> bool {
        self.connection.drain()
    }

    fn read(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let head = self.connection.take(9)?;
        let (length, kind, flags, stream) = described(&head);
        Some((kind, flags, stream, self.connection.take(length)?))
    }
}

/// A text of HPACK as it is, without Huffman's code.
fn string(block: &mut Vec<u8>, text: &str) {
    let mut left = text.len();
    if left < 127 {
        block.push(u8::try_from(left).unwrap());
    } else {
        block.push(127);
        left -= 127;
        while left >= 128 {
            block.push(u8::try_from(left % 128).unwrap() | 128);
            left /= 128;
        }
        block.push(u8::try_from(left).unwrap());
    }
    block.extend_from_slice(text.as_bytes());
}

/// Length, kind, flags and stream of a frame, by its nine first bytes.
fn described(head: &[u8]) -> (usize, u8, u8, u32) {
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    (length, head[3], head[4], u32::from_be_bytes([head[5] & 127, head[6], head[7], head[8]]))
}

/// How many requests were begun, connection by connection.
pub fn requests(server: &FaultServer) -> Vec<usize> {
    let begun = |bytes: Vec<u8>| {
        let (mut at, mut count) = (PREFACE.len(), 0);
        while let Some(head) = bytes.get(at..at + 9) {
            let (length, kind, ..) = described(head);
            count += usize::from(kind == HEADERS);
            at += 9 + length;
        }
        count
    };
    server.received().into_iter().map(begun).collect()
}
