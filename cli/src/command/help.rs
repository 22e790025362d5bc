//! `help`: how to call, or what a route offers.

use clap::CommandFactory;
use restwalk::{Catalog, Route};

use super::{Ended, only_path, routes};
use crate::{args::Options, exit, io::Io, mistake::Mistake, settings::Settings, words::HELPERS};

/// Prints the help of the command line, or of the route that a path names.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    let path = only_path(words)?;
    if words.is_empty() {
        let help = format!("{}\n\n{}", Options::command().render_help().to_string().trim_end(), all_words());
        io.printer().text(&help)?;
        return Ok(exit::OK);
    }
    let settings = Settings::read(options, io)?;
    let below = routes::below(&settings.catalog, path)?;
    let Some((_, route)) = below.routes.iter().find(|(segments, _)| segments.is_empty()) else {
        let message = if settings.catalog.is_open() {
            "without a catalog nothing is known about a path".to_owned()
        } else {
            format!("{} is no resource of its own", if below.template.is_empty() { "/" } else { &below.template })
        };
        return Err(Mistake::local("invalid_input.path", message).hint("restwalk ls PATH lists what follows"));
    };
    io.printer().text(&text(route, &settings.catalog))?;
    Ok(exit::OK)
}

fn all_words() -> String {
    let words = HELPERS.map(|(word, behind, about)| (format!("{word} {behind}"), about));
    let width = words.iter().map(|(word, _)| word.chars().count()).max().unwrap_or_default();
    let lines = words.iter().map(|(word, about)| format!("  {word:width$}  {about}\n"));
    format!("Words:\n{}", lines.collect::<String>())
}

/// All that the catalog says of a route.
fn text(route: &Route, catalog: &Catalog) -> String {
    let mut text = format!("{}\n", route.template());
    let deprecated = route.deprecated().then_some("deprecated");
    let about = [route.title(), route.category(), deprecated, route.upload().then_some("takes or gives files")];
    let about: Vec<&str> = about.into_iter().flatten().collect();
    if !about.is_empty() {
        text += &format!("  {}\n", about.join("; "));
    }
    text += &variables(route, catalog);
    if route.policies().next().is_none() {
        text += "\nany method\n";
    }
    for policy in route.policies() {
        let names = policy.operations().join(", ");
        text += format!("\n{:<8}{names}", policy.method().as_str()).trim_end();
        text.push('\n');
        if let Some(defaults) = route.default_body(policy.method()) {
            text += &format!("  defaults: {defaults}\n");
        }
        for (key, value) in policy.summary().iter().filter(|(key, _)| key != "operation") {
            let note = match (key.as_str(), value.as_str()) {
                ("danger", "confirm") => "; -y says yes beforehand",
                ("body", _) => "; of the named operation only",
                _ => "",
            };
            text += &format!("  {key}: {value}{note}\n");
        }
    }
    text
}

/// The variables of a route, each with what is special about it.
fn variables(route: &Route, catalog: &Catalog) -> String {
    let names = route.template().split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let known: Vec<_> = catalog.variables().collect();
    let line = |name: &str| {
        let said = known.iter().find(|(known, _)| *known == name).map(|(_, said)| &said[..]).unwrap_or_default();
        let said: Vec<String> = said.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        let said = said.join("; ");
        format!("{}\n", format!("  {{{name}}}  {said}").trim_end())
    };
    names.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_told_with_all_that_its_catalog_says() {
        let resources = "
variables: { name: { aliases: { ':me': actor }, adapt: sha1 } }
resources:
  one:
    route: /people/{name}/{kind}
    title: One
    deprecated: true
    methods:
      GET: { operation: [getOne, one], query: { limit: 10, tags: [a, b] }, limit: [10/s, 60/min], paginate: link }
      DELETE: { danger: confirm, timeout: 2.5, retry: off }
      PUT:
  any: { route: /any }
";
        let defaults = "/people/{name}/{kind}: { PUT: { a: 1 } }";
        let catalog = Catalog::from_yaml(resources, defaults).unwrap();
        let expected = r#"/people/{name}/{kind}
  One; deprecated
  {name}  aliases: :me: actor; adapt: sha1
  {kind}

GET     getOne, one
  query: limit: 10, tags: ["a","b"]
  limit: 10/s, 60/min
  paginate: link

DELETE
  timeout: 2.5
  retry: off
  danger: confirm; -y says yes beforehand

PUT
  defaults: {"a":1}
"#;
        let told: Vec<String> = catalog.routes().map(|route| text(route, &catalog)).collect();
        assert_eq!(told, [expected, "/any\n\nany method\n"]);
    }
}
