//! `ls`: what may follow a path.

use super::{Ended, only_path, routes};
use crate::{args::Options, exit, io::Io, mistake::Mistake, settings::Settings};

/// Lists what follows a path, one line each, with the methods that are there.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    let path = only_path(words)?;
    let settings = Settings::read(options, io)?;
    if settings.catalog.is_open() {
        return Err(Mistake::usage("without a catalog nothing is known to list").hint("name one by --catalog FILE"));
    }
    let below = routes::below(&settings.catalog, path)?;
    let mut lines: Vec<(&str, String)> = Vec::new();
    for (segments, route) in &below.routes {
        let Some(first) = segments.first() else { continue };
        let line = lines.iter().position(|(name, _)| name == first).unwrap_or_else(|| {
            lines.push((first, String::new()));
            lines.len() - 1
        });
        if segments.len() == 1 {
            let methods: Vec<_> = route.policies().map(|policy| policy.method().as_str()).collect();
            lines[line].1 = format!("{:<24} {}", methods.join(" "), route.title().unwrap_or_default());
        }
    }
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let text = lines.iter().map(|(name, about)| format!("{}\n", format!("{name:width$}  {about}").trim_end()));
    io.printer().text(&text.collect::<String>())?;
    Ok(exit::OK)
}
