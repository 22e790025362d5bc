//! What a trace shows of a call: OpenTelemetry's names for HTTP clients, and no secret.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex},
};

use restwalk::{Auth, Catalog, Client, ErrorKind, Outcome};
use tracing::{Dispatch, Event, Id, Metadata, Subscriber, field::Visit, span};
use tracing::{instrument::WithSubscriber, subscriber::Interest};

use crate::support::{
    canary::{canary, find},
    script::{Script, Step, answer},
};

type Fields = BTreeMap<String, String>;

/// Keeps every span with its fields, in the order in which they began.
#[derive(Clone, Default)]
pub struct Capture {
    spans: Arc<Mutex<Vec<(&'static str, Fields)>>>,
    events: Arc<Mutex<Vec<Fields>>>,
    /// How many hold each span.
    holders: Arc<Mutex<Vec<usize>>>,
    /// Ends of spans, and events, as they came.
    order: Arc<Mutex<Vec<&'static str>>>,
}

struct Read<'a>(&'a mut Fields);

impl Visit for Read<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl Subscriber for Capture {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("restwalk")
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> Id {
        let mut fields = Fields::new();
        attributes.record(&mut Read(&mut fields));
        let mut spans = self.spans.lock().unwrap();
        spans.push((attributes.metadata().name(), fields));
        self.holders.lock().unwrap().push(1);
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, id: &Id, values: &span::Record<'_>) {
        let mut spans = self.spans.lock().unwrap();
        values.record(&mut Read(&mut spans[id.into_u64() as usize - 1].1));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Read(&mut fields));
        self.events.lock().unwrap().push(fields);
        self.order.lock().unwrap().push("event");
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.holders.lock().unwrap()[id.into_u64() as usize - 1] += 1;
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let at = id.into_u64() as usize - 1;
        let mut holders = self.holders.lock().unwrap();
        holders[at] -= 1;
        if holders[at] == 0 {
            self.order.lock().unwrap().push(self.spans.lock().unwrap()[at].0);
        }
        holders[at] == 0
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Two subscribers that live as long as the process.
///
/// While at most one lives, a call place first reached in a thread without one is taken for
/// unwanted by all (`tracing-core` asks that thread's alone), and tests that run beside these
/// reach the same places.
static OTHERS: LazyLock<[Dispatch; 2]> = LazyLock::new(|| [(); 2].map(|()| Dispatch::new(Capture::default())));

/// `work` under a capturing subscriber: its spans as text lines.
pub async fn traced(work: impl IntoFuture) -> (Vec<String>, Capture) {
    LazyLock::force(&OTHERS);
    let capture = Capture::default();
    work.into_future().with_subscriber(capture.clone()).await;
    let lines = capture.spans.lock().unwrap().iter().map(line).collect();
    (lines, capture)
}

fn line((name, fields): &(&'static str, Fields)) -> String {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{name} {}", fields.join(" "))
}

fn client(script: &Script) -> Client {
    script.at("https://max.example.com:8443/api").catalog(Catalog::embedded()).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn s07_each_attempt_is_a_span_by_the_routes_template() {
    let script = Script::of([answer(503), answer(200)]);
    let call = client(&script).res("people").item("user.name").get();
    let (lines, capture) = traced(call).await;
    let common = "http.request.method=GET";
    let place = "server.address=max.example.com server.port=8443 url.scheme=https url.template=/people/{username}";
    assert_eq!(
        lines,
        [
            format!(
                "restwalk.call {common} http.request.resend_count=1 http.response.status_code=200 \
                 otel.kind=internal otel.name=GET /people/{{username}} url.template=/people/{{username}}"
            ),
            format!(
                "restwalk.attempt error.type=503 {common} http.response.status_code=503 otel.kind=client \
                 otel.name=GET /people/{{username}} {place}"
            ),
            format!(
                "restwalk.attempt {common} http.request.resend_count=1 http.response.status_code=200 \
                 otel.kind=client otel.name=GET /people/{{username}} {place}"
            ),
        ]
    );
    let events = capture.events.lock().unwrap();
    assert_eq!(events.len(), 1);
    // No attempt's span holds the pause.
    let order = capture.order.lock().unwrap();
    assert_eq!(*order, ["restwalk.attempt", "event", "restwalk.attempt", "restwalk.call"]);
    assert_eq!((events[0]["wait_ms"].as_str(), events[0]["attempts"].as_str()), ("25", "1"));
}

#[tokio::test(start_paused = true)]
async fn s07_a_failure_is_named_by_its_code() {
    let script = Script::of([Step::Fail(ErrorKind::Timeout, Outcome::MaybeProcessed)]);
    let call = client(&script).res("people").item("user.name").method("M-SEARCH");
    assert!(call.build().is_err(), "the catalog knows no such method");
    let open = script.client().res("x").method("M-SEARCH");
    let (lines, _) = traced(open).await;
    assert!(
        lines[0].contains("error.type=timeout.headers") && lines[0].contains("http.request.method=_OTHER"),
        "{lines:?}"
    );
    assert!(lines[0].contains("url.template=/x"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn s04_no_span_or_event_shows_a_secret_or_a_filled_url() {
    let secrets: [String; 5] = ["token", "query", "header", "item", "body"].map(canary);
    let [token, query, header, item, body] = &secrets;
    for last in [answer(200), answer(404), Step::Fail(ErrorKind::Connect, Outcome::NotSent)] {
        let script = Script::of([answer(503), answer(302).header("location", format!("/api/x?t={query}")), last]);
        let client = client(&script).with_auth(Auth::bearer(token.as_str()));
        let call = client.res("people").item(item).get().query("q", query).header("x-key", header);
        let (lines, capture) = traced(call).await;
        assert!(lines.len() >= 4, "{lines:?}");
        let events = format!("{lines:?} {:?}", capture.events.lock().unwrap());
        assert_eq!(find(&events, &secrets), None);
        let post = client.res("people").item(item).res("activities").post().set("content", body);
        let (lines, _) = traced(post).await;
        assert_eq!(find(&format!("{lines:?}"), &secrets), None);
    }
}
