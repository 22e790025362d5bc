//! By what a piece of work is known from service to service: a request's id, and W3C trace context.
//!
//! It stands around the work, in a task-local, and every request that the work makes carries it. Nothing is
//! shared between requests: each puts it into headers of its own.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    error::{ErrorKind, Fault, Result, quoted},
    header,
};

mod trace;

pub(crate) use trace::Traceparent;

/// The usual header of a request's id.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// The longest id that is passed on, in bytes.
const LONGEST_ID: usize = 256;

/// The longest `tracestate` and `baggage`, in bytes; the two standards ask for 512 and 8192 at least.
const LONGEST_STATE: usize = 8 << 10;

tokio::task_local! {
    /// That of the work around.
    static CURRENT: Correlation;
}

/// By what the work under way is known: an id, and its place in a trace (W3C Trace Context).
///
/// Every call made inside [`Correlation::scope`] carries it, in all its attempts, to its client's own origin
/// and no other. A header that the call or its client sets itself wins. What shows a call before it is sent, such as
/// [`Call::build`](crate::Call::build), leaves it out.
///
/// ```
/// # use restwalk::{Client, Correlation, http};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
/// # let echo = |headers: http::HeaderMap| async move { headers["x-request-id"].to_str().unwrap().to_owned() };
/// # let client = Client::local(axum::Router::new().route("/x", axum::routing::get(echo))).build()?;
/// // In a service: the headers of the request that is being answered.
/// let mut inbound = http::HeaderMap::new();
/// inbound.insert("X-Request-ID", "a-request".parse().unwrap());
///
/// let answer = Correlation::from_headers(&inbound).scope(client.res("x").get().send()).await?;
/// assert_eq!(answer.text().await?, "a-request");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Correlation {
    id: Option<HeaderValue>,
    parent: Option<Traceparent>,
    state: Option<HeaderValue>,
    baggage: Option<HeaderValue>,
}

impl Correlation {
    /// An empty one, which adds nothing to a request.
    pub fn new() -> Self {
        Self::default()
    }

    /// That of the work around, to be extended or taken along into a task that is spawned; empty where there is none.
    pub fn current() -> Self {
        CURRENT.try_with(Self::clone).unwrap_or_default()
    }

