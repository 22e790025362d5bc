//! What can go wrong, in one type: a kind to match, a chain to read.
//!
//! Every failure of the crate is an [`Error`]. It says in [`Error::outcome`] whether the
//! server may have acted, keeps the whole answer of a refused request, and never
//! prints a secret or a filled URL. This module knows no other module's types.

use std::{fmt, io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

pub(crate) mod file;
mod kind;
mod problem;
mod text;

pub(crate) use kind::Again;
pub use kind::{ErrorKind, Outcome};
pub use problem::Problem;
pub(crate) use text::{Cause, printable, quoted};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error of a foreign service or stream, boxed.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a call failed.
///
/// `Display` tells this layer only; [`std::error::Error::source`] has the rest.
///
/// ```
/// use restwalk::{Client, ErrorKind, Outcome};
///
/// let client = Client::builder("https://max.example.com").catalog(restwalk::Catalog::embedded()).build()?;
/// let error = client.res("peopel").get().build().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Path);
/// assert_eq!(error.outcome(), Outcome::NotSent);
/// assert_eq!(error.to_string(), r#"no resource "peopel" under /; did you mean "people"?"#);
/// # Ok::<(), restwalk::Error>(())
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    code: &'static str,
    message: String,
    outcome: Outcome,
    status: Option<StatusCode>,
    headers: HeaderMap,
    body: Option<Bytes>,
    problem: Option<Problem>,
    method: Option<Method>,
    route: Option<Arc<str>>,
    attempts: u32,
    retry_after: Option<Duration>,
    gave_up: Option<&'static str>,
    again: Again,
    source: Option<BoxError>,
}

/// The code of a failure to write to a disk, and what it means, as the end of a message.
pub(crate) fn disk(kind: io::ErrorKind) -> (&'static str, &'static str) {
    match kind {
        io::ErrorKind::StorageFull => ("store.full", "; the disk is full"),
        io::ErrorKind::QuotaExceeded => ("store.full", "; the quota is used up"),
        io::ErrorKind::FileTooLarge => ("store.full", "; the file is larger than it may be there"),
        io::ErrorKind::PermissionDenied => ("store.permission", "; that is not permitted"),
        io::ErrorKind::ReadOnlyFilesystem => ("store.permission", "; the disk is read-only"),
        _ => ("store.write", ""),
    }
}

