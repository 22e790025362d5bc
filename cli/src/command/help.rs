//! `help`: how to call, or what a route offers.

use clap::CommandFactory;
use restwalk::Route;

use super::{Ended, only_path, routes};
use crate::{args::Options, exit, io::Io, mistake::Mistake, settings::Settings};

/// Prints the help of the command line, or of the route that a path names.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    let path = only_path(words)?;
    if path.is_empty() {
        let help = Options::command().render_help().to_string();
        io.printer().text(&help)?;
        return Ok(exit::OK);
    }
    let settings = Settings::read(options, io)?;
    let below = routes::below(&settings.catalog, path)?;
    let Some((_, route)) = below.routes.iter().find(|(segments, _)| segments.is_empty()) else {
        let message = if below.routes.is_empty() {
            "without a catalog nothing is known about a path".to_owned()
        } else {
            format!("{} is no resource of its own", below.template)
        };
        return Err(Mistake::local("invalid_input.path", message).hint("restwalk ls PATH lists what follows"));
    };
    io.printer().text(&text(route))?;
    Ok(exit::OK)
}

fn text(route: &Route) -> String {
    let mut text = format!("{}\n", route.template());
    if let Some(title) = route.title() {
        text += &format!("  {title}\n");
    }
    let variables: Vec<_> = route.template().split('/').filter(|part| part.starts_with('{')).collect();
    if !variables.is_empty() {
        text += &format!("  variables: {}\n", variables.join(" "));
    }
    for policy in route.policies() {
        let notes = [
            (!policy.operations().is_empty()).then(|| policy.operations().join(", ")),
            policy.deprecated().then(|| "deprecated".to_owned()),
            policy.confirm().then(|| "asks for confirmation".to_owned()),
            policy.schema().map(|schema| format!("schema {schema}")),
        ];
        let notes: Vec<_> = notes.into_iter().flatten().collect();
        text += format!("\n{:<8}{}", policy.method().as_str(), notes.join("; ")).trim_end();
        text.push('\n');
        if let Some(defaults) = route.default_body(policy.method()) {
            text += &format!("  defaults: {defaults}\n");
        }
    }
    text
}
