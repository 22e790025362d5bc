//! The sign-in of the environment that a run works in.

use std::time::Duration;

use restwalk::{Environment, Session, block_on};
use tokio::time::timeout;

use super::{Ended, send};
use crate::{
    args::Options,
    exit,
    io::Io,
    mistake::{Mistake, Result},
    settings::{Settings, sends_credentials},
};

/// An environment that signs in by OAuth 2.0, and its session.
pub(super) struct Signed {
    pub(super) settings: Settings,
    pub(super) environment: Environment,
    pub(super) session: Session,
}

impl Signed {
    /// Opens the session that `word` is about.
    pub(super) fn open(word: &str, words: &[String], options: &Options, io: &mut Io<'_>) -> Result<Self> {
        if let Some(more) = words.first() {
            return Err(
                Mistake::usage(format!("{word} takes no words; -e NAME names the environment")).at(more, 0..more.len())
            );
        }
        if !sends_credentials(options) {
            let hint = "--insecure-send-auth sends them all the same";
            return Err(Mistake::usage(format!("{word} sends credentials, which these options keep back")).hint(hint));
        }
        let settings = Settings::read(options, io)?;
        let Some(environment) = settings.environment().cloned() else {
            let wrong = Mistake::usage(format!("{word} is about an environment, and none is chosen"));
            return Err(wrong.hint("-e NAME chooses one; docs/sign-in.md shows how it says auth: {oauth2: …}"));
        };
        if environment.token_store()?.is_none() {
            let name = environment.name();
            let wrong = Mistake::usage(format!("the environment {name} does not sign in by OAuth 2.0"));
            return Err(wrong.hint("it needs auth: {oauth2: …} in its file; other credentials need no login"));
        }
        let Some(base) = settings.base_url.clone() else {
            return Err(Mistake::local("config", "there is no base URL to sign in for").hint("give --base-url URL"));
        };
        let session = settings.client(&base, options, io)?.auth()?;
        send::warn(&settings, options, &mut io.printer());
        Ok(Self { settings, environment, session })
    }

    /// Where its tokens are kept, for a person.
    pub(super) fn store(&self) -> Result<String> {
        Ok(self.environment.token_store()?.unwrap_or_default())
    }
}

/// How long a renewal may take that is under way when a run ends: what it brings would be lost.
const GRACE: Duration = Duration::from_secs(2);

/// The end of a run whose calls went through or not: a renewal that is under way is waited for, and a renewed token
/// that nobody keeps is a failure of its own.
pub(super) fn ended(ended: Ended, settings: &Settings, io: &mut Io<'_>) -> Ended {
    let Some(session) = settings.session() else { return ended };
    io.stop.wants(GRACE);
    // Not by `Stop::wait`: this is what a signal has to wait for.
    let settled = block_on(async { timeout(GRACE, session.settled()).await });
    if session.is_saved() && matches!(settled, Ok(Ok(()))) {
        return ended;
    }
    let why = "the renewed token could not be kept, and ends with this run; restwalk login signs in again";
    // Who cannot hear it is not kept from how the run ended.
    let _ = io.last_printer().warn(why);
    ended.map(|exit| if exit == exit::OK { exit::FAILED } else { exit })
}
