//! What goes to standard output: heads and bodies of requests and answers.

use std::io::{self, Write};

use restwalk::{Body, Response, block_on, http::Request};

use crate::{
    args::Print,
    io::{Io, Stream},
    mistake::{Mistake, Result},
};

/// Which parts are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) request_head: bool,
    pub(crate) request_body: bool,
    pub(crate) head: bool,
    pub(crate) body: bool,
    pub(crate) meta: bool,
}

impl Parts {
    /// What the options ask for; the answer's body alone where they ask for nothing.
    pub(crate) fn of(print: &Print) -> Result<Self> {
        let letters = match print {
            Print { letters: Some(letters), .. } => letters,
            Print { quiet: true, .. } => "",
            Print { verbose: true, .. } => "HBhb",
            Print { headers: true, .. } => "h",
            Print { meta: true, .. } => "m",
            Print { offline: true, .. } => "HB",
            _ => "b",
        };
        if let Some(wrong) = letters.chars().find(|letter| !"HBhbm".contains(*letter)) {
            return Err(Mistake::usage(format!("-p has no {wrong:?}")).hint("its letters are H, B, h, b and m"));
        }
        let has = |letter| letters.contains(letter);
        Ok(Self { request_head: has('H'), request_body: has('B'), head: has('h'), body: has('b'), meta: has('m') })
    }
}

/// Prints a request, secrets masked unless they are to be shown.
pub(crate) fn request(request: &Request<Body>, parts: Parts, secrets: bool, io: &mut Io<'_>) -> io::Result<()> {
    let mut text = String::new();
    if parts.request_head {
        let uri = request.uri();
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        text += &format!("{} {target} HTTP/1.1\n", request.method());
        text += &format!("host: {}\n", uri.authority().map_or("", |authority| authority.as_str()));
        for (name, value) in request.headers() {
            let shown = String::from_utf8_lossy(value.as_bytes());
            text += &format!("{name}: {}\n", if value.is_sensitive() && !secrets { "***" } else { &shown });
        }
        text.push('\n');
    }
    write(text.as_bytes(), io)?;
    if !parts.request_body {
        return Ok(());
    }
    match request.body().as_bytes() {
        Some(bytes) if bytes.is_empty() => Ok(()),
        Some(bytes) => write(&[bytes, &b"\n"[..]].concat(), io),
        None if request.body().is_empty() => Ok(()),
        None => write(b"(a body that is streamed)\n", io),
    }
}

/// Prints the head of an answer.
pub(crate) fn head(response: &Response, parts: Parts, io: &mut Io<'_>) -> io::Result<()> {
    let mut text = String::new();
    if parts.head {
        text += &format!("HTTP/1.1 {}\n", response.status());
        for (name, value) in response.headers() {
            text += &format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
        }
        text.push('\n');
    }
    if parts.meta {
        text += &format!("elapsed: {:?}\nattempts: {}\n", response.elapsed(), response.attempts());
    }
    write(text.as_bytes(), io)
}

/// Prints the body of an answer as it comes, or reads past it.
pub(crate) fn body(response: Response, parts: Parts, io: &mut Io<'_>) -> Result<io::Result<()>> {
    if !parts.body {
        return Ok(Ok(()));
    }
    let mut stream = response.stream();
    while let Some(chunk) = block_on(stream.next())? {
        if let Err(error) = write(&chunk?, io) {
            return Ok(Err(error));
        }
    }
    Ok(if io.stdout.1 == Stream::Terminal { io.stdout.0.write_all(b"\n") } else { Ok(()) })
}

/// Writes bytes: as they are, or made harmless for a terminal.
pub(crate) fn write(bytes: &[u8], io: &mut Io<'_>) -> io::Result<()> {
    if io.stdout.1 == Stream::Terminal {
        io.stdout.0.write_all(safe(&String::from_utf8_lossy(bytes)).as_bytes())
    } else {
        io.stdout.0.write_all(bytes)
    }
}

/// `text` with what could steer a terminal written as escapes.
pub(crate) fn safe(text: &str) -> String {
    text.chars().map(|char| if is_safe(char) { char.to_string() } else { char.escape_unicode().to_string() }).collect()
}

/// Whether a character only shows itself.
pub(crate) fn is_safe(char: char) -> bool {
    match char {
        '\n' | '\t' => true,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => false,
        char => !char.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Options;

    #[test]
    fn options_say_what_is_printed() {
        for (words, expected) in [
            ("", "b"),
            ("-b", "b"),
            ("-h", "h"),
            ("-m", "m"),
            ("-v", "HBhb"),
            ("-q", ""),
            ("-p Hm", "Hm"),
            ("-p= -v", ""),
            ("--offline", "HB"),
            ("--offline -p B", "B"),
        ] {
            let words = ["restwalk", "x"].into_iter().chain(words.split(' ').filter(|word| !word.is_empty()));
            let Parts { request_head, request_body, head, body, meta } =
                Parts::of(&Options::try_parse_from(words.clone()).unwrap().print).unwrap();
            let parts = [request_head, request_body, head, body, meta];
            assert_eq!(parts, ['H', 'B', 'h', 'b', 'm'].map(|letter| expected.contains(letter)), "{expected}");
        }
        let options = Options::try_parse_from(["restwalk", "-p", "x", "x"]).unwrap();
        assert_eq!(Parts::of(&options.print).unwrap_err().exit, 2);
    }

    #[test]
    fn what_steers_a_terminal_is_shown() {
        assert_eq!(safe("a\x1b[2J\u{9b}\u{202e}\r\n\té"), "a\\u{1b}[2J\\u{9b}\\u{202e}\\u{d}\n\té");
    }
}
