//! Paths: what may be an item, by every way in which one can be given, compared byte for byte.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use restwalk::{BoxFuture, Catalog, Client, Error, ErrorKind, Outcome, Result, Segment, Transport, WireBody, path};

/// One level with each rule that a variable may have.
const RESOURCES: &str = "
variables:
  name: {}
  hash: { adapt: sha1, param: url }
  lenient: { slash: encode }
  deep: { slash: split }
  literal: { percent: encode, blank: encode }
  who: { aliases: { ':me': actor } }
resources:
  plain: { route: '/plain/{name}', methods: { GET: { operation: plain } } }
  literal_sibling: { route: '/plain/active' }
  hashed: { route: '/hashed/{hash}', methods: { GET: { operation: hashed } } }
  encoded: { route: '/encoded/{lenient}', methods: { GET: { operation: encoded } } }
  split: { route: '/split/{deep}', methods: { GET: { operation: split } } }
  literal: { route: '/literal/{literal}', methods: { GET: { operation: literal } } }
  who: { route: '/who/{who}/things/{name}', methods: { GET: { operation: who } } }
";

/// Records the paths that would reach a server.
#[derive(Debug, Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Transport for Recorder {
    fn exchange(&self, request: http::Request<WireBody>) -> BoxFuture<'_, Result<http::Response<WireBody>>> {
        self.0.lock().unwrap().push(request.uri().to_string());
        Box::pin(async { Ok(http::Response::new(WireBody::empty())) })
    }
}

struct World {
    open: Client,
    declared: Client,
    seen: Recorder,
}

impl World {
    fn new() -> Self {
        let seen = Recorder::default();
        let builder = || Client::builder("https://h/api").actor("ada").transport(seen.clone());
        let catalog = Catalog::from_yaml(RESOURCES, "").unwrap();
        Self { open: builder().build().unwrap(), declared: builder().catalog(catalog).build().unwrap(), seen }
    }

    /// Sends one call and gives the path that arrived under `/api/`, or the refusal, with nothing sent.
    fn outcome(&self, call: restwalk::Call) -> std::result::Result<String, Error> {
        let before = self.seen.0.lock().unwrap().len();
        let sent = call.send_blocking();
        let seen = self.seen.0.lock().unwrap();
        match sent {
            Ok(_) => {
                assert_eq!(seen.len(), before + 1);
                Ok(seen[before].strip_prefix("https://h/api/").expect("the base is kept").to_owned())
            }
            Err(error) => {
                assert_eq!(seen.len(), before, "a refused call sends nothing");
                assert_eq!((error.kind(), error.code()), (ErrorKind::Path, "invalid_input.path"), "{error}");
                assert_eq!(error.outcome(), Outcome::NotSent);
                Err(error)
            }
        }
    }

    /// `value` as an item under `collection`, by every entry point; all of them must agree.
    fn everywhere(&self, collection: &str, value: &str) -> std::result::Result<String, String> {
        let text = format!("{collection}/{}", escape(value));
        let (open, declared) = (&self.open, &self.declared);
        let owned = value.to_owned();
        let mut outcomes = vec![
            declared.res(collection).item(value).get(),
            declared.res(collection).item(&owned).get(),
            declared.path(collection).item(std::borrow::Cow::Borrowed(value)).get(),
            declared.path(&text).get(),
            declared.path(format!("/{text}")).get(),
            match collection {
                "plain" => path!(declared.plain[value]).get(),
                "encoded" => path!(declared.encoded[value]).get(),
                "split" => path!(declared.split[value]).get(),
                "hashed" => path!(declared.hashed[value]).get(),
                _ => path!(declared.literal[value]).get(),
            },
            match collection {
                "split" => declared.call("split").param("deep", value).into_call(),
                "encoded" => declared.call("encoded").param("lenient", value).into_call(),
                "literal" => declared.call("literal").param("literal", value).into_call(),
                "hashed" => declared.call("hashed").param("url", value).into_call(),
                _ => declared.call("plain").param("name", value).into_call(),
            },
        ];
        if collection == "plain" && value != "active" {
            outcomes.extend([
                open.res("plain").item(value).get(),
                open.path(&text).get(),
                path!(open.plain[value]).get(),
            ]);
        }
        let outcomes: Vec<_> =
            outcomes.into_iter().map(|call| self.outcome(call).map_err(|error| error.to_string())).collect();
        for other in &outcomes {
            assert_eq!(other.is_ok(), outcomes[0].is_ok(), "{value:?}: {outcomes:#?}");
            if other.is_ok() {
                assert_eq!(*other, outcomes[0], "{value:?}");
            }
        }
        outcomes.into_iter().next().unwrap()
    }
}

