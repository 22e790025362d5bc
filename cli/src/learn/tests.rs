//! What is guessed from which calls; and that it always loads.

use proptest::prelude::*;
use restwalk::http::HeaderMap;

use super::*;

/// `path` as an object, `path[]` as a list, `path?` as neither, all by GET.
fn observed(paths: &str) -> Vec<Observation> {
    let one = |text: &str| {
        let path = text.trim_end_matches(['[', ']', '?']);
        let shape = match &text[path.len()..] {
            "[]" => Shape::List,
            "?" => Shape::Other,
            _ => Shape::Object,
        };
        let segments = path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
        Observation { segments, shape, methods: vec![Method::GET], ..Observation::default() }
    };
    paths.split(' ').map(one).collect()
}

fn templates(paths: &str) -> String {
    let observed = observed(paths);
    let learned = learn(&observed);
    learned.verified(&learned.text("api", None), &observed).unwrap();
    learned.routes.iter().map(|route| route.template.clone()).collect::<Vec<_>>().join(" ")
}

#[test]
fn variables_are_guessed_by_look_by_lists_and_by_difference() {
    for (paths, expected) in [
        ("people[] people/ada people/ada/activities[]", "/people /people/{person} /people/{person}/activities"),
        ("people? people/ada? people/bob?", "/people /people/{person}"),
        ("people/ada?", "/people/ada"),
        ("people/1? people/2/likes?", "/people/{person} /people/{person}/likes"),
        ("people/ada/likes? people/bob/likes?", "/people/{person}/likes"),
        ("people/ada/posts/1? people/bob/posts/2?", "/people/{person}/posts/{post}"),
        ("people/ada/likes? people/bob/flags?", "/people/ada/likes /people/bob/flags"),
        ("contexts[] contexts/public[] contexts/x", "/contexts /contexts/public /contexts/{context}"),
        ("people/ada[] people/bob[]", "/people/ada /people/bob"),
        ("info info/api? info/settings?", "/info /info/api /info/settings"),
        ("api/v1/a? api/v2/a?", "/api/v1/a /api/v2/a"),
        ("people? activities?", "/activities /people"),
        ("people/1/likes? people/1/flags?", "/people/{person}/flags /people/{person}/likes"),
        ("people/{username} people/ada?", "/people/{username}"),
        ("people/{username}/x? people/1?", "/people/{username} /people/{username}/x"),
        ("people/1/people/2?", "/people/{person}/people/{person_2}"),
        ("1/2/3?", "/{id}/{id_2}/{id_3}"),
        ("a\u{e9}? a%b?", "/{id}"),
        ("550e8400-e29b-41d4-a716-446655440000?", "/{id}"),
        ("/ people?", "/ /people"),
    ] {
        assert_eq!(templates(paths), expected, "{paths}");
    }
}

#[test]
fn the_text_says_what_was_learnt_and_why() {
    let mut observed = observed("people[] people/1 people/1/on?");
    observed[0].methods = vec![Method::POST, Method::GET, Method::HEAD, Method::OPTIONS];
    (_, observed[0].pages) = read(b"[]", true);
    observed[0].count_header = Some("x-totalitems".into());
    observed[1].methods = vec![Method::DELETE, Method::GET];
    observed[2].methods = vec![];
    let learned = learn(&observed);
    let text = learned.text("h-example", Some("https://h.example/it's"));
    let expected = "\
api: h-example
base_url: 'https://h.example/it''s'
count_header: 'x-totalitems'

resources:
  people:
    route: /people
    methods:
      GET: { paginate: link }
      POST:

  person:
    # {person} is a guess: its value looks like an identifier
    route: /people/{person}
    methods: [GET, DELETE]

  person_on:
    route: /people/{person}/on
    # No answer said which methods it has; without a list it has all.
";
    assert_eq!(text.lines().skip(2).map(|line| format!("{line}\n")).collect::<String>(), expected);
    let catalog = learned.verified(&text, &observed).unwrap();
    assert_eq!((catalog.count_header(), catalog.lint()), ("x-totalitems", vec![]));
}

#[test]
fn what_readers_may_take_for_no_text_is_quoted() {
    let learned = learn(&observed("no NULL 2024x a:"));
    let text = learned.text("1", None);
    for part in ["\napi: '1'\n", "\n  'no':\n", "\n  'NULL':\n", "\n  '2024x':\n", "\n    route: '/a:'\n"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn nothing_tried_is_an_empty_catalog() {
    let learned = learn(&[]);
    assert_eq!(learned.verified(&learned.text("api", None), &[]).unwrap().routes().count(), 0);
}

#[test]
fn a_count_header_is_known_by_its_name_and_a_number() {
    for (name, value, expected) in [
        ("X-Total-Count", "12", Some("x-total-count")),
        ("X-totalItems", "0", Some("x-totalitems")),
        ("X-WP-Total", "3", Some("x-wp-total")),
        ("X-WP-TotalPages", "3", None),
        ("X-Total-Time", "3", None),
        ("X-Total-Count", "many", None),
        ("Content-Length", "3", None),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(name.parse::<restwalk::http::HeaderName>().unwrap(), value.parse().unwrap());
        assert_eq!(count_header(&headers).as_deref(), expected, "{name}: {value}");
    }
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec!["a", "people", "b", "no", "v1", "{x}", "{id}", "person", "news", "a:b", "~"]),
        1 => prop::sample::select(vec!["1", "22", "0123456789abcdef", "a b", "\u{fc}", "%", "'", "x,y", "1e3", "{"]),
    ]
    .prop_map(str::to_owned)
}

fn observation() -> impl Strategy<Value = Observation> {
    let methods = prop::sample::subsequence(vec![Method::GET, Method::HEAD, Method::PUT, Method::OPTIONS], 0..4);
    let shape = prop::sample::select(vec![Shape::List, Shape::Object, Shape::Other]);
    (prop::collection::vec(segment(), 0..5), methods, shape, any::<bool>()).prop_map(
        |(segments, methods, shape, pages)| Observation {
            segments,
            methods,
            shape,
            pages: read(b"[]", pages).1,
            count_header: None,
        },
    )
}

proptest! {
    #[test]
    fn whatever_was_tried_loads_without_remarks_and_leads_each_path_to_its_route(
        observed in prop::collection::vec(observation(), 0..12)
    ) {
        let learned = learn(&observed);
        let catalog = learned.verified(&learned.text("api", Some("http://h/x")), &observed).unwrap();
        prop_assert_eq!(catalog.lint(), Vec::<String>::new());
        let client = restwalk::Client::of(catalog).build().unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for guess in &learned.routes {
            for number in &guess.from {
                seen.insert(*number);
                let one = &observed[*number];
                if one.is_template() {
                    continue;
                }
                let place = client.path(one.path());
                prop_assert_eq!(place.route().map(|route| route.template()), Some(&*guess.template));
                let methods = place.methods().unwrap();
                prop_assert!(one.methods.iter().all(|method| methods.contains(method)), "{:?} {:?}", methods, one);
            }
        }
        prop_assert_eq!(seen.len(), observed.len());
    }
}
