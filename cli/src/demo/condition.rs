//! Conditions on the state of a thing (RFC 9110, section 13).

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, Method, header};

use super::{problem::Problem, store::Thing};

/// What the conditions of a request come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Go,
    /// The caller has this state already.
    Unchanged,
}

/// The entity tag of a thing.
pub(super) fn tag(thing: &Thing) -> String {
    format!("\"r{}\"", thing.revision)
}

/// Holds the conditions of a request against the thing that is there.
pub(super) fn check(method: &Method, headers: &HeaderMap, thing: Option<&Thing>) -> Result<Verdict, Problem> {
    let tag = thing.map(tag);
    if let Some(wanted) = values(headers, &header::IF_MATCH)
        && !tag.as_deref().is_some_and(|tag| lists(&wanted, tag, false))
    {
        return Err(failed("it is in another state than If-Match asks for"));
    }
    let reads = matches!(*method, Method::GET | Method::HEAD);
    if let Some(known) = values(headers, &header::IF_NONE_MATCH) {
        return match tag {
            Some(tag) if lists(&known, &tag, true) && reads => Ok(Verdict::Unchanged),
            Some(tag) if lists(&known, &tag, true) => Err(failed("it is there already, in a state of If-None-Match")),
            _ => Ok(Verdict::Go),
        };
    }
    let since = values(headers, &header::IF_MODIFIED_SINCE).and_then(|date| httpdate::parse_http_date(&date).ok());
    let unchanged = reads && thing.zip(since).is_some_and(|(thing, since)| seconds(thing.changed) <= seconds(since));
    Ok(if unchanged { Verdict::Unchanged } else { Verdict::Go })
}

/// Whether `If-Range`, where it is given, names this state of a thing.
pub(super) fn in_range_state(headers: &HeaderMap, thing: &Thing) -> bool {
    let Some(state) = values(headers, &header::IF_RANGE) else { return true };
    let date = || httpdate::parse_http_date(&state).ok();
    state == tag(thing) || date().is_some_and(|date| seconds(date) == seconds(thing.changed))
}

/// A header's values as one list.
fn values(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect();
    if values.is_empty() { None } else { Some(values.join(",")) }
}

/// Whether a list of tags holds `tag`; a weak one counts where `weak` is said.
fn lists(list: &str, tag: &str, weak: bool) -> bool {
    // No tag of this service holds a comma.
    list.split(',').map(str::trim).any(|known| {
        let known = if weak { known.strip_prefix("W/").unwrap_or(known) } else { known };
        known == "*" || known == tag
    })
}

fn failed(text: &str) -> Problem {
    Problem::new(412, "PreconditionFailed", text)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_tag_counts_where_content_is_not_changed() {
        for (list, weak, expected) in [
            ("*", false, true),
            ("\"r1\"", false, true),
            ("\"r0\", \"r1\"", false, true),
            ("W/\"r1\"", false, false),
            ("W/\"r1\"", true, true),
            ("\"r2\"", true, false),
            ("r1", true, false),
            ("", true, false),
        ] {
            assert_eq!(lists(list, "\"r1\"", weak), expected, "{list} {weak}");
        }
    }
}
