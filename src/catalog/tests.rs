//! The catalog as a whole.

use std::{fs, path::PathBuf, time::Duration};

use http::Method;
use serde_json::Value;

use super::*;
use crate::{
    catalog::{
        policy::{Attempts, Caching},
        yaml::Document,
    },
    query::Style,
};

pub(super) mod generated;
mod max;
mod refused;

fn fixtures() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", "catalog"].iter().collect()
}

fn fixture(name: &str) -> String {
    fs::read_to_string(fixtures().join(name)).unwrap()
}

fn full() -> Catalog {
    Catalog::from_yaml(&fixture("valid.resources.yaml"), &fixture("valid.defaults.yaml")).unwrap()
}

/// What `text` means, by the catalog's own reader.
fn meaning(text: &str) -> Value {
    let document = Document::parse("test.yaml", text).unwrap();
    let mut json = String::new();
    document.root().map(|root| preset::write_json(root, &mut json, &mut Vec::new())).transpose().unwrap();
    if json.is_empty() { Value::Null } else { serde_json::from_str(&json).unwrap() }
}

/// Walks literal segments, and `*` for the variable.
fn node(catalog: &Catalog, path: &str) -> Node {
    path.split('/').filter(|step| !step.is_empty()).fold(Node::ROOT, |at, step| match step {
        "*" => catalog.variable(at).unwrap().0,
        name => catalog.literal(at, name).unwrap(),
    })
}

#[test]
fn every_key_is_read() {
    let catalog = full();
    assert_eq!((catalog.api(), catalog.base_url()), ("shop", Some("https://shop.example.com/api/v1")));
    let settings = catalog.settings();
    assert_eq!(settings.expand, Expand::Dots);
    assert_eq!((settings.json_part(), &*settings.count_header), ("data", "X-Count"));
    assert_eq!((settings.empty_body, settings.error_message.as_deref()), (true, Some("{code}: {text}")));
    assert_eq!(settings.query_style, Style::Brackets);

    let (_, customer) = catalog.variable(node(&catalog, "customers")).unwrap();
    assert_eq!(customer.name(), "customer");
    assert_eq!(customer.aliases, [(":me".to_owned(), Alias::Actor), ("self".to_owned(), Alias::Actor)]);
    assert!(customer.fallback_actor && customer.percent && customer.blank);
    assert_eq!((customer.slash, customer.adapt, customer.param.as_deref()), (Slash::Refuse, None, None));
    assert_eq!(catalog.variable(node(&catalog, "files")).unwrap().1.slash, Slash::Split);
    let (_, key) = catalog.variable(node(&catalog, "keys")).unwrap();
    assert_eq!((key.slash, key.adapt, key.param.as_deref()), (Slash::Encode, Some(Adapt::Sha1), Some("url")));

    let orders = catalog.route_at(node(&catalog, "customers/*/orders")).unwrap();
    assert_eq!((orders.name(), orders.title(), orders.category()), ("orders", Some("1.10"), Some("no")));
    assert!(orders.upload() && orders.deprecated() && !orders.needs_actor(&Method::DELETE));
    assert_eq!(orders.methods(), ["GET", "HEAD", "POST", "DELETE", "OPTIONS"]);
    assert_eq!(catalog.route_at(Node::ROOT).unwrap().name(), "home");
}