    /// What the headers of an inbound request say: `X-Request-ID`, `traceparent` and `tracestate`.
    ///
    /// What is empty, malformed or too long counts as absent, so that a stranger's header makes no call fail.
    /// Baggage is not taken over: what it holds may not be meant for the next service.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        Self::from_headers_by(headers, &X_REQUEST_ID)
    }

    /// [`Correlation::from_headers`], with the request's id in the header `name`.
    pub fn from_headers_by(headers: &HeaderMap, name: &HeaderName) -> Self {
        let id = headers.get(name).filter(|id| is_id(id)).cloned();
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let parent = match (parents.next(), parents.next()) {
            (Some(one), None) => one.to_str().ok().and_then(Traceparent::parse),
            _ => None,
        };
        let state = parent.as_ref().and_then(|_| trace::state(headers.get_all(TRACESTATE)));
        Self { id, parent, state, baggage: None }
    }

    /// Sets the request's id; an empty one counts as none.
    ///
    /// # Errors
    /// `Request` for an id of more than 256 bytes, or with anything but printable ASCII in it.
    pub fn request_id(mut self, id: &str) -> Result<Self> {
        self.id = match HeaderValue::from_str(id) {
            _ if id.is_empty() => None,
            Ok(id) if is_id(&id) => Some(id),
            _ => return Err(wrong("a request's id is at most 256 printable characters of ASCII").into()),
        };
        Ok(self)
    }

    /// Sets the place in a trace, `00-<trace>-<span>-<flags>`, which is passed on as it is.
    ///
    /// # Errors
    /// `Request` for one that is not as W3C Trace Context has it.
    pub fn traceparent(mut self, parent: &str) -> Result<Self> {
        let Some(parsed) = Traceparent::parse(parent) else {
            return Err(wrong(&format!("{} is no traceparent", quoted(parent))).into());
        };
        self.parent = Some(parsed);
        Ok(self)
    }

    /// Sets what tracing systems add to a trace; it is sent with a `traceparent` only.
    ///
    /// # Errors
    /// `Request` for more than 32 members or 8 KiB, or a member that is no `key=value`.
    pub fn tracestate(mut self, state: &str) -> Result<Self> {
        let value = HeaderValue::from_str(state).ok();
        let state = value.as_ref().and_then(|value| trace::state([value]));
        self.state = Some(state.ok_or_else(|| wrong("a tracestate is a list of at most 32 key=value"))?);
        Ok(self)
    }

    /// Sets what the work takes along to every service (W3C Baggage), as the header has it; it is not printed.
    ///
    /// # Errors
    /// `Request` for more than 8 KiB, or what no header holds.
    pub fn baggage(mut self, baggage: &str) -> Result<Self> {
        let value = header::secret(baggage).filter(|value| value.len() <= LONGEST_STATE);
        let value = value.ok_or_else(|| wrong("a baggage is at most 8 KiB of what a header may hold"))?;
        self.baggage = Some(value).filter(|value| !value.is_empty());
        Ok(self)
    }

    /// Runs `work` so that every call made in it carries this, in place of what is around.
    ///
    /// It holds within the task, not in tasks that `work` spawns: give those [`Correlation::current`].
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// The request's id.
    pub fn id(&self) -> Option<&str> {
        self.id.as_ref().and_then(|id| id.to_str().ok())
    }

    /// Whether it adds nothing to a request.
    pub(crate) fn is_empty(&self) -> bool {
        self.id.is_none() && self.parent.is_none() && self.baggage.is_none()
    }

    /// The place in a trace.
    pub(crate) fn parent(&self) -> Option<&Traceparent> {
        self.parent.as_ref()
    }

    /// Goes on to another span of the trace; `None` where there is no trace.
    pub(crate) fn turn(&mut self, span: u64) -> Option<&str> {
        let parent = self.parent.as_mut()?;
        *parent = parent.child(span);
        Some(parent.as_str())
    }

    /// The same at another place of the trace.
    pub(crate) fn at(mut self, parent: Traceparent) -> Self {
        self.parent = Some(parent);
        self
    }

    /// The same, with an id where it has none.
    pub(crate) fn or_id(self, id: impl FnOnce() -> Result<String>) -> Result<Self> {
        if self.id.is_none() { id().and_then(|id| self.request_id(&id)) } else { Ok(self) }
    }

    /// Adds it to `headers`, the id by the header `name`; what stands there and is not empty stays.
    pub(crate) fn put(&self, headers: &mut HeaderMap, name: &HeaderName) {
        let free = |headers: &HeaderMap, name: &HeaderName| headers.get(name).is_none_or(HeaderValue::is_empty);
        if let Some(id) = self.id.as_ref().filter(|_| free(headers, name)) {
            headers.insert(name, id.clone());
        }
        // The state belongs to its parent, so both come from the same place.
        if let Some(parent) = self.parent.as_ref().filter(|_| free(headers, &TRACEPARENT)) {
            headers.remove(TRACESTATE);
            headers.insert(TRACEPARENT, parent.value());
            if let Some(state) = &self.state {
                headers.insert(TRACESTATE, state.clone());
            }
        }
        if let Some(baggage) = self.baggage.as_ref().filter(|_| free(headers, &BAGGAGE)) {
            headers.insert(BAGGAGE, baggage.clone());
        }
    }
}

/// Whether `id` is one that is passed on.
fn is_id(id: &HeaderValue) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.as_bytes().iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

