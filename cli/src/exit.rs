//! Exit codes.

use restwalk::{Error, ErrorKind, Outcome, http::StatusCode};

/// All went well.
pub(crate) const OK: u8 = 0;
/// A transport or this program failed.
pub(crate) const FAILED: u8 = 1;
/// Refused here; nothing was sent.
pub(crate) const LOCAL: u8 = 2;
/// A redirect that is not followed.
const REDIRECT: u8 = 3;
const CLIENT_ERROR: u8 = 4;
const SERVER_ERROR: u8 = 5;
const TOO_MANY_REDIRECTS: u8 = 6;
/// Credentials are missing, or were refused before the call.
pub(crate) const SIGN_IN: u8 = 7;
const TIMEOUT: u8 = 124;
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit code of an answer.
pub(crate) fn status(status: StatusCode) -> u8 {
    match status.as_u16() {
        300..=399 => REDIRECT,
        400..=499 => CLIENT_ERROR,
        500..=599 => SERVER_ERROR,
        _ => OK,
    }
}

/// The exit code of a failure.
pub(crate) fn code(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::Catalog | ErrorKind::Path | ErrorKind::Request if error.outcome() == Outcome::NotSent => LOCAL,
        ErrorKind::Store
            if matches!(error.code(), "store.exists" | "store.locked" | "store.write" | "store.permission") =>
        {
            if error.outcome() == Outcome::NotSent { LOCAL } else { FAILED }
        }
        ErrorKind::Auth => sign_in(error.code(), error.outcome()),
        ErrorKind::Timeout => TIMEOUT,
        ErrorKind::Cancelled => INTERRUPTED,
        ErrorKind::Redirect if matches!(error.code(), "redirect.too_many" | "redirect.loop") => TOO_MANY_REDIRECTS,
        // A link in a body or a header is not followed either, and is no answer of that class.
        ErrorKind::Redirect if error.status().is_some_and(|status| !status.is_redirection()) => FAILED,
        ErrorKind::Redirect => REDIRECT,
        ErrorKind::Status | ErrorKind::RateLimited => error.status().map_or(FAILED, |of| status(of).max(FAILED)),
        _ => FAILED,
    }
}

/// The exit code of a sign-in that failed: another helps unless the settings are wrong or the server cannot be asked.
fn sign_in(code: &str, outcome: Outcome) -> u8 {
    match code {
        "config" if outcome == Outcome::NotSent => LOCAL,
        "auth.refresh_failed" => FAILED,
        _ => SIGN_IN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x01_each_kind_of_failure_has_its_exit_code() {
        use ErrorKind::*;
        for (kind, expected) in [
            (Catalog, 2),
            (Path, 2),
            (Request, 2),
            (Auth, 7),
            (Connect, 1),
            (Tls, 1),
            (Timeout, 124),
            (Protocol, 1),
            (Body, 1),
            (Redirect, 3),
            (RateLimited, 1),
            (Circuit, 1),
            (Cancelled, 130),
            (Decode, 1),
            (Store, 1),
        ] {
            assert_eq!(code(&Error::new(kind, "why")), expected, "{kind:?}");
        }
        let sent = Error::new(Request, "why").with_outcome(Outcome::MaybeProcessed);
        assert_eq!(code(&sent), 1, "2 means that nothing was sent");
    }

    #[test]
    fn x01_signing_in_is_asked_for_where_it_helps() {
        for (code_of, expected) in [
            ("auth.required", 7),
            ("auth.reauth", 7),
            ("auth.expired", 7),
            ("auth.denied", 7),
            ("auth.refresh_failed", 1),
            ("config", 2),
        ] {
            assert_eq!(sign_in(code_of, Outcome::NotSent), expected, "{code_of}");
        }
    }

    #[test]
    fn x01_each_class_of_status_has_its_exit_code() {
        for (of, expected) in [(200, 0), (204, 0), (302, 3), (304, 3), (307, 3), (400, 4), (429, 4), (500, 5), (599, 5)]
        {
            assert_eq!(status(StatusCode::from_u16(of).unwrap()), expected, "{of}");
        }
    }
}
