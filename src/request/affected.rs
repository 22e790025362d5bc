//! What a call makes untrue besides its own path.

use super::{Context, Planned, Request};
use crate::path::filled;

impl Request {
    /// The encoded paths, from the root of the origin, of all that the catalog says a call affects; with each goes
    /// what lies under it.
    pub(crate) fn affected(&self, context: &Context<'_>, plan: &Planned<'_>) -> Vec<String> {
        let Some(policy) = plan.policy.filter(|policy| !policy.affects.is_empty()) else { return Vec::new() };
        let items = self.path.items(context.catalog);
        policy.affected().map(|template| context.base.below(&filled(template, &items))).collect()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;
    use crate::{
        catalog::Catalog,
        path::Path,
        query::Style,
        request::{Base, Expand},
    };

    const ROUTES: &str = "
variables:
  username: { aliases: { ':me': actor } }
  hash: { adapt: sha1 }
  file: { slash: split }
  more: { slash: split }
  key: { slash: encode }
resources:
  root: { route: / }
  timeline: { route: '/people/{username}/timeline' }
  self: { route: '/people/{username}/@self' }
  activities:
    route: /people/{username}/activities
    methods: { GET: , POST: { affects: ['/people/{username}/timeline', '/people/{username}/@self', /] } }
  context: { route: '/contexts/{hash}' }
  subscription:
    route: /people/{username}/subscriptions/{hash}
    methods: { DELETE: { affects: ['/contexts/{hash}', '/people/{username}/timeline'] } }
  keys: { route: '/keys/{key}', methods: { PUT: { affects: ['/keys/{key}/log', /] } } }
  log: { route: '/keys/{key}/log' }
  files: { route: '/files/{file}' }
  notes:
    route: /people/{username}/files/{file}/notes/{hash}
    methods: { PUT: { affects: ['/files/{file}', '/contexts/{hash}'] } }
  both: { route: '/both/{username}/{file}' }
  pairs:
    route: /people/{username}/pairs/{file}/{more}/{key}
    methods: { PUT: { affects: ['/files/{file}', '/both/{username}/{file}', '/keys/{key}', '/none/{more}/x'] } }
  none: { route: '/none/{more}/x' }
";

    fn affected(method: Method, base: &str, steps: &[&str]) -> Vec<String> {
        let catalog = Catalog::from_yaml(ROUTES, "").unwrap();
        let mut path = Path::root();
        for step in steps {
            match step.strip_prefix('=') {
                Some(item) => path.item(&catalog, Some("ada"), item),
                None => path.res(&catalog, step),
            }
        }
        let (base, headers) = (Base::parse(base, &[]).unwrap(), HeaderMap::new());
        let context =
            Context { base: &base, catalog: &catalog, headers: &headers, expand: Expand::Off, style: Style::Repeat };
        let request = Request::new(method, path);
        let plan = request.plan(&context).unwrap();
        request.affected(&context, &plan)
    }

    const SHA1: &str = "0a0a9f2a6772942557ab5355d76af442f8f65e01";

    #[test]
    fn c09_routes_that_a_call_affects_are_filled_with_its_items() {
        for (method, steps, expected) in [
            (Method::GET, &["people", "=ada", "activities"][..], &[][..]),
            (Method::POST, &["people", "=ada", "activities"], &["/people/ada/timeline", "/people/ada/%40self", "/"]),
            (Method::POST, &["people", "=:me", "activities"], &["/people/ada/timeline", "/people/ada/%40self", "/"]),
            (
                Method::POST,
                &["people", "=a b?é%", "activities"],
                &["/people/a%20b%3F%C3%A9%25/timeline", "/people/a%20b%3F%C3%A9%25/%40self", "/"],
            ),
            (
                Method::DELETE,
                &["people", "=ada", "subscriptions", "=Hello, World!"],
                &[&format!("/contexts/{SHA1}"), "/people/ada/timeline"],
            ),
            (Method::PUT, &["keys", "=a/b"], &["/keys/a%2Fb/log", "/"]),
            (
                Method::PUT,
                &["people", "=ada", "files", "=x", "notes", "=Hello, World!"],
                &["/files/x", &format!("/contexts/{SHA1}")],
            ),
            // Items that are split take the segments that no other part of the template does.
            (
                Method::PUT,
                &["people", "=ada", "files", "=x/y z/w", "notes", "=Hello, World!"],
                &["/files/x/y%20z/w", &format!("/contexts/{SHA1}")],
            ),
            (
                Method::PUT,
                &["people", "=ada", "pairs", "=x", "=y", "=z"],
                &["/files/x", "/both/ada/x", "/keys/z", "/none/y/x"],
            ),
            // Nobody can tell any more which is whose, so all that could be meant is.
            (
                Method::PUT,
                &["people", "=ada", "pairs", "=x/x", "=y", "=z"],
                &["/files", "/both/ada", "/keys/z", "/none"],
            ),
        ] {
            assert_eq!(affected(method, "https://h", steps), expected, "{steps:?}");
        }
    }

    #[test]
    fn c09_affected_paths_stand_under_the_base_path() {
        for base in ["https://h/api/v1", "https://h/api/v1/", "https://h/api/v1?key=1"] {
            let found = affected(Method::POST, base, &["people", "=ada", "activities"]);
            assert_eq!(found, ["/api/v1/people/ada/timeline", "/api/v1/people/ada/%40self", "/api/v1/"], "{base}");
        }
    }
}
