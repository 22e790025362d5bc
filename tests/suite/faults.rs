//! N: faults of the network, row by row: what each is called, whether the server may have acted, and what was sent.

use bytes::Bytes;
use restwalk::{Call, Client, Error, ErrorKind, Outcome, Retry};

use self::stage::Script;

mod answers;
mod bodies;
mod connecting;
mod heads;
mod http2;
mod matrix;
mod reuse;
mod scripts;
mod stage;
mod tls;

type Kind = (ErrorKind, &'static str, Outcome);

const CLOSED: Kind = (ErrorKind::Protocol, "protocol.closed", Outcome::MaybeProcessed);
const RESET: Kind = (ErrorKind::Protocol, "protocol.reset", Outcome::MaybeProcessed);
const REFUSED: Kind = (ErrorKind::Protocol, "protocol.refused", Outcome::NotSent);
const SILENT: Kind = (ErrorKind::Timeout, "timeout.headers", Outcome::MaybeProcessed);
const STALLED: Kind = (ErrorKind::Timeout, "timeout.idle", Outcome::Processed);
const CUT: Kind = (ErrorKind::Body, "body.truncated", Outcome::Processed);
const CHUNK: Kind = (ErrorKind::Protocol, "protocol.chunk", Outcome::Processed);
const UNREACHED: Kind = (ErrorKind::Connect, "connect", Outcome::NotSent);
const TIMED_OUT: Kind = (ErrorKind::Timeout, "timeout.connect", Outcome::NotSent);
const NAMELESS: Kind = (ErrorKind::Connect, "dns", Outcome::NotSent);
const PROXY: Kind = (ErrorKind::Connect, "proxy", Outcome::NotSent);

/// An answer that breaks HTTP.
const fn broken(code: &'static str) -> Kind {
    (ErrorKind::Protocol, code, Outcome::MaybeProcessed)
}

fn kind(error: &Error) -> Kind {
    (error.kind(), error.code(), error.outcome())
}

/// A GET and a POST of `/x`.
fn calls(client: &Client) -> [Call; 2] {
    [client.res("x").get(), client.res("x").post().set("a", 1)]
}

/// What one attempt of a call comes to, its body read.
async fn outcome(call: Call) -> Result<Bytes, Error> {
    call.retry(Retry::off()).send().await?.bytes().await
}

/// What a call that meets `script` comes to; `sent` requests came of it.
async fn meet(script: &Script, reused: bool, which: usize, sent: usize) -> Result<Bytes, Error> {
    let stage = script.stage(reused);
    let client = stage.builder().build().unwrap();
    if reused {
        assert_eq!(outcome(client.res("x").get()).await.unwrap(), "{}");
    }
    let before = stage.requests().iter().sum::<usize>();
    let [get, post] = calls(&client);
    let met = outcome(if which == 0 { get } else { post }).await;
    assert_eq!(stage.requests().iter().sum::<usize>() - before, sent, "requests of {}: {}", script.id, script.fault);
    met
}

/// Holds every script of a row against what it must come to: GET and POST, on a fresh and on a reused connection.
async fn row(id: &str, expected: Kind) {
    for script in scripts::of(id) {
        for (reused, which) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
            let error = meet(&script, reused, which, 1).await.expect_err(script.fault);
            assert_eq!(kind(&error), expected, "{}, reused: {reused}: {error:?}", script.fault);
            assert_eq!(error.attempts(), 1);
        }
    }
}

/// The same for scripts that nothing is sent to.
async fn unsent(id: &str, sent: usize, expected: Kind) {
    for script in scripts::of(id) {
        for which in [0, 1] {
            let error = meet(&script, false, which, sent).await.expect_err(script.fault);
            assert_eq!(kind(&error), expected, "{}: {error:?}", script.fault);
        }
    }
}
