//! The MAX catalog that comes with the crate.

use super::*;

#[test]
fn m_the_embedded_catalog_is_the_max_one() {
    let catalog = Catalog::embedded();
    assert_eq!(format!("{catalog:?}"), r#"Catalog { api: "max", routes: 75 }"#);
    assert!(!catalog.is_open() && catalog.lint().is_empty());
    let settings = catalog.settings();
    assert_eq!((settings.expand, settings.json_part()), (Expand::Underscore, "json_data"));
    assert_eq!((&*settings.count_header, settings.empty_body), ("X-totalItems", true));
    assert_eq!(settings.error_message.as_deref(), Some("{error}: {error_description}"));
}

#[test]
fn m_every_route_has_the_methods_that_a_live_server_lists() {
    let catalog = Catalog::embedded();
    let found: Vec<String> = catalog
        .routes()
        .map(|route| {
            let methods: Vec<String> = route.methods().iter().map(ToString::to_string).collect();
            format!("{}: {}", route.template(), methods.join(" "))
        })
        .collect();
    assert_eq!(found, fixture("max_methods.txt").lines().collect::<Vec<_>>());
    for route in catalog.routes() {
        let at = route.segments().fold(Node::ROOT, |at, part| match part {
            Part::Literal(name) => catalog.literal(at, name).unwrap(),
            Part::Variable(name) => {
                let (next, variable) = catalog.variable(at).unwrap();
                assert_eq!(variable.name(), name);
                next
            }
        });
        assert_eq!(catalog.route_at(at).unwrap().template(), route.template());
        assert!(route.category().is_some(), "{}", route.name());
    }
}

#[test]
fn m10_the_default_bodies_are_those_of_the_list() {
    let catalog = Catalog::embedded();
    let mut found: Vec<String> = catalog
        .routes()
        .flat_map(|route| route.presets.iter().map(move |(method, body)| (route.template(), method, body.json())))
        .map(|(template, method, body)| format!("{method} {template} {body}"))
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            r#"POST /contexts {"objectType":"context"}"#,
            r#"POST /contexts/{hash}/activities {"object":{"objectType":"note"}}"#,
            r#"POST /conversations {"object":{"objectType":"note"}}"#,
            r#"POST /conversations/{id}/messages {"object":{"objectType":"note"}}"#,
            r#"POST /people/{username}/activities {"object":{"objectType":"note"}}"#,
            r#"POST /people/{username}/conversations/{id}/messages {"object":{"objectType":"note"}}"#,
            r#"POST /people/{username}/subscriptions {"object":{"objectType":"context"}}"#,
        ]
    );
}

#[test]
fn m6_variables_have_their_aliases_and_adapters() {
    let catalog = Catalog::embedded();
    let (_, username) = catalog.variable(node(&catalog, "people")).unwrap();
    assert_eq!(username.aliases, [(":me".to_owned(), Alias::Actor)]);
    assert!(username.fallback_actor);
    let (_, hash) = catalog.variable(node(&catalog, "contexts")).unwrap();
    assert_eq!((hash.adapt, hash.param.as_deref()), (Some(Adapt::Sha1), Some("url")));
    assert_eq!(catalog.children(node(&catalog, "contexts")), ["public", "{hash}"]);
}