impl Error {
    /// Makes an error of `kind`, for transports and services of one's own.
    ///
    /// Its outcome is `NotSent`, but for `Timeout`, `Protocol` and `Body`, whose requests may have arrived:
    /// say by [`Error::with_outcome`] where it is otherwise, and by [`Error::with_source`] what the cause is.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let error = Self::coded(kind, kind.code(), message);
        match kind {
            ErrorKind::Timeout | ErrorKind::Protocol | ErrorKind::Body => error.with_outcome(Outcome::MaybeProcessed),
            _ => error,
        }
    }

    pub(crate) fn coded(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            code,
            message: message.into(),
            outcome: Outcome::NotSent,
            status: None,
            headers: HeaderMap::new(),
            body: None,
            problem: None,
            method: None,
            route: None,
            attempts: 0,
            retry_after: None,
            gave_up: None,
            again: Again::ByKind,
            source: None,
        }))
    }

    /// The same failure, for another call that it is the failure of too; its causes are kept as text.
    pub(crate) fn copy(&self) -> Self {
        let Inner { kind, code, ref message, outcome, status, ref headers, ref body, ref problem, .. } = *self.0;
        let Inner { ref method, ref route, attempts, retry_after, gave_up, again, ref source, .. } = *self.0;
        let source = source.as_ref().map(|source| Box::new(Cause::chain(&**source, &str::to_owned)) as BoxError);
        let (message, headers, body, problem) = (message.clone(), headers.clone(), body.clone(), problem.clone());
        let (method, route) = (method.clone(), route.clone());
        Self(Box::new(Inner {
            kind,
            code,
            message,
            outcome,
            status,
            headers,
            body,
            problem,
            method,
            route,
            attempts,
            retry_after,
            gave_up,
            again,
            source,
        }))
    }

    /// Says what is known about sending again.
    pub(crate) fn with_again(mut self, again: Again) -> Self {
        self.0.again = again;
        self
    }

    pub(crate) fn again(&self) -> Again {
        self.0.again
    }

    /// Adds how long the server asks to wait.
    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    /// Adds why a request that may be sent again was not.
    pub(crate) fn with_gave_up(mut self, why: Option<&'static str>) -> Self {
        self.0.gave_up = why;
        self
    }

    /// Says whether the server may have acted.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.0.outcome = outcome;
        self
    }

    /// Adds the cause, which [`std::error::Error::source`] returns.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds the status of an answer that came, though its body failed.
    pub(crate) fn with_status(mut self, status: Option<StatusCode>) -> Self {
        self.0.status = self.0.status.or(status);
        self
    }

    /// Adds the answer that this error reports; `problem` is what its body says, already masked.
    pub(crate) fn with_answer(
        mut self,
        status: StatusCode,
        headers: HeaderMap,
        body: Option<Bytes>,
        problem: Option<Problem>,
    ) -> Self {
        self.0.outcome = Outcome::Processed;
        self.0.status = Some(status);
        self.0.headers = headers;
        self.0.body = body;
        self.0.problem = problem;
        self
    }

    /// Adds what a server says of the failure, already masked.
    #[cfg(feature = "oauth")]
    pub(crate) fn with_problem(mut self, problem: Option<Problem>) -> Self {
        self.0.problem = problem;
        self
    }

    /// Adds what was asked and how often, unless a lower layer has said so already.
    pub(crate) fn with_call(mut self, method: &Method, route: Option<&Arc<str>>, attempts: u32) -> Self {
        self.0.method.get_or_insert_with(|| method.clone());
        if self.0.route.is_none() {
            self.0.route = route.cloned();
        }
        self.0.attempts = self.0.attempts.max(attempts);
        self
    }

    /// Adds `note` to the message.
    pub(crate) fn noted(mut self, note: &str) -> Self {
        self.0.message.push_str(note);
        self
    }

    /// Passes the message and the text of the causes through `clean`.
    ///
    /// A foreign cause is kept as text, since its own type may print what it likes; an error of the
    /// operating system, which holds a number only, stays what it is.
    pub(crate) fn masked(mut self, clean: &dyn Fn(&str) -> String) -> Self {
        self.0.message = clean(&self.0.message);
        self.0.source = self.0.source.map(|source| match source.downcast::<Cause>() {
            Ok(cause) => Box::new(cause.masked(clean)),
            Err(source) if source.downcast_ref::<io::Error>().is_some_and(|io| io.raw_os_error().is_some()) => source,
            Err(source) => Box::new(Cause::chain(&*source, clean)),
        });
        self
    }

    /// The message alone, without the call that it is about.
    #[cfg(feature = "oauth")]
    pub(crate) fn reason(&self) -> &str {
        &self.0.message
    }

    /// The kind to match on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable dotted code, such as `invalid_input.path` or `timeout.headers`.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// Whether the server may have acted.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// The status of the answer, where one came.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The headers of the answer; empty where none came.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The body of the answer as it came, decoded from its content coding, at most 64 KiB.
    ///
    /// It is raw: whatever the server echoed is in it.
    pub fn body(&self) -> Option<&Bytes> {
        self.0.body.as_ref()
    }

    /// What the server says is wrong: RFC 9457, or one of the usual JSON shapes.
    pub fn problem(&self) -> Option<&Problem> {
        self.0.problem.as_ref()
    }

    /// The route template, such as `/people/{username}`; never a filled URL.
    pub fn route(&self) -> Option<&str> {
        self.0.route.as_deref()
    }

    /// How many times the request was sent.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long the server asks to wait before the next request, from `Retry-After` or a rate limit of its own.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Why a failure that may pass was not tried again: `retry.exhausted`, `retry.budget`, `retry.deadline`,
    /// `retry.circuit` or `retry.not_replayable`; `None` where sending again would have been wrong or of no use.
    pub fn gave_up(&self) -> Option<&'static str> {
        self.0.gave_up
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, message, method, route, attempts, gave_up, .. } = &*self.0;
        // What is wrong with the call itself names the part that is; the rest is of the moment.
        let of_the_moment = matches!(kind, ErrorKind::RateLimited | ErrorKind::Circuit | ErrorKind::Timeout);
        if let Some(method) = method.as_ref().filter(|_| *attempts > 0 || of_the_moment) {
            // An answer reads as a sentence: "GET /people answered 404".
            let colon = if message.starts_with("answered ") { "" } else { ":" };
            write!(f, "{method} {}{colon} ", route.as_deref().unwrap_or("(no route)"))?;
        }
        f.write_str(message)?;
        if *attempts > 1 {
            write!(f, " (after {attempts} attempts)")?;
        }
        f.write_str(match gave_up {
            Some("retry.budget") => "; not tried again, since too much fails there",
            Some("retry.circuit") => "; not tried again, since the circuit opened",
            Some("retry.deadline") if self.0.retry_after.is_some() => {
                "; not tried again, since the wait it asks for is too long"
            }
            Some("retry.deadline") => "; not tried again, for want of time",
            Some("retry.not_replayable") => "; not tried again, since its body can be read once only",
            _ => "",
        })?;
        if let Some(said) = self.0.problem.as_ref().and_then(Problem::message) {
            write!(f, ": {said}")?;
        }
        Ok(())
    }
}

