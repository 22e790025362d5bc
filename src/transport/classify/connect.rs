//! Why there is no connection; nothing was sent.

use std::io;

use super::{Found, tls_code};
use crate::error::{Again, Error, ErrorKind};

/// What the operating system says where no more files may be opened: `EMFILE`, `ENFILE`, `WSAEMFILE`.
const NO_MORE_FILES: [i32; 3] = [24, 23, 10_024];

/// What Windows says of a name without an address: `WSAHOST_NOT_FOUND`, `WSANO_DATA`.
const NO_SUCH_HOST: [i32; 2] = [11_001, 11_004];

pub(super) fn meaning(error: &reqwest::Error, found: &Found<'_>, by_proxy: bool) -> Error {
    let io = found.io.map(io::Error::kind);
    if error.is_timeout() || io == Some(io::ErrorKind::TimedOut) {
        return Error::coded(ErrorKind::Timeout, "timeout.connect", "no connection in the time allowed");
    }
    if let Some(tls) = found.tls {
        let (code, message) = tls_code(tls);
        return Error::coded(ErrorKind::Tls, code, message);
    }
    if found.system.is_some_and(|number| NO_MORE_FILES.contains(&number)) {
        let why = "no connection: too many files are open; have fewer calls at once, or raise the limit (ulimit -n)";
        return Error::new(ErrorKind::Connect, why);
    }
    let nameless = error.is_dns();
    let again = if nameless && !may_pass(found) { Again::Never } else { Again::ByKind };
    if by_proxy || found.tunnel.is_some() {
        return proxy(found, nameless, again);
    }
    if nameless {
        return Error::coded(ErrorKind::Connect, "dns", "the host name has no address").with_again(again);
    }
    let why = match io {
        Some(io::ErrorKind::ConnectionRefused) => "the connection was refused",
        Some(
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof,
        ) => "the connection closed during the TLS handshake",
        _ => "no connection to the server",
    };
    Error::new(ErrorKind::Connect, why)
}

fn proxy(found: &Found<'_>, nameless: bool, again: Again) -> Error {
    // A password that the proxy refuses it will refuse again.
    let refused = found.tunnel.is_some_and(|tunnel| tunnel.to_string().contains("authorization required"));
    let (message, again) = match found.io.map(io::Error::kind) {
        _ if refused => {
            ("the proxy asks for credentials; give them in its URL: http://name:password@host", Again::Never)
        }
        _ if nameless => ("the proxy's host name has no address", again),
        Some(io::ErrorKind::ConnectionRefused) => ("the proxy refused the connection", again),
        _ => ("no connection by way of the proxy", again),
    };
    Error::coded(ErrorKind::Connect, "proxy", message).with_again(again)
}

/// Whether a name that has no address now may have one soon.
///
/// The system's resolver tells it by its text only: `EAI_AGAIN` as glibc, musl and the BSDs word it.
fn may_pass(found: &Found<'_>) -> bool {
    let Some(io) = found.io else { return false };
    if io.kind() == io::ErrorKind::NotFound || found.system.is_some_and(|number| NO_SUCH_HOST.contains(&number)) {
        return false;
    }
    let text = io.to_string();
    !text.starts_with("failed to lookup address information")
        || ["Temporary failure", "Try again", "temporarily"].iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n03_a_name_that_does_not_exist_is_told_from_a_resolver_that_is_busy() {
        let system = |why: &str| io::Error::other(format!("failed to lookup address information: {why}"));
        for (error, expected) in [
            (system("Name or service not known"), false),
            (system("nodename nor servname provided, or not known"), false),
            (system("Name does not resolve"), false),
            (system("No address associated with hostname"), false),
            (system("Temporary failure in name resolution"), true),
            (system("Try again"), true),
            (io::Error::new(io::ErrorKind::NotFound, "NXDOMAIN"), false),
            (io::Error::other("SERVFAIL"), true),
            (io::ErrorKind::ConnectionRefused.into(), true),
        ] {
            let found = Found { io: Some(&error), ..Found::default() };
            assert_eq!(may_pass(&found), expected, "{error}");
        }
        let found = Found { system: Some(11_001), ..Found::default() };
        assert!(!may_pass(&found));
    }
}