fn wrong(why: &str) -> Fault {
    Fault::new(ErrorKind::Request, "invalid_input.header", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn put(correlation: &Correlation, given: &[(&'static str, &str)]) -> Vec<(String, String)> {
        let mut headers = headers(given);
        correlation.put(&mut headers, &X_REQUEST_ID);
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let mut pairs: Vec<_> = headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        pairs.sort_unstable();
        pairs
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn e8_an_empty_or_foreign_id_counts_as_absent() {
        for (inbound, expected) in [
            (&[("x-request-id", "a-fake-request-id")][..], Some("a-fake-request-id")),
            (&[("x-request-id", "")], None),
            (&[], None),
            (&[("x-request-id", "caf\u{e9}")], None),
            (&[("x-request-id", "a\tb")], None),
            (&[("x-request-id", "first"), ("x-request-id", "second")], Some("first")),
        ] {
            let read = Correlation::from_headers(&headers(inbound));
            assert_eq!(read.id(), expected, "{inbound:?}");
            assert_eq!(read.is_empty(), expected.is_none());
        }
        let long = "x".repeat(LONGEST_ID + 1);
        assert_eq!(Correlation::from_headers(&headers(&[("x-request-id", &long)])).id(), None);
        assert!(Correlation::from_headers(&headers(&[("x-request-id", &long[1..])])).id().is_some());
        let other = HeaderName::from_static("x-correlation-id");
        assert_eq!(Correlation::from_headers_by(&headers(&[("x-correlation-id", "b")]), &other).id(), Some("b"));
    }

    #[test]
    fn e8_a_header_of_the_callers_stands() {
        let context = Correlation::new().request_id("context").unwrap();
        assert_eq!(put(&context, &[]), pairs(&[("x-request-id", "context")]));
        assert_eq!(put(&context, &[("x-request-id", "mine")]), pairs(&[("x-request-id", "mine")]));
        assert_eq!(put(&context, &[("x-request-id", "")]), pairs(&[("x-request-id", "context")]));
        assert_eq!(put(&Correlation::new(), &[("x-request-id", "")]), pairs(&[("x-request-id", "")]));
    }

    #[test]
    fn a_state_goes_with_its_own_parent() {
        let context = Correlation::new().traceparent(PARENT).unwrap().tracestate("a=1").unwrap();
        assert_eq!(put(&context, &[]), pairs(&[("traceparent", PARENT), ("tracestate", "a=1")]));
        assert_eq!(put(&context, &[("traceparent", "mine")]), pairs(&[("traceparent", "mine")]));
        let own = [("traceparent", "mine"), ("tracestate", "b=2")];
        assert_eq!(put(&context, &own), pairs(&own));
        assert_eq!(
            put(&context, &[("tracestate", "b=2")]),
            pairs(&[("traceparent", PARENT), ("tracestate", "a=1")]),
            "a state without its parent is nobody's"
        );
        let alone = Correlation::new().tracestate("a=1").unwrap();
        assert_eq!(put(&alone, &[]), []);
    }

    #[test]
    fn a_malformed_parent_takes_its_state_along() {
        let read = |pairs: &[(&'static str, &str)]| put(&Correlation::from_headers(&headers(pairs)), &[]);
        let (good, state) = (("traceparent", PARENT), ("tracestate", "a=1"));
        assert_eq!(read(&[good, state, ("tracestate", "b=2")]), pairs(&[good, ("tracestate", "a=1,b=2")]));
        assert_eq!(read(&[good, ("tracestate", "a")]), pairs(&[good]), "a bad state alone goes");
        assert_eq!(read(&[("traceparent", "00-x-y-01"), state]), []);
        assert_eq!(read(&[good, good, state]), [], "two parents are none");
        assert_eq!(read(&[state]), []);
        assert_eq!(read(&[("baggage", "user=ada")]), []);
    }

    #[test]
    fn what_a_caller_gives_wrongly_is_told() {
        for id in ["a\r\nb", "a\0", "caf\u{e9}", &"x".repeat(257)] {
            assert_eq!(Correlation::new().request_id(id).unwrap_err().code(), "invalid_input.header");
        }
        assert!(Correlation::new().request_id("").unwrap().is_empty());
        assert!(Correlation::new().traceparent("").is_err());
        assert!(Correlation::new().tracestate("a").is_err());
        assert!(Correlation::new().baggage(&"x".repeat(LONGEST_STATE + 1)).is_err());
        let baggage = Correlation::new().baggage("user=CNRY").unwrap();
        assert_eq!(put(&baggage, &[]), pairs(&[("baggage", "user=CNRY")]));
        assert!(!format!("{baggage:?}").contains("CNRY"));
    }

    #[tokio::test]
    async fn an_inner_scope_takes_the_place_of_the_outer() {
        assert!(Correlation::current().is_empty());
        let outer = Correlation::new().request_id("outer").unwrap().traceparent(PARENT).unwrap();
        let work = async {
            let inner = Correlation::current().request_id("inner").unwrap();
            let within = inner.scope(async { Correlation::current() }).await;
            assert_eq!((within.id(), within.parent().is_some()), (Some("inner"), true));
            assert_eq!(Correlation::current().id(), Some("outer"));
            let spawned = tokio::spawn(async { Correlation::current() });
            assert!(spawned.await.unwrap().is_empty());
        };
        outer.scope(work).await;
        assert!(Correlation::current().is_empty());
    }
}