#[test]
fn every_policy_is_typed() {
    let catalog = full();
    let orders = catalog.route_at(node(&catalog, "customers/*/orders")).unwrap();
    let get = orders.policy(&Method::HEAD).unwrap();
    assert_eq!(
        (get.method(), get.operations()),
        (&Method::GET, &["listOrders".to_owned(), "allOrders".to_owned()][..])
    );
    let query: Vec<_> = get.query.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(query, [("per_page", "\"100\""), ("sort", r#"["a","1.10"]"#), ("filter", r#"{"state":"on"}"#)]);
    assert_eq!(get.headers[1].0, "x-version");
    assert_eq!(get.headers[1].1, "1.10");
    assert_eq!((get.query_style, get.actorless), (Some(Style::DeepObject), true));
    assert_eq!((get.timeout, get.retry), (Some(Duration::from_millis(2500)), Some(Attempts::AtMost(3))));
    let limits: Vec<_> = get.limits.iter().map(|limit| (limit.count, limit.per.as_secs())).collect();
    assert_eq!(limits, [(10, 1), (60, 60), (1000, 3600)]);
    assert_eq!(get.cache, Some(Caching { ttl: Some(Duration::from_secs(300)), ..Caching::default() }));
    let listing = Paginate::page().query("p").items_at("/data/rows").first(0).limit("per_page", 20);
    assert_eq!((get.paginate(), get.idempotent), (Some(&listing), None));

    let (route, post) = catalog.operation("addOrder").unwrap();
    assert_eq!(route.template(), orders.template());
    assert_eq!(post.params, [("customer".to_owned(), "guest".to_owned())]);
    assert_eq!(post.body.as_ref().unwrap().json(), r#"{"state":"new","lines":[{"count":1}]}"#);
    assert!(post.body().is_some() && post.idempotency_key && post.confirm() && post.deprecated());
    assert_eq!((post.idempotent, post.retry), (Some(false), Some(Attempts::Off)));
    assert_eq!(post.cache, Some(Caching { off: true, ..Caching::default() }));
    assert_eq!((post.limits.len(), post.schema()), (1, Some("schemas/order.json")));
    assert_eq!(catalog.operation("allOrders").unwrap().1.method(), Method::GET);
    assert!(catalog.operation("allOrder").is_none());
    assert_eq!(catalog.nearest_operation("allOrder"), Some("allOrders"));
}

#[test]
fn what_is_cached_and_what_a_call_makes_untrue_is_typed() {
    let catalog = full();
    let policy = |path, method| catalog.route_at(node(&catalog, path)).unwrap().policy(&method).unwrap().clone();
    let (get, head) = (policy("customers/*", Method::GET), policy("customers/*", Method::HEAD));
    let minute = Some(Duration::from_secs(60));
    assert_eq!(get.cache, Some(Caching { off: false, ttl: minute, shared: true }));
    assert_eq!(head.cache, Some(Caching { off: false, ttl: None, shared: true }));
    let cached =
        [Method::GET, Method::POST, Method::DELETE].map(|method| policy("customers/*/orders", method).cached());
    assert_eq!(cached, [Some(true), Some(false), None]);
    assert_eq!(get.summary(), [("cache".to_owned(), "ttl: 60, shared: true".to_owned())]);
    let delete = policy("customers/*/orders", Method::DELETE);
    assert_eq!((delete.cache, &*delete.affects), (None, &["/".to_owned(), "/customers/{customer}".to_owned()][..]));
    let own = |cache: &str| {
        let text = format!("resources: {{a: {{route: /a, methods: {{GET: {{cache: {cache}}}}}}}}}");
        let catalog = Catalog::from_yaml(&text, "").unwrap();
        catalog.routes().next().unwrap().policies().next().unwrap().clone()
    };
    let said = |cache: &str| own(cache).summary()[0].1.clone();
    for (written, again) in [
        ("{ttl: 60}", "60"),
        ("{ttl: 60, shared: false}", "60"),
        ("{shared: false}", "shared: false"),
        ("0.5", "0.5"),
        ("off", "off"),
    ] {
        assert_eq!(said(written), again);
        assert_eq!(own(written).cache.unwrap().off, written == "off", "{written}");
    }
}

#[test]
fn default_bodies_keep_texts_and_digits() {
    let catalog = full();
    let orders = catalog.route_at(node(&catalog, "customers/*/orders")).unwrap();
    let (_, preset) = &orders.presets[0];
    let json = r#"{"currency":"EUR","note":"no","limits":{"least":1,"most":100000000000000000000000000000}}"#;
    assert_eq!((preset.json(), format!("{preset:?}")), (json.to_owned(), json.to_owned()));
    assert!(orders.defaults(&Method::POST).is_some() && orders.defaults(&Method::GET).is_none());
}

#[test]
fn credentials_are_named_by_the_method_else_by_the_route() {
    let resources = "resources:
  a: {route: /a, auth: none, methods: {GET: , POST: {auth: admin}}}
  b: {route: /b}
  c: {route: /c, auth: off}
";
    let catalog = Catalog::from_yaml(resources, "").unwrap();
    let auth = |route: usize, method: Method| catalog.routes().nth(route).unwrap().auth(&method).map(str::to_owned);
    assert_eq!(auth(0, Method::GET).as_deref(), Some("none"));
    assert_eq!(auth(0, Method::HEAD).as_deref(), Some("none"));
    assert_eq!(auth(0, Method::POST).as_deref(), Some("admin"));
    assert_eq!((auth(1, Method::GET), auth(2, Method::PUT).as_deref()), (None, Some("off")));
    let [remark] = &catalog.lint()[..] else { panic!("{:?}", catalog.lint()) };
    assert!(remark.starts_with("resources.yaml:4:") && remark.contains("none means that none are sent"), "{remark}");
    let post = catalog.routes().next().unwrap().policies().find(|policy| policy.method() == Method::POST).unwrap();
    assert_eq!(post.summary(), [("auth".to_owned(), "admin".to_owned())]);
}

#[test]
fn i05_ambiguous_scalars_are_pointed_out() {
    assert_eq!(
        full().lint(),
        [
            "resources.yaml:31:43: resources.orders.methods.GET.query.sort.1: \"1.10\" is ambiguous (as a number it \
             loses its last zero); quote it",
            "resources.yaml:31:67: resources.orders.methods.GET.query.filter.state: \"on\" is ambiguous (text here, \
             true or false to a YAML 1.1 reader); quote it",
            "defaults.yaml:4:11: /customers/{customer}/orders.POST.note: \"no\" is ambiguous (text here, true or false \
             to a YAML 1.1 reader); quote it",
        ]
    );
    let resources = "resources: {a: {route: /a}}";
    for plain in ["no", "Yes", "ON", "off", "y", "010", "-007", "1_000", "12:30", "1e3", "1E-3", "1.10", "2.00"] {
        let lint =
            |value: &str| Catalog::from_yaml(resources, &format!("/a: {{POST: {{k: {value}}}}}")).unwrap().lint();
        assert_eq!(lint(plain).len(), 1, "{plain}");
        assert_eq!(lint(&format!("'{plain}'")), [""; 0], "{plain}");
        let key = Catalog::from_yaml(resources, &format!("/a: {{POST: {{{plain}: x}}}}")).unwrap();
        assert_eq!(key.lint().len(), 1, "{plain}");
    }
    for plain in ["yess", "0", "10", "-1", "1.5", "1.0", "~", "true", "text", "1-2", "a:b", "0x1F"] {
        let catalog = Catalog::from_yaml(resources, &format!("/a: {{POST: {{k: {plain}}}}}")).unwrap();
        assert_eq!(catalog.lint(), [""; 0], "{plain}");
    }
}

#[test]
fn m9_children_are_the_literals_and_then_the_variable() {
    let yaml = "resources: {c: {route: '/c/{id}/x'}, z: {route: /c/zz}, p: {route: /c/public}, r: {route: '/{any}'}}";
    let catalog = Catalog::from_yaml(yaml, "").unwrap();
    assert_eq!(catalog.children(node(&catalog, "c")), ["public", "zz", "{id}"]);
    assert_eq!(catalog.children(Node::ROOT), ["c", "{any}"]);
    assert_eq!(catalog.children(node(&catalog, "c/zz")), [""; 0]);
    assert_eq!(catalog.nearest(node(&catalog, "c"), "pubilc"), Some("public"));
    assert_eq!(catalog.nearest(node(&catalog, "c"), "elsewhere"), None);
    assert!(catalog.route_at(node(&catalog, "c")).is_none());
    let template = catalog.route_at(node(&catalog, "c/*/x")).unwrap();
    let parts: Vec<_> = template.segments().collect();
    assert_eq!(parts, [Part::Literal("c"), Part::Variable("id"), Part::Literal("x")]);
    assert_eq!(&**template.shared_template(), "/c/{id}/x");
}

#[test]
fn a_route_without_methods_allows_all() {
    let catalog = Catalog::from_yaml("resources: {a: {route: /a}, b: {route: /b, methods: {HEAD: }}}", "").unwrap();
    let a = catalog.route_at(node(&catalog, "a")).unwrap();
    assert_eq!(a.methods().len(), 7);
    assert!(a.allows(&Method::from_bytes(b"PURGE").unwrap()) && a.needs_actor(&Method::GET));
    let b = catalog.route_at(node(&catalog, "b")).unwrap();
    assert_eq!(b.methods(), ["HEAD", "OPTIONS"]);
    assert_eq!(catalog.api(), "api");
    assert_eq!(catalog.settings().expand, Expand::Underscore);
    assert_eq!((catalog.settings().json_part(), &*catalog.settings().count_header), ("json", "X-Total-Count"));
}

#[test]
fn an_open_catalog_has_no_routes() {
    let catalog = Catalog::open();
    assert!(catalog.is_open() && !full().is_open());
    assert_eq!((catalog.routes().count(), catalog.settings().expand), (0, Expand::Dots));
    assert_eq!(format!("{catalog:?}"), r#"Catalog { api: "open", routes: 0 }"#);
    fn shared<T: Clone + Send + Sync>(_: &T) {}
    shared(&catalog);
}

#[test]
fn i14_ten_thousand_resources_load_and_are_found() {
    let mut resources = String::from("resources:\n");
    let mut defaults = String::new();
    for n in 0..10_000 {
        resources
            .push_str(&format!("  r{n}: {{ route: '/r{n}/{{id}}', methods: {{ POST: {{ operation: op{n} }} }} }}\n"));
        defaults.push_str(&format!("/r{n}/{{id}}: {{ POST: {{ n: {n} }} }}\n"));
    }
    let catalog = Catalog::from_yaml(&resources, &defaults).unwrap();
    for n in (0..10_000).step_by(97) {
        let route = catalog.route_at(node(&catalog, &format!("r{n}/*"))).unwrap();
        assert_eq!(route.name(), format!("r{n}"));
        assert_eq!(route.presets[0].1.json(), format!(r#"{{"n":{n}}}"#));
        assert_eq!(catalog.operation(&format!("op{n}")).unwrap().0.name(), route.name());
    }
    assert_eq!(catalog.nearest(Node::ROOT, "r99999"), Some("r9999"));
    assert!(catalog.literal(Node::ROOT, "r10000").is_none());
}

#[test]
fn i07_errors_are_of_kind_catalog() {
    let error = Catalog::from_yaml("resources: []", "").unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Catalog, "catalogue"));
    assert_eq!(error.to_string(), "resources.yaml:1:12: resources: expected a map, found a list");
}

#[test]
fn what_the_files_say_is_told_by_their_keys() {
    let catalog = Catalog::embedded();
    let told: Vec<_> = catalog.variables().filter(|(_, said)| !said.is_empty()).collect();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(told[0], ("username", vec![pair("aliases", ":me: actor"), pair("fallback", "actor")]));
    assert_eq!(told[1], ("hash", vec![pair("adapt", "sha1"), pair("param", "url")]));
    let text =
        "resources: {a: {route: /a, methods: {GET: {paginate: {by: page, first: 0}, timeout: 2.5, retry: off}}}}";
    let catalog = Catalog::from_yaml(text, "").unwrap();
    let said = catalog.routes().next().unwrap().policies().next().unwrap().summary();
    assert_eq!(said, [pair("timeout", "2.5"), pair("retry", "off"), pair("paginate", "by: page, first: 0")]);
}

#[test]
fn one_file_is_a_catalog_without_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.yaml");
    std::fs::write(&file, "resources: {a: {rout: /a}}").unwrap();
    let error = Catalog::from_file(&file).unwrap_err().to_string();
    assert!(error.contains("r.yaml:1:17: "), "{error}");
    std::fs::write(&file, "resources: {a: {route: /a}}").unwrap();
    assert_eq!(Catalog::from_file(&file).unwrap().routes().count(), 1);
}