/// Names every field, so that a new one is looked at before it is printed.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind,
            code,
            message,
            outcome,
            status,
            headers,
            body,
            problem,
            method,
            route,
            attempts,
            retry_after,
            gave_up,
            again: _,
            source,
        } = &*self.0;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("code", code)
            .field("message", message)
            .field("outcome", outcome)
            .field("status", status)
            .field("headers", &format_args!("{} (not shown)", headers.len()))
            .field("body", &format_args!("{} bytes (not shown)", body.as_ref().map_or(0, Bytes::len)))
            .field("problem", problem)
            .field("method", method)
            .field("route", route)
            .field("attempts", attempts)
            .field("retry_after", retry_after)
            .field("gave_up", gave_up)
            .field("source", source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// A mistake noted while a call is described, reported when the call is built.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    kind: ErrorKind,
    code: &'static str,
    message: String,
}

impl Fault {
    pub(crate) fn new(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into() }
    }

    pub(crate) fn path(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Path, ErrorKind::Path.code(), message)
    }

    pub(crate) fn request(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Request, ErrorKind::Request.code(), message)
    }
}

impl From<Fault> for Error {
    fn from(Fault { kind, code, message }: Fault) -> Self {
        Self::coded(kind, code, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_pointer() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn display_names_the_route_and_what_the_server_said() {
        let problem =
            Problem::from_json(br#"{"error":"UnknownUser","error_description":"no such actor"}"#, None, &str::to_owned);
        let error = Error::new(ErrorKind::Status, "answered 403 Forbidden")
            .with_answer(StatusCode::FORBIDDEN, HeaderMap::new(), None, problem)
            .with_call(&Method::POST, Some(&Arc::from("/people/{username}")), 2);
        assert_eq!(
            error.to_string(),
            "POST /people/{username} answered 403 Forbidden (after 2 attempts): UnknownUser: no such actor"
        );
        assert_eq!(error.outcome(), Outcome::Processed);
        let lost = Error::new(ErrorKind::Protocol, "the connection was lost");
        let lost = lost.with_call(&Method::GET, Some(&Arc::from("/people")), 1);
        assert_eq!(lost.to_string(), "GET /people: the connection was lost");
    }

    #[test]
    fn debug_shows_no_header_and_no_body() {
        let mut headers = HeaderMap::new();
        headers.insert("x-token", "CNRY-header".parse().unwrap());
        let error = Error::new(ErrorKind::Status, "answered 500").with_answer(
            StatusCode::INTERNAL_SERVER_ERROR,
            headers,
            Some(Bytes::from_static(b"CNRY-body")),
            None,
        );
        assert!(!format!("{error:#?}").contains("CNRY"));
    }
}
