//! Heads of requests and answers, as lines.

use std::{
    io::{self, Write},
    time::Duration,
};

use anstyle::Style;
use http::{HeaderMap, HeaderName, StatusCode, Uri, Version, header, request};

use super::{
    clean::{self, Sink},
    colour::{BAD, GOOD, HEADING, NAME, NOTE},
};

/// What stands in place of a credential.
const MASKED: &[u8] = b"***";

/// The request line and the headers, its `Host` first.
pub(crate) fn request(parts: &request::Parts, show_secrets: bool, out: &mut Sink<'_>) -> io::Result<()> {
    out.paint(HEADING, parts.method.as_str().as_bytes())?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    writeln!(out, " {} {:?}", clean::line(target), parts.version)?;
    if let Some(host) = host(&parts.uri).filter(|_| !parts.headers.contains_key(header::HOST)) {
        named("host", host.as_bytes(), out)?;
    }
    headers(&parts.headers, |name| !show_secrets && holds_secret(name), !show_secrets, out)
}

/// Host and port, without a user.
pub(crate) fn host(uri: &Uri) -> Option<&str> {
    uri.authority().map(|authority| authority.as_str().rsplit('@').next().unwrap_or_default())
}

/// The status line and the headers, in the order they came in.
pub(crate) fn answer(
    version: Option<Version>,
    status: StatusCode,
    map: &HeaderMap,
    out: &mut Sink<'_>,
) -> io::Result<()> {
    match version {
        Some(version) => write!(out, "{version:?} ")?,
        None => out.write_all(b"HTTP ")?,
    }
    let text = format!("{} {}", status.as_str(), status.canonical_reason().unwrap_or_default());
    out.paint(of(status), text.trim_end().as_bytes())?;
    out.write_all(b"\n")?;
    headers(map, |_| false, false, out)
}

fn of(status: StatusCode) -> Style {
    match status.as_u16() {
        200..=299 => GOOD,
        400.. => BAD,
        _ => NOTE,
    }
}

fn headers(
    map: &HeaderMap,
    masks: impl Fn(&HeaderName) -> bool,
    masks_sensitive: bool,
    out: &mut Sink<'_>,
) -> io::Result<()> {
    for (name, value) in map {
        let masked = masks(name) || (masks_sensitive && value.is_sensitive());
        named(name.as_str(), if masked { MASKED } else { value.as_bytes() }, out)?;
    }
    out.write_all(b"\n")
}

fn named(name: &str, value: &[u8], out: &mut Sink<'_>) -> io::Result<()> {
    out.paint(NAME, name.as_bytes())?;
    out.write_all(b": ")?;
    out.write_all(value)?;
    out.write_all(b"\n")
}

fn holds_secret(name: &HeaderName) -> bool {
    [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE].contains(name)
}

/// How an exchange went, beside its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meta {
    /// The time from the start of the call to the end of its answer.
    pub elapsed: Duration,
    /// Attempts in all.
    pub attempts: u32,
    /// Whether no server was asked.
    pub from_cache: bool,
    /// Whether the answer was no longer fresh.
    pub stale: bool,
}

/// The lines of `-m`.
pub(crate) fn meta(meta: Meta, out: &mut Sink<'_>) -> io::Result<()> {
    let elapsed = format!("{}.{:03}s", meta.elapsed.as_secs(), meta.elapsed.subsec_millis());
    named("Elapsed time", elapsed.as_bytes(), out)?;
    named("Attempts", meta.attempts.to_string().as_bytes(), out)?;
    match (meta.from_cache, meta.stale) {
        (true, false) => named("From cache", b"yes", out),
        (true, true) => named("From cache", b"yes, stale", out),
        (false, _) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::output::clean::Manner;

    fn written(manner: Manner, write: impl FnOnce(&mut Sink<'_>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        let mut sink = Sink::new(&mut out, manner);
        write(&mut sink).unwrap();
        sink.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_request_shows_no_secret_unless_asked() {
        let mut sensitive = HeaderValue::from_static("CNRY");
        sensitive.set_sensitive(true);
        let (parts, ()) = http::Request::post("https://u:CNRY@h:8443/a/b?c=1")
            .header("authorization", "Bearer CNRY")
            .header("cookie", "CNRY")
            .header("x-key", sensitive)
            .header("accept", "*/*")
            .body(())
            .unwrap()
            .into_parts();
        let shown = written(Manner::default(), |out| request(&parts, false, out));
        let expected =
            "POST /a/b?c=1 HTTP/1.1\nhost: h:8443\nauthorization: ***\ncookie: ***\nx-key: ***\naccept: */*\n\n";
        assert_eq!(shown, expected);
        assert_eq!(written(Manner::default(), |out| request(&parts, true, out)).matches("CNRY").count(), 3);
    }

    #[test]
    fn x20_an_answer_has_its_line_and_its_headers() {
        let mut map = HeaderMap::new();
        map.append("set-cookie", HeaderValue::from_static("a=1"));
        map.append("set-cookie", HeaderValue::from_bytes(b"b=\xc2\x9b\xe9").unwrap());
        let terminal = Manner { terminal: true, colour: false };
        let shown = written(terminal, |out| answer(Some(Version::HTTP_2), StatusCode::NOT_FOUND, &map, out));
        assert_eq!(shown, "HTTP/2.0 404 Not Found\nset-cookie: a=1\nset-cookie: b=\\u{9b}\\xe9\n\n");
        let odd = StatusCode::from_u16(299).unwrap();
        let coloured = Manner { terminal: true, colour: true };
        let shown = written(coloured, |out| answer(None, odd, &HeaderMap::new(), out));
        assert_eq!(shown, "HTTP \x1b[32m299\x1b[0m\n\n");
    }

    #[test]
    fn meta_has_its_lines() {
        let given = Meta { elapsed: Duration::from_micros(1_234_567), attempts: 2, ..Meta::default() };
        for (from_cache, stale, line) in
            [(false, false, ""), (true, false, "From cache: yes\n"), (true, true, "From cache: yes, stale\n")]
        {
            let given = Meta { from_cache, stale, ..given };
            let expected = format!("Elapsed time: 1.234s\nAttempts: 2\n{line}");
            assert_eq!(written(Manner::default(), |out| meta(given, out)), expected);
        }
    }
}
