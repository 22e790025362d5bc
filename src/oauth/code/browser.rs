//! A browser of this machine, which is sent to the server and back to a listener here (RFC 8252).

use std::{fmt, future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use super::{
    super::{
        OAuth2,
        source::{Grant, Interact},
        wire::{Granted, Wire},
    },
    Authorization,
    listener::Listener,
};
use crate::{
    auth::Auth,
    body::BoxFuture,
    error::{Error, ErrorKind, Result},
};

/// How long a person may take.
const LIMIT: Duration = Duration::from_secs(300);

impl OAuth2 {
    /// Lets a person sign in by a browser of this machine, which `browser` sends to the URL that it is given (RFC 6749,
    /// section 4.1; RFC 7636; RFC 8252), where nothing is kept of an earlier sign-in.
    ///
    /// The answer comes to a listener on this machine, which ends with it, or after five minutes. `browser` must give
    /// the URL to its program as one argument, and to no shell; it runs on a thread where it may wait.
    pub fn authorization_code(self, browser: impl Fn(&str) -> Result<()> + Send + Sync + 'static) -> Auth {
        self.granted(Grant::Interactive(Arc::new(Browser::new(browser))))
    }
}

/// Opens a URL.
type Open = dyn Fn(&str) -> Result<()> + Send + Sync;

pub(in super::super) struct Browser(Arc<Open>);

impl Browser {
    pub(in super::super) fn new(browser: impl Fn(&str) -> Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(browser))
    }

    async fn run(&self, wire: &Wire) -> Result<Granted> {
        let listener = Listener::bind(wire.settings.redirect_uri.as_deref()).await?;
        let authorization = Arc::new(Authorization::begin(wire, listener.redirect_uri()).await?);
        let answer = self.opened(authorization.url(), listener.answer(Arc::clone(&authorization)));
        let late =
            || Error::coded(ErrorKind::Auth, "auth.expired", "nobody signed in within five minutes; start again");
        let query = tokio::time::timeout(LIMIT, answer).await.unwrap_or_else(|_| Err(late()))?;
        authorization.redeem(wire, &query).await
    }

    /// Opens the browser, and waits for the answer meanwhile; one that cannot be opened ends it.
    async fn opened(&self, url: &str, answer: impl Future<Output = Result<String>>) -> Result<String> {
        let (mut opening, mut answer) = (pin!(self.open(url)), pin!(answer));
        let mut is_open = false;
        poll_fn(|context| {
            if !is_open && let Poll::Ready(opened) = opening.as_mut().poll(context) {
                is_open = true;
                opened?;
            }
            answer.as_mut().poll(context)
        })
        .await
    }

    /// Opens the browser, which may wait until it is closed.
    async fn open(&self, url: &str) -> Result<()> {
        let (open, url) = (Arc::clone(&self.0), url.to_owned());
        let opened = tokio::task::spawn_blocking(move || open(&url)).await;
        match opened {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(super::listener::unavailable(&format!("no browser could be opened: {error}"))),
            Err(_) => Err(super::listener::unavailable("what opens the browser ended without a word")),
        }
    }
}

impl Interact for Browser {
    fn sign_in<'a>(&'a self, wire: &'a Wire) -> BoxFuture<'a, Result<Granted>> {
        Box::pin(self.run(wire))
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Browser")
    }
}
