//! What a server tells: whether it can be reached, and what time it has.

use std::{
    net::IpAddr,
    time::{Duration, Instant, SystemTime},
};

use restwalk::{
    CacheMode, Catalog, Client, Error, ErrorKind, Retry, block_on,
    http::{HeaderMap, StatusCode, Uri, header::DATE},
};

use super::Findings;
use crate::{args::Options, io::Io, mistake::Mistake, settings::Settings};

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The difference of two clocks that is no matter.
const TOLERABLE: Duration = Duration::from_secs(60);

/// Asks for the base URL itself, once and without credentials; `now` tells the time here.
pub(super) fn check(
    mut settings: Settings,
    options: &Options,
    io: &Io<'_>,
    now: fn() -> SystemTime,
    findings: &mut Findings,
) {
    let Some(base) = settings.base_url.clone() else {
        return findings.fail("base URL", Mistake::usage("there is none").hint("give --base-url URL, or -e NAME"));
    };
    // The catalog need not have a route for the root.
    settings.catalog = Catalog::open();
    let client = match settings.client(&base, options, io) {
        Ok(client) => client,
        Err(mistake) => return findings.fail("client", mistake),
    };
    if base.starts_with("https:") {
        trust(options, findings);
    } else if is_here(&base) {
        findings.ok("certificates", "none are needed: the server is on this machine");
    } else {
        findings.warn("certificates", "the base URL is http: anyone on the way can read what is sent; use https");
    }
    if !options.print.offline {
        reach(&client, now, findings);
    }
}

/// Whether a server is on this machine, told by its name.
fn is_here(base: &str) -> bool {
    let url = base.parse::<Uri>();
    let host = url.as_ref().ok().and_then(Uri::host).unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Which certificates are believed.
fn trust(options: &Options, findings: &mut Findings) {
    let send = &options.send;
    let own = Some(&*send.verify).filter(|verify| !matches!(*verify, "yes" | "true"));
    match own.or(send.cacert.as_deref()) {
        Some("no" | "false") => findings.warn("certificates", "none is checked; leave out --verify no"),
        Some(file) => findings.ok("certificates", format!("the system's roots, and those of {file}")),
        None => findings.ok("certificates", "the system's roots"),
    }
}

fn reach(client: &Client, now: fn() -> SystemTime, findings: &mut Findings) {
    let begun = Instant::now();
    let call = client.path("").get().cache(CacheMode::NoStore).retry(Retry::off()).timeout(PATIENCE);
    let answer = block_on(call.send_raw());
    let (here, took) = (now(), begun.elapsed().as_millis());
    match answer {
        Ok(Ok(response)) => {
            answered(response.status(), took, findings);
            clock(response.headers(), here, findings);
        }
        Ok(Err(error)) => {
            if let Some(status) = error.status() {
                answered(status, took, findings);
                clock(error.headers(), here, findings);
            } else {
                unanswered(error, findings);
            }
        }
        Err(error) => findings.fail("base URL", error),
    }
}

fn unanswered(error: Error, findings: &mut Findings) {
    let (what, hint) = match error.kind() {
        ErrorKind::Tls => ("certificates", "--cacert FILE trusts a CA of your own"),
        ErrorKind::Timeout => ("base URL", "it has 5 s; is a proxy or a VPN needed?"),
        _ => ("base URL", "is the server there, and the URL right?"),
    };
    findings.fail(what, Mistake::from(error).hint(hint));
}

/// Any answer shows that the server is there, whatever it thinks of the path.
fn answered(status: StatusCode, took: u128, findings: &mut Findings) {
    let text = format!("answers {status} in {took} ms");
    if status.is_server_error() {
        findings.warn("base URL", format!("{text}; the server may be in trouble"));
    } else {
        findings.ok("base URL", text);
    }
}

/// Compares the clock here with that of the answer.
fn clock(headers: &HeaderMap, here: SystemTime, findings: &mut Findings) {
    let date = headers.get(DATE).and_then(|value| value.to_str().ok());
    let Some(there) = date.and_then(|text| httpdate::parse_http_date(text).ok()) else {
        return findings.ok("clock", "the server does not tell the time");
    };
    let (gap, side) = match here.duration_since(there) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    if gap > TOLERABLE {
        let why = "set it, for tokens and signatures are judged by it";
        findings.warn("clock", format!("{} s {side} the server's; {why}", gap.as_secs()));
    } else {
        findings.ok("clock", format!("within {} s of the server's", gap.as_secs()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stays_on_this_machine_needs_no_certificate() {
        for (base, expected) in [
            ("http://localhost:8081", true),
            ("http://127.1.2.3/api", true),
            ("http://[::1]:80", true),
            ("http://localhost.evil.test", false),
            ("http://192.168.0.1", false),
            ("http://localhost@evil.test", false),
            ("no url", false),
        ] {
            assert_eq!(is_here(base), expected, "{base}");
        }
    }

    #[test]
    fn a_clock_that_is_a_minute_off_is_told() {
        const THERE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        let there = httpdate::parse_http_date(THERE).unwrap();
        let second = Duration::from_secs(1);
        for (date, here, expected) in [
            (THERE, there, "within 0 s of the server's"),
            (THERE, there + 60 * second, "within 60 s of the server's"),
            (THERE, there + 61 * second, "61 s ahead of the server's; set it"),
            (THERE, there - 3600 * second, "3600 s behind the server's; set it"),
            ("yesterday", there, "the server does not tell the time"),
        ] {
            let mut findings = Findings::default();
            let headers = HeaderMap::from_iter([(DATE, date.parse().unwrap())]);
            clock(&headers, here, &mut findings);
            let (level, what, text) = &findings.0[0];
            assert!(*what == "clock" && text.starts_with(expected), "{text}");
            assert_eq!(*level == super::super::Level::Warn, expected.contains("set it"), "{text}");
        }
    }
}
