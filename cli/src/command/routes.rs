//! Routes below a path, for `ls` and `help`: a variable may stand there as `{name}`.

use restwalk::{Catalog, Client, Route};

use crate::mistake::Result;

/// The route templates that begin with `path`, by their segments.
pub(super) struct Below<'c> {
    /// The template of the path itself, without a slash at its end.
    pub(super) template: String,
    /// Every route that is there or below, with its segments behind the path.
    pub(super) routes: Vec<(Vec<&'c str>, &'c Route)>,
}

/// Finds the routes at and below `path`; a name that is none is the library's mistake.
pub(super) fn below<'c>(catalog: &'c Catalog, path: &str) -> Result<Below<'c>> {
    crate::place::check(path)?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let mut routes: Vec<(Vec<&str>, &Route)> = catalog
        .routes()
        .map(|route| (route.template().split('/').skip(1).filter(|part| !part.is_empty()).collect(), route))
        .collect();
    let mut template = String::new();
    for part in &parts {
        let literal = routes.iter().any(|(segments, _)| segments.first() == Some(part));
        let fits = |segment: &str| if literal { segment == *part } else { segment.starts_with('{') };
        routes.retain(|(segments, _)| segments.first().is_some_and(|segment| fits(segment)));
        let Some((segments, _)) = routes.first() else { break };
        template = format!("{template}/{}", segments[0]);
        for (segments, _) in &mut routes {
            segments.remove(0);
        }
    }
    if !catalog.is_open() && routes.is_empty() {
        let client = Client::builder("http://localhost").catalog(catalog.clone()).build()?;
        client.path(path.replace(['{', '}'], "")).children()?;
    }
    Ok(Below { template, routes })
}
