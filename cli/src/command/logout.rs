//! `logout`: gives up what a sign-in left: here in any case, at the server where it can be asked.

use super::{Ended, session::Signed};
use crate::{args::Options, exit, io::Io};

pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    let signed = Signed::open("logout", words, options, io)?;
    let stop = io.stop.clone();
    let left = stop.wait(signed.session.logout())??;
    let mut printer = io.last_printer();
    for (kind, error) in [("refresh token", &left.refresh_token), ("access token", &left.access_token)] {
        if let Some(error) = error {
            printer.warn(&format!("the {kind} is forgotten here, and the server may still accept it: {error}"))?;
        }
    }
    printer.tell(&format!("signed out of {}", signed.environment.name()))?;
    Ok(exit::OK)
}
