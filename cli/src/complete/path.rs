//! Segments of a path.

use restwalk::{Catalog, Route};

use super::Candidate;

/// What may follow in a path: names, aliases of a variable, and the variable itself as help.
pub(super) fn candidates(catalog: &Catalog, current: &str) -> Vec<Candidate> {
    if current.contains("://") {
        return Vec::new();
    }
    let (walked, part) =
        current.rsplit_once('/').map_or(("", current), |(walked, part)| (&current[..=walked.len()], part));
    let below = below(catalog, walked.strip_prefix("./").unwrap_or(walked));
    let mut names: Vec<Next<'_>> = Vec::new();
    for (segments, route) in &below {
        let Some(name) = segments.first() else { continue };
        let at = names.iter().rposition(|next| next.name == *name).unwrap_or_else(|| {
            names.push(Next { name, title: None, ends: false, goes_on: false });
            names.len() - 1
        });
        names[at].ends |= segments.len() == 1;
        names[at].goes_on |= segments.len() > 1;
        names[at].title = names[at].title.or(route.title().filter(|_| segments.len() == 1));
    }
    names.sort_unstable_by_key(|next| next.name);
    let mut found: Vec<_> = names.iter().filter(|next| !next.is_variable()).collect();
    found.retain(|next| next.name.starts_with(part));
    // What is written out already goes on.
    let again = |next: &Next<'_>| found.len() == 1 && next.name == part;
    let mut list: Vec<Candidate> = found
        .iter()
        .map(|next| next.candidate(walked, next.name, next.title.unwrap_or_default(), again(next)))
        .collect();
    for next in names.iter().filter(|next| next.is_variable()) {
        list.extend(next.fillings(catalog, walked, part, found.is_empty()));
    }
    list
}

/// A segment that may follow.
struct Next<'c> {
    name: &'c str,
    title: Option<&'c str>,
    ends: bool,
    goes_on: bool,
}

impl Next<'_> {
    fn is_variable(&self) -> bool {
        self.name.starts_with('{')
    }

    fn candidate(&self, walked: &str, name: &str, help: &str, again: bool) -> Candidate {
        match (self.ends, self.goes_on) {
            (true, false) => Candidate::whole(format!("{walked}{name}"), help),
            (true, true) if !again => Candidate::open(format!("{walked}{name}"), help),
            _ => Candidate::open(format!("{walked}{name}/"), help),
        }
    }

    /// What the variable may be filled with; `alone` says that no name fits.
    fn fillings(&self, catalog: &Catalog, walked: &str, part: &str, alone: bool) -> Vec<Candidate> {
        let name = self.name.trim_matches(['{', '}']);
        let fits = |alias: &&str| alias.starts_with(part) && !alias.contains(['/', '?', '#', '%', '{']);
        let aliases: Vec<_> = catalog.aliases(name).filter(fits).collect();
        let again = |alias: &str| aliases.len() == 1 && alone && alias == part;
        let mut list: Vec<_> =
            aliases.iter().map(|alias| self.candidate(walked, alias, self.name, again(alias))).collect();
        if part.starts_with('{') && self.name.starts_with(part) {
            list.push(self.candidate(walked, self.name, &format!("filled by -P {name}=VALUE"), self.name == part));
        } else if part.is_empty() || alone && aliases.is_empty() {
            list.push(Candidate::help(format!("{walked}{part}"), self.name));
        }
        list
    }
}

/// The route that a path leads to.
pub(super) fn route<'c>(catalog: &'c Catalog, path: &str) -> Option<&'c Route> {
    below(catalog, path).into_iter().find(|(segments, _)| segments.is_empty()).map(|(_, route)| route)
}

/// The routes at and below a path, with the segments that follow it.
fn below<'c>(catalog: &'c Catalog, path: &str) -> Vec<(Vec<&'c str>, &'c Route)> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    // A level has one variable, and a name goes before it.
    let mut fixed: Vec<(Vec<&str>, &Route)> = catalog
        .routes()
        .map(|route| (route.template().split('/').filter(|part| !part.is_empty()).collect(), route))
        .collect();
    for (at, part) in parts.iter().enumerate() {
        let literal = fixed.iter().any(|(segments, _)| segments.get(at) == Some(part));
        fixed.retain(|(segments, _)| {
            segments.get(at).is_some_and(|segment| if literal { segment == part } else { segment.starts_with('{') })
        });
    }
    fixed.into_iter().map(|(mut segments, route)| (segments.split_off(parts.len()), route)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(current: &str) -> Vec<String> {
        let found = candidates(&Catalog::embedded(), current);
        found.into_iter().map(|one| if one.only_help { format!("({})", one.help) } else { one.text }).collect()
    }

    #[test]
    fn names_variables_and_aliases_follow_a_path() {
        for (current, expected) in [
            ("peo", "people"),
            ("people", "people/"),
            ("/peo", "/people"),
            ("./peo", "./people"),
            ("people/", "people/:me ({username})"),
            ("people/:", "people/:me"),
            ("people/:me", "people/:me/"),
            ("people/{", "people/{username}"),
            ("people/{username}", "people/{username}/"),
            ("people/ad", "({username})"),
            ("people/ada/act", "people/ada/activities"),
            ("nope/", ""),
            ("https://h/peo", ""),
            ("people?", ""),
        ] {
            assert_eq!(texts(current).join(" "), expected, "{current}");
        }
        assert!(texts("").contains(&"contexts".to_owned()));
    }

    #[test]
    fn a_route_is_found_by_what_fills_it() {
        let catalog = Catalog::embedded();
        for (path, expected) in
            [("people/ada", Some("/people/{username}")), ("/people", Some("/people")), ("nope", None)]
        {
            assert_eq!(route(&catalog, path).map(Route::template), expected, "{path}");
        }
    }
}
