//! Segments of a path.

use restwalk::{Catalog, Following, Route};

use super::Candidate;

/// What may follow in a path: names, aliases of a variable, and the variable itself as help.
///
/// `following` tells what follows a place.
pub(super) fn candidates(current: &str, following: impl FnOnce(&str) -> Vec<Following>) -> Vec<Candidate> {
    if current.contains("://") {
        return Vec::new();
    }
    let (walked, part) =
        current.rsplit_once('/').map_or(("", current), |(walked, part)| (&current[..=walked.len()], part));
    let next = following(walked.strip_prefix("./").unwrap_or(walked));
    let (variables, mut names): (Vec<_>, Vec<_>) = next.iter().partition(|next| next.name.starts_with('{'));
    names.retain(|next| next.name.starts_with(part));
    // What is written out already goes on.
    let again = |next: &Following| names.len() == 1 && next.name == part;
    let mut list: Vec<Candidate> =
        names.iter().map(|next| one(next, walked, &next.name, next.title.as_deref(), again(next))).collect();
    for next in variables {
        list.extend(fillings(next, walked, part, names.is_empty()));
    }
    list
}

fn one(next: &Following, walked: &str, name: &str, help: Option<&str>, again: bool) -> Candidate {
    let help = help.unwrap_or_default();
    match (next.ends, next.goes_on) {
        (true, false) => Candidate::whole(format!("{walked}{name}"), help),
        (true, true) if !again => Candidate::open(format!("{walked}{name}"), help),
        _ => Candidate::open(format!("{walked}{name}/"), help),
    }
}

/// What a variable may be filled with; `alone` says that no name fits.
fn fillings(next: &Following, walked: &str, part: &str, alone: bool) -> Vec<Candidate> {
    let name = next.name.trim_matches(['{', '}']);
    let fits = |alias: &&String| alias.starts_with(part) && !alias.contains(['/', '?', '#', '%', '{']);
    let aliases: Vec<_> = next.aliases.iter().filter(fits).collect();
    let again = |alias: &str| aliases.len() == 1 && alone && alias == part;
    let mut list: Vec<_> =
        aliases.iter().map(|alias| one(next, walked, alias, Some(&next.name), again(alias))).collect();
    if part.starts_with('{') && next.name.starts_with(part) {
        let help = format!("filled by -P {name}=VALUE");
        list.push(one(next, walked, &next.name, Some(&help), next.name == part));
    } else if part.is_empty() || alone && aliases.is_empty() {
        list.push(Candidate::help(format!("{walked}{part}"), &*next.name));
    }
    list
}

/// The route that a path leads to.
pub(super) fn route<'c>(catalog: &'c Catalog, path: &str) -> Option<&'c Route> {
    let parts = || path.split('/').filter(|part| !part.is_empty());
    let mut routes: Vec<_> = catalog.routes().map(|route| (route.template().split('/').skip(1), route)).collect();
    for part in parts() {
        let mut next: Vec<_> =
            routes.into_iter().filter_map(|(mut rest, route)| Some((rest.next()?, rest, route))).collect();
        // A name goes before the one variable of its level.
        let literal = next.iter().any(|(name, ..)| *name == part);
        next.retain(|(name, ..)| if literal { *name == part } else { name.starts_with('{') });
        routes = next.into_iter().map(|(_, rest, route)| (rest, route)).collect();
    }
    routes.into_iter().find(|(rest, _)| rest.clone().all(str::is_empty)).map(|(_, route)| route)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(current: &str) -> Vec<String> {
        let found = candidates(current, |walked| Catalog::embedded().following(walked));
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
