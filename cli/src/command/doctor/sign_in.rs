//! Whether somebody is signed in, and where that is kept; no server is asked, and no token is shown.

use std::time::Duration;

use restwalk::{Environment, Result};

use super::Findings;
use crate::io::Io;

const WHAT: &str = "sign-in";

/// Looks at the tokens of an environment that signs in by OAuth 2.0.
pub(super) fn check(chosen: &Environment, io: &Io<'_>, findings: &mut Findings) {
    let store = match chosen.token_store() {
        Ok(None) => return,
        Ok(Some(store)) => store,
        Err(error) => return findings.fail(WHAT, error),
    };
    if chosen.is_elsewhere() {
        let why = "where its server is stands in a document; restwalk whoami asks it";
        return findings.ok(WHAT, format!("{why}; kept in {store}"));
    }
    match io.stop.wait(kept(chosen)) {
        Err(mistake) => findings.fail(WHAT, mistake),
        Ok(Err(error)) => findings.fail(WHAT, error),
        Ok(Ok(Some(left))) => findings.ok(WHAT, format!("signed in: {}; kept in {store}", told(left))),
        Ok(Ok(None)) if chosen.grant().is_some() => {
            findings.warn(WHAT, format!("nobody is signed in, as far as {store} knows; restwalk login signs in"));
        }
        Ok(Ok(None)) => findings.ok(WHAT, format!("the next call signs in by itself; kept in {store}")),
    }
}

/// How long the token at hand lasts, if there is one that says so.
async fn kept(chosen: &Environment) -> Result<Option<Duration>> {
    chosen.client()?.build()?.auth()?.expires_in().await
}

fn told(left: Duration) -> String {
    match left.as_secs() {
        0 => "the token has ended, and the next call renews it".to_owned(),
        seconds @ 1..=119 => format!("the token ends in {seconds} s"),
        seconds => format!("the token ends in {} min", seconds / 60),
    }
}
