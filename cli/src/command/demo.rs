//! `demo`: a tour of calls to a service in this process; `demo serve`: that service behind a port.

use std::{future::pending, io::Write, time::SystemTime};

use restwalk::Catalog;

use super::Ended;
use crate::{
    args::Options,
    demo::{Demo, tour},
    exit,
    io::Io,
    mistake::{Mistake, Result},
    settings::Settings,
};

/// Shows the tour, or serves.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    match words {
        [] if options.port.is_some() => Err(Mistake::usage("--port goes with demo serve")),
        [] => tour(io),
        [word] if word == "serve" => serve(options, io).map(|()| exit::OK),
        [word, ..] => {
            let wrong = Mistake::usage(format!("demo knows no {word:?}")).at(word, 0..word.len());
            Err(wrong.hint("demo shows a tour; demo serve answers -e demo"))
        }
    }
}

/// Answers on the port until the process ends.
fn serve(options: &Options, io: &mut Io<'_>) -> Result<()> {
    let settings = Settings::read(options, io)?;
    let own = settings.catalog.is_open();
    let catalog = if own { Catalog::embedded() } else { settings.catalog };
    let port = options.port.unwrap_or_else(|| Demo::usual_port(catalog.base_url()));
    let demo = Demo::new(&catalog, SystemTime::now)?;
    let failed = |error: std::io::Error| Mistake { exit: exit::FAILED, ..Mistake::local("connect", error.to_string()) };
    let stop = io.stop.clone();
    stop.wait(async {
        let served = demo.listen(port).await.map_err(failed)?;
        let address = served.address();
        let hint = match address.port() {
            _ if !own => String::new(),
            8081 => "; try restwalk -e demo people".to_owned(),
            _ => format!("; try restwalk -e demo --base-url http://{address} people"),
        };
        // Who cannot hear where it listens may know it.
        let _ = writeln!(io.stderr.0, "http://{address} answers until Ctrl-C{hint}");
        let _ = io.stderr.0.flush();
        served.run(pending()).await.map_err(failed)
    })?
}