/// Every byte escaped, so that a path string decodes to exactly `value`.
fn escape(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn refused(collection: &str, values: &[&str], why: &str) {
    let world = World::new();
    for value in values {
        let error = world.everywhere(collection, value).expect_err(&format!("{value:?} is refused"));
        assert!(error.contains(why) || value.is_empty(), "{value:?}: {error}");
    }
}

fn sent(collection: &str, table: &[(&str, &str)]) {
    let world = World::new();
    for (value, expected) in table {
        assert_eq!(world.everywhere(collection, value), Ok(format!("{collection}/{expected}")), "{value:?}");
    }
}

#[test]
fn p01_dot_dot_is_refused() {
    refused("plain", &[".."], "dot segment");
    refused("encoded", &["..", "a/..", "../a", "a/../b"], "dot segment");
    refused("split", &["..", "a/..", "../a"], "dot segment");
    refused("literal", &[".."], "dot segment");
}

#[test]
fn p02_a_single_dot_is_refused() {
    refused("plain", &["."], "dot segment");
    refused("split", &[".", "a/./b"], "dot segment");
}

#[test]
fn p03_escaped_dots_are_refused_unless_percent_is_literal() {
    refused("plain", &["%2e%2e", "%2E.", ".%2e", "%2e"], "dot segment");
    sent("literal", &[("%2e%2e", "%252e%252e"), (".%2e", ".%252e")]);
}

#[test]
fn p04_control_characters_are_refused() {
    for collection in ["plain", "encoded", "split", "literal"] {
        refused(collection, &[".\t.", ".\n.", ".\r.", "a\tb"], "control character");
    }
}

#[test]
fn p05_an_empty_item_is_refused() {
    refused("plain", &[""], "empty");
    refused("literal", &[""], "empty");
    refused("hashed", &[""], "empty");
    let world = World::new();
    for path in ["plain/", "plain//", "plain//x", "//plain"] {
        assert!(world.outcome(world.open.path(path).delete()).is_err(), "{path}");
    }
}

#[test]
fn p06_a_blank_item_is_refused_unless_allowed() {
    refused("plain", &[" ", "  ", "\u{a0}", "\u{3000}"], "empty");
    refused("hashed", &[" "], "empty");
    sent("literal", &[(" ", "%20"), ("  ", "%20%20")]);
}

#[test]
fn p07_dots_inside_a_name_are_kept() {
    let table = [("...", "..."), ("..a", "..a"), ("a..b", "a..b"), ("file..json", "file..json"), (".env", ".env")];
    sent("plain", &table);
}

#[test]
fn p08_dots_escaped_several_times_are_refused() {
    refused("plain", &["%252e%252e", "%25252e%25252e", "%252e.", "%25252E%2e"], "dot segment");
    sent("plain", &[("%2525252e%2525252e", "%252525252e%252525252e")]);
}

#[test]
fn p09_escaped_slashes_are_refused() {
    refused("plain", &["..%2f..", "%2e%2e%2fusers", "a%2fb", "a%2Fb", "a%252fb"], "slash");
    refused("plain", &["..%5c", "a%5Cb", "a%255cb"], "backslash");
    refused("encoded", &["a%2fb", "a/b%2f.."], "slash");
    refused("split", &["a%2fb"], "slash");
}

#[test]
fn p10_a_slash_is_refused_unless_the_variable_says_otherwise() {
    refused("plain", &["a/b"], "slash: encode");
    sent("encoded", &[("a/b", "a%2Fb"), ("a/b/c", "a%2Fb%2Fc")]);
    sent("split", &[("a/b", "a/b"), ("a/b c/d", "a/b%20c/d"), ("a", "a")]);
}

#[test]
fn p11_an_empty_part_is_refused_under_any_rule() {
    for collection in ["encoded", "split"] {
        refused(collection, &["a//b", "/a", "a/", "/"], "a part of it is empty");
    }
}

#[test]
fn p12_a_backslash_is_refused_under_any_rule() {
    for collection in ["plain", "encoded", "split", "literal"] {
        refused(collection, &["a\\b", "..\\x", "\\"], "backslash");
    }
}

#[test]
fn p13_delimiters_are_encoded_and_dots_with_parameters_refused() {
    sent("plain", &[("x?_HttpMethod=PATCH", "x%3F_HttpMethod%3DPATCH"), ("x#f", "x%23f"), ("x;v=1", "x%3Bv%3D1")]);
    refused("plain", &["..;", "..;x=1", ".;", "%2e%2e;"], "dot segment");
}

#[test]
fn p14_control_characters_of_every_kind_are_refused() {
    refused(
        "plain",
        &["a\r\nX: y", "\0", "a\0b", "\x7f", "a\u{85}", "a\u{9b}b", "%00", "%0d%0a", "%7f", "%C2%85"],
        "control character",
    );
}

#[test]
fn p15_unicode_is_encoded_and_never_normalized() {
    sent(
        "plain",
        &[
            ("é", "%C3%A9"),
            ("e\u{301}", "e%CC%81"),
            ("日本", "%E6%97%A5%E6%9C%AC"),
            ("\u{202e}x", "%E2%80%AEx"),
            ("\u{ad}", "%C2%AD"),
        ],
    );
}

#[test]
fn p16_space_plus_and_percent_are_encoded() {
    sent("plain", &[("a b", "a%20b"), ("a+b", "a%2Bb"), ("100%", "100%25"), ("%zz", "%25zz"), ("a%20b", "a%2520b")]);
}

#[test]
fn p17_every_reserved_character_is_encoded() {
    sent(
        "plain",
        &[
            ("*", "%2A"),
            (":", "%3A"),
            ("@", "%40"),
            ("!$&'()", "%21%24%26%27%28%29"),
            (",=[]|^`<>\"{}", "%2C%3D%5B%5D%7C%5E%60%3C%3E%22%7B%7D"),
            ("-._~aZ09", "-._~aZ09"),
        ],
    );
}

#[test]
fn p18_lengths_are_bounded_and_named() {
    let world = World::new();
    refused("plain", &[&"a".repeat(1_025), &"é".repeat(513)], "longer than 1024 bytes");
    assert!(world.everywhere("plain", &"a".repeat(1_024)).is_ok());
    let long = (0..8).fold(world.open.path("x"), |place, _| place.item("a".repeat(1_000)));
    assert!(world.outcome(long.get()).unwrap_err().to_string().contains("8000 bytes"));
    let error = world.outcome(world.open.path("a/".repeat(65_535)).get()).unwrap_err();
    assert!(error.to_string().contains("64 segments"), "{error}");
}

#[test]
fn p19_a_path_has_at_most_64_segments() {
    let world = World::new();
    let deep = |count: usize| (0..count).fold(world.open.path(""), |place, n| place.item(n));
    assert!(world.outcome(deep(64).get()).is_ok());
    for count in [65, 10_000] {
        assert!(world.outcome(deep(count).get()).unwrap_err().to_string().contains("64 segments"));
    }
}

#[test]
fn p20_an_absolute_url_is_no_item() {
    refused("plain", &["https://evil/", "//evil/x"], "slash");
}

#[test]
fn p21_backslash_hosts_are_no_item() {
    refused("plain", &["\\\\evil\\x"], "backslash");
    refused("plain", &["/\\evil"], "slash");
}

#[test]
fn p22_a_scheme_is_one_encoded_segment() {
    sent("plain", &[("http:evil", "http%3Aevil"), ("javascript:alert(1)", "javascript%3Aalert%281%29")]);
}

#[test]
fn p23_blanks_before_a_host_are_refused() {
    refused("plain", &[" //evil"], "slash");
    refused("plain", &["\t//evil"], "");
}

#[test]
fn p24_all_entry_points_agree() {
    // `everywhere` compares them; this is the rest of the table: what a literal sibling does.
    let world = World::new();
    for call in [
        world.declared.res("plain").item("active").get(),
        path!((world.declared).plain["active"]).get(),
        world.declared.call("plain").param("name", "active").into_call(),
    ] {
        assert!(world.outcome(call).unwrap_err().to_string().contains(".res("));
    }
    assert_eq!(world.outcome(world.declared.path("plain/active").get()).unwrap(), "plain/active");
}

#[test]
fn p26_braces_are_never_expanded_again() {
    let table = [("a{other}b", "a%7Bother%7Db"), ("{{", "%7B%7B"), ("}{", "%7D%7B")];
    sent("plain", &table);
    let world = World::new();
    assert_eq!(world.outcome(world.declared.res("plain").item("{name}").get()).unwrap(), "plain/%7Bname%7D");
}

#[test]
fn p27_a_missing_or_unknown_variable_is_named() {
    let world = World::new();
    for (call, why) in [
        (world.declared.call("plain").into_call(), "plain needs {name}"),
        (world.declared.call("plain").param("nmae", 1).into_call(), "no path parameter \"nmae\"; it has name"),
        (world.declared.path("plain/{name}").get(), "{name} has no value"),
        (world.declared.call("plian").into_call(), "did you mean \"plain\"?"),
    ] {
        let error = world.outcome(call).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn p27_what_is_no_variable_is_an_item() {
    let world = World::new();
    for (call, expected) in [
        (world.declared.path("plain/{x").get(), "plain/%7Bx"),
        (world.declared.path("plain/x}").get(), "plain/x%7D"),
        (world.open.path("{x}").get(), "%7Bx%7D"),
    ] {
        assert_eq!(world.outcome(call).unwrap(), expected);
    }
}

#[test]
fn p28_integers_are_exact() {
    let world = World::new();
    let plain = world.declared.res("plain");
    for (place, expected) in [
        (plain.item(i64::MIN), "-9223372036854775808"),
        (plain.item(u64::MAX), "18446744073709551615"),
        (plain.item(u128::MAX), "340282366920938463463374607431768211455"),
        (plain.item(0_u8), "0"),
        (plain.item(String::from("7")), "7"),
    ] {
        assert_eq!(world.outcome(place.get()).unwrap(), format!("plain/{expected}"));
    }
}

#[test]
fn p29_options_floats_and_booleans_are_no_items() {
    static_assertions::assert_not_impl_any!(Option<&'static str>: Segment);
    static_assertions::assert_not_impl_any!(Option<u64>: Segment);
    static_assertions::assert_not_impl_any!(f64: Segment);
    static_assertions::assert_not_impl_any!(f32: Segment);
    static_assertions::assert_not_impl_any!(bool: Segment);
    static_assertions::assert_not_impl_any!((): Segment);
    static_assertions::assert_not_impl_any!(serde_json::Value: Segment);
    static_assertions::assert_impl_all!(&'static str: Segment);
}

#[test]
fn p39_a_long_climb_is_refused_at_once() {
    let started = std::time::Instant::now();
    refused("plain", &[&"../".repeat(100_000)], "longer than 1024 bytes");
    // Ten entry points; a quadratic check would take minutes.
    assert!(started.elapsed().as_secs() < 2);
}

#[test]
fn p43_templates_claim_no_more_than_names() {
    for route in ["/a/{+x}", "/a/{x*}", "/a/{?x}", "/a/{x:3}", "/a/{x,y}", "/a/{#x}", "/a/{}", "/a/{x", "/a/x}"] {
        let resources = format!("resources: {{ a: {{ route: '{route}' }} }}");
        assert_eq!(Catalog::from_yaml(&resources, "").unwrap_err().kind(), ErrorKind::Catalog, "{route}");
    }
}

#[test]
fn m6_aliases_and_adapters_come_before_the_check() {
    sent(
        "hashed",
        &[
            ("http://atenea.upc.edu", "e6847aed3105e85ae603c56eb2790ce85e212997"),
            ("e6847aed3105e85ae603c56eb2790ce85e212997", "e6847aed3105e85ae603c56eb2790ce85e212997"),
            ("../..", "626ac4c063e44f121350152fc5da421fbd895b65"),
            // Upper case and short hex are no digest.
            ("E6847AED3105E85AE603C56EB2790CE85E212997", "e2b851226fec91eded39aaabcfac03a4a23c80d1"),
            ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ],
    );
    let world = World::new();
    let me = |client: &Client| world.outcome(client.res("who").item(":me").res("things").item(1).get());
    assert_eq!(me(&world.declared).unwrap(), "who/ada/things/1");
    assert_eq!(me(&world.declared.with_actor("b c")).unwrap(), "who/b%20c/things/1");
    assert!(me(&world.declared.with_actor("..")).is_err());
    let nobody = Client::builder("https://h/api")
        .catalog(Catalog::from_yaml(RESOURCES, "").unwrap())
        .transport(world.seen.clone())
        .build()
        .unwrap();
    assert!(me(&nobody).unwrap_err().to_string().contains(".actor("));
}

#[test]
fn m4_a_misspelt_segment_is_refused_with_the_nearest_name() {
    let builder = Client::builder("https://h").catalog(Catalog::embedded());
    let client = builder.transport(Recorder::default()).build().unwrap();
    for (call, expected) in [
        (client.res("peopel").get(), r#"no resource "peopel" under /; did you mean "people"?"#),
        (
            client.path("people/ada/activites").get(),
            r#"no resource "activites" under /people/{username}; did you mean "activities"?"#,
        ),
        (
            client.res("people").item("ada").patch(),
            "PATCH is not declared for /people/{username}; it has GET, POST, PUT, DELETE",
        ),
        (
            client.path("people/..").delete(),
            "\"..\" cannot be a path item: it is a dot segment, which servers and URL parsers fold away",
        ),
    ] {
        assert_eq!(call.build().unwrap_err().to_string(), expected);
    }
    let error = client.path("people/ada/conversations").get().build().unwrap_err().to_string();
    assert_eq!(error, "/people/{username}/conversations is no resource of its own; there is {id}");
}

#[test]
fn m4_a_message_says_what_may_follow() {
    let World { declared, .. } = World::new();
    for (call, expected) in [
        (
            declared.path("who/me/things/1/zzz").get(),
            r#"no resource "zzz" under /who/{who}/things/{name}; nothing follows there"#,
        ),
        (declared.res("plain").res("x").get(), r#"no resource "x" under /plain; {name} is given with .item(..)"#),
        (
            declared.res("who").item("me").item("x").get(),
            r#"there is no item under /who/{who}, so "x" cannot be one; there is things"#,
        ),
        (
            declared.res("who").item("me").item("things").get(),
            r#"there is no item under /who/{who}, so "things" cannot be one; step into it with .res(..)"#,
        ),
    ] {
        assert_eq!(call.build().unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_call_is_printed_with_its_path() {
    let call = World::new().declared.path("plain/a b").get();
    assert!(format!("{call:?}").contains("path: /plain/a%20b"), "{call:?}");
}

#[test]
fn a_path_string_is_decoded_once() {
    let world = World::new();
    assert_eq!(world.outcome(world.open.path("a%20b/%C3%A9").get()).unwrap(), "a%20b/%C3%A9");
    for (path, why) in
        [("a%zz", "%25"), ("a%", "%25"), ("%ff", "UTF-8"), ("a?b", ".query("), ("a#b", "'#'"), ("a%2Fb", "slash")]
    {
        let error = world.outcome(world.open.path(path).get()).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(world.outcome(world.open.path("").get()).unwrap(), "");
    assert_eq!(world.outcome(world.open.path("/").get()).unwrap(), "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Whatever is accepted arrives as what it was: same origin, same number of segments, each decoding to its item.
    #[test]
    fn p45_what_is_accepted_arrives_as_it_was(items in proptest::collection::vec(item(), 0..6)) {
        let client = Client::builder("https://h:8443/api/v1").transport(Recorder::default()).build().unwrap();
        let place = items.iter().fold(client.path(""), |place, item| place.item(item));
        let Ok(url) = place.url() else { return Ok(()) };
        let parsed = url::Url::parse(&url).unwrap();
        prop_assert_eq!(parsed.as_str(), &url, "the parser changes nothing");
        prop_assert_eq!(parsed.origin().ascii_serialization(), "https://h:8443");
        let segments: Vec<_> = parsed.path_segments().unwrap().collect();
        if items.is_empty() {
            prop_assert_eq!(segments, ["api", "v1", ""]);
        } else {
            prop_assert_eq!(segments.len(), items.len() + 2);
            for (segment, item) in segments[2..].iter().zip(&items) {
                let decoded = percent_decode(segment);
                prop_assert_eq!(&decoded, item);
            }
        }
    }
}

/// Items that are likely to be trouble.
fn item() -> impl Strategy<Value = String> {
    prop_oneof!["[./%2eEfF5cC;\\\\]{0,8}", "\\PC{0,12}", any::<String>(), "[a-z]{1,5}",]
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            out.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(out).unwrap()
}