#[test]
fn m_uploads_actors_and_old_forms_are_marked() {
    let catalog = Catalog::embedded();
    let names = |wanted: &dyn Fn(&Route) -> bool| -> Vec<String> {
        catalog.routes().filter(|route| wanted(route)).map(|route| route.name().to_owned()).collect()
    };
    assert_eq!(names(&|route| route.upload()), ["avatar", "avatar_sizes", "context_avatar", "conversation_avatar"]);
    assert_eq!(names(&|route| route.deprecated()), ["dep_user_subscriptions", "dep_user_device_token"]);
    let old = |route: &Route| route.policy(&Method::POST).is_some_and(MethodPolicy::deprecated);
    assert_eq!(names(&old), ["user", "subscriptions"]);
    let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE];
    let actorless = |route: &Route| methods.iter().filter(|method| !route.needs_actor(method)).count();
    let counts: Vec<(String, usize)> = catalog
        .routes()
        .map(|route| (route.name().to_owned(), actorless(route)))
        .filter(|(_, count)| *count > 0)
        .collect();
    let counts: Vec<(&str, usize)> = counts.iter().map(|(name, count)| (&**name, *count)).collect();
    assert_eq!(
        counts,
        [
            ("users", 1),
            ("admin_security", 1),
            ("admin_security_role_user", 3),
            ("admin_security_users", 1),
            ("maintenance_keywords", 1),
            ("maintenance_dates", 1),
            ("maintenance_subscriptions", 1),
            ("maintenance_conversations", 1),
            ("maintenance_users", 1),
            ("maintenance_tokens", 1),
            ("maintenance_exceptions", 1),
            ("maintenance_exception", 1),
        ]
    );
}

/// Operation, method and resource, as the reference's RPC flavour has them.
const OPERATIONS: &str = "getUser GET user; addUser POST user; modifyUser PUT user; getUsers GET users; \
    postAvatar POST avatar; addActivity POST user_activities; add_activity_as_context POST context_activities; \
    getActivity GET activity; getUserTimeline GET timeline; getUserActivities GET user_activities; \
    getContextActivities GET context_activities; getAllActivities GET activities; getAllComments GET comments; \
    getTimelineLastAuthors GET timeline_authors; getContextLastAuthors GET context_activities_authors; \
    addComment POST activity_comments; getComments GET activity_comments; addContext POST contexts; \
    get_context GET context; modifyContext PUT context; deleteContext DELETE context; \
    add_tags_to_context PUT context_tags; remove_tag_from_context DELETE context_tag; \
    subscribe POST subscriptions; unsubscribe DELETE context_subscription; subscribed GET subscriptions; \
    subscribed_to_context GET context_subscriptions; grant_permission PUT context_user_permission; \
    revoke_permission DELETE context_user_permission; pushtokens_by_conversation GET conversation_push_tokens; \
    getActivities GET activities; getContexts GET contexts; getSecurity GET admin_security; \
    grant_security_role POST admin_security_role_user; revoke_security_role DELETE admin_security_role_user";

#[test]
fn m_every_operation_of_the_rpc_flavour_is_named() {
    let catalog = Catalog::embedded();
    for line in OPERATIONS.split("; ") {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (route, policy) = catalog.operation(words[0]).unwrap();
        assert_eq!([policy.method().as_str(), route.name()], words[1..], "{line}");
        assert!(policy.operations().iter().any(|name| name == words[0]));
    }
    assert_eq!((OPERATIONS.split("; ").count(), catalog.0.operations.len()), (35, 35));
    let params = |name: &str| catalog.operation(name).unwrap().1.params.clone();
    assert_eq!(params("grant_permission"), [("permission".to_owned(), "read".to_owned())]);
    assert_eq!(params("revoke_permission"), [("permission".to_owned(), "write".to_owned())]);
    let body = catalog.operation("addComment").unwrap().1.body.as_ref().unwrap().json();
    assert_eq!(body, r#"{"object":{"objectType":"comment"}}"#);
    assert_eq!(catalog.nearest_operation("getuser"), Some("getUser"));
}

#[test]
fn m_titles_and_categories_are_those_of_the_reference() {
    let catalog = Catalog::embedded();
    let mut categories: Vec<&str> = catalog.routes().filter_map(Route::category).collect();
    categories.sort_unstable();
    categories.dedup();
    let expected =
        "(deprecated) Activities Comments Contexts Conversations Management Messages Subscriptions Tokens User";
    assert_eq!(categories.join(" "), expected);
    assert_eq!(catalog.routes().filter(|route| route.title().is_none()).count(), 7);
    assert_eq!(catalog.routes().find(|route| route.name() == "users").unwrap().title(), Some("Users"));
}
